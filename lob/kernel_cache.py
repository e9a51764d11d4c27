"""Where compiled kernels are kept on disk, and what makes them stale or damaged."""

from __future__ import annotations

import hashlib
import logging
import os
import pickle
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numba
import numpy as np
from numba.core.caching import FunctionCache, IndexDataCacheFile

__all__ = ["COMPILED_INTO", "KernelCache", "cache_folder", "prepare_cache", "source_key"]

COMPILED_INTO = {"lob": ("lob",), "sim": ("lob", "sim"), "agents": ("lob", "sim", "agents")}
"""Packages whose sources can end up in the kernels of a package."""


def source_key(package: str) -> str:
    """Return a hash of all sources that the kernels of a package can hold, and of the toolchain.

    Numba's own cache notices edits of the file that holds a function, not of helpers in other files, so the whole
    cache folder is keyed by everything that can be compiled into a kernel.
    """
    digest = hashlib.sha256()
    root = Path(__file__).resolve().parent.parent
    for name in COMPILED_INTO[package]:
        for path in sorted((root / name).rglob("*.py")):
            digest.update(path.relative_to(root).as_posix().encode())
            digest.update(path.read_bytes())
    digest.update(f"{numba.__version__} {np.__version__}".encode())
    return digest.hexdigest()[:16]


@cache
def cache_folder(package: str = "sim") -> Path:
    """Return the folder of a package's compiled kernels, below $OUTCRY_CACHE_DIR or else the user's cache folder."""
    base: str | Path | None = os.environ.get("OUTCRY_CACHE_DIR")
    if base is None:
        base = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "outcry"
    return Path(base) / source_key(package)


@cache
def prepare_cache(package: str) -> bool:
    """Make the folder of a package; return whether kernels can be kept there."""
    folder = cache_folder(package)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        _tell_of_cache(folder.parent, (error.strerror or str(error)).lower())
        return False
    if not os.access(folder, os.W_OK):
        _tell_of_cache(folder.parent, "permission denied")
        return False
    return True


@cache
def _tell_of_cache(folder: Path, reason: str) -> None:
    """Say once that the work goes on, only slower."""
    logging.getLogger("outcry").warning(
        "outcry: compiled kernels cannot be kept in %s (%s) and are compiled again in each process; "
        "$OUTCRY_CACHE_DIR may name another folder", folder, reason
    )  # fmt: skip


class _CheckedFile(IndexDataCacheFile):
    """Numba's cache of one function, with a checksum behind the pickled data, which `pickle.loads` does not look at.

    Numba itself trusts what it finds: a damaged file would be unpickled, or run. Here it counts as not there, so that
    the function is compiled and its file written again.
    """

    def _dump(self, obj: Any) -> bytes:
        data: bytes = super()._dump(obj)
        return data + _checksum(data)

    def _save_index(self, overloads: Any) -> None:
        with self._open_for_write(self._index_path) as file:
            file.write(self._dump((self._version, self._source_stamp, overloads)))

    def _load_index(self) -> Any:
        try:
            data = Path(self._index_path).read_bytes()
        except OSError:
            return {}
        if not _is_whole(data):
            return {}
        version, stamp, overloads = pickle.loads(data)
        return overloads if (version, stamp) == (self._version, self._source_stamp) else {}

    def _load_data(self, name: str) -> Any:
        if not _is_whole(Path(self._data_path(name)).read_bytes()):
            raise OSError("damaged")  # as if it could not be read: Numba then compiles
        return super()._load_data(name)

    def save(self, key: Any, data: Any) -> None:
        """Keep a compiled function, or say why not."""
        try:
            super().save(key, data)
        except OSError as error:
            _tell_of_cache(Path(self._cache_path).parents[1], (error.strerror or str(error)).lower())


def _checksum(data: bytes) -> bytes:
    return zlib.crc32(data).to_bytes(4, "little")


def _is_whole(data: bytes) -> bool:
    return len(data) > 4 and data[-4:] == _checksum(data[:-4])


class KernelCache(FunctionCache):
    """Numba's cache of a function, in checked files."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        locator = self._impl.locator
        self._cache_file = _CheckedFile(self._cache_path, self._impl.filename_base, locator.get_source_stamp())
