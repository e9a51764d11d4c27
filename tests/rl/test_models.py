"""Model worlds: their optimum is what theory says, and their simulation has the value that is computed."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from scipy.integrate import solve_ivp

from agents.rl import MarketEnv, MarketVectorEnv, RewardSettings
from agents.rl.evaluation import evaluate, interval
from agents.rl.models.execution import ExecutionModel, ExecutionModelBatch
from agents.rl.models.glft import glft_matrix, optimal_distances, stationary_distances
from agents.rl.models.market_making import (
    MakerModel,
    MakerModelBatch,
    best_policy,
    menu_distances,
    policy_observations,
    value_of,
)
from lob.errors import InputError

SMALL = MakerModel(duration_s=1.0, step_s=0.02, max_quotes=5, fill_rate_per_s=40.0)
PENALTY = RewardSettings(phi_per_s=2.0, alpha=0.5)
GLFT: dict[str, Any] = {"gamma": 0.1, "k": 1.5, "fill_rate": 140.0, "sigma": 2.0, "max_quotes": 20}


def table_policy(entries: Any) -> Any:
    """Choose from a table (steps, inventories)."""

    def choose(observations: Any, facts: Any) -> Any:
        step = np.rint((1.0 - observations[:, 0]) * SMALL.n_steps).astype(int)
        row = np.rint(observations[:, 1] * SMALL.max_quotes).astype(int) + SMALL.max_quotes
        return entries[step, row][:, None]

    return choose


def test_model_worlds_are_proper_environments() -> None:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*alternative render modes.*")
        for batch in (MakerModelBatch(), MakerModelBatch(continuous=True), ExecutionModelBatch()):
            check_env(MarketEnv(batch))
    with pytest.raises(InputError, match="has 2 worlds"):
        MarketEnv(MakerModelBatch(2))
    with pytest.raises(InputError, match="reward: given beside a batch"):
        MarketEnv(MakerModelBatch(), reward="pnl")


def test_glft_quotes_solve_the_differential_equation_of_their_value_function() -> None:
    # An independent way: the Hamilton-Jacobi-Bellman equation itself, for the certainty equivalent theta_q(t), whose
    # optimal distance is delta = difference + ln(1 + gamma / k) / gamma (Gueant et al. 2013, proposition 1).
    gamma, k, a, sigma, most = GLFT["gamma"], GLFT["k"], GLFT["fill_rate"], GLFT["sigma"], GLFT["max_quotes"]
    q, base = np.arange(-most, most + 1.0), np.log1p(gamma / k) / gamma
    left_s = 0.5

    def gain(difference: Any) -> Any:
        """max over delta of A exp(-k delta) (1 - exp(-gamma (delta - difference))) / gamma."""
        delta = difference + base
        return a * np.exp(-k * delta) * (1.0 - np.exp(-gamma * (delta - difference))) / gamma

    def slope(_: float, theta: Any) -> Any:
        found = -0.5 * gamma * sigma**2 * q**2
        found[:-1] += gain(theta[:-1] - theta[1:])
        found[1:] += gain(theta[1:] - theta[:-1])
        return found

    solved = solve_ivp(slope, (0.0, left_s), np.zeros(len(q)), method="LSODA", rtol=1e-11, atol=1e-12)
    theta = solved.y[:, -1]
    bid, ask = optimal_distances(**GLFT, left_s=left_s)
    np.testing.assert_allclose(bid[:-1], theta[:-1] - theta[1:] + base, atol=1e-6)
    np.testing.assert_allclose(ask[1:], theta[1:] - theta[:-1] + base, atol=1e-6)
    assert np.isinf(bid[-1]) and np.isinf(ask[0])


def test_far_from_the_end_glft_quotes_are_those_of_the_lowest_eigenvector_and_near_the_closed_form() -> None:
    far, limit = optimal_distances(**GLFT, left_s=60.0), stationary_distances(**GLFT)
    for a, b in zip(far, limit, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)
    gamma, k = GLFT["gamma"], GLFT["k"]
    c = np.sqrt(GLFT["sigma"] ** 2 * gamma / (2 * k * GLFT["fill_rate"]) * (1 + gamma / k) ** (1 + k / gamma))
    middle = np.arange(15, 26)
    closed = np.log1p(gamma / k) / gamma + (2 * (middle - 20) + 1) / 2 * c
    np.testing.assert_allclose(limit[0][middle], closed, atol=0.02)
    with pytest.raises(InputError, match="gamma = 0"):
        glft_matrix(0.0, 1.0, 1.0, 1.0, 3)


def test_the_simulation_has_the_value_that_dynamic_programming_computes() -> None:
    best, entries = best_policy(SMALL, PENALTY)
    found = evaluate(MakerModelBatch(500, SMALL, reward_settings=PENALTY), table_policy(entries), range(4000))
    mean, low, high = interval(found.returns, 0.999)
    assert low < best < high and high - low < 0.1 * abs(mean)
    rng = np.random.default_rng(1)
    other = rng.integers(17, size=entries.shape)
    exact = value_of(SMALL, np.eye(17)[other], PENALTY)
    found = evaluate(MakerModelBatch(500, SMALL, reward_settings=PENALTY), table_policy(other), range(4000))
    _, low, high = interval(found.returns, 0.999)
    assert low < exact < high < best


def test_the_risk_averse_value_is_the_certainty_equivalent_of_the_simulated_profit() -> None:
    aversion = 2.0
    best, entries = best_policy(SMALL, risk_aversion=aversion)
    found = evaluate(MakerModelBatch(500, SMALL, "pnl"), table_policy(entries), range(6000))
    _, low, high = interval(np.exp(-aversion * found.returns), 0.999)
    assert -np.log(high) / aversion < best < -np.log(low) / aversion
    neutral, _ = best_policy(SMALL, RewardSettings(phi_per_s=0.0, alpha=0.0))
    assert best < neutral


def test_next_to_no_risk_aversion_is_none_in_every_model() -> None:
    """exp(-x) - 1 and log(1 + x) of a tiny x; with 1 rounded away values were 0, or nothing at all."""
    neutral = RewardSettings(phi_per_s=0.0, alpha=0.0)
    plain, entries = best_policy(SMALL, neutral)
    assert best_policy(SMALL, risk_aversion=1e-18)[0] == pytest.approx(plain, rel=1e-9)
    found = value_of(SMALL, np.eye(17)[entries], risk_aversion=1e-18)
    assert found == pytest.approx(plain, rel=1e-9)
    rates = np.diag(glft_matrix(1e-18, 1.5, 20.0, 2.0, 3), 1)
    assert rates == pytest.approx(-20.0 / np.e, rel=1e-12)
    even = ExecutionModel(risk_aversion=0.0).best_holdings()
    assert ExecutionModel(risk_aversion=1e-40).best_holdings() == pytest.approx(even, abs=1e-3)


def test_no_policy_of_the_menu_is_better_than_the_best() -> None:
    best, entries = best_policy(SMALL, PENALTY)
    assert value_of(SMALL, np.eye(17)[entries], PENALTY) == pytest.approx(best, rel=1e-12)
    rng = np.random.default_rng(2)
    for _ in range(20):
        changed = entries.copy()
        changed[rng.integers(SMALL.n_steps), rng.integers(11)] = rng.integers(17)
        assert value_of(SMALL, np.eye(17)[changed], PENALTY) <= best + 1e-12


def test_fine_steps_and_a_fine_menu_lead_to_the_value_of_glft() -> None:
    # With the exact optimal distances as its menu, the discrete model's certainty equivalent tends to GLFT's, w^(...).
    gamma, model = 0.5, MakerModel(duration_s=0.5, step_s=0.001, max_quotes=3, fill_rate_per_s=20.0, k_per_tick=1.5)
    from scipy.linalg import expm

    matrix = glft_matrix(gamma, 1.5, 20.0, 2.0, 3)
    w = expm(-matrix * 0.5) @ np.ones(7)
    exact = np.log(w[3]) / 1.5
    from agents.rl.models import market_making

    menu = menu_distances(1.0)
    grid = np.linspace(0.0, 2.5, 40)
    fine = np.array([(b, a) for b in grid for a in grid])
    assert len(menu) == 17
    # Rewards are in units of price scale x largest inventory, so the aversion per unit is gamma x 3.
    value, _ = market_making._sweep(model, PENALTY, fine, gamma * 3.0, None)
    assert value[3] * 3.0 == pytest.approx(exact, rel=0.01)


def test_almgren_and_chriss_holdings_are_those_of_the_paper_and_the_best() -> None:
    model = ExecutionModel()
    best = model.best_holdings()
    np.testing.assert_allclose(best[1:5], [541_956, 289_854, 147_897, 62_142], atol=1.0)
    rng = np.random.default_rng(1)
    for _ in range(50):
        other = best.copy()
        other[1:5] += rng.normal(size=4) * 1e4
        assert model.value_of(other) < model.value_of(best)
    even = ExecutionModel(risk_aversion=0.0)
    unit = even.scale * even.quantity
    assert -even.value_of(np.linspace(1e6, 0, 6)) * unit == pytest.approx(662_500)


def test_the_execution_world_pays_what_the_formula_says() -> None:
    model = ExecutionModel()
    batch, best = ExecutionModelBatch(200, model), model.best_holdings()

    def choose(observations: Any, facts: Any) -> Any:
        k = np.rint((1.0 - observations[:, 0]) * 5).astype(int)
        return (2.0 * (1.0 - best[np.minimum(k + 1, 5)] / best[k]) - 1.0)[:, None]

    found = evaluate(batch, choose, range(4000))
    _, low, high = interval(found.returns, 0.999)
    assert low < model.value_of(best) < high
    assert (np.abs(found.facts[:, 2]) < 1e-6).all()


def test_observations_of_the_policy_table_are_those_of_the_world() -> None:
    envs = MarketVectorEnv(MakerModelBatch(4, SMALL, reward_settings=PENALTY), 4)
    observations, _ = envs.reset(seed=1)
    table = policy_observations(SMALL)
    for t in range(30):
        rows = np.rint(observations[:, 1] * SMALL.max_quotes).astype(int) + SMALL.max_quotes
        np.testing.assert_allclose(observations, table[t, rows], atol=1e-6)
        observations, *_ = envs.step(np.zeros(4, int))


@pytest.mark.parametrize("bad", [{"k_per_tick": 0.0}, {"max_quotes": 0}, {"step_s": -1.0}])
def test_a_wrong_number_of_the_model_is_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="allowed"):
        MakerModel(**bad)
