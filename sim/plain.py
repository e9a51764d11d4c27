"""A compiled policy run as plain Python: every index is checked, and only what was declared can be read.

Compiled code reads past the end of an array without a word, and finds in an undeclared field of the view what some
other agent left there. The twin made here runs the same source in the interpreter, its helpers included.
"""

from __future__ import annotations

from collections.abc import Callable
from types import CellType, FunctionType
from typing import Any

import numpy as np
from numba.core.registry import CPUDispatcher

from lob.codes import LIMIT, MARKET
from lob.types import DETAIL_FIELDS, TimeInForce
from sim import lookup
from sim import policy as public
from sim.records import MAX_OUT, VIEW, Needs, Wake
from sim.rng import exponential, normal, normal_quantile, raw_uniform, uniform
from sim.sending import LATENCY_INDEX

__all__ = ["PlainView", "plain_python", "record_of", "spelled"]

_COUNTS = {"own": "n_own", "bid": "n_bid_levels", "ask": "n_ask_levels", "trade": "n_recent"}
_ARRAYS = {name: _COUNTS[name.split("_")[0]] for name in VIEW.names or () if VIEW[name].shape}
_NEEDS = {
    **{name: Needs.OWN | Needs.QUEUE for name in (*_ARRAYS, "n_own") if name.startswith(("own", "n_own"))},
    "own_ahead_lots": Needs.QUEUE,
    **{name: Needs.DEPTH for name in (*_ARRAYS, "n_bid_levels", "n_ask_levels") if "depth" in name or "levels" in name},
    **dict.fromkeys(("trade_ticks", "trade_lots", "n_recent"), Needs.TRADES),
    "signal": Needs.SIGNAL,
    "book_address": Needs.BOOK,
    **dict.fromkeys(("history_address", "n_history"), Needs.HISTORY),
}
"""Fields of the view that are filled for those who ask, and what they must declare."""


def spelled(flags: Needs | Wake) -> str:
    """Return flags as one would write them: "TIMER | FILL"."""
    return " | ".join(str(flag.name) for flag in type(flags) if flag & flags)


class PlainView:
    """A view that refuses to be written, and to show what the policy has not declared or what is not filled."""

    __slots__ = ("_needs", "_record")

    def __init__(self, record: Any, needs: Needs) -> None:
        object.__setattr__(self, "_record", record)
        object.__setattr__(self, "_needs", needs)

    def __getattr__(self, name: str) -> Any:
        """Return a number, or the filled part of an array."""
        if name not in (VIEW.names or ()):
            raise AttributeError(f"view has no field {name}; it has {', '.join(VIEW.names or ())}")
        needed = _NEEDS.get(name)
        if needed is not None and not needed & self._needs:
            raise AttributeError(f"view.{name} is filled only if the policy declares needs = {spelled(needed)}")
        value = self._record[name]
        if name not in _ARRAYS:
            return value.item()
        filled = value[: int(self._record[_ARRAYS[name]])].view()
        filled.flags.writeable = False
        return filled

    def __setattr__(self, name: str, value: Any) -> None:
        """Refuse."""
        raise AttributeError(f"decide writes view.{name}; a view is for reading")


def record_of(row: np.ndarray[Any, Any]) -> Any:
    """Return the only record of an array of length 1, with its fields as attributes; writes go to the array."""
    return row.view(np.recarray)[0]


def _checked_index(index: int) -> int:
    if not 0 <= index < LATENCY_INDEX:
        raise ValueError(f"index of a draw = {index}; allowed: 0 to {LATENCY_INDEX - 1}")
    return index


def _uniform(agent: Any, index: int) -> float:
    return float(raw_uniform(agent.draw_key, _checked_index(index)))


def _normal(agent: Any, index: int) -> float:
    return float(normal_quantile(_uniform(agent, index)))


def _exponential(agent: Any, index: int, mean: float) -> float:
    return float(exponential(agent, _checked_index(index), mean))


def _put(
    out: Any, kind: int, side: int, price_ticks: int, qty_lots: int, order_id: int, tif: int, flags: int, parent: int
) -> None:
    fields = {
        "kind": kind,
        "side": side,
        "price_ticks": price_ticks,
        "qty_lots": qty_lots,
        "order_id": order_id,
        "time_in_force": tif,
        "flags": flags,
        "parent_id": parent,
    }
    if out.n >= MAX_OUT:
        raise IndexError(f"more than {MAX_OUT} messages in one decision")
    for name, value in fields.items():
        if isinstance(value, bool | np.bool) or not isinstance(value, int | np.integer):
            raise TypeError(f"a message with {name} = {value!r}; allowed: an integer")
        limit = 2**63 if name == "order_id" else 2**31
        if not -limit < value < limit:
            raise ValueError(f"a message with {name} = {value}; allowed: integers of {limit.bit_length()} bits")
    if kind in (LIMIT, MARKET) and side not in (-1, 1):
        raise ValueError(f"an order with side = {side}; allowed: 1 (buy) and -1 (sell)")
    if tif not in tuple(TimeInForce):
        raise ValueError(f"an order with time_in_force = {tif}; allowed: {', '.join(map(str, TimeInForce))}")
    for name, value in fields.items():
        out[name][out.n] = value
    for name in ("leg", *DETAIL_FIELDS):
        out[name][out.n] = 0
    out.n += 1


def _level_lots(view: Any, side: int, price_ticks: int) -> int:
    return int(lookup.level_lots_in(view.book_address, int(side), int(price_ticks)))


def _next_level_ticks(view: Any, side: int, price_ticks: int) -> int:
    return int(lookup.next_level_in(view.book_address, int(side), int(price_ticks)))


def _own_count_at(view: Any, side: int, price_ticks: int) -> int:
    return int(lookup.own_at(view.book_address, view.agent, int(side), int(price_ticks), -1))


def _own_order_at(view: Any, side: int, price_ticks: int, rank: int) -> int:
    if rank < 0:
        return 0
    return int(lookup.own_at(view.book_address, view.agent, int(side), int(price_ticks), int(rank)))


def _own_lots(view: Any, order_id: int) -> int:
    return int(lookup.own_lots_in(view.book_address, view.agent, int(order_id)))


_REPLACED: dict[Any, Callable[..., Any]] = {
    uniform: _uniform,
    normal: _normal,
    exponential: _exponential,
    public._put: _put,
    lookup.level_lots: _level_lots,
    lookup.next_level_ticks: _next_level_ticks,
    lookup.own_count_at: _own_count_at,
    lookup.own_order_at: _own_order_at,
    lookup.own_lots: _own_lots,
}


def plain_python(function: Any, made: dict[Any, Any] | None = None) -> Callable[..., Any]:
    """Return the plain Python twin of a compiled function: its compiled helpers are replaced by their twins.

    Args:
        function: a function compiled with `decision`. Arithmetic helpers of lob/ and sim/rng.py stay compiled.
        made: twins that exist already, by their compiled function; those made here are added.
    """
    made = {} if made is None else made
    if function in made:
        return made[function]
    source = function.py_func
    names = dict(source.__globals__)
    cells = tuple(CellType() for _ in source.__closure__ or ())
    twin = FunctionType(source.__code__, names, source.__name__, source.__defaults__, cells or None)
    twin.__kwdefaults__ = source.__kwdefaults__
    made[function] = twin

    def replaced(value: Any) -> Any:
        if not isinstance(value, CPUDispatcher):
            return value
        if value in made:
            return made[value]
        if value in _REPLACED:
            return _REPLACED[value]
        module = value.py_func.__module__
        if module.split(".")[0] == "lob" or module == "sim.rng":
            return value
        return plain_python(value, made)

    for name in source.__code__.co_names:
        if name in names:
            names[name] = replaced(names[name])
    for cell, original in zip(cells, source.__closure__ or (), strict=True):
        cell.cell_contents = replaced(original.cell_contents)
    return twin
