"""`check_trader` lets a careful trader pass and says of a careless one what is wrong with it."""

from __future__ import annotations

import itertools
import random
from typing import Any

import numpy as np
import pytest

from agents.traders.twap import TwapTrader
from sim.checks import check_trader
from sim.records import Wake
from sim.trader import Trader, TraderView
from tests.sim.markets import Fidget


class Buyer(Trader):
    """Buys `self.size()` lots every ten seconds; the base of the traders below."""

    def size(self, view: TraderView) -> int:
        return 1

    def on_wake(self, view: TraderView) -> float | None:
        if Wake.TIMER in view.reason:
            view.market("buy", self.size(view))
        return 10.0


class Counting(Buyer):
    """Buys one lot more each time."""

    def __init__(self) -> None:
        self.count = 0

    def size(self, view: TraderView) -> int:
        self.count += 1
        return self.count % 7 + 1


class Remembering(Counting):
    def state(self) -> Any:
        return {"count": self.count}

    def set_state(self, state: Any) -> None:
        self.count = state["count"]


class HalfRemembering(Remembering):
    def set_state(self, state: Any) -> None:
        self.count = 0


class Forgetting(Counting):
    """Declares that it remembers nothing, and does."""

    def state(self) -> Any:
        return {}


class Unsaveable(Counting):
    def state(self) -> Any:
        return {"count": np.int64(self.count)}


class Careless(Buyer):
    def size(self, view: TraderView) -> int:
        return random.randint(1, 9)


class CarelessWithNumPy(Buyer):
    def size(self, view: TraderView) -> int:
        return int(np.random.randint(1, 9))  # noqa: NPY002


class SharingACounter(Buyer):
    counter = itertools.count()

    def size(self, view: TraderView) -> int:
        return next(self.counter) % 7 + 1


class SharingAList(Remembering):
    history: list[int] = []  # noqa: RUF012

    def size(self, view: TraderView) -> int:
        self.history.append(view.time_ns)
        return 1

    def state(self) -> Any:
        return list(self.history)

    def set_state(self, state: Any) -> None:
        pass


class DrawingFromTheView(Buyer):
    def size(self, view: TraderView) -> int:
        return 1 + int(9 * view.uniform(0))


class Failing(Buyer):
    def size(self, view: TraderView) -> int:
        raise KeyError("price")


@pytest.mark.parametrize("trader", [Buyer, Remembering, DrawingFromTheView, TwapTrader, lambda: Fidget(5.0)])
def test_careful_traders_pass(trader: Any) -> None:
    check_trader(lambda _: trader())


@pytest.mark.parametrize(
    ("trader", "words"),
    [
        (Counting, r"Counting .* declares no state\(\)"),
        (HalfRemembering, r"HalfRemembering: \d+ s after the open state\(\) is .*\{'count': 0\}"),
        (Forgetting, r"Forgetting: restored .* takes another course; state\(\) leaves something"),
        (Unsaveable, r"not plain data"),
        (Careless, r"draws from the global generators"),
        (CarelessWithNumPy, r"draws from the global generators"),
        (SharingACounter, r"two runs differ"),
        (SharingAList, r"running a fork changed the trader"),
        (object, r"must return a sim\.trader\.Trader"),
    ],
)
def test_a_careless_trader_is_refused_in_words(trader: Any, words: str) -> None:
    with pytest.raises(AssertionError, match=words):
        check_trader(lambda _: trader())


def test_one_trader_for_all_markets_is_refused() -> None:
    one = Buyer()
    with pytest.raises(AssertionError, match="same trader twice"):
        check_trader(lambda _: one)


def test_a_trader_that_fails_is_named_with_its_error() -> None:
    with pytest.raises(Exception, match=r"trader Failing \(agent 20\) failed at .*KeyError"):
        check_trader(lambda _: Failing())


def test_the_global_generators_are_left_as_they_were() -> None:
    before = random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002
    check_trader(lambda _: Buyer())
    assert (random.getstate(), np.random.get_state()[1].tolist()) == before  # noqa: NPY002
