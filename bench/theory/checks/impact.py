"""Market impact of a metaorder: zero intelligence fails the square-root law, latent liquidity comes near it.

Paired worlds: the same market with the metaorder and with its placebo. With zero intelligence the impact of a quantity
Q grows nearly in proportion and stays; where metaorders are split and most liquidity is latent it grows much more
slowly and decays (Toth et al. 2011: exponent 1/2; data: 0.489, Sato and Kanazawa 2025).
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from agents.background import santa_fe
from agents.metaorder import Metaorder
from agents.rules import latent_liquidity, order_splitter
from bench.theory.markets import one_agent, theory_market
from bench.theory.rows import Row
from lob.types import NO_PRICE
from lob.units import SECOND_NS
from scenarios.pages.style import png
from sim.files.atomic import write_atomically
from sim.settings import Population

__all__ = ["draw", "measure"]

START_S, DURATION_S = 1800, 600
LOOKS_S = tuple(START_S + DURATION_S * k / 10 for k in range(41))
END, LATER = 10, 40
"""Looks at the end of the metaorder and three durations later."""
SHARES = (0.1, 0.2, 0.4, 0.8)
"""Q over the volume that others trade in the same time."""
VOLUME_LOTS = {"zero_intelligence": 2415, "latent": 2475}
LEVEL = 0.99
Floats = np.ndarray[Any, np.dtype[np.float64]]
_IMPACT: dict[str, Floats] = {}


def populations(name: str) -> list[Population]:
    """Return the populations of one of the two markets."""
    if name == "zero_intelligence":
        flow = santa_fe.SantaFe(
            limit_rate=0.1, market_rate=2.0, cancel_rate=0.05, window_ticks=200, first_spread_ticks=10
        )
        return [one_agent("flow", santa_fe.policy, flow)]
    latent = latent_liquidity.LatentLiquidity(
        interval_s=2.0, depth_ticks=400.0, reveal_ticks=40.0, change_rate_per_s=1e-4, size_lots=5
    )
    splitters = order_splitter.OrderSplitter(interval_s=20.0, tail_exponent=1.5, max_children=100, touch_share=0.3)
    return [
        Population("latent", 2000, latent_liquidity.policy, latent),
        Population("splitters", 60, order_splitter.policy, splitters),
    ]


def path(job: tuple[str, int, float]) -> Floats:
    """Return the midpoint with less that without the metaorder, in ticks, at all looks."""
    name, seed, share = job
    quantity = round(share * VOLUME_LOTS[name])
    order = Metaorder("buy", quantity, "twap", start_s=START_S, duration_s=DURATION_S, settings={"n_slices": 60})
    mids = []
    for each in (order, order.placebo()):
        market = theory_market([*populations(name), each.population()], LOOKS_S[-1] + 1, seed)
        market.run()
        tape = market.tape
        at = np.searchsorted(tape["time_ns"], [int(t * SECOND_NS) for t in LOOKS_S], side="right") - 1
        quoted = (tape["bid_ticks"][at] != NO_PRICE) & (tape["ask_ticks"][at] != NO_PRICE)
        mids.append(np.where(quoted, (tape["bid_ticks"][at].astype(np.float64) + tape["ask_ticks"][at]) / 2, np.nan))
    return np.asarray(mids[0] - mids[1])


def _exponent(impact: Floats) -> float:
    """Slope of the log of the mean impact at the end against log Q; impact has shape (shares, pairs, looks)."""
    mean = np.nanmean(impact[:, :, END], axis=1)
    if (mean <= 0).any():
        return float("nan")
    error = np.nanstd(impact[:, :, END], axis=1) / mean
    return float(np.polyfit(np.log(SHARES), np.log(mean), 1, w=1 / np.maximum(error, 1e-3))[0])


def _kept(impact: Floats) -> float:
    """Share of the impact at the end that is left three durations later, all quantities together."""
    return float(np.nanmean(impact[:, :, LATER]) / np.nanmean(impact[:, :, END]))


def _interval(impact: Floats, estimate: Any) -> tuple[float, float, float]:
    """Bootstrap over pairs (percentiles)."""
    generator = np.random.default_rng(0)
    n = impact.shape[1]
    found = [estimate(impact[:, generator.integers(0, n, n), :]) for _ in range(2000)]
    low, high = np.nanpercentile(found, [50 * (1 - LEVEL), 100 - 50 * (1 - LEVEL)])
    return estimate(impact), float(low), float(high)


def measure(quick: bool = False) -> Iterator[Row]:
    """Yield exponents and decay of both markets."""
    n_pairs = {"zero_intelligence": 10 if quick else 40, "latent": 6 if quick else 120}
    with ProcessPoolExecutor(2) as pool:
        for name, n in n_pairs.items():
            jobs = [(name, seed, share) for share in SHARES for seed in range(n)]
            found = np.array(list(pool.map(path, jobs, chunksize=4))).reshape(len(SHARES), n, len(LOOKS_S))
            _IMPACT[name] = found
    detail = {}
    for name, found in _IMPACT.items():
        one_sided = int(np.isnan(found[:, :, [END, LATER]]).sum())
        detail[name] = (
            f"{found.shape[1]} pairs at each of Q/V = {SHARES}; {one_sided} looks at a one-sided book left out"
        )
    zero = _interval(_IMPACT["zero_intelligence"], _exponent)
    latent = _interval(_IMPACT["latent"], _exponent)
    yield Row(
        "impact-zi-exponent", "Impact exponent of zero-intelligence flow: near 1, not 1/2", *zero, 1.0,
        "interval above 0.75", zero[1] > 0.75, detail["zero_intelligence"],
    )  # fmt: skip
    kept = _interval(_IMPACT["zero_intelligence"], _kept)
    yield Row(
        "impact-zi-decay", "Share of that impact left three durations later: no decay", *kept, 1.0,
        "within 0.05", kept[1] > 0.95 and kept[2] < 1.05, detail["zero_intelligence"],
    )  # fmt: skip
    yield Row(
        "impact-latent-exponent", "Impact exponent with splitting and latent liquidity: towards 1/2", *latent, 0.5,
        "interval below that of zero intelligence", latent[2] < zero[1], detail["latent"],
    )  # fmt: skip
    kept = _interval(_IMPACT["latent"], _kept)
    yield Row(
        "impact-latent-decay", "Share of that impact left three durations later: about 2/3 in data", *kept, 2 / 3,
        "interval below 1", kept[2] < 1.0, detail["latent"],
    )  # fmt: skip


def draw(folder: Path) -> list[tuple[str, str]]:
    """Draw impact against quantity and against time in both markets."""
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    words = {"zero_intelligence": "zero intelligence", "latent": "splitting and latent liquidity"}
    for k, (name, found) in enumerate(_IMPACT.items()):
        mean = np.nanmean(found[:, :, END], axis=1)
        error = np.nanstd(found[:, :, END], axis=1) / found.shape[1] ** 0.5
        left.errorbar(SHARES, mean, 2.6 * error, fmt="o", color=f"C{k}", label=words[name], capsize=3)
        times = (np.array(LOOKS_S) - START_S) / DURATION_S
        path_mean = np.nanmean(found, axis=(0, 1)) / np.nanmean(found[:, :, END])
        right.plot(times, path_mean, color=f"C{k}", label=words[name])
    ends = np.array([SHARES[0], SHARES[-1]])
    anchor = np.nanmean(_IMPACT["latent"][-1, :, END])
    left.plot(ends, anchor * (ends / ends[1]) ** 0.5, color="0.6", lw=1, label="slope 1/2")
    left.plot(ends, anchor * (ends / ends[1]), color="0.6", lw=1, ls="--", label="slope 1")
    left.set(xscale="log", yscale="log", xlabel="Q / volume of the others in the same time", ylabel="impact [ticks]")
    left.set_xticks(SHARES, [f"{share:g}" for share in SHARES])
    left.set_xticks([], minor=True)
    right.axvline(1, color="0.7", lw=1)
    right.set(xlabel="time since the start / duration", ylabel="impact / impact at the end", ylim=(0, None))
    left.legend(frameon=False, fontsize=8)
    write_atomically(folder / "impact.png", png(figure))
    plt.close(figure)
    caption = "Impact of a metaorder against its quantity (99% intervals) and through time, in both markets"
    return [("impact.png", caption)]
