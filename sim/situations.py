"""Made-up views for `check_policy`: every touch, phase and reason, with and without own orders and trades."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from lob.api import OrderBook
from lob.blocks import record_address
from lob.rules import Instrument
from lob.types import NO_PRICE, Phase
from sim.plain import spelled
from sim.policy import Policy
from sim.records import VIEW, Needs, Wake
from sim.settings import Session

__all__ = ["situations"]

Row = np.ndarray[Any, Any]


def situations(
    policy: Policy, session: Session, mid_ticks: int, n: int, generator: np.random.Generator
) -> Iterator[tuple[Row, str]]:
    """Yield `n` views and their descriptions, START first, in the order of their times."""
    reasons = [Wake.TIMER, *(bit for bit in Wake if bit & policy.wakes_on), policy.wakes_on]
    low, high = 1, 2 * mid_ticks
    touches = {
        "an empty book": (NO_PRICE, NO_PRICE),
        "a book without asks": (mid_ticks, NO_PRICE),
        "a book without bids": (NO_PRICE, mid_ticks),
        "a spread of one tick": (mid_ticks, mid_ticks + 1),
        "a wide spread": (mid_ticks - 700, mid_ticks + 900),
        "a book at the lowest prices": (low, low + 1),
        "a book at the highest prices": (high - 1, high),
    }
    time_ns = session.open_ns
    for k in range(n):
        name = list(touches)[k % len(touches)]
        reason = Wake.START if k == 0 else Wake(reasons[int(generator.integers(len(reasons)))])
        view = np.zeros(1, VIEW)
        row = view[0]
        row["time_ns"], row["open_ns"], row["close_ns"] = time_ns, session.open_ns, session.close_ns
        row["reason"], row["phase"] = reason or Wake.TIMER, Phase.CONTINUOUS if k % 5 else k // 5 % 3
        row["min_price_ticks"], row["max_price_ticks"] = low, high
        row["last_ticks"], row["signal"] = mid_ticks, mid_ticks + 50 * generator.normal()
        row["position_lots"], row["cash_ticks"] = generator.integers(-5000, 5000, 2) * (k % 3)
        row["n_in_flight"] = k % 4
        _fill_tables(row, mid_ticks, touches[name], k, generator)
        book = _book_of(row) if policy.needs & Needs.BOOK else None
        row["book_address"] = record_address(book.block) if book is not None else 0
        row["watch"], row["watch_bid_ticks"], row["watch_ask_ticks"] = -1, NO_PRICE, NO_PRICE
        time_ns += int(generator.exponential(5e9)) * (k % 7 > 0)
        yield (
            view,
            f"a made-up view ({name}, reason {spelled(Wake(int(row['reason'])))}, {int(row['n_own'])} own orders)",
        )


def _book_of(row: Any) -> OrderBook:
    """Return a book with the levels of a view, of which every second order is the agent's own."""
    low, high = int(row["min_price_ticks"]), int(row["max_price_ticks"])
    book = OrderBook(Instrument(min_price_ticks=low, n_prices=high - low + 1, max_orders=64, n_agents=2))
    for name in ("bid", "ask"):
        for level in range(int(row[f"n_{name}_levels"])):
            price, lots = int(row[f"{name}_depth_ticks"][level]), int(row[f"{name}_depth_lots"][level])
            if low <= price <= high:
                book.limit("buy" if name == "bid" else "sell", price, lots, agent=level % 2)
    return book


def _fill_tables(row: Any, mid_ticks: int, touch: tuple[int, int], k: int, generator: np.random.Generator) -> None:
    for side, best, step in (("bid", touch[0], -1), ("ask", touch[1], 1)):
        row[f"{side}_ticks"] = best
        if best == NO_PRICE:
            continue
        n = int(row[f"n_{side}_levels"]) or 1 + k % len(row[f"{side}_depth_ticks"])
        row[f"n_{side}_levels"] = n
        row[f"{side}_depth_ticks"][:n] = best + step * np.arange(n)
        row[f"{side}_depth_lots"][:n] = generator.integers(1, 500, n)
        row[f"{side}_lots"] = row[f"{side}_depth_lots"][0]
    n = row["n_own"] = (0, 1, 3, len(row["own_id"]))[k // 2 % 4]
    row["own_id"][:n] = 1 + np.arange(n)
    row["own_side"][:n] = 2 * generator.integers(0, 2, n) - 1
    row["own_ticks"][:n] = mid_ticks - row["own_side"][:n] * generator.integers(1, 99, n)
    row["own_lots"][:n] = generator.integers(1, 99, n)
    row["own_ahead_lots"][:n] = generator.integers(0, 999, n)
    n = row["n_recent"] = k % (1 + len(row["trade_ticks"]))
    row["trade_ticks"][:n] = mid_ticks + generator.integers(-9, 9, n)
    row["trade_lots"][:n] = 2 * generator.integers(1, 99, n) * generator.choice([-1, 1], n)
    row["n_trades"], row["volume_lots"] = n + 3 * (n == 8), 500 * n
    row["last_lots"], row["last_side"] = 5 * (n > 0), n > 0
