"""What a machine lacks to run the same as another is told in one line."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

from scenarios.build.missing import MissingHere
from scenarios.build.variant import Variant
from tests.scenarios.texts import SMALL, written

FROM_FILE = SMALL.replace("reference_ticks = 10_000", 'fundamental = { kind = "file", path = "value.csv" }')
TRADER = """
from sim.trader import Trader

class Mine(Trader):
    def on_wake(self, view):
        view.limit("buy", 9000, 1)
"""


def elsewhere(check: MissingHere) -> MissingHere:
    """Return the check as another machine would get it."""
    return pickle.loads(pickle.dumps(check))  # type: ignore[no-any-return]


def test_a_machine_with_the_same_files_lacks_nothing(tmp_path: Path) -> None:
    (tmp_path / "value.csv").write_text("time_ns,value_ticks\n0,10000\n")
    assert elsewhere(MissingHere.of([Variant.read(written(tmp_path, FROM_FILE))]))() is None


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    value = tmp_path / "value.csv"
    value.write_text("time_ns,value_ticks\n0,10000\n")
    check = elsewhere(MissingHere.of([Variant.read(written(tmp_path, FROM_FILE))]))
    value.unlink()
    assert f"{value}: not found" in str(check())


def test_a_file_with_another_content_is_told(tmp_path: Path) -> None:
    value = tmp_path / "value.csv"
    value.write_text("time_ns,value_ticks\n0,10000\n")
    check = elsewhere(MissingHere.of([Variant.read(written(tmp_path, FROM_FILE))]))
    value.write_text("time_ns,value_ticks\n0,10001\n")
    assert check() == f"{tmp_path}/small.toml: its files or modules are not those of the study"


def test_another_module_of_the_user_is_told(tmp_path: Path) -> None:
    module = tmp_path / "elsewhere_trader.py"
    module.write_text(TRADER)
    text = SMALL + '[[trader]]\nname = "t"\nkind = "elsewhere_trader:Mine"\n'
    check = elsewhere(MissingHere.of([Variant.read(written(tmp_path, text))]))
    assert check() is None
    module.write_text(TRADER.replace("9000", "9001"))
    assert "its files or modules are not those of the study" in str(check())


def test_another_version_is_told() -> None:
    check = MissingHere.of([Variant.read("first_market")])
    other = replace(check, versions=(*check.versions, ("numba", "0.1")))
    assert str(other()).startswith("other versions: numba 0.1 where the study began and ")


def test_variants_that_share_their_files_are_asked_for_once() -> None:
    sweep = [Variant.read("first_market", [f"population.random.count={n}"]) for n in range(10, 20)]
    assert len(MissingHere.of(sweep).expected) == 1
