"""Numbers that no message can hold become rejects with a reason, never other numbers that trade."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numba.core.errors import TypingError

from lob.errors import RunError
from lob.types import EventKind, Reject
from sim.distributions import Settings
from sim.policy import Policy, decision, own_order_id, send_limit, send_market, send_reduce, send_replace
from sim.records import Needs
from sim.settings import Latency, Population
from sim.trader import TraderView
from tests.sim.markets import MID_TICKS, Rows, Scripted, market_of, play
from tests.sim.test_twin import agree, build

TOO_MANY = 2**32 + 3


class Numbers(Settings):
    """What a wild agent sends."""

    price_ticks: float = 0.0
    lots: float = 0.0


@decision
def _wild(view: Any, agent: Any, out: Any) -> int:
    """Send what stands in the settings, as a careless author would: float to int without a look."""
    send_limit(out, -1, int(agent.params[0]), int(agent.params[1]))
    return 0


def sent(price: float, lots: float) -> Rows:
    """What becomes of a sell order in a market with a bid for 50 lots at 990."""
    wild = Population("wild", 1, Policy(Numbers, _wild), Numbers(), latency=Latency(a_ns=1e6))
    maker = Population("maker", 1, trader=lambda _: Scripted({0: lambda v: v.limit("buy", 990, 50)}))
    market = market_of([maker, wild], seconds=1)
    market.world.agents["params"][1, :2] = price, lots  # settings refuse what is not finite; arithmetic may make it
    market.run()
    return market.tape[market.tape["agent"] == 1]


@pytest.mark.parametrize(
    ("price", "lots", "reason"),
    [
        (1000.0, float(TOO_MANY), Reject.QTY_OUT_OF_RANGE),
        (1000.0, -float(2**32 - 3), Reject.QTY_OUT_OF_RANGE),
        (2.0**32, 5.0, Reject.PRICE_OUT_OF_RANGE),
        (-(2.0**32) + 900.0, 5.0, Reject.PRICE_OUT_OF_RANGE),
        (float("nan"), 5.0, Reject.PRICE_OUT_OF_RANGE),
        (float("inf"), 5.0, Reject.PRICE_OUT_OF_RANGE),
        (1000.0, float("nan"), Reject.QTY_OUT_OF_RANGE),
        (1e300, 1e300, Reject.QTY_OUT_OF_RANGE),
    ],
)
def test_a_policys_price_or_quantity_beyond_a_message_is_refused(price: float, lots: float, reason: Reject) -> None:
    rows = sent(price, lots)
    assert rows["kind"].tolist() == [EventKind.REJECT]
    assert rows["reason"].tolist() == [reason]


def test_what_fits_is_sent_as_it_is() -> None:
    rows = sent(990.0, 5.0)
    assert rows["kind"].tolist() == [EventKind.EXECUTE] and rows["qty_lots"].tolist() == [5]


@decision
def _every_field_decides(view: Any, agent: Any, out: Any) -> int:
    """One message after another with one number that does not fit, beside good ones that make a market."""
    count = int(agent.state[0])
    agent.state[0] += 1.0
    big = 1 << 32
    send_limit(out, 1 if count % 2 == 0 else -1, MID_TICKS, 5)
    which = count % 14
    if which == 0:
        send_limit(out, 1, MID_TICKS + big, 5)
    elif which == 1:
        send_limit(out, -1, MID_TICKS, big + 3)
    elif which == 2:
        send_limit(out, 257, MID_TICKS, 5)
    elif which == 3:
        send_limit(out, -1, MID_TICKS, 5, 256)
    elif which == 4:
        send_limit(out, -1, MID_TICKS, 5, -1)
    elif which == 5:
        send_limit(out, -1, MID_TICKS, 5, 0, 65536)
    elif which == 6:
        send_limit(out, -1, MID_TICKS, 5, 0, -1)
    elif which == 7:
        send_limit(out, -1, MID_TICKS, 5, 0, 4)
    elif which == 8:
        send_limit(out, -1, MID_TICKS, 5, 0, 0, big + 7)
    elif which == 9:
        send_market(out, 1, -big + 2, -big)
    elif which == 10:
        send_replace(out, view.own_id[0] if view.n_own > 0 else 1, MID_TICKS - big, 5)
    elif which == 11:
        send_reduce(out, view.own_id[0] if view.n_own > 0 else 1, big + 1)
    elif which == 12:
        send_limit(out, 1, MID_TICKS, 5, 0, 0, 0, own_order_id(view, 1 << 40))
    else:
        send_market(out, 1, 5)
        out.kind[out.n - 1] = 257
    return 500_000_000


def test_kernel_and_twin_agree_on_every_field_that_does_not_fit() -> None:
    policy = Policy(Numbers, _every_field_decides, needs=Needs.OWN)
    tape = agree(build([Population("wild", 3, policy, Numbers())], seconds=30))
    refused = tape[tape["kind"] == EventKind.REJECT]
    wanted = {
        Reject.PRICE_OUT_OF_RANGE, Reject.QTY_OUT_OF_RANGE, Reject.BAD_SIDE, Reject.BAD_TIME_IN_FORCE, Reject.BAD_FLAGS,
        Reject.BAD_PARENT_ID, Reject.BAD_ORDER_ID, Reject.BAD_KIND,
    }  # fmt: skip
    assert wanted <= set(refused["reason"].tolist())
    traded = tape[tape["kind"] == EventKind.EXECUTE]
    assert len(traded) > 20 and set(traded["price_ticks"].tolist()) == {MID_TICKS}
    assert set(traded["parent_id"].tolist()) == {0}


@decision
def _fractions(view: Any, agent: Any, out: Any) -> int:
    send_limit(out, 1, view.last_ticks - 0.5, 5)
    return 0


def test_a_policy_that_sends_fractions_does_not_compile() -> None:
    with pytest.raises(TypingError, match="a number of a message is a float64; allowed: integers"):
        Policy(Numbers, _fractions).address()


# ---- Python traders ---------------------------------------------------------------------------------------------


def answers(action: Any) -> list[tuple[int, int]]:
    """(kind, reason) of every row that a trader's action at one second leaves; it has an order to buy 10 at 990."""
    _, tape = play(Scripted({0.5: lambda v: v.limit("buy", 990, 10), 1: action}), seconds=2)
    rows = tape[(tape["agent"] == 0)][1:]
    return list(zip(rows["kind"].tolist(), rows["reason"].tolist(), strict=True))


@pytest.mark.parametrize(
    ("action", "reason"),
    [
        (lambda v: v.limit("sell", 990, TOO_MANY), Reject.QTY_OUT_OF_RANGE),
        (lambda v: v.limit("sell", 990, 10**10), Reject.QTY_OUT_OF_RANGE),
        (lambda v: v.limit("sell", 990, 2_000_000), Reject.QTY_OUT_OF_RANGE),
        (lambda v: v.limit("sell", -(2**31), 5), Reject.PRICE_OUT_OF_RANGE),
        (lambda v: v.limit("sell", 10**30, 5), Reject.PRICE_OUT_OF_RANGE),
        (lambda v: v.limit("sell", 990, -(10**5000)), Reject.QTY_OUT_OF_RANGE),
        (lambda v: v.limit("sell", 990, 5, parent_id=2**32), Reject.BAD_PARENT_ID),
        (lambda v: v.market("sell", 5, parent_id=-(2**40)), Reject.BAD_PARENT_ID),
        (lambda v: v.cancel(2**70), Reject.UNKNOWN_ORDER),
        (lambda v: v.replace(1, 2**40, 5), Reject.PRICE_OUT_OF_RANGE),
        (lambda v: v.limit("buy", 990, 0), Reject.QTY_OUT_OF_RANGE),
        (lambda v: v.limit("buy", 990, -5), Reject.QTY_OUT_OF_RANGE),
        (lambda v: v.cancel(12345), Reject.UNKNOWN_ORDER),
    ],
)
def test_a_traders_order_that_no_exchange_takes_is_a_reject(action: Any, reason: Reject) -> None:
    assert answers(action) == [(EventKind.REJECT, reason)]


def test_reducing_by_more_than_a_message_can_say_takes_all_there_is() -> None:
    assert answers(lambda v: v.reduce(1, TOO_MANY)) == [(EventKind.CANCEL, 0)]


@pytest.mark.parametrize(
    ("action", "words"),
    [
        (lambda v: v.limit("buy", 1999.5, 10), r"price_ticks = 1999\.5; allowed: whole numbers'\)$"),
        (lambda v: v.limit("buy", 990, 2.5), r"qty_lots = 2\.5"),
        (lambda v: v.limit("buy", float("nan"), 5), "price_ticks = nan"),
        (lambda v: v.limit("buy", float("inf"), 5), "price_ticks = inf"),
        (lambda v: v.limit("buy", None, 5), "price_ticks = None"),
        (lambda v: v.limit("buy", "990", 5), "price_ticks = '990'"),
        (lambda v: v.limit("buy", 990, True), "qty_lots = True"),
        (lambda v: v.limit("BUY", 990, 5), "side = 'BUY'; allowed: 'buy', 'sell'"),
        (lambda v: v.market(None, 5), "side = None; allowed"),
        (lambda v: v.limit("buy", 990, 5, post_only="no"), "post_only = 'no'; allowed: True, False"),
        (lambda v: v.limit("buy", 990, 5, time_in_force="day"), "time_in_force = 'day'; allowed: GTC, IOC, FOK"),
        (lambda v: v.limit("buy", 990, 5, parent_id=0.5), r"parent_id = 0\.5"),
        (lambda v: v.cancel("1"), "order_id = '1'"),
        (lambda v: v.reduce(1, 0.5), r"qty_lots = 0\.5"),
        (lambda v: v.replace(1, 990.25, 5), r"price_ticks = 990\.25"),
        (lambda v: v.depth("BUY"), "side = 'BUY'"),
        (lambda v: v.uniform(0.5), r"index = 0\.5; allowed: whole numbers from 0 to 1048575"),
        (lambda v: v.uniform(2**20), "index = 1048576"),
        (lambda v: v.think(float("nan")), "seconds = nan; allowed: 0 to 1e6"),
        (lambda v: v.think("3"), "seconds = '3'; allowed"),
    ],
)
def test_a_traders_mistake_ends_the_run_with_its_name_and_the_value(action: Any, words: str) -> None:
    with pytest.raises(RunError, match=rf"trader Scripted \(agent 0\) failed at \d+ ns: FieldError\(.*{words}"):
        play(Scripted({1: action}, needs=Needs.DEPTH), seconds=2)


def test_a_trader_may_send_whole_floats_and_numpy_integers() -> None:
    orders = [(np.float64(990.0), np.int32(3)), (991.0, 4.0), (np.int64(992), np.uint8(5))]

    def send(view: TraderView) -> None:
        for price, lots in orders:
            view.limit("buy", price, lots, time_in_force="GTC")  # type: ignore[arg-type]

    _, tape = play(Scripted({1: send}), seconds=2)
    added = tape[tape["kind"] == EventKind.ADD]
    assert list(zip(added["price_ticks"].tolist(), added["qty_lots"].tolist(), strict=True)) == [
        (990, 3), (991, 4), (992, 5),
    ]  # fmt: skip


class Sleeper(Scripted):
    """Returns what it is given from its first wake-up."""

    def __init__(self, delay: Any) -> None:
        super().__init__()
        self.delay = delay

    def on_wake(self, view: TraderView) -> Any:
        super().on_wake(view)
        return self.delay


@pytest.mark.parametrize("delay", ["1", float("nan"), True, [1]])
def test_a_time_to_wake_up_that_is_no_number_is_named(delay: Any) -> None:
    with pytest.raises(RunError, match=r"on_wake returned .*allowed: seconds until the next wake-up"):
        play(Sleeper(delay), seconds=2)


@pytest.mark.parametrize("delay", [1e300, float("inf"), 1e12, -1, 0.0, None])
def test_a_time_to_wake_up_after_the_close_or_none_is_no_wake_up(delay: Any) -> None:
    sleeper = Sleeper(delay)
    play(sleeper, seconds=2)
    assert len(sleeper.wakes) == 1
