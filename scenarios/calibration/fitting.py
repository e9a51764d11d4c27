"""Fitting a scenario to recorded order flow: simulated moments over the parameters that its file names.

A candidate is judged by the mean distance of its moments from the data's, in units of how much each moment varies
within the data, over a few seeds that are the same for all candidates (common random numbers). The search is CMA-ES
(Hansen 2016) with the package `cma`; see docs/calibration.md for what it was chosen over.
"""

from __future__ import annotations

import copy
import math
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from lob.errors import InputError, OutcryError, RunError
from lob.units import SECOND_NS
from scenarios.build.market import build
from scenarios.schema.load import Source, find_scenario, override_value, read_tables, source_of
from scenarios.schema.scenario import ParameterTable
from sim.metrics import MOMENTS, OrderFlow, flow_of_tape, moment_distance, moments, noise_floor

__all__ = ["Fit", "Problem", "calibrate", "problem_of", "scales"]

WORST = 20.0
"""Distance of a candidate that fails or sends next to nothing."""
LEAST_SCALE = 0.05
N_PARTS = 6
"""Parts of the data between which a moment's noise floor is taken."""
LEAST_WINDOW_S = N_PARTS * 120.0
"""Returns of a minute need two minutes in a part to vary at all."""
Moments = dict[str, float]
Point = Sequence[float] | np.ndarray[Any, np.dtype[np.float64]]
"""A point of the unit cube, one coordinate for each parameter."""


@dataclass(frozen=True)
class Problem:
    """What is fitted, and to what.

    Attributes:
        tables: the scenario's tables, as read.
        path: its file.
        parameters: what may change.
        target, scale: the data's moments, and what counts as a distance of 1.
        warm_up_s: seconds after the open that are left out.
        seeds: seeds of the runs of each candidate.
    """

    tables: dict[str, Any]
    path: Path
    parameters: tuple[ParameterTable, ...]
    target: Moments
    scale: Moments
    warm_up_s: float
    seeds: tuple[int, ...]

    def with_values(self, x: Point) -> dict[str, Any]:
        """Return the scenario's tables with the parameters at a point of the unit cube."""
        tables = copy.deepcopy(self.tables)
        for parameter, u in zip(self.parameters, x, strict=True):
            for path in parameter.set:
                override_value(tables, f"{path}={value_at(parameter, u)!r}")
        return tables

    def simulate(self, x: Point, seed: int) -> Moments:
        """Return the moments of one run at a point of the unit cube."""
        return simulated_moments(source_of(self.with_values(x), self.path), seed, self.warm_up_s)

    def distance(self, x: Point) -> float:
        """Return the mean distance over all seeds; WORST if a run fails."""
        try:
            found = [moment_distance(self.simulate(x, seed), self.target, self.scale) for seed in self.seeds]
        except OutcryError:
            return WORST
        return float(np.mean(found))

    def why_not(self, x: Point) -> str:
        """Return why a candidate is as far away as can be."""
        try:
            found = self.simulate(x, self.seeds[0])
        except OutcryError as error:
            return str(error)
        unknown = [name for name, value in found.items() if not math.isfinite(value)]
        return f"{unknown[0]} is not known: too few events" if unknown else "all moments are far from the data's"

    def start(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Return the point of the unit cube that stands in the file."""
        return np.array([unit_of(p, _look_up(self.tables, p.set[0], self.path)) for p in self.parameters])


@dataclass(frozen=True)
class Fit:
    """What a calibration found.

    Attributes:
        tables: the fitted scenario's tables.
        values: fitted value of each parameter.
        distance: of the fit, over the seeds of the search.
        first_distance: of the values in the file.
        moments: mean moments of the fit over fresh seeds.
        history: best distance after each generation.
        evaluations: candidates looked at.
    """

    tables: dict[str, Any]
    values: dict[str, float]
    distance: float
    first_distance: float
    moments: Moments
    history: list[float] = field(default_factory=list)
    evaluations: int = 0


def value_at(parameter: ParameterTable, u: float) -> float | int:
    """Return the parameter's value at a point of the unit interval."""
    u = min(max(float(u), 0.0), 1.0)
    if parameter.log:
        value = parameter.low * (parameter.high / parameter.low) ** u
    else:
        value = parameter.low + (parameter.high - parameter.low) * u
    return round(value) if parameter.whole else float(f"{value:.6g}")


def unit_of(parameter: ParameterTable, value: float) -> float:
    """Return the point of the unit interval of a value, cut off at its ends."""
    if parameter.log:
        u = math.log(max(value, parameter.low) / parameter.low) / math.log(parameter.high / parameter.low)
    else:
        u = (value - parameter.low) / (parameter.high - parameter.low)
    return min(max(u, 0.0), 1.0)


def _look_up(tables: dict[str, Any], path: str, file: Path) -> float:
    at: Any = tables
    for part in path.split("."):
        try:
            if isinstance(at, list):
                names = [row.get("name") if isinstance(row, dict) else None for row in at]
                at = at[names.index(part)] if part in names else at[int(part)]
            else:
                at = at[part]
        except (KeyError, IndexError, ValueError, TypeError):
            raise InputError(
                f"{file}: calibrate: {path}: not in the file; give it a value there to start from"
            ) from None
    if isinstance(at, bool) or not isinstance(at, int | float):
        raise InputError(f"{file}: calibrate: {path} = {at!r}; allowed: the place of a number")
    return float(at)


def scales(target: OrderFlow, n_parts: int = N_PARTS) -> Moments:
    """Return what counts as a distance of 1: the noise floor, and at least 5% of the moment; nan without a floor."""
    with warnings.catch_warnings():
        # A moment that fewer than two parts know has no floor; that is told by the nan.
        warnings.simplefilter("ignore", RuntimeWarning)
        floor, found = noise_floor(target, n_parts), moments(target)
    return {
        name: max(floor[name], LEAST_SCALE * abs(found[name]), 1e-3) if math.isfinite(floor[name]) else math.nan
        for name in MOMENTS
    }


def simulated_moments(source: Source, seed: int, warm_up_s: float) -> Moments:
    """Return the moments of one run of a scenario, without the first seconds."""
    market = build(source).market(seed)
    market.run()
    flow = flow_of_tape(market.tape)
    first = market.session.open_ns + int(warm_up_s * SECOND_NS)
    return moments(flow.window(first, market.session.close_ns))


def problem_of(
    scenario: str,
    target: OrderFlow,
    *,
    overrides: Sequence[str] = (),
    warm_up_s: float = 300.0,
    n_seeds: int = 2,
) -> Problem:
    """Return the problem that a scenario file and recorded flow pose.

    Raises:
        InputError: if the scenario is wrong, names no parameters, or the data hold too few events.
    """
    path = find_scenario(scenario)
    tables = read_tables(path, overrides)
    checked = source_of(tables, path)
    build(checked)
    if not checked.scenario.calibrate:
        raise InputError(f"{path}: no [[calibrate]] table; it says which numbers may change and how far")
    session = checked.scenario.session
    session_s = (session.close_ns - session.open_ns) / SECOND_NS
    if not 0 <= warm_up_s < session_s:
        raise InputError(f"warm_up_s = {warm_up_s:g}; allowed: 0 to below the session's {session_s:g} s")
    found = moments(target)
    bad = [name for name, value in found.items() if not math.isfinite(value)]
    if bad:
        raise InputError(f"the data have too few events in the window: {bad[0]} is not known")
    scale = scales(target)
    bad = [name for name, value in scale.items() if not math.isfinite(value)]
    if bad:
        length_s = (int(target.time_ns[-1]) - int(target.time_ns[0])) / SECOND_NS
        raise InputError(
            f"the data's window of {length_s:.0f} s is too short: {bad[0]} has no noise floor, for which at least two "
            f"of {N_PARTS} equal parts must know it; allowed: a longer window, as a rule {LEAST_WINDOW_S:.0f} s or more"
        )
    return Problem(tables, path, checked.scenario.calibrate, found, scale, warm_up_s, tuple(range(1, n_seeds + 1)))


def calibrate(
    problem: Problem,
    budget: int = 600,
    *,
    seed: int = 1,
    processes: int = 1,
    on_progress: Callable[[int, float], None] | None = None,
) -> Fit:
    """Search for the parameters with the smallest distance.

    Args:
        problem: see `problem_of`.
        budget: candidates to look at.
        seed: of the search.
        processes: candidates that are run at the same time.
        on_progress: called after each generation with the candidates so far and the best distance.

    Raises:
        InputError: if the package `cma` is not installed, or a number is none that can be meant.
        RunError: if no candidate could be run, or none sent enough to be compared.
    """
    try:
        import cma
    except ModuleNotFoundError:
        raise InputError("calibrate needs the package cma; install outcry-sim[calibrate]") from None
    if budget < 1 or not 1 <= seed < 2**32 or processes < 1:
        raise InputError(
            f"budget = {budget}, seed = {seed}, processes = {processes}; allowed: at least 1 each, a seed below 2^32"
        )
    start = problem.start()
    options = {"bounds": [0, 1], "seed": seed, "verbose": -9, "maxfevals": budget, "tolfun": 1e-4}
    search = cma.CMAEvolutionStrategy(np.clip(start, 0.02, 0.98), 0.2, options)
    best, history, evaluations = start, [problem.distance(start)], 1
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        while not search.stop() and evaluations < budget:
            points = search.ask()
            distances = list(_map(pool if processes > 1 else None, problem.distance, points))
            search.tell(points, distances)
            evaluations += len(points)
            k = int(np.argmin(distances))
            if distances[k] < history[-1]:
                best = np.array(points[k])
            history.append(min(history[-1], distances[k]))
            if on_progress is not None:
                on_progress(evaluations, history[-1])
    if history[-1] >= WORST:
        raise RunError(
            f"{problem.path}: no candidate of {evaluations} gave a market that can be compared with the data "
            f"({problem.why_not(best)})"
        )
    fresh = [problem.simulate(best, 1000 + k) for k in range(4)]
    return Fit(
        tables=problem.with_values(best),
        values={p.name: float(value_at(p, u)) for p, u in zip(problem.parameters, best, strict=True)},
        distance=history[-1],
        first_distance=history[0],
        moments={name: float(np.mean([m[name] for m in fresh])) for name in MOMENTS},
        history=history,
        evaluations=evaluations,
    )


def _map(pool: Executor | None, function: Callable[[Any], float], points: Sequence[Any]) -> Any:
    return map(function, points) if pool is None else pool.map(function, points)
