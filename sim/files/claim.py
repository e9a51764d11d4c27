"""Whose a folder is: a command writes into a new or empty one or into one of its own kind, and never beside another.

The lock is the operating system's on a file in the folder. It ends with the process, however that ends; a file that a
killed run left means nothing. On network disks it holds as far as they pass locks on (NFS 4 does).
"""

from __future__ import annotations

import errno
import json
import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, ClassVar

from lob.errors import Argument, InputError
from sim.files.atomic import is_temporary, write_error

__all__ = ["FOLDER", "OVERWRITE", "RESUME", "FolderLock", "check_is_ours", "claimed", "has_json", "is_empty", "locked"]

FOLDER = Argument("out", python="folder")
RESUME = Argument("resume", True)
OVERWRITE = Argument("overwrite", True)
"""What messages about a folder speak of."""
LOCK = ".outcry.lock"
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)


class FolderLock:
    """Holds a folder, made if it is not there, until `release` or the end of the process.

    A thread that comes again for a folder has left what it did there (after an error, in a notebook), and gets it.

    Raises:
        InputError: if the folder cannot be written to, or another run is writing there.
    """

    _held: ClassVar[dict[tuple[int, Path], FolderLock]] = {}

    def __init__(self, folder: Path) -> None:
        self._path = folder / LOCK
        self._made = not folder.exists()
        if not self._made and not folder.is_dir():
            raise InputError(f"{folder}: a file; allowed: a folder")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._key = (threading.get_ident(), folder.resolve())
            former = self._held.pop(self._key, None)
            if former is not None:
                former.release()
            self._file = self._take(folder)
        except OSError as error:
            raise write_error(folder, error) from None
        self._held[self._key] = self

    def _take(self, folder: Path) -> IO[str]:
        while True:
            file = self._path.open("a+", encoding="utf-8")
            try:
                _lock(file)
            except BlockingIOError:
                file.seek(0)
                pid = file.read(20).strip() or "unknown"
                file.close()
                raise InputError(
                    f"{folder}: another run is writing here now (pid {pid}); allowed: wait for it, or another ", FOLDER
                ) from None
            # Whoever held it before takes the file away at the end: then the lock is one on a file without a name.
            if self._path.exists() and os.path.samestat(os.fstat(file.fileno()), self._path.stat()):
                file.truncate(0)
                file.write(f"{os.getpid()}\n")
                file.flush()
                return file
            file.close()

    def release(self) -> None:
        """Let others in; the second time does nothing."""
        if self._held.get(self._key) is self:
            del self._held[self._key]
        if not self._file.closed:
            self._path.unlink(missing_ok=True)
            self._file.close()
        if self._made:
            with suppress(OSError):  # not empty: the usual case
                self._path.parent.rmdir()


def _lock(file: IO[str]) -> None:
    """Lock a file against all others who open it; BlockingIOError if it is locked."""
    try:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return
    except BlockingIOError:
        raise
    except ImportError:
        reason = "this system has no flock"
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        reason = str(error.strerror).lower()
    logging.getLogger("outcry").warning(
        "%s: no lock can be had here (%s); let no two runs write into one folder", Path(file.name).parent, reason
    )


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder within this context; see FolderLock."""
    lock = FolderLock(folder)
    try:
        yield
    finally:
        lock.release()


@contextmanager
def claimed(folder: Path, what: str, is_ours: Callable[[Path], bool]) -> Iterator[None]:
    """Hold a folder within this context that is empty or what the command writes.

    Args:
        folder: made if it is not there.
        what: the command's word for it, as in "a calibration".
        is_ours: whether a folder with files in it is one.

    Raises:
        InputError: if it holds something else, cannot be written to, or another run is writing there.
    """
    with locked(folder):
        check_is_ours(folder, what, is_ours)
        yield


def check_is_ours(folder: Path, what: str, is_ours: Callable[[Path], bool]) -> None:
    """Raise InputError if a folder holds files, but not those of what a command writes."""
    if not is_empty(folder) and not is_ours(folder):
        raise InputError(
            f"{folder}: holds files that are no {what}; allowed: a new or empty folder, or that of a {what}"
        )


def has_json(path: Path, key: str) -> bool:
    """Whether a file is a JSON object with such a key: how a command knows the folder that it wrote."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(found, dict) and key in found


def is_empty(folder: Path) -> bool:
    """Whether a folder holds nothing but the lock and what an interrupted write left."""
    return all(path.name == LOCK or is_temporary(path) for path in folder.iterdir())
