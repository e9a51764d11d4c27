"""The run folder: when it may be used, and what stands in it.

A complete run of the same scenario and seed is replaced, since it would come out the same. Anything else in the place
is left alone unless the user says `--overwrite`, and a folder that holds no run is never emptied.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lob.errors import InputError
from scenarios.checkpoint import FILE as SNAPSHOT
from scenarios.decisions import DECISIONS, PARTS
from scenarios.summary import FILE as SUMMARY
from scenarios.summary import read_summary
from scenarios.versions import changed_versions
from sim.writer import remove_parts, write_error

__all__ = ["ACCOUNTS", "SCENARIO", "TAPE", "prepare_folder"]

TAPE, ACCOUNTS, SCENARIO = "tape", "accounts.parquet", "scenario.toml"
_FILES = (SNAPSHOT, ACCOUNTS, SUMMARY, SCENARIO, DECISIONS)


def prepare_folder(folder: Path, config_hash: str, resume: bool, overwrite: bool) -> dict[str, Any] | None:
    """Make a run folder ready; return the summary of the run to resume, None to start from the open.

    Raises:
        InputError: if the folder cannot be made, or holds something that may not be replaced or resumed.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise write_error(folder, error) from None
    before = read_summary(folder)
    if before is None:
        if not all(_may_go(path) for path in folder.iterdir()):
            raise InputError(f"{folder}: holds files that are no run; allowed: a new or empty folder, or a run's")
    elif resume:
        if before["config_hash"] != config_hash:
            raise InputError(
                f"{folder}: holds a run of {_what_differs(before)}; --resume needs the same scenario, seed and --set"
            )
        return before
    elif not overwrite:
        if before["config_hash"] != config_hash:
            raise InputError(
                f"{folder}: holds a run of {_what_differs(before)}; allowed: --overwrite, or another --out"
            )
        if before["status"] != "complete":
            raise InputError(
                f"{folder}: holds a run that is not complete ({before['status']}); "
                "allowed: --resume to go on, --overwrite to start over"
            )
    _clear(folder)
    return None


def _what_differs(before: dict[str, Any]) -> str:
    """Return what makes a run another one: its program, if that has changed, else the scenario."""
    changed = changed_versions(before.get("versions", {}))
    return f"another program ({changed})" if changed else "another scenario or seed"


def _may_go(path: Path) -> bool:
    """Whether a file can stand in a folder without a summary: left by a run that was killed as it began."""
    if path.name == TAPE and path.is_dir():
        return not any(part.suffix == ".parquet" for part in path.iterdir())
    return path.name in _FILES or path.suffix == ".tmp"


def _clear(folder: Path) -> None:
    """Delete a former run; its summary goes last, so that the folder stays known as a run's until all is gone."""
    try:
        remove_parts(folder / TAPE, 0)
        for path in [*folder.glob("market*.png"), *folder.glob("decisions*.p*"), *folder.glob("*.tmp")]:
            path.unlink()
        if (folder / PARTS).is_dir():
            for path in (folder / PARTS).glob("part-*.parquet*"):
                path.unlink()
            (folder / PARTS).rmdir()
        for name in (SNAPSHOT, ACCOUNTS, SCENARIO, SUMMARY):
            (folder / name).unlink(missing_ok=True)
    except OSError as error:
        raise write_error(folder, error) from None
