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

from agents.flow.codes import DELETE, MARKET, N_LOCAL, PARTIAL, mirrored_code
from agents.flow.memory import (
    BLOCK_MAX,
    block_of,
    cells_needed,
    context_of,
    draft_state_of,
    flow_of,
    kept_layer_of,
    layer_of,
    network_of,
    scratch_of,
    state_of,
)
from agents.flow.network import (
    MASK_CODE,
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
    maintain_depth,
    place_opening_book,
    possible_details,
    possible_orders,
    refill_side,
    send_order,
)
from agents.flow.reading import look_at_book, read_events
from agents.flow.tables import delay_s
from agents.flow.weights import HEADER, SHIPPED, FlowWeights, header_and_payload
from lob.codes import CONTINUOUS
from sim.distributions import DataFile, Settings
from sim.opened import block_record, cells_of
from sim.policy import Policy, block, decision, indices
from sim.records import Needs, Wake
from sim.rng import draw_key, raw_uniform

__all__ = ["LearnedFlow", "policy"]

weights_of = block_record(HEADER)
HEADER_CELLS = cells_of(HEADER)
STREAM = 7
"""Stream of draws of its own: keyed by the order's number, not by wake-ups."""
U_DELAY, U_INSIDE, U_ORDER, U_DETAIL, U_SIZE, U_PRICE, U_GUARD, U_BOOK = range(8)
U_DRAFT, U_FLIP, U_JOIN = 10, 11, 12
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
    stock = weights.tokenizer.stock_index(settings.stock) if settings.stock else 0
    made = weights.block(stock)
    header, _ = header_and_payload(made)
    header.volatility, header.drift = _REGIMES.index(settings.volatility), _REGIMES.index(settings.drift)
    return made


def _memory(settings: LearnedFlow) -> int:
    return cells_needed(header_and_payload(_weights(settings).block(0))[0])


@decision
def _u(agent: Any, number: int, purpose: int) -> float:
    return raw_uniform(draw_key(agent.key, number, STREAM), purpose)


@decision
def _draft(agent: Any, h: Any, w: Any, flow: Any, m: Any, length: int, share: int) -> None:
    """Draw what comes when, ahead of time, for `share` of the orders of the block that are not planned yet."""
    context, vectors = _context(h, m, flow), block_of(h, m)
    state, y, scratch = draft_state_of(h, m), layer_of(h, m), scratch_of(h, m)
    book = _book(flow)
    orders, details, delays = flow.plan_order[:], flow.plan_detail[:], flow.plan_delay[:]
    allowed = flow.allowed[:]
    # The lots with the smallest draws are chosen; a negative order marks a chosen one until it is drawn.
    for _ in range(share):
        chosen, least = -1, 2.0
        for k in range(length):
            u = _u(agent, int(flow.n_sent) + k, U_DRAFT)
            if orders[k] == -1.0 and u < least:
                chosen, least = k, u
        if chosen >= 0:
            orders[chosen] = -2.0
    first_state(h, w, context, state)
    for k in range(length):
        before = int(orders[k - 1]) if k > 0 and orders[k - 1] >= 0 else MASK_CODE
        vector = vectors[(k + 1) * h.width : (k + 2) * h.width]
        before_detail, before_delay = (int(details[k - 1]), int(delays[k - 1])) if before != MASK_CODE else (0, 0)
        head_state(h, w, state, k, before, before_detail, before_delay, book, 1, vector, y, scratch)
        if orders[k] == -2.0:
            number = int(flow.n_sent) + k
            for j in range(len(allowed)):
                allowed[j] = 1.0
            delays[k] = float(head_delay(h, w, y, allowed, _u(agent, number, U_DELAY), scratch))
            orders[k] = float(head_order(h, w, y, book, allowed, _u(agent, number, U_ORDER), scratch))
            details[k] = h.n_details  # not drawn yet: it is up to the book at the order's turn


@decision
def _book(flow: Any) -> Any:
    """Features of the live book as the block sees them."""
    return flow.mirrored[:] if flow.is_mirrored > 0 else flow.features[:]


@decision
def _as_seen(flow: Any, order: int) -> int:
    """An order code as the block sees it; the same the other way round."""
    return mirrored_code(order) if flow.is_mirrored > 0 else order


@decision
def _possible_as_seen(view: Any, h: Any, flow: Any, allowed: Any) -> None:
    """`possible_orders` in the block's codes."""
    possible_orders(view, h, allowed)
    if flow.is_mirrored > 0:
        for k in range(N_LOCAL):
            allowed[k], allowed[k + N_LOCAL] = allowed[k + N_LOCAL], allowed[k]


@decision
def _context(h: Any, m: Any, flow: Any) -> Any:
    return context_of(h, m, int(flow.is_mirrored))


@decision
def _make_block(agent: Any, h: Any, w: Any, flow: Any, m: Any) -> None:
    """Denoise a new block: S - 1 steps of drafts, and the pass for the orders that are left."""
    flow.is_mirrored = 1.0 if _u(agent, int(flow.n_sent), U_FLIP) < 0.5 else 0.0
    drift = h.drift
    if flow.is_mirrored > 0 and drift > 0:
        drift = 4 - drift
    length = int(agent.params[P.block])
    steps = min(int(agent.params[P.steps]), length)
    context = _context(h, m, flow)
    orders, details, delays = flow.plan_order[:], flow.plan_detail[:], flow.plan_delay[:]
    for k in range(BLOCK_MAX):
        orders[k] = -1.0
    for step in range(1, steps + 1):
        denoise(h, w, block_of(h, m), context, length, orders, details, delays, h.volatility, drift,
                agent.params[P.strength])  # fmt: skip
        if step < steps:
            _draft(agent, h, w, flow, m, length, length * step // steps - length * (step - 1) // steps)
    first_state(h, w, context, state_of(h, m))
    flow.has_block, flow.position = 1.0, 0.0
    flow.n_blocks += 1.0


@decision
def _next_delay_ns(agent: Any, h: Any, w: Any, flow: Any, m: Any) -> float:
    """Move the head to the next order and draw its delay."""
    k, number, vectors = int(flow.position), int(flow.n_sent), block_of(h, m)
    vector = vectors[(k + 1) * h.width : (k + 2) * h.width]
    y, scratch = layer_of(h, m), scratch_of(h, m)
    head_state(
        h, w, state_of(h, m), k, _as_seen(flow, int(flow.last_order)), int(flow.last_detail),
        int(flow.last_delay), _book(flow), 0, vector, y, scratch,
    )  # fmt: skip
    if flow.plan_order[k] >= 0:
        drawn = int(flow.plan_delay[k])
        give_delay(h, w, y, drawn)
    else:
        allowed = flow.allowed[:]
        for j in range(len(allowed)):
            allowed[j] = 1.0
        drawn = head_delay(h, w, y, allowed, _u(agent, number, U_DELAY), scratch)
    return delay_s(h, w, drawn, _u(agent, number, U_INSIDE)) * 1e9


@decision
def _widens(order: int) -> bool:
    """Whether an order can widen the spread: a market order, or a deletion at the best."""
    return order % N_LOCAL == MARKET or order % N_LOCAL == DELETE


@decision
def _draw_order(view: Any, agent: Any, h: Any, w: Any, flow: Any, m: Any) -> tuple[int, int]:
    """Order and detail for the book as it is now; (-1, 0): nothing is possible."""
    head, k, number = h.head, int(flow.position), int(flow.n_sent)
    y, scratch, kept = layer_of(h, m), scratch_of(h, m), kept_layer_of(h, m)
    possible, allowed = flow.possible[:], flow.allowed[:]
    _possible_as_seen(view, h, flow, possible)
    order = int(flow.plan_order[k])
    wide = view.ask_ticks - view.bid_ticks > agent.params[P.widest_spread] * h.scale_ticks
    if order >= 0 and (possible[order] == 0 or (wide and _widens(order))):
        flow.n_replanned += 1.0
        order = -1
    for j in range(head):
        kept[j] = y[j]
    for trial in range(TRIALS):
        if order < 0:
            order = head_order(h, w, y, _book(flow), possible, _u(agent, number, U_ORDER + TRIAL * trial), scratch)
        if wide and order >= 0 and _widens(order):
            flow.n_guarded += 1.0
            for half in range(2):
                possible[half * N_LOCAL + MARKET] = 0.0
                possible[half * N_LOCAL + DELETE] = 0.0
            order = head_order(h, w, y, _book(flow), possible, _u(agent, number, U_GUARD), scratch)
        if order < 0:
            break
        give_order(h, w, y, order)
        u = _u(agent, number, U_DETAIL + TRIAL * trial)
        if not DELETE <= order % N_LOCAL < PARTIAL or trial == TRIALS - 1:
            possible_details(view, h, flow, _as_seen(flow, order), allowed)
            return _as_seen(flow, order), head_detail(h, w, y, allowed, u, scratch)
        for j in range(len(allowed)):
            allowed[j] = 1.0 if j > h.n_sizes else 0.0
        detail = head_detail(h, w, y, allowed, u, scratch)
        if is_there(view, h, flow, _as_seen(flow, order), detail):
            return _as_seen(flow, order), detail
        for j in range(head):
            y[j] = kept[j]
        order = -1
    return -1, 0


@decision
def decide(view: Any, agent: Any, out: Any) -> int:
    """Read what has happened; send the order that is due, or draw when the next one is."""
    h, w = weights_of(view), block(view)[HEADER_CELLS:].view(np.float32)
    flow, m = flow_of(view), network_of(view)
    if view.phase != CONTINUOUS:
        flow.due_ns, flow.has_block = 0.0, 0.0
        return 0
    if flow.has_started == 0:
        flow.has_started = 1.0
        place_opening_book(view, out, h, w, flow, _u(agent, 0, U_BOOK))
        look_at_book(view, h, flow, view.time_ns)
        return 1000
    keep_pace(view, agent, h, w, flow, agent.params[P.activity])
    disturbed = read_events(view, agent, h, w, flow, m, agent.params[P.heed])
    if refill_side(view, out, h, w, flow, _u(agent, int(flow.n_sent), U_BOOK)):
        flow.n_guarded += 1.0
        flow.due_ns, flow.has_block = 0.0, 0.0
        return 1000
    if disturbed:
        flow.has_block = 0.0
        flow.due_ns = 0.0
    if flow.due_ns > 0 and view.time_ns >= flow.due_ns:
        order, detail = _draw_order(view, agent, h, w, flow, m)
        if order < 0 or detail < 0 or not send_order(
            view, out, h, w, flow, order, detail, _u(agent, int(flow.n_sent), U_SIZE),
            _u(agent, int(flow.n_sent), U_PRICE), _u(agent, int(flow.n_sent), U_JOIN),
        ):  # fmt: skip
            flow.n_guarded += 1.0
        count_order(flow, view.time_ns)
        flow.n_sent += 1.0
        flow.position += 1.0
        flow.due_ns = 0.0
        flow.sent_ns = float(view.time_ns)  # an order that leaves no trace must not be followed by a hail of others
        if flow.n_sent - flow.n_sent_at_check >= CHECK_EVERY:
            flow.n_sent_at_check = flow.n_sent
            maintain_depth(view, agent, out, h, w, flow)
        return 2
    if flow.due_ns == 0:
        if flow.has_block == 0 or flow.position >= agent.params[P.block]:
            _make_block(agent, h, w, flow, m)
        last = max(flow.last_ns, flow.sent_ns)
        due = max(float(view.time_ns) + 1.0, last + np.floor(_next_delay_ns(agent, h, w, flow, m)))
        flow.due_ns = held_back(h, w, flow, due)
    return max(int(flow.due_ns) - view.time_ns, 1)


policy = Policy(
    LearnedFlow,
    decide,
    needs=Needs.DEPTH | Needs.BOOK | Needs.HISTORY,
    wakes_on=Wake.TOUCH | Wake.TRADE | Wake.PHASE,
    block=_block,
    memory=_memory,
    moves_timer=True,
)
