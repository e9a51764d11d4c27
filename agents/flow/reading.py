"""From the market's latest events to the network's history: other agents' orders become ordinary tokens."""

from __future__ import annotations

from typing import Any

from agents.flow.codes import (
    DELETE,
    MARKET,
    MIRROR,
    MIRROR_SIGN,
    N_FEATURES,
    N_MEMORY,
    NEW,
    PARTIAL,
    features,
    order_code,
    remember_event,
    target_class,
    turned,
)
from agents.flow.memory import (
    ACTIVITY,
    AVERAGES,
    BIRTHS,
    EVENTS_READ,
    FEATURES,
    LAST_ASK,
    LAST_ASK_LOTS,
    LAST_BID,
    LAST_BID_LOTS,
    LAST_DELAY,
    LAST_DETAIL,
    LAST_NS,
    LAST_ORDER,
    MIRRORED,
    N_BIRTHS,
    PUSHED,
    QUIET_BIRTH,
    RESERVOIR_BIRTH,
    floats_of,
    is_remembered,
)
from agents.flow.network import MASK_CODE, context_room, push_event
from agents.flow.tables import delay_class, size_class
from agents.flow.weights import HEADER
from lob.types import CLIENT_ID_BITS, NO_PRICE, EventKind
from sim.history import event_of, oldest_event
from sim.policy import decision
from sim.rng import draw_key, raw_uniform

__all__ = ["look_at_book", "read_events"]

ADD, CANCEL, REDUCE = int(EventKind.ADD), int(EventKind.CANCEL), int(EventKind.REDUCE)
REPLACE, EXECUTE = int(EventKind.REPLACE), int(EventKind.EXECUTE)
SCALE_TICKS, SCALE_LOTS = HEADER["scale_ticks"], HEADER["scale_lots"]
N_SIZES = HEADER["n_sizes"]
HEED_STREAM = 9
SECOND = 1e9
HOUR = 3.6e12


@decision
def look_at_book(view: Any, h: Any, cells: Any, time_ns: int) -> None:
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
        cells[FEATURES : FEATURES + N_FEATURES], cells[AVERAGES : AVERAGES + N_MEMORY],
        cells[LAST_ASK] - cells[LAST_BID], cells[LAST_BID_LOTS], cells[LAST_ASK_LOTS], deep_bid, deep_ask, bid_gap,
        ask_gap, h[SCALE_TICKS], h[SCALE_LOTS], time_ns / HOUR, cells[ACTIVITY],
    )  # fmt: skip
    for k in range(N_FEATURES):
        cells[MIRRORED + k] = MIRROR_SIGN[k] * cells[FEATURES + MIRROR[k]]


@decision
def _own_birth(view: Any, cells: Any, agent: int, order_id: int) -> float:
    """When an own order was born, a mark, or 0 for another agent's."""
    if agent != view.agent:
        return 0.0
    number = order_id - ((view.agent + 1) << CLIENT_ID_BITS)
    return float(cells[BIRTHS + number % N_BIRTHS]) if is_remembered(cells, number) else 0.0


@decision
def read_events(view: Any, agent: Any, h: Any, w: Any, cells: Any, heed: float) -> bool:
    """Push all events since the last look; return whether another agent traded or changed the touch.

    Args:
        view: the market.
        agent: the flow's own record, for the keys of its draws.
        h: header of the weights.
        w: their payload.
        cells: memory.
        heed: share of other agents' orders that are read as orders; of the rest only the book after them is seen, as of
            the orders that were hidden in training.
    """
    disturbed = False
    k = max(int(cells[EVENTS_READ]), oldest_event(view))
    n = int(view.n_history)
    m = floats_of(cells)
    while k < n:
        time_ns, kind, side, price, lots, order_id, agent_id, bid, bid_lots, ask, ask_lots = event_of(view, k)
        k += 1
        while kind == EXECUTE and k < n:  # one market order: executions of equal time and side
            t, other_kind, s, _, more, _, _, b, bl, a, al = event_of(view, k)
            if other_kind != EXECUTE or t != time_ns or s != side:
                break
            lots += more
            bid, bid_lots, ask, ask_lots = b, bl, a, al
            k += 1
        birth = _own_birth(view, cells, agent_id, order_id)
        before_bid, before_ask = cells[LAST_BID], cells[LAST_ASK]
        opposite = cells[LAST_ASK_LOTS] if side > 0 else cells[LAST_BID_LOTS]
        if bid != NO_PRICE:
            cells[LAST_BID] = float(bid)
        if ask != NO_PRICE:
            cells[LAST_ASK] = float(ask)
        cells[LAST_BID_LOTS], cells[LAST_ASK_LOTS] = float(bid_lots), float(ask_lots)
        is_foreign = agent_id != view.agent
        if is_foreign and (kind == EXECUTE or cells[LAST_BID] != before_bid or cells[LAST_ASK] != before_ask):
            disturbed = True
        if (kind == ADD and birth == RESERVOIR_BIRTH) or (kind == CANCEL and birth == QUIET_BIRTH):
            continue  # beyond what a recording would show
        spread = before_ask - before_bid
        depth = before_bid - price if side > 0 else price - before_ask
        delay_s = (time_ns - cells[LAST_NS]) / SECOND if cells[LAST_NS] > 0 else 1.0
        n_sizes = int(h[N_SIZES])
        if kind == EXECUTE:
            order = order_code(MARKET, side, 0.0, spread, h[SCALE_TICKS])
            detail = n_sizes if lots == opposite else size_class(h, w, float(lots))
        elif kind == CANCEL:
            order = order_code(DELETE, side, depth, spread, h[SCALE_TICKS])
            age_s = (time_ns - birth) / SECOND if birth > 0 else -1.0
            detail = n_sizes + 1 + target_class(age_s, float(lots), h[SCALE_LOTS])
        elif kind == REDUCE:
            order, detail = order_code(PARTIAL, side, 0.0, spread, h[SCALE_TICKS]), 0
        else:
            order = order_code(NEW, side, depth, spread, h[SCALE_TICKS])
            detail = size_class(h, w, float(lots))
        delay = delay_class(h, w, delay_s)
        sign = side if kind == EXECUTE else 0
        if is_foreign and raw_uniform(draw_key(agent.key, k, HEED_STREAM), 0) > heed:
            order, sign = MASK_CODE, 0
        move = (cells[LAST_BID] + cells[LAST_ASK] - before_bid - before_ask) / (2.0 * h[SCALE_TICKS])
        remember_event(cells[AVERAGES : AVERAGES + N_MEMORY], move, sign)
        look_at_book(view, h, cells, time_ns)
        room = context_room(h)
        count, book = int(cells[PUSHED]), cells[FEATURES : FEATURES + N_FEATURES]
        push_event(h, w, m[:room], count, order, detail, delay, book)
        book = cells[MIRRORED : MIRRORED + N_FEATURES]
        push_event(h, w, m[room : 2 * room], count, turned(order), detail, delay, book)
        cells[PUSHED] += 1.0
        cells[LAST_NS] = float(time_ns)
        cells[LAST_ORDER], cells[LAST_DETAIL], cells[LAST_DELAY] = float(order), float(detail), float(delay)
    cells[EVENTS_READ] = float(n)
    return disturbed
