"""What accounts hold and are worth, as numbers: the one place that puts together what their words say."""

from __future__ import annotations

from typing import Any

import numpy as np

from lob.types import NO_PRICE
from sim.records import TURNOVER_WORD
from sim.world import World

__all__ = ["cash_ticks", "fees_ticks", "marks_ticks", "pnl_of_agents", "pnl_ticks", "turnover_ticks"]

Floats = np.ndarray[Any, np.dtype[np.float64]]


def fees_ticks(accounts: Any) -> Floats:
    """Return the fees paid (rebates: negative) of ACCOUNT rows of any shape, in ticks x lots."""
    return np.asarray(accounts["fees_ticks"] + accounts["fees_nano"] * 1e-9)


def turnover_ticks(accounts: Any) -> Floats:
    """Return the traded value of ACCOUNT rows of any shape, in ticks x lots."""
    return np.asarray(accounts["turnover_carry"] * float(TURNOVER_WORD) + accounts["turnover_ticks"])


def cash_ticks(accounts: Any) -> Floats:
    """Return the cash of ACCOUNT rows of any shape, in ticks x lots; a trade at a midpoint can leave half a one."""
    return np.asarray(accounts["cash_ticks"] + accounts["cash_half"] / 2)


def pnl_ticks(accounts: Any, mark_ticks: Any) -> Floats:
    """Return cash + position x mark - fees of ACCOUNT rows, in ticks x lots: over a whole market minus its fees.

    Args:
        accounts: ACCOUNT rows of any shape.
        mark_ticks: what a lot is worth now; a number, or an array that fits the shape: for all accounts of a world, of
            shape (agents, symbols), one number for each symbol.
    """
    worth = accounts["position_lots"] * np.asarray(mark_ticks, np.float64)
    return np.asarray(cash_ticks(accounts) + worth) - fees_ticks(accounts)


def marks_ticks(world: World) -> Floats:
    """Return what a lot of each instrument is worth now: the midpoint, or the last trade while a side is empty."""
    symbols = world.symbols
    quoted = (symbols["bid_ticks"] != NO_PRICE) & (symbols["ask_ticks"] != NO_PRICE)
    mids = (symbols["bid_ticks"] + symbols["ask_ticks"]) / 2
    return np.where(quoted, mids, symbols["last_ticks"].astype(np.float64))


def pnl_of_agents(world: World, marks: Any, symbol: int = 0) -> Floats:
    """Return each agent's profit after fees over all instruments, shape (agents,), in ticks x lots of `symbol`.

    Args:
        world: the world.
        marks: what a lot of each instrument is worth, in its own ticks; shape (symbols,).
        symbol: index of the instrument whose tick is the unit.
    """
    money = np.array([listing.tick_value for listing in world.listings])
    return np.asarray(pnl_ticks(world.accounts, marks) @ (money / money[symbol]))
