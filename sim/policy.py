"""Compiled policies: how to write an agent of which thousands to millions trade.

A policy is a settings class and one function, `decide(view, agent, out) -> int`. The kernel fills `view` with what
the policy declares, calls `decide`, and sends what it put into `out`. The return value is the delay in ns until the
next timer wake-up (0: none). When the wake-up was triggered by the market, a positive value starts a timer only if
none is pending: timers never depend on how often the market woke the agent.

Draws go through `uniform`, `normal`, `exponential` with an index per purpose, so that each is a pure function of the
seed, the agent and its decision; see sim/rng.py.
"""

from __future__ import annotations

import functools
from collections import namedtuple
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import carray, int64
from numba import types as nb_types
from numba.core.errors import TypingError
from numba.core.registry import CPUDispatcher
from numba.extending import intrinsic, overload
from numba.np.numpy_support import from_dtype

from lob.codes import CANCEL, CANCEL_ALL, FOK, IOC, LIMIT, MARKET, REDUCE, REPLACE, SET_PHASE
from lob.compiled import Record, function_address, kernel, leaf
from lob.types import CLIENT_ID_BITS
from sim.distributions import Settings, number_fields
from sim.records import AGENT, MAX_OUT, N_PARAMS, N_STATE, OUT, VIEW, Needs, Wake
from sim.rng import exponential, normal, uniform

__all__ = [
    "Policy",
    "Settings",
    "block",
    "decision",
    "exponential",
    "indices",
    "memory",
    "normal",
    "own_order_id",
    "send_cancel",
    "send_cancel_all",
    "send_limit",
    "send_market",
    "send_reduce",
    "send_replace",
    "to_watched",
    "uniform",
]


DECIDE_ARGUMENTS = (from_dtype(VIEW), from_dtype(AGENT), from_dtype(OUT))


def decision(function: Callable[..., Any]) -> Any:
    """Compile a policy's `decide` (or a helper of it)."""
    return kernel(function)


def indices(settings: type[Settings] | None = None, *state: str) -> Any:
    """Return a named tuple of positions: of a settings class in `agent.params`, or of names in `agent.state`."""
    names = number_fields(settings) if settings is not None else list(state)
    limit = N_PARAMS if settings is not None else N_STATE
    if len(names) > limit:
        raise ValueError(f"{len(names)} fields {names}; allowed: at most {limit}")
    return namedtuple("Indices", names)(*range(len(names)))


NOTHING = Needs(0)
NEVER = Wake(0)


@dataclass(frozen=True)
class Policy:
    """A kind of agent.

    Attributes:
        settings: pydantic class; its fields, in order, fill `agent.params` (numbers or distributions of them).
        decide: the compiled function.
        needs: what of the view beyond the touch is filled.
        wakes_on: market events that wake the agents (START and TIMER always do).
        block: returns the read-only float64 block of a population from its settings; None: no block.
        memory: number of float64 cells, zero at first, that each agent has to itself beyond `agent.state`, or a
            function that returns it from the settings; see `memory`.
        moves_timer: a positive delay returned from a wake-up by the market moves a pending timer instead of leaving it.
            Such an agent's timers depend on the market: use it where every decision looks at all that has happened.
        needs_moving_value: it trades on what it knows of the value before others do; where the value never moves it
            knows nothing, and a scenario says so.
    """

    settings: type[Settings]
    decide: Any
    needs: Needs = NOTHING
    wakes_on: Wake = NEVER
    block: Callable[[Any], np.ndarray[Any, Any]] | None = None
    memory: int | Callable[[Any], int] = 0
    moves_timer: bool = False
    needs_moving_value: bool = False

    def __post_init__(self) -> None:
        """Check the parts; raise TypeError or ValueError in words."""
        if not isinstance(self.decide, CPUDispatcher):
            raise TypeError("decide is not compiled; put @decision above it")
        indices(self.settings)

    def memory_cells(self, settings: Any) -> int:
        """Return the number of cells of each agent's memory."""
        return int(self.memory(settings)) if callable(self.memory) else self.memory

    def address(self) -> int:
        """Compile `decide` and return its address; raise TypeError if it does not always return an integer."""
        return _address(self.decide)


@functools.cache
def _address(decide: Any) -> int:
    address = function_address(decide, *DECIDE_ARGUMENTS)
    returned = nb_types.unliteral(decide.overloads[DECIDE_ARGUMENTS].signature.return_type)
    if returned != nb_types.int64:  # the kernel would read the bits of another type as a number of ns
        raise TypeError(f"decide returns {returned}; it must return an int (ns, 0: no timer) on every path")
    return address


def _whole(number: int) -> int:
    """Return a number of a message; compiled code refuses another type, of which it would cut off the fraction."""
    return number


@overload(_whole)
def _compiled_whole(number: Any) -> Any:
    def as_it_is(number: Any) -> Any:
        return number

    if isinstance(number, nb_types.Omitted):  # an argument left at its default
        default = int(number.value)

        def by_default(number: Any) -> Any:
            return default

        return by_default
    if not isinstance(number, nb_types.Integer | nb_types.Boolean):
        raise TypingError(f"a number of a message is a {number}; allowed: integers (int, floor and round make them)")
    return as_it_is


@leaf
def _next(out: Record) -> int:
    """Row for the next message; when full, the overflow is counted and the last row is overwritten."""
    if out.n >= MAX_OUT:
        out.overflow += 1
        return int64(MAX_OUT - 1)
    out.n += 1
    return int64(out.n - 1)


@leaf
def _put(
    out: Record, kind: int, side: int, price_ticks: int, qty_lots: int, order_id: int, tif: int, flags: int, parent: int
) -> None:
    k = _next(out)
    out.kind[k] = _whole(kind)
    out.side[k] = _whole(side)
    out.price_ticks[k] = _whole(price_ticks)
    out.qty_lots[k] = _whole(qty_lots)
    out.order_id[k] = _whole(order_id)
    out.time_in_force[k] = _whole(tif)
    out.flags[k] = _whole(flags)
    out.parent_id[k] = _whole(parent)
    out.leg[k] = 0
    # What an earlier decision left there is not this one's.
    if (kind > SET_PHASE) | (tif > FOK) | (flags != 0):
        out.display_lots[k] = 0
        out.min_lots[k] = 0
        out.expires_ns[k] = 0
        out.trigger_ticks[k] = 0
        out.peg[k] = 0
        out.self_trade[k] = 0


@leaf
def to_watched(out: Record) -> None:
    """Send the last message to the watched symbol instead of the agent's own."""
    if out.n > 0:
        out.leg[out.n - 1] = 1


@leaf
def own_order_id(view: Record, number: int) -> int:
    """Order id of the agent's own choice, to be given to `send_limit` and used in cancels before it has been heard of.

    Args:
        view: the agent's view.
        number: 1 to 2^38 - 1; not that of an order that still rests.
    """
    return ((view.agent + 1) << CLIENT_ID_BITS) + int64(_whole(number))


@leaf
def send_limit(
    out: Record,
    side: int,
    price_ticks: int,
    qty_lots: int,
    tif: int = 0,
    flags: int = 0,
    parent_id: int = 0,
    order_id: int = 0,
) -> None:
    """Send a limit order; side +1 buy, -1 sell; `flags` may be POST_ONLY; `order_id` 0 or from `own_order_id`.

    A number that no message can hold is refused by the exchange like any other out of range; see sim/sending.py.
    """
    _put(
        out,
        int64(LIMIT),
        side,
        price_ticks,
        qty_lots,
        order_id,
        tif,
        flags,
        parent_id,
    )


@leaf
def send_market(out: Record, side: int, qty_lots: int, parent_id: int = 0) -> None:
    """Send a market order; what cannot be filled at once expires."""
    _put(out, int64(MARKET), side, int64(0), qty_lots, int64(0), int64(IOC), int64(0), parent_id)


@leaf
def send_cancel(out: Record, order_id: int) -> None:
    """Withdraw one own order."""
    _put(out, int64(CANCEL), int64(0), int64(0), int64(0), order_id, int64(0), int64(0), int64(0))


@leaf
def send_cancel_all(out: Record) -> None:
    """Withdraw all own orders in the symbol."""
    _put(out, int64(CANCEL_ALL), int64(0), int64(0), int64(0), int64(0), int64(0), int64(0), int64(0))


@leaf
def send_reduce(out: Record, order_id: int, by_lots: int) -> None:
    """Take quantity away from an own order, which keeps its place."""
    _put(out, int64(REDUCE), int64(0), int64(0), by_lots, order_id, int64(0), int64(0), int64(0))


@leaf
def send_replace(out: Record, order_id: int, price_ticks: int, qty_lots: int, flags: int = 0) -> None:
    """Give an own order a new price and open quantity."""
    _put(
        out,
        int64(REPLACE),
        int64(0),
        price_ticks,
        qty_lots,
        order_id,
        int64(0),
        flags,
        int64(0),
    )


@intrinsic
def _void_pointer(typingctx: Any, address: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.inttoptr(args[0], context.get_value_type(nb_types.voidptr))

    return nb_types.voidptr(nb_types.int64), codegen


def block(view: Any) -> np.ndarray[Any, Any]:
    """Return the population's read-only block as a float64 array (inside a policy, or in plain Python)."""
    import ctypes

    count = int(view.n_block)
    pointer = ctypes.cast(int(view.block_address), ctypes.POINTER(ctypes.c_double))
    return np.ctypeslib.as_array(pointer, shape=(count,))


@overload(block)
def _compiled_block(view: Any) -> Any:
    def implementation(view: Any) -> Any:
        return carray(_void_pointer(int64(view.block_address)), (int64(view.n_block),), np.float64)

    return implementation


def memory(view: Any) -> np.ndarray[Any, Any]:
    """Return the agent's own memory as a float64 array to read and write (inside a policy, or in plain Python)."""
    import ctypes

    pointer = ctypes.cast(int(view.memory_address), ctypes.POINTER(ctypes.c_double))
    return np.ctypeslib.as_array(pointer, shape=(int(view.n_memory),))


@overload(memory)
def _compiled_memory(view: Any) -> Any:
    def implementation(view: Any) -> Any:
        return carray(_void_pointer(int64(view.memory_address)), (int64(view.n_memory),), np.float64)

    return implementation
