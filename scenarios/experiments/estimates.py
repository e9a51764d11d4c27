"""From pairs to estimates: impact, its shape, what it cost, what it did to the market; each with a BCa interval.

Impact at a time is s (m1 - m0) / m0(start) in bps, with m1 and m0 the midpoints with and without the treatment at that
time in the same world, and s its side. Everything is a function of means over pairs; see bootstrap.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from scenarios.experiments.bootstrap import Floats, Function, bootstrap
from scenarios.experiments.observe import Window
from scenarios.experiments.outcomes import OUTCOMES

__all__ = [
    "COSTS",
    "SHAPE",
    "UNPAIRED",
    "Paired",
    "across_levels",
    "impact_path",
    "level_estimates",
    "sequential_target",
]

SHAPE: dict[str, tuple[str, str]] = {
    "impact_half": ("bps", "half-way through"),
    "impact_end": ("bps", "at the end of the treatment"),
    "impact_late": ("bps", "at the end of the runs"),
    "impact_temporary": ("bps", "part that is gone by the end of the runs"),
    "decay_ratio": ("", "impact at the end of the runs / at the end of the treatment"),
    "concavity": ("", "impact half-way / at the end; 1/2: a straight line, .71: a square root"),
    "prefactor": ("", "impact at the end / (sigma sqrt(Q/V))"),
    "variance_reduction_end": ("", "variance of the unpaired / of the paired mean, end of the treatment"),
    "variance_reduction_late": ("", "the same, end of the runs"),
}
"""Estimates of a level that look at the midpoint, with unit and meaning."""
COSTS: dict[str, tuple[str, str]] = {
    "paired_slippage_bps": ("bps", "price paid against the midpoint of the world without the metaorder"),
    "spread_cost_bps": ("bps", "price paid against the midpoint just before each fill"),
    "arrival_slippage_bps": ("bps", "price paid against the midpoint at the start"),
    "opportunity_cost_bps": ("bps", "move of the price on what was not executed"),
    "shortfall_bps": ("bps", "implementation shortfall: executed and missed part together"),
    "passive_share": ("", "share executed by resting orders"),
}
"""Columns of an arm that works a quantity, with unit and meaning; positive: paid."""
UNPAIRED = frozenset({"impact_end_unpaired", "arrival_slippage_bps", "opportunity_cost_bps", "shortfall_bps"})
"""Estimates that compare with an earlier price instead of with the other world: whatever the price would have done
anyway in these seeds is in them. They stand behind the paired ones, in grey."""
Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Paired:
    """The pairs of one treated arm beside their control, in the order of the pairs.

    Attributes:
        pairs: numbers of the pairs, shape (n,).
        m1, m0: midpoints at the looks in ticks, treated and control, shape (n, looks).
        treated, control: the other columns of the arms.
        side: 1 or -1.
        quantity_lots: of the treatment.
        window: the looks.
        n_left_out: pairs in which a midpoint was missing, or not above 0 at the start.
    """

    pairs: Floats
    m1: Floats
    m0: Floats
    treated: pl.DataFrame
    control: pl.DataFrame
    side: int
    quantity_lots: int
    window: Window
    n_left_out: int

    @classmethod
    def of(cls, runs: pl.DataFrame, window: Window, arm: str, level: int) -> Paired:
        """Return the pairs of an arm and level among the rows of all runs."""
        treated = runs.filter((pl.col("arm") == arm) & (pl.col("level") == level)).sort("pair")
        control = runs.filter(pl.col("arm") == "control").sort("pair")
        control = control.filter(pl.col("pair").is_in(treated["pair"].implode()))
        m1, m0 = (
            np.array(frame["mid_ticks"].to_list(), np.float64).reshape(len(frame), -1) for frame in (treated, control)
        )
        # Basis points of a price want one above 0.
        known = np.isfinite(m1).all(axis=1) & np.isfinite(m0).all(axis=1) & (m0[:, :1] > 0).all(axis=1)
        mask = pl.Series(known)
        return cls(
            treated["pair"].to_numpy()[known], m1[known], m0[known], treated.filter(mask), control.filter(mask),
            int(treated["side"][0]), int(treated["quantity_lots"][0]), window, int((~known).sum()),
        )  # fmt: skip

    def __len__(self) -> int:
        """Return the number of pairs."""
        return len(self.pairs)

    @property
    def impact_bps(self) -> Floats:
        """Impact at the looks, shape (n, looks)."""
        impact: Floats = self.side * 1e4 * (self.m1 - self.m0) / self.m0[:, :1]
        return impact

    def returns_bps(self) -> tuple[Floats, Floats]:
        """Signed returns since the start, treated and control: what somebody without pairs compares."""
        unpaired = [self.side * 1e4 * (m / m[:, :1] - 1.0) for m in (self.m1, self.m0)]
        return unpaired[0], unpaired[1]

    def scale(self) -> Floats:
        """Columns (squared volatility in bps^2 over the treatment's time, volume in lots in it), of the control."""
        minutes = (self.window.end_ns - self.window.start_ns) / 60e9
        variance = self.control[OUTCOMES["volatility"].column].to_numpy() ** 2 * minutes
        volume = self.control["window_volume_lots"].to_numpy()
        return np.nan_to_num(np.column_stack([variance, volume]).astype(np.float64))


def _shape(data: Paired) -> tuple[Floats, Function]:
    """Return the columns and the function that give the estimates of SHAPE."""
    impact, (y1, y0) = data.impact_bps, data.returns_bps()
    half, end = data.window.n_looks // 2, data.window.n_looks
    looks = [half, end, -1]
    pieces = [impact[:, looks], data.scale()]
    for k in (end, -1):
        # Centred, so that a variance is not a small difference of large numbers.
        for series in (y1[:, k], y0[:, k], impact[:, k]):
            centred = series - series.mean()
            pieces.append(np.column_stack([centred, centred**2]))
    quantity = data.quantity_lots

    def estimates(means: Floats) -> Floats:
        at_half, at_end, late, variance, volume = (means[..., k] for k in range(5))
        spreads = [means[..., 6 + 2 * k] - means[..., 5 + 2 * k] ** 2 for k in range(6)]
        scale = np.sqrt(np.maximum(variance, 0) * quantity / np.maximum(volume, 1e-9))
        return np.stack(
            [
                at_half, at_end, late, at_end - late, late / at_end, at_half / at_end, at_end / scale,
                (spreads[0] + spreads[1]) / spreads[2], (spreads[3] + spreads[4]) / spreads[5],
            ],
            axis=-1,
        )  # fmt: skip

    return np.column_stack(pieces), estimates


def _row(name: str, group: str, unit: str, interval: Any, n: int, meaning: str, **more: Any) -> dict[str, Any]:
    return {
        "group": group, "estimate": name, "unit": unit, "value": interval.value, "low": interval.low,
        "high": interval.high, "n_pairs": n, "meaning": meaning, **more,
    }  # fmt: skip


def level_estimates(data: Paired, confidence: float = 0.95) -> Rows:
    """Return the estimates of one treated arm: shape of the impact, costs, changes of the market's quality."""
    rows: Rows = []
    if len(data) == 0:
        return rows
    columns, function = _shape(data)
    with np.errstate(all="ignore"):
        found = bootstrap(columns, function, confidence=confidence)
    n = len(data)
    for k, (name, (unit, meaning)) in enumerate(SHAPE.items()):
        if name != "prefactor" or data.quantity_lots > 0:
            rows.append(_row(name, "impact", unit, found[k], n, meaning))
    rows.append(_unpaired(data, confidence))
    for name, (unit, meaning) in COSTS.items():
        if name in data.treated.columns:
            rows += _mean_of(data.treated[name].to_numpy(), name, "cost", unit, meaning, confidence)
    compared = [(o.column, "quality", o.unit, f"change of: {o.meaning}") for o in OUTCOMES.values()]
    profits = [name for name in data.control.columns if name.startswith("pnl.")]
    compared += [(name, "profit", "ticks x lots", f"change of the profit of {name[4:]}") for name in profits]
    for name, group, unit, meaning in compared:
        after, before = (frame[name].to_numpy().astype(np.float64) for frame in (data.treated, data.control))
        if np.isfinite(before).any():
            rows += _mean_of(after - before, name, group, unit, meaning, confidence, control=float(np.nanmean(before)))
    return rows


def _mean_of(values: Floats, name: str, group: str, unit: str, meaning: str, confidence: float, **more: Any) -> Rows:
    known = values[np.isfinite(values)].astype(np.float64)
    if len(known) == 0:
        return []
    interval = bootstrap(known[:, None], confidence=confidence)[0]
    return [_row(name, group, unit, interval, len(known), meaning, **more)]


def _unpaired(data: Paired, confidence: float) -> dict[str, Any]:
    """The same worlds looked at as if they were not paired: the interval of Welch for a difference of means."""
    from scipy.stats import ttest_ind

    y1, y0 = (y[:, data.window.n_looks] for y in data.returns_bps())
    value = float(y1.mean() - y0.mean()) if len(y1) else float("nan")
    low = high = float("nan")
    if len(y1) > 2 and max(y1.std(), y0.std()) > 0:
        found = ttest_ind(y1, y0, equal_var=False).confidence_interval(confidence)
        low, high = float(found.low), float(found.high)
    return {
        "group": "impact", "estimate": "impact_end_unpaired", "unit": "bps", "value": value, "low": low, "high": high,
        "n_pairs": len(y1), "meaning": "impact_end as it looks without the pairing (Welch)",
    }  # fmt: skip


def impact_path(data: Paired, confidence: float = 0.95) -> pl.DataFrame:
    """Return the mean impact at every look with its interval, in bps and in units of sigma sqrt(Q/V).

    Columns: time_s (since the start), value_bps, low_bps, high_bps, value_scaled (nan without a quantity).
    """
    found = bootstrap(data.impact_bps, confidence=confidence)
    variance, volume = data.scale().mean(axis=0) if len(data) else (np.nan, np.nan)
    with np.errstate(all="ignore"):
        scale = np.sqrt(variance * data.quantity_lots / volume) if data.quantity_lots else np.nan
        return pl.DataFrame(
            {
                "time_s": data.window.since_start_s,
                "value_bps": found.value,
                "low_bps": found.low,
                "high_bps": found.high,
                "value_scaled": found.value / scale,
            }
        )


def across_levels(levels: Sequence[Paired], confidence: float = 0.95) -> Rows:
    """Return exponent and prefactor of the impact at the end against Q/V: I = Y sigma (Q/V)^delta.

    A least-squares line through the logarithms of the mean impacts at two or more quantities; pairs are resampled
    jointly over the quantities, which share their control worlds.
    """
    common = set.intersection(*(set(data.pairs.tolist()) for data in levels))
    keep = [np.array([p in common for p in data.pairs.tolist()], bool) for data in levels]
    ends = [data.impact_bps[mask, data.window.n_looks] for data, mask in zip(levels, keep, strict=True)]
    columns = np.column_stack([*ends, levels[0].scale()[keep[0]]])
    quantities = np.array([data.quantity_lots for data in levels], np.float64)

    def estimates(means: Floats) -> Floats:
        impact, variance, volume = means[..., : len(levels)], means[..., -2:-1], means[..., -1:]
        x = np.log(quantities / volume)
        y = np.log(np.where(impact > 0, impact, np.nan)) - 0.5 * np.log(variance)
        gap = x - x.mean(axis=-1, keepdims=True)
        slope = (gap * y).sum(axis=-1) / (gap**2).sum(axis=-1)
        return np.stack([slope, np.exp(y.mean(axis=-1) - slope * x.mean(axis=-1))], axis=-1)

    with np.errstate(all="ignore"):
        found = bootstrap(columns, estimates, confidence=confidence)
    n = len(columns)
    return [
        _row("exponent", "scaling", "", found[0], n, "delta of I = Y sigma (Q/V)^delta; 1/2: square root, 1: linear"),
        _row("scaling_prefactor", "scaling", "", found[1], n, "Y of the same fit"),
    ]


def sequential_target(data: Paired, name: str) -> tuple[Floats, Function, int]:
    """Return columns, function and position of a named estimate of a level, for a stopping rule.

    Raises:
        KeyError: if there is no such estimate.
    """
    if name in SHAPE:
        columns, function = _shape(data)
        return columns, function, list(SHAPE).index(name)
    if name in COSTS and name in data.treated.columns:
        values = data.treated[name].to_numpy().astype(np.float64)
        return values[np.isfinite(values)][:, None], lambda means: means, 0
    raise KeyError(name)
