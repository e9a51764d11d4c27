"""Every kind of agent with its default settings, added to first_market, leaves the market a market."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pytest

from lob.types import NO_PRICE, EventKind
from scenarios.build.kinds import policy_kinds, trader_kinds
from scenarios.build.market import build
from scenarios.schema.load import find_scenario, read_tables, source_of

pytestmark = pytest.mark.slow
SPREAD = (0.5, 1.5)
"""Bounds of the mean spread with the added agents over that without them, in the same world otherwise."""
DEPTH = (0.5, 4.0)
"""The same of the mean quantity at the touch."""
DRIFT_TICKS = 50
"""How far the midpoint may be from where it would have been at any time: half a percent."""
NOT_HERE = {
    "latency_arbitrageur": "trades one asset in two books: needs a second instrument",
    "learned_flow": "the order flow of a whole stock, with a network: has library scenarios of its own",
    "opening": "needs a recording",
    "replay": "needs a recorded day",
    "rl_directional": "needs trained weights",
    "rl_execution": "needs trained weights",
    "rl_maker": "needs trained weights",
}
TRADERS_NOT_HERE = {
    "llm": "needs a language model",
    "rl": "needs a trained model",
}


@dataclass(frozen=True)
class Quality:
    """What a market is like: time averages, and the midpoint each second."""

    spread_ticks: float
    depth_lots: float
    one_sided_share: float
    mid_ticks: np.ndarray[Any, Any]


def quality(*added: dict[str, Any], table: str = "population", reference_ticks: int | None = None) -> Quality:
    path = find_scenario("first_market")
    tables = read_tables(path)
    tables[table] += [{"name": f"added {k}", **row} for k, row in enumerate(added)]
    market = build(source_of(tables, path)).market(seed=1)
    market.run()
    rows = market.tape
    quoted = (rows["bid_ticks"] != NO_PRICE) & (rows["ask_ticks"] != NO_PRICE)
    lasts = np.append(np.diff(rows["time_ns"]), 0)
    weights = lasts * quoted
    spread = (rows["ask_ticks"].astype(np.int64) - rows["bid_ticks"])[quoted]
    depth = (rows["ask_lots"] + rows["bid_lots"])[quoted]
    both = rows[quoted]
    seconds = np.arange(market.session.open_ns + 10**9, market.session.close_ns, 10**9)
    at = np.maximum(np.searchsorted(both["time_ns"], seconds, side="right") - 1, 0)
    return Quality(
        float(np.average(spread, weights=weights[quoted])),
        float(np.average(depth, weights=weights[quoted])),
        1.0 - float(weights.sum() / lasts.sum()),
        (both["bid_ticks"][at].astype(np.int64) + both["ask_ticks"][at]) / 2,
    )


@cache
def without() -> Quality:
    return quality()


def check_bounds(found: Quality) -> None:
    assert SPREAD[0] < found.spread_ticks / without().spread_ticks < SPREAD[1]
    assert DEPTH[0] < found.depth_lots / without().depth_lots < DEPTH[1]
    assert found.one_sided_share < 0.001
    assert np.abs(found.mid_ticks - without().mid_ticks).max() <= DRIFT_TICKS


@pytest.mark.parametrize("kind", [kind for kind in policy_kinds() if kind not in NOT_HERE])
def test_one_agent_of_any_kind_with_its_defaults_leaves_spread_depth_and_price_in_bounds(kind: str) -> None:
    check_bounds(quality({"kind": kind}))


@pytest.mark.parametrize("kind", [kind for kind in trader_kinds() if kind not in TRADERS_NOT_HERE])
def test_one_python_trader_of_any_kind_too(kind: str) -> None:
    check_bounds(quality({"kind": kind}, table="trader"))


def test_ten_informed_traders_bring_the_price_to_the_value_and_not_beyond() -> None:
    check_bounds(quality({"kind": "informed", "count": 10}))


def test_one_informed_trader_does_not_drag_a_market_to_a_value_that_is_far_away() -> None:
    tables = {
        "session": {"open": "09:30:00", "close": "10:30:00"},
        "instrument": [{"fundamental": {"kind": "constant", "value_ticks": 11_200.0}}],
        "population": [
            {"name": "flow", "kind": "zero_intelligence", "count": 100, "settings": {"size_lots": 10.0}},
            {"name": "informed", "kind": "informed"},
        ],
    }
    last = []
    for groups in (tables["population"], tables["population"][:1]):
        market = build(source_of({**tables, "population": groups}, find_scenario("first_market"))).market(seed=1)
        market.run()
        last.append(int(market.tape[market.tape["kind"] == EventKind.EXECUTE]["price_ticks"][-1]))
    assert abs(last[0] - last[1]) < 100  # 1%; without limits it takes all 12%


def test_slow_makers_that_follow_the_touch_do_not_answer_each_other_without_end() -> None:
    latency = {"kind": "constant", "delay_ms": 300}
    tables = {
        "session": {"open": "09:30:00", "close": "09:31:00"},
        "population": [
            {"name": "flow", "kind": "zero_intelligence", "count": 15, "settings": {"interval_s": 0.5}},
            {
                "name": "maker", "kind": "market_maker", "count": 3, "latency": latency,
                "settings": {"requote_ticks": 1.0},
            },
        ],
    }  # fmt: skip
    market = build(source_of(tables, find_scenario("first_market"))).market(seed=1)
    market.run()  # ended with 65,536 messages in flight
    a_refresh = 21  # a cancel-all and ten quotes on each side
    assert market.world.population_rows["n_messages"][1] <= 3 * 61 * a_refresh


@pytest.mark.parametrize("kind", ["value", "hbl", "zi_c", "zip_trader", "kyle_maker"])
def test_defaults_that_are_prices_follow_the_instrument(kind: str) -> None:
    tables = {
        "session": {"open": "09:30:00", "close": "09:40:00"},
        "instrument": [{"reference_ticks": 500, "n_prices": 5000}],
        "population": [
            {"name": "flow", "kind": "zero_intelligence", "count": 20},
            {"name": "added", "kind": kind, "settings": {} if kind == "kyle_maker" else {"interval_s": 1.0}},
        ],
    }
    market = build(source_of(tables, find_scenario("first_market"))).market(seed=1)
    market.run()
    own = market.tape[(market.tape["agent"] == 20) & (market.tape["kind"] == EventKind.ADD)]
    executed = market.tape[market.tape["kind"] == EventKind.EXECUTE]["price_ticks"]
    assert len(own) or kind in ("value", "zip_trader")
    if kind != "kyle_maker":  # its ladder is wide
        assert (np.abs(own["price_ticks"] - 500) <= 50).all()
    assert np.abs(executed - 500).max() <= 100


def test_every_kind_is_measured_here_or_named_with_the_reason_why_not() -> None:
    assert set(NOT_HERE) < set(policy_kinds()) and set(TRADERS_NOT_HERE) < set(trader_kinds())
