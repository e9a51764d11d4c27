"""A snapshot is taken back by the market that it is of and refused by any other; it costs one copy of the state."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lob.errors import InputError, RunError
from lob.types import Phase
from lob.units import SECOND_NS
from scenarios.run.checkpoint import FILE, Checkpoint, load_checkpoint, save_checkpoint
from sim.bulletins import Bulletin
from sim.fundamental import ConstantValue, OrnsteinUhlenbeck
from sim.market import Market
from sim.records import ScheduledKind
from sim.settings import Latency, Listing, Population, RiskLimits, Scheduled, Session
from sim.trader import Trader
from tests.sim.markets import OPEN_NS, STOCK, Fidget, zero_intelligence_traders

AGENTS = zero_intelligence_traders(20)
HALT = Scheduled(OPEN_NS + SECOND_NS, ScheduledKind.PHASE, float(Phase.HALTED))
PARTS: dict[str, Any] = {
    "listings": [Listing(STOCK, ConstantValue(1000.0))],
    "populations": [AGENTS, Population("t", 1, trader=lambda k: Fidget())],
    "session": Session(OPEN_NS, OPEN_NS + 10 * SECOND_NS),
    "schedule": [HALT],
    "seed": 1,
}


class Other(Fidget):
    """Another class of trader."""


def market(**changes: Any) -> Market:
    return Market(**{**PARTS, **changes})


CHANGES: list[tuple[str, dict[str, Any]]] = [
    ("seed 2 there, 1 here", {"seed": 2}),
    ("shared_stream True there, False here", {"shared_stream": True}),
    ("max_in_flight 4100 there, 4096 here", {"max_in_flight": 4100}),
    ("session", {"session": Session(OPEN_NS, OPEN_NS + 11 * SECOND_NS)}),
    ("schedule", {"schedule": []}),
    ("schedule", {"schedule": [replace(HALT, time_ns=HALT.time_ns + 1)]}),
    ("instruments", {"listings": [Listing(STOCK, ConstantValue(1001.0))]}),
    ("instruments", {"listings": [Listing(STOCK, OrnsteinUhlenbeck(1000.0, 0.01, 1.0))]}),
    ("instruments", {"listings": [Listing(STOCK, ConstantValue(1000.0), taker_fee_ppm=1)]}),
    ("instruments", {"listings": [Listing(STOCK, ConstantValue(1000.0), tick_size=0.02)]}),
    ("instruments", {"listings": [Listing(replace(STOCK, collar_ticks=7), ConstantValue(1000.0))]}),
    *(
        ("populations", {"populations": [changed, PARTS["populations"][1]]})
        for changed in (
            zero_intelligence_traders(20, interval_s=0.51),
            zero_intelligence_traders(20, name="other"),
            replace(AGENTS, latency=Latency(a_ns=2.0)),
            replace(AGENTS, limits=RiskLimits(max_order_lots=9)),
            replace(AGENTS, reaction_ns=9),
        )
    ),
    ("populations", {"populations": [AGENTS, Population("t", 1, trader=lambda k: Other())]}),
    (
        "populations",
        {"populations": [AGENTS, Population("t", 1, trader=lambda k: Fidget(), bulletins=(Bulletin(OPEN_NS, "x"),))]},
    ),
]


@pytest.mark.parametrize(("part", "changes"), CHANGES)
def test_a_snapshot_of_a_market_that_differs_in_one_part_is_refused(part: str, changes: dict[str, Any]) -> None:
    here, there = market(), market(**changes)
    before = here.snapshot()
    with pytest.raises(RunError, match=f"the snapshot belongs to another market: {part}"):
        here.restore(there.snapshot())
    assert here.snapshot() == before


def test_a_snapshot_of_the_same_market_made_again_is_taken() -> None:
    one, other = market(), market(tape_rows=7)
    one.run(OPEN_NS + 5 * SECOND_NS)
    other.restore(one.snapshot())
    one.run()
    other.run()
    assert one.tape[other.first_row :].tobytes() == other.tape.tobytes()


# ---- memory -----------------------------------------------------------------------------------------------


def peak_bytes(work: Any) -> tuple[int, Any]:
    """Bytes that were allocated at the worst moment of a call, beyond what was there, and what it returns."""
    tracemalloc.start()
    try:
        result = work()
        return tracemalloc.get_traced_memory()[1], result
    finally:
        tracemalloc.stop()


def test_a_snapshot_and_its_way_to_the_disk_and_back_take_one_copy_of_the_state(tmp_path: Path) -> None:
    listing = Listing(replace(STOCK, max_orders=2**20), ConstantValue(1000.0))
    large = Market([listing], [zero_intelligence_traders(10**4)])
    large.run(OPEN_NS + SECOND_NS)
    n_bytes, spare = len(large.world.block), 2**23
    assert n_bytes > 8 * spare
    peak, snapshot = peak_bytes(large.snapshot)
    assert n_bytes <= peak < n_bytes + spare
    peak, shown = peak_bytes(lambda: large.snapshot(copy=False))
    assert peak < spare and shown == snapshot
    point = Checkpoint("hash", large.time_ns, 1, 2, "hash", 0)
    peak, _ = peak_bytes(lambda: save_checkpoint(tmp_path, point, shown))
    assert peak < spare
    # What was never written takes no room on the disk either.
    assert (tmp_path / FILE).stat().st_size < np.count_nonzero(large.world.block)
    peak, loaded = peak_bytes(lambda: load_checkpoint(tmp_path))
    assert loaded == (point, snapshot) and peak < n_bytes + spare
    peak, _ = peak_bytes(lambda: large.restore(snapshot))
    assert peak < spare


@pytest.mark.parametrize("position", [0.0, 0.02, 0.3, 0.7, 0.999])
def test_a_snapshot_file_with_one_wrong_byte_is_refused(tmp_path: Path, position: float) -> None:
    small = market()
    small.run(OPEN_NS + 5 * SECOND_NS)
    save_checkpoint(tmp_path, Checkpoint("hash", 1, 1, 2, "hash", 0), small.snapshot())
    data = bytearray((tmp_path / FILE).read_bytes())
    data[int(position * len(data))] ^= 0x10
    (tmp_path / FILE).write_bytes(bytes(data))
    with pytest.raises(InputError, match=r"snapshot\.bin: damaged"):
        load_checkpoint(tmp_path)


def test_a_trader_that_never_remembers_anything_needs_no_state() -> None:
    class Silent(Trader):
        def on_wake(self, view: Any) -> None:
            return None

    one = market(populations=[Population("t", 1, trader=lambda k: Silent())])
    assert one.snapshot().traders == "[null]"
