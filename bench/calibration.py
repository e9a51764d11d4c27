"""Optimisers on the same calibration: distance reached by each within the same number of simulated markets.

The problem is goog_2012's, from the middle of every parameter's range, with data that the scenario itself made (so
that the smallest distance is about that between two seeds), or with the recorded day if it is there.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np
from scipy import optimize

from bench.replay import data_folder
from lob.lobster import read_day
from lob.units import HOUR_NS
from scenarios.build.market import build_market
from scenarios.calibration.fitting import WORST, Problem, problem_of
from sim.metrics import flow_of_day, flow_of_tape

__all__ = ["run"]

BUDGET = 400
SEARCHES = 2
Point = np.ndarray[Any, np.dtype[np.float64]]


class _Spent(Exception):
    """The budget is used up."""


class _Counted:
    """The distance to be made small; remembers the best and ends the search when the budget is spent."""

    def __init__(self, problem: Problem) -> None:
        self.problem, self.best, self.n = problem, WORST, 0

    def __call__(self, x: Any) -> float:
        if self.n >= BUDGET:
            raise _Spent
        self.n += 1
        found = self.problem.distance(np.clip(x, 0.0, 1.0))
        self.best = min(self.best, found)
        return found


def _cma(f: _Counted, start: Point, seed: int) -> None:
    import cma

    cma.fmin2(f, start, 0.2, {"bounds": [0, 1], "seed": seed + 1, "verbose": -9, "maxfevals": 10**6})


def _differential_evolution(f: _Counted, start: Point, seed: int) -> None:
    optimize.differential_evolution(f, [(0, 1)] * len(start), rng=seed, popsize=2, polish=False, x0=start)


def _nelder_mead(f: _Counted, start: Point, seed: int) -> None:
    options = {"adaptive": True, "maxfev": 10**6}
    optimize.minimize(f, start, method="Nelder-Mead", bounds=[(0, 1)] * len(start), options=options)


def _random(f: _Counted, start: Point, seed: int) -> None:
    generator = np.random.default_rng(seed)
    while True:
        f(generator.random(len(start)))


METHODS: dict[str, Callable[[_Counted, Point, int], None]] = {
    "CMA-ES (cma)": _cma,
    "differential evolution (scipy)": _differential_evolution,
    "Nelder-Mead (scipy)": _nelder_mead,
    "random search": _random,
}


def _problem() -> tuple[Problem, str]:
    files = sorted(data_folder().glob("LOBSTER_SampleFile_GOOG*.zip"))
    if files:
        flow = flow_of_day(read_day(files[0])).visible().window(int(9.75 * HOUR_NS), int(12.5 * HOUR_NS))
        return problem_of("goog_2012", flow, n_seeds=1), files[0].name
    market = build_market("goog_2012", 123)
    market.run()
    return problem_of("goog_2012", flow_of_tape(market.tape), n_seeds=1), "simulated"


def run() -> dict[str, Any]:
    """Return the mean best distance of each method; passes if the one that `outcry calibrate` uses is the best."""
    problem, data = _problem()
    start = np.full(len(problem.parameters), 0.5)
    reached: dict[str, float] = {}
    for name, method in METHODS.items():
        best = []
        for seed in range(SEARCHES):
            counted = _Counted(replace(problem, seeds=(seed + 1,)))
            with suppress(_Spent):
                method(counted, start, seed)
            best.append(counted.best)
        reached[name] = float(np.mean(best))
        print(f"{name:32} {reached[name]:.3f}  ({', '.join(f'{b:.3f}' for b in best)})", flush=True)
    chosen = next(iter(METHODS))
    return {
        "distance": {name: round(value, 3) for name, value in reached.items()},
        "budget": BUDGET,
        "searches": SEARCHES,
        "data": data,
        "pass": reached[chosen] == min(reached.values()),
    }
