"""What a venue charges, forbids and delays beyond the rules of a book: fees, short sales, speed bumps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numba import int64

from lob.book import node_at
from lob.codes import CANCEL, CANCEL_ALL, LIMIT, MARKET, MARKET_TO_LIMIT, POST_ONLY, REDUCE, REPLACE
from lob.compiled import Record, leaf
from lob.errors import FieldError
from lob.fields import whole
from lob.orders import find_order

__all__ = ["SHORT_SELLING", "VenueRules", "delay_ns", "is_short_refused", "takes_at_once"]

SHORT_SELLING = ("allowed", "uptick", "forbidden")
UPTICK, FORBIDDEN = 1, 2
NANO = 1_000_000_000
_FEES = {"maker_fee_per_lot_ticks": 2.0, "taker_fee_per_lot_ticks": 2.0, "order_fee_ticks": 1e6}
_DELAYS = ("order_delay_ns", "cancel_delay_ns", "taker_delay_ns")


@dataclass(frozen=True)
class VenueRules:
    """Rules of a venue that are none of the book's.

    Attributes:
        maker_fee_per_lot_ticks: fee of the resting side for each lot traded, in ticks x lots; negative: a rebate.
        taker_fee_per_lot_ticks: of the aggressive side.
        order_fee_ticks: for each order that the exchange accepts, in ticks x lots.
        short_selling: "allowed"; "uptick": what an agent does not hold it may sell by limit orders above the best bid
            only (the price test of Regulation SHO, rule 201); "forbidden": not at all.
        order_delay_ns: new orders and replacements reach the book so much later (a symmetric speed bump).
        cancel_delay_ns: cancels and reductions.
        taker_delay_ns: an order that would trade at once waits so long before it may (an asymmetric speed bump, as
            Eurex's passive liquidity protection): what withdraws quotes meanwhile comes first.
    """

    maker_fee_per_lot_ticks: float = 0.0
    taker_fee_per_lot_ticks: float = 0.0
    order_fee_ticks: float = 0.0
    short_selling: str = "allowed"
    order_delay_ns: int = 0
    cancel_delay_ns: int = 0
    taker_delay_ns: int = 0

    def __post_init__(self) -> None:
        """Raise FieldError for what is not allowed; fees are charged in billionths of a tick x lot."""
        for name, most in _FEES.items():
            fee = getattr(self, name)
            if not -most <= fee <= most or abs(fee * NANO - round(fee * NANO)) > 1e-3:
                raise FieldError(f"{name} = {fee!r}; allowed: {-most:g} to {most:g} in steps of 1e-9")
        if self.short_selling not in SHORT_SELLING:
            raise FieldError(f"short_selling = {self.short_selling!r}; allowed: {', '.join(SHORT_SELLING)}")
        for name in _DELAYS:
            object.__setattr__(self, name, whole(name, getattr(self, name), 0, 10**15))

    def write(self, symbol: Any) -> None:
        """Write the rules into a SYMBOL record."""
        for side in ("maker", "taker"):
            symbol[f"{side}_lot_fee_nano"] = round(getattr(self, f"{side}_fee_per_lot_ticks") * NANO)
        symbol["order_fee_nano"] = round(self.order_fee_ticks * NANO)
        symbol["short_selling"] = SHORT_SELLING.index(self.short_selling)
        for name in _DELAYS:
            symbol[name] = getattr(self, name)


@leaf
def delay_ns(symbol: Record, kind: int) -> int:
    """How much later a kind of message reaches the book than it reaches the venue."""
    if kind == CANCEL or kind == REDUCE or kind == CANCEL_ALL:
        return int64(symbol.cancel_delay_ns)
    return int64(symbol.order_delay_ns)


@leaf
def takes_at_once(book: Record, message: Record) -> bool:
    """Whether a message would trade with the displayed book if it were let through now."""
    kind, side = int64(message.kind), int64(message.side)
    if kind == MARKET or kind == MARKET_TO_LIMIT:
        return True
    if kind == REPLACE:
        index = find_order(book, int64(message.order_id))
        if index == 0:
            return False
        side = int64(node_at(book, index).side)
    elif kind != LIMIT:
        return False
    if message.flags & POST_ONLY:
        return False
    limit = int64(message.price_ticks) - book.min_price_ticks
    return limit >= book.best_ask if side > 0 else limit <= book.best_bid


@leaf
def is_short_refused(symbol: Record, book: Record, account: Record, message: Record, added_lots: int) -> bool:
    """Whether a sale is one of what the agent does not hold, and not allowed as such."""
    if account.position_lots - account.open_sell_lots >= added_lots:
        return False
    if symbol.short_selling == FORBIDDEN:
        return True
    has_price = message.kind == LIMIT or message.kind == REPLACE
    return not has_price or int64(message.price_ticks) - book.min_price_ticks <= book.best_bid
