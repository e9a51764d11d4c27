"""Poisson order flow around the opposite best: what the models of Cont, Stoikov, Talreja and of Farmer et al. share.

Limit orders arrive at a rate for each distance from the opposite best, market orders at a rate for each side, and each
live order is withdrawn at a rate that depends on its distance. All rates are exact: candidates come at the times of
one Poisson clock with the largest total rate that can occur, which never depends on the market, and are thinned.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from agents.background._live import HEADER_CELLS, SLOT_CELLS, add_order, is_live, live_slots
from lob.types import NO_PRICE, Phase
from sim.policy import block, decision, exponential, memory, own_order_id, send_cancel, send_market, uniform
from sim.records import Wake

__all__ = ["decide_poisson", "poisson_block", "slots_for"]

START = int(Wake.START)
CONTINUOUS = int(Phase.CONTINUOUS)
NEXT, MARK, ACCEPT = 0, 1, 2
SEED_LEVELS = 30
FIRST_NUMBER = 1 + 2 * SEED_LEVELS
# The block: these, then cancel rates by distance (over the largest), then cumulative rates of the orders.
RATE, N_LEVELS, SIZE, SEED_SPREAD, CANCEL_RATE, ORDER_RATE, TABLES = range(7)


def slots_for(limit_rates: Sequence[float], cancel_rates: Sequence[float]) -> int:
    """Return a number of slots that holds all live orders with room to spare: their mean number is known."""
    mean = 2 * sum(rate / cancel for rate, cancel in zip(limit_rates, cancel_rates, strict=True))
    return 1 << max(8, int(np.ceil(np.log2(2.5 * mean + 8 * np.sqrt(mean) + 64))))


def poisson_block(
    limit_rates: Sequence[float],
    cancel_rates: Sequence[float],
    market_rate: float,
    size_lots: int,
    seed_spread_ticks: int,
    rate_scale: float,
    n_slots: int,
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the block of `decide_poisson`.

    Args:
        limit_rates: limit orders a second and side at distance 1, 2, ... from the opposite best.
        cancel_rates: cancels a second of a live order at the same distances; the last holds beyond.
        market_rate: market orders a second and side.
        size_lots: size of every order.
        seed_spread_ticks: spread of the book that is laid at the open.
        rate_scale: factor on all rates.
        n_slots: slots of the memory.
    """
    orders = np.concatenate([limit_rates, limit_rates, [market_rate, market_rate]])
    largest = max(cancel_rates)
    total = orders.sum() + largest * n_slots
    head = [total * rate_scale, len(limit_rates), size_lots, seed_spread_ticks, largest * n_slots, orders.sum()]
    return np.concatenate([head, np.asarray(cancel_rates) / largest, np.cumsum(orders) / orders.sum()])


@decision
def seed_book(view: Any, out: Any, cells: Any, tables: Any) -> None:
    """Lay one order at each of the first distances on both sides of the last price."""
    spread = int(tables[SEED_SPREAD])
    bid = view.last_ticks - spread // 2
    for level in range(min(SEED_LEVELS, int(tables[N_LEVELS]))):
        number = 1 + 2 * level
        if bid - level >= view.min_price_ticks:
            add_order(view, out, cells, number, 1, bid - level, int(tables[SIZE]))
        if bid + spread + level <= view.max_price_ticks:
            add_order(view, out, cells, number + 1, -1, bid + spread + level, int(tables[SIZE]))


@decision
def opposite_ticks(view: Any, side: int) -> int:
    """Best price of the other side; where it is empty, one tick beyond the own best or at the last price."""
    opposite = view.ask_ticks if side > 0 else view.bid_ticks
    if opposite == NO_PRICE:
        own = view.bid_ticks if side > 0 else view.ask_ticks
        opposite = own + side if own != NO_PRICE else view.last_ticks
    return opposite


@decision
def find_mark(tables: Any, first: int, u: float) -> int:
    """Position in the cumulative table that starts at `first` of the first entry not below u."""
    low, high = first, len(tables) - 1
    while low < high:
        middle = (low + high) // 2
        if tables[middle] < u:
            low = middle + 1
        else:
            high = middle
    return low - first


@decision
def withdraw(view: Any, out: Any, cells: Any, tables: Any, slot: int, u: float) -> None:
    """Withdraw the order of a slot with the probability that belongs to its distance."""
    if not is_live(view, cells, slot):
        return
    at = HEADER_CELLS + SLOT_CELLS * slot
    side, price = int(cells[at + 1]), int(cells[at + 2])
    distance = max(1, side * (opposite_ticks(view, side) - price))
    if u < tables[TABLES + min(distance, int(tables[N_LEVELS])) - 1]:
        send_cancel(out, own_order_id(view, int(cells[at])))
        cells[at] = 0.0


@decision
def decide_poisson(view: Any, agent: Any, out: Any) -> int:
    """Handle one candidate of the clock: a limit order, a market order, or a look at one slot."""
    tables, cells = block(view), memory(view)
    delay = 1 + int(exponential(agent, NEXT, 1e9 / tables[RATE]))
    if view.reason & START:
        seed_book(view, out, cells, tables)
        return delay
    if view.phase != CONTINUOUS:
        return delay
    u = uniform(agent, MARK) * (tables[CANCEL_RATE] + tables[ORDER_RATE])
    if u < tables[CANCEL_RATE]:
        n_slots = live_slots(cells)
        slot = min(int(u / tables[CANCEL_RATE] * n_slots), n_slots - 1)
        withdraw(view, out, cells, tables, slot, uniform(agent, ACCEPT))
        return delay
    n_levels, size = int(tables[N_LEVELS]), int(tables[SIZE])
    mark = find_mark(tables, TABLES + n_levels, (u - tables[CANCEL_RATE]) / tables[ORDER_RATE])
    if mark >= 2 * n_levels:
        send_market(out, 1 if mark == 2 * n_levels else -1, size)
        return delay
    side = 1 if mark < n_levels else -1
    price = opposite_ticks(view, side) - side * (mark % n_levels + 1)
    if view.min_price_ticks <= price <= view.max_price_ticks:
        add_order(view, out, cells, FIRST_NUMBER + agent.n_timer, side, price, size)
    return delay
