"""A market that opens with the book of a recording, and a background that is any recording."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agents.background.opening import opening_orders
from lob.errors import InputError
from lob.types import EventKind
from scenarios.build.market import build
from scenarios.schema.load import load_scenario
from sim.formats import ItchWriter, read_recording
from tests.sim.markets import market_of, zero_intelligence_traders

SECOND = 10**9
OPEN = 34_200 * SECOND


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """A simulated minute as an ITCH file, and its tape."""
    market = market_of([zero_intelligence_traders(20)], seconds=60, seed=8)
    market.run()
    instrument = market.world.listings[0].instrument
    path = tmp_path_factory.mktemp("itch") / "abc.itch"
    writer = ItchWriter(path, "ABC", 0, instrument.min_price_ticks, instrument.n_prices)
    writer(market.tape)
    writer.close()
    return path, market.tape


def resting(tape: Any, until_ns: int) -> list[tuple[int, int, int, int]]:
    """(time, side, price, lots) of the orders that rest in a tape at a time, first come first."""
    left: dict[int, list[int]] = {}
    for row in tape[tape["time_ns"] <= until_ns]:
        order, lots = int(row["order_id"]), int(row["qty_lots"])
        if row["kind"] == EventKind.ADD:
            left[order] = [int(row["time_ns"]), int(row["side"]), int(row["price_ticks"]), lots]
        elif row["kind"] == EventKind.EXECUTE:
            left[int(row["contra_order_id"])][3] -= lots
        elif row["kind"] == EventKind.CANCEL:
            left.pop(order)
        elif row["kind"] == EventKind.REDUCE:
            left[order][3] -= lots
    return [tuple(order) for order in left.values() if order[3] > 0]  # type: ignore[misc]


def test_the_orders_have_their_ages_ranks_and_sizes(recorded: tuple[Path, Any]) -> None:
    path, tape = recorded
    for at in (OPEN + 10 * SECOND, OPEN + 30 * SECOND, OPEN + 59 * SECOND):
        found = opening_orders(read_recording(path), at)
        names = ("time_ns", "side", "price_ticks", "qty_lots")
        assert [tuple(int(row[name]) for name in names) for row in found] == resting(tape, at)
    with pytest.raises(InputError, match="no order rests at 00:00:00"):
        opening_orders(read_recording(path), 0)


def scenario(path: Path, folder: Path, more: str = "", opening: str = "at = 09:30:30") -> Any:
    text = f"""
[session]
open = 09:30:30
close = 09:31:30
[[instrument]]
name = "ABC"
opening = {{ recording = "{path}", {opening} }}
{more}
"""
    file = folder / "opens.toml"
    file.write_text(text)
    return build(load_scenario(str(file)))


def test_a_market_opens_with_them_in_the_recordings_units(recorded: tuple[Path, Any], tmp_path: Path) -> None:
    path, tape = recorded
    built = scenario(path, tmp_path)
    market = built.market()
    market.run()
    expected = resting(tape, OPEN + 30 * SECOND)
    adds = market.tape[market.tape["kind"] == EventKind.ADD]
    assert [(int(r["side"]), int(r["price_ticks"]), int(r["qty_lots"])) for r in adds] == [e[1:] for e in expected]
    table = built.scenario.instrument[0]
    bids, asks = ([e[2] for e in expected if e[1] == side] for side in (1, -1))
    assert table.tick_size == 0.01 and table.reference_ticks == (max(bids) + min(asks)) // 2 and table.opening is None
    assert [group.name for group in built.groups] == ["opening_ABC"]


def test_the_resolved_scenario_builds_the_same_market(recorded: tuple[Path, Any], tmp_path: Path) -> None:
    from scenarios.schema.toml_text import toml_text

    built = scenario(recorded[0], tmp_path)
    again = tmp_path / "again.toml"
    again.write_text(toml_text(built.scenario.model_dump(exclude_none=True)))
    one, other = built.market(), build(load_scenario(str(again))).market()
    one.run()
    other.run()
    assert (one.tape == other.tape).all() and len(one.tape)


def test_orders_may_leave_when_the_record_took_them_out(recorded: tuple[Path, Any], tmp_path: Path) -> None:
    path, tape = recorded
    market = scenario(path, tmp_path, opening='at = 09:30:58, lives = "recorded"').market()
    market.run()
    first, last = resting(tape, OPEN + 58 * SECOND), resting(tape, OPEN + 60 * SECOND)
    stayed = [order for order in last if order[0] <= OPEN + 58 * SECOND]
    gone = market.tape[np.isin(market.tape["kind"], (EventKind.CANCEL, EventKind.REDUCE))]
    left = sum(order[3] for order in first) - int(gone["qty_lots"].sum())
    assert 0 < left == sum(order[3] for order in stayed) < sum(order[3] for order in first)
    assert not (market.tape["kind"] == EventKind.REJECT).any()


def test_another_time_another_book_and_bad_settings_are_one_line(recorded: tuple[Path, Any], tmp_path: Path) -> None:
    path, tape = recorded
    market = scenario(path, tmp_path, opening="at = 09:30:45").market()
    market.run()
    assert (market.tape["kind"] == EventKind.ADD).sum() == len(resting(tape, OPEN + 45 * SECOND))
    for opening, words in (
        ("at = 09:00:00", "no order rests at 09:00:00"),
        ('symbol = "XYZ"', "symbol XYZ"),
        ('lives = "long"', "allowed"),
    ):
        with pytest.raises(InputError, match=words):
            scenario(path, tmp_path, opening=opening)
    replay = f'[[population]]\nname = "day"\nkind = "replay"\nsettings = {{ message = "{path}" }}'
    with pytest.raises(InputError, match="day replays a recorded day and brings the book itself"):
        scenario(path, tmp_path, replay)
    with pytest.raises(InputError, match="its orders are of a population opening_ABC"):
        scenario(path, tmp_path, '[[population]]\nname = "opening_ABC"\nkind = "zero_intelligence"')


def test_any_recording_is_a_background(recorded: tuple[Path, Any], tmp_path: Path) -> None:
    path, tape = recorded
    file = tmp_path / "replays.toml"
    file.write_text(f"""
[session]
open = 09:30:00
close = 09:31:00
[[instrument]]
name = "ABC"
reference_ticks = 1000
min_price_ticks = 0
n_prices = 4096
[[population]]
name = "recorded"
kind = "replay"
settings = {{ message = "{path}", symbol = "ABC" }}
""")
    market = build(load_scenario(str(file))).market()
    market.run()
    kinds = (EventKind.ADD, EventKind.CANCEL, EventKind.EXECUTE, EventKind.REDUCE)
    for kind in kinds:
        mine, theirs = (rows[rows["kind"] == kind] for rows in (market.tape, tape))
        assert mine["price_ticks"].tolist() == theirs["price_ticks"].tolist(), kind
        assert mine["qty_lots"].tolist() == theirs["qty_lots"].tolist(), kind
