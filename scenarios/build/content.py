"""What a configuration hash promises: two runs of one hash have the same program, the same input and the same tape.

It covers the scenario (not its description and what is recorded), every file that it names, a user's own modules with
all that they import from beside them, and Outcry's own sources with the versions of numba and numpy that compile them.
It does not cover what a module reads at run time, other libraries that a user's code calls, nor a server's replies.
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from lob.errors import InputError
from scenarios.schema.scenario import Scenario
from sim.files.kinds import check_archive
from sim.versions import sources, version

__all__ = ["content_hash", "found_file", "resolved_paths"]


def found_file(text: str, folder: Path, where: str, *, may_be_folder: bool = False) -> Path:
    """Return the file that a setting names; relative paths start at the scenario's folder.

    Raises:
        InputError: if there is none, or it is an archive that would fill the memory.
    """
    if "\0" in text:
        raise InputError(f"{where}: a path with a NUL character; allowed: the path of a file")
    path = (folder / text).resolve()
    try:
        there = path.is_file() or (may_be_folder and path.is_dir())
    except OSError:
        there = False
    if not there:
        raise InputError(f"{where}: {path}: not found")
    if path.is_file():
        check_archive(path, f"{where}: ")
    return path


def resolved_paths(settings: dict[str, Any], names: Sequence[str], folder: Path, where: str) -> tuple[Any, list[Path]]:
    """Return a trader's settings with absolute paths, and the files that they name.

    Args:
        settings: of the scenario; nothing is changed in place.
        names: settings that are paths of files or folders, as in `Trader.files`: "model", "backend.weights".
        folder: of the scenario, where relative paths start; one that is not there counts from the working directory.
        where: file and dotted path, for the message of an error.
    """
    changed, paths = copy.deepcopy(settings), []
    for name in names:
        *tables, last = name.split(".")
        table: Any = changed
        for part in tables:
            table = table.get(part) if isinstance(table, dict) else None
        if not isinstance(table, dict) or not isinstance(table.get(last), str) or not table[last]:
            continue
        here = folder if (folder / table[last].replace("\0", "")).exists() else Path()
        path = found_file(table[last], here, f"{where}.{name}", may_be_folder=True)
        table[last] = str(path)
        paths.append(path)
    return changed, paths


def content_hash(scenario: Scenario, files: Sequence[Path], code: str) -> str:
    """Hash what determines the tape. Files count by content, so a run may be moved to another folder.

    Args:
        scenario: with all defaults filled in and absolute paths.
        files: that the scenario names; folders stand for all files in them.
        code: digest of a user's own modules.

    Raises:
        InputError: if a file cannot be read.
    """
    tables = scenario.model_dump(mode="json", exclude={"seed", "description", "record", "calibrate"})
    named = {str(path) for path in files}
    for group in tables["trader"]:
        # Where replies are written or come from; what they say is the model's and the market's.
        if isinstance(group["settings"].get("backend"), dict):
            backend = group["settings"]["backend"].items()
            group["settings"]["backend"] = {k: v for k, v in backend if k not in ("record", "replay", "retry_failures")}
    digest = hashlib.sha256(json.dumps(_without(tables, named), sort_keys=True).encode())
    digest.update(f"{version()} {sources()} {code}".encode())
    for path in files:
        for part in _parts(path):
            digest.update(_digest(part))
    return digest.hexdigest()


def _without(value: Any, texts: set[str]) -> Any:
    """Leave out the paths of files."""
    if isinstance(value, dict):
        return {k: _without(v, texts) for k, v in value.items() if not (isinstance(v, str) and v in texts)}
    return [_without(item, texts) for item in value] if isinstance(value, list) else value


def _parts(path: Path) -> Iterator[Path]:
    yield from sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]


def _digest(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({(error.strerror or str(error)).lower()})") from None
