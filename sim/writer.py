"""The tape on disk: Parquet parts written in bounded memory, each complete under its name or not there at all."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from lob.errors import InputError
from lob.lazy import moved_names
from lob.types import EVENT
from sim.files.atomic import remove_temporaries, whole_file, write_error, write_parquet
from sim.tape_parts import check_columns, read_part
from sim.words import in_words

__all__ = ["ParquetTape", "part_paths", "read_parts", "read_tape", "remove_parts", "scan_tape"]

Rows = np.ndarray[Any, Any]
ROWS_PER_PART = 2**20
ROWS_FOR_ARROW = 2**17
"""Below, loading pyarrow takes longer than it saves."""
_NAMES = tuple(EVENT.names or ())
_DTYPES = {name: pl.Series(np.empty(0, EVENT[name])).dtype for name in _NAMES}


class ParquetTape:
    """A sink that writes rows to part-00000.parquet, part-00001.parquet, ... in a folder.

    Rows are gathered column by column, so that memory stays at one part whatever the length of the run.

    Args:
        folder: made if it is not there.
        rows_per_part: rows of a full part; about 130 bytes of memory each, twice that while a part is written.
        first_part: number of the next part, when a run is resumed.

    Attributes:
        n_parts: the number of the next part.
        n_rows: rows taken by this object, those that wait for their part included.

    Raises:
        InputError: if the folder cannot be made or written to.
        RunError: when the disk is full.
    """

    def __init__(self, folder: Path | str, rows_per_part: int = ROWS_PER_PART, first_part: int = 0) -> None:
        self.folder = Path(folder)
        self.n_parts = first_part
        self.n_rows = 0
        self._capacity = rows_per_part
        self._count = 0
        # Zeros are not backed by memory until written: a short run never pays for a full part.
        self._columns = {name: np.zeros(rows_per_part, EVENT[name]) for name in _NAMES}
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise write_error(self.folder, error) from None

    def __call__(self, rows: Rows) -> None:
        """Take a stretch of rows; write a part whenever one is full."""
        taken = 0
        while taken < len(rows):
            n = min(len(rows) - taken, self._capacity - self._count)
            for name, column in self._columns.items():
                column[self._count : self._count + n] = rows[name][taken : taken + n]
            self._count += n
            self.n_rows += n
            taken += n
            if self._count == self._capacity:
                self.close_part()

    def close_part(self) -> None:
        """Write what has been gathered, if anything, as one part."""
        if self._count == 0:
            return
        columns = {name: column[: self._count] for name, column in self._columns.items()}
        path = self.folder / f"part-{self.n_parts:05d}.parquet"
        if self._count >= ROWS_FOR_ARROW and find_spec("pyarrow") is not None:
            with whole_file(path) as file:
                file.write(_encoded(columns))
        else:
            # lz4: about the size of zstd level 1 on these columns, and faster to write.
            write_parquet(path, pl.DataFrame(columns), compression="lz4", statistics=False)
        self.n_parts += 1
        self._count = 0


def _encoded(columns: dict[str, Rows]) -> memoryview:
    """Return a Parquet file of these columns, as pyarrow writes it: no dictionaries, and numbers that grow by steps.

    Polars tries a dictionary for every column, ids and times included. This takes two thirds of its CPU time, on
    one thread, and the file two thirds of its size; the same table is read from both.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    out = pa.BufferOutputStream()
    pq.write_table(
        pa.table(columns), out, compression="lz4", use_dictionary=False, write_statistics=False,
        column_encoding=dict.fromkeys(("time_ns", "sequence", "order_id"), "DELTA_BINARY_PACKED"),
    )  # fmt: skip
    return memoryview(out.getvalue())


def part_paths(folder: Path | str) -> list[Path]:
    """Return the complete parts of a tape in order.

    Args:
        folder: of the tape, or of the run that the tape belongs to.

    Raises:
        InputError: if the folder is not there.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; a tape is a folder of part-*.parquet files")
    if (folder / "tape").is_dir():
        folder = folder / "tape"
    return sorted(folder.glob("part-*.parquet"))


def remove_parts(folder: Path, first: int) -> None:
    """Delete the parts numbered `first` and above, and what an interrupted write left behind."""
    if folder.is_dir():
        for path in part_paths(folder)[first:]:
            path.unlink()
        remove_temporaries(folder)


def read_parts(folder: Path | str, max_rows: int = 65_536) -> Iterator[Rows]:
    """Yield a stored tape as EVENT arrays of at most `max_rows` rows, in order.

    Raises:
        InputError: if the folder holds no tape or a part cannot be read.
    """
    for path in part_paths(folder):
        frame = read_part(path)
        columns = {name: frame[name].to_numpy() for name in _NAMES}
        for start in range(0, len(frame), max_rows):
            rows = np.empty(min(max_rows, len(frame) - start), EVENT)
            for name, column in columns.items():
                rows[name] = column[start : start + max_rows]
            yield rows


def read_tape(folder: Path | str) -> Rows:
    """Return a stored tape as one EVENT array.

    Raises:
        InputError: if the folder holds no tape or a part cannot be read.
    """
    parts = list(read_parts(folder))
    return np.concatenate(parts) if parts else np.empty(0, EVENT)


def scan_tape(folder: Path | str, words: bool = True) -> pl.LazyFrame:
    """Return a stored tape as a lazy table, with words for codes (sim.words) or as it is stored.

    Raises:
        InputError: if the folder holds no tape, or a part is none of a tape.
    """
    paths = part_paths(folder)
    for path in paths:
        check_columns(path)
    table = pl.scan_parquet(paths) if paths else pl.LazyFrame(np.empty(0, EVENT))
    return in_words(table) if words else table


_FORMER = ("is_temporary", "temporary_name", "write_atomically")
__getattr__ = moved_names(__name__, {name: f"sim.files.atomic:{name}" for name in _FORMER})
