"""What a Python trader sees of the market: its own orders, and only what it asked for."""

from __future__ import annotations

from typing import Any

import pytest

from lob.errors import RunError
from sim.records import Needs
from sim.trader import TraderView
from tests.sim.markets import STOCK, Scripted, market_of, play, python_trader, zero_intelligence_traders


def buy(price: int, qty: int = 1) -> Any:
    return lambda view: view.limit("buy", price, qty)


def sell(price: int, qty: int = 1) -> Any:
    return lambda view: view.limit("sell", price, qty)


def test_a_traders_view_shows_its_own_orders_oldest_first() -> None:
    seen: list[list[tuple[int, str, int, int]]] = []

    def look(view: TraderView) -> None:
        seen.append([(o.order_id, o.side, o.price_ticks, o.qty_lots) for o in view.own_orders])

    script = {1: buy(990, 2), 2: sell(1010, 3), 3: buy(995, 4), 4: lambda v: v.replace(1, 980, 9), 5: look}
    play(Scripted(script, needs=Needs.OWN), Scripted({4.5: lambda v: v.market("buy", 1)}), instrument=STOCK)
    assert seen == [[(2, "sell", 1010, 2), (3, "buy", 995, 4), (1, "buy", 980, 9)]]


@pytest.mark.parametrize(
    ("look", "name"),
    [
        (lambda v: v.own_orders, "OWN"),
        (lambda v: v.depth("buy"), "DEPTH"),
        (lambda v: v.signal_ticks, "SIGNAL"),
    ],
)
def test_a_trader_does_not_see_what_was_filled_for_somebody_else(look: Any, name: str) -> None:
    curious = python_trader(lambda: Scripted({5: look}), "curious")
    with pytest.raises(RunError, match=rf"failed at .* declare needs = Needs\.{name}"):
        market_of([zero_intelligence_traders(20), curious]).run()
    declared = python_trader(lambda: Scripted({5: look}, needs=Needs[name]), "curious")
    assert market_of([zero_intelligence_traders(20), declared]).run()
