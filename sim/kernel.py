"""The event kernel: one compiled call handles very many events, and returns to Python only when Python is needed.

The next event is the earliest of the schedule (with the conditionals that have fired), the messages in flight and the
wake-ups; at one instant in that order, ties within a kind by (agent key, number). A wake-up runs a policy, whose
messages go in flight with a latency; a message passes the risk gate and the exchange, and its tape rows drive the
accounts, the conditionals and the wake-ups of those who subscribed.
"""

from __future__ import annotations

from numba import int64
from numba import types as nb_types
from numba.np.numpy_support import from_dtype

from lob.blocks import address_of, record_at_address
from lob.compiled import Record, call_address, kernel, leaf
from lob.matching import rows_needed
from lob.tape import TAPE
from sim.codes import STATUS_DONE, STATUS_EVENT_LIMIT, STATUS_OUT_FULL, STATUS_PYTHON_WAKE, STATUS_TAPE_FULL, WAKE_TIMER
from sim.delivery import (
    ask_venue,
    deliver_message,
    deliver_scheduled,
    rows_for_venue,
    rows_to_go_on,
    send_venue,
)
from sim.fetch import fetch_agent, fetch_neighbours
from sim.heap import LAST_NS, NEVER, pop, top_ns, top_slot
from sim.records import (
    AGENT,
    OUT,
    RUNTIME,
    VIEW,
    WORLD,
    agent_at,
    book_in,
    float_at,
    heap_in,
    message_at,
    out_of,
    population_at,
    scheduled_at,
    symbol_at,
    view_of,
)
from sim.rng import draw_key
from sim.sending import THINKING, has_details, put_details, put_in_flight, send_thought
from sim.view import fill_view
from sim.wakes import move_timer, set_timer

__all__ = ["detail", "lend_memory", "memory_at", "post", "run_kernel", "run_policy", "set_python_timer"]


_decide = call_address(nb_types.int64, from_dtype(VIEW), from_dtype(AGENT), from_dtype(OUT))


@leaf
def _take_reason(world: Record, index: int) -> int:
    """Take the reason of the wake-up off the agent, and key its draws by the agent and its decisions alone."""
    agent = agent_at(world, index)
    if agent.timer_ns == world.time_ns and agent.timer_ns > 0:
        # A timer that is due comes before a trigger of the same instant: its heap number is lower.
        agent.timer_ns = 0
        agent.n_timer += 1
        agent.draw_key = draw_key(agent.key, int64(agent.n_timer), int64(0))
        return int64(WAKE_TIMER)
    reason = int64(agent.pending_reason)
    agent.pending_ns = 0
    agent.pending_reason = 0
    agent.n_triggered += 1
    agent.draw_key = draw_key(agent.key, int64(agent.n_triggered), int64(1))
    return reason


@leaf
def begin_decision(world: Record, index: int) -> int:
    """Take the reason of the wake-up that just fired off the agent, and key the decision's draws."""
    reason = _take_reason(world, index)
    if world.shared_stream != 0:
        # For contrast only: as if all agents drew from one generator in the order of events.
        agent_at(world, index).draw_key = draw_key(world.seed, int64(world.n_events), int64(3))
    return reason


@leaf
def memory_at(world: Record, population: Record, rank: int, cell: int) -> Record:
    """One cell of the memory of a population's agent number `rank`."""
    return float_at(world, population.first_memory + rank * population.n_memory + cell)


@leaf
def lend_memory(world: Record, view: Record, index: int, population: Record) -> None:
    """Put the addresses of the population's block and of the agent's memory into a view."""
    view.block_address = address_of(float_at(world, int64(population.first_value)))
    view.memory_address = address_of(memory_at(world, population, index - population.first, int64(0)))


@leaf
def run_policy(world: Record, runtime: Record, index: int, population_index: int, reason: int) -> int:
    """Let a compiled policy decide and send its messages."""
    population = population_at(world, population_index)
    view = view_of(runtime, int64(0))
    out = out_of(runtime, int64(0))
    fill_view(world, view, index, population_index, reason)
    lend_memory(world, view, index, population)
    out.n = 0
    out.overflow = 0
    agent = agent_at(world, index)
    delay = _decide(runtime.policy_address[population.policy], (view, agent, out))
    if out.overflow > 0:
        world.wake_agent = index
        return STATUS_OUT_FULL
    if delay > 0 and agent.timer_ns == 0:
        set_timer(world, index, world.time_ns + min(delay, int64(LAST_NS)))
    elif delay > 0 and population.moves_timer != 0:
        move_timer(world, index, world.time_ns + min(delay, int64(LAST_NS)))
    for k in range(out.n):
        status = put_in_flight(
            world, index, int64(k), out.kind[k], out.side[k], out.price_ticks[k], out.qty_lots[k],
            out.order_id[k], out.time_in_force[k], out.flags[k], out.parent_id[k], out.leg[k], int64(0),
        )  # fmt: skip
        if status != STATUS_DONE:
            return status
        if has_details(out.kind[k], out.time_in_force[k], out.flags[k]):
            put_details(
                world, out.display_lots[k], out.min_lots[k], out.expires_ns[k], out.trigger_ticks[k], out.peg[k],
                out.self_trade[k],
            )  # fmt: skip
    return STATUS_DONE


# Entries from Python take addresses: finding the type of a record costs the dispatcher about 10 us a call, that of an
# integer 0.1.
_world_from = record_at_address(WORLD)
_runtime_from = record_at_address(RUNTIME)
_tape_from = record_at_address(TAPE)


@kernel
def run_kernel(world_address: int, runtime_address: int, tape_address: int, until_ns: int) -> int:
    """Handle events up to and including `until_ns` in the blocks at these addresses; return a Status.

    TAPE_FULL and PYTHON_WAKE are resumed by calling again; the others end the run. Nothing is half done on return: the
    tape is readable up to its cursor.
    """
    zero = int64(0)
    world, runtime = _world_from(world_address, zero), _runtime_from(runtime_address, zero)
    tape = _tape_from(tape_address, zero)
    wakes = heap_in(world, int64(world.off_wakes))
    arrivals = heap_in(world, int64(world.off_arrivals))
    while True:
        if world.cascading != 0:
            if tape.capacity - tape.cursor < rows_to_go_on(world, tape):
                return STATUS_TAPE_FULL
            ask_venue(world, runtime, world.cascading - 1, int64(0), int64(0))
            status = send_venue(world, runtime, tape)
            if status != STATUS_DONE:
                return status
            continue
        wake_ns = top_ns(wakes)
        arrival_ns = top_ns(arrivals)
        scheduled_ns = int64(NEVER)
        if world.next_scheduled < world.n_scheduled:
            scheduled_ns = int64(scheduled_at(world, int64(world.next_scheduled)).time_ns)
        scheduled_ns = min(scheduled_ns, min(int64(world.conditional_ns), int64(world.expiry_ns)))
        next_ns = min(wake_ns, min(arrival_ns, scheduled_ns))
        if next_ns > until_ns:
            world.time_ns = max(int64(world.time_ns), until_ns)
            return STATUS_DONE
        if world.event_limit > 0 and world.n_events >= world.event_limit:
            return STATUS_EVENT_LIMIT
        room = tape.capacity - tape.cursor
        if scheduled_ns == next_ns:
            if room < rows_for_venue(world, tape):
                return STATUS_TAPE_FULL
            world.time_ns = next_ns
            world.n_events += 1
            status = deliver_scheduled(world, runtime, tape)
            if world.venue != 0 and status == STATUS_DONE:
                status = send_venue(world, runtime, tape)
            if status != STATUS_DONE:
                return status
        elif arrival_ns == next_ns:
            slot = top_slot(arrivals)
            message = message_at(world, slot)
            if int64(message.gateway) & THINKING != 0:
                world.time_ns = next_ns
                pop(arrivals)
                send_thought(world, slot)
                continue
            book = book_in(world, int64(symbol_at(world, int64(message.symbol)).off_book))
            if room < rows_needed(book, tape, message):
                return STATUS_TAPE_FULL
            pop(arrivals)
            if arrivals.size > 0:
                fetch_neighbours(world, top_slot(arrivals))
            world.time_ns = next_ns
            world.n_events += 1
            status = deliver_message(world, tape, slot)
            if status != STATUS_DONE:
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
                return STATUS_PYTHON_WAKE
            status = run_policy(world, runtime, index, population_index, reason)
            if status != STATUS_DONE:
                return status


@kernel
def post(
    world_address: int, index: int, k: int, kind: int, side: int, price_ticks: int, qty_lots: int, order_id: int,
    time_in_force: int, flags: int, parent_id: int, leg: int, think_ns: int,
) -> int:  # fmt: skip
    """Send one message of a Python trader `think_ns` after its wake-up; k counts the messages of its decision."""
    return put_in_flight(
        _world_from(world_address, int64(0)), index, k, kind, side, price_ticks, qty_lots, order_id, time_in_force,
        flags, parent_id, leg, think_ns,
    )  # fmt: skip


@kernel
def detail(
    world_address: int, display_lots: int, min_lots: int, expires_ns: int, trigger_ticks: int, peg: int, self_trade: int
) -> None:
    """Add to the message just posted what its kind and flags ask for."""
    put_details(
        _world_from(world_address, int64(0)), display_lots, min_lots, expires_ns, trigger_ticks, peg, self_trade
    )  # fmt: skip


@kernel
def set_python_timer(world_address: int, index: int, delay_ns: int) -> None:
    """Start a Python trader's timer unless one is pending."""
    world = _world_from(world_address, int64(0))
    if delay_ns > 0 and agent_at(world, index).timer_ns == 0:
        set_timer(world, index, world.time_ns + min(delay_ns, int64(LAST_NS)))
