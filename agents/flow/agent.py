"""The learned flow as a population of one agent: background traffic that answers to what the other agents do.

Each order is generated when it is due, on the book as it then stands. The agent reads every event of the market, its
own and others', into the network's history. When another agent trades or changes the touch, the rest of its block and
the pending order are dropped and made anew. Draws are keyed by the number of the order generated, so that two worlds
which differ by a few foreign orders keep drawing alike.

No trained network treats buyers and sellers exactly alike, and the least preference walks the price away within hours.
So the history is kept twice, the second time with the sides exchanged, and each block is made from one of the two by
the toss of a keyed coin: the law of the flow is symmetric whatever the weights are.

A guard keeps a closed loop sane. No second, ten seconds or minute of the clock gets more orders than the recording's
busiest: a loop that talks itself into a burst is held back until the next one begins. Above a widest spread no order
that would widen it further is let through, but drawn again among the others. A side that others have swept clean is
laid anew. The guard counts when it acts; so do the reservoir of unseen depth and plans that had become impossible.
"""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from pydantic import Field, field_validator

from agents.flow.codes import DELETE, MARKET, N_FEATURES, N_LOCAL, N_ORDER_CODES, PARTIAL, turned
from agents.flow.memory import (
    BLOCK_MAX,
    CHECKED,
    DUE,
    FEATURES,
    FLIPPED,
    GUARDED,
    HAS_BLOCK,
    LAST_DELAY,
    LAST_DETAIL,
    LAST_NS,
    LAST_ORDER,
    MADE,
    MASK,
    MIRRORED,
    PLAN,
    POSITION,
    POSSIBLE,
    REPLANNED,
    SENT,
    SENT_NS,
    STARTED,
    cells_needed,
    floats_of,
    kept_at,
    layout,
)
from agents.flow.network import (
    MASK_CODE,
    context_room,
    denoise,
    first_state,
    give_delay,
    give_order,
    head_delay,
    head_detail,
    head_order,
    head_state,
)
from agents.flow.pace import count_order, held_back, keep_pace
from agents.flow.placing import (
    is_there,
    lay_book,
    mend_depth,
    possible_details,
    possible_orders,
    refill_side,
    send_order,
)
from agents.flow.reading import look_at_book, read_events
from agents.flow.tables import delay_s
from agents.flow.weights import HEADER, SHIPPED, FlowWeights
from lob.types import Phase
from sim.distributions import DataFile, Settings
from sim.policy import Policy, block, decision, indices, memory
from sim.records import Needs, Wake
from sim.rng import draw_key, raw_uniform

__all__ = ["LearnedFlow", "policy"]

WIDTH, HEAD, LAYERS, WINDOW = HEADER["width"], HEADER["head"], HEADER["layers"], HEADER["window"]
SCALE_TICKS, N_SIZES, N_DETAILS = HEADER["scale_ticks"], HEADER["n_sizes"], HEADER["n_details"]
N_HEADER = len(HEADER)
CONTINUOUS = int(Phase.CONTINUOUS)
STREAM = 7
"""Stream of draws of its own: keyed by the order's number, not by wake-ups."""
(U_DELAY, U_INSIDE, U_ORDER, U_DETAIL, U_SIZE, U_PRICE, U_GUARD, U_BOOK, U_GAP, U_DEEP, U_DRAFT, U_FLIP,
 U_JOIN) = range(13)  # fmt: skip
CHECK_EVERY = 8
TRIALS, TRIAL = 2, 32
"""A deletion whose target the book does not hold is drawn anew, code and all, so that old orders are not taken in the
place of young ones; in the last trial targets are masked. And how far apart the purposes of the trials' draws are."""
_REGIMES = ("any", "low", "middle", "high")


class LearnedFlow(Settings):
    """Settings of the learned flow; a population of one agent.

    Attributes:
        block: K, orders that one pass of the denoiser makes; 1 is fully reactive.
        steps: S, denoising steps of a block; more than `block` steps are as many as `block`.
        widest_spread: in median spreads; beyond it the guard keeps orders from widening it further.
        activity: added to the log of the rate of orders that the flow is told to keep around each minute; 0.7 doubles
            it. Around this the rate wanders as it did in the recording.
        strength: of the conditions below; 1 as in training, more exaggerates.
        heed: share of other agents' orders that are read as orders of the market, with all that such orders told in the
            recording; of the rest the flow sees what they do to the book only.
        stock: whose flow, one that the weights know; default: their first.
        volatility: of the next 500 events, as a third of its distribution in training; "any": as it comes.
        drift: of the midpoint, in the same way: "low" falls, "high" rises.
        flow: weights file; default: the shipped one.
    """

    block: Annotated[int, Field(ge=1, le=BLOCK_MAX)] = 8
    steps: Annotated[int, Field(ge=1, le=BLOCK_MAX)] = 2
    widest_spread: Annotated[float, Field(gt=1)] = 6.0
    activity: Annotated[float, Field(ge=-2, le=2)] = 0.0
    strength: Annotated[float, Field(ge=0, le=5)] = 1.0
    heed: Annotated[float, Field(ge=0, le=1)] = 1.0
    stock: str = ""
    volatility: str = "any"
    drift: str = "any"
    flow: DataFile | None = None

    @field_validator("volatility", "drift")
    @classmethod
    def _is_regime(cls, value: str) -> str:
        if value not in _REGIMES:
            raise ValueError(f"{value!r} is no third of a distribution; allowed: {', '.join(_REGIMES)}")
        return value


P = indices(LearnedFlow)


def _weights(settings: LearnedFlow) -> FlowWeights:
    return FlowWeights.load(settings.flow or SHIPPED)


def _block(settings: LearnedFlow) -> np.ndarray[Any, Any]:
    weights = _weights(settings)
    if settings.block > weights.config["block"]:
        raise ValueError(f"block = {settings.block}; these weights were trained for up to {weights.config['block']}")
    regimes = [float(_REGIMES.index(settings.volatility)), float(_REGIMES.index(settings.drift))]
    stock = weights.tokenizer.stock_index(settings.stock) if settings.stock else 0
    return np.concatenate([regimes, weights.block(stock)])


def _memory(settings: LearnedFlow) -> int:
    return cells_needed(_weights(settings).block(0)[:N_HEADER])


@decision
def _u(agent: Any, number: int, purpose: int) -> float:
    return raw_uniform(draw_key(agent.key, number, STREAM), purpose)


@decision
def _draft(agent: Any, h: Any, w: Any, cells: Any, m: Any, length: int, share: int) -> None:
    """Draw what comes when, ahead of time, for `share` of the orders of the block that are not planned yet."""
    block_at, head_at, scratch_at = layout(h)
    n, head = int(h[WIDTH]), int(h[HEAD])
    context = _context(h, m, cells)
    state = m[scratch_at + 9 * n + 256 : scratch_at + 10 * n + 256]
    y, scratch = m[head_at + n : head_at + n + head], m[scratch_at:]
    book = _book(cells)
    orders, details, delays = _plan(cells, 0), _plan(cells, 1), _plan(cells, 2)
    allowed = cells[MASK : MASK + N_ORDER_CODES + 64]
    # The lots with the smallest draws are chosen; a negative order marks a chosen one until it is drawn.
    for _ in range(share):
        chosen, least = -1, 2.0
        for k in range(length):
            u = _u(agent, int(cells[SENT]) + k, U_DRAFT)
            if orders[k] == -1.0 and u < least:
                chosen, least = k, u
        if chosen >= 0:
            orders[chosen] = -2.0
    first_state(h, w, context, state)
    for k in range(length):
        before = int(orders[k - 1]) if k > 0 and orders[k - 1] >= 0 else MASK_CODE
        vector = m[block_at + (k + 1) * n : block_at + (k + 2) * n]
        before_detail, before_delay = (int(details[k - 1]), int(delays[k - 1])) if before != MASK_CODE else (0, 0)
        head_state(h, w, state, k, before, before_detail, before_delay, book, 1, vector, y, scratch)
        if orders[k] == -2.0:
            number = int(cells[SENT]) + k
            for j in range(len(allowed)):
                allowed[j] = 1.0
            delays[k] = float(head_delay(h, w, y, allowed, _u(agent, number, U_DELAY), scratch))
            orders[k] = float(head_order(h, w, y, book, allowed, _u(agent, number, U_ORDER), scratch))
            details[k] = h[N_DETAILS]  # not drawn yet: it is up to the book at the order's turn


@decision
def _plan(cells: Any, column: int) -> Any:
    return cells[PLAN + column * BLOCK_MAX : PLAN + (column + 1) * BLOCK_MAX]


@decision
def _book(cells: Any) -> Any:
    """Features of the live book as the block sees them."""
    at = MIRRORED if cells[FLIPPED] > 0 else FEATURES
    return cells[at : at + N_FEATURES]


@decision
def _as_seen(cells: Any, order: int) -> int:
    """An order code as the block sees it; the same the other way round."""
    return turned(order) if cells[FLIPPED] > 0 else order


@decision
def _possible_as_seen(view: Any, h: Any, cells: Any, allowed: Any) -> None:
    """`possible_orders` in the block's codes."""
    possible_orders(view, h, cells, allowed)
    if cells[FLIPPED] > 0:
        for k in range(N_LOCAL):
            allowed[k], allowed[k + N_LOCAL] = allowed[k + N_LOCAL], allowed[k]


@decision
def _context(h: Any, m: Any, cells: Any) -> Any:
    at = int(cells[FLIPPED]) * context_room(h) + int(h[LAYERS]) * int(h[WINDOW]) * 2 * int(h[WIDTH])
    return m[at : at + int(h[WIDTH])]


@decision
def _make_block(agent: Any, regimes: Any, h: Any, w: Any, cells: Any) -> None:
    """Denoise a new block: S - 1 steps of drafts, and the pass for the orders that are left."""
    m = floats_of(cells)
    block_at, head_at, _ = layout(h)
    cells[FLIPPED] = 1.0 if _u(agent, int(cells[SENT]), U_FLIP) < 0.5 else 0.0
    drift = int(regimes[1])
    if cells[FLIPPED] > 0 and drift > 0:
        drift = 4 - drift
    length = int(agent.params[P.block])
    steps = min(int(agent.params[P.steps]), length)
    context = _context(h, m, cells)
    orders, details, delays = _plan(cells, 0), _plan(cells, 1), _plan(cells, 2)
    for k in range(BLOCK_MAX):
        orders[k] = -1.0
    room = m[block_at:head_at]
    for step in range(1, steps + 1):
        denoise(h, w, room, context, length, orders, details, delays, int(regimes[0]), drift,
                agent.params[P.strength])  # fmt: skip
        if step < steps:
            _draft(agent, h, w, cells, m, length, length * step // steps - length * (step - 1) // steps)
    first_state(h, w, context, m[head_at : head_at + int(h[WIDTH])])
    cells[HAS_BLOCK], cells[POSITION] = 1.0, 0.0
    cells[MADE] += 1.0


@decision
def _next_delay_ns(agent: Any, h: Any, w: Any, cells: Any) -> float:
    """Move the head to the next order and draw its delay."""
    m = floats_of(cells)
    block_at, head_at, scratch_at = layout(h)
    n, head = int(h[WIDTH]), int(h[HEAD])
    k, number = int(cells[POSITION]), int(cells[SENT])
    vector = m[block_at + (k + 1) * n : block_at + (k + 2) * n]
    y, scratch = m[head_at + n : head_at + n + head], m[scratch_at:]
    head_state(
        h, w, m[head_at : head_at + n], k, _as_seen(cells, int(cells[LAST_ORDER])), int(cells[LAST_DETAIL]),
        int(cells[LAST_DELAY]), _book(cells), 0, vector, y, scratch,
    )  # fmt: skip
    planned = _plan(cells, 2)
    if _plan(cells, 0)[k] >= 0:
        drawn = int(planned[k])
        give_delay(h, w, y, drawn)
    else:
        allowed = cells[MASK : MASK + N_ORDER_CODES + 64]
        for j in range(len(allowed)):
            allowed[j] = 1.0
        drawn = head_delay(h, w, y, allowed, _u(agent, number, U_DELAY), scratch)
    return delay_s(h, w, drawn, _u(agent, number, U_INSIDE)) * 1e9


@decision
def _widens(order: int) -> bool:
    """Whether an order can widen the spread: a market order, or a deletion at the best."""
    return order % N_LOCAL == MARKET or order % N_LOCAL == DELETE


@decision
def _draw_order(view: Any, agent: Any, h: Any, w: Any, cells: Any) -> tuple[int, int]:
    """Order and detail for the book as it is now; (-1, 0): nothing is possible."""
    m = floats_of(cells)
    _, head_at, scratch_at = layout(h)
    n, head = int(h[WIDTH]), int(h[HEAD])
    k, number = int(cells[POSITION]), int(cells[SENT])
    y, scratch = m[head_at + n : head_at + n + head], m[scratch_at:]
    kept = m[kept_at(h) : kept_at(h) + head]
    possible, allowed = cells[POSSIBLE : POSSIBLE + N_ORDER_CODES], cells[MASK : MASK + N_ORDER_CODES + 64]
    _possible_as_seen(view, h, cells, possible)
    order = int(_plan(cells, 0)[k])
    wide = view.ask_ticks - view.bid_ticks > agent.params[P.widest_spread] * h[SCALE_TICKS]
    if order >= 0 and (possible[order] == 0 or (wide and _widens(order))):
        cells[REPLANNED] += 1.0
        order = -1
    for j in range(head):
        kept[j] = y[j]
    for trial in range(TRIALS):
        if order < 0:
            order = head_order(h, w, y, _book(cells), possible, _u(agent, number, U_ORDER + TRIAL * trial), scratch)
        if wide and order >= 0 and _widens(order):
            cells[GUARDED] += 1.0
            for half in range(2):
                possible[half * N_LOCAL + MARKET] = 0.0
                possible[half * N_LOCAL + DELETE] = 0.0
            order = head_order(h, w, y, _book(cells), possible, _u(agent, number, U_GUARD), scratch)
        if order < 0:
            break
        give_order(h, w, y, order)
        u = _u(agent, number, U_DETAIL + TRIAL * trial)
        if not DELETE <= order % N_LOCAL < PARTIAL or trial == TRIALS - 1:
            possible_details(view, h, cells, _as_seen(cells, order), allowed)
            return _as_seen(cells, order), head_detail(h, w, y, allowed, u, scratch)
        for j in range(len(allowed)):
            allowed[j] = 1.0 if j > h[N_SIZES] else 0.0
        detail = head_detail(h, w, y, allowed, u, scratch)
        if is_there(view, h, cells, _as_seen(cells, order), detail):
            return _as_seen(cells, order), detail
        for j in range(head):
            y[j] = kept[j]
        order = -1
    return -1, 0


@decision
def decide(view: Any, agent: Any, out: Any) -> int:
    """Read what has happened; send the order that is due, or draw when the next one is."""
    cells_of_block = block(view)
    regimes, h = cells_of_block[:2], cells_of_block[2 : 2 + N_HEADER]
    w = cells_of_block[2 + N_HEADER :].view(np.float32)
    cells = memory(view)
    if view.phase != CONTINUOUS:
        cells[DUE], cells[HAS_BLOCK] = 0.0, 0.0
        return 0
    if cells[STARTED] == 0:
        cells[STARTED] = 1.0
        lay_book(view, out, h, w, cells, _u(agent, 0, U_BOOK))
        look_at_book(view, h, cells, view.time_ns)
        return 1000
    keep_pace(view, agent, h, w, cells, agent.params[P.activity])
    disturbed = read_events(view, agent, h, w, cells, agent.params[P.heed])
    if refill_side(view, out, h, w, cells, _u(agent, int(cells[SENT]), U_BOOK)):
        cells[GUARDED] += 1.0
        cells[DUE], cells[HAS_BLOCK] = 0.0, 0.0
        return 1000
    if disturbed:
        cells[HAS_BLOCK] = 0.0
        cells[DUE] = 0.0
    if cells[DUE] > 0 and view.time_ns >= cells[DUE]:
        order, detail = _draw_order(view, agent, h, w, cells)
        if order < 0 or detail < 0 or not send_order(
            view, out, h, w, cells, order, detail, _u(agent, int(cells[SENT]), U_SIZE),
            _u(agent, int(cells[SENT]), U_PRICE), _u(agent, int(cells[SENT]), U_JOIN),
        ):  # fmt: skip
            cells[GUARDED] += 1.0
        count_order(cells, view.time_ns)
        cells[SENT] += 1.0
        cells[POSITION] += 1.0
        cells[DUE] = 0.0
        cells[SENT_NS] = float(view.time_ns)  # an order that leaves no trace must not be followed by a hail of others
        if cells[SENT] - cells[CHECKED] >= CHECK_EVERY:
            cells[CHECKED] = cells[SENT]
            mend_depth(
                view, agent, out, h, w, cells, _u(agent, int(cells[SENT]), U_GAP), _u(agent, int(cells[SENT]), U_DEEP)
            )
        return 2
    if cells[DUE] == 0:
        if cells[HAS_BLOCK] == 0 or cells[POSITION] >= agent.params[P.block]:
            _make_block(agent, regimes, h, w, cells)
        last = max(cells[LAST_NS], cells[SENT_NS])
        due = max(float(view.time_ns) + 1.0, last + np.floor(_next_delay_ns(agent, h, w, cells)))
        cells[DUE] = held_back(h, w, cells, due)
    return max(int(cells[DUE]) - view.time_ns, 1)


policy = Policy(
    LearnedFlow,
    decide,
    needs=Needs.DEPTH | Needs.BOOK | Needs.HISTORY,
    wakes_on=Wake.TOUCH | Wake.TRADE | Wake.PHASE,
    block=_block,
    memory=_memory,
    moves_timer=True,
)
