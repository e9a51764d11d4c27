"""The book as the tape tells it: queues of resting orders by price, found by their ids (compiled)."""

from __future__ import annotations

import numpy as np
from numba import int64

from lob.compiled import kernel, leaf
from lob.types import NO_PRICE
from sim.audit.faults import F
from sim.audit.state import BLOCK, KEEP, ORDER, State

__all__ = ["best_of", "check_touch", "expect", "find", "grown", "lots_within", "note", "put", "take"]


@kernel
def note(state: State, fault: int, expected: int, found: int) -> None:
    """Count a fault of the row being read, and keep it if it is one of the first of its kind."""
    n = state.n_found[fault]
    if n < KEEP:
        finding = state.findings[fault, n]
        finding.row = state.head[0].row
        finding.time_ns = state.head[0].time_ns
        finding.symbol = state.head[0].symbol
        finding.expected = expected
        finding.found = found
    state.n_found[fault] = n + 1


@leaf
def expect(state: State, fault: int, expected: int, found: int) -> None:
    """Note a fault if a value is not the expected one."""
    if expected != found:
        note(state, fault, expected, found)


@leaf
def _bucket(state: State, symbol: int, order_id: int) -> int:
    # Fibonacci hashing: neighbouring ids are spread over all buckets.
    return int64(((order_id * -7046029254386353131 + symbol * 6364136223846793005) >> 24) & (len(state.buckets) - 1))


@kernel
def find(state: State, symbol: int, order_id: int) -> int:
    """Return the resting order with this id, 0 if there is none."""
    at = state.buckets[_bucket(state, symbol, order_id)]
    while at != 0:
        order = state.orders[at]
        if order.order_id == order_id and order.symbol == symbol:
            return int64(at)
        at = order.chain
    return int64(0)


@kernel
def _rehash(state: State) -> None:
    """Fill the buckets anew from the orders."""
    for at in range(1, state.head[0].n_used):
        order = state.orders[at]
        if order.lots > 0:
            bucket = _bucket(state, int64(order.symbol), int64(order.order_id))
            order.chain = state.buckets[bucket]
            state.buckets[bucket] = at


def grown(state: State, more: int) -> State:
    """Return the state with room for at least `more` further resting orders."""
    needed = int(state.head["n_live"][0]) + more + 1
    if needed <= len(state.orders):
        return state
    size = 1 << needed.bit_length()
    orders = np.zeros(size, ORDER)
    orders[: len(state.orders)] = state.orders
    buckets = np.zeros(size, np.int64)
    bigger = state._replace(orders=orders, buckets=buckets)
    _rehash(bigger)
    return bigger


@kernel
def _next_occupied(state: State, symbol: int, side: int, start: int) -> int:
    """Return the occupied price nearest to `start` on the way from the touch into the book, -1 if there is none."""
    s = state.symbols[symbol]
    step = int64(-1) if side == 0 else int64(1)
    levels = s.first_level + side * s.n_prices
    blocks = s.first_block + side * s.n_blocks
    price = int64(start)
    while 0 <= price < s.n_prices:
        if state.blocks[blocks + price // BLOCK] == 0:
            block = price // BLOCK
            price = block * BLOCK - 1 if side == 0 else (block + 1) * BLOCK
        elif state.levels[levels + price].head != 0:
            return price
        else:
            price += step
    return int64(-1)


@leaf
def best_of(state: State, symbol: int, side: int) -> int:
    """Return the best occupied price of a side as an index, -1 if it is empty."""
    s = state.symbols[symbol]
    return int64(s.best_bid) if side == 0 else int64(s.best_ask)


@kernel
def put(state: State, symbol: int, order_id: int, agent: int, parent_id: int, side: int, price: int, lots: int) -> None:
    """Rest an order at the end of its price's queue; `side` 0 or 1, `price` an index."""
    head, s = state.head[0], state.symbols[symbol]
    at = int64(head.free)
    if at != 0:
        head.free = state.orders[at].chain
    else:
        at = int64(head.n_used)
        head.n_used += 1
    head.n_live += 1
    head.n_entries += 1
    s.n_orders += 1
    order = state.orders[at]
    order.order_id, order.symbol, order.agent, order.parent_id = order_id, symbol, agent, parent_id
    order.side, order.price, order.lots, order.entry = side, price, lots, head.n_entries
    bucket = _bucket(state, symbol, order_id)
    order.chain = state.buckets[bucket]
    state.buckets[bucket] = at
    level = state.levels[s.first_level + side * s.n_prices + price]
    order.before, order.after = level.tail, 0
    if level.tail != 0:
        state.orders[level.tail].after = at
    else:
        level.head = at
        state.blocks[s.first_block + side * s.n_blocks + price // BLOCK] += 1
    level.tail = at
    level.lots += lots
    if side == 0:
        s.best_bid = max(int64(s.best_bid), price)
    elif s.best_ask < 0 or price < s.best_ask:
        s.best_ask = price


@kernel
def take(state: State, at: int, lots: int) -> None:
    """Take lots away from a resting order, which keeps its place; without any left it leaves the book."""
    head, order = state.head[0], state.orders[at]
    symbol, side, price = int64(order.symbol), int64(order.side), int64(order.price)
    s = state.symbols[symbol]
    level = state.levels[s.first_level + side * s.n_prices + price]
    level.lots -= lots
    order.lots -= lots
    if order.lots > 0:
        return
    if order.before != 0:
        state.orders[order.before].after = order.after
    else:
        level.head = order.after
    if order.after != 0:
        state.orders[order.after].before = order.before
    else:
        level.tail = order.before
    bucket = _bucket(state, symbol, int64(order.order_id))
    if state.buckets[bucket] == at:
        state.buckets[bucket] = order.chain
    else:
        other = int64(state.buckets[bucket])
        while state.orders[other].chain != at:
            other = int64(state.orders[other].chain)
        state.orders[other].chain = order.chain
    order.chain = head.free
    head.free = at
    head.n_live -= 1
    s.n_orders -= 1
    if level.head == 0:
        state.blocks[s.first_block + side * s.n_blocks + price // BLOCK] -= 1
        if side == 0 and price == s.best_bid:
            s.best_bid = _next_occupied(state, symbol, side, price)
        elif side == 1 and price == s.best_ask:
            s.best_ask = _next_occupied(state, symbol, side, price)


@kernel
def lots_within(state: State, symbol: int, side: int, limit_ticks: int) -> int:
    """Return what an order of side 1 or -1 with this limit could trade at once."""
    s = state.symbols[symbol]
    other = int64(1) if side > 0 else int64(0)
    total = int64(0)
    price = best_of(state, symbol, other)
    while price >= 0 and side * (limit_ticks - (s.min_price + price)) >= 0:
        total += state.levels[s.first_level + other * s.n_prices + price].lots
        price = _next_occupied(state, symbol, other, price + side)
    return total


@leaf
def check_touch(state: State, symbol: int, bid_ticks: int, bid_lots: int, ask_ticks: int, ask_lots: int) -> None:
    """Compare a row's touch with that of the rebuilt book."""
    s = state.symbols[symbol]
    ticks, lots = int64(NO_PRICE), int64(0)
    if s.best_bid >= 0:
        ticks = s.min_price + s.best_bid
        lots = int64(state.levels[s.first_level + s.best_bid].lots)
    expect(state, F.bid_ticks, ticks, bid_ticks)
    expect(state, F.bid_lots, lots, bid_lots)
    ticks, lots = int64(NO_PRICE), int64(0)
    if s.best_ask >= 0:
        ticks = s.min_price + s.best_ask
        lots = int64(state.levels[s.first_level + s.n_prices + s.best_ask].lots)
    expect(state, F.ask_ticks, ticks, ask_ticks)
    expect(state, F.ask_lots, lots, ask_lots)
