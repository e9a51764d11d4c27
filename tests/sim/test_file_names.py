"""Names of instruments become names of files: readable, safe, and two names never one file."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.build.market import build
from scenarios.data.day_writers import FORMATS, day_writers
from scenarios.schema.load import load_scenario
from sim.files.names import file_name
from tests.scenarios.texts import SMALL, written


@pytest.mark.parametrize("name", ["ABC", "BRK.B", "A-B", "7203", "x"])
def test_a_plain_name_stays_as_it_is(name: str) -> None:
    assert file_name(name) == name


@pytest.mark.parametrize(
    "name", ["A/B", "A_B", "A B", "..", ".hidden", "../../etc/passwd", "\u6771\u4eac", "a\0b", "x" * 300]
)
def test_any_other_name_is_one_safe_part_of_a_path(name: str) -> None:
    found = file_name(name)
    assert found != name and len(found) < 100 and not found.startswith(".")
    assert Path("folder", found).resolve().parent == Path("folder").resolve()
    assert all(c.isascii() and (c.isalnum() or c in "-.~") for c in found)
    assert "_" not in found  # which separates the parts of LOBSTER's names


@given(st.text(max_size=12), st.text(max_size=12))
def test_two_names_are_never_one_file(one: str, other: str) -> None:
    assert (file_name(one) == file_name(other)) == (one == other)


def test_pictures_and_data_of_two_instruments_never_share_a_file(tmp_path: Path) -> None:
    names = ["A/B", "A-B", "A_B", "A B"]
    text = SMALL.replace('name = "ABC"', 'name = "Q"') + "".join(f'[[instrument]]\nname = "{name}"\n' for name in names)
    built = build(load_scenario(str(written(tmp_path, text))))
    formats = [name for name in FORMATS if name not in ("dbn", "itch")]  # these hold plain names only
    writers = day_writers(built, formats, 2, tmp_path / "out", 1, "2024-01-02")
    paths = [path for writer in writers for path in writer.close()]
    files = [path for path in paths if path.suffix in (".csv", ".npz")]
    assert len(set(files)) == len(files) == 3 * 5  # two LOBSTER files and one of hftbacktest for each
