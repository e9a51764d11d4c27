"""A grid of parameters over many seeds: one row for each run, and what each setting changes, paired by seed.

The worlds of a seed differ between two settings in nothing but the setting and what follows from it, so differences
from the first setting are taken seed by seed.
"""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from lob.errors import InputError
from scenarios._flat_keywords import with_flat
from scenarios.build.variant import Variant
from scenarios.experiments.bootstrap import check_confidence
from scenarios.experiments.outcomes import OUTCOMES, find_outcomes
from scenarios.experiments.pages import save
from scenarios.experiments.sweep_result import SweepResult, cells_of, sweep_result
from scenarios.experiments.variants import KEY, MOST_VARIANTS, VariantRun, check_runs, run_variants
from scenarios.many_runs.execution import Execution
from scenarios.schema.load import override_value
from scenarios.schema.toml_text import toml_value

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
    execution: Execution = Execution(),
    **flat: Any,
) -> SweepResult:
    """Run a scenario with every combination of some values, over all seeds.

    Args:
        scenario: a scenario file or library name.
        grid: values by dotted path, as in `outcry run --set`: {"population.maker.count": [1, 2, 4]}.
        seeds: the seeds of each setting.
        outcomes: names of scenarios.experiments.outcomes; default: all.
        overrides: changes for all settings.
        confidence: of all intervals.
        execution: by what and in how many processes, where the results go.
        flat: fields of `execution`, as they were given in 0.1; deprecated.

    Raises:
        InputError: if anything asked for is wrong; nothing has been run or written then.
    """
    (execution,) = with_flat("sweep", flat, execution=execution)
    chosen = find_outcomes(outcomes, "outcome") if outcomes else list(OUTCOMES.values())
    if len(seeds) == 0:
        raise InputError("seeds: allowed: at least one")
    values = _checked(grid)
    n_settings = math.prod(len(of_one) for of_one in values.values())
    check_runs(n_settings, seeds, n_settings * len(seeds), "grid")
    seeds = [int(seed) for seed in seeds]
    check_confidence(confidence)
    base = Variant.read(scenario, overrides)
    variants = [_with_values(base, cell) for cell in cells_of(values)]
    identity = {
        "kind": "sweep",
        "scenario": base.path.stem,
        "config_hash": base.built.config_hash(0),
        "grid": values,
        "outcomes": [outcome.column for outcome in chosen],
    }
    study = {
        "confidence": confidence, "seeds": seeds,
        "grid": {name: toml_value(of_one) for name, of_one in values.items()},
    }  # fmt: skip
    store = execution.store(identity, KEY, study)
    # Seed by seed through all settings, so that a sweep that is stopped has complete comparisons.
    jobs = [VariantRun(k, variant, seed) for seed in seeds for k, variant in enumerate(variants)]
    runs = run_variants(store, jobs, chosen, execution)
    result = replace(sweep_result(runs, values, seeds, chosen, confidence), identity=identity)
    store.tell(notes=result.notes)
    if execution.folder is not None:
        save(result, execution.folder)
    return result


def _with_values(base: Variant, cell: Mapping[str, Any]) -> Variant:
    """Return the scenario with the values of one setting; raise InputError if they cannot be built."""
    tables = copy.deepcopy(base.tables)
    for name, value in cell.items():
        override_value(tables, f"{name}={toml_value(value)}")
    variant = Variant(base.path, tables)
    variant.built  # noqa: B018 (mistakes are told before anything is run)
    return variant
