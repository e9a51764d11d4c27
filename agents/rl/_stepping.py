"""The compiled loop under all environments: give the learners of many markets their actions, run on to their next look.

A learner's population is taken over: the kernel returns when one of its agents wakes, as it does for a Python trader,
but the loop that it returns to is compiled too. All learners of a market that wake at one instant see the same state
and act together: no message arrives before the next nanosecond.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import int64
from numba import types as nb_types
from numba.np.numpy_support import from_dtype

from agents.rl._learner import OBSERVED, OVER
from agents.rl.features import midpoint
from agents.rl.memory import LEARNER
from lob.blocks import address_of, record_at_address
from lob.compiled import Record, call_address, kernel
from lob.tape import TAPE
from sim.codes import STATUS_DONE, STATUS_PYTHON_WAKE, STATUS_TAPE_FULL, WAKE_TIMER
from sim.kernel import lend_memory, memory_at, run_kernel, run_policy
from sim.policy import indices
from sim.records import (
    AGENT,
    OUT,
    RUNTIME,
    VIEW,
    WORLD,
    account_at,
    agent_at,
    out_of,
    population_at,
    view_of,
)
from sim.view import fill_view

__all__ = ["ANSWERS_DUE", "FACT", "FACTS", "MARKET", "N_FACTS", "step_markets"]

ANSWERS_DUE = -1
"""Beside the kernel's Status: all else of this instant has happened, and Python traders wait for their answers."""

FACTS = (
    "time_s", "mid_ticks", "position_lots", "cash_ticks", "executed_lots", "volume_lots", "start_mid_ticks",
    "n_messages",
)  # fmt: skip
"""What is known of a learner at its decision: seconds after the open, midpoint, position, cash less fees in ticks x
lots, quantity executed so far, volume of the market, midpoint at the task's start, messages arrived in the market."""
N_FACTS = len(FACTS)
FACT = indices(None, *FACTS)
"""Columns of the facts, by name."""

MARKET: np.dtype[Any] = np.dtype(
    [
        *[(name, "<i8") for name in ("world_at", "runtime_at", "tape_at", "close_ns", "mode")],
        *[(name, "<i8") for name in ("n_awake", "n_over", "n_asking", "status")],
    ]
)
"""A market in the loop. Three addresses and the close; its mode; how many learners decide now and how many are over;
how many Python traders have asked a panel something in this instant and wait for the answer; and, where Python must
help, the kernel's Status or ANSWERS_DUE."""
GO, RESUME, ENDED = 0, 1, 2
"""Modes: act and run on; run on after the tape was emptied; nothing is left to do."""

_world_from = record_at_address(WORLD)
_runtime_from = record_at_address(RUNTIME)
_tape_from = record_at_address(TAPE)
_learner_from = record_at_address(LEARNER)
_look = call_address(nb_types.int64, from_dtype(VIEW), from_dtype(AGENT), from_dtype(OUT))


@kernel
def note_facts(world: Record, view: Record, index: int, population_index: int, facts: Any) -> None:
    """Write the facts of one learner."""
    population = population_at(world, population_index)
    account = account_at(world, index * world.n_symbols + population.symbol)
    facts[FACT.time_s] = (world.time_ns - world.open_ns) * 1e-9
    facts[FACT.mid_ticks] = midpoint(view)
    facts[FACT.position_lots] = account.position_lots
    facts[FACT.cash_ticks] = account.cash_ticks - account.fees_ticks - account.fees_nano * 1e-9
    facts[FACT.executed_lots] = account.bought_lots + account.sold_lots
    facts[FACT.volume_lots] = view.volume_lots
    facts[FACT.start_mid_ticks] = agent_at(world, index).state[0]
    facts[FACT.n_messages] = world.n_messages


@kernel
def run_on(
    world: Record, runtime: Record, tape: Record, row: Any, population_index: int, look: int, keep_tape: int,
    facts: Any, awake: Any, over: Any,
) -> int:  # fmt: skip
    """Run one market until its learners decide or all are over; TAPE_FULL, PYTHON_WAKE, ANSWERS_DUE ask for help."""
    population = population_at(world, population_index)
    count = int64(population.count)
    view, out = view_of(runtime, int64(0)), out_of(runtime, int64(0))
    while True:
        stays = row.n_awake > 0 or row.n_over >= count or row.n_asking > 0
        until = int64(world.time_ns) if stays else int64(row.close_ns)
        status = run_kernel(int64(row.world_at), int64(row.runtime_at), int64(row.tape_at), until)
        if status == STATUS_TAPE_FULL:
            if keep_tape > 0 or tape.cursor == 0 or tape.asked != 0:
                return int64(STATUS_TAPE_FULL)
            tape.cursor = 0
            continue
        if status == STATUS_DONE:
            if row.n_asking > 0:
                return int64(ANSWERS_DUE)
            if row.n_awake == 0:  # the close, or nobody is left
                row.mode = ENDED
            return int64(STATUS_DONE)
        if status != STATUS_PYTHON_WAKE:
            return int64(status)
        index = int64(world.wake_agent)
        rank = index - population.first
        if rank < 0 or rank >= count:
            return int64(STATUS_PYTHON_WAKE)  # some Python trader of the scenario's own
        lend_memory(world, view, index, population)
        verdict = _look(look, (view, agent_at(world, index), out))
        note_facts(world, view, index, population_index, facts[rank])
        if verdict == OBSERVED:
            row.n_awake += 1
            awake[rank] = True
            continue
        if verdict == OVER:
            if not over[rank]:
                over[rank] = True
                row.n_over += 1
            continue
        status = run_policy(world, runtime, index, population_index, int64(view.reason))
        if status != STATUS_DONE:
            return int64(status)


@kernel
def step_markets(
    markets: Any, first: int, last: int, population_index: int, look: int, keep_tape: int, features: Any, actions: Any,
    observations: Any, facts: Any, awake: Any, over: Any,
) -> int:  # fmt: skip
    """Step some markets.

    Args:
        markets: (n,) of dtype MARKET.
        first: number of the first market to step.
        last: number after the last one.
        population_index: of the learners, in every market.
        look: address of the task's `observe`; the runtime holds that of `act`.
        keep_tape: 1: return when a tape is full, 0: overwrite it.
        features: int64 (f,), cells of the observed features in the learners' memory.
        actions: float64 (n, k, 2) of k learners.
        observations: float32 (n, k, f), written.
        facts: float64 (n, k, N_FACTS), written.
        awake: bool (n, k), who decides now, written.
        over: bool (n, k), whose task is over, written.

    Returns:
        -1, or the number of the market that needs attention; its mode then holds RESUME, its status why.
    """
    for m in range(first, last):
        row = markets[m]
        if row.mode == ENDED:
            continue
        world = _world_from(int64(row.world_at), int64(0))
        runtime = _runtime_from(int64(row.runtime_at), int64(0))
        tape = _tape_from(int64(row.tape_at), int64(0))
        population = population_at(world, population_index)
        if row.mode == GO:
            for rank in range(population.count):
                if not awake[m, rank]:
                    continue
                awake[m, rank] = False
                cells = address_of(memory_at(world, population, int64(rank), int64(0)))
                action = _learner_from(cells, int64(0)).action
                action[0], action[1] = actions[m, rank, 0], actions[m, rank, 1]
                status = run_policy(world, runtime, int64(population.first + rank), population_index, int64(WAKE_TIMER))
                if status != STATUS_DONE:
                    row.status = status
                    return m
            row.n_awake = 0
            row.mode = RESUME
        status = run_on(world, runtime, tape, row, population_index, look, keep_tape, facts[m], awake[m], over[m])
        if status != STATUS_DONE:
            row.status = status
            return m
        if row.mode != ENDED:
            row.mode = GO
        for rank in range(population.count):
            for f in range(len(features)):
                cell = memory_at(world, population, int64(rank), features[f])
                observations[m, rank, f] = cell.value
        if row.mode == ENDED:
            # What learners hold at the end is valued now, not at their last look.
            view = view_of(runtime, int64(0))
            for rank in range(population.count):
                index = int64(population.first + rank)
                fill_view(world, view, index, population_index, int64(0))
                note_facts(world, view, index, population_index, facts[m, rank])
    return int64(-1)
