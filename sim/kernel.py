"""The event kernel: one compiled call handles very many events, and returns to Python only when Python is needed.

The next event is the earliest of the schedule, the messages in flight and the wake-ups; at one instant in that order,
ties within a kind by (agent key, number). A wake-up runs a policy, whose messages go in flight with a latency; a
message passes the risk gate and the exchange, and its tape rows drive the accounts and the wake-ups of those who subscribed.
"""

from __future__ import annotations

from numba import float64, int64
from numba import types as nb_types
from numba.np.numpy_support import from_dtype

from lob._jit import Record, address_of, call_address, kernel, leaf, prefetch_line, record_at_address
from lob.book import extra_at, node_at, owner_at
from lob.book import slot_at as table_slot_at
from lob.matching import apply, reject, rows_needed, write_row
from lob.orders import home_slot
from lob.tape import TAPE, row_at
from lob.types import EventKind, Flag, MessageKind, Reject
from sim.accounts import book_row
from sim.gate import check_limits
from sim.heap import LAST_NS, NEVER, pop, push, top_ns, top_slot
from sim.records import (
    AGENT,
    N_TRADES,
    OUT,
    RUNTIME,
    VIEW,
    WORLD,
    LatencyKind,
    ScheduledKind,
    Status,
    Wake,
    account_at,
    agent_at,
    book_in,
    float_at,
    heap_in,
    message_at,
    out_of,
    population_at,
    scheduled_at,
    scratch_message_of,
    slot_at,
    symbol_at,
    view_of,
)
from sim.rng import draw_key, exp_portable, normal_quantile, raw_uniform
from sim.view import fill_view

__all__ = ["post", "run_kernel", "set_python_timer", "start_agents"]

DONE, TAPE_FULL, PYTHON_WAKE = int(Status.DONE), int(Status.TAPE_FULL), int(Status.PYTHON_WAKE)
IN_FLIGHT_FULL, BOOK_FULL = int(Status.IN_FLIGHT_FULL), int(Status.BOOK_FULL)
OUT_FULL, WAKES_FULL, EVENT_LIMIT = int(Status.OUT_FULL), int(Status.WAKES_FULL), int(Status.EVENT_LIMIT)
START, TIMER = int(Wake.START), int(Wake.TIMER)
FILL, ACK, REJECTED = int(Wake.FILL), int(Wake.ACK), int(Wake.REJECT)
TOUCH, TRADE, PHASE, NEWS = int(Wake.TOUCH), int(Wake.TRADE), int(Wake.PHASE), int(Wake.NEWS)
MARKET_WIDE = TOUCH | TRADE | PHASE | NEWS
UNIFORM, LOGNORMAL = int(LatencyKind.UNIFORM), int(LatencyKind.LOGNORMAL)
SCHEDULED_PHASE = int(ScheduledKind.PHASE)
LIMIT, MARKET, REPLACE = int(MessageKind.LIMIT), int(MessageKind.MARKET), int(MessageKind.REPLACE)
SET_PHASE, CANCEL_ALL = int(MessageKind.SET_PHASE), int(MessageKind.CANCEL_ALL)
ROW_EXECUTE, ROW_REJECT, ROW_NEWS = int(EventKind.EXECUTE), int(EventKind.REJECT), int(EventKind.NEWS)
REASON_BOOK_FULL = int(Reject.BOOK_FULL)
TRACKED, FIRST = int(Flag.TRACKED), int(Flag.FIRST)
# Indices below this are the policy's own; the latency of message k of a decision uses LATENCY_INDEX + k.
LATENCY_INDEX = 1 << 20

_decide = call_address(nb_types.int64, from_dtype(VIEW), from_dtype(AGENT), from_dtype(OUT))


@leaf
def wake_agent(world: Record, index: int, reason: int, time_ns: int) -> None:
    """Schedule a triggered wake-up; reasons that come before it fires are merged into one."""
    agent = agent_at(world, index)
    if agent.pending_reason == 0:
        agent.pending_ns = time_ns
        push(heap_in(world, int64(world.off_wakes)), time_ns, agent.key, int64(1), index)
    agent.pending_reason |= reason


@leaf
def set_timer(world: Record, index: int, time_ns: int) -> None:
    """Schedule the agent's timer."""
    agent = agent_at(world, index)
    time_ns = min(time_ns, int64(LAST_NS))
    agent.timer_ns = time_ns
    push(heap_in(world, int64(world.off_wakes)), time_ns, agent.key, int64(0), index)


@kernel
def wake_subscribers(world: Record, symbol_index: int, reasons: int) -> None:
    """Wake every agent of the populations that subscribed to one of the reasons in this symbol."""
    for p in range(world.n_populations):
        population = population_at(world, int64(p))
        hit = population.wakes_on & reasons
        if hit != 0 and population.symbol == symbol_index:
            time_ns = world.time_ns + population.reaction_ns
            for k in range(population.count):
                wake_agent(world, population.first + k, hit, time_ns)


@leaf
def notify_owner(world: Record, index: int, reason: int) -> None:
    """Wake the owner of an order if its population asked for this kind of report."""
    population = population_at(world, int64(agent_at(world, index).population))
    if population.wakes_on & reason:
        wake_agent(world, index, reason, world.time_ns + population.reaction_ns)


@leaf
def latency_ns(population: Record, key: int, k: int) -> int:
    """Time from decision to arrival of message k of a decision, at least 1 ns."""
    if population.latency_kind == UNIFORM:
        u = raw_uniform(key, LATENCY_INDEX + k)
        delay = population.latency_a + (population.latency_b - population.latency_a) * u
    elif population.latency_kind == LOGNORMAL:
        z = normal_quantile(raw_uniform(key, LATENCY_INDEX + k))
        delay = population.latency_a * exp_portable(population.latency_b * z)
    else:
        delay = float64(population.latency_a)
    # Too large a float has no defined integer; nothing arrives that late.
    return max(int64(min(delay, float64(LAST_NS))), int64(1))


@leaf
def fetch_agent(world: Record, index: int) -> None:
    """Have the next agent's memory loaded while this one is served: worth a third of the time with 100,000 agents."""
    agent = agent_at(world, index)
    for line in range(5):
        prefetch_line(agent, int64(line))
    symbol_index = int64(population_at(world, int64(agent.population)).symbol)
    prefetch_line(account_at(world, index * world.n_symbols + symbol_index), int64(0))
    book = book_in(world, int64(symbol_at(world, symbol_index).off_book))
    prefetch_line(owner_at(book, index), int64(0))


@leaf
def fetch_first_order(world: Record, index: int, symbol_index: int) -> None:
    """Have the agent's oldest order loaded: its cancellation has just been sent."""
    book = book_in(world, int64(symbol_at(world, symbol_index).off_book))
    head = int64(owner_at(book, index).head)
    prefetch_line(node_at(book, head), int64(0))
    prefetch_line(extra_at(book, head), int64(0))


@leaf
def fetch_neighbours(world: Record, slot: int) -> None:
    """Have what the next arrival will touch loaded, if it withdraws the agent's orders."""
    message = message_at(world, slot)
    index = int64(message.agent)
    symbol_index = int64(message.symbol)
    prefetch_line(account_at(world, index * world.n_symbols + symbol_index), int64(0))
    if message.kind == CANCEL_ALL:
        book = book_in(world, int64(symbol_at(world, symbol_index).off_book))
        node = node_at(book, int64(owner_at(book, index).head))
        prefetch_line(node_at(book, int64(node.prev)), int64(0))
        prefetch_line(node_at(book, int64(node.next)), int64(0))
        prefetch_line(table_slot_at(book, home_slot(book, int64(node.order_id))), int64(0))


@kernel
def put_in_flight(
    world: Record, index: int, k: int, kind: int, side: int, price_ticks: int, qty_lots: int, order_id: int,
    time_in_force: int, flags: int, parent_id: int,
) -> int:  # fmt: skip
    """Send one message of an agent; messages of one agent to one symbol never overtake each other."""
    if world.n_free_slots == 0:
        return IN_FLIGHT_FULL
    agent = agent_at(world, index)
    population = population_at(world, int64(agent.population))
    account = account_at(world, index * world.n_symbols + population.symbol)
    arrival = world.time_ns + latency_ns(population, agent.draw_key, k)
    # At least 1 ns apart, so that an agent's messages to one symbol are never simultaneous.
    arrival = max(arrival, int64(account.last_arrival_ns) + 1)
    account.last_arrival_ns = arrival
    account.n_in_flight += 1
    account.n_messages += 1
    population.n_messages += 1
    world.n_free_slots -= 1
    slot = int64(slot_at(world, int64(world.n_free_slots)).index)
    message = message_at(world, slot)
    message.time_ns = arrival
    message.order_id = order_id
    message.price_ticks = price_ticks
    message.qty_lots = qty_lots
    message.agent = index
    message.parent_id = parent_id
    message.symbol = population.symbol
    message.flags = flags | TRACKED
    message.kind = kind
    message.side = side
    message.time_in_force = time_in_force
    push(heap_in(world, int64(world.off_arrivals)), arrival, agent.key, int64(0), slot)
    if kind == CANCEL_ALL:
        fetch_first_order(world, index, int64(population.symbol))
    return DONE


@kernel
def start_agents(world: Record) -> None:
    """Give every agent its START wake-up at the open."""
    for index in range(world.n_agents):
        wake_agent(world, int64(index), START, int64(world.open_ns))


@leaf
def begin_decision(world: Record, index: int) -> int:
    """Take the reason of the wake-up that just fired off the agent, and key the decision's draws."""
    agent = agent_at(world, index)
    if agent.timer_ns == world.time_ns and agent.timer_ns > 0:
        # A timer that is due comes before a trigger of the same instant: its heap number is lower.
        agent.timer_ns = 0
        agent.n_timer += 1
        agent.draw_key = draw_key(agent.key, int64(agent.n_timer), int64(0))
        return int64(TIMER)
    reason = int64(agent.pending_reason)
    agent.pending_ns = 0
    agent.pending_reason = 0
    agent.n_triggered += 1
    agent.draw_key = draw_key(agent.key, int64(agent.n_triggered), int64(1))
    return reason


@leaf
def deliver_scheduled(world: Record, runtime: Record, tape: Record) -> None:
    """Handle the next entry of the schedule: a change of phase, or news."""
    entry = scheduled_at(world, int64(world.next_scheduled))
    world.next_scheduled += 1
    symbol_index = int64(entry.symbol)
    symbol = symbol_at(world, symbol_index)
    book = book_in(world, int64(symbol.off_book))
    if entry.kind == SCHEDULED_PHASE:
        message = scratch_message_of(runtime, int64(0))
        message.time_ns = world.time_ns
        message.kind = SET_PHASE
        message.qty_lots = int64(entry.value)
        message.agent = -1
        apply(book, tape, message)
        wake_subscribers(world, symbol_index, int64(PHASE))
    else:
        symbol.news = entry.value
        write_row(book, tape, world.time_ns, ROW_NEWS, 0, 0, -1, 0, 0, 0, 0, 0, FIRST)
        wake_subscribers(world, symbol_index, int64(NEWS))


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
    slot_at(world, int64(world.n_free_slots)).index = slot
    world.n_free_slots += 1
    world.n_messages += 1
    account.n_in_flight -= 1
    start = int64(tape.cursor)
    reason = check_limits(world, population, agent, account, symbol, book, message)
    if reason != 0:
        reject(book, tape, message, reason)
        row_at(tape, start).flags = FIRST
    else:
        apply(book, tape, message)
    is_order = message.kind == LIMIT or message.kind == MARKET
    refused = False
    reasons = int64(0)
    for r in range(start, tape.cursor):
        row = row_at(tape, int64(r))
        book_row(world, symbol, symbol_index, row)
        if row.kind == ROW_EXECUTE:
            slot_trade = symbol.n_trades % N_TRADES
            symbol.trade_ticks[slot_trade] = row.price_ticks
            symbol.trade_lots[slot_trade] = int64(row.side) * int64(row.qty_lots)
            symbol.n_trades += 1
            symbol.volume_lots += row.qty_lots
            symbol.last_ticks = row.price_ticks
            symbol.last_lots = row.qty_lots
            symbol.last_side = row.side
            reasons |= TRADE
            notify_owner(world, int64(row.contra_agent), int64(FILL))
            notify_owner(world, index, int64(FILL))
        elif row.kind == ROW_REJECT:
            refused = True
            notify_owner(world, index, int64(REJECTED))
            if row.reason == REASON_BOOK_FULL:
                return BOOK_FULL
        else:
            notify_owner(world, index, int64(ACK))
    if is_order and not refused:
        account.n_orders += 1
        account.ordered_lots += message.qty_lots
    bid, ask = int64(book.best_bid), int64(book.best_ask)
    if bid != symbol.bid_ticks or ask != symbol.ask_ticks:
        symbol.bid_ticks = bid
        symbol.ask_ticks = ask
        reasons |= TOUCH
    if reasons & symbol.wakes_on:
        wake_subscribers(world, symbol_index, reasons)
    return DONE


@leaf
def run_policy(world: Record, runtime: Record, index: int, population_index: int, reason: int) -> int:
    """Let a compiled policy decide and send its messages."""
    population = population_at(world, population_index)
    view = view_of(runtime, int64(0))
    out = out_of(runtime, int64(0))
    fill_view(world, view, index, population_index, reason)
    view.block_address = _address_of_block(world, population)
    out.n = 0
    out.overflow = 0
    agent = agent_at(world, index)
    delay = _decide(runtime.policy_address[population.policy], (view, agent, out))
    if out.overflow > 0:
        world.wake_agent = index
        return OUT_FULL
    if delay > 0 and agent.timer_ns == 0:
        set_timer(world, index, world.time_ns + min(delay, int64(LAST_NS)))
    for k in range(out.n):
        status = put_in_flight(
            world, index, int64(k), out.kind[k], out.side[k], out.price_ticks[k], out.qty_lots[k],
            out.order_id[k], out.time_in_force[k], out.flags[k], out.parent_id[k],
        )  # fmt: skip
        if status != DONE:
            return status
    return DONE


@leaf
def _address_of_block(world: Record, population: Record) -> int:
    return address_of(float_at(world, int64(population.first_value)))


@kernel
def run_events(world: Record, runtime: Record, tape: Record, until_ns: int) -> int:
    """Handle events up to and including `until_ns`; return a Status.

    TAPE_FULL and PYTHON_WAKE are resumed by calling again; the others end the run. Nothing is half done on return: the
    tape is readable up to its cursor.
    """
    wakes = heap_in(world, int64(world.off_wakes))
    arrivals = heap_in(world, int64(world.off_arrivals))
    while True:
        wake_ns = top_ns(wakes)
        arrival_ns = top_ns(arrivals)
        scheduled_ns = int64(NEVER)
        if world.next_scheduled < world.n_scheduled:
            scheduled_ns = int64(scheduled_at(world, int64(world.next_scheduled)).time_ns)
        next_ns = min(wake_ns, min(arrival_ns, scheduled_ns))
        if next_ns > until_ns:
            world.time_ns = max(int64(world.time_ns), until_ns)
            return DONE
        if world.event_limit > 0 and world.n_events >= world.event_limit:
            return EVENT_LIMIT
        room = tape.capacity - tape.cursor
        if scheduled_ns == next_ns:
            if room < 4:
                return TAPE_FULL
            world.time_ns = next_ns
            world.n_events += 1
            deliver_scheduled(world, runtime, tape)
        elif arrival_ns == next_ns:
            slot = top_slot(arrivals)
            message = message_at(world, slot)
            book = book_in(world, int64(symbol_at(world, int64(message.symbol)).off_book))
            if room < rows_needed(book, message):
                return TAPE_FULL
            pop(arrivals)
            if arrivals.size > 0:
                fetch_neighbours(world, top_slot(arrivals))
            world.time_ns = next_ns
            world.n_events += 1
            status = deliver_message(world, tape, slot)
            if status != DONE:
                return status
        else:
            index = pop(wakes)
            if wakes.size > 0:
                fetch_agent(world, top_slot(wakes))
            world.time_ns = next_ns
            world.n_events += 1
            world.n_wakes += 1
            reason = begin_decision(world, index)
            population_index = int64(agent_at(world, index).population)
            population = population_at(world, population_index)
            population.n_wakes += 1
            if population.is_python:
                fill_view(world, view_of(runtime, int64(0)), index, population_index, reason)
                world.wake_agent = index
                return PYTHON_WAKE
            status = run_policy(world, runtime, index, population_index, reason)
            if status != DONE:
                return status


# ---- entries from Python ----------------------------------------------------------------------------------------
# They take addresses: finding the type of a record costs the dispatcher about 10 us a call, that of an integer 0.1.

_world_from = record_at_address(WORLD)
_runtime_from = record_at_address(RUNTIME)
_tape_from = record_at_address(TAPE)


@kernel
def run_kernel(world_address: int, runtime_address: int, tape_address: int, until_ns: int) -> int:
    """`run_events` on the blocks at these addresses."""
    zero = int64(0)
    return run_events(
        _world_from(world_address, zero), _runtime_from(runtime_address, zero), _tape_from(tape_address, zero), until_ns
    )


@kernel
def post(
    world_address: int, index: int, k: int, kind: int, side: int, price_ticks: int, qty_lots: int, order_id: int,
    time_in_force: int, flags: int, parent_id: int,
) -> int:  # fmt: skip
    """Send one message of a Python trader; k counts the messages of its decision."""
    world = _world_from(world_address, int64(0))
    return put_in_flight(world, index, k, kind, side, price_ticks, qty_lots, order_id, time_in_force, flags, parent_id)


@kernel
def set_python_timer(world_address: int, index: int, delay_ns: int) -> None:
    """Start a Python trader's timer unless one is pending."""
    world = _world_from(world_address, int64(0))
    if delay_ns > 0 and agent_at(world, index).timer_ns == 0:
        set_timer(world, index, world.time_ns + min(delay_ns, int64(LAST_NS)))
