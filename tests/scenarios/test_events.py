"""Events of a scenario: switched off, named, and news that moves the value."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lob.errors import InputError
from lob.types import EventKind
from lob.units import SECOND_NS
from scenarios.build.market import build
from scenarios.schema.load import load_scenario
from sim import ConstantValue, OrnsteinUhlenbeck, WithJumps
from tests.scenarios.texts import SMALL, built, written

HALT = '\n[[event]]\nname = "halt"\nkind = "halt"\nat = 09:32:00\nuntil = 09:33:00\n'
NEWS = '\n[[event]]\nname = "news"\nkind = "news"\nat = 09:35:00.5\nvalue = 40\nmoves_value = true\n'


def test_an_event_that_is_switched_off_is_as_if_it_were_not_there(tmp_path: Path) -> None:
    plain, off, on = (
        built(tmp_path, text, *overrides).market()
        for text, overrides in ((SMALL, ()), (SMALL + HALT, ("event.halt.enabled=false",)), (SMALL + HALT, ()))
    )
    for market in (plain, off, on):
        market.run()
    assert plain.tape.tobytes() == off.tape.tobytes() != on.tape.tobytes()
    phases = on.tape[on.tape["kind"] == EventKind.PHASE]["time_ns"] - on.session.open_ns
    assert list(phases) == [0, 120 * SECOND_NS, 180 * SECOND_NS, 600 * SECOND_NS]


def test_names_of_events_are_unique_and_enabled_is_true_or_false(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"event\[1\].name = .halt."):
        built(tmp_path, SMALL + HALT + HALT)
    with pytest.raises(InputError, match=r"event\.halt\.enabled = 1; allowed: true or false"):
        built(tmp_path, SMALL + HALT, "event.halt.enabled=1")
    with pytest.raises(InputError, match=r"no row stop"):
        load_scenario(str(written(tmp_path, SMALL + HALT)), ["event.stop.enabled=false"])


def test_news_that_is_true_moves_the_value_from_then_on_and_a_rumour_does_not(tmp_path: Path) -> None:
    true, rumour, off = (
        build(load_scenario(str(written(tmp_path, SMALL + NEWS)), overrides))
        for overrides in ((), ("event.news.moves_value=false",), ("event.news.enabled=false",))
    )
    session = true.session
    grids = [b.listings[0].fundamental.grid(1, "ABC", session.open_ns, session.close_ns) for b in (true, rumour, off)]
    assert len(grids[0]) == 601 and (grids[0][:301] == 10_000).all() and (grids[0][301:] == 10_040).all()
    assert (grids[1] == 10_000).all() and (grids[2] == 10_000).all()


def test_jumps_add_to_a_moving_value_without_touching_its_draws() -> None:
    base = OrnsteinUhlenbeck(100.0, 1e-3, 0.5)
    moved = WithJumps(base, ((10 * SECOND_NS, 5.0), (20 * SECOND_NS, -2.0)))
    before, after = (f.grid(3, "ABC", 0, 30 * SECOND_NS) for f in (base, moved))
    gap = after - before
    assert np.allclose(gap, [0.0] * 10 + [5.0] * 10 + [3.0] * 11)
    assert (moved.memory(np.arange(4)) == base.memory(np.arange(4))).all()
    assert moved.step_ns == base.step_ns
    early = WithJumps(ConstantValue(7.0), ((0, 1.0),)).grid(1, "ABC", 0, 3 * SECOND_NS)
    assert list(early) == [8.0] * 4
