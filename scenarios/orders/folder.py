"""The folder of an analysis of orders: orders.json, fills.parquet, markouts.parquet, orders.png, report.html."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from scenarios.orders.page import orders_page
from scenarios.orders.plot import draw_orders
from sim.files.atomic import write_atomically, write_parquet
from sim.files.claim import has_json
from sim.versions import versions

if TYPE_CHECKING:
    from scenarios.orders.analytics import OrderAnalytics

__all__ = ["is_orders", "save_orders"]


def is_orders(folder: Path) -> bool:
    """Whether a folder holds what `save_orders` leaves."""
    return has_json(folder / "orders.json", "questions")


def save_orders(folder: Path, found: OrderAnalytics) -> None:
    """Write an analysis into a folder, each file whole or not at all.

    Args:
        folder: it is there.
        found: what `analyse_orders` returned.

    Raises:
        RunError: if the disk is full.
        InputError: if the folder cannot be written to.
    """
    png = draw_orders(found)
    html = orders_page(found, png)
    record = {"format_version": 1, **found.record(), "versions": versions()}
    write_atomically(folder / "orders.json", f"{json.dumps(record, indent=1, allow_nan=False)}\n".encode())
    write_parquet(folder / "fills.parquet", found.fills)
    write_parquet(folder / "markouts.parquet", found.markouts)
    write_atomically(folder / "orders.png", png)
    write_atomically(folder / "report.html", html.encode())
