"""The page of orders: the question, the answer, the picture; the tables and the method folded below."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from scenarios.orders.analytics import GROUPS
from scenarios.orders.plot import draw_orders
from scenarios.orders.table import fill_tables, markout_table
from scenarios.pages.html import details, page, paragraph, picture, table
from sim.versions import versions

if TYPE_CHECKING:
    from scenarios.orders.analytics import OrderAnalytics

__all__ = ["orders_page"]

METHOD = (
    "A fill is the first execution of an order that came to rest. Left: the chance of an order that nobody withdraws "
    "(Kaplan and Meier 1958; a withdrawal only ends the looking). It is too high as far as people withdraw because "
    "they see the price leave. As it went: the share of all orders (Aalen and Johansen 1978), withdrawn ones unfilled. "
    "Before the mid moves: the fill comes no later than the first move of the midpoint after submission.",
    "Intervals leave out one of 20 stretches of the record after the other (delete-a-group jackknife), since orders of "
    "one market are not independent; shares on the scale of log odds.",
    "Distance is from the best price of the order's side just before it. What stands ahead is the quantity at its "
    "price that is served first.",
    "A gain is side x (midpoint later - price) of a lot, positive for who rests if the price has not gone through the "
    "order; the midpoint before the fill gives the half spread that it earned at first. Who takes has the opposite.",
)


def orders_page(found: OrderAnalytics, png: bytes | None = None) -> str:
    """Return the page.

    Args:
        found: what `analyse_orders` returned.
        png: its picture, if it has been drawn already.
    """
    span = "; ".join(f"{day['from']} to {day['until']}, {day['orders']:,} orders" for day in found.days[:5])
    more = f"; and {len(found.days) - 5} more days" if len(found.days) > 5 else ""
    tables = [details(f"Fills by {_words(group)}", table(head, rows)) for group, head, rows in fill_tables(found)]
    head, rows = markout_table(found)
    return page(
        f"What happens to orders of {found.name}?",
        paragraph(found.answer, "answer"),
        picture(draw_orders(found) if png is None else png, "Fills by distance, time and queue, and markouts"),
        paragraph(f"{span}{more}; {found.n_fills:,} fills. {100 * found.confidence:g}% intervals in brackets.", "note"),
        *[paragraph(note, "note") for note in found.notes],
        *tables,
        details("What a fill is worth afterwards", table(head, rows)),
        details("Method", *[paragraph(text) for text in METHOD], paragraph(f"Versions: {json.dumps(versions())}")),
    )


def _words(group: str) -> str:
    return f"{group}: {GROUPS[group]}"
