"""Messages on their way: latency, no overtaking, and the heap of arrivals."""

from __future__ import annotations

from numba import float64, int64

from lob._jit import Record, kernel, leaf
from lob.types import Flag, MessageKind
from sim.fetch import fetch_first_order
from sim.heap import LAST_NS, push
from sim.records import (
    LatencyKind,
    Status,
    account_at,
    agent_at,
    heap_in,
    message_at,
    population_at,
    slot_at,
)
from sim.rng import exp_portable, normal_quantile, raw_uniform

__all__ = ["put_in_flight"]

DONE, IN_FLIGHT_FULL = int(Status.DONE), int(Status.IN_FLIGHT_FULL)
UNIFORM, LOGNORMAL = int(LatencyKind.UNIFORM), int(LatencyKind.LOGNORMAL)
CANCEL_ALL = int(MessageKind.CANCEL_ALL)
TRACKED = int(Flag.TRACKED)
# Indices below this are the policy's own; the latency of message k of a decision uses LATENCY_INDEX + k.
LATENCY_INDEX = 1 << 20


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


@kernel
def put_in_flight(
    world: Record, index: int, k: int, kind: int, side: int, price_ticks: int, qty_lots: int, order_id: int,
    time_in_force: int, flags: int, parent_id: int, leg: int,
) -> int:  # fmt: skip
    """Send one message of an agent; messages of one agent to one symbol never overtake each other.

    It goes to the agent's own symbol, or with `leg` 1 to the one that its population watches.
    """
    if world.n_free_slots == 0:
        return IN_FLIGHT_FULL
    agent = agent_at(world, index)
    population = population_at(world, int64(agent.population))
    symbol = int64(population.watch) if leg != 0 and population.watch >= 0 else int64(population.symbol)
    account = account_at(world, index * world.n_symbols + symbol)
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
    message.symbol = symbol
    message.flags = flags | TRACKED
    message.kind = kind
    message.side = side
    message.time_in_force = time_in_force
    push(heap_in(world, int64(world.off_arrivals)), arrival, agent.key, int64(0), slot)
    if kind == CANCEL_ALL:
        fetch_first_order(world, index, symbol)
    return DONE
