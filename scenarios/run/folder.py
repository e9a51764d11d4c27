"""The run folder: when it may be used, and what stands in it.

A complete run of the same scenario and seed is replaced, since it would come out the same. Anything else in the place
is left alone unless the user says overwrite, and a folder that holds no run is never emptied: its summary is the
first thing that a run writes, and the last that is taken away. Who writes holds the folder: see sim.files.claim.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from lob.errors import Argument, InputError
from scenarios.run.checkpoint import FILE as SNAPSHOT
from scenarios.run.decisions import DECISIONS, remove_decision_parts
from scenarios.run.summary import FILE as SUMMARY
from scenarios.run.summary import read_summary
from sim.files.atomic import remove_temporaries, write_error
from sim.files.claim import FOLDER, OVERWRITE, RESUME, check_is_ours
from sim.versions import changed_versions
from sim.writer import remove_parts

__all__ = ["ACCOUNTS", "REPORT", "SCENARIO", "TAPE", "prepare_folder", "remove_leftovers", "text_hash"]

TAPE, ACCOUNTS, SCENARIO, REPORT = "tape", "accounts.parquet", "scenario.toml", "report.html"
PICTURES = ("market.png", "market-*.png", "decisions.png")


def prepare_folder(folder: Path, config_hash: str, resume: bool, overwrite: bool) -> dict[str, Any] | None:
    """Make a run folder that is held ready; return the summary of the run to resume, None to start from the open.

    Raises:
        InputError: if it holds something that may not be replaced or resumed.
    """
    before = read_summary(folder)
    check_is_ours(folder, "run", lambda _: before is not None)
    if before is None:
        return None
    if resume:
        if before["config_hash"] != config_hash:
            raise InputError(
                f"{folder}: holds a run of {_what_differs(before)}; ",
                RESUME,
                " needs the same scenario, seed and ",
                Argument("overrides"),
            )
        return before
    if not overwrite:
        if before["config_hash"] != config_hash:
            raise InputError(
                f"{folder}: holds a run of {_what_differs(before)}; allowed: ", OVERWRITE, ", or another ", FOLDER
            )
        if before["status"] != "complete":
            raise InputError(
                f"{folder}: holds a run that is not complete ({before['status']}); allowed: ",
                RESUME,
                " to go on, ",
                OVERWRITE,
                " to start over",
            )
    _check_unedited(folder / SCENARIO, before)
    _clear(folder)
    return None


def text_hash(data: bytes) -> str:
    """Return the SHA-256 by which a summary knows the scenario file that its run wrote."""
    return hashlib.sha256(data).hexdigest()


def _check_unedited(path: Path, before: dict[str, Any]) -> None:
    """A run's own copy of its scenario may be replaced; what a user has made of it may not."""
    wrote = before.get("scenario_sha256")
    if wrote is not None and path.exists() and text_hash(path.read_bytes()) != wrote:
        raise InputError(
            f"{path}: changed since the run wrote it; allowed: another ",
            FOLDER,
            ", or move the file to another place first",
        )


def remove_leftovers(folder: Path) -> None:
    """Delete what only a run on its way needs, once its summary says that it is complete."""
    (folder / SNAPSHOT).unlink(missing_ok=True)
    remove_decision_parts(folder)
    remove_temporaries(folder)


def _what_differs(before: dict[str, Any]) -> str:
    """Return what makes a run another one: its program, if that has changed, else the scenario."""
    changed = changed_versions(before.get("versions", {}))
    return f"another program ({changed})" if changed else "another scenario or seed"


def _clear(folder: Path) -> None:
    """Delete a former run; its summary goes last, so that the folder stays known as a run's until all is gone."""
    try:
        remove_parts(folder / TAPE, 0)
        for pattern in PICTURES:
            for path in folder.glob(pattern):
                path.unlink()
        remove_leftovers(folder)
        for name in (DECISIONS, ACCOUNTS, REPORT, SCENARIO, SUMMARY):
            (folder / name).unlink(missing_ok=True)
    except OSError as error:
        raise write_error(folder, error) from None
