"""The picture of language models' decisions: price with the news, what each investor did, and positions by style."""

from __future__ import annotations

import io
import json
from typing import Any

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from scenarios.run.measures import Measures
from scenarios.schema.scenario import Scenario
from sim.picture import BUY, NEWS, SELL, decimals, time_axis
from sim.picture_style import INK, STYLE

__all__ = ["draw_decisions"]

MAX_ROWS = 24
QUOTES, HOLD, FAILED = "#4d9221", "#bbbbbb", "#000000"
STYLES = {
    "value": "#1b7837", "momentum": "#e08214", "contrarian": "#762a83", "news": "#c51b7d", "maker": "#4393c3",
    "noise": "#888888",
}  # fmt: skip


def draw_decisions(title: str, scenario: Scenario, measures: Measures, decided: Any) -> bytes:
    """Return the picture as PNG; `decided` is the table of decisions.parquet. At most 24 investors get a row."""
    series, table = measures.series[0], scenario.instrument[0]
    agents = decided["agent"].unique().sort().to_list()[:MAX_ROWS]
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(12, 6.5 + 0.22 * len(agents)), dpi=110)
        FigureCanvasAgg(figure)
        ratios = [2.6, max(1.2, 0.24 * len(agents)), 1.5]
        panels = figure.subplots(3, 1, sharex=True, gridspec_kw={"height_ratios": ratios, "hspace": 0.16})
        figure.subplots_adjust(left=0.13, right=0.97, top=0.92, bottom=0.06)
        edges_s = np.minimum(series.times_ns / 1e9, series.close_ns / 1e9)
        end = int(np.searchsorted(edges_s, min(series.close_ns, series.last_time_ns) / 1e9))
        n = min(max(end, 1), series.n_bins)
        panels[0].plot(edges_s[1 : n + 1], series.mid_ticks[:n] * table.tick_size, color=INK, lw=0.9)
        panels[0].set_ylabel("Midpoint (money)")
        panels[0].yaxis.set_major_formatter(decimals(table.tick_size))
        _news(panels, scenario)
        _rows(panels[1], decided, agents)
        _positions(panels[2], decided)
        for panel in panels:
            panel.set_xlim(edges_s[0], edges_s[n])
        time_axis(panels[-1], edges_s[n] - edges_s[0])
        figure.suptitle(title, x=0.13, ha="left", fontsize=13, fontweight="bold", color=INK)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png")
    return buffer.getvalue()


def _news(panels: Any, scenario: Scenario) -> None:
    """Mark news with the beginning of its text, one below the other."""
    texts = [event for event in scenario.event if event.kind == "bulletin" and event.enabled]
    low, high = panels[0].get_ylim()
    panels[0].set_ylim(low, high + 0.09 * len(texts) * (high - low))
    for k, event in enumerate(texts):
        at_s = scenario.session.ns(event.at) / 1e9
        for panel in panels:
            panel.axvline(at_s, color=NEWS, lw=0.9, ls=(0, (4, 2)), zorder=4)
        text = event.text if len(event.text) <= 70 else event.text[:67] + "..."
        label = f"{event.topic.replace('_', ' ')}{'' if event.is_true else ' (false)'}: {text}"
        late = k >= len(texts) / 2
        panels[0].annotate(
            label, (at_s, 0.98 - 0.075 * k), xycoords=("data", "axes fraction"), xytext=(-4 if late else 4, 0),
            textcoords="offset points", fontsize=8, color=NEWS, va="top", ha="right" if late else "left",
        )  # fmt: skip


def _did(orders: list[str]) -> str:
    sides = {json.loads(order)[0] for order in orders}
    return "both sides" if len(sides) == 2 else sides.pop() if sides else "hold"


def _rows(panel: Any, decided: Any, agents: list[int]) -> None:
    rows = {agent: k for k, agent in enumerate(agents)}
    kinds: dict[str, list[tuple[float, int]]] = {}
    labels = [""] * len(agents)
    for time, agent, style, persona, failure, orders in decided.select(
        "time_ns", "agent", "style", "persona", "failure", "orders"
    ).iter_rows():
        if agent in rows:
            labels[rows[agent]] = f"{style}, risk {json.loads(persona)['risk_appetite']}"
            kinds.setdefault("no reply" if failure else _did(orders), []).append((time / 1e9, rows[agent]))
    looks = (("hold", HOLD, ".", 8), ("buy", BUY, "^", 22), ("sell", SELL, "v", 22), ("both sides", QUOTES, "|", 26),
             ("no reply", FAILED, "x", 22))  # fmt: skip
    for name, colour, marker, size in looks:
        if name in kinds:
            x, y = zip(*kinds[name], strict=True)
            panel.scatter(
                x, y, s=size, color=colour, marker=marker, lw=1 if marker in "x|" else 0, label=name, zorder=3
            )
    panel.set_yticks(range(len(agents)), labels, fontsize=8)
    panel.set_ylim(len(agents) - 0.4, -0.6)
    panel.legend(loc="upper left", ncols=5, frameon=False, fontsize=8, bbox_to_anchor=(0, 1.12), borderaxespad=0)


def _positions(panel: Any, decided: Any) -> None:
    """Sum of the positions of each style, as seen at its decisions."""
    for style, colour in STYLES.items():
        own = decided.filter(decided["style"] == style)
        if not len(own):
            continue
        last: dict[int, int] = {}
        times: list[float] = []
        sums: list[int] = []
        for time, agent, position in own.select("time_ns", "agent", "position_lots").iter_rows():
            last[agent] = position
            if times and times[-1] == time / 1e9:
                times.pop()  # those who are asked together are one point
                sums.pop()
            times.append(time / 1e9)
            sums.append(sum(last.values()))
        panel.step(times, sums, where="post", color=colour, lw=1.1, label=style)
    panel.axhline(0, color="#888888", lw=0.6)
    panel.set_ylabel("Position (lots)")
    panel.legend(loc="upper left", ncols=6, frameon=False, fontsize=8, bbox_to_anchor=(0, 1.2), borderaxespad=0)
