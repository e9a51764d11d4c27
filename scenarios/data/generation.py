"""Synthetic order data: many days of a scenario in the formats that people use, with labels that real data cannot have.

Each day is one run with a seed of its own, so that any of them can be made again by `outcry run --seed`. A day's rows
stream through all writers at once in bounded memory; its files get their names when the day is complete.
"""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import polars as pl

from lob.errors import InputError, RunError
from scenarios._flat_keywords import with_flat
from scenarios.build.variant import Variant
from scenarios.data.card import data_card
from scenarios.data.day_writers import FOLDERS, FORMATS, FlowFigures, day_folder, day_writers
from scenarios.data.labels import Labels
from scenarios.data.splits import check_split, split_of_days
from scenarios.many_runs.execution import Execution
from scenarios.many_runs.map_runs import Failed
from scenarios.many_runs.result_set import ResultSet
from sim.beside import Beside
from sim.files.atomic import is_temporary, write_atomically
from sim.hash import TapeHash

__all__ = ["FORMATS", "FileOptions", "Generated", "day_seed", "generate"]

LABELS = "labels"
KEY = ("seed", "date", "symbol")
"""Columns that name a row of the manifest."""
MAX_DAYS = 9_999
MOST_LEVELS = 200
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
class FileOptions:
    """What stands in the files of each day, beside the order flow itself.

    Attributes:
        levels: levels of LOBSTER's book files.
        labels: also write who is behind each order, and the events.
        first_date: date of the first day, unless the scenario has one.
        compress: LOBSTER's files as .csv.gz.
        split: shares of each series' days by the name of a part, as in {"train": 0.8, "test": 0.2}: the manifest then
            says in which part a day is, earlier days first. Empty: no parts.

    Raises:
        InputError: if there can be no book of so many levels, or the shares do not add up to 1.
    """

    levels: int = 10
    labels: bool = True
    first_date: dt.date = FIRST_DATE
    compress: bool = False
    split: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the levels and the shares."""
        if self.split:
            check_split(self.split)
        if not 1 <= self.levels <= MOST_LEVELS:
            raise InputError(f"levels = {self.levels}; allowed: 1 to {MOST_LEVELS} levels")


@dataclass(frozen=True)
class _Day:
    seed: int
    run_seed: int
    date: str
    split: str | None = None


@dataclass(frozen=True)
class _Task:
    variant: Variant
    formats: tuple[str, ...]
    options: FileOptions
    folder: str

    def __call__(self, day: _Day) -> list[dict[str, Any]]:
        built = self.variant.built
        market = built.market(day.run_seed)
        folder, tape_hash = Path(self.folder), TapeHash()
        writers = day_writers(
            built, self.formats, self.options.levels, folder, day.seed, day.date, self.options.compress
        )
        labels = Labels(built, folder / LABELS / day_folder(day.seed, day.date)) if self.options.labels else None
        figures = [FlowFigures(symbol) for symbol in range(len(built.listings))]
        sinks = [tape_hash, *figures, *writers, *([labels] if labels is not None else [])]
        try:
            with Beside(sinks) as beside:
                market.run(sinks=[beside])
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
                "split": day.split, "error": None, **figure.row(), "tape_hash": tape_hash.hexdigest(), "files": names,
                "bytes": n_bytes,
            }
            for table, figure in zip(built.scenario.instrument, figures, strict=True)
        ]  # fmt: skip


def generate(
    scenario: str | Path,
    out: Path | str,
    *,
    days: int = 1,
    seeds: Sequence[int] = (1,),
    formats: Sequence[str] = ("parquet",),
    files: FileOptions = FileOptions(),
    overrides: Sequence[str] = (),
    execution: Execution = Execution(),
    **flat: Any,
) -> Generated:
    """Make many days of order data.

    Args:
        scenario: a scenario file or library name; all its instruments are written.
        out: folder.
        days: weekdays of each series, from the first date on.
        seeds: one series each; day k of series s is the run with seed `day_seed(s, k)`.
        formats: of FORMATS.
        files: levels of book files, labels, the first date.
        overrides: changes of the scenario.
        execution: by what and in how many processes. With Ray, `out` must be a disk that all nodes share. With
            `resume`, days that are complete are not made again.
        flat: fields of `files` and `execution`, as they were given in 0.1; deprecated.

    Raises:
        InputError: if anything asked for is wrong; nothing has been run or written then.
        RunError: if no day could be made.
    """
    files, execution = with_flat("generate", flat, files=files, execution=execution)
    for name in formats:
        if name not in FORMATS:
            raise InputError(f"format {name}: no such format; allowed: {', '.join(FORMATS)}")
    if not formats:
        raise InputError(f"formats: none; allowed: a format or more of {', '.join(FORMATS)}")
    if not 1 <= days <= MAX_DAYS:
        raise InputError(f"days = {days}; allowed: 1 to {MAX_DAYS} days")
    if not seeds or len(set(seeds)) != len(seeds) or any(not 0 <= s < 2**63 // (MAX_DAYS + 1) for s in seeds):
        raise InputError(f"seeds: allowed: at least one, none twice, from 0 to {2**63 // (MAX_DAYS + 1) - 1}")
    if execution.out is not None:
        raise InputError(f"execution: out = {execution.out}; allowed: the folder only as generate's own out")
    execution = replace(execution, out=out)
    variant, folder = Variant.read(scenario, overrides), Path(out)
    dates = _weekdays(variant.built.scenario.session.date or files.first_date, days)
    parts = split_of_days(days, files.split) if files.split else [None] * days
    task = _Task(variant, tuple(dict.fromkeys(formats)), replace(files, split={}), str(folder.resolve()))
    _check_formats(task)
    store = execution.store({**_identity(task, dates[0]), **({"split": dict(files.split)} if files.split else {})}, KEY)
    _make_room(folder, execution.resume)
    write_atomically(folder / "scenario.toml", variant.text.encode())
    wanted = [
        _Day(seed, day_seed(seed, k), date, part)
        for seed in seeds
        for k, (date, part) in enumerate(zip(dates, parts, strict=True))
    ]
    _make_days(store, task, wanted, execution)
    manifest = store.finish()
    good = manifest.filter(pl.col("status") == "done")
    made = good.select("seed", "date").unique()
    bad = manifest.filter(pl.col("status") == "failed").join(made, on=["seed", "date"], how="anti")
    if len(good) == 0:
        raise RunError(f"none of {len(wanted)} days could be made; the first failed: {bad['error'][0]}")
    made_days = Generated(pl.concat([good, bad]).sort(KEY), folder)
    card = data_card(variant.built, made_days.manifest, task.formats, files.split)
    write_atomically(folder / "CARD.md", card.encode())
    return made_days


def _identity(task: _Task, first_date: str) -> dict[str, Any]:
    built = task.variant.built
    return {
        "kind": "generate",
        "scenario": built.name,
        "config_hash": built.config_hash(0),
        "formats": list(task.formats),
        "levels": task.options.levels,
        "labels": task.options.labels,
        **({"compress": True} if task.options.compress else {}),
        "first_date": first_date,
    }


def _make_room(folder: Path, resume: bool) -> None:
    """Remove what an earlier study, or a killed one, left where this one writes."""
    for name in (*FOLDERS.values(), LABELS):
        if not resume:
            shutil.rmtree(folder / name, ignore_errors=True)
        for left in [path for path in (folder / name).rglob("*.tmp") if is_temporary(path)]:
            shutil.rmtree(left) if left.is_dir() else left.unlink(missing_ok=True)


def _make_days(store: ResultSet, task: _Task, wanted: list[_Day], execution: Execution) -> None:
    """Make the days that the store does not have."""
    before = store.frame()
    done: set[tuple[int, str]] = set()
    if len(before):
        done = set(before.filter(pl.col("status") == "done").select("seed", "date").rows())
    waiting = [day for day in wanted if (day.seed, day.date) not in done]
    done_of_all = len(wanted) - len(waiting), len(wanted)
    for position, result in execution.map_and_tell(task, waiting, [task.variant], done_of_all):
        day = waiting[position]
        rows = result if not isinstance(result, Failed) else [
            {"seed": day.seed, "date": day.date, "symbol": "", "run_seed": day.run_seed, "status": "failed",
             "split": day.split, "error": result.reason}
        ]  # fmt: skip
        store.add(rows)


def _weekdays(first: dt.date, n: int) -> list[str]:
    dates: list[str] = []
    day = first
    while len(dates) < n:
        if day.weekday() < 5 or (n == 1 and day == first):
            dates.append(day.isoformat())
        day += dt.timedelta(days=1)
    return dates


def _check_formats(task: _Task) -> None:
    """Raise InputError about a format that cannot hold this scenario, before anything is written."""
    import tempfile

    with tempfile.TemporaryDirectory() as place:
        date = FIRST_DATE.isoformat()
        for writer in day_writers(task.variant.built, task.formats, task.options.levels, Path(place), 0, date):
            writer.discard()
