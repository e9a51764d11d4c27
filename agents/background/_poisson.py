"""Poisson order flow around the opposite best: what the models of Cont, Stoikov, Talreja and of Farmer et al. share.

Limit orders arrive at a rate for each distance from the opposite best, market orders at a rate for each side, and each
live order is withdrawn at a rate that depends on its distance. All rates are exact: candidates come at the times of
one Poisson clock with the largest total rate that can occur, which never depends on the market, and are thinned.

Where the opposite side is empty, distances count from one tick beyond the own best, or with an empty book from the
last price. Nothing is sent during a halt, nor outside of the instrument's price range. `agent.state` counts orders that
found no free slot (`lost`; should be 0) and those outside of the range (`outside`): see `STATE`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from agents.background._live import add_order, cancel_order, count_message, is_live, live_slots, slot_order
from lob.codes import CONTINUOUS
from lob.types import NO_PRICE
from lob.units import SECOND_NS
from sim.codes import WAKE_START
from sim.policy import block, decision, exponential, indices, memory, send_market, uniform
from sim.records import MAX_OUT

__all__ = ["STATE", "decide_poisson", "first_book", "poisson_block", "slots_for"]

STATE = indices(None, "n_placed", "first_ticks", "lost", "outside")
NEXT, MARK, ACCEPT = 0, 1, 2
BATCH_NS = 1_000
"""Time between two batches of the first book, of MAX_OUT orders each."""
MAX_SLOTS = 2**20
# The block: these, then cancel rates by distance (over the largest), (side, offset) of the first book's orders, and
# the cumulative rates of the orders: bids by distance, asks by distance, market buy, market sell.
RATE, N_LEVELS, SIZE, N_FIRST, CANCEL_RATE, ORDER_RATE, TABLES = range(7)
Cells = np.ndarray[Any, np.dtype[np.float64]]


def slots_for(limit_rates: Sequence[float], cancel_rates: Sequence[float], n_first: int) -> int:
    """Return a number of slots with room to spare for all live orders, whose mean number is about that of the rates.

    Raises:
        ValueError: if there would be too many.
    """
    mean = max(2 * sum(rate / cancel for rate, cancel in zip(limit_rates, cancel_rates, strict=True)), n_first)
    if mean > MAX_SLOTS / 4:
        raise ValueError(f"about {mean:.3g} live orders at these rates; allowed: at most {MAX_SLOTS // 4}")
    return int(1 << max(8, int(np.ceil(np.log2(2.5 * mean + 8 * np.sqrt(mean) + 64)))))


def first_book(spread_ticks: int, bids: Sequence[int], asks: Sequence[int]) -> Cells:
    """Return the orders of a first book, shape (n, 2): side, and offset in ticks from the last price.

    Args:
        spread_ticks: spread between the best prices.
        bids: number of orders at the best bid, one tick below, and so on.
        asks: the same for the asks.
    """
    best_bid = -(spread_ticks // 2)
    orders = [(level, 1, best_bid - level) for level, n in enumerate(bids) for _ in range(n)]
    orders += [(level, -1, best_bid + spread_ticks + level) for level, n in enumerate(asks) for _ in range(n)]
    return np.array([order[1:] for order in sorted(orders)], np.float64).reshape(-1, 2)


def poisson_block(
    limit_rates: Sequence[float],
    cancel_rates: Sequence[float],
    market_rate: float,
    size_lots: int,
    rate_scale: float,
    n_slots: int,
    first: Cells,
) -> Cells:
    """Return the block of `decide_poisson`.

    Args:
        limit_rates: limit orders a second and side at distance 1, 2, ... from the opposite best.
        cancel_rates: cancels a second of a live order at the same distances; the last holds beyond.
        market_rate: market orders a second and side.
        size_lots: size of every order.
        rate_scale: factor on all rates.
        n_slots: slots of the memory.
        first: the first book, of `first_book`.
    """
    orders = np.concatenate([limit_rates, limit_rates, [market_rate, market_rate]])
    cancels = max(cancel_rates) * n_slots
    head = [(orders.sum() + cancels) * rate_scale, len(limit_rates), size_lots, len(first), cancels, orders.sum()]
    ratios = np.asarray(cancel_rates) / max(cancel_rates)
    return np.concatenate([head, ratios, first.ravel(), np.cumsum(orders) / orders.sum()])


@decision
def place_first_book(view: Any, agent: Any, out: Any, cells: Any, tables: Any) -> None:
    """Send the next orders of the first book, as many as fit into one decision."""
    placed, n_first = int(agent.state[STATE.n_placed]), int(tables[N_FIRST])
    if placed == 0:
        agent.state[STATE.first_ticks] = float(view.last_ticks)
    batch = min(n_first, placed + MAX_OUT)
    for k in range(placed, batch):
        at = TABLES + int(tables[N_LEVELS]) + 2 * k
        place(view, agent, out, cells, 1 + k, int(tables[at]), int(agent.state[STATE.first_ticks] + tables[at + 1]),
              int(tables[SIZE]))  # fmt: skip
    agent.state[STATE.n_placed] = float(batch)


@decision
def place(view: Any, agent: Any, out: Any, cells: Any, number: int, side: int, price: int, size: int) -> None:
    """Send a limit order, unless it is outside of the price range or finds no slot."""
    if price < view.min_price_ticks or price > view.max_price_ticks:
        agent.state[STATE.outside] += 1.0
    elif not add_order(view, out, cells, number, side, price, size):
        agent.state[STATE.lost] += 1.0


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
    if not is_live(view, out, cells, slot):
        return
    side, price = slot_order(cells, slot)
    distance = max(1, side * (opposite_ticks(view, side) - price))
    if u < tables[TABLES + min(distance, int(tables[N_LEVELS])) - 1]:
        cancel_order(view, out, cells, slot)


@decision
def decide_poisson(view: Any, agent: Any, out: Any) -> int:
    """Handle one candidate of the clock: a limit order, a market order, or a look at one slot."""
    tables, cells = block(view), memory(view)
    delay = 1 + int(exponential(agent, NEXT, 1e9 / tables[RATE]))
    n_first, n_levels, size = int(tables[N_FIRST]), int(tables[N_LEVELS]), int(tables[SIZE])
    if view.reason & WAKE_START or agent.state[STATE.n_placed] < n_first:
        if view.phase != CONTINUOUS:
            return SECOND_NS if n_first > 0 else delay
        place_first_book(view, agent, out, cells, tables)
        return delay if agent.state[STATE.n_placed] >= n_first else BATCH_NS
    if view.phase != CONTINUOUS:
        return delay
    u = uniform(agent, MARK) * (tables[CANCEL_RATE] + tables[ORDER_RATE])
    if u < tables[CANCEL_RATE]:
        n_slots = live_slots(cells)
        slot = min(int(u / tables[CANCEL_RATE] * n_slots), n_slots - 1)
        withdraw(view, out, cells, tables, slot, uniform(agent, ACCEPT))
        return delay
    mark = find_mark(tables, TABLES + n_levels + 2 * n_first, (u - tables[CANCEL_RATE]) / tables[ORDER_RATE])
    if mark >= 2 * n_levels:
        send_market(out, 1 if mark == 2 * n_levels else -1, size)
        count_message(cells)
        return delay
    side = 1 if mark < n_levels else -1
    price = opposite_ticks(view, side) - side * (mark % n_levels + 1)
    place(view, agent, out, cells, n_first + agent.n_timer + 1, side, price, size)
    return delay
