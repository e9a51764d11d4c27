"""The market picture: price with trades, depth through time, spread, volume."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, MultipleLocator

from lob.types import Phase
from sim.metrics import DepthHistory, MarketSeries
from sim.picture_style import BLUE, INK, RED, STYLE

__all__ = ["BUY", "NEWS", "SELL", "decimals", "draw_market", "time_axis"]

BUY, SELL, NEWS = BLUE, RED, "#7b3294"
MAX_BARS = 120
MAX_HEAT_ROWS = 160
_BARS_S = (0.01, 0.1, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800)
_TICKS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 14_400)


def draw_market(
    title: str,
    tick_size: float,
    series: MarketSeries,
    depth: DepthHistory,
    news: Sequence[tuple[float, str]] = (),
) -> bytes:
    """Return the picture of one instrument as PNG.

    Args:
        title: above it.
        tick_size: money value of one tick.
        series: of the instrument, in bins.
        depth: of the instrument at the ends of the same bins, finished.
        news: (seconds since midnight, label) of lines to draw.
    """
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(12, 9.5), dpi=110)
        FigureCanvasAgg(figure)
        panels = figure.subplots(4, 1, sharex=True, gridspec_kw={"height_ratios": [3.4, 3, 1.1, 1.3], "hspace": 0.13})
        figure.subplots_adjust(left=0.08, right=0.905, top=0.93, bottom=0.055)
        end_s = min(series.close_ns, series.last_time_ns) / 1e9
        edges_s = np.minimum(series.times_ns / 1e9, series.close_ns / 1e9)
        n = int(np.searchsorted(edges_s, end_s))
        n = min(max(n, 1), series.n_bins)
        _price(panels[0], tick_size, series, edges_s, n)
        _depth(figure, panels[1], tick_size, series, depth, edges_s, n)
        _spread(panels[2], series, edges_s, n)
        _volume(panels[3], series, edges_s, n)
        for panel in panels:
            _halts(panel, series, edges_s)
            panel.set_xlim(edges_s[0], edges_s[n])
        for at_s, label in news:
            if edges_s[0] <= at_s <= edges_s[n]:
                for panel in panels:
                    panel.axvline(at_s, color=NEWS, lw=0.9, ls=(0, (4, 2)), zorder=4)
                panels[0].annotate(label, (at_s, 1), xycoords=("data", "axes fraction"), xytext=(3, -10),
                                   textcoords="offset points", fontsize=8, color=NEWS)  # fmt: skip
        time_axis(panels[-1], edges_s[n] - edges_s[0])
        figure.suptitle(title, x=0.08, ha="left", fontsize=13, fontweight="bold", color=INK)
        figure.align_ylabels(panels)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png")
    return buffer.getvalue()


def _price(panel: Any, tick_size: float, series: MarketSeries, edges_s: Any, n: int) -> None:
    tick = tick_size
    centres = (edges_s[:-1] + edges_s[1:])[:n] / 2
    panel.plot(edges_s[1 : n + 1], series.mid_ticks[:n] * tick, color=INK, lw=0.9, label="midpoint", zorder=3)
    largest = max(1.0, float(series.buy_lots.max()), float(series.sell_lots.max()))
    sides = (("buyer-initiated", BUY, series.buy_lots, series.buy_value),
             ("seller-initiated", SELL, series.sell_lots, series.sell_value))  # fmt: skip
    for name, colour, lots, value in sides:
        traded = lots[:n] > 0
        price = value[:n][traded] / lots[:n][traded] * tick
        size = 3 + 30 * lots[:n][traded] / largest
        panel.scatter(centres[traded], price, s=size, color=colour, alpha=0.55, lw=0, label=f"{name} trades", zorder=2)
    panel.set_ylabel(f"Price (money, tick {tick:g})")
    panel.yaxis.set_major_formatter(decimals(tick))
    width = _duration(series.bin_ns / 1e9)
    panel.legend(loc="upper left", ncols=3, frameon=False, fontsize=8, borderaxespad=0.1,
                 bbox_to_anchor=(0, 1.1), title=None)  # fmt: skip
    panel.text(1, 1.02, f"trades: mean price and volume (area) in {width}", transform=panel.transAxes,
               ha="right", fontsize=8, color="#555555")  # fmt: skip


def decimals(tick: float) -> Any:
    """Return a formatter of prices with the digits that a tick needs."""
    places = max(0, -int(np.floor(np.log10(tick) + 1e-9)))
    return FuncFormatter(lambda value, _: f"{value:,.{places}f}")


def _depth(
    figure: Any, panel: Any, tick_size: float, series: MarketSeries, depth: DepthHistory, edges_s: Any, n: int
) -> None:
    """Quantity at each price at the end of each bin; colours go with its square root, so that thin levels show."""
    low, high = _window(series, depth, n)
    per_row = max(1, -(-(high - low + 1) // MAX_HEAT_ROWS))
    rows = -(-(high - low + 1) // per_row)
    image = np.zeros((rows, n))
    column: Any = np.zeros(rows)
    for k in range(n):
        if k in depth.snapshots:
            prices, lots = depth.snapshots[k]
            inside = (prices >= low) & (prices <= high)
            where = (prices[inside] - low) // per_row
            column = np.bincount(where, np.abs(lots[inside]), minlength=rows)
        image[:, k] = column
    tick = tick_size
    shown = np.ma.masked_equal(image, 0)
    extent = (edges_s[0], edges_s[n], (low - 0.5) * tick, (low + rows * per_row - 0.5) * tick)
    if image.any():
        top = max(2.0, float(np.quantile(image[image > 0], 0.995)))
        drawn = panel.imshow(
            shown, aspect="auto", origin="lower", extent=extent, cmap="YlGnBu", norm=PowerNorm(0.5, 0, top),
            interpolation="nearest", zorder=1,
        )  # fmt: skip
        box = panel.get_position()
        bar = figure.colorbar(
            drawn, extend="max", extendfrac=0.02, cax=figure.add_axes((0.915, box.y0, 0.012, box.height))
        )
        bar.outline.set_visible(False)
        bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        what = "Lots at a price" if per_row == 1 else f"Lots in {per_row} ticks of price"
        bar.set_label(what, labelpad=4)
    touch = series.touch
    for name, colour in (("bid_ticks", BUY), ("ask_ticks", SELL)):
        panel.plot(edges_s[1 : n + 1], touch[name][:n] * tick, color=colour, lw=0.8, zorder=3,
                   label="best bid" if name == "bid_ticks" else "best ask")  # fmt: skip
    panel.grid(False)
    panel.set_ylim(extent[2], extent[3])
    panel.set_ylabel("Depth by price (money)")
    panel.yaxis.set_major_formatter(decimals(tick))
    panel.legend(loc="upper left", ncols=2, frameon=True, framealpha=0.8, edgecolor="none", fontsize=8)


def _window(series: MarketSeries, depth: DepthHistory, n: int) -> tuple[int, int]:
    """Return the lowest and highest price to show: the path of the mid and most of the depth around it."""
    mids = series.mid_ticks[:n]
    distances, weights = [np.zeros(1)], [np.ones(1)]
    for k, (prices, lots) in depth.snapshots.items():
        if k < n and np.isfinite(mids[k]):
            distances.append(np.abs(prices - mids[k]))
            weights.append(np.abs(lots).astype(np.float64))
    distance, weight = np.concatenate(distances), np.concatenate(weights)
    order = np.argsort(distance)
    share = np.cumsum(weight[order])
    reach = float(distance[order][np.searchsorted(share, 0.9 * share[-1])])
    known = mids[np.isfinite(mids)]
    if not len(known):
        prices = np.concatenate([np.zeros(0, np.int64), *(p for p, _ in depth.snapshots.values())])
        return (int(prices.min()), int(prices.max())) if len(prices) else (0, 1)
    # Far orders must not squeeze the touch into a line.
    reach = min(max(1.1 * reach, 5.0), max(0.2 * float(np.ptp(known)), 40.0))
    return int(np.floor(known.min() - reach)), int(np.ceil(known.max() + reach))


def _spread(panel: Any, series: MarketSeries, edges_s: Any, n: int) -> None:
    spread = series.spread_ticks[:n]
    panel.step(edges_s[1 : n + 1], spread, where="pre", color=INK, lw=0.8)
    known = spread[np.isfinite(spread)]
    top = float(np.quantile(known, 0.995)) if len(known) else 1.0
    clipped = len(known) > 0 and known.max() > 1.5 * top
    panel.set_ylim(0, 1.15 * top if clipped else None)
    panel.set_ylabel("Spread (ticks)")
    panel.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    if clipped:
        panel.text(1, 1.02, f"axis cut; largest {known.max():g} ticks", transform=panel.transAxes, ha="right",
                   fontsize=8, color="#555555")  # fmt: skip


def _volume(panel: Any, series: MarketSeries, edges_s: Any, n: int) -> None:
    bin_s = series.bin_ns / 1e9
    fitting = [round(w / bin_s) for w in _BARS_S if w >= bin_s and n * bin_s <= MAX_BARS * w]
    per_bar = fitting[0] if fitting else -(-n // MAX_BARS)
    starts = np.arange(0, n, per_bar)
    left = edges_s[starts]
    width = per_bar * bin_s
    for lots, colour, sign in ((series.buy_lots, BUY, 1), (series.sell_lots, SELL, -1)):
        sums = np.add.reduceat(lots[:n], starts)
        panel.bar(left, sign * sums, width=0.9 * width, align="edge", color=colour, lw=0)
    panel.axhline(0, color="#888888", lw=0.6)
    panel.set_ylabel("Volume (lots)")
    panel.text(1, 1.02, f"bought (up) and sold (down) by the aggressor in {_duration(width)}",
               transform=panel.transAxes, ha="right", fontsize=8, color="#555555")  # fmt: skip
    panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{abs(value):,.0f}"))
    panel.yaxis.set_major_locator(MaxNLocator(4, integer=True))


def _halts(panel: Any, series: MarketSeries, edges_s: Any) -> None:
    halted = series.touch["phase"] == Phase.HALTED
    changes = np.flatnonzero(np.diff(np.concatenate([[False], halted, [False]])))
    for start, end in zip(changes[::2], changes[1::2], strict=True):
        panel.axvspan(edges_s[start], edges_s[end], color="#999999", alpha=0.25, lw=0, zorder=0)


def time_axis(panel: Any, span_s: float) -> None:
    """Label a panel's horizontal axis, in seconds since midnight, with times of day."""
    step = next((t for t in _TICKS_S if span_s / t <= 13), _TICKS_S[-1])
    panel.xaxis.set_major_locator(MultipleLocator(step))
    panel.xaxis.set_major_formatter(FuncFormatter(_clock(step)))
    panel.set_xlabel("Time of day (HH:MM)" if step >= 60 else "Time of day (HH:MM:SS)")


def _clock(step_s: float) -> Callable[[float, Any], str]:
    def label(value: float, _: Any) -> str:
        seconds = round(value)
        text = f"{seconds // 3600 % 24:02d}:{seconds // 60 % 60:02d}"
        return text if step_s >= 60 else f"{text}:{seconds % 60:02d}"

    return label


def _duration(seconds: float) -> str:
    if seconds >= 60 and seconds % 60 == 0:
        return f"{seconds / 60:g} min"
    return f"{seconds:g} s"
