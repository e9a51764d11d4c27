"""Every command that prints a table prints it for programs too, once and in one way."""

from __future__ import annotations

import csv
import importlib
import io
import json
import math
import pkgutil
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import scenarios.cli
from scenarios.cli._tables import told_to_programs
from tests.cli.inside import inside
from tests.replay.days import MESSAGES, ROWS, write_day

NO_TABLE = {"new", "plot", "schema"}
"""A file, a picture, and what is JSON already."""


def commands() -> dict[str, Any]:
    found = {}
    for package in ("scenarios.cli", "scenarios.cli.train"):
        for module in pkgutil.iter_modules(importlib.import_module(package).__path__):
            if not module.name.startswith("_") and not module.ispkg and module.name not in ("main",):
                found[f"{package.removeprefix('scenarios.cli').removeprefix('.')} {module.name}".strip()] = (
                    importlib.import_module(f"{package}.{module.name}")
                )
    return found


@pytest.mark.parametrize("name", [name for name in commands() if name not in NO_TABLE])
def test_every_command_with_a_table_has_both_forms(name: str) -> None:
    options = commands()[name].command.__annotations__
    assert {"JsonOption", "CsvOption"} <= {str(value) for value in options.values()} or {"as_json", "as_csv"} <= set(
        options
    ), name
    assert scenarios.cli  # the commands are its modules


def told(place: Path, *arguments: str, status: int = 0) -> str:
    """What a command prints on standard output."""
    code, out, beside = inside(place, *arguments)
    assert code == status, beside
    return out


SCENARIO = """
[session]
open = 09:30:00
close = 09:31:00
[[instrument]]
reference_ticks = 1000
[[population]]
name = "zi"
kind = "zero_intelligence"
count = 20
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "s.toml").write_text(SCENARIO)
    write_day(tmp_path, MESSAGES, ROWS)
    return tmp_path


def test_a_run_and_its_check(place: Path) -> None:
    found = json.loads(told(place, "run", "s.toml", "--out", "r", "--json"))
    assert found["status"] == "complete" and found["populations"][0]["name"] == "zi" and found["folder"] == "r"
    rows = list(csv.DictReader(io.StringIO(told(place, "run", "s.toml", "--out", "r", "--csv"))))
    assert [row["name"] for row in rows] == ["zi"]
    assert float(rows[0]["pnl"]) == found["populations"][0]["pnl"]
    assert json.loads(told(place, "check", "r", "--json"))["runs"][0]["sound"] is True
    lines = list(csv.DictReader(io.StringIO(told(place, "check", "r", "--csv"))))
    assert {row["check"] for row in lines} >= {"hash", "conserved"} and {row["folder"] for row in lines} == {"r"}


def test_studies_and_data(place: Path) -> None:
    sweep = ("sweep", "s.toml", "--grid", "population.zi.count=10,20", "--seeds", "1..3", "--executor", "serial")
    found = json.loads(told(place, *sweep, "--out", "w", "--json"))
    assert len(found["runs"]) >= 6 and {"outcome", "mean", "low", "high"} <= set(found["table"][0])
    made = told(place, "generate", "s.toml", "--days", "2", "--executor", "serial", "--out", "d", "--csv")
    assert [row["status"] for row in csv.DictReader(io.StringIO(made))] == ["done", "done"]


def test_a_replay_and_what_is_installed(place: Path) -> None:
    message = str(next(place.glob("*_message_*")))
    found = json.loads(told(place, "replay", message, "--json"))
    assert found["passed"] is True and found["counts"]["messages"] == len(MESSAGES) and found["format"] == "lobster"
    rows = {
        row["what"]: int(row["count"]) for row in csv.DictReader(io.StringIO(told(place, "replay", message, "--csv")))
    }
    assert rows == found["counts"]
    names = [row["name"] for row in json.loads(told(place, "scenarios", "--json"))["scenarios"]]
    assert "first_market" in names and len(names) == len(set(names)) >= 16
    assert "outcry-sim" in told(place, "version", "--csv") or "python" in told(place, "version", "--csv").lower()


def test_an_error_is_one_line_beside_and_nothing_for_the_program(place: Path) -> None:
    assert told(place, "run", "nothing.toml", "--json", status=2) == ""
    assert told(place, "scenarios", "--json", "--csv", status=2) == ""


def test_numbers_stay_whole_and_what_is_not_known_is_null(capsys: pytest.CaptureFixture[str]) -> None:
    table = pl.DataFrame({"a": [0.1 + 0.2, math.nan], "b": [[1, 2], []], "c": [None, "x, y"]})
    document = {"t": table, "n": np.float64(math.inf), "p": Path("x"), "k": {1: np.arange(2)}}
    assert told_to_programs(True, False, document, table)
    assert json.loads(capsys.readouterr().out) == {
        "t": [{"a": 0.1 + 0.2, "b": [1, 2], "c": None}, {"a": None, "b": [], "c": "x, y"}], "n": None, "p": "x",
        "k": {"1": [0, 1]},
    }  # fmt: skip
    assert told_to_programs(False, True, None, table)
    assert capsys.readouterr().out == 'a,b,c\n0.30000000000000004,1 2,\n,,"x, y"\n'
    assert not told_to_programs(False, False, document, table)
