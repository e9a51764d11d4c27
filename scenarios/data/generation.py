"""Synthetic order data: many days of a scenario in the formats that people use, with labels that real data cannot have.

Each day is one run with a seed of its own, so that any of them can be made again by `outcry run --seed`. A day's rows
stream through all writers at once in bounded memory; its files get their names when the day is complete.
"""

from __future__ import annotations

import datetime as dt
import shutil
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from lob.errors import InputError, RunError
from lob.types import EventKind, Flag
from scenarios.build.market import build
from scenarios.data.labels import Labels, put_in_place
from scenarios.many_runs.map_runs import Failed, check_executor, map_runs
from scenarios.many_runs.result_set import ResultSet
from scenarios.schema.load import find_scenario, read_tables, source_of
from scenarios.schema.toml_text import toml_text
from sim.files.atomic import is_temporary, temporary_name, write_atomically
from sim.files.names import file_name
from sim.formats import DbnWriter, HftbacktestWriter, LobsterWriter
from sim.hash import TapeHash
from sim.writer import ParquetTape

if TYPE_CHECKING:
    from scenarios.build.market import Built

__all__ = ["FORMATS", "Generated", "day_seed", "generate"]

FORMATS = ("parquet", "lobster", "dbn", "hftbacktest")
FOLDERS = {"parquet": "tape", "lobster": "lobster", "dbn": "dbn", "hftbacktest": "hftbacktest"}
LABELS = "labels"
MAX_DAYS = 9_999
FIRST_DATE = dt.date(2024, 1, 2)


def day_seed(seed: int, day: int) -> int:
    """Return the seed of the run that is day number `day` (from 0) of a series."""
    return seed * (MAX_DAYS + 1) + day


@dataclass(frozen=True)
class Generated:
    """What has been made.

    Attributes:
        manifest: one row for each day and instrument: seed, date, run_seed, symbol, status, error, n_rows (of the whole
            day), n_messages, n_trades, volume_lots, tape_hash, files, bytes.
        folder: where it is.
    """

    manifest: pl.DataFrame
    folder: Path

    @property
    def failed(self) -> pl.DataFrame:
        """Rows of the days that failed."""
        return self.manifest.filter(pl.col("status") == "failed")


@dataclass(frozen=True)
class _Day:
    seed: int
    run_seed: int
    date: str


@dataclass(frozen=True)
class _Task:
    path: str
    text: str
    formats: tuple[str, ...]
    levels: int
    labels: bool
    folder: str

    def __call__(self, day: _Day) -> list[dict[str, Any]]:
        built = build(source_of(tomllib.loads(self.text), Path(self.path)))
        market = built.market(day.run_seed)
        folder, tape_hash = Path(self.folder), TapeHash()
        where = Path(f"seed={day.seed}") / f"date={day.date}"
        writers = _writers(self, built, day, folder, where)
        labels = Labels(built, folder / LABELS / where) if self.labels else None
        figures = [_Figures(symbol) for symbol in range(len(built.listings))]
        sinks = [tape_hash, *figures, *writers, *([labels] if labels is not None else [])]
        try:
            market.run(sinks=sinks)
            files = [path for writer in writers for path in writer.close()]
            files += labels.close() if labels is not None else []
        except BaseException:
            for writer in [*writers, *([labels] if labels is not None else [])]:
                writer.discard()
            raise
        n_bytes = sum(path.stat().st_size for path in files)
        names = [str(path.relative_to(folder)) for path in files]
        return [
            {
                "seed": day.seed, "date": day.date, "symbol": table.name, "run_seed": day.run_seed, "status": "done",
                "error": None, **figure.row(), "tape_hash": tape_hash.hexdigest(), "files": names, "bytes": n_bytes,
            }
            for table, figure in zip(built.scenario.instrument, figures, strict=True)
        ]  # fmt: skip


def _writers(task: _Task, built: Built, day: _Day, folder: Path, where: Path) -> list[Any]:
    writers: list[Any] = []
    session = built.session
    if "parquet" in task.formats:
        writers.append(_TapeFolder(folder / FOLDERS["parquet"] / where))
    for symbol, (table, listing) in enumerate(zip(built.scenario.instrument, built.listings, strict=True)):
        prices = (listing.instrument.min_price_ticks, listing.instrument.n_prices)
        name = file_name(table.name)
        if "lobster" in task.formats:
            place = folder / FOLDERS["lobster"] / f"seed={day.seed}"
            writers.append(
                LobsterWriter(
                    place, name, day.date, session.open_ns, session.close_ns, *prices, listing.tick_size, task.levels,
                    symbol,
                )
            )  # fmt: skip
        if "dbn" in task.formats:
            path = folder / FOLDERS["dbn"] / f"seed={day.seed}" / f"{name}_{day.date}.mbo.dbn"
            writers.append(DbnWriter(path, table.name, day.date, *prices, listing.tick_size, symbol))
        if "hftbacktest" in task.formats:
            path = folder / FOLDERS["hftbacktest"] / f"seed={day.seed}" / f"{name}_{day.date}.npz"
            writers.append(HftbacktestWriter(path, *prices, listing.tick_size, symbol))
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


class _Figures:
    """Counts of one symbol."""

    def __init__(self, symbol: int) -> None:
        self._symbol = symbol
        self._n_rows = self._n_messages = self._n_trades = self._volume = 0

    def __call__(self, rows: Any) -> None:
        mine = rows[rows["symbol"] == self._symbol]
        traded = mine[mine["kind"] == EventKind.EXECUTE]
        self._n_rows += len(mine)
        self._n_messages += int(np.count_nonzero(mine["flags"] & Flag.FIRST))
        self._n_trades += len(traded)
        self._volume += int(traded["qty_lots"].sum(dtype=np.int64))

    def row(self) -> dict[str, int]:
        return {
            "n_rows": self._n_rows, "n_messages": self._n_messages, "n_trades": self._n_trades,
            "volume_lots": self._volume,
        }  # fmt: skip


def generate(
    scenario: str | Path,
    out: Path | str,
    *,
    days: int = 1,
    seeds: Sequence[int] = (1,),
    formats: Sequence[str] = ("parquet",),
    levels: int = 10,
    labels: bool = True,
    first_date: dt.date = FIRST_DATE,
    overrides: Sequence[str] = (),
    executor: str = "process",
    workers: int | None = None,
    resume: bool = False,
    overwrite: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> Generated:
    """Make many days of order data.

    Args:
        scenario: a scenario file or library name; all its instruments are written.
        out: folder.
        days: weekdays of each series, from `first_date` on.
        seeds: one series each; day k of series s is the run with seed `day_seed(s, k)`.
        formats: of FORMATS.
        levels: levels of LOBSTER's book files.
        labels: also write who is behind each order, and the events.
        first_date: date of the first day, unless the scenario has one.
        overrides: changes of the scenario.
        executor: "process", "ray" or "serial"; see `map_runs`. With Ray, `out` must be a disk that all nodes share.
        workers: number of processes.
        resume: go on in the folder; days that are complete are not made again.
        overwrite: replace what is in the folder.
        on_progress: called with the finished and all days.

    Raises:
        InputError: if anything asked for is wrong; nothing has been run or written then.
        RunError: if no day could be made.
    """
    for name in formats:
        if name not in FORMATS:
            raise InputError(f"format {name}: no such format; allowed: {', '.join(FORMATS)}")
    if not formats or not 1 <= days <= MAX_DAYS or not 1 <= levels <= 200:
        raise InputError(f"days = {days}, levels = {levels}; allowed: 1 to {MAX_DAYS} days, 1 to 200 levels, a format")
    if not seeds or len(set(seeds)) != len(seeds) or any(not 0 <= s < 2**63 // (MAX_DAYS + 1) for s in seeds):
        raise InputError(f"seeds: allowed: at least one, none twice, from 0 to {2**63 // (MAX_DAYS + 1) - 1}")
    check_executor(executor, workers)
    path = find_scenario(str(scenario))
    tables = read_tables(path, overrides)
    built = build(source_of(tables, path))
    folder = Path(out)
    text = toml_text(tables)
    dates = _weekdays(built.scenario.session.date or first_date, days)
    task = _Task(str(path), text, tuple(dict.fromkeys(formats)), levels, labels, str(folder.resolve()))
    _check_formats(task, built)
    identity = {
        "kind": "generate",
        "scenario": built.name,
        "config_hash": built.config_hash(0),
        "formats": list(task.formats),
        "levels": levels,
        "labels": labels,
        "first_date": dates[0],
    }
    store = ResultSet(folder, identity, ("seed", "date", "symbol"), resume=resume, overwrite=overwrite)
    for name in (*FOLDERS.values(), LABELS):
        if not resume:
            shutil.rmtree(folder / name, ignore_errors=True)
        for left in [path for path in (folder / name).rglob("*.tmp") if is_temporary(path)]:
            shutil.rmtree(left) if left.is_dir() else left.unlink(missing_ok=True)
    write_atomically(folder / "scenario.toml", text.encode())
    wanted = [_Day(seed, day_seed(seed, k), date) for seed in seeds for k, date in enumerate(dates)]
    before = store.frame()
    done: set[tuple[int, str]] = set()
    if len(before):
        done = set(before.filter(pl.col("status") == "done").select("seed", "date").rows())
    waiting = [day for day in wanted if (day.seed, day.date) not in done]
    finished = len(wanted) - len(waiting)
    if on_progress is not None:
        on_progress(finished, len(wanted))
    for position, result in map_runs(task, waiting, executor=executor, workers=workers):
        day = waiting[position]
        rows = result if not isinstance(result, Failed) else [
            {"seed": day.seed, "date": day.date, "symbol": "", "run_seed": day.run_seed, "status": "failed",
             "error": result.reason}
        ]  # fmt: skip
        store.add(rows)
        finished += 1
        if on_progress is not None:
            on_progress(finished, len(wanted))
    manifest = store.finish()
    good = manifest.filter(pl.col("status") == "done")
    made = good.select("seed", "date").unique()
    bad = manifest.filter(pl.col("status") == "failed").join(made, on=["seed", "date"], how="anti")
    if len(good) == 0:
        raise RunError(f"none of {len(wanted)} days could be made; the first failed: {bad['error'][0]}")
    return Generated(pl.concat([good, bad]).sort("seed", "date", "symbol"), folder)


def _weekdays(first: dt.date, n: int) -> list[str]:
    dates: list[str] = []
    day = first
    while len(dates) < n:
        if day.weekday() < 5 or (n == 1 and day == first):
            dates.append(day.isoformat())
        day += dt.timedelta(days=1)
    return dates


def _check_formats(task: _Task, built: Built) -> None:
    """Raise InputError about a format that cannot hold this scenario, before anything is written."""
    import tempfile

    with tempfile.TemporaryDirectory() as place:
        probe = _Day(0, 0, FIRST_DATE.isoformat())
        for writer in _writers(task, built, probe, Path(place), Path("probe")):
            writer.discard()
