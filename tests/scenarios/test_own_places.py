"""A user's modules are found beside the scenario, in the working directory, and beside a treatment's file."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from agents.metaorder import Metaorder
from lob.errors import InputError
from scenarios.build.market import build
from scenarios.experiments import sweep
from scenarios.schema.load import load_scenario
from tests.cli.inside import inside
from tests.scenarios.test_described import OWN
from tests.scenarios.texts import SMALL, written

OPTIONS = ("--quantity", "50", "--pairs", "2", "--horizon", "2m", "--executor", "serial")


def own_population(module: str) -> str:
    return f'[[population]]\nname = "own"\nkind = "{module}:mine"\nsettings = {{ quantity_lots = 5 }}\n'


def test_a_module_in_the_working_directory_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "place_one.py").write_text(OWN)
    path = written(tmp_path, SMALL + own_population("place_one"))
    with pytest.raises(InputError, match="in the working directory"):
        build(load_scenario(str(path)))
    monkeypatch.chdir(tmp_path / "work")
    built = build(load_scenario(str(path)))
    (tmp_path / "work" / "place_one.py").write_text(OWN + "\n# changed\n")
    assert build(load_scenario(str(path))).content != built.content


def test_a_module_beside_the_scenario_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "place_two.py").write_text(OWN)
    (tmp_path / "work" / "place_two.py").write_text("raise RuntimeError")
    monkeypatch.chdir(tmp_path / "work")
    assert build(load_scenario(str(written(tmp_path, SMALL + own_population("place_two")))))


def test_a_module_beside_a_treatment_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTCRY_PATH", "")
    (tmp_path / "treatments").mkdir()
    (tmp_path / "treatments" / "place_three.py").write_text(OWN)
    (tmp_path / "treatments" / "mine.toml").write_text(own_population("place_three"))
    path = written(tmp_path)
    options = ("--treatment", "treatments/mine.toml", "--pairs", "2", "--executor", "serial")
    status, _, err = inside(tmp_path, "impact", str(path), *options)
    assert status == 0, err


def test_an_algorithm_of_ones_own_is_worked_from_the_command_line(tmp_path: Path) -> None:
    (tmp_path / "place_four.py").write_text(OWN)
    status, out, err = inside(tmp_path, "impact", str(written(tmp_path)), "--algo", "place_four:mine", *OPTIONS)
    assert status == 0 and "shortfall" in out, err


def test_an_algorithm_of_ones_own_is_worked_from_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "place_five.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    order = Metaorder("buy", 50, algo="place_five:mine")
    assert order.population().policy is sys.modules["place_five"].mine
    for wrong, words in (
        ("place_five:other", "is a int"),
        ("place_six:mine", "No module"),
        ("place_five:x", "no attr"),
    ):
        with pytest.raises(InputError, match=words):
            Metaorder("buy", 50, algo=wrong)


def test_algorithms_are_told_by_both_names() -> None:
    assert Metaorder("buy", 5, algo="ac").algo == "almgren_chriss"
    with pytest.raises(InputError, match=r"allowed: almgren_chriss \(ac\), iceberg, implementation_shortfall \(is\), "):
        Metaorder("buy", 5, algo="vawp")


def test_workers_that_live_on_look_where_the_study_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = SMALL.replace("09:40:00", "09:31:00")
    for k in (1, 2):
        place = tmp_path / f"work{k}"
        place.mkdir()
        (place / f"place_seven{k}.py").write_text(OWN)
        (place / "value.csv").write_text("time_ns,value_ticks\n0,10000\n")
        valued = text.replace("reference_ticks = 10_000", 'fundamental = { kind = "file", path = "value.csv" }')
        path = written(place, valued + own_population(f"place_seven{k}"), f"small{k}.toml")
        monkeypatch.chdir(place)
        found = sweep(os.path.relpath(path), {"population.zero.count": [5, 6]}, [1, 2], outcomes=["volume"])
        assert found.runs["error"].to_list() == [None] * 4
