"""The result of a sweep, as plain data and tidy tables: what each setting changes, paired by seed."""

from __future__ import annotations

import itertools
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from lob.errors import RunError
from scenarios.build.what_if import what_if_notes
from scenarios.experiments._methods import function_of_result
from scenarios.experiments.bootstrap import bootstrap
from scenarios.experiments.outcomes import Outcome, find_outcomes
from scenarios.experiments.sameness import is_one_world, one_world_note
from scenarios.experiments.variants import KEY, settled
from scenarios.many_runs.result_set import stored_study

__all__ = ["SweepResult", "cells_of", "sweep_result"]


@dataclass(frozen=True)
class SweepResult:
    """What a sweep found.

    Attributes:
        runs: one row for each run and instrument: variant, the grid's values, symbol, seed, status, error, tape_hash,
            market_hash, value_note, outcomes; see `run_variants`.
        cells: the values of the grid by variant.
        outcomes: what was measured.
        confidence: of all intervals.
        identity: what was run, as plain data; empty if it is not known.
    """

    runs: pl.DataFrame
    cells: tuple[dict[str, Any], ...]
    outcomes: tuple[Outcome, ...]
    confidence: float = 0.95
    identity: dict[str, Any] = field(default_factory=dict)

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
            notes += what_if_notes(self.cells[0])
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
        result = sweep_result(settled(frame), grid or identity["grid"], seeds, chosen, study.get("confidence", 0.95))
        return replace(result, identity=identity)

    plot = function_of_result("plot")


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


def sweep_result(
    runs: pl.DataFrame,
    grid: Mapping[str, Sequence[Any]],
    seeds: Sequence[int],
    outcomes: Sequence[Outcome],
    confidence: float,
) -> SweepResult:
    """Return the result of the settled rows of a store."""
    cells = cells_of(grid)
    runs = runs.filter(pl.col("seed").is_in(list(seeds)))
    if not (runs["status"] == "done").any():
        raise RunError(f"none of {len(runs)} runs could be made; the first failed: {runs['error'][0]}")
    columns = pl.DataFrame([{"variant": k, **cell} for k, cell in enumerate(cells)], infer_schema_length=None)
    runs = runs.join(columns, on="variant", how="left", maintain_order="left")
    runs = runs.select("variant", *grid, pl.exclude("variant", *grid))
    return SweepResult(runs, tuple(cells), tuple(outcomes), confidence)


def cells_of(grid: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """Return all combinations of a grid's values, the last one's changing fastest."""
    return [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]
