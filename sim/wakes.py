"""Wake-ups: timers, and triggers by the market to those who subscribed."""

from __future__ import annotations

from numba import int64

from lob.compiled import Record, kernel, leaf
from sim.codes import WAKE_START
from sim.heap import LAST_NS, push, remove
from sim.records import agent_at, heap_in, population_at

__all__ = ["move_timer", "notify_owner", "set_timer", "start_agents", "wake_agent", "wake_subscribers"]


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
def move_timer(world: Record, index: int, time_ns: int) -> None:
    """Schedule the pending timer of an agent anew."""
    remove(heap_in(world, int64(world.off_wakes)), int64(0), index)
    set_timer(world, index, time_ns)


@kernel
def wake_subscribers(world: Record, symbol_index: int, reasons: int) -> None:
    """Wake every agent of the populations that subscribed to one of the reasons and trade or watch this symbol."""
    for p in range(world.n_populations):
        population = population_at(world, int64(p))
        hit = population.wakes_on & reasons
        if hit != 0 and (population.symbol == symbol_index or population.watch == symbol_index):
            time_ns = world.time_ns + population.reaction_ns
            for k in range(population.count):
                wake_agent(world, population.first + k, hit, time_ns)


@leaf
def notify_owner(world: Record, index: int, reason: int) -> None:
    """Wake the owner of an order if its population asked for this kind of report."""
    population = population_at(world, int64(agent_at(world, index).population))
    if population.wakes_on & reason:
        wake_agent(world, index, reason, world.time_ns + population.reaction_ns)


@kernel
def start_agents(world: Record) -> None:
    """Give every agent its START wake-up at the open."""
    for index in range(world.n_agents):
        wake_agent(world, int64(index), WAKE_START, int64(world.open_ns))
