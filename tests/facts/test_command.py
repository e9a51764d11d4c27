"""`outcry facts` on run folders: the table, JSON, CSV and the page; two side by side; what is refused."""

from __future__ import annotations

import csv
import io
import json
import re
import struct
from pathlib import Path

import pytest

from scenarios import run_scenario
from scenarios.facts import facts_of
from tests.cli.inside import inside
from tests.scenarios.texts import SMALL, built, written
from tests.studies import generate

PICTURES = ("session.png", "returns.png", "memory.png", "book.png", "orders.png", "impact.png")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with runs a/small and b/small, of different seeds."""
    folder = tmp_path_factory.mktemp("facts")
    scenario = built(folder, SMALL + "[record]\npicture = false\n")
    for seed, name in ((1, "a"), (2, "b")):
        run_scenario(scenario, folder / name / "small", seed=seed)
    return folder


def done(folder: Path, *arguments: str) -> str:
    status, out, err = inside(folder, "facts", *arguments)
    assert status == 0, err
    return out


def refused(folder: Path, *arguments: str) -> str:
    status, out, err = inside(folder, "facts", *arguments)
    assert status == 2 and out == "" and err.count("\n") == 1 and err.startswith("outcry: "), (out, err)
    return err.removeprefix("outcry: ").strip()


def test_the_table_has_a_column_for_each_place_and_says_how_to_get_the_page(runs: Path) -> None:
    out = done(runs, "a/small", "b/small")
    assert "small (2)" in out.splitlines()[0]
    assert "spread, mean [ticks]" in out and "nan" not in out
    assert re.search(
        r"^small: no excess kurtosis of 60 s returns: [89] returns of 60 s, at least 100 needed$", out, re.M
    )
    assert out.splitlines()[-1] == "With --out FOLDER also a page with pictures, JSON and CSV."


def test_the_folder_holds_page_tables_and_pictures_and_is_written_again(runs: Path) -> None:
    for _ in range(2):
        out = done(runs, "a/small", "b/small", "--out", "page")
    assert out.splitlines()[-1] == f"Page: {Path('page') / 'facts.html'}"
    folder = runs / "page"
    assert {path.name for path in folder.iterdir()} == {"facts.json", "facts.csv", "facts.html", *PICTURES}
    for name in PICTURES:
        png = (folder / name).read_bytes()
        width, height = struct.unpack(">II", png[16:24])
        assert png.startswith(b"\x89PNG") and width > 700 and height > 300
    page = (folder / "facts.html").read_text("utf-8")
    assert page.count("<img ") == len(PICTURES) and 'src="http' not in page and "small (2)" in page
    assert json.loads((folder / "facts.json").read_text())["sources"][1]["name"] == "small (2)"


def test_json_and_csv_say_the_same_and_the_same_again(runs: Path) -> None:
    text = done(runs, "a/small", "--json")
    assert text == done(runs, "a/small", "--json")
    record = json.loads(text)
    facts = record["sources"][0]["facts"]
    assert set(facts) == set(record["definitions"]["facts"])
    rows = list(csv.DictReader(io.StringIO(done(runs, "a/small", "--csv"))))
    assert [row["fact"] for row in rows] == list(facts)
    for row in rows:
        value = facts[row["fact"]]["value"]
        assert (float(row["value"]) == value) if value is not None else (row["value"] == "" and row["why"])


def test_a_window_is_looked_at_alone(runs: Path) -> None:
    record = json.loads(done(runs, "a/small", "--window", "09:32-09:35", "--json"))
    day = record["sources"][0]["days"][0]
    assert "09:32:00" <= day["from"] < day["until"] < "09:35:00"
    assert refused(runs, "a/small", "--window", "11:00-12:00").startswith("--window 11:00-12:00: nothing happens")


def test_a_tape_and_its_lobster_files_have_the_same_facts(tmp_path: Path) -> None:
    generate(written(tmp_path), tmp_path / "days", days=2, formats=("parquet", "lobster"))
    tape, files = (facts_of(tmp_path / "days" / part) for part in ("tape", "lobster"))
    assert tape["days"] == files["days"] == 2 and len(tape.days) == 2
    for name, found in tape.values.items():
        assert (files[name] == pytest.approx(found.value, rel=1e-9)) if found.value is not None else found.why, name
        assert files.values[name].why == found.why


def test_what_cannot_be_is_refused_in_one_line(runs: Path) -> None:
    assert refused(runs, "nothing").startswith("FILE|RUN nothing: no such file or folder")
    assert refused(runs, "a/small", "--json", "--csv") == "--json and --csv: allowed: one of them"
    assert "at most 8" in refused(runs, *["a/small"] * 9)
    (runs / "other").mkdir()
    (runs / "other" / "notes.txt").write_text("mine")
    assert refused(runs, "a/small", "--out", "other").startswith("other: holds files that are no facts page")
    assert [path.name for path in (runs / "other").iterdir()] == ["notes.txt"]
