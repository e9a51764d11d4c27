"""Opening an agent's memory, or its population's block, as a record with named fields.

`memory` and `block` of sim.policy give bare float64 cells. A policy that remembers more than a few numbers declares a
NumPy dtype instead and opens the cells as one record of it, the same in compiled code and in plain Python:

    STATE = np.dtype([("due_ns", "<f8"), ("births_ns", "<f8", (1000,))])
    state_of = memory_record(STATE)          # state_of(view).due_ns, state_of(view).births_ns[k]
    policy = Policy(Settings, decide, memory=cells_of(STATE))

Nothing checks that the memory is as long as the record: give `Policy` at least `cells_of(dtype)` cells.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import int64
from numba.extending import overload

from lob.blocks import record_at_address
from sim.world import World

__all__ = ["block_record", "cells_of", "memory_of", "memory_record"]


def cells_of(dtype: np.dtype[Any]) -> int:
    """Return the float64 cells that a record takes."""
    return -(-dtype.itemsize // 8)


def memory_record(dtype: np.dtype[Any]) -> Callable[[Any], Any]:
    """Return a function of a view that opens the agent's own memory as a record of this dtype, to read and write.

    Fields of a memory are float64 ("<f8"), plain or in arrays: `check_policy` looks for NaN in every cell.
    """
    return _opener(dtype, "memory_address")


def memory_of(world: World, agent: int, dtype: np.dtype[Any]) -> Any:
    """Return an agent's memory in a world, as a record that reads and writes it: for tests and measurements."""
    population = int(world.agents["population"][agent])
    cells = world.memory_of(population)[agent - int(world.population_rows["first"][population])]
    return cells[: cells_of(dtype)].view(dtype).view(np.recarray)[0]


def block_record(dtype: np.dtype[Any]) -> Callable[[Any], Any]:
    """Return a function of a view that opens the beginning of the population's read-only block as a record."""
    return _opener(dtype, "block_address")


def _opener(dtype: np.dtype[Any], address_field: str) -> Callable[[Any], Any]:
    record_at = record_at_address(dtype)

    def opened(view: Any) -> Any:
        address = int(getattr(view, address_field))
        buffer = (ctypes.c_char * dtype.itemsize).from_address(address)
        return np.frombuffer(memoryview(buffer), dtype).view(np.recarray)[0]

    if address_field == "memory_address":

        @overload(opened)
        def compiled_memory(view: Any) -> Any:
            def implementation(view: Any) -> Any:
                return record_at(int64(view.memory_address), int64(0))

            return implementation
    else:

        @overload(opened)
        def compiled_block(view: Any) -> Any:
            def implementation(view: Any) -> Any:
                return record_at(int64(view.block_address), int64(0))

            return implementation

    return opened
