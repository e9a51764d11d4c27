"""What Gymnasium and PettingZoo of today expect: ids, reset modes, masks, wrappers, seeds, copies, pictures."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from gymnasium.wrappers import vector as wrappers
from pettingzoo.test import parallel_api_test

from agents.rl import MarketEnv, MarketParallelEnv, MarketVectorEnv
from agents.rl.evaluation import constant, evaluate
from agents.rl.models.market_making import MakerModelBatch
from agents.rl.ppo import PPO, train
from agents.rl.sb3 import Sb3VecEnv
from agents.rl.team_env import TeamVectorEnv
from lob.errors import InputError
from scenarios.environments import ENVIRONMENTS, make_env, make_parallel_env, make_vector_env
from tests.rl.worlds import AGENT, SIZES, factory, written

MODES = list(AutoresetMode)
SHORT: dict[str, Any] = {"duration_s": 20.0}
LAST_SEED = 2**63 - 1


def plain(infos: dict[str, Any]) -> dict[str, Any]:
    """Infos as numbers, where their masks say that there are any."""
    found: dict[str, Any] = {}
    for name, value in infos.items():
        if name.startswith("_"):
            continue
        mask = infos[f"_{name}"].tolist()
        rows = plain(value) if isinstance(value, dict) else np.asarray(value).tolist()
        found[name] = (
            rows if isinstance(rows, dict) else [row if m else None for row, m in zip(rows, mask, strict=True)]
        )
        assert isinstance(rows, dict) or len(mask) == len(rows)
    return {
        name: [row.tolist() if isinstance(row, np.ndarray) else row for row in rows] if isinstance(rows, list) else rows
        for name, rows in found.items()
    }


# ---- ids ----------------------------------------------------------------------------------------------------------


def test_the_module_in_front_of_an_id_is_enough_in_a_fresh_process() -> None:
    code = (
        "import gymnasium\n"
        "env = gymnasium.make('scenarios.environments:outcry/Directional-v0', scenario='first_market')\n"
        "print(env.spec.id, env.unwrapped.batch.task.name)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["outcry/Directional-v0", "directional"], done.stderr


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_every_id_passes_gymnasiums_and_pettingzoos_checks(name: str, tmp_path: Path) -> None:
    task = ENVIRONMENTS[name]
    options = {"scenario": written(tmp_path), "settings": {**AGENT, **SIZES[task], **SHORT}}
    env = gymnasium.make(name, **options)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*not within the environment.*")
        check_env(env.unwrapped)
    both = make_parallel_env(task=task, **options)
    parallel_api_test(both, 60)


def test_the_spec_says_how_long_an_episode_is_and_makes_the_same_environment_again(tmp_path: Path) -> None:
    options: dict[str, Any] = {"scenario": written(tmp_path), "settings": {**AGENT, **SIZES["directional"]}}
    env = gymnasium.make("outcry/Directional-v0", **options)
    assert env.spec is not None and env.spec.max_episode_steps == 150  # 300 s in steps of 2 s
    env.reset(seed=1)
    steps, over = 0, False
    while not over:
        _, _, over, truncated, _ = env.step(1)
        steps += 1
        assert not truncated
    assert steps == 150
    again = gymnasium.make(env.spec)
    first, second = env.reset(seed=4)[0], again.reset(seed=4)[0]
    assert first.tobytes() == second.tobytes() and again.spec.max_episode_steps == 150  # type: ignore[union-attr]
    cut = gymnasium.make("outcry/Directional-v0", max_episode_steps=3, **options)
    cut.reset(seed=1)
    assert [cut.step(1)[3] for _ in range(3)] == [False, False, True]
    many = gymnasium.make_vec("outcry/Directional-v0", 2, max_episode_steps=3, **options)
    many.reset(seed=1)
    assert [many.step(np.ones(2, int))[3].tolist() for _ in range(3)] == [[False] * 2, [False] * 2, [True] * 2]


# ---- vectors ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.name)
def test_a_vector_environment_does_what_gymnasiums_own_does_in_every_mode(mode: AutoresetMode, tmp_path: Path) -> None:
    make = factory(tmp_path, "market_making", **SHORT)
    theirs = SyncVectorEnv([lambda: MarketEnv(make, max_steps=7)] * 3, autoreset_mode=mode)
    ours = MarketVectorEnv(make, 3, max_steps=7, autoreset_mode=mode.value)
    assert ours.metadata["autoreset_mode"] == theirs.metadata["autoreset_mode"] == mode
    a, b = theirs.reset(seed=5), ours.reset(seed=5)
    assert a[0].tobytes() == b[0].tobytes() and plain(a[1]) == plain(b[1])
    rng, n_ended = np.random.default_rng(2), 0
    for _ in range(40):
        actions = rng.integers(17, size=3)
        a, b = theirs.step(actions), ours.step(actions)
        assert a[0].tobytes() == b[0].tobytes()
        assert all(x.tolist() == y.tolist() for x, y in zip(a[1:4], b[1:4], strict=True))
        assert plain(a[4]) == plain(b[4])
        ended = a[2] | a[3]
        n_ended += int(ended.sum())
        if mode == AutoresetMode.DISABLED and ended.any():
            with pytest.raises(InputError, match="episodes of markets 0, 1, 2 have ended"):
                ours.step(actions)
            a = theirs.reset(options={"reset_mask": ended.copy()})
            b = ours.reset(options={"reset_mask": ended.copy()})
            assert a[0].tobytes() == b[0].tobytes() and plain(a[1]) == plain(b[1])
    assert n_ended >= 12


def test_a_reset_mask_leaves_the_other_markets_where_they_are(tmp_path: Path) -> None:
    make = factory(tmp_path, "market_making")
    envs, alone = MarketVectorEnv(make, 3), MarketEnv(make)
    envs.reset(seed=1)
    alone.reset(seed=3)
    for _ in range(5):
        envs.step([3, 3, 3])
        alone.step(3)
    mask = np.array([False, True, False])
    observations, infos = envs.reset(seed=[None, 9, None], options={"reset_mask": mask})
    assert infos["seed"].tolist() == [0, 9, 0] and infos["_seed"].tolist() == mask.tolist()
    fresh, _ = MarketEnv(make).reset(seed=9)
    assert observations[1].tobytes() == fresh.tobytes()
    observations, rewards, *_ = envs.step([3, 3, 5])
    expected, reward, *_ = alone.step(5)
    assert observations[2].tobytes() == expected.tobytes() and rewards[2] == reward
    for wrong, words in (([True], "bool"), (np.ones(3), "float64"), (np.zeros(3, bool), "True nowhere")):
        with pytest.raises(InputError, match=words):
            envs.reset(options={"reset_mask": wrong})
    with pytest.raises(InputError, match="autoreset_mode = 'never'; allowed: NextStep"):
        MarketVectorEnv(make, 2, autoreset_mode="never")


def test_the_usual_vector_wrappers_work(tmp_path: Path) -> None:
    options: dict[str, Any] = {"scenario": written(tmp_path), "settings": {**AGENT, **SIZES["directional"], **SHORT}}
    envs: Any = gymnasium.make_vec("outcry/Directional-v0", 3, autoreset_mode=AutoresetMode.NEXT_STEP, **options)
    envs = wrappers.RecordEpisodeStatistics(envs)
    plain_rewards = []
    envs = wrappers.TransformReward(envs, lambda r: plain_rewards.append(r) or 2.0 * r)
    envs = wrappers.NormalizeReward(wrappers.NormalizeObservation(envs))
    envs = wrappers.ClipReward(envs, -5.0, 5.0)
    envs = wrappers.DictInfoToList(envs)
    envs.reset(seed=3)
    rng, seen, episodes = np.random.default_rng(1), [], []
    for _ in range(60):
        observations, rewards, _, _, infos = envs.step(rng.integers(3, size=3))
        seen.append(observations)
        assert np.isfinite(rewards).all() and len(infos) == 3
        episodes += [info["episode"] for info in infos if "episode" in info]
    assert len(episodes) == 15 and all(episode["l"] == 10 for episode in episodes)
    total = sum(float(episode["r"]) for episode in episodes)
    assert total == pytest.approx(float(np.sum(plain_rewards[:55])), rel=1e-5)
    assert np.abs(np.mean(seen, axis=(0, 1))).max() < 0.7
    same = MarketVectorEnv(factory(tmp_path, "directional", **SHORT), 2)
    counted: Any = wrappers.RecordEpisodeStatistics(same)
    counted.reset(seed=1)
    ended = [infos for infos in (counted.step([0, 2])[4] for _ in range(10)) if "episode" in infos]
    assert len(ended) == 1 and ended[0]["episode"]["l"].tolist() == [10, 10]


# ---- actions and seeds --------------------------------------------------------------------------------------------


def test_an_action_of_shape_1_is_that_number(tmp_path: Path) -> None:
    make = factory(tmp_path, "directional")
    rows = []
    for action in (2, np.int32(2), np.array(2), np.array([2]), [2], 2.0, np.float32(2.0)):
        env = MarketEnv(make)
        env.reset(seed=1)
        rows.append(env.step(action)[0].tobytes() + env.step(action)[0].tobytes())
    assert len(set(rows)) == 1
    envs = MarketVectorEnv(make, 2)
    envs.reset(seed=1)
    flat = envs.step(np.array([2, 0]))[0]
    envs.reset(seed=1)
    assert envs.step(np.array([[2], [0]]))[0].tobytes() == flat.tobytes()


@pytest.mark.parametrize("action", ["2", None, [1, 2], [[1], [2, 3]], {"a": 1}, 1j, np.array([1, 2]), object()])
def test_what_is_no_action_is_refused_in_a_line(action: Any, tmp_path: Path) -> None:
    env = MarketEnv(factory(tmp_path, "directional"))
    env.reset(seed=1)
    with pytest.raises(InputError, match="allowed") as told:
        env.step(action)
    assert "\n" not in str(told.value)
    envs = MarketVectorEnv(factory(tmp_path, "directional"), 3)
    envs.reset(seed=1)
    with pytest.raises(InputError, match="allowed"):
        envs.step(action)
    pair = MarketParallelEnv(factory(tmp_path, "directional", 2))
    pair.reset(seed=1)
    with pytest.raises(InputError, match="allowed"):
        pair.step(action)
    with pytest.raises(InputError, match="allowed"):
        pair.step({"learner_0": 1, "learner_1": action})


def test_seeds_of_any_integer_type_up_to_the_largest_of_a_scenario_and_no_others(tmp_path: Path) -> None:
    make = factory(tmp_path, "directional")
    one, many, team = MarketEnv(make), MarketVectorEnv(make, 2), TeamVectorEnv(make, 2)
    pair = MarketParallelEnv(factory(tmp_path, "directional", 2))
    for seed in (7, LAST_SEED - 1):
        expected, info = one.reset(seed=seed)
        assert info["seed"] == seed
        for kind in (np.int64, np.uint64):
            assert one.reset(seed=kind(seed))[0].tobytes() == expected.tobytes()
            rows, infos = many.reset(seed=kind(seed))
            assert rows[0].tobytes() == expected.tobytes() and infos["seed"].tolist() == [seed, seed + 1]
            assert many.reset(seed=np.array([seed, seed]))[0][1].tobytes() == expected.tobytes()
            assert team.reset(seed=kind(seed))[0][0].tobytes() == expected.tobytes()
            assert pair.reset(seed=kind(seed))[1]["learner_1"]["seed"] == seed
    for seed in (-1, 2**63, 2**64, 1.5, "7", np.float64(7)):
        for env in (one, many, team, pair):
            with pytest.raises(InputError, match=r"seed = .*allowed: a whole number, 0 to 9223372036854775807"):
                env.reset(seed=seed)  # type: ignore[attr-defined]
    with pytest.raises(InputError, match="for the last market"):
        many.reset(seed=LAST_SEED)
    with pytest.raises(InputError, match=r"seed\[1\] = -3"):
        many.reset(seed=[1, -3])


def test_training_and_evaluation_refuse_what_they_cannot_use(tmp_path: Path) -> None:
    make = factory(tmp_path, "directional", **SHORT)
    envs = MarketVectorEnv(make, 2, autoreset_mode="NextStep")
    with pytest.raises(InputError, match="autoreset_mode = NextStep; allowed: SameStep"):
        train(envs, PPO(total_steps=10, n_steps=5))
    with pytest.raises(InputError, match="autoreset_mode = NextStep; allowed: SameStep"):
        Sb3VecEnv(envs)
    for action in (3.0, -1.0, 0.5, np.nan):
        with pytest.raises(InputError, match="allowed: whole numbers 0 to 2"):
            evaluate(envs.batch, constant(action), [1, 2])
    for seeds in ([1.5], [-1], [2**63]):
        with pytest.raises(InputError, match="seed = "):
            evaluate(envs.batch, constant(1), seeds)  # type: ignore[arg-type]


# ---- pictures -----------------------------------------------------------------------------------------------------


def test_a_market_is_shown_as_text_with_the_own_orders_and_as_a_picture(tmp_path: Path) -> None:
    make = factory(tmp_path, "market_making")
    env = MarketEnv(make, render_mode="ansi")
    with pytest.raises(InputError, match="allowed after reset"):
        env.render()
    env.reset(seed=3)
    for _ in range(3):
        _, _, _, _, info = env.step(15)  # two scales away: at rest, not filled
    text = env.render()
    assert "seed 3" in text and f"midpoint {info['mid_ticks']:g}" in text
    assert text.count(" own ") == 2 and text.count("\n") == 1 + 20
    prices = [int(line.split()[0]) for line in text.split("\n")[2:12]]
    assert prices == sorted(prices, reverse=True)
    assert f"position {info['position_lots']} lots" in text
    picture = make_env(scenario=make.scenario, task="market_making", settings=make.settings, render_mode="rgb_array")
    picture.reset(seed=3)
    first = picture.render()
    assert first.dtype == np.uint8 and first.ndim == 3 and first.shape[2] == 3
    picture.step(5)
    assert (picture.render() != first).any()
    several = MarketVectorEnv(make, 2, render_mode="ansi")
    several.reset(seed=3)
    assert [text.split(",")[0] for text in several.render() or ()] == ["seed 3", "seed 4"]
    pair = MarketParallelEnv(factory(tmp_path, "market_making", 2), render_mode="ansi")
    pair.reset(seed=3)
    assert "learner 1: position 0" in pair.render()
    assert MarketEnv(make).render() is None
    for kind in (make_env, make_vector_env, make_parallel_env):
        with pytest.raises(InputError, match="render_mode = 'human'; allowed: ansi, rgb_array"):
            kind(scenario=make.scenario, render_mode="human")  # type: ignore[operator]
    model = MarketEnv(MakerModelBatch(), render_mode="ansi")
    model.reset(seed=1)
    assert "midpoint 10000" in model.render()


# ---- copies -------------------------------------------------------------------------------------------------------


def steps(env: Any, actions: Any) -> list[bytes]:
    found = []
    for action in actions:
        observation, reward, terminated, truncated, info = env.step(action)
        found.append(
            observation.tobytes() + np.asarray(reward).tobytes() + repr((terminated, truncated, info)).encode()
        )
        if isinstance(terminated, bool) and (terminated or truncated):
            found.append(env.reset()[0].tobytes())
    return found


@pytest.mark.parametrize("clone", [copy.deepcopy, lambda env: pickle.loads(pickle.dumps(env))], ids=["copy", "pickle"])
@pytest.mark.parametrize("task", sorted(SIZES))
def test_a_copy_made_in_mid_episode_goes_on_as_the_original_does(task: str, clone: Any, tmp_path: Path) -> None:
    make = factory(tmp_path, task, duration_s=60.0)
    rng = np.random.default_rng(4)
    env = MarketEnv(make, keep_tape=True)
    env.reset(seed=11)
    n = env.action_space.n  # type: ignore[attr-defined]
    steps(env, rng.integers(n, size=12))
    other = clone(env)
    assert other.batch.seeds == [11] and other.batch.markets[0].seed == 11
    actions = rng.integers(n, size=50)
    first = steps(env, actions)
    assert steps(other, actions) == first  # beyond the end of the episode: the next one's seed is part of the state
    assert other.tape().tobytes() == env.tape().tobytes()
    assert clone(MarketEnv(make)).reset(seed=11)[0].tobytes() == MarketEnv(make).reset(seed=11)[0].tobytes()


def test_copies_of_vectors_teams_and_models_go_on_too(tmp_path: Path) -> None:
    make = factory(tmp_path, "market_making", duration_s=60.0)
    rng = np.random.default_rng(5)
    for env in (MarketVectorEnv(make, 3, threads=2), MarketVectorEnv(make, 3, autoreset_mode="NextStep"),
                MarketVectorEnv(MakerModelBatch(3), 3), TeamVectorEnv(make, 3)):  # fmt: skip
        env.reset(seed=2)
        steps(env, rng.integers(17, size=(9, 3)))
        for other in (copy.deepcopy(env), pickle.loads(pickle.dumps(env))):
            actions = rng.integers(17, size=(30, 3))
            again = copy.deepcopy(env)
            assert steps(other, actions) == steps(again, actions)
    pair = MarketParallelEnv(factory(tmp_path, "market_making", 2))
    pair.reset(seed=1)
    twin = pickle.loads(pickle.dumps(pair))
    chosen = {"learner_0": 3, "learner_1": 7}
    for _ in range(5):
        a, b = pair.step(chosen), twin.step(chosen)
        assert all((a[0][agent] == b[0][agent]).all() for agent in pair.agents) and a[1] == b[1]


def test_a_copy_of_a_reseeded_market_tells_the_seed_that_it_draws_from(tmp_path: Path) -> None:
    env = MarketEnv(factory(tmp_path, "directional"))
    env.reset(seed=1)
    env.batch.markets[0].reseed(77)
    other = copy.deepcopy(env)
    assert other.batch.seeds == [77] and other.batch.markets[0].seed == 77
    assert steps(other, [2, 0, 2, 0]) == steps(env, [2, 0, 2, 0])
