"""Farmer, Patelli and Zovko 2005 through the engine: the mean spread collapses on (mu / alpha) f(epsilon)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from agents.background import santa_fe as model
from bench.theory.markets import one_agent, theory_market
from bench.theory.rows import Row, at_least
from lob.units import SECOND_NS
from scenarios.pages.style import png
from sim.files.atomic import write_atomically
from sim.metrics import MarketSeries

__all__ = ["draw", "measure"]

# (alpha, mu, delta, sigma): mu / alpha from 40 to 320 ticks, epsilon from 0.005 to 0.16.
SETTINGS = [
    (0.05, 2.0, 0.01, 1), (0.05, 4.0, 0.02, 1), (0.05, 8.0, 0.08, 1), (0.05, 8.0, 0.32, 1), (0.025, 4.0, 0.04, 1),
    (0.025, 8.0, 0.04, 1), (0.025, 8.0, 0.16, 1), (0.025, 2.0, 0.16, 1), (0.1, 4.0, 0.02, 1), (0.1, 8.0, 0.16, 1),
    (0.1, 16.0, 0.32, 1), (0.05, 16.0, 0.64, 1), (0.05, 16.0, 0.08, 1), (0.025, 8.0, 1.28, 1),
]  # fmt: skip
MIN_R2 = 0.95


def predicted_spread(alpha: float, mu: float, delta: float, sigma: float) -> float:
    """Mean spread in ticks: (mu / alpha) (0.28 + 1.86 epsilon^(3/4)), epsilon = delta sigma / mu (paper, equation 4).

    alpha and mu count orders of size sigma here; in shares both are sigma times larger, which leaves mu / alpha as it
    is, and epsilon = delta / (mu in orders).
    """
    return mu / alpha * (0.28 + 1.86 * (delta / mu) ** 0.75)


def measured_spread(alpha: float, mu: float, delta: float, sigma: int, lives: float) -> float:
    """Time-weighted mean spread over some mean lifetimes of an order, after as many to settle."""
    window = int(6 * mu / alpha)
    settings = model.SantaFe(
        limit_rate=alpha, market_rate=mu / 2, cancel_rate=delta, window_ticks=window, size_lots=sigma,
        first_spread_ticks=max(2, int(0.5 * mu / alpha)),
    )  # fmt: skip
    seconds = lives / delta
    market = theory_market([one_agent("flow", model.policy, settings)], 1.2 * seconds, 3, max_orders=2**18)
    market.run(int(0.2 * seconds * SECOND_NS), [lambda rows: None])
    series = MarketSeries(0, market.session.close_ns, SECOND_NS * 60)
    market.run(None, [series])
    assert series.mean_spread_ticks is not None
    return series.mean_spread_ticks


_POINTS: list[tuple[float, float, float]] = []


def measure(quick: bool = False) -> Iterator[Row]:
    """Yield the row of the collapse."""
    _POINTS.clear()
    for setting in SETTINGS:
        lives = (60 if quick else 600) if setting[2] < 0.1 else (200 if quick else 2_000)
        _POINTS.append((predicted_spread(*setting), measured_spread(*setting, lives), setting[2] / setting[1]))
    points = np.log(np.array(_POINTS)[:, :2])
    r2 = float(np.corrcoef(points.T)[0, 1] ** 2)
    slope = float(np.polyfit(points[:, 0], points[:, 1], 1)[0])
    ratio = np.exp(points[:, 1] - points[:, 0])
    detail = (
        f"{len(_POINTS)} rate settings; slope {slope:.3f}, measured / predicted {ratio.min():.2f} to {ratio.max():.2f}"
    )
    yield at_least(
        "fpz", "FPZ spread collapse: R^2 of log predicted against log measured", (r2, r2, r2), MIN_R2, detail
    )


def draw(folder: Path) -> list[tuple[str, str]]:
    """Draw measured against predicted spreads."""
    import matplotlib.pyplot as plt

    predicted, measured, epsilon = np.array(_POINTS).T
    figure, axes = plt.subplots(figsize=(6, 4.5), layout="constrained")
    points = axes.scatter(predicted, measured, c=np.log10(epsilon), cmap="viridis", s=45, zorder=3)
    ends = np.array([predicted.min() * 0.8, predicted.max() * 1.2])
    axes.plot(ends, ends, color="0.6", lw=1, label="equal")
    axes.set(xscale="log", yscale="log", xlabel="predicted mean spread [ticks]", ylabel="measured mean spread [ticks]")
    axes.legend(frameon=False)
    figure.colorbar(points, label="log10 epsilon = delta sigma / mu")
    write_atomically(folder / "santa_fe.png", png(figure))
    plt.close(figure)
    return [("santa_fe.png", "Mean spread of the Santa Fe flow at 14 settings of its rates")]
