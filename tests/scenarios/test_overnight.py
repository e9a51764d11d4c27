"""Sessions that go on over midnight, and sessions of a whole day."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lob.errors import InputError
from lob.types import EventKind, Phase
from lob.units import DAY_NS, HOUR_NS, MINUTE_NS
from scenarios.build.market import build
from scenarios.check.run import check_run
from scenarios.run.scenario import run_scenario
from scenarios.schema.load import load_scenario
from scenarios.schema.times import window_ns

TEXT = """
[session]
open = {open}
close = {close}
[[instrument]]
reference_ticks = 1000
[[population]]
name = "zi"
kind = "zero_intelligence"
count = 20
[[event]]
kind = "halt"
at = {halt}
until = {until}
"""


def scenario(folder: Path, **times: str) -> Path:
    path = folder / f"{times['open'].replace(':', '')}.toml"
    path.write_text(TEXT.format(**times))
    return path


NIGHT = {"open": "23:55:00", "close": "00:10:00", "halt": "00:03:00", "until": "00:04:00"}
DAY = {"open": "10:00:00", "close": "10:15:00", "halt": "10:08:00", "until": "10:09:00"}


def test_a_night_is_the_same_market_at_another_time(tmp_path: Path) -> None:
    night, day = (build(load_scenario(str(scenario(tmp_path, **times)))).market(3) for times in (NIGHT, DAY))
    night.run()
    day.run()
    shift = night.session.open_ns - day.session.open_ns
    assert (night.tape["time_ns"] == day.tape["time_ns"] + shift).all() and len(night.tape) > 500
    for name in ("kind", "order_id", "price_ticks", "qty_lots", "agent"):
        assert (night.tape[name] == day.tape[name]).all()
    halted = night.tape[(night.tape["kind"] == EventKind.PHASE) & (night.tape["qty_lots"] == Phase.HALTED)]
    assert halted["time_ns"].tolist() == [DAY_NS + 3 * MINUTE_NS]


def test_a_run_over_midnight_is_complete_and_sound(tmp_path: Path) -> None:
    run_scenario(build(load_scenario(str(scenario(tmp_path, **NIGHT)))), tmp_path / "run")
    assert not check_run(tmp_path / "run").findings


def test_a_whole_day_begins_and_ends_at_midnight(tmp_path: Path) -> None:
    times = {"open": "00:00:00", "close": "00:00:00", "halt": "23:00:00", "until": "23:30:00"}
    session = build(load_scenario(str(scenario(tmp_path, **times)))).session
    assert (session.open_ns, session.close_ns) == (0, DAY_NS)


def test_times_that_are_not_within_the_night_are_refused(tmp_path: Path) -> None:
    path = scenario(tmp_path, **{**NIGHT, "halt": "00:20:00", "until": "00:30:00"})
    with pytest.raises(InputError, match=r"event\[0\].at = 00:20:00; allowed: a time within the session"):
        load_scenario(str(path))


@pytest.mark.parametrize(("text", "expected"), [
    ("23:00-01:00", (23 * HOUR_NS, 25 * HOUR_NS)), ("01:00-02:00", (25 * HOUR_NS, 26 * HOUR_NS)),
    ("22:30-23:00", (22 * HOUR_NS + 30 * MINUTE_NS, 23 * HOUR_NS)),
])  # fmt: skip
def test_windows_of_a_night_may_lie_on_either_side_of_midnight(text: str, expected: tuple[int, int]) -> None:
    assert window_ns(text, "window", (22 * HOUR_NS, 30 * HOUR_NS)) == expected
    with pytest.raises(InputError, match="the second time must be later"):
        window_ns("12:00-09:00", "window", (9 * HOUR_NS, 16 * HOUR_NS))


def test_the_axis_of_a_picture_tells_times_of_day() -> None:
    from sim.picture import _clock

    assert [_clock(60.0)(t, None) for t in np.array([86_340, 86_400, 90_000])] == ["23:59", "00:00", "01:00"]
