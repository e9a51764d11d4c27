"""A grid of parameters over many seeds: one row for each run, and what each setting changes, paired by seed.

The worlds of a seed differ between two settings in nothing but the setting and what follows from it, so differences
from the first setting are taken seed by seed.
"""

from __future__ import annotations

import copy
import io
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from lob.errors import InputError, RunError
from scenarios.build import build
from scenarios.experiments.bootstrap import bootstrap
from scenarios.experiments.variants import KEY, VariantRun, run_variants
from scenarios.load import find_scenario, override_value, read_tables, source_of
from scenarios.map_runs import check_executor
from scenarios.outcomes import OUTCOMES, Outcome, find_outcomes
from scenarios.result_set import ResultSet
from scenarios.toml_text import toml_text, toml_value
from sim.writer import write_atomically

__all__ = ["SweepResult", "sweep"]


@dataclass(frozen=True)
class SweepResult:
    """What a sweep found.

    Attributes:
        runs: one row for each run and instrument: variant, the grid's values, symbol, seed, status, error, tape_hash,
            outcomes.
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
        difference_high, n_runs.
        """
        rows = []
        done = self.runs.filter(pl.col("status") == "done")
        for (symbol,), of_symbol in done.group_by(["symbol"], maintain_order=True):
            for outcome in self.outcomes:
                values = {
                    variant: dict(zip(part["seed"].to_list(), part[outcome.column].to_list(), strict=True))
                    for (variant,), part in of_symbol.group_by(["variant"], maintain_order=True)
                }
                rows += [
                    {
                        "variant": k, **cell, "symbol": symbol, "outcome": outcome.name, "unit": outcome.unit,
                        **_compare(values.get(k, {}), values.get(0, {}), self.confidence),
                    }
                    for k, cell in enumerate(self.cells)
                ]  # fmt: skip
        return pl.DataFrame(rows, infer_schema_length=None)

    def plot(self, path: Path | str | None = None) -> bytes:
        """Return the picture as PNG; with a path, also write it there."""
        from scenarios.plots.sweep import draw_sweep

        picture = draw_sweep(self)
        if path is not None:
            write_atomically(Path(path), picture)
        return picture


def _compare(own: dict[int, float], first: dict[int, float], confidence: float) -> dict[str, Any]:
    seeds = [s for s, v in own.items() if v is not None and np.isfinite(v)]
    paired = [s for s in seeds if first.get(s) is not None and np.isfinite(first[s])]
    mean = bootstrap(np.array([[own[s]] for s in seeds]).reshape(-1, 1), confidence=confidence)[0]
    gap = bootstrap(np.array([[own[s] - first[s]] for s in paired]).reshape(-1, 1), confidence=confidence)[0]
    return {
        "mean": mean.value, "low": mean.low, "high": mean.high, "difference": gap.value, "difference_low": gap.low,
        "difference_high": gap.high, "n_runs": len(seeds),
    }  # fmt: skip


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
        outcomes: names of scenarios.outcomes; default: all.
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
    if not seeds or len(set(seeds)) != len(seeds):
        raise InputError("seeds: allowed: at least one, none twice")
    if any(not 0 <= seed < 2**63 for seed in seeds):
        raise InputError("seeds: allowed: whole numbers from 0 to 2^63 - 1")
    check_executor(executor, workers)
    path = find_scenario(str(scenario))
    base = read_tables(path, overrides)
    cells = [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]
    texts = []
    for cell in cells:
        tables = copy.deepcopy(base)
        for name, value in cell.items():
            override_value(tables, f"{name}={toml_value(value)}")
        build(source_of(tables, path))
        texts.append(toml_text(tables))
    identity = {
        "kind": "sweep",
        "scenario": path.stem,
        "config_hash": build(source_of(base, path)).config_hash(0),
        "grid": {name: list(values) for name, values in grid.items()},
        "outcomes": [outcome.column for outcome in chosen],
    }
    folder = Path(out) if out is not None else None
    store = ResultSet(folder, identity, KEY, resume=resume, overwrite=overwrite)
    # Seed by seed through all settings, so that a sweep that is stopped has complete comparisons.
    jobs = [VariantRun(k, text, seed) for seed in seeds for k, text in enumerate(texts)]
    runs = run_variants(
        store, path, jobs, chosen, executor=executor, workers=workers, on_progress=on_progress
    )  # fmt: skip
    runs = runs.filter(pl.col("seed").is_in(list(seeds)))
    if not (runs["status"] == "done").any():
        raise RunError(f"none of {len(jobs)} runs could be made; the first failed: {runs['error'][0]}")
    columns = pl.DataFrame([{"variant": k, **cell} for k, cell in enumerate(cells)], infer_schema_length=None)
    runs = runs.join(columns, on="variant", how="left", maintain_order="left")
    result = SweepResult(
        runs.select("variant", *grid, pl.exclude("variant", *grid)), tuple(cells), tuple(chosen), confidence
    )
    if folder is not None:
        for name, frame in (("runs", result.runs), ("table", result.table)):
            buffer = io.BytesIO()
            frame.write_parquet(buffer)
            write_atomically(folder / f"{name}.parquet", buffer.getvalue())
        result.plot(folder / "sweep.png")
    return result
