"""Each reward against its formula, written out step by step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agents.rl import REWARDS, MarketEnv, RewardSettings
from agents.rl._stepping import FACT, N_FACTS
from agents.rl.rewards import Rewards
from lob.errors import InputError
from tests.rl.worlds import factory

SCALE, LARGEST, GOAL = 2.0, 50.0, 100.0
UNIT = SCALE * LARGEST


def path(seed: int, n: int = 30) -> Any:
    """Facts of a made-up episode that ends at the goal, shape (n, N_FACTS)."""
    rng = np.random.default_rng(seed)
    facts = np.zeros((n, N_FACTS))
    facts[:, FACT.time_s] = 10.0 + 2.0 * np.arange(n)
    facts[:, FACT.mid_ticks] = 100.0 + np.cumsum(rng.normal(size=n))
    facts[1:, FACT.position_lots] = np.cumsum(rng.integers(0, max(2, 2 * int(GOAL) // n), n - 1))
    facts[-1, FACT.position_lots] = GOAL
    paid = np.diff(facts[:, FACT.position_lots]) * (facts[1:, FACT.mid_ticks] + rng.normal(size=n - 1))
    facts[1:, FACT.cash_ticks] = -np.cumsum(paid)
    return facts


def rewards_of(name: str, facts: Any, **numbers: float) -> Any:
    """Rewards, profits and penalties of each step, shape (n - 1, 3)."""
    reward = Rewards(name, 1, price_scale_ticks=SCALE, largest_lots=LARGEST, goal_lots=GOAL,
                     settings=RewardSettings(**numbers))  # fmt: skip
    last = len(facts) - 2
    return np.array(
        [reward(facts[t][None], facts[t + 1][None], np.array([t == last]))[0].copy() for t in range(len(facts) - 1)]
    )


def wealth(facts: Any) -> Any:
    return facts[:, FACT.cash_ticks] + facts[:, FACT.position_lots] * facts[:, FACT.mid_ticks]


@pytest.mark.parametrize("seed", range(5))
def test_profit_is_the_change_of_wealth(seed: int) -> None:
    facts = path(seed)
    np.testing.assert_allclose(rewards_of("pnl", facts)[:, 0], np.diff(wealth(facts)) / UNIT)


@pytest.mark.parametrize("seed", range(5))
def test_shortfall_sums_to_what_fills_cost_above_the_arrival_price(seed: int) -> None:
    facts = path(seed)
    cost = -(facts[-1, FACT.cash_ticks] - facts[0, FACT.cash_ticks]) - GOAL * facts[0, FACT.mid_ticks]
    assert rewards_of("implementation_shortfall", facts)[:, 0].sum() == pytest.approx(-cost / UNIT)
    short = facts.copy()
    short[-1, FACT.position_lots] -= 7.0
    left = 7.0 * (facts[-1, FACT.mid_ticks] + 3.0 * SCALE) - 7.0 * facts[-1, FACT.mid_ticks]
    more = rewards_of("implementation_shortfall", short, leftover_scales=3.0)[:, 0].sum()
    assert more == pytest.approx((-cost - 7.0 * facts[-1, FACT.mid_ticks] - left) / UNIT)


@pytest.mark.parametrize("seed", range(5))
def test_inventory_costs_phi_q_squared_and_alpha_at_the_end(seed: int) -> None:
    facts = path(seed)
    q = facts[:, FACT.position_lots] / LARGEST
    expected = np.diff(wealth(facts)) / UNIT - 0.3 * q[:-1] ** 2 * 2.0
    expected[-1] -= 0.7 * q[-1] ** 2
    np.testing.assert_allclose(rewards_of("inventory_penalised", facts, phi_per_s=0.3, alpha=0.7)[:, 0], expected)


@pytest.mark.parametrize("seed", range(5))
def test_asymmetric_damping_takes_part_of_inventory_gains_and_none_of_losses(seed: int) -> None:
    facts = path(seed)
    carried = facts[:-1, FACT.position_lots] * np.diff(facts[:, FACT.mid_ticks]) / UNIT
    expected = np.diff(wealth(facts)) / UNIT - np.maximum(0.0, 0.25 * carried)
    np.testing.assert_allclose(rewards_of("asymmetric", facts, damping=0.25)[:, 0], expected)


def test_differential_sharpe_is_the_derivative_of_the_moving_ratio() -> None:
    facts, weight = path(3, 200), 1e-5
    profit = np.diff(wealth(facts)) / UNIT
    found = rewards_of("differential_sharpe", facts, sharpe_weight=0.05)[:, 0]
    mean = square = 0.0
    for t, r in enumerate(profit):
        if t > 20:

            def ratio(eta: float, mean: float = mean, square: float = square, r: float = r) -> float:
                a, b = mean + eta * (r - mean), square + eta * (r * r - square)
                return a / np.sqrt(b - a * a)

            slope = (ratio(weight) - ratio(-weight)) / (2 * weight)
            assert found[t] == pytest.approx(np.clip(slope, -10, 10), rel=1e-4, abs=1e-6)
        mean, square = mean + 0.05 * (r - mean), square + 0.05 * (r * r - square)


def test_exponential_utility_sums_to_the_utility_of_the_whole_profit() -> None:
    facts = path(4)
    profit = (wealth(facts)[-1] - wealth(facts)[0]) / UNIT
    total = rewards_of("exponential_utility", facts, risk_aversion=1.5)[:, 0].sum()
    assert total == pytest.approx((1.0 - np.exp(-1.5 * profit)) / 1.5)


def test_next_to_no_aversion_to_risk_is_the_profit_itself() -> None:
    facts = path(4)
    profit = (wealth(facts)[-1] - wealth(facts)[0]) / UNIT
    total = rewards_of("exponential_utility", facts, risk_aversion=1e-18)[:, 0].sum()
    assert total == pytest.approx(profit) and profit != 0.0


@pytest.mark.parametrize("name", sorted(REWARDS))
def test_components_add_up_in_a_market_and_follow_its_accounts(name: str, tmp_path: Path) -> None:
    env = MarketEnv(factory(tmp_path, "market_making"), reward=name)
    _, info = env.reset(seed=2)
    env.action_space.seed(1)
    over, pnl = False, 0.0
    while not over:
        _, reward, over, _, info = env.step(env.action_space.sample())
        assert reward == pytest.approx(info["pnl"] - info["penalty"], abs=1e-9)
        pnl += info["pnl"]
    assert pnl * 4.0 * 40 == pytest.approx(info["cash_ticks"] + info["position_lots"] * info["mid_ticks"], abs=1e-6)


@pytest.mark.parametrize(
    "bad", [{"phi_per_s": -1.0}, {"alpha": float("nan")}, {"sharpe_weight": 2.0}, {"risk_aversion": 0.0}]
)
def test_a_wrong_number_is_refused(bad: dict[str, float]) -> None:
    with pytest.raises(InputError, match="allowed"):
        RewardSettings(**bad)
