"""Names of the last release: they import, with a warning that tells the new one."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

import scenarios
from scenarios._moved import MOVED

ROOT = Path(scenarios.__file__).resolve().parent


def fresh(name: str) -> None:
    for known in (name, name.rpartition(".")[0]):
        if known in MOVED or known == "scenarios.plots":
            sys.modules.pop(known, None)


@pytest.mark.parametrize("old", sorted(MOVED))
def test_a_module_is_found_under_its_old_name(old: str) -> None:
    fresh(old)
    with pytest.warns(DeprecationWarning, match=rf"^{old} is now {MOVED[old]}; the old name goes in 0.3$") as told:
        found = importlib.import_module(old)
    assert found is importlib.import_module(MOVED[old])
    assert found.__spec__ is not None and found.__spec__.name == found.__name__ == MOVED[old]
    assert len(told) == 1
    fresh(old)


def test_the_warning_stands_at_the_import() -> None:
    fresh("scenarios.load")
    with pytest.warns(DeprecationWarning) as told:
        from scenarios.load import load_scenario  # type: ignore[import-not-found]  # noqa: F401
    assert told[0].filename == __file__


def test_no_module_of_an_old_name_hides_the_new_one() -> None:
    for old in MOVED:
        if old.startswith("scenarios."):
            assert not (ROOT.parent / old.replace(".", "/")).with_suffix(".py").exists(), old


def test_the_name_of_the_environments_is_no_old_one() -> None:
    code = "import warnings; warnings.simplefilter('error'); import scenarios.environments as e; e.make_env"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT.parent, check=False).returncode == 0


def test_the_result_of_a_run_is_found_under_its_old_name() -> None:
    import scenarios.run
    from scenarios.run import RunResult

    with pytest.warns(DeprecationWarning, match=r"scenarios.run.Outcome is now scenarios.run.scenario.RunResult"):
        from scenarios.run import Outcome  # type: ignore[attr-defined]
    assert Outcome is RunResult
    with pytest.raises(AttributeError, match="no attribute 'Income'"):
        _ = scenarios.run.Income  # type: ignore[attr-defined]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "Outcome" not in dir(scenarios.run)


def test_writing_is_found_in_its_old_place() -> None:
    import sim.files.atomic
    import sim.writer

    with pytest.warns(
        DeprecationWarning, match=r"sim.writer.write_atomically is now sim.files.atomic.write_atomically"
    ):
        assert sim.writer.write_atomically is sim.files.atomic.write_atomically  # type: ignore[attr-defined]


def test_nothing_of_ours_uses_an_old_name() -> None:
    for path in (
        file
        for name in ("agents", "bench", "examples", "scenarios", "sim")
        for file in (ROOT.parent / name).rglob("*.py")
    ):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom):
                assert node.module not in MOVED, path
