"""The compiled loop under all environments: give the learners of many markets their actions, run on to their next look.

A learner's population is taken over: the kernel returns when one of its agents wakes, as it does for a Python trader,
but the loop that it returns to is compiled too. All learners of a market that wake at one instant see the same state
and act together: no message arrives before the next nanosecond.
"""

from __future__ import annotations

from typing import Any

from numba import int64
from numba import types as nb_types
from numba.np.numpy_support import from_dtype

from agents.rl._learner import ACTION, FEATURE_CELLS, OBSERVED, OVER
from agents.rl.features import midpoint
from lob.blocks import record_at_address
from lob.compiled import Record, call_address, kernel
from lob.tape import TAPE
from sim.codes import STATUS_DONE, STATUS_PYTHON_WAKE, STATUS_TAPE_FULL, WAKE_TIMER
from sim.kernel import lend_memory, memory_at, run_events, run_policy
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

__all__ = ["ANSWERS_DUE", "FACTS", "N_FACTS", "step_markets"]

ANSWERS_DUE = -1
"""Beside the kernel's Status: all else of this instant has happened, and Python traders wait for their answers."""

FACTS = (
    "time_s", "mid_ticks", "position_lots", "cash_ticks", "executed_lots", "volume_lots", "start_mid_ticks",
    "n_messages",
)  # fmt: skip
"""What is known of a learner at its decision: seconds after the open, midpoint, position, cash less fees in ticks x
lots, quantity executed so far, volume of the market, midpoint at the task's start, messages arrived in the market."""
N_FACTS = len(FACTS)
TIME_S, MID, POSITION, CASH, EXECUTED, VOLUME, START_MID, N_MESSAGES = range(N_FACTS)

WORLD_AT, RUNTIME_AT, TAPE_AT, CLOSE, MODE, WAITING, N_OVER, CURSOR, N_ASKED = range(9)
N_CELLS = 9
"""Columns of a market's row: three addresses, the close, the mode, and where it stands; N_ASKED is the number of Python
traders that asked a panel something in this instant and wait for the answer."""
GO, RESUME, ENDED = 0, 1, 2
"""Modes: act and run on; run on after the tape was emptied; nothing is left to do."""

_world_from = record_at_address(WORLD)
_runtime_from = record_at_address(RUNTIME)
_tape_from = record_at_address(TAPE)
_look = call_address(nb_types.int64, from_dtype(VIEW), from_dtype(AGENT), from_dtype(OUT))


@kernel
def note_facts(world: Record, view: Record, index: int, population_index: int, facts: Any) -> None:
    """Write the facts of one learner."""
    population = population_at(world, population_index)
    account = account_at(world, index * world.n_symbols + population.symbol)
    facts[TIME_S] = (world.time_ns - world.open_ns) * 1e-9
    facts[MID] = midpoint(view)
    facts[POSITION] = account.position_lots
    facts[CASH] = account.cash_ticks - account.fees_ticks - account.fees_nano * 1e-9
    facts[EXECUTED] = account.bought_lots + account.sold_lots
    facts[VOLUME] = view.volume_lots
    facts[START_MID] = agent_at(world, index).state[0]
    facts[N_MESSAGES] = world.n_messages


@kernel
def run_on(
    world: Record, runtime: Record, tape: Record, row: Any, population_index: int, look: int, keep_tape: int,
    features: Any, observations: Any, facts: Any, awake: Any, over: Any,
) -> int:  # fmt: skip
    """Run one market until its learners decide or all are over; TAPE_FULL, PYTHON_WAKE, ANSWERS_DUE ask for help."""
    population = population_at(world, population_index)
    count = int64(population.count)
    view, out = view_of(runtime, int64(0)), out_of(runtime, int64(0))
    while True:
        stays = row[WAITING] > 0 or row[N_OVER] >= count or row[N_ASKED] > 0
        until = int64(world.time_ns) if stays else int64(row[CLOSE])
        status = run_events(world, runtime, tape, until)
        if status == STATUS_TAPE_FULL:
            if keep_tape > 0 or tape.cursor == 0:
                return int64(STATUS_TAPE_FULL)
            tape.cursor = 0
            continue
        if status == STATUS_DONE:
            if row[N_ASKED] > 0:
                return int64(ANSWERS_DUE)
            if row[WAITING] == 0:  # the close, or nobody is left
                row[MODE] = ENDED
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
            row[WAITING] += 1
            awake[rank] = True
            continue
        if verdict == OVER:
            if not over[rank]:
                over[rank] = True
                row[N_OVER] += 1
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
        markets: int64 (n, N_CELLS).
        first: number of the first market to step.
        last: number after the last one.
        population_index: of the learners, in every market.
        look: address of the task's `observe`; the runtime holds that of `act`.
        keep_tape: 1: return when a tape is full, 0: overwrite it.
        features: int64 (f,), positions of the observed features.
        actions: float64 (n, k, 2) of k learners.
        observations: float32 (n, k, f), written.
        facts: float64 (n, k, N_FACTS), written.
        awake: bool (n, k), who decides now, written.
        over: bool (n, k), whose task is over, written.

    Returns:
        -1, or the number of the market that needs attention; its mode then holds RESUME, its cursor the Status.
    """
    for m in range(first, last):
        row = markets[m]
        if row[MODE] == ENDED:
            continue
        world = _world_from(int64(row[WORLD_AT]), int64(0))
        runtime = _runtime_from(int64(row[RUNTIME_AT]), int64(0))
        tape = _tape_from(int64(row[TAPE_AT]), int64(0))
        population = population_at(world, population_index)
        if row[MODE] == GO:
            for rank in range(population.count):
                if not awake[m, rank]:
                    continue
                awake[m, rank] = False
                memory_at(world, population, int64(rank), int64(ACTION)).value = actions[m, rank, 0]
                memory_at(world, population, int64(rank), int64(ACTION + 1)).value = actions[m, rank, 1]
                status = run_policy(world, runtime, int64(population.first + rank), population_index, int64(WAKE_TIMER))
                if status != STATUS_DONE:
                    row[CURSOR] = status
                    return m
            row[WAITING] = 0
            row[MODE] = RESUME
        status = run_on(
            world, runtime, tape, row, population_index, look, keep_tape, features, observations[m], facts[m], awake[m],
            over[m],
        )  # fmt: skip
        if status != STATUS_DONE:
            row[CURSOR] = status
            return m
        if row[MODE] != ENDED:
            row[MODE] = GO
        for rank in range(population.count):
            for f in range(len(features)):
                cell = memory_at(world, population, int64(rank), int64(FEATURE_CELLS) + features[f])
                observations[m, rank, f] = cell.value
        if row[MODE] == ENDED:
            # What learners hold at the end is valued now, not at their last look.
            view = view_of(runtime, int64(0))
            for rank in range(population.count):
                index = int64(population.first + rank)
                fill_view(world, view, index, population_index, int64(0))
                note_facts(world, view, index, population_index, facts[m, rank])
    return int64(-1)
