"""`check_policy` lets the shipped policies pass and says of a bad one what is wrong with it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from agents.makers import market_maker
from agents.rules import momentum, noise, value, zero_intelligence
from lob.types import NO_PRICE
from lob.units import SECOND_NS
from sim.checks import check_policy
from sim.distributions import Settings
from sim.plain import PlainView, plain_python, record_of
from sim.policy import Policy, block, decision, indices, send_limit, send_market, uniform
from sim.records import OUT, VIEW, Needs, Wake


class Bare(Settings):
    """Settings of the policies below."""

    size_lots: float = 1.0


P = indices(Bare)
START_OR_TIMER = int(Wake.START | Wake.TIMER)


@pytest.mark.parametrize(
    ("policy", "settings"),
    [
        (zero_intelligence.policy, {"interval_s": 20.0}),
        (noise.policy, {"interval_s": 20.0, "max_age_wakes": 1, "size_sigma": 0.5}),
        (noise.policy, {"once": True}),
        (value.policy, {"interval_s": 20.0}),
        (momentum.policy, {"interval_s": 20.0}),
        (market_maker.policy, {}),
        (market_maker.policy, {"requote_ticks": 2, "requote_wait_s": 1.0}),
    ],
)
def test_shipped_policies_pass(policy: Policy, settings: dict[str, Any]) -> None:
    check_policy(policy, policy.settings(**settings))


@decision
def reads_own_orders(view: Any, agent: Any, out: Any) -> int:
    return SECOND_NS + view.n_own


@decision
def reads_queue(view: Any, agent: Any, out: Any) -> int:
    return SECOND_NS if view.n_own == 0 else SECOND_NS + view.own_ahead_lots[0]


@decision
def reads_past_the_depth(view: Any, agent: Any, out: Any) -> int:
    return SECOND_NS + view.ask_depth_lots[9] * 0


@decision
def reads_a_field_that_is_none(view: Any, agent: Any, out: Any) -> int:
    return SECOND_NS if view.best_bid > 0 else 0


@decision
def writes_past_its_state(view: Any, agent: Any, out: Any) -> int:
    agent.state[int(view.time_ns % 20)] = 1.0
    return SECOND_NS


@decision
def writes_its_settings(view: Any, agent: Any, out: Any) -> int:
    agent.params[P.size_lots] += 1.0
    return SECOND_NS


@decision
def writes_the_view(view: Any, agent: Any, out: Any) -> int:
    view.reason = 0
    return SECOND_NS


@decision
def forgets_its_draw(view: Any, agent: Any, out: Any) -> int:
    agent.state[0] = 0.0 / (view.n_in_flight * agent.params[P.size_lots])
    return SECOND_NS


@decision
def returns_seconds(view: Any, agent: Any, out: Any) -> float:
    return 1.5


@decision
def returns_nothing_sometimes(view: Any, agent: Any, out: Any) -> Any:
    if view.bid_ticks == NO_PRICE:
        return None
    return SECOND_NS


@decision
def returns_a_time_in_the_past(view: Any, agent: Any, out: Any) -> int:
    return view.open_ns - view.time_ns


@decision
def never_wakes(view: Any, agent: Any, out: Any) -> int:
    return 0


@decision
def sends_too_much(view: Any, agent: Any, out: Any) -> int:
    for k in range(80):
        send_limit(out, 1, view.last_ticks - k, 1)
    return SECOND_NS


@decision
def sends_half_a_tick(view: Any, agent: Any, out: Any) -> int:
    send_limit(out, 1, view.last_ticks - 0.5, 1)
    return SECOND_NS


@decision
def sends_a_huge_order(view: Any, agent: Any, out: Any) -> int:
    send_market(out, 1, 2**32 + 1)
    return SECOND_NS


@decision
def sends_without_a_side(view: Any, agent: Any, out: Any) -> int:
    send_market(out, 0, 1)
    return SECOND_NS


@decision
def closes_the_market(view: Any, agent: Any, out: Any) -> int:
    out.kind[0] = 7
    out.n = 1
    return SECOND_NS


@decision
def draws_what_latencies_use(view: Any, agent: Any, out: Any) -> int:
    return 1 + int(uniform(agent, 1 << 20) * SECOND_NS)


@decision
def overflows(view: Any, agent: Any, out: Any) -> int:
    agent.state[0] = view.time_ns * view.time_ns
    return SECOND_NS


@decision
def divides_by_nothing(view: Any, agent: Any, out: Any) -> int:
    agent.state[0] = view.volume_lots / view.n_trades
    return SECOND_NS


@pytest.mark.parametrize(
    ("decide", "words"),
    [
        (reads_own_orders, r"view\.n_own is filled only .*OWN"),
        (reads_queue, r"view\.n_own is filled only"),
        (reads_past_the_depth, r"ask_depth_lots is filled only .*DEPTH"),
        (reads_a_field_that_is_none, r"view has no field best_bid; it has .*bid_ticks"),
        (writes_past_its_state, r"IndexError.*16"),
        (writes_its_settings, r"decide writes agent\.params"),
        (writes_the_view, r"decide writes view\.reason"),
        (forgets_its_draw, r"agent\.state\[0\] is nan"),
        (returns_seconds, r"decide returns 1\.5 on .* it must return an int"),
        (returns_nothing_sometimes, r"decide returns None on .*an empty book"),
        (returns_a_time_in_the_past, r"delay of -\d+ ns"),
        (never_wakes, r"never wake again"),
        (sends_too_much, r"more than 64 messages"),
        (sends_half_a_tick, r"price_ticks = 9999\.5; allowed: an integer"),
        (sends_a_huge_order, r"qty_lots = 4294967297"),
        (sends_without_a_side, r"side = 0; allowed: 1"),
        (closes_the_market, r"kind 7 on"),
        (draws_what_latencies_use, r"index of a draw = 1048576"),
        (overflows, r"agent\.state of plain Python and of compiled code differ"),
        (divides_by_nothing, r"ZeroDivisionError"),
    ],
)
def test_a_bad_policy_is_refused_in_words(decide: Any, words: str) -> None:
    with pytest.raises(AssertionError, match=words):
        check_policy(Policy(Bare, decide))


def test_reading_past_what_is_filled_is_found_also_with_the_need_declared() -> None:
    with pytest.raises(AssertionError, match="IndexError"):
        check_policy(Policy(Bare, reads_past_the_depth, needs=Needs.DEPTH))


def test_a_queue_position_needs_its_own_declaration() -> None:
    with pytest.raises(AssertionError, match=r"own_ahead_lots is filled only .*QUEUE"):
        check_policy(Policy(Bare, reads_queue, needs=Needs.OWN))


@decision
def _writes_block(view: Any, agent: Any, out: Any) -> int:
    block(view)[0] = 5.0
    return SECOND_NS


@decision
def _reads_block(view: Any, agent: Any, out: Any) -> int:
    curve = block(view)
    send_market(out, 1, int(curve[len(curve) - 1]))
    return SECOND_NS


@decision
def _reads_past_block(view: Any, agent: Any, out: Any) -> int:
    return int(block(view)[3])


def test_a_block_can_be_read_within_its_length_and_not_be_written() -> None:
    def curve(settings: Bare) -> Any:
        return np.array([3.0, settings.size_lots, 7.0])

    check_policy(Policy(Bare, _reads_block, block=curve))
    with pytest.raises(AssertionError, match="writes its block"):
        check_policy(Policy(Bare, _writes_block, block=curve))
    with pytest.raises(AssertionError, match="IndexError"):
        check_policy(Policy(Bare, _reads_past_block, block=curve))


def test_helpers_of_a_policy_run_as_plain_python_too() -> None:
    @decision
    def helper(out: Any, level: int) -> None:
        send_limit(out, 1, level, 1)

    @decision
    def decide(view: Any, agent: Any, out: Any) -> int:
        helper(out, view.last_ticks)
        return 7

    view, out = np.zeros(1, VIEW), np.zeros(1, OUT)
    view["last_ticks"] = 99
    assert plain_python(decide)(PlainView(view[0], Needs(0)), None, record_of(out)) == 7
    assert (out["n"][0], out["price_ticks"][0][0]) == (1, 99)


@decision
def _reacts(view: Any, agent: Any, out: Any) -> int:
    if view.reason & START_OR_TIMER:
        send_market(out, 1 if uniform(agent, 0) < 0.5 else -1, 2)
        return 10 * SECOND_NS
    agent.state[0] += view.position_lots
    return 0


@decision
def _returns_a_float_at_the_end(view: Any, agent: Any, out: Any) -> Any:
    return SECOND_NS if view.time_ns < view.close_ns else 1.5


@decision
def _cannot_be_compiled(view: Any, agent: Any, out: Any) -> int:
    return SECOND_NS + view.time_ns.bit_length()


def test_what_only_the_compiler_sees_is_told_too() -> None:
    with pytest.raises(AssertionError, match=r"returns float64; it must return an int .* every path"):
        check_policy(Policy(Bare, _returns_a_float_at_the_end))
    with pytest.raises(TypeError, match=r"returns float64; it must return an int"):
        Policy(Bare, _returns_a_float_at_the_end).address()
    with pytest.raises(AssertionError, match=r"decide cannot be compiled"):
        check_policy(Policy(Bare, _cannot_be_compiled))


def test_a_policy_that_reacts_to_everything_is_checked_on_every_reason() -> None:
    everything = Wake(511) & ~(Wake.START | Wake.TIMER)
    check_policy(Policy(Bare, _reacts, wakes_on=everything))
