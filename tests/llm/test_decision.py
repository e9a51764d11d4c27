"""A reply is a decision only if it is exactly of the schema, and nothing outside an investor's limits is sent."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.llm.decision import Decision, OrderIdea, Reflection, Unusable, json_schema, read_reply
from agents.llm.risk import Limits, Standing, revise
from lob.types import TimeInForce
from tests.llm.parts import decision, order

GOOD = decision(order())


def test_a_reply_of_the_schema_is_read() -> None:
    found = read_reply(GOOD, Decision)
    assert found.action == "trade"
    assert found.orders[0] == OrderIdea(side="buy", kind="limit", offset_ticks=0, qty_lots=5, time_in_force="gtc")
    assert read_reply(decision(), Decision).action == "hold"
    assert read_reply(decision(cancel_open_orders=True), Decision).action == "cancel"


@pytest.mark.parametrize(
    "text", [f"```json\n{GOOD}\n```", f"\ufeff {GOOD}\n", f"<think>up</think>\n{GOOD}", f"up</think>```\n{GOOD}```"]
)
def test_what_stands_around_a_reply_and_leaves_no_doubt_is_taken_off(text: str) -> None:
    assert read_reply(text, Decision) == read_reply(GOOD, Decision)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no_json"),
        (GOOD[:40], "no_json"),
        (f"```json\n{GOOD}\n``` as asked", "no_json"),
        (f"```json\n{GOOD}", "no_json"),
        (GOOD[:-1] + ', "confidence": 5}', "schema"),
        (GOOD.replace('"side"', '"side": "sell", "side"'), "schema"),
        (f"I would buy. {GOOD}", "no_json"),
        ("[" * 100_000, "no_json"),
        ("null", "schema"),
        ("[]", "schema"),
        ("{}", "schema"),
        (decision(order(qty_lots=0)), "schema"),
        (decision(order(qty_lots=2.0)), "schema"),
        (decision(order(qty_lots="5")), "schema"),
        (decision(order(side="BUY")), "schema"),
        (decision(order(time_in_force="day")), "schema"),
        (decision(order(note="please")), "schema"),
        (decision(*[order()] * 4), "schema"),
        (decision(confidence=101), "schema"),
        (decision(reason="because"), "schema"),
        (decision(cancel_open_orders=None), "schema"),
    ],
)
def test_anything_else_is_refused_with_a_reason_and_not_repaired(text: str, reason: str) -> None:
    with pytest.raises(Unusable) as caught:
        read_reply(text, Decision)
    assert caught.value.reason == reason


def test_the_schema_that_models_get_is_closed_and_asks_for_every_field() -> None:
    schema = json_schema(Decision)
    for part in (schema, schema["$defs"]["OrderIdea"], json_schema(Reflection)):
        assert part["additionalProperties"] is False
        assert set(part["required"]) == set(part["properties"])
    assert "title" not in json.dumps(schema)


ideas = st.builds(
    OrderIdea,
    side=st.sampled_from(["buy", "sell"]),
    kind=st.sampled_from(["limit", "post_only", "market"]),
    offset_ticks=st.integers(-100, 100),
    qty_lots=st.integers(1, 1000),
    time_in_force=st.sampled_from(["gtc", "ioc", "fok"]),
)
decisions = st.builds(
    Decision,
    view=st.just("up"),
    confidence=st.integers(0, 100),
    cancel_open_orders=st.booleans(),
    orders=st.lists(ideas, max_size=3),
)
standings = st.builds(
    Standing,
    best_bid_ticks=st.none() | st.integers(1, 1000),
    best_ask_ticks=st.none() | st.integers(1001, 2000),
    last_ticks=st.integers(1, 2000),
    position_lots=st.integers(-300, 300),
    open_buy_lots=st.integers(0, 50),
    open_sell_lots=st.integers(0, 50),
    n_open=st.integers(0, 8),
)
limit_sets = st.builds(
    Limits,
    max_position_lots=st.integers(0, 200),
    max_order_lots=st.integers(1, 100),
    max_open_orders=st.integers(1, 6),
    max_distance_ticks=st.integers(0, 50),
)


@given(decisions, standings, limit_sets)
def test_no_decision_can_exceed_the_investors_limits(wanted: Decision, s: Standing, limits: Limits) -> None:
    orders, changes = revise(wanted, s, limits)
    keeps = not wanted.cancel_open_orders
    reserved = {"buy": s.open_buy_lots * keeps, "sell": s.open_sell_lots * keeps}
    for planned in orders:
        assert 1 <= planned.qty_lots <= limits.max_order_lots
        assert planned.price_ticks is None or planned.price_ticks >= 1
        assert (planned.price_ticks is None) == (planned.kind == "market")
        best = s.best_bid_ticks if planned.side == "buy" else s.best_ask_ticks
        if planned.price_ticks is not None:
            reference = s.last_ticks if best is None else best
            assert abs(planned.price_ticks - reference) <= limits.max_distance_ticks
        reserved[planned.side] += planned.qty_lots
    for side, sign in (("buy", 1), ("sell", -1)):
        if any(planned.side == side for planned in orders):
            assert sign * s.position_lots + reserved[side] <= limits.max_position_lots
    resting = sum(o.kind != "market" and o.time_in_force == TimeInForce.GTC for o in orders)
    assert resting <= max(0, limits.max_open_orders - s.n_open * keeps)
    if len(orders) == len(wanted.orders) and not changes:
        assert [o.qty_lots for o in orders] == [idea.qty_lots for idea in wanted.orders]
    else:
        assert changes


def test_what_was_cut_is_written_down() -> None:
    wanted = read_reply(decision(order(qty_lots=90, offset_ticks=80), order(side="sell", qty_lots=500)), Decision)
    standing = Standing(100, 102, 101, 40, 0, 0, 0)
    orders, changes = revise(wanted, standing, Limits(100, 200, 5, 20))
    assert [(o.side, o.price_ticks, o.qty_lots) for o in orders] == [("buy", 80, 60), ("sell", 102, 140)]
    assert changes == [
        "order 1: 90 to 60 lots (position)",
        "order 1: offset 80 to 20 ticks (distance)",
        "order 2: 500 to 200 lots (size)",
        "order 2: 200 to 140 lots (position)",
    ]
