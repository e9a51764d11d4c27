"""Results of many runs on disk: streamed as they come, never half written, and known again when a study is resumed.

A study's folder holds manifest.json (what is being run, so that only the same is resumed) and results/part-*.parquet.
Each part is written under a temporary name and renamed. A study that is killed loses what came in the last two
seconds; what was written is not run again.
"""

from __future__ import annotations

import json
import time
import weakref
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from lob.errors import InputError, OutcryError, RunError
from sim.files.atomic import remove_temporaries, write_atomically, write_error, write_parquet
from sim.files.claim import OVERWRITE, RESUME, FolderLock, check_is_ours
from sim.versions import versions

__all__ = ["ResultSet", "read_manifest", "stored_study"]

FLUSH_S = 2.0
MANIFEST, RESULTS = "manifest.json", "results"
FORMAT_VERSION = 1


class ResultSet:
    """The rows of a study.

    Args:
        folder: of the study; None: rows are kept in memory only.
        identity: plain data that says what is run; a study is resumed only with the same.
        key: columns that name a run.
        study: plain data about what was asked that does not change the runs, such as the confidence of intervals; kept
            in the manifest, so that a result that is read back tells the same.
        resume: go on with a study of the same identity.
        overwrite: replace another study.

    Raises:
        InputError: if the folder cannot be used, or another run is writing there.
    """

    def __init__(
        self,
        folder: Path | None,
        identity: dict[str, Any],
        key: Sequence[str],
        *,
        study: dict[str, Any] | None = None,
        resume: bool = False,
        overwrite: bool = False,
    ) -> None:
        self.folder, self.key = folder, list(key)
        self._identity = json.loads(json.dumps(identity, default=str))
        self._study = dict(study or {})
        self._status = "running"
        self._waiting: list[dict[str, Any]] = []
        self._frames: list[pl.DataFrame] = []
        self._n_parts = 0
        self._last_flush = time.monotonic()
        self._lock: FolderLock | None = None
        if folder is not None:
            self._lock = FolderLock(folder)
            try:
                self._open(folder, resume, overwrite)
            except OutcryError:
                self._lock.release()
                raise
            weakref.finalize(self, self._lock.release)

    def _open(self, folder: Path, resume: bool, overwrite: bool) -> None:
        before = read_manifest(folder)
        check_is_ours(folder, "study", lambda _: before is not None)
        if before is not None and resume:
            if before["identity"] != self._identity:
                raise InputError(f"{folder}: holds another study ({_difference(before['identity'], self._identity)})")
            self._frames = [_read(path) for path in _parts(folder)]
            self._n_parts = 1 + max((int(path.stem.split("-")[1]) for path in _parts(folder)), default=-1)
        elif before is not None and not overwrite:
            raise InputError(
                f"{folder}: holds a study already; allowed: ", RESUME, " to go on, ", OVERWRITE, " to start over"
            )
        else:
            for path in _parts(folder):
                path.unlink()
        # Before anything else, so that whatever else stands here is known as a study's.
        self._write_manifest("running")
        try:
            (folder / RESULTS).mkdir(exist_ok=True)
        except OSError as error:
            raise write_error(folder, error) from None
        for place in (folder, folder / RESULTS):
            remove_temporaries(place)

    # ---- rows -------------------------------------------------------------------------------------------------

    def add(self, rows: Iterable[dict[str, Any]]) -> None:
        """Take the rows of a run; raise RunError if the disk is full (what was written before stays)."""
        self._waiting += rows
        if time.monotonic() - self._last_flush >= FLUSH_S:
            self.flush()

    def flush(self) -> None:
        """Write the rows that wait, as one part."""
        self._last_flush = time.monotonic()
        if not self._waiting:
            return
        frame = pl.DataFrame(self._waiting, infer_schema_length=None)
        if self.folder is not None:
            write_parquet(self._part(self._n_parts), frame)
            self._n_parts += 1
        self._frames.append(frame)
        self._waiting = []

    @property
    def identity(self) -> dict[str, Any]:
        """The identity as the manifest has it."""
        return dict(self._identity)

    def tell(self, **study: Any) -> None:
        """Add to what the manifest says about the study."""
        self._study |= study
        if self.folder is not None:
            self._write_manifest(self._status)

    def finish(self, status: str = "complete") -> pl.DataFrame:
        """Put all rows into one part, in the order of the key, and let others in; return the rows."""
        self.flush()
        frame = self.frame()
        if self.folder is not None and len(frame):
            old = _parts(self.folder)
            write_parquet(self._part(self._n_parts), frame)
            # A kill between here and the end leaves rows twice; reading takes one of each.
            for path in old:
                path.unlink()
            self._n_parts += 1
            self._write_manifest(status)
        if self._lock is not None:
            self._lock.release()
        return frame

    def frame(self) -> pl.DataFrame:
        """Return all rows that have been flushed, sorted by key, each key's rows once."""
        if not self._frames:
            return pl.DataFrame()
        frame = pl.concat(self._frames, how="diagonal_relaxed") if len(self._frames) > 1 else self._frames[0]
        self._frames = [frame.unique(self.key, keep="last", maintain_order=True).sort(self.key)]
        return self._frames[0]

    # ---- files ------------------------------------------------------------------------------------------------

    def _part(self, number: int) -> Path:
        if self.folder is None:
            raise RunError("a study in memory has no files")
        return self.folder / RESULTS / f"part-{number:05d}.parquet"

    def _write_manifest(self, status: str) -> None:
        assert self.folder is not None
        self._status = status
        data = {
            "format_version": FORMAT_VERSION, "status": status, "identity": self._identity, "study": self._study,
            "versions": versions(),
        }  # fmt: skip
        write_atomically(self.folder / MANIFEST, (json.dumps(data, indent=1) + "\n").encode())


def read_manifest(folder: Path) -> dict[str, Any] | None:
    """Return a study's manifest; None if there is none that can be read."""
    try:
        data = json.loads((folder / MANIFEST).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return data if isinstance(data, dict) and "identity" in data else None


def stored_study(folder: Path, kind: str, key: Sequence[str]) -> tuple[dict[str, Any], dict[str, Any], pl.DataFrame]:
    """Return identity, study and rows (sorted by key, each key's once) of what a folder holds.

    Raises:
        InputError: if that is no study of this kind, or there are no results yet.
    """
    manifest = read_manifest(folder)
    if manifest is None or manifest["identity"].get("kind") != kind:
        raise InputError(f"{folder}: holds no {kind} study")
    parts = _parts(folder)
    if not parts:
        raise InputError(f"{folder}: holds no results")
    frame = pl.concat([_read(part) for part in parts], how="diagonal_relaxed")
    frame = frame.unique(list(key), keep="last", maintain_order=True).sort(list(key))
    return manifest["identity"], manifest.get("study", {}), frame


def _parts(folder: Path) -> list[Path]:
    return sorted((folder / RESULTS).glob("part-*.parquet"))


def _read(path: Path) -> pl.DataFrame:
    try:
        return pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise InputError(f"{path}: not a readable part ({str(error).splitlines()[0]}); delete it to go on") from None


def _difference(before: dict[str, Any], now: dict[str, Any]) -> str:
    """Name the first thing in which two identities differ."""
    for key in [*before, *now]:
        if before.get(key) != now.get(key):
            was, wanted = (str(d.get(key))[:40] for d in (before, now))
            return f"{key}: {was} there, {wanted} asked for"
    return "the same"
