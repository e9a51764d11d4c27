"""A small market with investors, for the tests of this folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from agents.llm import PERSONAS, Desk, Investor, Reply, Request, Scripted
from agents.llm.protocol import Backend
from lob.units import SECOND_NS
from sim.bulletins import Bulletin
from sim.market import Market
from sim.settings import Latency, Population
from tests.sim.markets import OPEN_NS, market_of, zero_intelligence_traders

LATENCY = Latency(a_ns=1e6)
NEWS = Bulletin(OPEN_NS + 20 * SECOND_NS, "Takeover offer agreed", "rumour")


def order(**fields: Any) -> dict[str, Any]:
    return {"side": "buy", "kind": "limit", "offset_ticks": 0, "qty_lots": 5, "time_in_force": "gtc", **fields}


def decision(*orders: dict[str, Any], **fields: Any) -> str:
    whole = {"view": "up", "confidence": 60, "cancel_open_orders": False, "orders": list(orders), **fields}
    return json.dumps(whole)


def lively(request: Request) -> str:
    """A decision by the seed: quotes, takes, cancels, holds; a reflection where one is asked for."""
    if request.schema == "reflection":
        return json.dumps({"cause": "bad_luck", "change": "smaller_orders"})
    k = request.seed % 5
    side = "buy" if request.seed % 2 else "sell"
    if k == 0:
        return decision()
    if k == 1:
        return decision(order(side=side, kind="market", time_in_force="ioc", qty_lots=3), cancel_open_orders=True)
    return decision(order(side=side, offset_ticks=k - 2), order(side="sell", kind="post_only", offset_ticks=1))


def investors(backend: Backend, count: int = 4, name: str = "investors", **settings: Any) -> Population:
    desk = Desk(backend)
    fixed = {"personas": list(PERSONAS), "first_s": 5.0, "interval_s": 5.0, **settings}
    return Population(name, count, trader=lambda k: Investor(k, desk, **fixed), latency=LATENCY, bulletins=(NEWS,))


def played(backend: Backend, seconds: int = 60, seed: int = 1, **settings: Any) -> Market:
    market = market_of([zero_intelligence_traders(30), investors(backend, **settings)], seconds=seconds, seed=seed)
    market.run()
    return market


def scripted(reply: Callable[[Request], str | Reply] = lively) -> Scripted:
    return Scripted(reply)


def traces(market: Market) -> list[dict[str, Any]]:
    return [row for trader in market.traders.values() for row in trader.take_traces()]  # type: ignore[attr-defined]
