"""Arrivals: a message passes the risk gate and the exchange; its tape rows are booked and announced."""

from __future__ import annotations

from numba import float64, int64

from lob.book import NEVER_NS
from lob.codes import (
    BOOK_FULL,
    CANCEL_ALL,
    EXPIRE,
    FIRST,
    LIMIT,
    MARKET,
    ROW_EXECUTE,
    ROW_NEWS,
    ROW_PHASE,
    ROW_REJECT,
    SET_PHASE,
)
from lob.compiled import Record, kernel, leaf
from lob.matching import NO_ROOM, apply, resume, rows_bound
from lob.rows import open_row, reject, takes_row
from lob.tape import row_at
from lob.types import NO_PRICE
from sim.accounts import book_row, charge_nano
from sim.codes import (
    SCHEDULED_KILL,
    SCHEDULED_PHASE,
    STAGE_FIRED,
    STAGE_LASTING,
    STATUS_ACCOUNT_FULL,
    STATUS_BOOK_FULL,
    STATUS_DONE,
    WAKE_ACK,
    WAKE_FILL,
    WAKE_NEWS,
    WAKE_PHASE,
    WAKE_REJECT,
    WAKE_TOUCH,
    WAKE_TRADE,
)
from sim.conditionals import begin_anew, due_conditional, next_due_ns, watch_spread, watch_trade
from sim.gate import check_limits
from sim.heap import NEVER
from sim.history import remember
from sim.price_step import round_to_step
from sim.records import (
    MAX_OUT,
    N_TRADES,
    account_at,
    agent_at,
    book_in,
    conditional_at,
    message_at,
    population_at,
    scheduled_at,
    scratch_message_of,
    slot_at,
    symbol_at,
)
from sim.sending import HELD_BACK, hold_back, put_in_flight
from sim.venue import takes_at_once
from sim.wakes import notify_owner, wake_subscribers

__all__ = ["ask_venue", "deliver_message", "deliver_scheduled", "rows_for_venue", "rows_to_go_on", "send_venue"]


@kernel
def kill_population(world: Record, population_index: int) -> int:
    """Stop all agents of a population from sending new orders, and withdraw those at rest, with their usual latency."""
    population = population_at(world, population_index)
    for k in range(population.count):
        index = int64(population.first + k)
        agent_at(world, index).killed = 1
        for leg in range(2 if population.watch >= 0 else 1):
            status = put_in_flight(
                world, index, int64(MAX_OUT), int64(CANCEL_ALL), int64(0), int64(0), int64(0), int64(0), int64(0),
                int64(0), int64(0), int64(leg), int64(0),
            )  # fmt: skip
            if status != STATUS_DONE:
                return status
    return STATUS_DONE


@kernel
def announce(world: Record, tape: Record, symbol_index: int, start: int, sender: int) -> int:
    """Book and announce the rows from `start` on: accounts, conditionals, wake-ups of owners and subscribers.

    `sender` is who sent the message, -1: the venue.
    """
    symbol = symbol_at(world, symbol_index)
    book = book_in(world, int64(symbol.off_book))
    reasons = int64(0)
    for r in range(start, tape.cursor):
        row = row_at(tape, int64(r))
        if row.kind == ROW_PHASE or row.kind == ROW_NEWS:
            continue
        if not book_row(world, symbol, symbol_index, row):
            return STATUS_ACCOUNT_FULL
        if world.off_history != 0:
            remember(world, symbol, symbol_index, row)
        if row.kind == ROW_EXECUTE:
            slot_trade = symbol.n_trades % N_TRADES
            symbol.trade_ticks[slot_trade] = row.price_ticks
            symbol.trade_lots[slot_trade] = int64(row.side) * int64(row.qty_lots)
            symbol.n_trades += 1
            symbol.volume_lots += row.qty_lots
            symbol.last_ticks = row.price_ticks
            symbol.last_lots = row.qty_lots
            symbol.last_side = row.side
            reasons |= WAKE_TRADE
            if world.n_conditionals != 0:
                watch_trade(world, symbol_index, int64(row.price_ticks))
            notify_owner(world, int64(row.contra_agent), int64(WAKE_FILL))
            notify_owner(world, int64(row.agent), int64(WAKE_FILL))
        elif row.kind == ROW_REJECT:
            notify_owner(world, sender, int64(WAKE_REJECT))
            if row.reason == BOOK_FULL:
                return STATUS_BOOK_FULL
        else:
            notify_owner(world, int64(row.agent), int64(WAKE_ACK))
    bid = book.best_bid + book.min_price_ticks if book.best_bid >= 0 else int64(NO_PRICE)
    ask = book.best_ask + book.min_price_ticks if book.best_ask < book.n_prices else int64(NO_PRICE)
    if bid != symbol.bid_ticks or ask != symbol.ask_ticks:
        symbol.bid_ticks = bid
        symbol.ask_ticks = ask
        reasons |= WAKE_TOUCH
        if world.n_conditionals != 0:
            watch_spread(world, symbol_index)
    if reasons & symbol.wakes_on:
        wake_subscribers(world, symbol_index, reasons)
    if book.extended != 0 or world.cascading != 0:
        # May stay too early when an order leaves, which costs a look.
        world.expiry_ns = min(int64(world.expiry_ns), int64(book.next_expiry_ns))
        world.cascading = symbol_index + 1 if book.n_elected != 0 else 0
    return STATUS_DONE


@leaf
def rows_to_go_on(world: Record, tape: Record) -> int:
    """Rows that the next elected stop may write; more than there can be if lob.extended is not lent."""
    if tape.extended == 0:
        tape.asked = 1
        return int64(NO_ROOM)
    return rows_bound(book_in(world, int64(symbol_at(world, world.cascading - 1).off_book)))


@kernel
def rows_for_venue(world: Record, tape: Record) -> int:
    """Rows that a scheduled event may write: a change of phase or an expiry can concern many orders."""
    rows = int64(4)
    for s in range(world.n_symbols):
        book = book_in(world, int64(symbol_at(world, int64(s)).off_book))
        if book.extended != 0 or book.next_expiry_ns < NEVER_NS:
            if tape.extended == 0:
                tape.asked = 1
                return int64(NO_ROOM)
            rows = max(rows, rows_bound(book))
    return rows


@leaf
def ask_venue(world: Record, runtime: Record, symbol_index: int, kind: int, value: int) -> None:
    """Prepare a message of the venue's own; `send_venue` sends it. Kind 0: go on with the elected stops.

    Apart from each other, so that the engine is compiled into one of the two only.
    """
    message = scratch_message_of(runtime, int64(0))
    message.time_ns = world.time_ns
    message.kind = kind
    message.qty_lots = value
    message.agent = -1
    world.venue = symbol_index + 1


@kernel
def send_venue(world: Record, runtime: Record, tape: Record) -> int:
    """Send what `ask_venue` has prepared, and announce what it did."""
    symbol_index = world.venue - 1
    world.venue = 0
    message = scratch_message_of(runtime, int64(0))
    book = book_in(world, int64(symbol_at(world, symbol_index).off_book))
    start = int64(tape.cursor)
    if message.kind == 0:
        resume(book, tape, message)
    else:
        apply(book, tape, message)
    status = announce(world, tape, symbol_index, start, int64(-1))
    if message.kind == SET_PHASE:
        wake_subscribers(world, symbol_index, int64(WAKE_PHASE))
    return status


@leaf
def _expire(world: Record, runtime: Record) -> None:
    """Withdraw what has expired in the first book where something has; note when the others want it."""
    world.expiry_ns = NEVER
    for s in range(world.n_symbols):
        book = book_in(world, int64(symbol_at(world, int64(s)).off_book))
        if world.venue == 0 and book.next_expiry_ns <= world.time_ns:
            ask_venue(world, runtime, int64(s), int64(EXPIRE), int64(0))
        else:
            world.expiry_ns = min(int64(world.expiry_ns), int64(book.next_expiry_ns))


@leaf
def _happen(world: Record, runtime: Record, tape: Record, kind: int, symbol_index: int, value: float) -> int:
    """Change the phase, tell news, or pull a kill switch."""
    symbol = symbol_at(world, symbol_index)
    book = book_in(world, int64(symbol.off_book))
    if kind == SCHEDULED_PHASE:
        ask_venue(world, runtime, symbol_index, int64(SET_PHASE), int64(value))
    elif kind == SCHEDULED_KILL:
        return kill_population(world, int64(value))
    else:
        symbol.news = value
        if takes_row(book, tape):
            row = open_row(book, tape, int64(world.time_ns), int64(ROW_NEWS))
            row.flags = FIRST
        wake_subscribers(world, symbol_index, int64(WAKE_NEWS))
    return STATUS_DONE


@leaf
def deliver_scheduled(world: Record, runtime: Record, tape: Record) -> int:
    """Handle what is due of the schedule, the conditionals or the orders; `world.venue` then may want sending."""
    if world.next_scheduled < world.n_scheduled:
        entry = scheduled_at(world, int64(world.next_scheduled))
        if entry.time_ns <= world.time_ns:
            world.next_scheduled += 1
            return _happen(world, runtime, tape, int64(entry.kind), int64(entry.symbol), float64(entry.value))
    if world.conditional_ns > world.time_ns:
        _expire(world, runtime)
        return STATUS_DONE
    conditional = conditional_at(world, due_conditional(world))
    status = int64(STATUS_DONE)
    symbol_index = int64(conditional.symbol)
    if conditional.stage == STAGE_FIRED:
        conditional.times_left -= 1
        status = _happen(world, runtime, tape, int64(conditional.kind), symbol_index, float64(conditional.value))
        if conditional.lasts_ns > 0:
            conditional.stage = STAGE_LASTING
            conditional.due_ns = world.time_ns + conditional.lasts_ns
        else:
            begin_anew(conditional)
    else:
        book = book_in(world, int64(symbol_at(world, symbol_index).off_book))
        if book.phase == int64(conditional.value):
            status = _happen(
                world, runtime, tape, int64(conditional.kind), symbol_index, float64(conditional.end_value)
            )
        begin_anew(conditional)
    world.conditional_ns = next_due_ns(world)
    return status


@leaf
def deliver_message(world: Record, tape: Record, slot: int) -> int:
    """Pass one message through the risk gate and the exchange, then book and announce what happened."""
    message = message_at(world, slot)
    symbol_index = int64(message.symbol)
    index = int64(message.agent)
    agent = agent_at(world, index)
    population = population_at(world, int64(agent.population))
    account = account_at(world, index * world.n_symbols + symbol_index)
    symbol = symbol_at(world, symbol_index)
    book = book_in(world, int64(symbol.off_book))
    if symbol.taker_delay_ns > 0 and int64(message.gateway) & HELD_BACK == 0 and takes_at_once(book, message):
        hold_back(world, slot, int64(symbol.taker_delay_ns))
        return STATUS_DONE
    slot_at(world, int64(world.n_free_slots)).index = slot
    world.n_free_slots += 1
    world.n_messages += 1
    account.n_in_flight -= 1
    start = int64(tape.cursor)
    if symbol.price_step_ticks > 1:
        round_to_step(book, message, int64(symbol.price_step_ticks))
    reason = check_limits(world, population, agent, account, symbol, book, message)
    if reason != 0:
        reject(book, tape, message, int64(reason))
        row_at(tape, start).flags = FIRST
    else:
        apply(book, tape, message)
    refused = tape.cursor > start and row_at(tape, start).kind == ROW_REJECT
    if not refused and (message.kind == LIMIT or message.kind == MARKET or message.kind > SET_PHASE):
        account.n_orders += 1
        account.ordered_lots += message.qty_lots
        if symbol.order_fee_nano != 0:
            charge_nano(account, int64(symbol.order_fee_nano))
    return announce(world, tape, symbol_index, start, index)
