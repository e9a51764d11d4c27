"""Writers of one generated day: a file or folder for each format and instrument, named when the day is complete."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lob.types import EventKind, Flag
from scenarios.data.labels import put_in_place
from sim.files.atomic import temporary_name
from sim.files.names import file_name
from sim.formats import DbnWriter, HftbacktestWriter, ItchWriter, LobsterOptions, LobsterWriter
from sim.writer import ParquetTape

if TYPE_CHECKING:
    from scenarios.build.market import Built

__all__ = ["FOLDERS", "FORMATS", "FlowFigures", "day_folder", "day_writers"]

FORMATS = ("parquet", "lobster", "dbn", "itch", "hftbacktest")
FOLDERS = {"parquet": "tape", "lobster": "lobster", "dbn": "dbn", "itch": "itch", "hftbacktest": "hftbacktest"}


def day_folder(seed: int, date: str) -> Path:
    """Return where a day stands among all that is kept as a folder for each day."""
    return Path(f"seed={seed}") / f"date={date}"


def day_writers(built: Built, formats: Sequence[str], levels: int, folder: Path, seed: int, date: str) -> list[Any]:
    """Return the writers of a day, sinks of tape rows with `close` and `discard`.

    Raises:
        InputError: if a format cannot hold the scenario.
    """
    writers: list[Any] = []
    session = built.session
    if "parquet" in formats:
        writers.append(_TapeFolder(folder / FOLDERS["parquet"] / day_folder(seed, date)))
    for symbol, (table, listing) in enumerate(zip(built.scenario.instrument, built.listings, strict=True)):
        prices = (listing.instrument.min_price_ticks, listing.instrument.n_prices)
        name = file_name(table.name)
        if "lobster" in formats:
            place = folder / FOLDERS["lobster"] / f"seed={seed}"
            options: LobsterOptions = {
                "tick_size": listing.tick_size,
                "depth": levels,
                "symbol": symbol,
                "lot_size": listing.lot_size,
            }
            writers.append(LobsterWriter(place, name, date, session.open_ns, session.close_ns, *prices, **options))
        if "dbn" in formats:
            path = folder / FOLDERS["dbn"] / f"seed={seed}" / f"{name}_{date}.mbo.dbn"
            writers.append(DbnWriter(path, table.name, date, *prices, listing.tick_size, symbol, listing.lot_size))
        if "itch" in formats:
            path = folder / FOLDERS["itch"] / f"seed={seed}" / f"{name}_{date}.itch"
            writers.append(
                ItchWriter(path, table.name, session.open_ns, *prices, listing.tick_size, symbol, listing.lot_size)
            )
        if "hftbacktest" in formats:
            path = folder / FOLDERS["hftbacktest"] / f"seed={seed}" / f"{name}_{date}.npz"
            writers.append(HftbacktestWriter(path, *prices, listing.tick_size, symbol, 0, listing.lot_size))
    return writers


class _TapeFolder:
    """The tape of a day as a folder of Parquet parts, under a temporary name until it is complete."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._temporary = folder, temporary_name(folder)
        self._tape = ParquetTape(self._temporary)

    def __call__(self, rows: Any) -> None:
        self._tape(rows)

    def close(self) -> list[Path]:
        self._tape.close_part()
        return put_in_place(self._temporary, self._folder)

    def discard(self) -> None:
        shutil.rmtree(self._temporary, ignore_errors=True)


class FlowFigures:
    """A sink that counts one symbol's rows, messages, trades and volume."""

    def __init__(self, symbol: int) -> None:
        self._symbol = symbol
        self._n_rows = self._n_messages = self._n_trades = self._volume = 0

    def __call__(self, rows: Any) -> None:
        """Count rows of the tape."""
        mine = rows[rows["symbol"] == self._symbol]
        traded = mine[mine["kind"] == EventKind.EXECUTE]
        self._n_rows += len(mine)
        self._n_messages += int(np.count_nonzero(mine["flags"] & Flag.FIRST))
        self._n_trades += len(traded)
        self._volume += int(traded["qty_lots"].sum(dtype=np.int64))

    def row(self) -> dict[str, int]:
        """Return the counts by the names of the manifest's columns."""
        return {
            "n_rows": self._n_rows, "n_messages": self._n_messages, "n_trades": self._n_trades,
            "volume_lots": self._volume,
        }  # fmt: skip
