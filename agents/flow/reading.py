"""From the market's latest events to the network's history: other agents' orders become ordinary tokens."""

from __future__ import annotations

from typing import Any

from agents.flow.codes import (
    DELETE,
    MARKET,
    MIRROR,
    MIRROR_SIGN,
    N_FEATURES,
    NEW,
    PARTIAL,
    features,
    mirrored_code,
    order_code,
    remember_event,
    target_class,
)
from agents.flow.memory import QUIET_BIRTH, RESERVOIR_BIRTH, birth_ns, history_of
from agents.flow.network import MASK_CODE, push_event
from agents.flow.tables import delay_class, size_class
from lob.codes import ROW_ADD, ROW_CANCEL, ROW_EXECUTE, ROW_REDUCE
from lob.types import CLIENT_ID_BITS, NO_PRICE
from sim.history import event_of, oldest_event
from sim.policy import decision
from sim.rng import draw_key, raw_uniform

__all__ = ["look_at_book", "read_events"]

HEED_STREAM = 9
SECOND = 1e9
HOUR = 3.6e12


@decision
def look_at_book(view: Any, h: Any, flow: Any, time_ns: int) -> None:
    """Fill the live-book features from the book as it is now, and the moving averages."""
    deep_bid, deep_ask = 0.0, 0.0
    for k in range(1, min(view.n_bid_levels, 5)):
        deep_bid += view.bid_depth_lots[k]
    for k in range(1, min(view.n_ask_levels, 5)):
        deep_ask += view.ask_depth_lots[k]
    bid_gap, ask_gap = 1.0, 1.0
    if view.n_bid_levels > 1:
        bid_gap = float(view.bid_depth_ticks[0] - view.bid_depth_ticks[1])
    if view.n_ask_levels > 1:
        ask_gap = float(view.ask_depth_ticks[1] - view.ask_depth_ticks[0])
    features(
        flow.features[:], flow.averages[:],
        flow.ask_ticks - flow.bid_ticks, flow.bid_lots, flow.ask_lots, deep_bid, deep_ask, bid_gap,
        ask_gap, h.scale_ticks, h.scale_lots, time_ns / HOUR, flow.activity,
    )  # fmt: skip
    for k in range(N_FEATURES):
        flow.mirrored[k] = MIRROR_SIGN[k] * flow.features[MIRROR[k]]


@decision
def _own_birth(view: Any, flow: Any, agent: int, order_id: int) -> float:
    """When an own order was born, a mark, or 0 for another agent's."""
    if agent != view.agent:
        return 0.0
    return birth_ns(flow, order_id - ((view.agent + 1) << CLIENT_ID_BITS))


@decision
def read_events(view: Any, agent: Any, h: Any, w: Any, flow: Any, m: Any, heed: float) -> bool:
    """Push all events since the last look; return whether another agent traded or changed the touch.

    Args:
        view: the market.
        agent: the flow's own record, for the keys of its draws.
        h: header of the weights.
        w: their payload.
        flow: its memory.
        m: the network's part of it.
        heed: share of other agents' orders that are read as orders; of the rest only the book after them is seen, as of
            the orders that were hidden in training.
    """
    disturbed = False
    k = max(int(flow.n_read), oldest_event(view))
    n = int(view.n_history)
    while k < n:
        time_ns, kind, side, price, lots, order_id, agent_id, bid, bid_lots, ask, ask_lots = event_of(view, k)
        k += 1
        while kind == ROW_EXECUTE and k < n:  # one market order: executions of equal time and side
            t, other_kind, s, _, more, _, _, b, bl, a, al = event_of(view, k)
            if other_kind != ROW_EXECUTE or t != time_ns or s != side:
                break
            lots += more
            bid, bid_lots, ask, ask_lots = b, bl, a, al
            k += 1
        birth = _own_birth(view, flow, agent_id, order_id)
        before_bid, before_ask = flow.bid_ticks, flow.ask_ticks
        opposite = flow.ask_lots if side > 0 else flow.bid_lots
        if bid != NO_PRICE:
            flow.bid_ticks = float(bid)
        if ask != NO_PRICE:
            flow.ask_ticks = float(ask)
        flow.bid_lots, flow.ask_lots = float(bid_lots), float(ask_lots)
        is_foreign = agent_id != view.agent
        if is_foreign and (kind == ROW_EXECUTE or flow.bid_ticks != before_bid or flow.ask_ticks != before_ask):
            disturbed = True
        if (kind == ROW_ADD and birth == RESERVOIR_BIRTH) or (kind == ROW_CANCEL and birth == QUIET_BIRTH):
            continue  # beyond what a recording would show
        spread = before_ask - before_bid
        depth = before_bid - price if side > 0 else price - before_ask
        delay_s = (time_ns - flow.last_ns) / SECOND if flow.last_ns > 0 else 1.0
        n_sizes = h.n_sizes
        if kind == ROW_EXECUTE:
            order = order_code(MARKET, side, 0.0, spread, h.scale_ticks)
            detail = n_sizes if lots == opposite else size_class(h, w, float(lots))
        elif kind == ROW_CANCEL:
            order = order_code(DELETE, side, depth, spread, h.scale_ticks)
            age_s = (time_ns - birth) / SECOND if birth > 0 else -1.0
            detail = n_sizes + 1 + target_class(age_s, float(lots), h.scale_lots)
        elif kind == ROW_REDUCE:
            order, detail = order_code(PARTIAL, side, 0.0, spread, h.scale_ticks), 0
        else:
            order = order_code(NEW, side, depth, spread, h.scale_ticks)
            detail = size_class(h, w, float(lots))
        delay = delay_class(h, w, delay_s)
        sign = side if kind == ROW_EXECUTE else 0
        if is_foreign and raw_uniform(draw_key(agent.key, k, HEED_STREAM), 0) > heed:
            order, sign = MASK_CODE, 0
        move = (flow.bid_ticks + flow.ask_ticks - before_bid - before_ask) / (2.0 * h.scale_ticks)
        remember_event(flow.averages[:], move, sign)
        look_at_book(view, h, flow, time_ns)
        count = int(flow.n_pushed)
        push_event(h, w, history_of(h, m, 0), count, order, detail, delay, flow.features[:])
        push_event(h, w, history_of(h, m, 1), count, mirrored_code(order), detail, delay, flow.mirrored[:])
        flow.n_pushed += 1.0
        flow.last_ns = float(time_ns)
        flow.last_order, flow.last_detail, flow.last_delay = float(order), float(detail), float(delay)
    flow.n_read = float(n)
    return disturbed
