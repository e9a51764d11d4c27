"""Why the twin refuses an order for what it says. Part of `lob.reference`."""

from __future__ import annotations

from lob.reference_orders import Message
from lob.rules import Instrument
from lob.types import BUY, SELL, Flag, MessageKind, Peg, Reject, SelfTrade, TimeInForce

__all__ = ["STOPS", "contradicts", "misworded", "quantity_refusal"]

LIMIT, MARKET, PEGGED = MessageKind.LIMIT, MessageKind.MARKET, MessageKind.PEGGED
STOPS = (MessageKind.STOP, MessageKind.STOP_LIMIT, MessageKind.TRAILING_STOP)
AT_ONCE = (TimeInForce.IOC, TimeInForce.FOK)
LARGEST_OFFSET = 2**20


def side_and_life_refusal(m: Message) -> Reject:
    """Whether the side is one, and the time in force fits the kind."""
    if m.side not in (BUY, SELL):
        return Reject.BAD_SIDE
    if m.time_in_force not in tuple(TimeInForce):
        return Reject.BAD_TIME_IN_FORCE
    if m.flags & Flag.POST_ONLY and (m.kind == MARKET or m.time_in_force in AT_ONCE):
        return Reject.BAD_TIME_IN_FORCE
    if m.kind == MARKET and m.time_in_force in (TimeInForce.DAY, TimeInForce.GTD):
        return Reject.BAD_TIME_IN_FORCE
    if m.kind not in (LIMIT, MARKET) and m.time_in_force in AT_ONCE:
        return Reject.BAD_TIME_IN_FORCE
    return Reject.NONE


def quantity_refusal(rules: Instrument, lots: int) -> Reject:
    """Whether the instrument allows a quantity."""
    if not rules.min_order_lots <= lots <= rules.max_order_lots:
        return Reject.QTY_OUT_OF_RANGE
    return Reject.ODD_LOT if lots % rules.round_lot else Reject.NONE


def contradicts(m: Message) -> bool:
    """Whether instructions make no sense together, or with the kind of order."""
    hidden, iceberg = m.flags & Flag.HIDDEN, m.flags & Flag.ICEBERG
    least, whole, limited = m.flags & Flag.MINIMUM, m.flags & Flag.ALL_OR_NONE, m.flags & Flag.LIMITED
    post = m.flags & Flag.POST_ONLY
    if m.kind == PEGGED:
        return bool(iceberg or post or (least and whole))
    if m.kind in STOPS or m.kind == MessageKind.MARKET_TO_LIMIT:
        return bool(hidden or iceberg or least or whole or limited or post)
    if m.kind == MARKET:
        return bool(hidden or iceberg or whole or limited or (least and m.time_in_force == TimeInForce.FOK))
    if limited:
        return True
    if m.time_in_force in AT_ONCE:
        return bool(hidden or iceberg or whole or (least and m.time_in_force == TimeInForce.FOK))
    if iceberg:
        return bool(hidden or least or whole)
    return bool((least and whole) or ((least or whole) and not hidden))


def misworded(rules: Instrument, m: Message, has_traded: bool) -> bool:
    """Whether a number that an instruction needs is not allowed."""
    lowest, highest = rules.min_price_ticks, rules.min_price_ticks + rules.n_prices - 1
    wrong = []
    if m.flags & Flag.ICEBERG:
        wrong += [not rules.min_order_lots <= m.display_lots <= m.qty_lots, m.display_lots % rules.round_lot != 0]
    if m.flags & Flag.MINIMUM:
        wrong.append(not 1 <= m.min_lots <= m.qty_lots)
    if m.flags & Flag.SELF_TRADE:
        wrong.append(m.self_trade not in tuple(SelfTrade))
    if m.time_in_force == TimeInForce.GTD:
        wrong.append(m.expires_ns <= m.time_ns)
    if m.kind in (MessageKind.STOP, MessageKind.STOP_LIMIT):
        wrong.append(not lowest <= m.trigger_ticks <= highest)
    if m.kind == MessageKind.TRAILING_STOP:
        wrong += [not 1 <= m.trigger_ticks <= LARGEST_OFFSET, not has_traded]
    if m.kind == PEGGED:
        furthest = 0 if m.peg == Peg.MIDPOINT else LARGEST_OFFSET
        wrong += [m.peg not in tuple(Peg), not -LARGEST_OFFSET <= m.trigger_ticks <= furthest]
    return any(wrong)
