"""A run can be stopped from outside, also while slow traders think."""

from __future__ import annotations

import time

from lob import Instrument
from sim import ConstantValue, Listing, Market, Population, Session, Trader


class Slow(Trader):
    def on_wake(self, view):
        time.sleep(0.02)
        return 1.0


def test_a_request_to_stop_is_heard_while_slow_traders_think():
    listing = Listing(Instrument(n_prices=128, max_orders=16), ConstantValue(64.0))
    market = Market([listing], [Population("slow", 1, trader=lambda k: Slow())], Session(0, 3_600 * 10**9))
    began = time.monotonic()
    assert market.run(sinks=[lambda rows: None], should_stop=lambda: True) is False
    assert time.monotonic() - began < 60.0  # undisturbed, the hour would take 72 s
    assert market.time_ns < market.session.close_ns
