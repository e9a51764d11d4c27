"""Calibration finds parameters that made the data, says what is wrong with its input, and leaves what it promises."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from lob.errors import InputError, RunError
from scenarios.build.market import build_market
from scenarios.calibration.fitting import calibrate, problem_of, unit_of, value_at
from scenarios.schema.scenario import ParameterTable
from sim.metrics import OrderFlow, flow_of_tape

SCENARIO = """
schema_version = 1
[session]
open = 09:30:00
close = 09:50:00
[[instrument]]
name = "X"
reference_ticks = 10_000
[instrument.fundamental]
kind = "constant"
[[population]]
name = "crowd"
kind = "zero_intelligence"
count = 30
[population.settings]
interval_s = 3.0
market_share = 0.05
max_distance_ticks = 12.0
size_lots = 5
[[calibrate]]
name = "interval"
set = ["population.crowd.settings.interval_s"]
low = 0.5
high = 8.0
log = true
[[calibrate]]
name = "market orders"
set = ["population.crowd.settings.market_share"]
low = 0.02
high = 0.3
"""
TRUTH = ("population.crowd.settings.interval_s=1.0", "population.crowd.settings.market_share=0.15")


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    path = tmp_path / "crowd.toml"
    path.write_text(SCENARIO)
    return path


@pytest.fixture
def data(scenario: Path) -> OrderFlow:
    market = build_market(scenario, 77, TRUTH)
    market.run()
    return flow_of_tape(market.tape)


def test_it_finds_the_parameters_that_made_the_data(scenario: Path, data: OrderFlow) -> None:
    problem = problem_of(str(scenario), data, warm_up_s=0.0, n_seeds=1)
    fit = calibrate(problem, 90)
    assert fit.distance < 0.5 * fit.first_distance
    assert fit.values["interval"] == pytest.approx(1.0, rel=0.15)
    assert fit.values["market orders"] == pytest.approx(0.15, rel=0.2)
    assert fit.history == sorted(fit.history, reverse=True)


def test_the_same_search_finds_the_same(scenario: Path, data: OrderFlow) -> None:
    problem = problem_of(str(scenario), data, warm_up_s=0.0, n_seeds=1)
    fits = [calibrate(problem, 18, processes=processes) for processes in (1, 2)]
    assert fits[0].values == fits[1].values
    assert fits[0].moments == fits[1].moments


def test_values_and_the_unit_interval_are_inverse() -> None:
    for parameter in (
        ParameterTable(name="a", set=("x",), low=0.5, high=8.0, log=True),
        ParameterTable(name="b", set=("x",), low=-3.0, high=7.0),
    ):
        for u in np.linspace(0, 1, 7):
            assert unit_of(parameter, value_at(parameter, u)) == pytest.approx(u, abs=1e-5)
    whole = ParameterTable(name="c", set=("x",), low=1, high=9, whole=True)
    assert isinstance(value_at(whole, 0.4), int)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("[[calibrate]]", "[[unknown]]"), "unknown"),
        (("high = 0.3", "high = 0.01"), "above low"),
        (("low = 0.5\nhigh = 8.0\nlog = true", "low = 0.0\nhigh = 8.0\nlog = true"), "above 0 with log"),
        (('settings.market_share"', 'settings.no_such"'), "no_such"),
        (('settings.market_share"', 'kind"'), "place of a number"),
    ],
)
def test_a_bad_parameter_is_refused_in_one_line(
    scenario: Path, data: OrderFlow, change: tuple[str, str], words: str
) -> None:
    scenario.write_text(SCENARIO.replace(*change))
    with pytest.raises(InputError, match=words) as caught:
        problem = problem_of(str(scenario), data)
        problem.start()
    assert "\n" not in str(caught.value)


def test_a_scenario_without_parameters_and_data_without_events_are_refused(scenario: Path, data: OrderFlow) -> None:
    with pytest.raises(InputError, match="no \\[\\[calibrate\\]\\] table"):
        problem_of("first_market", data)
    with pytest.raises(InputError, match="too few events"):
        problem_of(str(scenario), data.take(slice(0, 50)))


def test_data_too_short_for_noise_floors_are_refused_with_the_window_that_would_do(
    scenario: Path, data: OrderFlow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opens = 34_200 * 10**9
    with pytest.raises(InputError, match="has no noise floor") as caught:
        problem_of(str(scenario), data.window(opens, opens + 300 * 10**9))
    text = str(caught.value)
    assert "the data's window of 300 s" in text or "the data's window of 299 s" in text
    assert "720 s or more" in text and "\n" not in text
    enough = problem_of(str(scenario), data.window(opens, opens + 730 * 10**9))
    assert all(np.isfinite(list(enough.scale.values())))


@pytest.mark.parametrize("warm_up_s", [-1.0, 1200.0, 1e300, float("nan"), float("inf")])
def test_a_warm_up_that_leaves_nothing_is_refused(scenario: Path, data: OrderFlow, warm_up_s: float) -> None:
    with pytest.raises(InputError, match=r"warm_up_s = .*; allowed: 0 to below the session's 1200 s"):
        problem_of(str(scenario), data, warm_up_s=warm_up_s)


@pytest.mark.parametrize("asked", [{"budget": 0}, {"seed": 2**32}, {"seed": 0}, {"processes": 0}])
def test_a_search_that_cannot_be_made_is_refused(scenario: Path, data: OrderFlow, asked: dict[str, int]) -> None:
    with pytest.raises(InputError, match="a seed below 2\\^32"):
        calibrate(problem_of(str(scenario), data, warm_up_s=0.0), **asked)


def test_a_search_in_which_no_candidate_gives_a_market_is_no_fit(scenario: Path, data: OrderFlow) -> None:
    problem = problem_of(str(scenario), data, overrides=["population.crowd.count=1", "instrument.X.max_orders=1"])
    with pytest.raises(RunError, match="no candidate of 1 gave a market that can be compared"):
        calibrate(problem, 1)


def test_the_command_leaves_a_scenario_that_runs_a_record_and_a_picture(
    scenario: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import typer

    from scenarios.cli.calibrate import command
    from sim.writer import ParquetTape

    market = build_market(scenario, 77, TRUTH)
    tape = ParquetTape(tmp_path / "run" / "tape")
    market.run(sinks=[tape])
    tape.close_part()
    monkeypatch.chdir(tmp_path)
    app = typer.Typer()
    app.command()(command)
    arguments = [str(scenario), "--to", str(tmp_path / "run"), "--budget", "12", "--seeds", "1", "--processes", "1"]
    done = CliRunner().invoke(app, [*arguments, "--held-back", "09:40-09:50", "--warm-up", "0"])
    assert done.exit_code == 0, done.output
    folder = tmp_path / "runs" / "crowd-calibrated"
    fitted = tomllib.loads((folder / "fitted.toml").read_text())
    record = json.loads((folder / "moments.json").read_text())
    settings = fitted["population"][0]["settings"]
    assert settings["interval_s"] == pytest.approx(record["values"]["interval"])
    assert (folder / "moments.png").read_bytes().startswith(b"\x89PNG")
    build_market(folder / "fitted.toml", 1).run(34_200 * 10**9 + 10**9)
    bad = CliRunner().invoke(app, [*arguments[:2], str(tmp_path / "nowhere")])
    assert isinstance(bad.exception, InputError)
