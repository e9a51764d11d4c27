"""Trained policies as populations: compiled as the plain network, files checked; and makers that learn in a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agents.makers import q_learning_maker
from agents.rl import load_network, save_network, shipped_weights
from agents.rl.memory import BLOCK, LEARNER, feature_cells
from agents.rl.network import Network, describe, forward
from lob.errors import InputError
from scenarios.build.market import build_market
from scenarios.schema.load import library
from sim.metrics.collusion import collusion_index, spread_benchmarks
from sim.records import AGENT
from tests.rl.worlds import AGENT as SETTINGS
from tests.rl.worlds import SIZES, random_network, scenario_with


def compiled_action(network: Network, observation: Any, sample: bool = False, key: int = 1) -> Any:
    agent = np.zeros(1, AGENT)
    agent["draw_key"] = key
    memory, head = np.zeros(1, LEARNER), np.zeros(1, BLOCK)
    cells = memory.view(np.float64)
    selected = feature_cells(network.features)
    cells[selected] = observation
    head["n_selected"], head["selected"][0, : len(selected)] = len(selected), selected
    describe(network, head)
    values = np.concatenate([head.view(np.float64), *(layer.ravel() for layer in network.layers)])
    learner = memory.view(np.recarray)[0]
    forward(agent.view(np.recarray)[0], head.view(np.recarray)[0], values, learner, cells, float(sample))
    return memory["action"][0]


@pytest.mark.parametrize("continuous", [0, 2])
def test_the_compiled_network_decides_as_the_plain_one(continuous: int) -> None:
    network = random_network("market_making", continuous=continuous)
    seen = np.random.default_rng(1).normal(size=(300, len(network.features)))
    plain = network.actions(seen).reshape(300, -1)
    found = np.array([compiled_action(network, row) for row in seen])[:, : plain.shape[1]]
    np.testing.assert_allclose(found, plain, atol=1e-12)
    assert len(np.unique(plain)) > 5


def test_sampled_actions_have_the_probabilities_of_the_softmax() -> None:
    network = random_network("directional", gain=0.5)
    seen = np.random.default_rng(2).normal(size=len(network.features))
    found = np.array([compiled_action(network, seen, True, key)[0] for key in range(1, 8001)])
    logits = network.logits(seen[None])[0]
    expected = np.exp(logits) / np.exp(logits).sum()
    np.testing.assert_allclose(np.bincount(found.astype(int), minlength=3) / 8000, expected, atol=0.02)


def test_weights_survive_the_file_and_bad_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    network = random_network("execution")
    network.card["note"] = "made up"
    save_network(path, network)
    again = load_network(path)
    assert again.card == {"note": "made up"} and again.features == network.features
    for a, b in zip(again.layers, network.layers, strict=True):
        assert (a == b).all()
    path.write_bytes(b"not weights")
    with pytest.raises(InputError, match="not a weights file"):
        load_network(path)
    w1, *rest = network.layers
    save_network(path, Network("execution", network.features, (w1[:3], *rest)))
    with pytest.raises(InputError, match="w1 has shape"):
        load_network(path)
    save_network(path, Network("execution", network.features, (w1 * np.nan, *rest)))
    with pytest.raises(InputError, match="not finite"):
        load_network(path)


@pytest.mark.parametrize(
    ("task", "network", "settings", "words"),
    [
        ("execution", random_network("market_making"), {}, "trained for the task market_making"),
        ("market_making", random_network("market_making", continuous=2), {}, "continuous actions"),
        ("market_making", random_network("market_making"), {"menu": False}, "a menu"),
        ("execution", random_network("execution"), {"features": ["spread"]}, "settings name others"),
        ("directional", random_network("directional"), {"untrained": True, "features": ["tea"]}, "no such feature"),
    ],
)
def test_incompatible_weights_are_refused_in_words(
    task: str, network: Network, settings: dict[str, Any], words: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=words):
        build_market(scenario_with(tmp_path, task, network, **settings), seed=1)


@pytest.mark.parametrize("task", ["execution", "market_making"])
def test_shipped_policies_have_cards_and_trade(task: str) -> None:
    network = load_network(shipped_weights(task))
    for name in ("task", "scenario", "agent_settings", "training_seed", "evaluation_seeds", "evaluation_return",
                 "better_than", "reward", "training_decisions"):  # fmt: skip
        assert name in network.card, name
    assert network.card["task"] == task == network.task


def test_hundreds_of_trained_makers_trade_in_one_market(tmp_path: Path) -> None:
    file = scenario_with(tmp_path, "market_making", random_network("market_making"))
    text = Path(file).read_text().replace('kind = "rl_maker"', 'kind = "rl_maker"\ncount = 300')
    Path(file).write_text(text)
    market = build_market(file, seed=1)
    market.run()
    mine = market.world.accounts[-300:, 0]
    assert (mine["n_messages"] > 0).all() and (mine["n_fills"] > 0).sum() > 5
    assert SETTINGS["duration_s"] == 300.0 and SIZES


# ---- makers that learn within a run -------------------------------------------------------------------------------


def test_benchmarks_are_the_bertrand_and_the_monopoly_spread() -> None:
    found = spread_benchmarks([4, 8, 12, 16, 20, 24, 28, 32], 0.05, 2)
    assert (found.competitive_ticks, found.monopoly_ticks) == (4.0, 20.0)
    assert collusion_index(4.0, found) == 0.0 and collusion_index(20.0, found) == 1.0
    # With coarse steps, undercutting does not pay: nobody gains by leaving 8.
    assert spread_benchmarks([1, 8, 12], 0.05, 2).competitive_ticks == 8.0
    assert np.isnan(collusion_index(5.0, spread_benchmarks([20], 0.05, 2)))
    with pytest.raises(InputError, match="at least one distance"):
        spread_benchmarks([], 0.05, 2)


def learning(count: int, close: str = "00:30:00", **settings: Any) -> Any:
    changes = [f"population.makers.count={count}", f"session.close={close}"]
    changes += [f"population.makers.settings.{name}={value}" for name, value in settings.items()]
    market = build_market(str(library()["learning_makers"]), 1, changes)
    market.run()
    return market


def chosen(market: Any) -> Any:
    """Distances of the makers' last quotes."""
    actions = market.world.agents["state"][: len(market.world.agents) - 1, q_learning_maker.S.action]
    return 4 + 4 * actions


def test_a_maker_alone_learns_the_monopoly_distance() -> None:
    # Profits per period are 14.7 at 20, and within 6% of that from 16 to 28.
    market = learning(1, exploration_decay=1.5e-4, learning_rate=0.005, discount=0.0, initial_profit_ticks=15.0)
    assert 16 <= chosen(market)[0] <= 28


def test_makers_without_foresight_end_closer_to_competition_than_one_alone() -> None:
    market = learning(3, exploration_decay=3e-4, discount=0.0, learning_rate=0.05)
    assert chosen(market).min() <= 12


def test_the_table_learns_as_the_formula_says() -> None:
    market = learning(1, close="00:00:01", exploration_decay=0.0)
    agent = market.world.agents[0]
    row = market.world.population_rows[0]
    first, n = int(row["first_memory"]), int(row["n_memory"])
    table = market.world.table("floats", first + n)["value"][first:]
    # The first decision is at the first period's end; a maker alone sees no other, so it stays in rows of "none".
    tape = market.tape
    adds = tape[(tape["kind"] == 1) & (tape["agent"] == 0)]
    actions = (np.abs(adds["price_ticks"][::2] - 2000) - 4) // 4
    fills = tape[tape["kind"] == 5]
    period_ns = 50_000_000
    expected = np.zeros(n)
    state = 0 * 9 + 8
    for t in range(int(agent["state"][q_learning_maker.S.period]) - 1):
        # Profit between decision t and t + 1; decision t is at (t + 1) periods.
        inside = (fills["time_ns"] > (t + 1) * period_ns) & (fills["time_ns"] <= (t + 2) * period_ns)
        profit = float((np.abs(fills["price_ticks"][inside] - 2000) * fills["qty_lots"][inside]).sum())
        following = int(actions[t]) * 9 + 8
        at = state * 8 + int(actions[t])
        goal = profit + 0.95 * expected[following * 8 : following * 8 + 8].max()
        expected[at] += 0.1 * (goal - expected[at])
        state = following
    np.testing.assert_allclose(table, expected, rtol=1e-9)
    assert agent["state"][q_learning_maker.S.period] >= 15
