"""What a scenario says is what the market does."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from lob.types import EventKind, Phase
from lob.units import SECOND_NS
from scenarios.build.market import build, build_market
from scenarios.schema.load import library, load_scenario
from scenarios.schema.toml_text import toml_text
from sim.market import Market
from sim.records import LatencyKind
from tests.scenarios.texts import SMALL, built


@pytest.mark.parametrize("name", sorted(library()))
def test_every_library_scenario_builds_and_describes_itself(name: str) -> None:
    parts = build(load_scenario(name))
    assert parts.scenario.description
    assert parts.populations


def test_a_library_scenario_is_found_with_and_without_its_ending() -> None:
    assert load_scenario("first_market").path == load_scenario("first_market.toml").path


def test_units_in_names_become_nanoseconds(tmp_path: Path) -> None:
    latency = 'latency = { kind = "uniform", low_us = 3, high_ms = 2.5 }'
    population = built(tmp_path, SMALL.replace("count = 50", latency)).populations[0]
    assert population.latency.kind == LatencyKind.UNIFORM
    assert (population.latency.a_ns, population.latency.b_ns) == (3_000, 2_500_000)


def test_fees_in_basis_points_become_parts_per_million(tmp_path: Path) -> None:
    text = SMALL.replace('name = "ABC"', 'name = "ABC"\nmaker_fee_bps = -0.25\ntaker_fee_bps = 1')
    listing = built(tmp_path, text).listings[0]
    assert (listing.maker_fee_ppm, listing.taker_fee_ppm) == (-25, 100)


def test_overrides_reach_rows_by_name_and_by_number(tmp_path: Path) -> None:
    parts = built(tmp_path, SMALL, "population.zero.count=7", "instrument[0].tick_size=0.5", "session.close=10:00:00")
    assert parts.populations[0].count == 7
    assert parts.listings[0].tick_size == 0.5
    assert parts.session.close_ns == 10 * 3600 * SECOND_NS


def test_the_resolved_scenario_reads_back_as_itself(tmp_path: Path) -> None:
    text = SMALL.replace("2.0", "{ lognormal = [2.0, 0.5], max = 9.0 }")
    parts = built(tmp_path, text + '[[event]]\nkind = "halt"\nat = 09:35:00\nuntil = 09:36:00.5\n')
    copy = tmp_path / "copy.toml"
    copy.write_text(toml_text(parts.scenario.model_dump()))
    again = build(load_scenario(str(copy)))
    assert again.scenario == parts.scenario
    assert again.config_hash(1) == parts.config_hash(1) != parts.config_hash(2)


def test_toml_text_survives_odd_keys_and_text() -> None:
    data = {"a b": 'say "hi"\n\\', "t": {"x.y": [1, 2.5, True], "rows": [{"k": {"z": -1e-9}}]}}
    assert tomllib.loads(toml_text(data)) == data


def test_a_halt_stops_trading_and_is_over_in_time(tmp_path: Path) -> None:
    text = SMALL + '[[event]]\nkind = "halt"\nat = 09:35:00\nuntil = 09:36:00\n'
    market = built(tmp_path, text).market()
    market.run()
    tape = market.tape
    start = (9 * 3600 + 35 * 60) * SECOND_NS
    within = (tape["time_ns"] > start) & (tape["time_ns"] < start + 60 * SECOND_NS)
    assert within.any() and (tape["phase"][within] == Phase.HALTED).all()
    executions = tape["kind"] == EventKind.EXECUTE
    assert not (executions & within).any()
    assert (executions & (tape["time_ns"] > start + 60 * SECOND_NS)).any()


def test_news_reaches_the_tape_at_its_time(tmp_path: Path) -> None:
    market = built(tmp_path, SMALL + '[[event]]\nkind = "news"\nat = 09:35:00\nvalue = 2.5\n').market()
    market.run()
    news = market.tape[market.tape["kind"] == EventKind.NEWS]
    assert news["time_ns"].tolist() == [(9 * 3600 + 35 * 60) * SECOND_NS]


def test_a_second_instrument_has_its_own_book_and_agents(tmp_path: Path) -> None:
    text = SMALL + '[[instrument]]\nname = "XYZ"\n'
    text += '[[population]]\nname = "other"\nkind = "zero_intelligence"\ncount = 20\nsymbol = "XYZ"\n'
    market = built(tmp_path, text).market()
    market.run()
    tape = market.tape
    assert (tape["agent"][tape["symbol"] == 1] >= 50).sum() > 0
    assert (tape["agent"][tape["symbol"] == 0] < 50).all()


MINE = '''
from sim.policy import Policy, Settings, decision, send_limit

class Mine(Settings):
    """Settings."""

    size_lots: int = 3

@decision
def decide(view, agent, out):
    send_limit(out, 1, view.last_ticks - 1, int(agent.params[0]))
    return 60_000_000_000

MINE = Policy(Mine, decide)
'''


def test_a_policy_beside_the_scenario_file_is_found_by_module_and_name(tmp_path: Path) -> None:
    (tmp_path / "my_policies_here.py").write_text(MINE)
    text = SMALL.replace('"zero_intelligence"', '"my_policies_here:MINE"').replace("interval_s = 2.0", "size_lots = 7")
    market: Market = built(tmp_path, text).market()
    market.run()
    assert (market.tape["qty_lots"][market.tape["kind"] == EventKind.ADD] == 7).all()


def test_two_folders_may_use_one_module_name(tmp_path: Path) -> None:
    sizes = []
    for lots in (4, 9):
        folder = tmp_path / str(lots)
        folder.mkdir()
        (folder / "shared_name.py").write_text(MINE.replace("size_lots: int = 3", f"size_lots: int = {lots}"))
        text = SMALL.replace('"zero_intelligence"', '"shared_name:MINE"').replace("interval_s = 2.0", "")
        sizes.append(built(folder, text).populations[0].settings.size_lots)  # type: ignore[union-attr]
    assert sizes == [4, 9]


def test_a_trader_beside_the_scenario_file_gets_its_settings(tmp_path: Path) -> None:
    (tmp_path / "my_traders_here.py").write_text(
        "from sim.trader import Trader\n"
        "class Mine(Trader):\n"
        "    def __init__(self, lots):\n        self._lots = lots\n"
        "    def on_wake(self, view):\n        view.limit('buy', 9000, self._lots)\n"
    )
    text = SMALL + '[[trader]]\nname = "t"\nkind = "my_traders_here:Mine"\ncount = 2\nsettings = { lots = 5 }\n'
    market = built(tmp_path, text).market()
    market.run()
    mine = market.tape[(market.tape["agent"] >= 0) & (market.tape["agent"] < 2)]  # traders are numbered first
    assert mine["qty_lots"].tolist() == [5, 5]


def test_build_market_is_the_short_way(tmp_path: Path) -> None:
    market = build_market("first_market", seed=3, overrides=["session.close=09:31:00"])
    assert market.run()
    assert market.seed == 3
