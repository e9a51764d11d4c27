"""A grid of parameters over many seeds: one row for each run, and what each setting changes, paired by seed.

The worlds of a seed differ between two settings in nothing but the setting and what follows from it, so differences
from the first setting are taken seed by seed.
"""

from __future__ import annotations

import copy
import itertools
import math
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from lob.errors import InputError, RunError
from scenarios.build.market import build
from scenarios.experiments.bootstrap import bootstrap, check_confidence
from scenarios.experiments.outcomes import OUTCOMES, Outcome, find_outcomes
from scenarios.experiments.sameness import is_one_world, one_world_note
from scenarios.experiments.variants import KEY, MOST_VARIANTS, VariantRun, check_runs, run_variants, settled
from scenarios.many_runs.map_runs import check_executor
from scenarios.many_runs.result_set import ResultSet, stored_study
from scenarios.schema.load import find_scenario, override_value, read_tables, source_of
from scenarios.schema.toml_text import toml_text, toml_value
from sim.files.atomic import write_atomically, write_parquet

__all__ = ["SweepResult", "sweep"]


@dataclass(frozen=True)
class SweepResult:
    """What a sweep found.

    Attributes:
        runs: one row for each run and instrument: variant, the grid's values, symbol, seed, status, error, tape_hash,
            market_hash, value_note, outcomes; see `run_variants`.
        cells: the values of the grid by variant.
        outcomes: what was measured.
        confidence: of all intervals.
    """

    runs: pl.DataFrame
    cells: tuple[dict[str, Any], ...]
    outcomes: tuple[Outcome, ...]
    confidence: float = 0.95

    @property
    def failed(self) -> pl.DataFrame:
        """Rows of the runs that failed."""
        return self.runs.filter(pl.col("status") == "failed")

    @cached_property
    def table(self) -> pl.DataFrame:
        """Means by setting, and differences from the first setting, paired by seed.

        Columns: variant, the grid's values, symbol, outcome, unit, mean, low, high, difference, difference_low,
        difference_high, n_runs, n_identical (of the paired runs, those that are the same market as the first setting's
        of the seed: nothing that anybody could see of them differs). Where all seeds give one world there is no
        interval.
        """
        rows = []
        done = self.runs.filter(pl.col("status") == "done")
        for (symbol,), of_symbol in done.group_by(["symbol"], maintain_order=True):
            seen = _by_seed(of_symbol, "market_hash")
            for outcome in self.outcomes:
                values = _by_seed(of_symbol, outcome.column)
                rows += [
                    {
                        "variant": k, **cell, "symbol": symbol, "outcome": outcome.name, "unit": outcome.unit,
                        **_compare(values.get(k, {}), values.get(0, {}), seen.get(k, {}), seen.get(0, {}),
                                   self.confidence),
                    }
                    for k, cell in enumerate(self.cells)
                ]  # fmt: skip
        return pl.DataFrame(rows, infer_schema_length=None)

    @cached_property
    def notes(self) -> list[str]:
        """What somebody who reads the numbers must know: lines of text, none if all is as it seems."""
        notes = []
        done = self.runs.filter(pl.col("status") == "done")
        first = done.filter(pl.col("symbol") == done["symbol"][0])
        seen = _by_seed(first, "market_hash")
        n_seeds = first["seed"].n_unique()
        if seen and n_seeds > 1 and all(is_one_world(list(hashes.values())) for hashes in seen.values()):
            notes.append(one_world_note(n_seeds, "seeds of a setting"))
        same = {k: _n_identical(seen.get(k, {}), seen.get(0, {})) for k in range(1, len(self.cells))}
        all_same = [k for k, n in same.items() if 0 < n == len(seen[k].keys() & seen[0].keys())]
        if all_same:
            which = "Every other setting" if len(all_same) == len(same) else f"Settings {', '.join(map(str, all_same))}"
            notes.append(
                f"{which}: each world is identical to the first setting's of its seed, in every time, price and "
                "quantity: these values change nothing in the market."
            )
        if "value_note" in done.columns:
            outside = done.filter(pl.col("value_note").is_not_null())
            n = outside.select("variant", "seed").unique().height
            if n:
                setting, seed, note = outside.select("variant", "seed", "value_note").row(0)
                notes.append(f"In {n} runs, as in setting {setting}, seed {seed}: {note}")
        return notes

    @classmethod
    def load(cls, folder: Path | str) -> SweepResult:
        """Return the sweep that stands in a folder.

        Raises:
            InputError: if there is none, or none of its runs was made.
        """
        identity, study, frame = stored_study(Path(folder), "sweep", KEY)
        grid = {name: tomllib.loads(f"x = {text}")["x"] for name, text in study.get("grid", {}).items()}
        chosen = find_outcomes(identity["outcomes"], "outcome")
        seeds = study.get("seeds", sorted(frame["seed"].unique()))
        return _result(settled(frame), grid or identity["grid"], seeds, chosen, study.get("confidence", 0.95))

    def plot(self, path: Path | str | None = None) -> bytes:
        """Return the picture as PNG; with a path, also write it there."""
        from scenarios.experiments.plot_sweep import draw_sweep

        picture = draw_sweep(self)
        if path is not None:
            write_atomically(Path(path), picture)
        return picture


def _by_seed(runs: pl.DataFrame, column: str) -> dict[int, dict[int, Any]]:
    """Return a column of the runs by variant and seed; nothing of a column that the runs do not have."""
    if column not in runs.columns:
        return {}
    found: dict[int, dict[int, Any]] = {}
    for variant, seed, value in runs.select("variant", "seed", column).rows():
        found.setdefault(variant, {})[seed] = value
    return found


def _n_identical(own: dict[int, str | None], first: dict[int, str | None]) -> int:
    return sum(seen is not None and seen == first.get(seed) for seed, seen in own.items())


def _compare(
    own: dict[int, float],
    first: dict[int, float],
    seen: dict[int, str | None],
    first_seen: dict[int, str | None],
    confidence: float,
) -> dict[str, Any]:
    seeds = [s for s, v in own.items() if v is not None and np.isfinite(v)]
    paired = [s for s in seeds if first.get(s) is not None and np.isfinite(first[s])]
    n_identical = _n_identical({s: seen.get(s) for s in paired}, first_seen)
    n_runs = len(seeds)
    if is_one_world([seen.get(s) for s in seeds], [own[s] for s in seeds]):
        # Seeds that give one world are one observation, not many that agree.
        seeds = seeds[:1]
        if is_one_world([first_seen.get(s) for s in paired], [first[s] for s in paired]):
            paired = paired[:1]
    mean = bootstrap(np.array([[own[s]] for s in seeds]).reshape(-1, 1), confidence=confidence)[0]
    gap = bootstrap(np.array([[own[s] - first[s]] for s in paired]).reshape(-1, 1), confidence=confidence)[0]
    return {
        "mean": mean.value, "low": mean.low, "high": mean.high, "difference": gap.value, "difference_low": gap.low,
        "difference_high": gap.high, "n_runs": n_runs, "n_identical": n_identical,
    }  # fmt: skip


def _result(
    runs: pl.DataFrame,
    grid: Mapping[str, Sequence[Any]],
    seeds: Sequence[int],
    outcomes: Sequence[Outcome],
    confidence: float,
) -> SweepResult:
    """Return the result of the settled rows of a store."""
    cells = _cells(grid)
    runs = runs.filter(pl.col("seed").is_in(list(seeds)))
    if not (runs["status"] == "done").any():
        raise RunError(f"none of {len(runs)} runs could be made; the first failed: {runs['error'][0]}")
    columns = pl.DataFrame([{"variant": k, **cell} for k, cell in enumerate(cells)], infer_schema_length=None)
    runs = runs.join(columns, on="variant", how="left", maintain_order="left")
    runs = runs.select("variant", *grid, pl.exclude("variant", *grid))
    return SweepResult(runs, tuple(cells), tuple(outcomes), confidence)


def _cells(grid: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    return [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]


def _checked(grid: Mapping[str, Sequence[Any]]) -> dict[str, list[Any]]:
    """Return the grid as plain lists of plain values."""
    checked: dict[str, list[Any]] = {}
    for name, values in grid.items():
        if isinstance(values, str) or not isinstance(values, Iterable):
            raise InputError(f"grid {name} = {values!r}; allowed: a list of values")
        found = list(itertools.islice(values, MOST_VARIANTS + 1))
        checked[name] = [value.item() if isinstance(value, np.generic) else value for value in found]
        if not found:
            raise InputError(f"grid {name}: no values; allowed: at least one")
    return checked


def sweep(
    scenario: str | Path,
    grid: Mapping[str, Sequence[Any]],
    seeds: Sequence[int],
    *,
    outcomes: Sequence[str] = (),
    overrides: Sequence[str] = (),
    confidence: float = 0.95,
    executor: str = "process",
    workers: int | None = None,
    out: Path | str | None = None,
    resume: bool = False,
    overwrite: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> SweepResult:
    """Run a scenario with every combination of some values, over all seeds.

    Args:
        scenario: a scenario file or library name.
        grid: values by dotted path, as in `outcry run --set`: {"population.maker.count": [1, 2, 4]}.
        seeds: the seeds of each setting.
        outcomes: names of scenarios.experiments.outcomes; default: all.
        overrides: changes for all settings.
        confidence: of all intervals.
        executor: "process", "ray" or "serial"; see `map_runs`.
        workers: number of processes.
        out: folder for the results; None: memory only.
        resume: go on with the sweep in `out`: finished runs are not repeated, failed ones are tried again.
        overwrite: replace it.
        on_progress: called with the finished and all runs.

    Raises:
        InputError: if anything asked for is wrong; nothing has been run or written then.
    """
    chosen = find_outcomes(outcomes, "outcome") if outcomes else list(OUTCOMES.values())
    if len(seeds) == 0:
        raise InputError("seeds: allowed: at least one")
    values = _checked(grid)
    n_settings = math.prod(len(of_one) for of_one in values.values())
    check_runs(n_settings, seeds, n_settings * len(seeds), "grid")
    seeds = [int(seed) for seed in seeds]
    check_confidence(confidence)
    check_executor(executor, workers)
    path = find_scenario(str(scenario))
    base = read_tables(path, overrides)
    texts = []
    for cell in _cells(values):
        tables = copy.deepcopy(base)
        for name, value in cell.items():
            override_value(tables, f"{name}={toml_value(value)}")
        build(source_of(tables, path))
        texts.append(toml_text(tables))
    identity = {
        "kind": "sweep",
        "scenario": path.stem,
        "config_hash": build(source_of(base, path)).config_hash(0),
        "grid": values,
        "outcomes": [outcome.column for outcome in chosen],
    }
    folder = Path(out) if out is not None else None
    study = {
        "confidence": confidence, "seeds": seeds,
        "grid": {name: toml_value(of_one) for name, of_one in values.items()},
    }  # fmt: skip
    store = ResultSet(folder, identity, KEY, study=study, resume=resume, overwrite=overwrite)
    # Seed by seed through all settings, so that a sweep that is stopped has complete comparisons.
    jobs = [VariantRun(k, text, seed) for seed in seeds for k, text in enumerate(texts)]
    runs = run_variants(
        store, path, jobs, chosen, executor=executor, workers=workers, on_progress=on_progress
    )  # fmt: skip
    result = _result(runs, values, seeds, chosen, confidence)
    store.tell(notes=result.notes)
    if folder is not None:
        for name, frame in (("runs", result.runs), ("table", result.table)):
            write_parquet(folder / f"{name}.parquet", frame)
        result.plot(folder / "sweep.png")
    return result
