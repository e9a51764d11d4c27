"""Environments: they conform, are reproducible, tell bad input, and are the same market as the scenario file."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from pettingzoo.test import parallel_api_test, parallel_seed_test

from agents.rl import FEATURES, MarketEnv, MarketParallelEnv, MarketVectorEnv
from agents.rl._stepping import FACT
from agents.rl.evaluation import constant, evaluate, of_network
from agents.rl.team_env import TeamVectorEnv
from lob.errors import InputError
from lob.types import EventKind
from scenarios.build.market import build_market
from scenarios.environments import ENVIRONMENTS, make_env
from tests.rl.worlds import SIZES, factory, random_network, scenario_with, written

TASKS = sorted(SIZES)


def rollout(env: MarketEnv, seed: int, n_steps: int = 10_000) -> list[Any]:
    """Steps with actions drawn from the space, until the end."""
    env.action_space.seed(3)
    found: list[Any] = [env.reset(seed=seed)]
    for _ in range(n_steps):
        found.append(env.step(env.action_space.sample()))
        if found[-1][2] or found[-1][3]:
            break
    return found


def same(a: Any, b: Any) -> bool:
    if isinstance(a, tuple | list):
        return len(a) == len(b) and all(map(same, a, b))
    return a.tobytes() == b.tobytes() if isinstance(a, np.ndarray) else bool(a == b)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("more", [{}, {"menu": False}], ids=["menu", "continuous"])
def test_gymnasium_accepts_the_environment(task: str, more: dict[str, Any], tmp_path: Path) -> None:
    if more and task != "market_making":
        pytest.skip("this task has a menu only")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*alternative render modes.*")
        check_env(MarketEnv(factory(tmp_path, task, **more)))


def test_the_registered_ids_make_environments_of_their_tasks() -> None:
    for name, task in ENVIRONMENTS.items():
        env = gymnasium.make(name, scenario="first_market", settings={"start_s": 60.0, "duration_s": 30.0})
        assert env.unwrapped.batch.task.name == task  # type: ignore[attr-defined]
        env.reset(seed=1)
        env.step(env.action_space.sample())


def test_pettingzoo_accepts_the_parallel_environment(tmp_path: Path) -> None:
    make = factory(tmp_path, "market_making", 3)
    parallel_api_test(MarketParallelEnv(make), 200)
    parallel_seed_test(lambda: MarketParallelEnv(make), 50)


@pytest.mark.parametrize("task", TASKS)
def test_same_seed_and_actions_give_the_same_episode_byte_for_byte(task: str, tmp_path: Path) -> None:
    first, second = (MarketEnv(factory(tmp_path, task), keep_tape=True) for _ in range(2))
    assert same(rollout(first, 7), rollout(second, 7))
    assert first.tape().tobytes() == second.tape().tobytes()
    again = rollout(first, 7)
    assert same(again, rollout(second, 7))
    assert not same(again, rollout(first, 8))


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("sample", [False, True], ids=["likeliest", "sampled"])
def test_a_network_writes_the_same_tape_in_a_scenario_in_env_and_in_vector_env(
    task: str, sample: bool, tmp_path: Path
) -> None:
    network = random_network(task)
    file = scenario_with(tmp_path, task, network, sample=sample)
    market = build_market(file, seed=11)
    market.run()
    whole = market.tape.tobytes()
    learner = len(market.world.agents) - 1
    assert (market.tape["agent"] == learner).sum() > 3, "the learner did nothing"
    if sample:  # the draws are the market's own, so there is nothing to compare with from outside
        again = build_market(file, seed=11)
        again.run()
        assert again.tape.tobytes() == whole
        return
    from scenarios.environments import MarketFactory

    make = MarketFactory(file, task)
    env = MarketEnv(make, keep_tape=True)
    observation, _ = env.reset(seed=11)
    over = False
    while not over:
        observation, _, over, truncated, _ = env.step(network.actions(observation[None])[0])
        assert not truncated
    env.batch.run_to_close()
    assert env.tape().tobytes() == whole
    envs = MarketVectorEnv(make, 3, keep_tape=True)
    observations, _ = envs.reset(seed=10)
    for _ in range(100):
        observations, *_ = envs.step(network.actions(observations))
    part = envs.tape(1).tobytes()
    assert len(part) > len(whole) // 10 and whole.startswith(part)


@pytest.mark.parametrize("threads", [1, 2])
def test_each_market_of_a_vector_environment_goes_through_the_episodes_of_a_single_one(
    threads: int, tmp_path: Path
) -> None:
    make = factory(tmp_path, "market_making", duration_s=40.0)
    envs = MarketVectorEnv(make, 3, threads=threads)
    singles = [MarketEnv(make) for _ in range(3)]
    observations, _ = envs.reset(seed=20)
    for m, env in enumerate(singles):
        assert env.reset(seed=20 + m)[0].tobytes() == observations[m].tobytes()
    rng = np.random.default_rng(0)
    n_ended = 0
    for _ in range(90):
        actions = rng.integers(17, size=3)
        observations, rewards, terminated, truncated, infos = envs.step(actions)
        for m, env in enumerate(singles):
            seen, reward, over, cut, info = env.step(actions[m])
            assert (reward, over, cut) == (rewards[m], terminated[m], truncated[m])
            if over:
                n_ended += 1
                assert infos["_final_obs"][m] and infos["final_obs"][m].tobytes() == seen.tobytes()
                assert infos["final_info"]["pnl"][m] == info["pnl"]
                seen, _ = env.reset()
            assert seen.tobytes() == observations[m].tobytes()
    assert n_ended >= 9


def test_features_are_those_named_in_the_order_named(tmp_path: Path) -> None:
    make = factory(tmp_path, "market_making", price_scale_ticks=100.0, menu=False, widest_scales=0.08)
    every = MarketEnv(make, features=tuple(FEATURES))
    few = MarketEnv(make, features=("inventory", "spread", "trade_2_lots"))
    a, b = rollout(every, 4, 60), rollout(few, 4, 60)
    names = list(FEATURES)
    for full, part in zip(a, b, strict=True):
        picked = [full[0][names.index(n)] for n in ("inventory", "spread", "trade_2_lots")]
        assert part[0].tolist() == [float(x) for x in picked]
        assert every.observation_space.contains(full[0])
    seen = np.array([row[0] for row in a])
    moving = seen.std(axis=0) > 0
    still = {names[k] for k in np.flatnonzero(~moving)}
    assert still <= {"remaining", "behind"}, f"features that never move: {still}"


def test_observations_agree_with_the_book_that_the_tape_shows(tmp_path: Path) -> None:
    env = MarketEnv(factory(tmp_path, "directional"), features=("spread", "imbalance", "last_trade"), keep_tape=True)
    for row in rollout(env, 5, 80):
        observation, info = row[0], row[-1]
        tape = env.tape()
        if row[2:3] == (True,):
            break
        before = tape[tape["time_ns"] <= int(round((info["time_s"] + 34_200) * 1e9))]
        last = before[-1]
        trade = before[before["kind"] == EventKind.EXECUTE][-1]["price_ticks"]
        bid, ask = int(last["bid_ticks"]), int(last["ask_ticks"])
        assert info["mid_ticks"] == (bid + ask) / 2
        expected = [
            (ask - bid) / 4.0,
            (last["bid_lots"] - last["ask_lots"]) / (last["bid_lots"] + last["ask_lots"]),
            np.clip((trade - (bid + ask) / 2) / 4.0, -10, 10),
        ]
        np.testing.assert_allclose(observation, expected, rtol=1e-6)


@pytest.mark.parametrize("entry", range(6))
def test_execution_trades_its_quantity_exactly_whatever_it_is_told(entry: int, tmp_path: Path) -> None:
    batch = MarketEnv(factory(tmp_path, "execution")).batch
    episodes = evaluate(batch, constant(entry), [1, 2, 3])
    assert episodes.executed_lots.tolist() == [300.0, 300.0, 300.0]
    assert (episodes.facts[:, FACT.position_lots] == 300).all()


def test_execution_never_has_more_in_the_market_than_is_left(tmp_path: Path) -> None:
    env = MarketEnv(factory(tmp_path, "execution", side=-1), keep_tape=True)
    rollout(env, 9)
    tape, me = env.tape(), len(env.batch.markets[0].world.agents) - 1  # type: ignore[union-attr]
    position, resting = 0, {}
    for row in tape[(tape["agent"] == me) | (tape["contra_agent"] == me)]:
        if row["kind"] == EventKind.EXECUTE:
            position += int(row["qty_lots"])
            if row["contra_agent"] == me:
                resting[int(row["contra_order_id"])] -= int(row["qty_lots"])
        elif row["kind"] == EventKind.ADD:
            resting[int(row["order_id"])] = int(row["leaves_lots"])
        elif row["kind"] == EventKind.CANCEL:
            resting.pop(int(row["order_id"]))
        assert position + sum(resting.values()) <= 300
    assert position == 300


def test_makers_and_traders_end_flat(tmp_path: Path) -> None:
    for task in ("market_making", "directional"):
        network = random_network(task)
        episodes = evaluate(MarketEnv(factory(tmp_path, task)).batch, of_network(network), [1, 2])
        assert (episodes.facts[:, FACT.position_lots] == 0).all()
        assert (episodes.facts[:, FACT.executed_lots] > 0).all()


def test_a_limit_of_steps_truncates_and_the_end_of_the_task_terminates(tmp_path: Path) -> None:
    short = rollout(MarketEnv(factory(tmp_path, "market_making"), max_steps=5), 1)
    assert len(short) == 6 and short[-1][2:4] == (False, True)
    whole = rollout(MarketEnv(factory(tmp_path, "market_making", duration_s=20.0)), 1)
    assert whole[-1][2:4] == (True, False) and len(whole) == 11


def test_learners_of_one_market_do_not_see_each_others_orders_of_the_same_instant(tmp_path: Path) -> None:
    make = factory(tmp_path, "market_making", 2)
    seen = []
    for other in (0, 16):
        env = MarketParallelEnv(make)
        env.reset(seed=3)
        observations, *_ = env.step({"learner_0": 5, "learner_1": other})
        seen.append(observations)
    first = MarketParallelEnv(make)
    observations, _ = first.reset(seed=3)
    assert observations["learner_0"].tobytes() == observations["learner_1"].tobytes()
    assert seen[0]["learner_0"].tobytes() != seen[1]["learner_0"].tobytes()


def test_a_team_is_the_markets_of_the_parallel_environment_side_by_side(tmp_path: Path) -> None:
    make = factory(tmp_path, "market_making", 2, duration_s=30.0)
    team, single = TeamVectorEnv(make, 2), MarketParallelEnv(make)
    rows, _ = team.reset(seed=6)
    seen, _ = single.reset(seed=7)
    rng = np.random.default_rng(1)
    for _ in range(14):
        actions = rng.integers(16, size=4)
        rows, rewards, *_ = team.step(actions)
        seen, paid, *_ = single.step({"learner_0": actions[2], "learner_1": actions[3]})
        assert rows[2].tobytes() == seen["learner_0"].tobytes() and rewards[3] == paid["learner_1"]
        states = team.states(rows)
        assert states.shape == (4, 3 * rows.shape[1])
        assert (states[2, rows.shape[1] :] == states[3, rows.shape[1] :]).all()


# ---- bad input ----------------------------------------------------------------------------------------------------


def test_a_bad_action_is_refused_in_words_and_the_episode_goes_on(tmp_path: Path) -> None:
    env = MarketEnv(factory(tmp_path, "execution"))
    env.reset(seed=1)
    for action, words in ((6, "out of range"), (-1, "out of range"), (0.5, "out of range"), (np.nan, "not finite"),
                          ("buy", "allowed: 0 to 5"), (np.zeros(2), "allowed")):  # fmt: skip
        with pytest.raises(InputError, match=words):
            env.step(action)
    assert env.step(np.int64(2))[0].shape == env.observation_space.shape
    wide = MarketEnv(factory(tmp_path, "market_making", menu=False))
    wide.reset(seed=1)
    for value, words in (([0.0, 1.5], "out of range"), ([np.inf, 0.0], "not finite"), ([0.0], "shape")):
        with pytest.raises(InputError, match=words):
            wide.step(np.array(value))
    envs = MarketVectorEnv(factory(tmp_path, "execution"), 2)
    envs.reset(seed=1)
    with pytest.raises(InputError, match=r"actions\[1\] = 9.0; allowed: whole numbers 0 to 5"):
        envs.step([0, 9])
    with pytest.raises(InputError, match="shape"):
        envs.step([0])


def test_a_step_before_reset_or_after_the_end_is_refused(tmp_path: Path) -> None:
    env = MarketEnv(factory(tmp_path, "execution"), max_steps=2)
    with pytest.raises(InputError, match="no episode is running"):
        env.step(0)
    rollout(env, 1)
    with pytest.raises(InputError, match="no episode is running"):
        env.step(0)
    pair = MarketParallelEnv(factory(tmp_path, "market_making", 2))
    with pytest.raises(InputError, match="no episode is running"):
        pair.step({})
    pair.reset(seed=1)
    with pytest.raises(InputError, match="allowed: for learner_0, learner_1"):
        pair.step({"learner_0": 0})


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"features": ["inventroy"]}, "no such feature"),
        ({"features": ["spread", "spread"]}, "given twice"),
        ({"reward": "money"}, "no such reward"),
        ({"max_steps": 0}, "at least 1"),
        ({"learner": "nobody"}, "no such learning agent"),
        ({"task": "arbitrage"}, "no such task"),
        ({"settings": {"step": 1.0}}, "unknown key"),
        ({"settings": {"step_s": -1.0}}, "step_s = -1"),
        ({"scenario": "no_such"}, "no such file"),
    ],
)
def test_a_wrong_name_or_number_is_refused_in_words(options: dict[str, Any], words: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=words):
        make_env(**{"scenario": written(tmp_path), "task": "market_making", **options})


def test_a_market_without_a_learner_and_one_that_closes_too_early_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no learning agent"):
        MarketEnv(lambda seed: build_market("first_market", seed))
    from lob.errors import RunError

    late = MarketEnv(factory(tmp_path, "market_making", start_s=3000.0))
    with pytest.raises(RunError, match="closed before"):
        late.reset(seed=1)
