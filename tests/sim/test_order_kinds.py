"""Order kinds in a whole market: the same tape whatever the buffer, snapshots, the audit, files, Python traders."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from lob import EventKind, Flag, Instrument, Reject
from lob.errors import RunError
from lob.units import SECOND_NS
from sim.audit import Group, TapeAudit
from sim.formats.dbn import DbnWriter, read_dbn
from sim.formats.lobster import LobsterWriter
from sim.market import Market
from sim.metrics.flow import FlowKind, flow_of_tape, visible_flow_of_tape
from sim.records import Wake
from sim.trader import TraderView
from tests.sim.markets import OPEN_NS, Scripted, play, tape_hash
from tests.sim.test_twin import CROWDS, build


def lively(**fields: Any) -> Market:
    return build(CROWDS["every kind of order"], **fields)


def test_the_tape_does_not_depend_on_the_buffer_and_cascades_go_on_after_it_was_full() -> None:
    expected = lively()
    expected.run()
    listings, populations, session, schedule, seed = expected._definition
    small = Market(listings, populations, session, schedule, seed, tape_rows=16)
    small.run()
    assert tape_hash(small.tape) == tape_hash(expected.tape)


def test_a_market_goes_on_from_a_snapshot_with_orders_of_every_kind_in_its_book() -> None:
    whole = lively()
    whole.run()
    first = lively()
    first.run(OPEN_NS + 17 * SECOND_NS)
    snapshot = first.snapshot()
    assert int(first.world.book()["n_details"]) > 10
    second = lively()
    second.restore(snapshot)
    second.run()
    rows = whole.tape[whole.tape["time_ns"] > OPEN_NS + 17 * SECOND_NS]
    assert tape_hash(second.tape[-len(rows) :]) == tape_hash(rows)


def test_the_audit_finds_nothing_in_it_and_something_in_a_tape_that_was_changed() -> None:
    market = lively()
    market.run()
    instruments = [listing.instrument for listing in market._definition[0]]
    groups, first = [], 0
    for population in market._definition[1]:
        groups.append(Group(population.name, first, population.count, (0,), population.limits))
        first += population.count
    for field, kind, n_least in (("qty_lots", EventKind.REFRESH, 1), ("bid_lots", EventKind.TRIGGER, 1), (None, 0, 0)):
        rows = market.tape.copy()
        if field:
            rows[field][np.flatnonzero(rows["kind"] == kind)[3]] += 1
        audit = TapeAudit(instruments, groups)
        audit(rows)
        assert (len(audit.finish()) >= n_least) if field else audit.finish() == []
    accounts, told = market.world.accounts[:, 0], audit.state.accounts
    for name in ("position_lots", "n_fills", "n_orders", "ordered_lots", "open_buy_lots", "open_sell_lots", "n_open"):
        assert (accounts[name] == told[name]).all(), name


def test_files_show_what_is_displayed_and_executions_against_what_is_not(tmp_path: Path) -> None:
    market = lively()
    market.run()
    rows = market.tape
    instrument = market._definition[0][0].instrument
    span = (instrument.min_price_ticks + 1, instrument.n_prices - 1)
    writer = LobsterWriter(tmp_path, "S0", "2026-01-05", OPEN_NS, OPEN_NS + 40 * SECOND_NS, *span, depth=5)
    writer(rows)
    message_file, book_file = writer.close()
    messages = pl.read_csv(message_file, has_header=False).to_numpy()
    book = pl.read_csv(book_file, has_header=False).to_numpy()
    hidden = rows[(rows["kind"] == EventKind.EXECUTE) & (rows["flags"] & Flag.HIDDEN > 0)]
    mine = messages[messages[:, 1] == 5]
    assert len(mine) == len(hidden) > 20 and (mine[:, 2] == 0).all()
    expected = 100 * hidden["price_ticks"] + np.where(hidden["flags"] & Flag.HALF_TICK, 50, 0)
    assert mine[:, 4].tolist() == expected.tolist()
    # The last row of the book file is the touch that the tape ends with.
    assert book[-1, :4].tolist() == [
        100 * rows["ask_ticks"][-1], rows["ask_lots"][-1], 100 * rows["bid_ticks"][-1], rows["bid_lots"][-1]
    ]  # fmt: skip
    dbn = DbnWriter(tmp_path / "s0.dbn", "S0", "2026-01-05", *span)
    dbn(rows)
    records = read_dbn(dbn.close()[0])
    assert (records["action"] == b"T").sum() == (rows["kind"] == EventKind.EXECUTE).sum()
    assert (records["action"] == b"F").sum() == (rows["kind"] == EventKind.EXECUTE).sum() - len(hidden)
    flow, visible = flow_of_tape(rows), visible_flow_of_tape(rows, 5)
    assert (flow.kind == FlowKind.HIDDEN).sum() == (visible.kind == FlowKind.HIDDEN).sum() == len(hidden)
    assert (flow.price_ticks % 1 > 0).sum() == (hidden["flags"] & Flag.HALF_TICK > 0).sum()


def test_a_python_trader_sends_every_kind_in_words_and_hears_of_what_the_venue_does() -> None:
    def quote(view: TraderView) -> None:
        view.order("limit", side="sell", price_ticks=1010, qty_lots=50, display_lots=10)
        view.order("limit", side="buy", price_ticks=990, qty_lots=20, expires_ns=view.time_ns + 2 * SECOND_NS)
        view.order("pegged", side="buy", peg="midpoint", qty_lots=5)
        view.order("stop", side="sell", trigger_ticks=980, qty_lots=5)

    maker = Scripted({1.0: quote}, wakes_on=int(Wake.ACK | Wake.FILL))
    taker = Scripted({2.0: lambda view: view.market("buy", 15), 3.5: lambda view: view.market("sell", 1)})
    market, rows = play(maker, taker, seconds=6)
    kinds = [EventKind(kind).name for kind in rows["kind"] if kind != EventKind.PHASE]
    assert kinds == ["ADD", "ADD", "ADD", "PARK", "EXECUTE", "REFRESH", "EXECUTE", "CANCEL", "EXPIRE"]
    assert rows["reason"][rows["kind"] == EventKind.CANCEL].tolist() == [Reject.EXPIRED]
    expiry = int(rows["time_ns"][rows["kind"] == EventKind.CANCEL][0]) - OPEN_NS
    assert expiry == 3 * SECOND_NS
    assert any(time_ns >= expiry and Wake.ACK in reason for time_ns, reason in maker.wakes)
    assert market.world.accounts["open_sell_lots"][0, 0] == 35 + 5


def test_a_word_that_no_order_knows_is_the_traders_mistake() -> None:
    for given, words in (
        ({"side": "buy", "qty_lots": 5, "pig": "midpoint"}, "pig: an order has no such field"),
        ({"side": "buy", "qty_lots": 5, "peg": "middle"}, "peg = 'middle'; allowed: primary, midpoint, market"),
    ):
        with pytest.raises(RunError, match=words):
            play(Scripted({1.0: lambda view, given=given: view.order("pegged", **given)}))


def test_a_book_without_room_for_another_order_with_a_detail_says_so() -> None:
    with pytest.raises(RunError, match=r"BOOK_FULL|full"):
        play(
            Scripted({1.0: lambda v: [v.order("stop", side="buy", trigger_ticks=1200, qty_lots=1) for _ in range(9)]}),
            instrument=Instrument(n_prices=2048, max_orders=2048, reference_ticks=1000, max_detailed_orders=8),
        )
