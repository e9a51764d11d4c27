"""Risk revision: from what a model wants to what is sent, with every change written down.

The exchange's own risk gate (sim/gate.py) still stands behind it; this one knows the persona, and cuts where the gate
would refuse.
"""

from __future__ import annotations

from dataclasses import dataclass

from agents.llm.decision import Decision
from lob.types import TimeInForce

__all__ = ["Limits", "PlannedOrder", "Standing", "revise"]

TIME_IN_FORCE = {"gtc": TimeInForce.GTC, "ioc": TimeInForce.IOC, "fok": TimeInForce.FOK}


@dataclass(frozen=True)
class Limits:
    """An investor's own limits."""

    max_position_lots: int
    max_order_lots: int
    max_open_orders: int
    max_distance_ticks: int
    """Largest distance of a limit price from its own side's best price, either way."""


@dataclass(frozen=True)
class Standing:
    """Where the investor stands as it decides."""

    best_bid_ticks: int | None
    best_ask_ticks: int | None
    last_ticks: int
    position_lots: int
    open_buy_lots: int
    open_sell_lots: int
    n_open: int


@dataclass(frozen=True)
class PlannedOrder:
    """An order as it will be sent; `price_ticks` is None for a market order."""

    side: str
    kind: str
    price_ticks: int | None
    qty_lots: int
    time_in_force: TimeInForce


def revise(decision: Decision, standing: Standing, limits: Limits) -> tuple[list[PlannedOrder], list[str]]:
    """Return the orders to send and what was changed, such as "order 1: 50 to 20 lots (position)".

    Resting orders count as if they were filled, unless the decision withdraws them. Nothing here raises: a wish that
    cannot be met is cut or dropped.
    """
    orders: list[PlannedOrder] = []
    changes: list[str] = []
    keeps = not decision.cancel_open_orders
    reserved = {"buy": standing.open_buy_lots * keeps, "sell": standing.open_sell_lots * keeps}
    n_open = standing.n_open * keeps
    for k, idea in enumerate(decision.orders, 1):
        sign = 1 if idea.side == "buy" else -1
        lots = min(idea.qty_lots, limits.max_order_lots)
        if lots < idea.qty_lots:
            changes.append(f"order {k}: {idea.qty_lots} to {lots} lots (size)")
        # What brings the position towards zero is always within the limit.
        room = limits.max_position_lots - sign * standing.position_lots - reserved[idea.side]
        if lots > room:
            cut = max(0, room)
            changes.append(f"order {k}: {lots} to {cut} lots (position)")
            lots = cut
        if lots == 0:
            continue
        rests = idea.kind == "post_only" or (idea.kind == "limit" and idea.time_in_force == "gtc")
        if rests and n_open >= limits.max_open_orders:
            changes.append(f"order {k}: dropped (open_orders)")
            continue
        price = None
        if idea.kind != "market":
            best = standing.best_bid_ticks if idea.side == "buy" else standing.best_ask_ticks
            offset = min(max(idea.offset_ticks, -limits.max_distance_ticks), limits.max_distance_ticks)
            if offset != idea.offset_ticks:
                changes.append(f"order {k}: offset {idea.offset_ticks} to {offset} ticks (distance)")
            price = max(1, (standing.last_ticks if best is None else best) - sign * offset)
        n_open += rests
        reserved[idea.side] += lots
        # Exchanges know no post-only order that may not rest.
        tif = TimeInForce.GTC if idea.kind == "post_only" else TIME_IN_FORCE[idea.time_in_force]
        orders.append(PlannedOrder(idea.side, idea.kind, price, lots, tif))
    return orders, changes
