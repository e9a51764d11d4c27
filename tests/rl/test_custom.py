"""A user's own reward, observation, task and latency, and traders that ask a panel, inside environments."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest

from agents.rl import FEATURES, MarketEnv, MarketVectorEnv
from agents.rl._stepping import FACT
from lob.errors import InputError, RunError
from lob.types import EventKind
from scenarios.build.market import build_market
from scenarios.environments import MarketFactory, make_env, make_parallel_env, make_vector_env
from tests.rl.worlds import AGENT, SIZES, factory, random_network, scenario_with, written

MODULE = '''
import dataclasses
import numpy as np
from agents.rl import find_task

SETTINGS = 3

def inventory_cost(before, after, over):
    return (after["cash_ticks"] - before["cash_ticks"]) / 100 - 0.5 * np.abs(after["position_lots"])

def bad_shape(before, after, over):
    return 1.0

def breaks(before, after, over):
    return after["cash_ticks"] / missing

class Growing:
    """Pays 1, 2, 3, ... in each episode."""
    def __init__(self):
        self.n = np.zeros(8)
    def reset(self, which):
        self.n[which] = 0
    def __call__(self, before, after, over):
        self.n[: len(over)] += 1
        return self.n[: len(over)].copy()

def squares(features, facts):
    return np.stack([features["inventory"] ** 2, 1.0 / features["spread"], facts["volume_lots"]], axis=1)

def empty(features, facts):
    return np.zeros((len(features), 0))

TASK = dataclasses.replace(find_task("directional"), name="own", reward="differential_sharpe")
'''


@pytest.fixture
def options(tmp_path: Path) -> dict[str, Any]:
    (tmp_path / "my_rl_parts.py").write_text(MODULE)
    return {"scenario": written(tmp_path), "task": "directional", "settings": {**AGENT, **SIZES["directional"]}}


def test_a_reward_of_ones_own_is_paid_and_told_apart_from_the_profit(options: dict[str, Any]) -> None:
    env = make_env(**options, reward="my_rl_parts:inventory_cost")
    env.reset(seed=2)
    before = env.batch.facts[0, 0].copy()
    for action in (2, 2, 0, 1, 2):
        _, reward, _, _, info = env.step(action)
        after = env.batch.facts[0, 0].copy()
        assert reward == pytest.approx(
            (after[FACT.cash_ticks] - before[FACT.cash_ticks]) / 100 - 0.5 * abs(after[FACT.position_lots])
        )
        gain = (
            after[FACT.cash_ticks]
            - before[FACT.cash_ticks]
            + after[FACT.position_lots] * after[FACT.mid_ticks]
            - before[FACT.position_lots] * before[FACT.mid_ticks]
        )
        assert info["pnl"] == pytest.approx(gain / (4.0 * 10)) and info["penalty"] == info["pnl"] - reward
        before = after


def test_a_reward_that_remembers_begins_each_episode_anew(options: dict[str, Any]) -> None:
    options["settings"]["duration_s"] = 6.0
    envs = make_vector_env(3, **options, reward="my_rl_parts:Growing")
    envs.reset(seed=2)
    assert [envs.step([0, 1, 2])[1].tolist() for _ in range(5)] == [[k] * 3 for k in (1, 2, 3, 1, 2)]
    mask = np.array([False, False, True])
    envs.reset(options={"reset_mask": mask})
    assert envs.step([0, 1, 2])[1].tolist() == [3, 3, 1]
    single = make_env(**options, reward=lambda before, after, over: after["time_s"] - before["time_s"])
    single.reset(seed=1)
    assert single.step(0)[1] == pytest.approx(2.0)
    assert copy.deepcopy(single).step(0)[1] == pytest.approx(2.0)


def test_an_observation_of_ones_own_is_made_of_features_and_facts(options: dict[str, Any]) -> None:
    every = make_env(**options, features=list(FEATURES))
    own = make_env(**options, observation="my_rl_parts:squares")
    assert own.observation_space.shape == (3,) and own.observation_space.high[0] == np.inf
    rows = every.reset(seed=4), own.reset(seed=4)
    names = list(FEATURES)
    for action in (2, 0, 2, 1, 0):
        (full, *_), (seen, *_) = rows
        inventory, spread = full[names.index("inventory")], full[names.index("spread")]
        volume = own.batch.facts[0, 0, 5]
        np.testing.assert_allclose(seen, [inventory**2, 1 / spread, volume], rtol=1e-6)
        rows = every.step(action), own.step(action)  # type: ignore[assignment]
    narrow = make_env(**options, features=["spread"], observation=lambda features, facts: features["spread"][:, None])
    assert narrow.reset(seed=4)[0].shape == (1,)
    envs = make_vector_env(2, **options, observation="my_rl_parts:squares")
    assert envs.reset(seed=4)[0][0].tobytes() == own.reset(seed=4)[0].tobytes()
    pair = make_parallel_env(2, **options, observation="my_rl_parts:squares")
    observations, _ = pair.reset(seed=4)
    assert observations["learner_1"].shape == (3,) and pair.state().shape == pair.state_space.shape == (6,)
    assert copy.deepcopy(own).step(2)[0].tobytes() == own.step(2)[0].tobytes()


def test_a_task_of_ones_own_is_found_beside_the_scenario(options: dict[str, Any]) -> None:
    options["task"] = "my_rl_parts:TASK"
    for env in (gymnasium.make("outcry/Directional-v0", **options).unwrapped, make_env(**options)):
        assert env.batch.task.name == "own" and env.batch.rewards.name == "differential_sharpe"  # type: ignore[attr-defined]
        env.reset(seed=1)
        other = pickle.loads(pickle.dumps(env))
        assert other.step(2)[0].tobytes() == env.step(2)[0].tobytes()


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"reward": "my_rl_parts:missing"}, "has no missing"),
        ({"reward": "no_module:f"}, "no module no_module"),
        ({"reward": "my_rl_parts:SETTINGS"}, "is a int; allowed: a function"),
        ({"task": "my_rl_parts:squares"}, "is a function; allowed: an agents.rl.Task object"),
        ({"observation": "my_rl_parts:empty"}, r"returned an array of shape \(1, 0\)"),
        ({"observation": "spread"}, "allowed: a function of"),
        ({"reward_settings": {"tea": 1.0}}, "reward_settings tea: no such number; allowed: phi_per_s"),
        ({"reward_settings": {"alpha": "much"}}, "alpha = much; allowed: a finite number"),
        ({"reward_settings": 3}, "reward_settings = 3; allowed"),
        ({"latency": {"kind": "constant"}}, 'latency.delay_ns = "nothing"; allowed: exactly one of'),
        ({"latency": {"kind": "slow"}}, "latency.kind"),
        ({"latency": 50}, "latency = 50; allowed: a table"),
        ({"rewrd": "pnl"}, r"rewrd: no such option \(did you mean reward\?\)"),
        ({"max_steps": 2.5}, "max_steps = 2.5; allowed: a whole number"),
        ({"settings": [1]}, r"settings = \[1\]; allowed: a table"),
        ({"overrides": "seed=2"}, "allowed: a list"),
        ({"learners": 0}, "learners = 0"),
        ({"learners": 2}, "2 learners in the market; allowed: 1"),
    ],
)
def test_wrong_parts_are_refused_in_one_line(more: dict[str, Any], words: str, options: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=words) as told:
        make_env(**{**options, **more})
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("num_envs", [0, -1, 2.5, "two"])
def test_a_number_of_environments_is_whole_and_above_zero(num_envs: Any, options: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"num_envs = .*allowed: a whole number, at least 1"):
        make_vector_env(num_envs, **options)


def test_a_reward_that_fails_is_told_with_its_name(options: dict[str, Any]) -> None:
    env = make_env(**options, reward="my_rl_parts:bad_shape")
    env.reset(seed=1)
    with pytest.raises(InputError, match=r"reward my_rl_parts:bad_shape returned an array of shape \(\); allowed: 1"):
        env.step(1)
    env = make_env(**options, reward="my_rl_parts:breaks")
    env.reset(seed=1)
    with pytest.raises(RunError, match="reward my_rl_parts:breaks failed: NameError"):
        env.step(1)


@pytest.mark.parametrize(
    ("latency", "least_ms", "most_ms"),
    [
        (None, 0.05, 0.05),
        ({"kind": "constant", "delay_ms": 3}, 3.0, 3.0),
        ({"kind": "uniform", "low_ms": 1, "high_ms": 2}, 1.0, 2.0),
    ],
)
def test_latency_is_the_time_from_a_decision_to_its_arrival(
    latency: Any, least_ms: float, most_ms: float, options: dict[str, Any]
) -> None:
    env = make_env(**options, latency=latency, keep_tape=True)
    _, info = env.reset(seed=1)
    learner, decided, found = len(env.batch.markets[0].world.agents) - 1, [], []
    for action in (2, 0, 2, 0, 2, 0):
        decided.append(info["time_s"])
        _, _, _, _, info = env.step(action)
    tape = env.tape()
    arrivals = np.unique(tape["time_ns"][(tape["agent"] == learner) & (tape["kind"] == EventKind.EXECUTE)])
    found = [ns / 1e6 - (34_200 + s) * 1e3 for ns, s in zip(arrivals.tolist(), decided, strict=True)]
    assert least_ms - 1e-3 <= min(found) and max(found) <= most_ms + 1e-3


ASKER = '''
from sim import Ask, Trader

class Panel:
    def answer(self, questions):
        return [q + 1 for q in questions]

PANEL = Panel()

class Asker(Trader):
    """Asks every 20 s how much to buy, and buys it."""
    def on_wake(self, view):
        return Ask(PANEL, 3)
    def on_answer(self, view, answer):
        view.market("buy", answer)
        return 20.0
'''


def test_traders_that_ask_a_panel_are_answered_in_an_environment_as_in_a_run(tmp_path: Path) -> None:
    (tmp_path / "my_asker.py").write_text(ASKER)
    network = random_network("directional")
    file = Path(scenario_with(tmp_path, "directional", network))
    file.write_text(file.read_text() + '\n[[trader]]\nname = "asker"\nkind = "my_asker:Asker"\ncount = 2\n')
    market = build_market(str(file), seed=3)
    market.run()
    bought = market.tape[(market.tape["agent"] < 2) & (market.tape["kind"] == EventKind.EXECUTE)]
    assert bought["qty_lots"].sum() > 200
    env = MarketEnv(MarketFactory(str(file), "directional"), keep_tape=True)
    observation, _ = env.reset(seed=3)
    over, n_steps = False, 0
    while not over:
        observation, _, over, _, _ = env.step(network.actions(observation[None])[0])
        n_steps += 1
        if n_steps == 20:
            env = copy.deepcopy(env)
    env.batch.run_to_close()
    assert env.tape().tobytes() == market.tape.tobytes()


def test_markets_that_have_ended_pay_nothing_while_others_go_on(tmp_path: Path) -> None:
    # The penalty for what is held at the end was taken off again at every later step.
    make = factory(tmp_path, "market_making", duration_s=20.0)
    envs = MarketVectorEnv(make, 2, reward=lambda before, after, over: np.ones(len(over)))
    envs.reset(seed=1)
    batch = envs.batch
    for _ in range(4):
        batch.step()
    batch.reset(1, 5)
    paid = [batch.step()[:, 0, 0].tolist() for _ in range(10)]
    assert paid == [[1.0, 1.0]] * 6 + [[0.0, 1.0]] * 4
