"""From codes to messages: what is possible in the book as it stands, and an order's exact price, size or target."""

from __future__ import annotations

from typing import Any

from agents.flow.codes import (
    DELETE,
    MARKET,
    N_DEEP,
    N_IMPROVE,
    N_LOCAL,
    N_ORDER_CODES,
    N_TARGETS,
    PARTIAL,
    deep_bin,
    deep_range,
    target_class,
)
from agents.flow.memory import QUIET_BIRTH, RESERVOIR_BIRTH, birth_ns, is_remembered, remember_birth
from agents.flow.tables import book_cell, book_spread, depth_value, drawn_book, gap_ticks, joining_share, size_lots
from agents.flow.tokenizer import BOOK_LEVELS
from lob.codes import IOC
from lob.types import CLIENT_ID_BITS, NO_PRICE
from sim.lookup import level_lots, next_level_ticks, own_count_at, own_lots, own_order_at
from sim.policy import decision, own_order_id, send_cancel, send_limit, send_reduce
from sim.rng import draw_key, raw_uniform

__all__ = [
    "is_there",
    "maintain_depth",
    "place_opening_book",
    "possible_details",
    "possible_orders",
    "refill_side",
    "send_order",
]

DEPTH_STREAM, GAP_STREAM = 10, 11
UNSEEN = -1
"""`parent_id` of quantity that a recording would not show: the opening book and depth beyond its levels."""
PIECE_LOTS = 100
LEVELS_LEAST, LEVELS_FILLED, LEVELS_KEPT = 1, 3, 4
"""Levels beyond the recorded ones: fewer than the first are filled up to the second; when there are more than the
third, what lies beyond the first is taken back."""
REACH = 3.0
"""Median spreads that a market order may walk through the book."""


@decision
def _best(view: Any, side: int) -> int:
    return int(view.bid_ticks) if side > 0 else int(view.ask_ticks)


@decision
def _number_of(view: Any, order_id: int) -> int:
    """An own order's number, from which `own_order_id` made its id."""
    return order_id - ((view.agent + 1) << CLIENT_ID_BITS)


@decision
def _target(view: Any, flow: Any, h: Any, order_id: int) -> int:
    """Class of an own order, were it deleted now."""
    birth = birth_ns(flow, _number_of(view, order_id))
    age_s = (view.time_ns - birth) / 1e9 if birth > 0 else -1.0
    return target_class(age_s, float(own_lots(view, order_id)), h.scale_lots)


@decision
def _reach_ticks(view: Any, h: Any, side: int) -> int:
    """Depth of the last recorded level: an order beyond it would be in no recording. Large while levels are few."""
    last = h.levels - 1
    if last < (view.n_bid_levels if side > 0 else view.n_ask_levels):
        if side > 0:
            return int(view.bid_depth_ticks[0] - view.bid_depth_ticks[last])
        return int(view.ask_depth_ticks[last] - view.ask_depth_ticks[0])
    return 1 << 30


@decision
def possible_orders(view: Any, h: Any, allowed: Any) -> None:
    """Fill `allowed`, shape (N_ORDER_CODES,), with 1 for what can be done in the book as it is, else 0."""
    scale = h.scale_ticks
    for code in range(N_ORDER_CODES):
        allowed[code] = 0.0
    for half in range(2):
        side = 1 if half == 0 else -1
        base = half * N_LOCAL
        best, opposite = _best(view, side), _best(view, -side)
        if best == NO_PRICE or opposite == NO_PRICE:
            continue
        spread = (opposite - best) * side
        for k in range(N_IMPROVE):
            allowed[base + k] = 1.0 if spread > 2 or (spread == 2 and k == 0) else 0.0
        allowed[base + N_IMPROVE] = 1.0
        reach = _reach_ticks(view, h, side)
        for k in range(N_DEEP):
            low, high = deep_range(k, scale)
            allowed[base + N_IMPROVE + 1 + k] = 1.0 if low <= min(high, reach) else 0.0
        price = best
        while price != NO_PRICE:
            depth = (best - price) * side
            if depth > 20.0 * scale:
                break
            if own_count_at(view, side, price) > 0:
                allowed[base + DELETE + (0 if depth == 0 else 1 + deep_bin(depth, scale))] = 1.0
            price = next_level_ticks(view, side, price)
        if own_count_at(view, side, best) > 0 and own_lots(view, own_order_at(view, side, best, 0)) > 1:
            allowed[base + PARTIAL] = 1.0
        # Nobody takes the last level that is left.
        if next_level_ticks(view, -side, opposite) != NO_PRICE:
            allowed[base + MARKET] = 1.0


@decision
def _depth_range(h: Any, local: int) -> tuple[int, int]:
    """Smallest and largest depth of the orders that a deletion's code may take out."""
    if local > DELETE:
        return deep_range(local - DELETE - 1, h.scale_ticks)
    return 0, 0


@decision
def _in_class(view: Any, flow: Any, h: Any, side: int, local: int, target: int, wanted: int) -> int:
    """Id of own order number `wanted` (from 0) of a deletion's depth and class; with -1 their number."""
    best = _best(view, side)
    low, high = _depth_range(h, local)
    count, price = 0, best
    while price != NO_PRICE:
        depth = (best - price) * side
        if depth > high:
            break
        if depth >= low:
            for rank in range(own_count_at(view, side, price)):
                order_id = own_order_at(view, side, price, rank)
                if _target(view, flow, h, order_id) == target:
                    if count == wanted:
                        return order_id
                    count += 1
        price = next_level_ticks(view, side, price)
    return count if wanted < 0 else 0


@decision
def is_there(view: Any, h: Any, flow: Any, order: int, detail: int) -> bool:
    """Whether the book holds an own order that a deletion of this code and detail could take out."""
    side = 1 if order < N_LOCAL else -1
    return _in_class(view, flow, h, side, order % N_LOCAL, detail - h.n_sizes - 1, 0) != 0


@decision
def possible_details(view: Any, h: Any, flow: Any, order: int, allowed: Any) -> None:
    """Fill `allowed`, shape (n_details,), for an order code."""
    local, side = order % N_LOCAL, 1 if order < N_LOCAL else -1
    n_sizes = h.n_sizes
    for k in range(n_sizes + 1 + N_TARGETS):
        allowed[k] = 0.0
    if local < DELETE or local == MARKET:
        for k in range(n_sizes):
            allowed[k] = 1.0
        if local == MARKET:
            allowed[n_sizes] = 1.0
    elif local == PARTIAL:
        allowed[0] = 1.0
    else:
        best = _best(view, side)
        low, high = _depth_range(h, local)
        price = best
        while price != NO_PRICE and (best - price) * side <= high:
            if (best - price) * side >= low:
                for rank in range(own_count_at(view, side, price)):
                    allowed[n_sizes + 1 + _target(view, flow, h, own_order_at(view, side, price, rank))] = 1.0
            price = next_level_ticks(view, side, price)


@decision
def _add(view: Any, out: Any, flow: Any, side: int, price: int, lots: int, birth: float, parent: int) -> None:
    """Send a limit order under a number of our own, and remember its birth or mark."""
    if price < view.min_price_ticks or price > view.max_price_ticks:
        return
    flow.last_number += 1.0
    number = int(flow.last_number)
    remember_birth(flow, number, birth)
    send_limit(out, side, price, lots, 0, 0, parent, own_order_id(view, number))


@decision
def _lots_to_last_level(view: Any, side: int) -> int:
    """Quantity that a market order may take without emptying the side it hits, of the levels in view."""
    total = 0
    for k in range((view.n_ask_levels if side > 0 else view.n_bid_levels) - 1):
        total += view.ask_depth_lots[k] if side > 0 else view.bid_depth_lots[k]
    return total


@decision
def refill_side(view: Any, out: Any, h: Any, w: Any, flow: Any, u: float) -> bool:
    """Lay a recorded side where another agent has swept one clean; False: both sides are quoted, nothing is done."""
    number, done = drawn_book(u), False
    for half in range(2):
        side = 1 if half == 0 else -1
        if _best(view, side) == NO_PRICE and view.n_in_flight == 0:
            opposite = _best(view, -side)
            spread = book_spread(h, w, number)
            best = int(flow.bid_ticks if side > 0 else flow.ask_ticks)
            if opposite != NO_PRICE:
                best = opposite - side * spread
            _place_side(view, out, h, w, flow, number, side, best)
            done = True
    return done


@decision
def _depth_among_others(view: Any, side: int, depth: int, low: int, high: int, joins: bool) -> int:
    """Depth in [low, high] next to the one that was drawn: where orders stand already, or where none do."""
    best = _best(view, side)
    if joins:
        found, price = -1, next_level_ticks(view, side, best)
        while price != NO_PRICE:
            here = (best - price) * side
            if here > high:
                break
            if here >= low and (found < 0 or abs(here - depth) < abs(found - depth)):
                found = here
            price = next_level_ticks(view, side, price)
        return found if found >= 0 else depth
    for away in range(high - low + 1):
        for sign in range(2):
            here = depth + away if sign == 0 else depth - away
            if low <= here <= high and level_lots(view, side, best - side * here) == 0:
                return here
    return depth


@decision
def send_order(
    view: Any, out: Any, h: Any, w: Any, flow: Any, order: int, detail: int, u: float, v: float, joins: float
) -> bool:
    """Send the order of these codes. False: there was nothing to send.

    Args:
        view: the market.
        out: takes the message.
        h: header of the weights.
        w: their payload.
        flow: memory.
        order: its code.
        detail: its code.
        u: in (0, 1), chooses a size or a target inside the class.
        v: in (0, 1), chooses a price inside the class.
        joins: in (0, 1), chooses whether it goes to an occupied price.
    """
    local, side = order % N_LOCAL, 1 if order < N_LOCAL else -1
    best, opposite = _best(view, side), _best(view, -side)
    if local == MARKET:
        if detail == h.n_sizes:
            lots = int(view.ask_lots if side > 0 else view.bid_lots)
        else:
            lots = min(size_lots(h, w, detail, u), _lots_to_last_level(view, side))
        send_limit(out, side, opposite + side * int(REACH * h.scale_ticks), lots, IOC, 0, 0, 0)
        return lots > 0
    if local == PARTIAL:
        order_id = own_order_at(view, side, best, int(u * own_count_at(view, side, best)))
        lots = own_lots(view, order_id)
        if lots < 2:
            return False
        send_reduce(out, order_id, lots // 2)
        return True
    if local >= DELETE:
        target = detail - h.n_sizes - 1
        count = _in_class(view, flow, h, side, local, target, -1)
        if count == 0:
            return False
        send_cancel(out, _in_class(view, flow, h, side, local, target, min(int(u * count), count - 1)))
        return True
    spread = (opposite - best) * side
    if local == 0:
        price = best + side
    elif local == N_IMPROVE - 1:
        price = opposite - side
    elif local < N_IMPROVE:
        price = best + side * min(max(1, int(depth_value(h, w, local, v) * spread + 0.5)), spread - 1)
    elif local == N_IMPROVE:
        price = best
    else:
        low, high = deep_range(local - N_IMPROVE - 1, h.scale_ticks)
        high = max(low, min(high, _reach_ticks(view, h, side)))
        depth = min(max(int(depth_value(h, w, local, v) + 0.5), low), high)
        joined = joins < joining_share(h, w, local - N_IMPROVE - 1)
        price = best - side * _depth_among_others(view, side, depth, low, high, joined)
    _add(view, out, flow, side, price, size_lots(h, w, detail, u), float(view.time_ns), 0)
    return True


@decision
def _place_side(view: Any, out: Any, h: Any, w: Any, flow: Any, number: int, side: int, best: int) -> None:
    """Send the orders of one side of a recorded book, in pieces, from its best price on."""
    half = 0 if side > 0 else 1
    for level in range(BOOK_LEVELS):
        lots = int(book_cell(h, w, number, half, level, 1))
        depth = int(book_cell(h, w, number, half, level, 0))
        pieces = 0
        while lots > 0 and pieces < 3:
            piece = min(lots, PIECE_LOTS) if pieces < 2 else lots
            _add(view, out, flow, side, best - side * depth, piece, RESERVOIR_BIRTH, UNSEEN)
            lots -= piece
            pieces += 1


@decision
def place_opening_book(view: Any, out: Any, h: Any, w: Any, flow: Any, u: float) -> None:
    """Send the orders of one of the recorded books around the last price, which is the reference price at the open."""
    number = drawn_book(u)
    spread = book_spread(h, w, number)
    flow.bid_ticks = float(int(view.last_ticks) - (spread + 1) // 2)
    flow.ask_ticks = flow.bid_ticks + spread
    for half in range(2):
        side = 1 if half == 0 else -1
        _place_side(view, out, h, w, flow, number, side, int(flow.bid_ticks if side > 0 else flow.ask_ticks))
        lots = book_cell(h, w, number, half, 0, 1)
        if side > 0:
            flow.bid_lots = lots
        else:
            flow.ask_lots = lots


@decision
def maintain_depth(view: Any, agent: Any, out: Any, h: Any, w: Any, flow: Any) -> None:
    """Keep depth beyond the recorded levels: add levels at the far end where few are left, take back the farthest.

    A recording shows some levels; what happens beyond is not in it, neither the cancels of orders that the price has
    left behind nor the orders that it finds when it comes back. So what falls behind is withdrawn, and what comes up
    follows the recorded law of deep levels: a price that is about to come into view has at least the quantity that is
    usual there, drawn once for each price. Otherwise the book would run dry on one side of a moving price, fill up on
    the other, and be thinner than recorded, since old and large orders wait beyond. These orders are marked, and no
    tokens of the history.
    """
    recorded = h.levels
    key = draw_key(agent.key, int(flow.n_sent), GAP_STREAM)
    for half in range(2):
        side = 1 if half == 0 else -1
        n_levels, price, last = 0, _best(view, side), NO_PRICE
        while price != NO_PRICE and n_levels < recorded + 40:
            last = price
            n_levels += 1
            price = next_level_ticks(view, side, price)
        if 0 < n_levels < recorded + LEVELS_LEAST:
            for k in range(recorded + LEVELS_FILLED - n_levels):
                last -= side * gap_ticks(h, w, raw_uniform(key, 4 * k + 2 * half))
                book = drawn_book(raw_uniform(key, 4 * k + 2 * half + 1))
                lots = int(book_cell(h, w, book, half, recorded - 2 + k % 2, 1))
                _add(view, out, flow, side, last, max(lots, 1), RESERVOIR_BIRTH, UNSEEN)
                flow.n_reservoir += 1.0
            continue
        price, rank = _best(view, side), 0
        while price != NO_PRICE and rank < recorded + LEVELS_LEAST:
            rank += 1
            if rank > recorded:
                y = raw_uniform(draw_key(agent.key, price, DEPTH_STREAM), half)
                missing = int(book_cell(h, w, drawn_book(y), half, recorded - 1, 1)) - level_lots(view, side, price)
                if missing > 0:
                    _add(view, out, flow, side, price, missing, RESERVOIR_BIRTH, UNSEEN)
                    flow.n_reservoir += 1.0
            price = next_level_ticks(view, side, price)
        if n_levels > recorded + LEVELS_KEPT:
            price, rank = _best(view, side), 0
            while price != NO_PRICE and out.n < 32:
                rank += 1
                if rank > recorded + LEVELS_LEAST:
                    for k in range(min(own_count_at(view, side, price), 4)):
                        order_id = own_order_at(view, side, price, k)
                        if not is_remembered(flow, _number_of(view, order_id)):
                            continue  # its mark would fall on a later order
                        remember_birth(flow, _number_of(view, order_id), QUIET_BIRTH)
                        send_cancel(out, order_id)
                        flow.n_reservoir += 1.0
                price = next_level_ticks(view, side, price)
