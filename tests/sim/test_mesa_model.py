"""A market as a Mesa model: agents, data, batches, the browser page, and no memory left behind."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

import mesa
import numpy as np
import pytest

from lob.rules import Instrument
from lob.units import SECOND_NS
from sim.market import Market
from sim.mesa_model import MarketModel, PopulationAgent, TraderAgent, market_page
from sim.settings import Population
from sim.worth import fees_ticks
from tests.sim.markets import OPEN_NS, Scripted, lively_populations, market_of, zero_intelligence_traders


def lively(seed: int = 0, n_agents: int = 30) -> Market:
    populations = [zero_intelligence_traders(n_agents), *lively_populations()[1:]]
    return market_of(populations, seed=seed, maker_fee_ppm=5)


@pytest.fixture(scope="module")
def model() -> MarketModel:
    model = MarketModel(lively, step_s=10.0, seed=3)
    model.run_model()
    return model


def test_there_is_one_agent_for_each_population_and_one_for_each_python_trader(model: MarketModel) -> None:
    assert [a.name for a in model.agents] == ["zero intelligence", "momentum", "fidget 0", "fidget 1", "fidget 2"]
    assert len(model.agents_by_type[PopulationAgent]) == 2
    assert len(model.agents_by_type[TraderAgent]) == 3
    assert {a.unique_id for a in model.agents} == {1, 2, 3, 4, 5}
    assert len(model.agents.select(lambda a: a.count > 1)) == 2


def test_a_model_runs_to_the_close_and_then_stops(model: MarketModel) -> None:
    assert model.market.time_ns == OPEN_NS + 60 * SECOND_NS
    assert not model.running
    assert model.steps == 7


def test_a_model_writes_the_market_that_its_market_would_write_alone(model: MarketModel) -> None:
    alone = lively(seed=3)
    alone.run()
    assert alone.snapshot() == model.market.snapshot()


def test_model_data_are_of_the_market(model: MarketModel) -> None:
    data = model.datacollector.get_model_vars_dataframe()
    assert list(data.columns) == ["market_seed", "mid", "spread", "volume", "bid_depth", "ask_depth"]
    assert len(data) == 8
    assert np.isnan(data["mid"][0])
    assert data["spread"].notna().sum() > 4
    assert not (data["spread"] <= 0).any()
    assert data["mid"].dropna().between(900, 1100).all()
    assert data["volume"].is_monotonic_increasing and data["volume"].iloc[-1] > 100
    assert data.iloc[-1].equals(data.iloc[-2])


def test_agents_positions_and_gains_add_up_to_nothing_but_fees(model: MarketModel) -> None:
    data = model.datacollector.get_agent_vars_dataframe().reset_index()
    assert len(data) == 8 * 5
    for _, rows in data.groupby("Step"):
        assert rows["position"].sum() == 0
    last = data[data["Step"] == 7]
    fees = fees_ticks(model.market.world.accounts).sum()
    assert fees > 0
    assert last["pnl"].sum() == pytest.approx(-fees)


def test_batch_run_varies_seeds_and_parameters() -> None:
    rows = mesa.batch_run(
        MarketModel,
        {"make_market": lively, "step_s": 20.0, "seed": [1, 2], "n_agents": [5, 30]},
        display_progress=False,
    )
    assert len(rows) == 2 * 2 * 5
    ends = {(row["seed"], row["n_agents"]): (row["mid"], row["volume"]) for row in rows}
    assert len(set(ends.values())) == 4
    alone = MarketModel(lively, seed=2, n_agents=30)
    alone.run_model()
    assert ends[2, 30] == (alone.mid_ticks(), alone.volume_lots())
    assert {row["name"] for row in rows} == {a.name for a in alone.agents}


def test_iterations_of_a_batch_are_different_worlds_that_can_be_made_again() -> None:
    rows = mesa.batch_run(MarketModel, {"make_market": lively, "step_s": 20.0}, iterations=4, display_progress=False)
    ends = {row["market_seed"]: (row["mid"], row["volume"]) for row in rows}
    assert len(ends) == len(set(ends.values())) == 4
    seed, end = next(iter(ends.items()))
    again = MarketModel(lively, step_s=20.0, seed=seed)
    again.run_model()
    assert np.array_equal((again.mid_ticks(), again.volume_lots()), end, equal_nan=True)  # a side may be empty


def test_the_seed_of_a_batch_may_be_called_rng_as_in_newer_versions_of_mesa() -> None:
    one, other = (MarketModel(lively, step_s=20.0, **{name: 7}) for name in ("seed", "rng"))
    assert one.market.snapshot() == other.market.snapshot()
    with pytest.raises(ValueError, match="one of them"):
        MarketModel(lively, seed=1, rng=1)


@pytest.mark.parametrize("seed", [-1, 2**63, 1.5, "1"])
def test_a_seed_that_is_no_seed_is_refused_and_not_rounded(seed: Any) -> None:
    with pytest.raises(ValueError, match="whole number from 0"):
        MarketModel(lively, seed=seed)


@pytest.mark.parametrize("step_s", [0, -1.0, float("nan"), float("inf")])
def test_a_step_of_no_length_is_refused(step_s: float) -> None:
    with pytest.raises(ValueError, match="step_s = "):
        MarketModel(lively, step_s=step_s)


def tiny(seed: int = 0) -> Market:
    populations = [
        zero_intelligence_traders(20, interval_s=2.0),
        Population("watcher", 1, trader=lambda _: Scripted()),
    ]
    stock = Instrument(n_prices=1100, max_orders=64, reference_ticks=1000)
    return market_of(populations, seconds=3, seed=seed, instrument=stock, tape_rows=64, max_in_flight=64)


def resident_bytes() -> int:
    status = Path("/proc/self/statm")
    if not status.exists():
        pytest.skip("needs /proc")
    return int(status.read_text().split()[1]) * 4096


def test_a_thousand_runs_take_no_more_memory_than_a_few() -> None:
    def run_some(n: int) -> None:
        for seed in range(n):
            model = MarketModel(tiny, step_s=1.0, seed=seed)
            model.run_model()
        del model
        gc.collect()

    run_some(100)
    before = resident_bytes()
    one = len(tiny().world.block)
    run_some(1000)
    # Had every model stayed alive, it would be a thousand times its world at least.
    assert resident_bytes() - before < 100 * one
    assert not [m for m in mesa.Agent._ids if isinstance(m, MarketModel)]


def widgets_of(root: Any) -> list[Any]:
    """All widgets below one, in order."""
    import ipywidgets

    found: list[Any] = []
    waiting = [root]
    while waiting:
        item = waiting.pop()
        if isinstance(item, ipywidgets.Widget):
            if any(item is other for other in found):
                continue
            found.append(item)
            names = [n for n in item.trait_names() if n in ("children", "items", "v_slots", "grid_layout")]
            waiting.extend(getattr(item, name) for name in names)
        elif isinstance(item, list | tuple):
            waiting.extend(reversed(item))
        elif isinstance(item, dict):
            waiting.extend(item.values())
    return found


# Mesa's own page breaks a rule of Solara's hook checker, and both use what ipywidgets and Matplotlib deprecate.
@pytest.mark.filterwarnings("ignore")
def test_the_browser_page_draws_the_market_and_its_button_runs_it() -> None:
    solara = pytest.importorskip("solara")
    model = MarketModel(lively, step_s=10.0, seed=3)
    parameters: dict[str, Any] = {"make_market": lively, "step_s": 10.0}

    @solara.component  # type: ignore[untyped-decorator]
    def page() -> None:
        with solara.AppLayout():
            market_page(model, parameters)

    def pictures() -> list[bytes]:
        return [bytes(w.value) for w in widgets_of(box) if type(w).__name__ == "Image"]

    box, context = solara.render(page(), handle_error=False)
    try:
        before = pictures()
        assert len(before) == 4
        assert all(picture.startswith(b"\x89PNG") for picture in before)
        buttons = {w.children[0]: w for w in widgets_of(box) if type(w).__name__ == "Btn" and w.children}
        buttons["Step"].click()
        assert model.steps == 1
        assert model.market.time_ns == OPEN_NS + 10 * SECOND_NS
        assert pictures() != before
    finally:
        context.close()
