"""Lillo, Mike and Farmer 2005 through the engine: split metaorders give the signs of market orders a long memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from agents.makers import linear_book
from agents.rules import order_splitter
from bench.theory.markets import one_agent, theory_market
from bench.theory.oracles.intervals import mean_interval
from bench.theory.rows import Row, covers
from lob.types import EventKind, Flag
from scenarios.pages.style import png
from sim.files.atomic import write_atomically
from sim.settings import Population

__all__ = ["draw", "measure", "sign_autocorrelation"]

N_HIDDEN = 10
EXPONENTS = (1.5, 1.7)
"""Nearer to 1 the lengths have such heavy tails that a day's market is far from its stationary state."""
LAGS = np.unique(np.geomspace(1, 3000, 34).astype(int))
FIRST_FITTED = 100
"""The law is one of large lags: fitted from ten times the number of hidden orders on."""
_CURVES: dict[float, np.ndarray[Any, Any]] = {}


def sign_autocorrelation(signs: np.ndarray[Any, Any], lags: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Mean of s(t) s(t + lag): signs are symmetric, so that no mean is taken off (which would bias long memories)."""
    n = 1 << int(np.ceil(np.log2(2 * len(signs))))
    power = np.abs(np.fft.rfft(signs, n)) ** 2
    return np.fft.irfft(power, n)[lags] / (len(signs) - lags)


def market_order_signs(alpha: float, seed: int, n_orders: int) -> np.ndarray[Any, Any]:
    """Return the signs of the market orders of N_HIDDEN splitters, from the tape."""
    splitters = order_splitter.OrderSplitter(interval_s=1.0, tail_exponent=alpha, max_children=10**9)
    book = linear_book.LinearBook(refresh_s=60.0, level_lots=10**6)
    populations = [
        one_agent("book", linear_book.policy, book),
        Population("splitters", N_HIDDEN, order_splitter.policy, splitters),
    ]
    market = theory_market(populations, n_orders / N_HIDDEN, seed)
    signs: list[Any] = []

    def keep(rows: np.ndarray[Any, Any]) -> None:
        signs.append(rows["side"][(rows["kind"] == EventKind.EXECUTE) & (rows["flags"] & Flag.FIRST > 0)].copy())

    market.run(None, [keep])
    return np.concatenate(signs).astype(np.float64)


def measure(quick: bool = False) -> Iterator[Row]:
    """Yield the exponent of the autocorrelation for two tails of the metaorders' lengths."""
    n_markets, n_orders = (8, 100_000) if quick else (40, 1_000_000)
    for alpha in EXPONENTS:
        curves = np.array(
            [sign_autocorrelation(market_order_signs(alpha, s, n_orders), LAGS) for s in range(n_markets)]
        )
        _CURVES[alpha] = curves.mean(axis=0)
        fitted = LAGS >= FIRST_FITTED
        # Slopes of groups of markets: a single market's curve can be negative at long lags.
        groups = curves.reshape(-1, n_markets // 8, len(LAGS)).mean(axis=1)[:, fitted]
        slopes = [-np.polyfit(np.log(LAGS[fitted]), np.log(np.maximum(g, 1e-6)), 1)[0] for g in groups]
        what = f"LMF: sign autocorrelation exponent for lengths with tail {alpha}: alpha - 1"
        detail = f"{n_markets} markets of {n_orders:,} market orders, lags {LAGS[fitted][0]} to {LAGS[-1]}"
        yield covers(f"lmf-{alpha}", what, mean_interval(slopes), alpha - 1, detail)


def draw(folder: Path) -> list[tuple[str, str]]:
    """Draw the autocorrelations with the predicted slopes."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 4.5), layout="constrained")
    for k, (alpha, curve) in enumerate(_CURVES.items()):
        axes.plot(LAGS, curve, "o", ms=4, color=f"C{k}", label=f"alpha = {alpha}")
        at = int(np.searchsorted(LAGS, FIRST_FITTED))
        line = curve[at] * (LAGS[at:] / LAGS[at]) ** -(alpha - 1)
        axes.plot(LAGS[at:], line, color=f"C{k}", lw=1)
    axes.set(xscale="log", yscale="log", xlabel="lag [market orders]", ylabel="autocorrelation of signs")
    axes.legend(frameon=False, title="dots: engine, lines: slope -(alpha - 1)")
    write_atomically(folder / "order_splitting.png", png(figure))
    plt.close(figure)
    return [("order_splitting.png", "Autocorrelation of market-order signs of split metaorders")]
