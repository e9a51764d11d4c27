"""Accounts as the tape tells them: positions, cash and the value traded, all exact (compiled)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import int64

from lob.compiled import leaf
from sim.audit.state import State

__all__ = ["account_of", "exact", "reserve", "settle", "settle_half"]


@leaf
def account_of(state: State, agent: int, symbol: int) -> Any:
    """Return the account of an agent in an instrument."""
    return state.accounts[agent * len(state.symbols) + symbol]


@leaf
def settle(state: State, agent: int, symbol: int, side: int, price_ticks: int, lots: int, is_taker: bool) -> None:
    """Book one side of an execution."""
    account = account_of(state, agent, symbol)
    account.position_lots += side * lots
    account.n_fills += 1
    if side > 0:
        account.bought_lots += lots
    else:
        account.sold_lots += lots
    paid = side * price_ticks * lots
    account.cash_high -= paid >> 32
    account.cash_low -= paid & 0xFFFFFFFF
    value = abs(paid)
    if is_taker:
        account.taker_lots += lots
        account.taker_high += value >> 32
        account.taker_low += value & 0xFFFFFFFF
    else:
        account.maker_lots += lots
        account.maker_high += value >> 32
        account.maker_low += value & 0xFFFFFFFF


@leaf
def settle_half(state: State, agent: int, symbol: int, side: int, lots: int, is_taker: bool) -> None:
    """Book what the half tick of a midpoint adds to `settle`; `cash_half` is 1 if half a tick x lot is left over."""
    account = account_of(state, agent, symbol)
    halves = int64(account.cash_half) - side * lots
    account.cash_low += halves >> 1
    account.cash_half = halves & 1
    if is_taker:
        account.taker_low += lots >> 1
    else:
        account.maker_low += lots >> 1


@leaf
def reserve(state: State, agent: int, symbol: int, side: int, lots: int, orders: int) -> None:
    """Change what an agent has at rest; `side` 1 or -1."""
    account = account_of(state, agent, symbol)
    if side > 0:
        account.open_buy_lots += lots
    else:
        account.open_sell_lots += lots
    account.n_open += orders
    state.agents[agent].n_open += int64(orders)


def exact(accounts: Any, name: str) -> Any:
    """Return the sums `name` (cash, maker or taker) of some accounts as Python integers, in ticks x lots.

    Returns an object array of the shape of `accounts`.
    """
    return accounts[f"{name}_high"].astype(object) * 2**32 + accounts[f"{name}_low"].astype(object)


def as_float(accounts: Any, name: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the same as floats."""
    return accounts[f"{name}_high"] * 2.0**32 + accounts[f"{name}_low"]
