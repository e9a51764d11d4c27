"""Distances of distributions, unconditional and conditional, each beside its two noise floors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from lob.units import HOUR_NS
from scenarios.realism.reference import Reference, Samples, join, random_halves
from scenarios.realism.verdict import ratio_of, verdict
from sim.metrics.distances import total_variation, wasserstein
from sim.metrics.flow import OrderFlow
from sim.metrics.scores import LOB_BENCH, SAMPLES

__all__ = ["conditional_rows", "distribution_rows", "samples_of"]

Floats = np.ndarray[Any, np.dtype[np.float64]]
VOLATILITY_EVENTS = 500
N_BINS = 10

CONDITIONAL = {
    "ask_touch_given_spread": ("quantity at the best ask given the spread", "ask_touch", "spread"),
    "spread_given_hour": ("spread given the hour of the day", "spread", "hour"),
    "spread_given_volatility": ("spread given the volatility of its 500 events", "spread", "volatility"),
}
"""LOB-Bench's conditional scores: label, value, condition."""


def samples_of(flows: Sequence[OrderFlow]) -> Samples:
    """Return all SAMPLES of one or more flows."""
    with np.errstate(all="ignore"):
        return join([{name: sample.of(flow) for name, sample in SAMPLES.items()} for flow in flows])


def _distances(one: Samples, other: Samples) -> dict[str, float]:
    return {name: total_variation(one[name], other[name]) for name in one}


def distribution_rows(mine: Samples, theirs: Samples, reference: Reference, seed: int) -> list[dict[str, Any]]:
    """Return one row for each of SAMPLES: group, name, label, l1, w1, floor, floor_blocks, ratio, verdict, n."""
    floors = _distances(*(samples_of([flow]) for flow in reference.two()))
    blocks = random_halves([samples_of([block]) for block in reference.blocks()], _distances, seed)
    rows = []
    for name, sample in SAMPLES.items():
        l1, floor = total_variation(mine[name], theirs[name]), floors[name]
        ratio = ratio_of(l1, floor)
        rows.append(
            {
                "group": "LOB-Bench" if name in LOB_BENCH else "further", "name": name, "label": sample.label, "l1": l1,
                "w1": wasserstein(mine[name], theirs[name]), "floor": floor, "floor_blocks": blocks.get(name, math.nan),
                "ratio": ratio, "verdict": verdict(ratio), "n": len(mine[name]),
            }
        )  # fmt: skip
    return rows


def _columns(flow: OrderFlow) -> Samples:
    """Value and condition columns of every event with both sides quoted."""
    mid = flow.mid_ticks
    with np.errstate(all="ignore"):
        moves = np.abs(np.diff(np.log(mid), prepend=np.log(mid[:1])))
    group = np.arange(len(flow)) // VOLATILITY_EVENTS
    volatility = np.sqrt(np.bincount(group, weights=np.nan_to_num(moves) ** 2))[group] * 1e4
    known = np.isfinite(mid)
    return {
        "ask_touch": flow.ask_lots[known],
        "spread": (flow.ask_ticks - flow.bid_ticks)[known],
        "hour": (flow.time_ns // HOUR_NS).astype(np.float64)[known],
        "volatility": volatility[known],
    }


def _given(one: Samples, other: Samples) -> dict[str, float]:
    """Total variation within each tenth of the condition (of `other`), weighted by how often it occurs there.

    An hour that `one` does not cover says nothing about it and is left out; any other condition that it never meets
    counts as 1.
    """
    found = {}
    for name, (_, value, condition) in CONDITIONAL.items():
        theirs = other[condition]
        edges = np.unique(np.quantile(theirs, np.linspace(0, 1, N_BINS + 1)))[1:-1]
        if condition == "hour":
            edges = np.arange(theirs.min() + 1, theirs.max() + 1)
        at = [np.searchsorted(edges, columns[condition], side="right") for columns in (one, other)]
        weights, distances = [], []
        for k in range(len(edges) + 1):
            mine, real = one[value][at[0] == k], other[value][at[1] == k]
            if len(real) == 0 or (condition == "hour" and len(mine) == 0):
                continue
            weights.append(len(real))
            distances.append(total_variation(mine, real))
        found[name] = float(np.average(distances, weights=weights)) if weights else math.nan
    return found


def conditional_rows(flows: Sequence[OrderFlow], reference: Reference, seed: int) -> list[dict[str, Any]]:
    """Return one row for each conditional score; both floors are of random halves of blocks.

    The two halves of a day have no hour in common, so that the first floor of the others cannot be had here.
    """
    found = _given(join([_columns(flow) for flow in flows]), _columns(reference.flow))
    floors = random_halves([_columns(block) for block in reference.blocks()], _given, seed)
    rows = []
    for name, (label, _, _) in CONDITIONAL.items():
        floor = floors.get(name, math.nan)
        ratio = ratio_of(found[name], floor)
        rows.append(
            {
                "group": "conditional", "name": name, "label": label, "l1": found[name], "w1": math.nan, "floor": floor,
                "floor_blocks": floor, "ratio": ratio, "verdict": verdict(ratio), "n": sum(len(f) for f in flows),
            }
        )  # fmt: skip
    return rows
