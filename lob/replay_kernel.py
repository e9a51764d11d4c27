"""The compiled part of a replay: every recorded message through the engine, and the two books compared."""

from __future__ import annotations

from typing import Any

from numba import int64

from lob.book import level_at, node_at
from lob.codes import CANCEL, CONTINUOUS, FIRST, GTC, HALTED, IOC, LIMIT, REDUCE, ROW_EXECUTE, SET_PHASE
from lob.compiled import Record, kernel, leaf
from lob.execution import rest_order
from lob.inspect import best_price, is_price, next_price
from lob.matching import apply, rows_needed
from lob.orders import find_order
from lob.recording import EXECUTE, HALT, HIDDEN, NEW
from lob.recording import HALTED as HALT_BEGINS
from lob.recording import RESUMED as HALT_ENDS
from lob.tape import row_at

__all__ = ["COUNTS", "N_NAMED", "OUTSIDE", "SEEDER", "add_seed", "replay_all", "set_phase"]

SEEDER = -2
RECORDED = -1
OUTSIDE = -2
"""Price index of a recorded level that lies beyond the book's range of prices; -1 is an empty level."""

COUNTS = (
    "messages",
    "agreeing",  # messages after which every compared cell of the first five levels is right
    "agreeing_touch",
    "executions",  # in continuous trading, so that price and time decide whose turn it is
    "executions_at_head",
    "exceptions",  # executions of an order that had others in front of it
    "from_seed",  # messages about an order that stands inside seeded quantity
    "unknown",  # messages that found neither their order nor seeded quantity
    "crossed",  # new orders that executed on arrival although the record says they rested
    "hidden",
    "crosses_and_halts",
    "cells",
    "cells_agreeing",
    "cells_seeded",
    "cells_outside",  # recorded levels beyond the book's range of prices: not compared
    "outside",  # messages at such prices: not sent
    "forgotten",  # orders that left the window
    "requeued",  # orders moved to the back of their queue, since the record has shown that they stand behind
    "halted_orders",  # new orders during a halt, which are shown and do not trade
    "halted_executions",  # executions during a halt, that is in a cross
)
(
    N_MESSAGES, N_AGREEING, N_TOUCH, N_EXECUTIONS, N_AT_HEAD, N_EXCEPTIONS, N_FROM_SEED, N_UNKNOWN,
    N_CROSSED, N_HIDDEN, N_OTHER, N_CELLS, N_CELLS_AGREEING, N_SEEDED, N_CELLS_OUTSIDE, N_OUTSIDE, N_FORGOTTEN,
    N_REQUEUED, N_HALTED_ORDERS, N_HALTED_EXECUTIONS,
) = range(len(COUNTS))  # fmt: skip
N_NAMED = 10_000
"""Messages of a kind that are remembered one by one."""
COMPARED_LEVELS = 5


@leaf
def send(
    book: Record, tape: Record, message: Record, kind: int, side: int, price_ticks: int, qty_lots: int, order_id: int,
    time_in_force: int, agent: int,
) -> int:  # fmt: skip
    """Send one message to the engine; return the position of its first row. A full tape starts again from the front."""
    message.kind = kind
    message.side = side
    message.price_ticks = price_ticks
    message.qty_lots = qty_lots
    message.order_id = order_id
    message.time_in_force = time_in_force
    message.agent = agent
    if tape.capacity - tape.cursor < rows_needed(book, tape, message):
        tape.cursor = 0
    start = int64(tape.cursor)
    apply(book, tape, message)
    return start


@leaf
def take_from(book: Record, tape: Record, message: Record, index: int, qty_lots: int) -> bool:
    """Take quantity out of a resting order, wherever it stands; False if it holds less."""
    node = node_at(book, index)
    enough = int64(node.qty_lots) >= qty_lots
    agent, order_id = int64(node.agent), int64(node.order_id)
    send(book, tape, message, int64(REDUCE), 0, 0, qty_lots, order_id, int64(GTC), agent)
    return enough


@kernel
def set_phase(book: Record, tape: Record, message: Record, phase: int) -> None:
    """Halt or resume, unless the book is in this phase."""
    if book.phase != phase:
        send(book, tape, message, int64(SET_PHASE), 0, 0, phase, int64(0), int64(GTC), int64(RECORDED))


@leaf
def enter(book: Record, tape: Record, message: Record, side: int, tick: int, qty_lots: int, agent: int) -> int:
    """Send a new order; return the position of its first row.

    The exchange takes none during a halt. A recorded one is put into its queue as it is, even across the other side:
    NASDAQ shows such quotes, and nothing trades before the cross.
    """
    if book.phase == CONTINUOUS or book.n_orders >= book.max_orders:
        return send(book, tape, message, int64(LIMIT), side, tick, qty_lots, int64(0), int64(GTC), agent)
    if tape.capacity - tape.cursor < 1:
        tape.cursor = 0
    start = int64(tape.cursor)
    order_id = int64(book.next_order_id)
    book.next_order_id = order_id + 1
    price = tick - book.min_price_ticks
    rest_order(
        book, tape, int64(message.time_ns), order_id, agent, int64(0), side, price, qty_lots, int64(0), int64(FIRST)
    )  # fmt: skip
    return start


@kernel
def add_seed(
    book: Record, tape: Record, message: Record, seeds: Any, side_index: int, price: int, qty_lots: int
) -> None:
    """Put recorded quantity into the book as one anonymous order."""
    seeds[side_index, price] = book.next_order_id
    side = int64(1) if side_index == 0 else int64(-1)
    enter(book, tape, message, side, price + book.min_price_ticks, qty_lots, int64(SEEDER))


@kernel
def requeue_head(
    book: Record, tape: Record, message: Record, level: Record, known: Any, named: Any, seeds: Any
) -> None:
    """Move the first order of a queue to its back, under a new id that the record's id now stands for."""
    node = node_at(book, int64(level.head))
    side, price, lots = int64(node.side), int64(node.price), int64(node.qty_lots)
    order_id, agent = int64(node.order_id), int64(node.agent)
    send(book, tape, message, int64(CANCEL), 0, 0, 0, order_id, int64(GTC), agent)
    if agent == SEEDER:
        add_seed(book, tape, message, seeds, int64(0) if side > 0 else int64(1), price, lots)
        return
    dense = named[order_id]
    known[dense] = book.next_order_id
    named[book.next_order_id] = dense
    enter(book, tape, message, side, price + book.min_price_ticks, lots, agent)


@leaf
def note(which: Any, counts: Any, count: int, k: int) -> None:
    """Count a message, and remember which it was while there is room."""
    if counts[count] < len(which):
        which[counts[count]] = k
    counts[count] += 1


@kernel
def apply_recorded(
    book: Record, tape: Record, message: Record, row: Record, tick: int, known: Any, named: Any, seeds: Any,
    dense: int, counts: Any, exceptions: Any, strangers: Any, k: int,
) -> None:  # fmt: skip
    """Send one recorded message of type 1 to 4 through the engine."""
    side = int64(row.direction)
    qty_lots = int64(row.size)
    price = tick - book.min_price_ticks
    side_index = int64(0) if side > 0 else int64(1)
    message.time_ns = row.time_ns
    if not is_price(book, price):
        counts[N_OUTSIDE] += 1
        return
    if row.type == NEW:
        known[dense] = book.next_order_id
        named[book.next_order_id] = dense
        if book.phase != CONTINUOUS:
            counts[N_HALTED_ORDERS] += 1
        start = enter(book, tape, message, side, tick, qty_lots, int64(RECORDED))
        if row_at(tape, start).kind == ROW_EXECUTE:
            counts[N_CROSSED] += 1
        return
    index = find_order(book, known[dense]) if known[dense] > 0 else int64(0)
    if index == 0:
        seed = seeds[side_index, price]
        index = find_order(book, seed) if seed > 0 else int64(0)
        if index != 0:
            counts[N_FROM_SEED] += 1
    elif node_at(book, index).price != price or (node_at(book, index).side > 0) != (side > 0):
        index = int64(0)
    in_cross = row.type == EXECUTE and book.phase != CONTINUOUS
    if in_cross:
        counts[N_HALTED_EXECUTIONS] += 1
    elif row.type == EXECUTE:
        counts[N_EXECUTIONS] += 1
    if index == 0:
        note(strangers, counts, int64(N_UNKNOWN), k)
        return
    if row.type == EXECUTE and not in_cross:
        best = best_price(book, side_index)
        level = level_at(book, side_index * book.n_prices + price)
        head = int64(level.head)
        in_turn = head == index
        if best == price and not in_turn:
            # Only seeded quantity in front, whose rank was never known, is no exception.
            in_turn = node_at(book, head).agent == SEEDER and node_at(book, head).next == index
            while level.head != index and book.next_order_id < len(named) - 1:
                requeue_head(book, tape, message, level, known, named, seeds)
                counts[N_REQUEUED] += 1
        in_turn = in_turn and best == price and node_at(book, index).qty_lots >= qty_lots
        if in_turn:
            counts[N_AT_HEAD] += 1
        else:
            note(exceptions, counts, int64(N_EXCEPTIONS), k)
        if best == price and level.head == index and node_at(book, index).qty_lots >= qty_lots:
            send(book, tape, message, int64(LIMIT), -side, tick, qty_lots, int64(0), int64(IOC), int64(RECORDED))
            return
    if not take_from(book, tape, message, index, qty_lots):
        note(strangers, counts, int64(N_UNKNOWN), k)


@leaf
def forget_beyond(book: Record, tape: Record, message: Record, side_index: int, worst: int, counts: Any) -> None:
    """Cancel everything that lies behind the worst recorded price of a side."""
    price = next_price(book, side_index, worst)
    while is_price(book, price):
        level = level_at(book, side_index * book.n_prices + price)
        while level.head != 0:
            node = node_at(book, int64(level.head))
            counts[N_FORGOTTEN] += 1
            send(book, tape, message, int64(CANCEL), 0, 0, 0, int64(node.order_id), int64(GTC), int64(node.agent))
        price = next_price(book, side_index, price)


@kernel
def seed_ahead(
    book: Record, tape: Record, message: Record, row: Record, tick: int, seeds: Any, prices: Any, sizes: Any, worst: Any
) -> None:
    """Seed what stood at a price before a new order there brought that price into the window.

    The recorded quantity holds both; the older part must queue in front.
    """
    s = 0 if row.direction > 0 else 1
    price = tick - book.min_price_ticks
    if not (price < worst[s] if s == 0 else price > worst[s]):
        return
    for j in range(prices.shape[1]):
        if prices[s, j] == price and sizes[s, j] > row.size:
            add_seed(book, tape, message, seeds, int64(s), price, int64(sizes[s, j]) - int64(row.size))


@kernel
def replay_all(
    book: Record, tape: Record, message: Record, messages: Any, ticks: Any, dense: Any, first: int, worst: Any,
    prices: Any, sizes: Any, known: Any, named: Any, seeds: Any, counts: Any, cells: Any, exceptions: Any,
    strangers: Any,
) -> None:  # fmt: skip
    """Send a stretch of messages and compare the book after each.

    first: number of its first message in the day. worst: what one stretch leaves to the next, the window of the row
    before: prices behind it were unknown; with fewer levels than recorded, none was.
    prices, sizes: shape (n, 2, levels), side 0 the bid; prices as index from the book's lowest price, -1 for empty.
    cells: shape (2, levels, 2), counts of cells that were compared and that agree; none of row 0, the seed. The
    caller has put the state before message 0 into the book. Without levels nothing is seeded, compared or forgotten.
    """
    n_levels = prices.shape[2]
    if first == 0:
        for s in range(2):
            worst[s] = prices[0, s, n_levels - 1] if n_levels > 0 else int64(-1)
            if worst[s] < 0:
                worst[s] = -1 if s == 0 else book.n_prices
    for k in range(len(messages)):
        row = messages[k]
        is_start = first + k == 0
        counts[N_MESSAGES] += 1
        if row.type == NEW:
            seed_ahead(book, tape, message, row, ticks[k], seeds, prices[k], sizes[k], worst)
        if row.type <= EXECUTE:
            apply_recorded(
                book, tape, message, row, ticks[k], known, named, seeds, dense[k], counts, exceptions, strangers,
                int64(first + k),
            )  # fmt: skip
        elif row.type == HIDDEN:
            counts[N_HIDDEN] += 1
        else:
            counts[N_OTHER] += 1
            message.time_ns = row.time_ns
            if row.type == HALT and row.price == HALT_BEGINS:
                set_phase(book, tape, message, int64(HALTED))
            elif row.type == HALT and row.price == HALT_ENDS:
                set_phase(book, tape, message, int64(CONTINUOUS))
        if n_levels == 0:
            continue
        right = True
        for s in range(2):
            side_index = int64(s)
            last = int64(prices[k, s, n_levels - 1])
            # Seed what has just come into the window, and forget what has left it.
            for j in range(n_levels - 1, -1, -1):
                price = int64(prices[k, s, j])
                if price < 0:
                    continue
                if not (price < worst[s] if s == 0 else price > worst[s]):
                    break
                held = int64(level_at(book, side_index * book.n_prices + price).lots)
                if held < sizes[k, s, j]:
                    add_seed(book, tape, message, seeds, side_index, price, int64(sizes[k, s, j]) - held)
            if last >= 0:
                forget_beyond(book, tape, message, side_index, last, counts)
            price = best_price(book, side_index)
            for j in range(n_levels):
                recorded = int64(prices[k, s, j])
                here = is_price(book, price)
                entered = recorded < worst[s] if s == 0 else recorded > worst[s]
                if recorded >= 0 and (entered or is_start):
                    counts[N_SEEDED] += 1
                elif recorded == OUTSIDE and not here:
                    counts[N_CELLS_OUTSIDE] += 1
                elif not is_start:
                    counts[N_CELLS] += 1
                    cells[s, j, 0] += 1
                    agree = (
                        here
                        and price == recorded
                        and level_at(book, side_index * book.n_prices + price).lots == sizes[k, s, j]
                    ) or (recorded < 0 and not here)
                    if agree:
                        counts[N_CELLS_AGREEING] += 1
                        cells[s, j, 1] += 1
                    elif j < COMPARED_LEVELS:
                        right = False
                if here:
                    price = next_price(book, side_index, price)
            worst[s] = last if last >= 0 else (int64(-1) if s == 0 else int64(book.n_prices))
        if right:
            counts[N_AGREEING] += 1
        bid, ask = int64(prices[k, 0, 0]), int64(prices[k, 1, 0])
        bid_right = book.best_bid == bid or (bid < 0 and book.best_bid < 0)
        ask_right = book.best_ask == ask or (ask < 0 and book.best_ask == book.n_prices)
        if bid_right and ask_right:
            counts[N_TOUCH] += 1
