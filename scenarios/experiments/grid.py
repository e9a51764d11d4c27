"""A grid of parameters over many seeds: one row for each run, and what each setting changes, paired by seed.

The worlds of a seed differ between two settings in nothing but the setting and what follows from it, so differences
from the first setting are taken seed by seed.
"""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lob.errors import InputError
from scenarios.build.market import build
from scenarios.experiments.bootstrap import check_confidence
from scenarios.experiments.outcomes import OUTCOMES, find_outcomes
from scenarios.experiments.pages import save
from scenarios.experiments.sweep_result import SweepResult, cells_of, sweep_result
from scenarios.experiments.variants import KEY, MOST_VARIANTS, VariantRun, check_runs, run_variants
from scenarios.many_runs.map_runs import check_executor
from scenarios.many_runs.result_set import ResultSet
from scenarios.schema.load import find_scenario, override_value, read_tables, source_of
from scenarios.schema.toml_text import toml_text, toml_value

__all__ = ["SweepResult", "sweep"]


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
    for cell in cells_of(values):
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
    result = sweep_result(runs, values, seeds, chosen, confidence)
    store.tell(notes=result.notes)
    if folder is not None:
        save(result, folder)
    return result
