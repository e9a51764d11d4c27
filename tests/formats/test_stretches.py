"""A tape comes in stretches as long as the buffer happens to be: what is made of it must not depend on the cuts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scenarios.build.market import Built, build
from scenarios.data import labels
from scenarios.schema.load import load_scenario
from sim.formats import DbnWriter, HftbacktestWriter, LobsterWriter
from sim.formats.orders import EventFeed
from sim.metrics import flow as flows
from sim.metrics import visible_flow_of_tape
from sim.writer import ParquetTape

TEXT = """
[session]
open = 09:30:00
close = 09:36:00

[[instrument]]
name = "ABC"
n_prices = 4_096

[[instrument]]
name = "DEF"
n_prices = 4_096

[[population]]
name = "zero"
kind = "zero_intelligence"
count = 20
symbol = "ABC"
settings = { interval_s = 2.0, size_lots = { uniform = [1.0, 20.0] } }

[[population]]
name = "maker"
kind = "gueant_lehalle_tapia"
count = 1
symbol = "ABC"

[[population]]
name = "others"
kind = "zero_intelligence"
count = 10
symbol = "DEF"
settings = { interval_s = 2.0 }

[[event]]
kind = "halt"
at = 09:33:00
until = 09:34:00
symbol = "ABC"
"""
RANGE = (7952, 4096)


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> tuple[Built, Any]:
    """A market of two symbols and its tape."""
    path = tmp_path_factory.mktemp("stretches") / "two.toml"
    path.write_text(TEXT)
    built = build(load_scenario(str(path)))
    market = built.market(2)
    market.run()
    assert len(market.tape) > 3000
    return built, market.tape


def sinks(built: Built, folder: Path) -> Iterator[Any]:
    for symbol, name in enumerate(("ABC", "DEF")):
        yield LobsterWriter(folder, name, "2024-01-02", 0, 10**9, *RANGE, depth=3, symbol=symbol)
        yield DbnWriter(folder / f"{name}.dbn", name, "2024-01-02", *RANGE, 0.01, symbol)
        yield HftbacktestWriter(folder / f"{name}.npz", *RANGE, 0.01, symbol)
    yield labels.Labels(built, folder / "labels")


def files_of(built: Built, rows: Any, cuts: list[int]) -> dict[str, bytes]:
    """All files that all writers make of a tape that is cut at these rows."""
    with TemporaryDirectory() as place:
        folder = Path(place)
        tape = ParquetTape(folder / "tape", 1000)
        writers = list(sinks(built, folder))
        for piece in np.split(rows, cuts):
            for sink in (*writers, tape):
                sink(piece)
        tape.close_part()
        for writer in writers:
            writer.close()
        return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@given(data=st.data())
@settings(deadline=None, max_examples=25)
def test_every_writer_makes_the_same_files_however_a_tape_was_cut(data: st.DataObject, day: Any) -> None:
    pytest.importorskip("databento_dbn")
    built, rows = day
    cuts = data.draw(st.lists(st.integers(0, len(rows)), max_size=12).map(sorted))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(labels, "LABELS_PER_PART", 400)
        whole, cut = files_of(built, rows, []), files_of(built, rows, cuts)
    assert whole.keys() == cut.keys() and len([name for name in whole if name.startswith("labels/orders")]) > 2
    for name, content in whole.items():
        assert cut[name] == content, name


def test_stretches_of_one_row_give_the_same_files(day: Any) -> None:
    pytest.importorskip("databento_dbn")
    built, rows = day[0], day[1][:1500]
    assert files_of(built, rows, list(range(len(rows)))) == files_of(built, rows, [])


@given(stretch=st.integers(1, 3000), levels=st.integers(1, 10))
@settings(deadline=None, max_examples=15)
def test_the_visible_flow_of_a_tape_does_not_depend_on_stretches(stretch: int, levels: int, day: Any) -> None:
    rows = day[1]
    whole = visible_flow_of_tape(rows, levels)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(flows, "_STRETCH", stretch)
        cut = visible_flow_of_tape(rows, levels)
    assert len(whole) == len(cut)
    assert np.array_equal(whole.time_ns, cut.time_ns) and np.array_equal(whole.order_id, cut.order_id)
    assert whole.book is not None and cut.book is not None
    assert np.array_equal(whole.book, cut.book, equal_nan=True)


def test_only_events_that_change_the_kept_levels_are_visible_whatever_the_stretch(day: Any) -> None:
    rows = day[1][day[1]["symbol"] == 0]
    feed = EventFeed(*RANGE, 1)
    seen = [feed(rows[k : k + 1]) for k in range(len(rows))] + [feed.finish()]
    events, books = (np.concatenate([pair[k] for pair in seen]) for k in range(2))
    changed = np.concatenate([[True], (books[1:] != books[:-1]).any(axis=(1, 2))])
    expected = changed | (events["action"] == 4) | (events["action"] == 7)
    # The first event is the opening, a phase.
    assert (events["is_visible"] > 0).tolist() == expected.tolist() and not expected.all()
