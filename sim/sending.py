"""Messages on their way: what a message can hold, latency, no overtaking, and the heap of arrivals.

Policies and traders speak in 64-bit integers, a message has fewer bits. A number that does not fit becomes the end of
the message's range, which no instrument allows: the exchange then refuses the price, quantity, side, kind or time in
force for what it is, and nothing wraps into an order that nobody wanted. Flags and metaorder ids have no such end; what
is wrong with them is noted in `gateway`, and the gate refuses the message for it.

A message that its sender is still thinking about (`TraderView.think`) waits until it is sent; only then does it take
its place among the agent's messages, so that what was sent in the meantime, a kill switch above all, comes first.
"""

from __future__ import annotations

from numba import float64, int64

from lob.codes import (
    BAD_FLAGS,
    BAD_PARENT_ID,
    CANCEL_ALL,
    FOK,
    GTD,
    ICEBERG,
    INSTRUCTIONS,
    MINIMUM,
    PEGGED,
    SELF_TRADE,
    SET_PHASE,
    TRACKED,
)
from lob.compiled import Record, kernel, leaf
from lob.types import Flag
from sim.codes import LATENCY_LOGNORMAL, LATENCY_UNIFORM, STATUS_DONE, STATUS_IN_FLIGHT_FULL
from sim.fetch import fetch_first_order
from sim.heap import LAST_NS, push
from sim.records import (
    account_at,
    agent_at,
    heap_in,
    message_at,
    population_at,
    slot_at,
    symbol_at,
)
from sim.rng import exp_portable, normal_quantile, raw_uniform
from sim.venue import delay_ns

__all__ = ["has_details", "hold_back", "put_details", "put_in_flight", "send_thought"]

# Indices below this are the policy's own; the latency of message k of a decision uses LATENCY_INDEX + k.
LATENCY_INDEX = 1 << 20
ALLOWED_FLAGS = int(Flag.POST_ONLY) | TRACKED | INSTRUCTIONS
UNFIT, HELD_BACK, THINKING = 63, 64, 128
"""Bits of MESSAGE.gateway: why the gate must refuse the message, whether a speed bump has held it back already, and
whether it is yet to be sent."""
INT32, INT8 = 2**31 - 1, 127


@leaf
def latency_ns(population: Record, key: int, k: int) -> int:
    """Time from decision to arrival of message k of a decision, at least 1 ns."""
    if population.latency_kind == LATENCY_UNIFORM:
        u = raw_uniform(key, LATENCY_INDEX + k)
        delay = population.latency_a + (population.latency_b - population.latency_a) * u
    elif population.latency_kind == LATENCY_LOGNORMAL:
        z = normal_quantile(raw_uniform(key, LATENCY_INDEX + k))
        delay = population.latency_a * exp_portable(population.latency_b * z)
    else:
        delay = float64(population.latency_a)
    # Too large a float has no defined integer; nothing arrives that late.
    return max(int64(min(delay, float64(LAST_NS))), int64(1))


@leaf
def within(value: int, most: int) -> int:
    """Bring a number into -most to most."""
    return max(min(value, int64(most)), int64(-most))


@leaf
def fill_message(
    message: Record, kind: int, side: int, price_ticks: int, qty_lots: int, order_id: int, time_in_force: int,
    flags: int, parent_id: int,
) -> None:  # fmt: skip
    """Write what the sender wants into a message, without a number losing its upper bits."""
    message.order_id = order_id
    message.price_ticks = within(price_ticks, INT32)
    message.qty_lots = within(qty_lots, INT32)
    message.side = within(side, INT8)
    message.kind = kind if 0 <= kind <= 255 else 0
    message.time_in_force = time_in_force if 0 <= time_in_force <= 255 else 255
    message.parent_id = within(parent_id, INT32)
    message.flags = (flags & ALLOWED_FLAGS) | TRACKED
    unfit = int64(0)
    if flags & ~ALLOWED_FLAGS != 0:
        unfit = int64(BAD_FLAGS)
    elif message.parent_id != parent_id:
        unfit = int64(BAD_PARENT_ID)
    message.gateway = unfit


@kernel
def put_in_flight(
    world: Record, index: int, k: int, kind: int, side: int, price_ticks: int, qty_lots: int, order_id: int,
    time_in_force: int, flags: int, parent_id: int, leg: int, think_ns: int,
) -> int:  # fmt: skip
    """Send one message of an agent; messages of one agent to one symbol never overtake each other once sent.

    It goes to the agent's own symbol, or with `leg` 1 to the one that its population watches. With `think_ns` above 0
    it is sent so much later.
    """
    if world.n_free_slots == 0:
        return STATUS_IN_FLIGHT_FULL
    agent = agent_at(world, index)
    population = population_at(world, int64(agent.population))
    symbol = int64(population.watch) if leg != 0 and population.watch >= 0 else int64(population.symbol)
    account = account_at(world, index * world.n_symbols + symbol)
    account.n_in_flight += 1
    account.n_messages += 1
    population.n_messages += 1
    world.n_free_slots -= 1
    slot = int64(slot_at(world, int64(world.n_free_slots)).index)
    message = message_at(world, slot)
    fill_message(message, kind, side, price_ticks, qty_lots, order_id, time_in_force, flags, parent_id)
    message.agent = index
    message.symbol = symbol
    arrival = world.time_ns + think_ns + latency_ns(population, agent.draw_key, k)
    if think_ns > 0:
        message.time_ns = arrival
        message.gateway = int64(message.gateway) | THINKING
        # The messages of one decision are sent in their order: k ns apart, as they arrive 1 ns apart or more.
        push(heap_in(world, int64(world.off_arrivals)), world.time_ns + think_ns + k, agent.key, int64(0), slot)
    else:
        arrival = in_order(account, arrival) + delay_ns(symbol_at(world, symbol), kind)
        message.time_ns = arrival
        push(heap_in(world, int64(world.off_arrivals)), arrival, agent.key, int64(0), slot)
    if kind == CANCEL_ALL:
        fetch_first_order(world, index, symbol)
    return STATUS_DONE


@leaf
def has_details(kind: int, time_in_force: int, flags: int) -> bool:
    """Whether a message says more than kind, side, price, quantity and id."""
    return (kind > SET_PHASE) | (time_in_force > FOK) | (flags & INSTRUCTIONS != 0)


@kernel
def put_details(
    world: Record, display_lots: int, min_lots: int, expires_ns: int, trigger_ticks: int, peg: int, self_trade: int
) -> None:
    """Add to the message that has just been put in flight what its kind and flags ask for, and nothing else."""
    message = message_at(world, int64(slot_at(world, int64(world.n_free_slots)).index))
    flags, kind = int64(message.flags), int64(message.kind)
    message.display_lots = within(display_lots, INT32) if flags & ICEBERG else int64(0)
    message.min_lots = within(min_lots, INT32) if flags & MINIMUM else int64(0)
    message.expires_ns = expires_ns if message.time_in_force == GTD else int64(0)
    message.trigger_ticks = within(trigger_ticks, INT32) if kind > SET_PHASE else int64(0)
    message.peg = (peg if 0 <= peg <= 255 else int64(0)) if kind == PEGGED else int64(0)
    message.self_trade = (self_trade if 0 <= self_trade <= 255 else int64(255)) if flags & SELF_TRADE else int64(0)


@kernel
def hold_back(world: Record, slot: int, by_ns: int) -> None:
    """Let a message that has arrived arrive again so much later."""
    message = message_at(world, slot)
    message.gateway = int64(message.gateway) | HELD_BACK
    message.time_ns = world.time_ns + by_ns
    key = agent_at(world, int64(message.agent)).key
    push(heap_in(world, int64(world.off_arrivals)), int64(message.time_ns), key, int64(0), slot)


@leaf
def in_order(account: Record, arrival_ns: int) -> int:
    """Arrival of the message sent last: at least 1 ns after the one before, so that they are never simultaneous."""
    arrival = max(arrival_ns, int64(account.last_arrival_ns) + 1)
    account.last_arrival_ns = arrival
    return arrival


@kernel
def send_thought(world: Record, slot: int) -> None:
    """Send a message that has been thought about until now."""
    message = message_at(world, slot)
    index = int64(message.agent)
    message.gateway = int64(message.gateway) & UNFIT
    account = account_at(world, index * world.n_symbols + message.symbol)
    arrival = in_order(account, max(int64(message.time_ns), world.time_ns + 1))
    arrival += delay_ns(symbol_at(world, int64(message.symbol)), int64(message.kind))
    message.time_ns = arrival
    push(heap_in(world, int64(world.off_arrivals)), arrival, agent_at(world, index).key, int64(0), slot)
