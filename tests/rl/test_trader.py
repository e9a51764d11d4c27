"""A Python trader with a network does what the compiled agent with the same network does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agents.rl import load_network, shipped_weights
from agents.rl.task import find_task
from agents.rl.trader import LearnedTrader
from scenarios.build.market import build
from scenarios.schema.load import load_scenario
from sim.market import Market
from sim.settings import Population, Session
from tests.rl.worlds import written


def world(folder: Path, learner: Population) -> Market:
    """The small scenario's own populations, and one more."""
    built = build(load_scenario(written(folder)))
    populations = [p for p in built.populations if p.name != learner.name]
    session = Session(built.session.open_ns, built.session.close_ns)
    return Market(built.listings, [*populations, learner], session, seed=5)


def trades_of(market: Market) -> np.ndarray[Any, Any]:
    market.run()
    return market.tape[["time_ns", "kind", "side", "price_ticks", "qty_lots", "agent", "order_id"]]


@pytest.mark.parametrize("task", ["execution", "market_making"])
def test_a_python_trader_with_the_same_network_leaves_the_same_tape(task: str, tmp_path: Path) -> None:
    path = shipped_weights(task)
    network = load_network(path)
    settings: dict[str, Any] = {"start_s": 5.0, "duration_s": 40.0, "step_s": 1.0}
    policy = find_task(task).policy
    compiled = Population("learner", 1, policy, policy.settings(**settings, weights=str(path)))

    def choose(observation: Any) -> Any:
        return network.actions(observation[None])[0]

    python = Population(
        "learner",
        1,
        trader=lambda index: LearnedTrader(task, choose, features=network.features, settings=settings),
    )
    first, second = trades_of(world(tmp_path, compiled)), trades_of(world(tmp_path, python))
    assert (first["agent"] == first["agent"].max()).sum() > 20
    assert (first == second).all()


def test_a_large_saved_model_trades_in_a_scenario(tmp_path: Path) -> None:
    sb3 = pytest.importorskip("stable_baselines3")
    import gymnasium

    from agents.rl.sb3 import save_policy

    features = find_task("execution").features

    class Spaces(gymnasium.Env):  # type: ignore[type-arg]
        observation_space = gymnasium.spaces.Box(-10, 10, (len(features),), np.float32)
        action_space = gymnasium.spaces.Discrete(6)

    model = sb3.PPO("MlpPolicy", Spaces(), policy_kwargs={"net_arch": [128, 128, 128]}, n_steps=8, batch_size=8, seed=1)
    save_policy(model, tmp_path / "large.safetensors", "execution", features)
    scenario = written(tmp_path)
    text = scenario.read_text() if isinstance(scenario, Path) else Path(scenario).read_text()
    text += """
[[trader]]
name = "large"
kind = "rl"
settings = { task = "execution", model = "MODEL", settings = { quantity_lots = 50, start_s = 2.0, duration_s = 20.0 } }
""".replace("MODEL", str(tmp_path / "large.safetensors"))
    place = tmp_path / "with_large.toml"
    place.write_text(text)
    market = build(load_scenario(place)).market(1)
    market.run()
    assert int(market.world.accounts["position_lots"][0].sum()) == 50
    with pytest.raises(Exception, match=r"settings\.model: /nowhere\.safetensors: not found"):
        place.write_text(text.replace(str(tmp_path / "large.safetensors"), "/nowhere.safetensors"))
        build(load_scenario(place))
    place.write_text(text.replace('task = "execution"', 'task = "market_making"').replace("quantity_lots = 50, ", ""))
    with pytest.raises(Exception, match="trained for the task execution; allowed: market_making"):
        build(load_scenario(place))
