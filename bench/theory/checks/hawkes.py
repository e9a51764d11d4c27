"""Hawkes flow through the engine: compensator residuals are Exp(1), and the mean rates are the stationary ones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numba import njit
from scipy import stats

from agents.background import hawkes as model
from bench.theory.markets import one_agent, theory_market
from bench.theory.oracles.intervals import mean_interval, sidak_level
from bench.theory.rows import Row, covers
from lob.types import EventKind, Flag
from lob.units import SECOND_NS

__all__ = ["measure", "residuals"]

N = len(model.TYPES)
Floats = np.ndarray[Any, np.dtype[np.float64]]


def events_of(tape: np.ndarray[Any, Any]) -> tuple[Floats, np.ndarray[Any, Any]]:
    """Return times in seconds and types of the flow's events, read from the first tape row of each message."""
    rows = tape[(tape["flags"] & Flag.FIRST > 0) & (tape["agent"] == 0)]
    base = np.full(256, -1)
    base[[EventKind.EXECUTE, EventKind.EXPIRE]] = 0
    # A replacement at an unchanged price that is smaller keeps its place: the exchange reports a reduction.
    base[[EventKind.ADD, EventKind.REPLACE, EventKind.REDUCE]] = 2
    base[EventKind.CANCEL] = 4
    assert (base[rows["kind"]] >= 0).all()
    return rows["time_ns"] / SECOND_NS, base[rows["kind"]] + (rows["side"] < 0)


@njit
def _compensators(times: Any, types: Any, base: Any, jumps: Any, decay: Any) -> Any:
    """Integrated intensity of each type between its own events (Ozaki 1979)."""
    n = len(base)
    excited, since = np.zeros(n), np.zeros(n)
    found = np.empty(len(times))
    last = 0.0
    for k in range(len(times)):
        elapsed = times[k] - last
        last = times[k]
        for i in range(n):
            fade = np.exp(-decay[i] * elapsed)
            since[i] += base[i] * elapsed + excited[i] * (1.0 - fade) / decay[i]
            excited[i] *= fade
        j = types[k]
        found[k] = since[j]
        since[j] = 0.0
        for i in range(n):
            excited[i] += jumps[i, j]
    return found


def residuals(times: Floats, types: Any, settings: model.Hawkes) -> Floats:
    """Return the compensator residual of each event; for a right model they are independent and Exp(1)."""
    jumps, decay = np.array(settings.excitation), np.array(settings.decay)
    found: Floats = _compensators(times, types, np.array(settings.base_rates), jumps, decay)
    return found


def measure(quick: bool = False) -> Iterator[Row]:
    """Yield one row for each type of event, and one for the rates."""
    settings = model.Hawkes()
    seconds = 2_000 if quick else 20_000
    market = theory_market([one_agent("flow", model.policy, settings)], seconds, 7)
    market.run()
    times, types = events_of(market.tape[market.tape["time_ns"] > 0])
    first = times < 1e-3  # the book that is laid at the open is no event of the process
    times, types = times[~first], types[~first]
    found = residuals(times, types, settings)
    for j, name in enumerate(model.TYPES):
        mine = found[types == j][1:]
        p = float(stats.kstest(mine, "expon").pvalue)
        bound = 1 - sidak_level(N)
        what = f"Hawkes compensator residuals of {name} are Exp(1): Kolmogorov-Smirnov p-value"
        yield Row(f"hawkes-ks-{name}", what, p, p, 1.0, bound, "p-value above", p > bound, f"n = {len(mine):,}")
    # Counts in blocks much longer than the memory of the process are nearly independent.
    blocks = np.bincount((times / (seconds / 200)).astype(int), minlength=200)[:200] / (seconds / 200)
    target = float(settings.mean_rates().sum())
    detail = f"{len(times):,} events in {seconds:,} s, 200 blocks"
    yield covers(
        "hawkes-rate", "Hawkes mean rate, (1 - n)^-1 mu, all types [1/s]", mean_interval(blocks), target, detail
    )
