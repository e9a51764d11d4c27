"""The Poisson flows have the rates that they are told, wherever the market goes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from scipy import stats

from agents.background import cont_stoikov_talreja, santa_fe
from agents.background._poisson import STATE
from agents.background.cont_stoikov_talreja import ContStoikovTalreja
from agents.background.santa_fe import SantaFe
from lob.types import NO_PRICE, EventKind, Phase
from lob.units import SECOND_NS
from sim.checks import check_policy
from sim.market import Market
from sim.records import ScheduledKind
from sim.settings import Scheduled
from tests.agents.flows import MID_TICKS, flow_market, lots_at, mean_and_error, sampled, state_of
from tests.sim.markets import OPEN_NS, Scripted, python_trader, resting_orders

CST = cont_stoikov_talreja.policy


@pytest.fixture(scope="module")
def cst_market() -> Market:
    return flow_market(CST, ContStoikovTalreja(), seconds=20_000)


@pytest.mark.parametrize("module", [cont_stoikov_talreja, santa_fe])
def test_the_policies_pass_the_checker(module: Any) -> None:
    check_policy(module.policy)


def test_the_best_queue_grows_with_the_probability_of_the_birth_death_process(cst_market: Market) -> None:
    # Cont, Stoikov, Talreja 2010, at spread 1: P(queue of n grows) = lambda(1) / (lambda(1) + mu + n theta(1)).
    settings = ContStoikovTalreja()
    arrivals, departures = settings.limit_rates[0], settings.market_rate
    tape = cst_market.tape
    before, after = tape[:-1], tape[1:]
    for best, lots in (("bid_ticks", "bid_lots"), ("ask_ticks", "ask_lots")):
        tight = before["ask_ticks"] - before["bid_ticks"] == 1
        grows = tight & (after[best] == before[best]) & (after[lots] == before[lots] + 1)
        shrinks = tight & ((after[best] != before[best]) | (after[lots] == before[lots] - 1))
        for n in range(1, 7):
            here = before[lots] == n
            grown, changed = int((grows & here).sum()), int(((grows | shrinks) & here).sum())
            expected = arrivals / (arrivals + departures + n * settings.cancel_rates[0])
            # Given the queue, the kind of each event is an independent draw: a binomial standard error.
            error = np.sqrt(expected * (1 - expected) / changed)
            assert changed > 1_000
            assert abs(grown / changed - expected) < 4 * error, f"{best}, {n} orders"


def test_a_level_that_no_market_order_reaches_holds_a_poisson_number_of_orders() -> None:
    arrivals, cancels = 1.5, 0.8
    settings = ContStoikovTalreja(
        limit_rates=(0.0, arrivals), cancel_rates=(1e-9, cancels), market_rate=0.0, n_levels=2, first_levels=1,
        first_orders=5,
    )  # fmt: skip
    seconds = 20_000
    market = flow_market(CST, settings, seconds=seconds)
    assert (market.tape["bid_ticks"][1000:] == MID_TICKS).all()
    counts = np.concatenate(
        [
            # Correlation between samples: exp(-5), neglected.
            sampled(*lots_at(market.tape, side, price), every_s=5 / cancels, first_s=50, last_s=seconds)
            for side, price in ((1, MID_TICKS - 1), (-1, MID_TICKS + 2))
        ]
    )
    law = stats.poisson(arrivals / cancels)
    last = 6
    observed = np.bincount(np.minimum(counts, last), minlength=last + 1)
    expected = len(counts) * np.append(law.pmf(np.arange(last)), law.sf(last - 1))
    assert stats.chisquare(observed, expected).pvalue > 0.001


def test_no_order_is_lost_for_want_of_a_slot(cst_market: Market) -> None:
    assert state_of(cst_market, "lost", STATE) == 0
    assert state_of(cst_market, "outside", STATE) == 0


def test_the_first_book_has_the_queues_that_were_asked_for() -> None:
    settings = ContStoikovTalreja(
        first_spread_ticks=3, first_levels=40, first_orders=2, first_bid_orders=5, first_ask_orders=1, size_lots=4,
        rate_scale=1e-9,
    )  # fmt: skip
    market = flow_market(CST, settings, seconds=1)
    bids, asks = 5 + 39 * 2, 1 + 39 * 2
    assert len(market.tape[market.tape["kind"] == EventKind.ADD]) == bids + asks
    row = market.tape[market.tape["kind"] == EventKind.ADD][-1]
    assert [row[name] for name in ("bid_ticks", "bid_lots", "ask_ticks", "ask_lots")] == [9_999, 20, 10_002, 4]


@pytest.mark.parametrize("factor", [8.0, 0.25])
def test_scaling_all_rates_scales_time_and_changes_nothing_else(factor: float) -> None:
    def events(scale: float) -> Any:
        tape = flow_market(CST, ContStoikovTalreja(rate_scale=scale), seconds=400 / scale).tape
        return tape[: np.flatnonzero(tape["kind"] == EventKind.PHASE)[-1]]

    slow, fast = events(1.0), events(factor)
    n = min(len(slow), len(fast)) - 10  # the clocks drift apart by a nanosecond an event
    assert n > 10_000
    for name in ("kind", "side", "price_ticks", "qty_lots", "order_id", "contra_order_id", "bid_ticks", "ask_ticks"):
        assert (slow[name][:n] == fast[name][:n]).all(), name


def test_the_flow_pauses_in_a_halt_and_goes_on_after_it() -> None:
    halt, resume = (OPEN_NS + s * SECOND_NS for s in (100, 200))
    schedule = [
        Scheduled(halt, ScheduledKind.PHASE, Phase.HALTED),
        Scheduled(resume, ScheduledKind.PHASE, Phase.CONTINUOUS),
    ]
    tape = flow_market(CST, ContStoikovTalreja(), seconds=300, schedule=schedule).tape
    sent = tape["time_ns"][tape["kind"] != EventKind.PHASE]
    assert not ((sent > halt + 10) & (sent < resume)).any()
    assert (sent > resume).sum() > 1_000
    assert not (tape["kind"] == EventKind.REJECT).any()


def test_orders_of_others_are_filled_but_never_withdrawn_by_the_flow() -> None:
    rests = Scripted({50.0: lambda view: view.limit("buy", view.best_bid_ticks, 100)})
    market = flow_market(CST, ContStoikovTalreja(), python_trader(lambda: rests, "rests"), seconds=1_000)
    left = sum(int(row[3]) for row in resting_orders(market) if row[4] == 1)
    bought = int(market.world.accounts["position_lots"][1, 0])
    assert bought > 0
    assert bought + left == 100


def test_the_flow_refills_a_side_that_another_agent_has_emptied() -> None:
    sweeps = Scripted({50.0: lambda view: view.market("sell", 10_000)})
    tape = flow_market(CST, ContStoikovTalreja(), python_trader(lambda: sweeps, "sweeps"), seconds=100).tape
    assert (tape["bid_ticks"] == NO_PRICE).any()
    assert tape["bid_lots"][-2] > 0
    assert not (tape["kind"] == EventKind.REJECT).any()


@pytest.mark.parametrize("latency_ns", [1.0, 3e7])
def test_each_live_order_is_withdrawn_at_the_same_rate_wherever_the_price_has_gone(latency_ns: float) -> None:
    seconds, rate = 3_000, 0.1
    settings = SantaFe(limit_rate=0.1, market_rate=2.0, cancel_rate=rate, window_ticks=60)
    market = flow_market(santa_fe.policy, settings, seconds=seconds, latency_ns=latency_ns)
    tape = market.tape[market.tape["kind"] != EventKind.PHASE]
    born = {int(row["order_id"]): int(row["time_ns"]) for row in tape if row["kind"] == EventKind.ADD}
    cancelled = tape[tape["kind"] == EventKind.CANCEL]
    filled = tape[tape["kind"] == EventKind.EXECUTE]
    died = {int(row["order_id"]): int(row["time_ns"]) for row in cancelled}
    died |= {int(row["contra_order_id"]): int(row["time_ns"]) for row in filled}
    end = OPEN_NS + seconds * SECOND_NS
    lives_s = np.array([(died.get(order, end) - start) / SECOND_NS for order, start in born.items()])
    # Cancels over time at risk: the count is Poisson given the lives. A cancel is decided one latency before it acts.
    late_s = latency_ns / SECOND_NS
    at_risk_s = np.maximum(lives_s - late_s, 0).sum()
    assert abs(len(cancelled) - rate * at_risk_s) < 4 * np.sqrt(rate * at_risk_s)
    old_s = np.maximum(lives_s - 10 / rate, 0).sum()
    assert old_s < 0.01 * at_risk_s
    assert state_of(market, "lost", STATE) == 0


def test_the_spread_of_the_santa_fe_market_scales_with_mu_over_alpha() -> None:
    # Daniels et al. 2003: with the same epsilon and a small tick, spread / (mu / alpha) is the same number.
    scaled = []
    for k, ratio_ticks in enumerate((40, 120)):
        settings = SantaFe(
            limit_rate=1 / ratio_ticks, market_rate=1.0, cancel_rate=0.2, window_ticks=8 * ratio_ticks,
            first_spread_ticks=ratio_ticks,
        )  # fmt: skip
        seconds = 10_000
        tape = flow_market(santa_fe.policy, settings, seconds=seconds, seed=10 + k).tape
        assert (tape["bid_lots"][1000:] > 0).all()
        spreads = sampled(tape["time_ns"], tape["ask_ticks"] - tape["bid_ticks"], 1.0, 100, seconds)
        mean, error = mean_and_error(spreads / ratio_ticks)
        assert 0.5 < mean < 1.2  # 0.28 + 1.86 epsilon^0.75 is 0.84
        scaled.append((mean, error))
    (a, error_a), (b, error_b) = scaled
    tick_bias = 1 / 40  # half a tick or less on each side
    assert abs(a - b) < tick_bias + 4 * np.hypot(error_a, error_b)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"limit_rates": (1.0,), "cancel_rates": (1.0, 2.0)}, "same number of entries"),
        ({"n_levels": 3}, "at most n_levels = 3"),
        ({"cancel_rates": (1e-9, 1.0, 1.0, 1.0, 1.0)}, "live orders"),
    ],
)
def test_bad_tables_are_refused_in_words(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        ContStoikovTalreja(**fields)
