"""Writers of one generated day: a file or folder for each format and instrument, named when the day is complete."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lob.types import EventKind, Flag
from scenarios.data.labels import put_in_place
from sim.files.atomic import temporary_name
from sim.files.names import file_name
from sim.formats import DbnWriter, HftbacktestWriter, ItchWriter, LobsterWriter
from sim.writer import ParquetTape

if TYPE_CHECKING:
    from scenarios.build.market import Built
    from sim.settings import Listing

__all__ = ["FOLDERS", "FORMATS", "FlowFigures", "day_folder", "day_writers"]

FORMATS = ("parquet", "lobster", "dbn", "itch", "hftbacktest")
FOLDERS = {"parquet": "tape", "lobster": "lobster", "dbn": "dbn", "itch": "itch", "hftbacktest": "hftbacktest"}


def day_folder(seed: int, date: str) -> Path:
    """Return where a day stands among all that is kept as a folder for each day."""
    return Path(f"seed={seed}") / f"date={date}"


def day_writers(
    built: Built, formats: Sequence[str], levels: int, folder: Path, seed: int, date: str, compress: bool = False
) -> list[Any]:
    """Return the writers of a day, sinks of tape rows with `close` and `discard`.

    Args:
        built: the scenario.
        formats: of FORMATS.
        levels: of LOBSTER's book files.
        folder: for all data.
        seed: of the series.
        date: "YYYY-MM-DD".
        compress: write LOBSTER's files as .csv.gz.

    Raises:
        InputError: if a format cannot hold the scenario; nothing is left behind then.
    """
    writers: list[Any] = []
    try:
        if "parquet" in formats:
            writers.append(_TapeFolder(folder / FOLDERS["parquet"] / day_folder(seed, date)))
        for symbol in range(len(built.listings)):
            for form in formats:
                if form in _MAKERS:
                    place = folder / FOLDERS[form] / f"seed={seed}"
                    writers.append(_MAKERS[form](_Day(built, symbol, place, date, levels, compress)))
    except BaseException:
        for writer in writers:
            writer.discard()
        raise
    return writers


@dataclass(frozen=True)
class _Day:
    """One instrument's day to be written into a folder."""

    built: Built
    symbol: int
    place: Path
    date: str
    levels: int
    compress: bool

    @property
    def listing(self) -> Listing:
        return self.built.listings[self.symbol]

    @property
    def ticker(self) -> str:
        return self.built.scenario.instrument[self.symbol].name

    @property
    def prices(self) -> tuple[int, int]:
        return self.listing.instrument.min_price_ticks, self.listing.instrument.n_prices

    def path(self, ending: str) -> Path:
        return self.place / f"{file_name(self.ticker)}_{self.date}.{ending}"


def _lobster(day: _Day) -> LobsterWriter:
    session = day.built.session
    return LobsterWriter(
        day.place, file_name(day.ticker), day.date, session.open_ns, session.close_ns, *day.prices,
        tick_size=day.listing.tick_size, depth=day.levels, symbol=day.symbol, lot_size=day.listing.lot_size,
        compress=day.compress,
    )  # fmt: skip


def _dbn(day: _Day) -> DbnWriter:
    low, n_prices = day.prices
    return DbnWriter(
        day.path("mbo.dbn"), day.ticker, day.date, low, n_prices, day.listing.tick_size, day.symbol,
        day.listing.lot_size,
    )  # fmt: skip


def _itch(day: _Day) -> ItchWriter:
    low, n_prices = day.prices
    return ItchWriter(
        day.path("itch"), day.ticker, day.built.session.open_ns, low, n_prices, day.listing.tick_size, day.symbol,
        day.listing.lot_size,
    )  # fmt: skip


def _hftbacktest(day: _Day) -> HftbacktestWriter:
    return HftbacktestWriter(
        day.path("npz"), *day.prices, day.listing.tick_size, day.symbol, lot_size=day.listing.lot_size
    )


_MAKERS: dict[str, Callable[[_Day], Any]] = {
    "lobster": _lobster, "dbn": _dbn, "itch": _itch, "hftbacktest": _hftbacktest,
}  # fmt: skip


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
