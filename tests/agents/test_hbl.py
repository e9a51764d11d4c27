"""Heuristic belief learning: beliefs are Gjerstad and Dickhaut's, quotes maximise believed surplus, prices converge.

Statistical claims are lower bounds of 99.5% by Student's t over independent seeds.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.rules import hbl
from lob.types import NO_PRICE, Phase
from sim.plain import record_of
from sim.records import AGENT, OUT, VIEW, Wake
from tests.agents.double_auction import lower_bound, outcome

Shouts = list[tuple[int, int, int]]
"""Side, price, 1 if accepted."""
WORKED: Shouts = [(-1, 105, 0), (-1, 103, 1), (-1, 100, 1), (1, 95, 0), (1, 97, 0), (1, 101, 1), (-1, 98, 0)]


class Mind:
    """An agent with a memory, and what it sees."""

    def __init__(self, shouts: Shouts, bid: int = NO_PRICE, ask: int = NO_PRICE, **settings: Any) -> None:
        self.view, self.agent = np.zeros(1, VIEW), np.zeros(1, AGENT)
        self.view["bid_ticks"], self.view["ask_ticks"] = bid, ask
        for name, value in {"memory_shouts": 24, "n_units": 1, **settings}.items():
            self.agent["params"][0, getattr(hbl.P, name)] = value
        self.cells = np.zeros(hbl.CELLS * hbl.MAX_SHOUTS)
        self.see = [record_of(self.view), record_of(self.agent), self.cells]
        for side, price, accepted in shouts:
            hbl.remember(self.see[1], self.cells, side, price, accepted > 0)

    def belief(self, side: int, price: int) -> float:
        return float(hbl.belief(*self.see, side, float(price)))

    def best_quote(self, side: int, value: float) -> int:
        return int(hbl.best_quote(*self.see, side, value))

    def look(self, bid: int, ask: int, n_trades: int = 0, last_ticks: int = 0, last_side: int = 0) -> None:
        for name, value in locals().items():
            if name != "self":
                self.view[f"{name}_ticks" if name in ("bid", "ask") else name] = value
        hbl.observe(*self.see)

    @property
    def shouts(self) -> Shouts:
        n = int(self.agent["state"][0, hbl.S.n_shouts])
        return [tuple(row) for row in self.cells[: hbl.CELLS * n].reshape(-1, hbl.CELLS).astype(int).tolist()]


@pytest.mark.parametrize(
    ("side", "price", "expected"),
    [
        # An ask at 100: accepted asks at 100 or above 2, bids at 100 or above 1, rejected asks at 100 or below 1.
        (-1, 100, 3 / 4),
        (-1, 98, 3 / 4),
        (-1, 104, 0.0),
        (-1, 103, 1 / 2),
        # A bid at 100: accepted bids at 100 or below 0, asks at 100 or below 2, rejected bids at 100 or above 0.
        (1, 100, 1.0),
        (1, 97, 0.0),
        (1, 103, 1.0),
    ],
)
def test_beliefs_are_the_shares_of_the_paper(side: int, price: int, expected: float) -> None:
    assert Mind(WORKED).belief(side, price) == expected


def test_a_quote_that_meets_the_other_side_is_sure_to_trade() -> None:
    mind = Mind([(1, 90, 0)] * 5 + [(-1, 110, 0)] * 5, bid=90, ask=110)
    assert mind.belief(1, 110) == mind.belief(-1, 90) == 1.0
    assert mind.belief(1, 90) == mind.belief(-1, 110) == 0.0


some_shouts = st.lists(
    st.tuples(st.sampled_from([1, -1]), st.integers(90, 110), st.integers(0, 1)), min_size=1, max_size=30
)
touches = st.tuples(st.sampled_from([NO_PRICE, 93, 98]), st.sampled_from([NO_PRICE, 102, 107]))


@given(some_shouts, touches)
def test_a_better_price_is_never_believed_less(shouts: Shouts, touch: tuple[int, int]) -> None:
    mind = Mind(shouts, *touch)
    for side in (1, -1):
        beliefs = [mind.belief(side, price) for price in range(85, 116)]
        assert (np.diff(beliefs) * side >= 0).all()
        assert 0 <= min(beliefs) <= max(beliefs) <= 1


@given(some_shouts, touches, st.integers(85, 115))
def test_no_price_at_all_has_a_larger_believed_surplus_than_the_quote(
    shouts: Shouts, touch: tuple[int, int], value: int
) -> None:
    mind = Mind(shouts, *touch)
    for side in (1, -1):
        surplus = {price: side * (value - price) * mind.belief(side, price) for price in range(80, 121)}
        quote = mind.best_quote(side, float(value))
        if quote == NO_PRICE:
            assert max(surplus.values()) <= 0
        else:
            assert surplus[quote] == max(surplus.values()) > 0


def test_improvements_of_the_touch_are_shouts_and_a_trade_accepts_the_newest_at_its_price() -> None:
    mind = Mind([])
    mind.agent["state"][0, [hbl.S.bid_ticks, hbl.S.ask_ticks]] = NO_PRICE
    mind.look(bid=95, ask=NO_PRICE)
    mind.look(bid=95, ask=104)
    mind.look(bid=97, ask=104)
    mind.look(bid=95, ask=104)  # a bid was withdrawn
    mind.look(bid=95, ask=103)
    assert mind.shouts == [(1, 95, 0), (-1, 104, 0), (1, 97, 0), (-1, 103, 0)]
    mind.look(bid=95, ask=104, n_trades=1, last_ticks=103, last_side=1)
    assert mind.shouts[-1] == (-1, 103, 1)
    assert len(mind.shouts) == 4


def test_only_the_newest_shouts_are_remembered() -> None:
    shouts = [(1, 90, 1)] * 10 + [(1, 110, 0)] * 4
    assert Mind(shouts).belief(1, 100) == 10 / 14
    assert Mind(shouts, memory_shouts=4).belief(1, 100) == 0.0


def test_a_first_quote_makes_no_loss_even_for_values_between_two_ticks() -> None:
    for side, value, bound in ((1, 99.5, 99.0), (-1, 99.5, 100.0), (1, 50.0, 90.0), (-1, 150.0, 110.0)):
        mind = Mind([], side=side, value_ticks=value, low_ticks=bound, high_ticks=bound)
        mind.view["reason"], mind.view["phase"] = Wake.TIMER, Phase.CONTINUOUS
        mind.view["min_price_ticks"], mind.view["max_price_ticks"] = 1, 1000
        mind.view["memory_address"], mind.view["n_memory"] = mind.cells.ctypes.data, len(mind.cells)
        mind.agent["state"][0, [hbl.S.bid_ticks, hbl.S.ask_ticks]] = NO_PRICE
        mind.agent["params"][0, hbl.P.interval_s] = 1.0
        out = np.zeros(1, OUT)
        hbl.decide(mind.see[0], mind.see[1], record_of(out))
        sent = out["price_ticks"][0, : int(out["n"][0])].tolist()
        gains = side * (value - bound) > 0
        assert sent == ([bound] if gains else [])


def test_markets_of_belief_learners_are_efficient() -> None:
    assert lower_bound(outcome("hbl", 40, n_periods=3).efficiency.mean(axis=1)) > 0.97


def test_their_prices_come_nearer_to_equilibrium_than_those_of_zero_intelligence() -> None:
    learning, random = (outcome(kind, 30, n_periods=3).alpha for kind in ("hbl", "zi_c"))
    assert lower_bound(learning[:, 0] - learning[:, -1]) > 5
    assert lower_bound(random[:, -1] - learning[:, -1]) > 8
