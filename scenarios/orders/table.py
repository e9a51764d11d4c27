"""The tables that people read: fills by group, and markouts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import polars as pl

if TYPE_CHECKING:
    from scenarios.orders.analytics import OrderAnalytics

__all__ = ["fill_tables", "markout_table"]

_TITLES = {"distance": "Where it joins", "queue": "At the best, behind", "population": "Whose order"}


def fill_tables(found: OrderAnalytics) -> Iterator[tuple[str, list[str], list[list[str]]]]:
    """Yield group, header and rows of each table of fills: an order that is left, and all orders as it went."""
    last = found.within_s[-1]
    for group, title in _TITLES.items():
        rows = found.fills.filter(pl.col("group") == group)
        if len(rows) == 0:
            continue
        head = [title, "Orders", *[f"Left: {within:g} s" for within in found.within_s], "Before the mid moves",
                "Half within", f"As it went: {last:g} s"]  # fmt: skip
        yield group, head, [_fills(rows.filter(pl.col("label") == label), label, found.within_s)
                            for label in rows["label"].unique(maintain_order=True)]  # fmt: skip


def _fills(rows: pl.DataFrame, label: str, within_s: tuple[float, ...]) -> list[str]:
    cells = {(row["question"], row["within_s"]): row for row in rows.rows(named=True)}
    median = cells["median", None]["value"]
    return [
        label,
        f"{rows['orders'][0]:,}",
        *[_share(cells["left", within]) for within in within_s],
        _share(cells["before_move", None]),
        "-" if median is None else f"{median:,.3g} s",
        _share(cells["went", within_s[-1]]),
    ]


def markout_table(found: OrderAnalytics) -> tuple[list[str], list[list[str]]]:
    """Return header and rows of the markouts in ticks a lot."""
    times = found.markouts["after_s"].unique(maintain_order=True).to_list()
    head = ["Gain in ticks a lot", "Fills", "Before the fill", *[f"{after:g} s after" for after in times[1:]]]
    lines = []
    for (who, name), rows in found.markouts.group_by("who", "population", maintain_order=True):
        label = f"{'resting' if who == 'rests' else 'taking'}, {name}"
        lines.append([label, f"{rows['fills'][0]:,}", *[_gain(row) for row in rows.rows(named=True)]])
    return head, lines


def _share(row: dict[str, Any]) -> str:
    """Return a share in percent; what is below a hundredth of a percent as such."""
    if row["value"] is None:
        return "-"
    ends = [row["value"], *([row["low"], row["high"]] if row["low"] is not None else [])]
    texts = [f"{100 * x:.3g}" if x >= 1e-4 or x == 0 else "<0.01" for x in ends]
    return f"{texts[0]}%" + (f" ({texts[1]}, {texts[2]})" if len(texts) > 1 else "")


def _gain(row: dict[str, Any]) -> str:
    if row["value"] is None:
        return "-"
    ends = f" ({row['low']:+.2f}, {row['high']:+.2f})" if row["low"] is not None else ""
    return f"{row['value']:+.2f}{ends}"
