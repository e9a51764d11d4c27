"""What every background flow must stand: other traders, the ends of the price range, an opening halt, a snapshot."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from agents.background import cont_stoikov_talreja, hawkes, queue_reactive, santa_fe
from lob.rules import Instrument
from lob.types import NO_PRICE, EventKind, Phase
from lob.units import SECOND_NS
from sim.fundamental import ConstantValue
from sim.market import Market
from sim.records import ScheduledKind
from sim.settings import Listing, Population, Scheduled, Session
from tests.agents.flows import MID_TICKS, flow_market
from tests.sim.markets import OPEN_NS, zero_intelligence_traders

MODULES = [cont_stoikov_talreja, santa_fe, queue_reactive, hawkes]


@pytest.mark.parametrize("module", MODULES)
def test_others_trade_with_the_flow(module: Any) -> None:
    others = zero_intelligence_traders(20, max_distance_ticks=5.0)
    market = flow_market(module.policy, module.policy.settings(), others, seconds=1_000)
    executions = market.tape[market.tape["kind"] == EventKind.EXECUTE]
    flow_hits_others = (executions["agent"] == 0) & (executions["contra_agent"] > 0)
    others_hit_flow = (executions["agent"] > 0) & (executions["contra_agent"] == 0)
    assert flow_hits_others.sum() > 10
    assert others_hit_flow.sum() > 10
    assert market.world.accounts["position_lots"].sum() == 0


@pytest.mark.parametrize("module", MODULES)
def test_the_flow_keeps_within_a_narrow_price_range(module: Any) -> None:
    stock = Instrument(n_prices=9, min_price_ticks=MID_TICKS - 4, reference_ticks=MID_TICKS, max_orders=10_000)
    flow = Population("flow", 1, module.policy, module.policy.settings())
    session = Session(OPEN_NS, OPEN_NS + 1_000 * SECOND_NS)
    market = Market([Listing(stock, ConstantValue(float(MID_TICKS)))], [flow], session, seed=1)
    market.run()
    assert not (market.tape["kind"] == EventKind.REJECT).any()
    assert (market.tape["kind"] == EventKind.EXECUTE).sum() > 100


@pytest.mark.parametrize("module", MODULES)
def test_a_market_that_opens_in_a_halt_comes_alive_afterwards(module: Any) -> None:
    schedule = [
        Scheduled(OPEN_NS, ScheduledKind.PHASE, Phase.HALTED),
        Scheduled(OPEN_NS + 10 * SECOND_NS, ScheduledKind.PHASE, Phase.CONTINUOUS),
    ]
    tape = flow_market(module.policy, module.policy.settings(), seconds=200, schedule=schedule).tape
    assert not (tape["kind"] == EventKind.REJECT).any()
    assert tape["bid_ticks"][-2] != NO_PRICE
    assert tape["ask_ticks"][-2] != NO_PRICE


@pytest.mark.parametrize("module", MODULES)
def test_a_market_continued_from_a_fork_takes_the_same_course(module: Any) -> None:
    market = flow_market(module.policy, module.policy.settings(), seconds=200, run=False)
    market.run(OPEN_NS + 100 * SECOND_NS)
    fork, known = market.fork(), len(market.tape)
    market.run()
    fork.run()
    assert np.array_equal(fork.tape, market.tape[known:])
    assert len(fork.tape) > 100
