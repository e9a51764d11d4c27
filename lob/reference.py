"""The exchange once more in plain Python: slow, obvious, what the fast engine is compared with.

Nothing here is shared with the engine but the record types and the instrument. A displayed price is a dictionary of
orders (Python keeps insertion order, so its first entry is the oldest order); undisplayed orders and waiting stops are
plain lists that are searched anew each time. Prices that may lie between two ticks are counted in half ticks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from lob.reference_checks import STOPS, contradicts, misworded, quantity_refusal, side_and_life_refusal
from lob.reference_orders import Message, Nature, Order, Side
from lob.reference_sharing import shares
from lob.rules import Instrument
from lob.types import (
    BUY,
    CLIENT_ID_BITS,
    EVENT,
    NO_PRICE,
    SELL,
    EventKind,
    Flag,
    MessageKind,
    Peg,
    Phase,
    Reject,
    SelfTrade,
    TimeInForce,
)

__all__ = ["Order", "ReferenceBook"]

LIMIT, MARKET = int(MessageKind.LIMIT), int(MessageKind.MARKET)
CANCEL, REDUCE, REPLACE = int(MessageKind.CANCEL), int(MessageKind.REDUCE), int(MessageKind.REPLACE)
POST_ONLY, TRACKED = int(Flag.POST_ONLY), int(Flag.TRACKED)
GTC, IOC, FOK = int(TimeInForce.GTC), int(TimeInForce.IOC), int(TimeInForce.FOK)
DAY, GTD = int(TimeInForce.DAY), int(TimeInForce.GTD)
NEW_ORDERS = (LIMIT, MARKET, *STOPS, MessageKind.PEGGED, MessageKind.MARKET_TO_LIMIT)
NOTHING = Order(0, 0, 0, 0, -1, 0, tracked=False)


class ReferenceBook:
    """One instrument's limit order book, written for reading.

    Args:
        instrument: price range, sizes, rules.

    Attributes:
        phase: the trading phase, CONTINUOUS at first.
        reference_ticks: the price that the collar is measured from: the last execution's.
        orders: every order that rests or waits, by its id.
        last_order_id: the id given last; 0 before the first accepted order.
    """

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.phase = int(Phase.CONTINUOUS)
        self.reference_ticks = instrument.reference_ticks
        self.orders: dict[int, Order] = {}
        self.last_order_id = 0
        self._lowest = instrument.min_price_ticks
        self._highest = instrument.min_price_ticks + instrument.n_prices - 1
        self._bids, self._asks = Side(BUY), Side(SELL)
        self._tops: dict[int, Order | None] = {BUY: None, SELL: None}
        self._of_agent: dict[int, dict[int, Order]] = {}
        self._undisplayed: list[Order] = []
        self._waiting: list[Order] = []
        self._elected: list[Order] = []
        self._last_trade2: int | None = None
        self._clock = 0
        self._frozen = (NO_PRICE, NO_PRICE)
        self._sequence = 0
        self._time_ns = 0
        self._first_row = False
        self._rows: list[tuple[int, ...]] = []

    def apply(self, messages: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Handle a MESSAGE array in order and return the EVENT rows that it caused."""
        self._rows = []
        for message in messages.tolist():
            self._handle(Message._make(message))
        return np.array(self._rows, dtype=EVENT)

    def touch(self) -> tuple[int, int, int, int]:
        """Best bid price and lots, best ask price and lots; NO_PRICE and 0 for an empty side."""
        return self._bids.touch() + self._asks.touch()

    def queue(self, side: int) -> Iterator[Order]:
        """Every displayed order of a side in the order in which they would trade by time."""
        own = self._own(side)
        for price in own.prices if side == SELL else reversed(own.prices):
            yield from own.queues[price].values()

    # ---- messages ---------------------------------------------------------------------------------------------

    def _handle(self, m: Message) -> None:
        self._time_ns = m.time_ns
        self._first_row = False
        self._expire(lambda order: order.time_in_force == GTD and order.expires_ns <= m.time_ns)
        self._first_row = True
        before = self._best_prices()
        reopened = False
        if m.kind in NEW_ORDERS:
            self._new_order(m)
        elif m.kind == CANCEL:
            self._cancel(m)
        elif m.kind == REDUCE:
            self._reduce(m)
        elif m.kind == REPLACE:
            self._replace(m)
        elif m.kind == MessageKind.CANCEL_ALL:
            self._cancel_all(m)
        elif m.kind == MessageKind.SET_PHASE and m.qty_lots in (0, 1, 2):
            self.phase = m.qty_lots
            self._write(EventKind.PHASE, replace(NOTHING, agent=m.agent), m.qty_lots)
            reopened = True
            if self.phase == Phase.CLOSED:
                self._expire(lambda order: order.time_in_force == DAY)
        elif m.kind != MessageKind.EXPIRE:
            self._reject(m, Reject.BAD_KIND)
        self._settle_pegs(before, reopened or m.kind == MessageKind.SET_PHASE)
        self._first_row = False
        while self._elected:
            before = self._best_prices()
            self._act(self._elected.pop(0))
            self._settle_pegs(before, anyway=False)

    def _new_order(self, m: Message) -> None:
        limit2 = self._limit2(m)
        refusal = self._refuse_new_order(m, limit2)
        if refusal:
            self._reject(m, refusal)
            return
        order_id = m.order_id
        if order_id == 0:
            order_id = self.last_order_id = self.last_order_id + 1
        order = self._order_of(m, order_id, limit2)
        if order.nature.waits:
            self._come_to_rest(order)
            if self._last_trade2 is not None:
                self._elect(self._last_trade2)
        elif order.nature is Nature.PEGGED:
            self._come_to_rest(order)
            self._look_again(order)
        else:
            self._trade_and_rest(m, order, limit2)

    def _trade_and_rest(self, m: Message, order: Order, limit2: int) -> None:
        self._freeze()
        at_once = m.kind == MARKET or m.time_in_force in (IOC, FOK)
        told = NO_PRICE if m.kind == MARKET else order.price_ticks
        least = _least(m)
        if at_once or least <= 1 or self._feasible(order, limit2, undisplayed_only=False) >= least:
            self._match(order, limit2, told)
        if order.open_lots and not at_once:
            if m.flags & Flag.ALL_OR_NONE:
                order.min_lots = order.open_lots
            self._come_to_rest(order)
        elif order.open_lots:
            rest, order.open_lots = order.open_lots, 0
            self._write(EventKind.EXPIRE, order, rest, price=told)

    def _order_of(self, m: Message, order_id: int, limit2: int) -> Order:
        """The order that a message asks for."""
        tracked = bool(m.flags & TRACKED)
        order = Order(order_id, m.side, limit2 // 2, m.qty_lots, m.agent, m.parent_id, tracked)
        order.self_trade = m.self_trade if m.flags & Flag.SELF_TRADE else int(self.instrument.self_trade)
        order.time_in_force = m.time_in_force if m.time_in_force in (DAY, GTD) else 0
        order.expires_ns = m.expires_ns if m.time_in_force == GTD else 0
        order.all_or_none = bool(m.flags & Flag.ALL_OR_NONE)
        order.min_lots = _least(m) if m.flags & (Flag.MINIMUM | Flag.ALL_OR_NONE) else 0
        if m.kind in STOPS:
            order.nature = {8: Nature.STOP, 9: Nature.STOP_LIMIT, 10: Nature.TRAILING}[m.kind]
            order.price_ticks, order.limit, order.offset = m.trigger_ticks, m.price_ticks, m.trigger_ticks
            if m.kind == MessageKind.TRAILING_STOP:
                assert self._last_trade2 is not None
                order.price_ticks = self._trailing_trigger(order, self._last_trade2)
        elif m.kind == MessageKind.PEGGED:
            order.nature, order.peg, order.offset = Nature.PEGGED, m.peg, m.trigger_ticks
            order.limit = m.price_ticks if m.flags & Flag.LIMITED else None
            order.price_ticks = NO_PRICE if order.limit is None else order.limit
        elif m.flags & Flag.HIDDEN:
            order.nature = Nature.HIDDEN
        elif m.flags & Flag.ICEBERG:
            order.nature, order.display_lots = Nature.ICEBERG, m.display_lots
        return order

    def _limit2(self, m: Message) -> int:
        """Worst price at which a new order trades, in half ticks."""
        if m.kind == LIMIT:
            return 2 * m.price_ticks
        if m.kind == MessageKind.MARKET_TO_LIMIT and m.side in (BUY, SELL):
            return 2 * self._other(m.side).touch()[0]
        return self._market_limit2(m.side)

    def _refuse_new_order(self, m: Message, limit2: int) -> Reject:
        """The first check that the order fails, NONE if it may trade."""
        rules = self.instrument
        if self.phase != Phase.CONTINUOUS:
            return Reject.PHASE
        refusal = side_and_life_refusal(m) or quantity_refusal(rules, m.qty_lots)
        if refusal:
            return refusal
        if contradicts(m):
            return Reject.BAD_COMBINATION
        if misworded(rules, m, self._last_trade2 is not None):
            return Reject.BAD_INSTRUCTION
        if m.flags & TRACKED and not 0 <= m.agent < rules.n_agents:
            return Reject.UNKNOWN_AGENT
        if m.kind in (LIMIT, MessageKind.STOP_LIMIT) or m.flags & Flag.LIMITED:
            refusal = self._price_refusal(m.price_ticks, m.side, with_collar=m.kind == LIMIT)
        return refusal or self._refuse_for_book(m, limit2)

    def _refuse_for_book(self, m: Message, limit2: int) -> Reject:
        """Why an order is refused for what stands in the book, or for its id."""
        if m.kind == MessageKind.MARKET_TO_LIMIT and limit2 == 2 * NO_PRICE:
            return Reject.NO_LIQUIDITY
        self._freeze()
        order = self._order_of(m, 0, limit2)
        at_once = m.kind == MARKET or m.time_in_force in (IOC, FOK)
        meets = self._meets_any(order, limit2)
        if not at_once:
            if order.detailed and sum(o.detailed for o in self.orders.values()) >= min(
                self.instrument.max_detailed_orders, self.instrument.max_orders
            ):
                return Reject.BOOK_FULL
            rests_at_once = not meets or order.nature not in (Nature.DISPLAYED, Nature.ICEBERG)
            if rests_at_once and len(self.orders) >= self.instrument.max_orders:
                return Reject.BOOK_FULL
        if m.flags & POST_ONLY and meets:
            return Reject.WOULD_CROSS
        must = m.time_in_force == FOK or (at_once and m.flags & Flag.MINIMUM)
        if must and self._feasible(order, limit2, undisplayed_only=False) < _least(m):
            return Reject.FOK_UNFILLABLE if m.time_in_force == FOK else Reject.MINIMUM_UNFILLABLE
        base = (m.agent + 1) * 2**CLIENT_ID_BITS
        if m.order_id != 0 and (m.agent < 0 or not base < m.order_id < base + 2**CLIENT_ID_BITS):
            return Reject.BAD_ORDER_ID
        if m.order_id in self.orders:
            return Reject.DUPLICATE_ORDER_ID
        return Reject.NONE

    def _cancel(self, m: Message) -> None:
        refusal = self._refuse_change(m)
        if refusal:
            self._reject(m, refusal)
        else:
            self._withdraw(self.orders[m.order_id])

    def _reduce(self, m: Message) -> None:
        refusal = self._refuse_change(m)
        if not refusal and m.qty_lots <= 0:
            refusal = Reject.QTY_OUT_OF_RANGE
        if refusal:
            self._reject(m, refusal)
            return
        order = self.orders[m.order_id]
        if m.qty_lots >= order.open_lots:
            self._withdraw(order)
        else:
            self._shrink(order, m.qty_lots)

    def _replace(self, m: Message) -> None:
        refusal = self._refuse_change(m) or quantity_refusal(self.instrument, m.qty_lots)
        if not refusal:
            order = self.orders[m.order_id]
            if order.nature is Nature.PEGGED or order.nature.waits:
                refusal = Reject.BAD_COMBINATION
            else:
                refusal = self._price_refusal(m.price_ticks, order.side, with_collar=True)
        if refusal:
            self._reject(m, refusal)
            return
        pure_decrease = m.price_ticks == order.price_ticks and m.qty_lots <= order.open_lots
        self._freeze()
        asked = replace(order, open_lots=m.qty_lots)
        if pure_decrease and self.instrument.replace_keeps_priority:
            self._shrink(order, order.open_lots - m.qty_lots)
        elif m.flags & POST_ONLY and self._meets_any(asked, 2 * m.price_ticks):
            self._reject(m, Reject.WOULD_CROSS)
        else:
            before, least = order.open_lots, order.min_lots
            self._remove(order)
            order.price_ticks, order.open_lots = m.price_ticks, m.qty_lots
            order.hidden_lots = 0
            self._write(EventKind.REPLACE, order, m.qty_lots, contra=(0, -1, 0, before))
            if not order.detailed:
                order.self_trade = int(self.instrument.self_trade)
            order.min_lots = m.qty_lots if order.all_or_none else min(least, m.qty_lots)
            self._freeze()
            limit2 = 2 * m.price_ticks
            if order.min_lots <= 1 or self._feasible(order, limit2, undisplayed_only=False) >= order.min_lots:
                self._match(order, limit2, m.price_ticks)
            if order.open_lots:
                order.min_lots = min(order.min_lots, order.open_lots)
                self._come_to_rest(order, Flag.REINSERTED)

    def _cancel_all(self, m: Message) -> None:
        if self.phase == Phase.CLOSED:
            self._reject(m, Reject.PHASE)
        elif not 0 <= m.agent < self.instrument.n_agents:
            self._reject(m, Reject.UNKNOWN_AGENT)
        else:
            for order in list(self._of_agent.get(m.agent, {}).values()):
                self._withdraw(order)

    def _refuse_change(self, m: Message) -> Reject:
        """Why the message may not touch the order that it names."""
        closed = self.phase == Phase.CLOSED
        if closed or (m.kind == REPLACE and self.phase == Phase.HALTED):
            return Reject.PHASE
        if m.order_id not in self.orders:
            return Reject.UNKNOWN_ORDER
        if self.orders[m.order_id].agent != m.agent:
            return Reject.NOT_OWNER
        return Reject.NONE

    # ---- prices -----------------------------------------------------------------------------------------------

    def _price_refusal(self, price: int, side: int, *, with_collar: bool) -> Reject:
        """Why an order may not be limited to a price."""
        rules = self.instrument
        if not self._lowest <= price <= self._highest:
            return Reject.PRICE_OUT_OF_RANGE
        steps = [step for start, step in rules.tick_table if start <= price]
        if steps and price % steps[-1]:
            return Reject.OFF_TICK
        if rules.static_band_ticks and abs(price - rules.reference_ticks) > rules.static_band_ticks:
            return Reject.STATIC_BAND
        return Reject.COLLAR if with_collar and self._beyond_collar(side, price) else Reject.NONE

    def _beyond_collar(self, side: int, price: int) -> bool:
        collar = self.instrument.collar_ticks
        return collar > 0 and side * (price - self.reference_ticks) > collar

    def _market_limit2(self, side: int) -> int:
        """The worst price of an order without limit: the collar's, the band's, or the end of the price range."""
        rules = self.instrument
        lowest, highest = self._lowest, self._highest
        if rules.static_band_ticks:
            lowest = max(lowest, rules.reference_ticks - rules.static_band_ticks)
            highest = min(highest, rules.reference_ticks + rules.static_band_ticks)
        limit = highest if side == BUY else lowest
        if rules.collar_ticks:
            collar = self.reference_ticks + side * rules.collar_ticks
            limit = min(limit, collar) if side == BUY else max(limit, collar)
        return 2 * limit

    def _freeze(self) -> None:
        """Note the displayed touch that pegged orders stand at while an order is incoming."""
        self._frozen = self._best_prices()

    def _best_prices(self) -> tuple[int, int]:
        return self._bids.touch()[0], self._asks.touch()[0]

    def _peg_price2(self, order: Order) -> int | None:
        """Where a pegged order stands at the frozen touch, in half ticks; None: nowhere."""
        bid, ask = self._frozen
        if order.peg == Peg.MIDPOINT:
            if NO_PRICE in (bid, ask):
                return None
            price2 = bid + ask + 2 * order.side * order.offset
        else:
            followed = bid if (order.side == BUY) == (order.peg == Peg.PRIMARY) else ask
            if followed == NO_PRICE:
                return None
            price2 = 2 * (followed + order.side * order.offset)
            opposite = ask if order.side == BUY else bid
            if opposite != NO_PRICE:
                nearest = 2 * (opposite - order.side)
                price2 = min(price2, nearest) if order.side == BUY else max(price2, nearest)
        if order.limit is not None:
            price2 = min(price2, 2 * order.limit) if order.side == BUY else max(price2, 2 * order.limit)
        return price2 if 2 * self._lowest <= price2 <= 2 * self._highest else None

    # ---- trading ----------------------------------------------------------------------------------------------

    def _own(self, side: int) -> Side:
        return self._bids if side == BUY else self._asks

    def _other(self, side: int) -> Side:
        return self._asks if side == BUY else self._bids

    def _undisplayed_within(self, side: int, limit2: int, lots: int, used: set[int]) -> tuple[int, Order] | None:
        """The undisplayed order, with its price, that an incoming one of this side meets first."""
        offers = []
        for order in self._undisplayed:
            if order.side == side or order.order_id in used or lots < min(order.min_lots, order.open_lots):
                continue
            price2 = self._peg_price2(order) if order.nature is Nature.PEGGED else 2 * order.price_ticks
            if price2 is not None and side * (limit2 - price2) >= 0:
                offers.append((side * price2, order.rank, price2, order))
        if not offers:
            return None
        _, _, price2, order = min(offers, key=lambda offer: offer[:2])
        return price2, order

    def _displayed_within(self, side: int, limit2: int) -> int | None:
        """The best displayed price that an incoming order of this side reaches."""
        best, lots = self._other(side).touch()
        return best if lots > 0 and side * (limit2 - 2 * best) >= 0 else None

    def _meets_any(self, order: Order, limit2: int) -> bool:
        """Whether an order with this limit would meet another at once."""
        if self._displayed_within(order.side, limit2) is not None:
            return True
        return self._undisplayed_within(order.side, limit2, order.open_lots, set()) is not None

    def _is_own(self, order: Order, agent: int) -> bool:
        """Whether self-trade prevention keeps an incoming order and one of this agent apart."""
        if order.self_trade == SelfTrade.NONE or order.agent < 0 or agent < 0:
            return False
        groups = [n for first, end, n in self.instrument.groups if first <= agent < end][-1:]
        mine = [n for first, end, n in self.instrument.groups if first <= order.agent < end][-1:]
        return agent == order.agent or (bool(groups) and groups == mine)

    def _feasible(self, order: Order, limit2: int, *, undisplayed_only: bool) -> int:
        """What an incoming order would trade at once; see docs/market-rules.md on own orders."""
        left, used = order.open_lots, set[int]()
        side = order.side
        prices = [] if undisplayed_only else sorted(self._other(side).prices, reverse=side == SELL)
        prices = [price for price in prices if side * (limit2 - 2 * price) >= 0]
        while left > 0:
            found = self._undisplayed_within(side, limit2, left, used)
            if prices and (found is None or side * (found[0] - 2 * prices[0]) >= 0):
                queue = self._other(side).queues[prices.pop(0)].values()
                own = [o for o in queue if self._is_own(order, o.agent)]
                if own and order.self_trade != SelfTrade.CANCEL_OLDEST:
                    break
                left -= sum(o.open_lots for o in queue) - sum(o.open_lots for o in own)
            elif found is not None:
                used.add(found[1].order_id)
                if not self._is_own(order, found[1].agent):
                    left -= found[1].open_lots
                elif order.self_trade != SelfTrade.CANCEL_OLDEST:
                    break
            else:
                break
        return order.open_lots - max(0, left)

    def _match(self, order: Order, limit2: int, told: int, *, undisplayed_only: bool = False) -> None:
        """Trade the order until it is filled or nothing within its limit is left."""
        side = order.side
        while order.open_lots:
            price = None if undisplayed_only else self._displayed_within(side, limit2)
            found = self._undisplayed_within(side, limit2, order.open_lots, set()) if self._undisplayed else None
            if price is not None and (found is None or side * (found[0] - 2 * price) >= 0):
                if self.instrument.allocation is not None:
                    self._share(order, price, told)
                    continue
                other, price2 = self._other(side).oldest_at_best(), 2 * price
            elif found is not None:
                price2, other = found
            else:
                return
            if self._is_own(order, other.agent):
                self._keep_apart(order, other, told)
            else:
                self._execute(order, other, min(order.open_lots, other.shown_lots), price2)

    def _share(self, order: Order, price: int, told: int) -> None:
        """Meet the displayed orders of a price under a rule of allocation, once."""
        queue = self._other(order.side).at_best()
        own = [other for other in queue if self._is_own(order, other.agent)]
        if own:
            self._keep_apart(order, own[0], told)
            return
        got = [other.shown_lots for other in queue]
        if order.open_lots < sum(got):
            assert self.instrument.allocation is not None
            got = shares(self.instrument.allocation, queue, self._tops[-order.side], order.open_lots)
        for other, lots in zip(queue, got, strict=True):
            if lots:
                self._execute(order, other, lots, 2 * price)

    def _keep_apart(self, order: Order, other: Order, told: int) -> None:
        """What self-trade prevention does instead of a trade."""
        mode = order.self_trade
        if mode in (SelfTrade.CANCEL_OLDEST, SelfTrade.CANCEL_BOTH):
            self._withdraw(other, Reject.SELF_TRADE)
        if mode in (SelfTrade.CANCEL_NEWEST, SelfTrade.CANCEL_BOTH):
            lots, order.open_lots = order.open_lots, 0
            self._tell_lost(order, lots, told)
        if mode == SelfTrade.DECREMENT:
            both = min(order.open_lots, other.open_lots)
            if both == other.open_lots:
                self._withdraw(other, Reject.SELF_TRADE)
            else:
                self._shrink(other, both, Reject.SELF_TRADE)
            order.open_lots -= both
            self._tell_lost(order, both, told)

    def _tell_lost(self, order: Order, lots: int, told: int) -> None:
        self._write(EventKind.EXPIRE, order, lots, price=told, reason=Reject.SELF_TRADE, incoming=True)

    def _execute(self, order: Order, other: Order, lots: int, price2: int) -> None:
        order.open_lots -= lots
        flag = 0 if other.nature.is_displayed else int(Flag.HIDDEN)
        renewed = other.nature is Nature.ICEBERG and lots == other.shown_lots and other.hidden_lots > 0
        if renewed:
            self._take_up(other)
            other.open_lots -= lots
        else:
            self._take(other, lots)
        self.reference_ticks, self._last_trade2 = price2 // 2, price2
        contra = (other.order_id, other.agent, other.parent_id, other.open_lots)
        flag |= int(Flag.HALF_TICK) if price2 % 2 else 0
        self._write(EventKind.EXECUTE, order, lots, price=price2 // 2, contra=contra, flag=flag, incoming=True)
        if renewed:
            other.hidden_lots -= min(other.display_lots, other.hidden_lots)
            self._own(other.side).add(other)
            self._write(EventKind.REFRESH, other, other.shown_lots)
        self._elect(price2)
        for stop in self._waiting:
            if stop.nature is Nature.TRAILING:
                trigger = self._trailing_trigger(stop, price2)
                if stop.side * (stop.price_ticks - trigger) > 0:
                    stop.price_ticks, stop.place = trigger, self._tick()

    # ---- stops and pegs ---------------------------------------------------------------------------------------

    def _trailing_trigger(self, order: Order, price2: int) -> int:
        """The trigger that a trade at this price leads to."""
        whole = price2 // 2 if order.side == SELL else -(-price2 // 2)
        return min(max(whole + order.side * order.offset, self._lowest), self._highest)

    def _elect(self, price2: int) -> None:
        """Elect the stops that a trade at this price reaches."""
        buys = [o for o in self._waiting if o.side == BUY and 2 * o.price_ticks <= price2]
        sells = [o for o in self._waiting if o.side == SELL and 2 * o.price_ticks >= price2]
        buys.sort(key=lambda o: (o.price_ticks, o.place))
        sells.sort(key=lambda o: (-o.price_ticks, o.place))
        for order in buys + sells:
            self._waiting.remove(order)
            self._elected.append(order)

    def _act(self, order: Order) -> None:
        """Let an elected stop trade, and rest if it has a limit."""
        self._forget(order)
        self._freeze()
        self._write(EventKind.TRIGGER, order, order.open_lots)
        has_limit = order.nature is Nature.STOP_LIMIT
        told = order.limit if has_limit and order.limit is not None else NO_PRICE
        limit2 = 2 * told if has_limit else self._market_limit2(order.side)
        order.nature = Nature.DISPLAYED
        if has_limit and self._beyond_collar(order.side, told):
            lots, order.open_lots = order.open_lots, 0
            self._write(EventKind.EXPIRE, order, lots, price=told, reason=Reject.COLLAR)
            return
        self._match(order, limit2, told)
        if order.open_lots and has_limit:
            order.price_ticks = told
            self._come_to_rest(order)
        elif order.open_lots:
            lots, order.open_lots = order.open_lots, 0
            self._write(EventKind.EXPIRE, order, lots, price=told)

    def _settle_pegs(self, before: tuple[int, int], anyway: bool) -> None:
        """After the touch has moved: pegged buys, then sells, oldest first, look whom they reach."""
        if self.phase != Phase.CONTINUOUS or (self._best_prices() == before and not anyway):
            return
        for side in (BUY, SELL):
            for order in [o for o in self._undisplayed if o.nature is Nature.PEGGED and o.side == side]:
                if order in self._undisplayed:
                    self._look_again(order)

    def _look_again(self, order: Order) -> None:
        """Let a pegged order at rest trade with undisplayed orders within its price; it keeps its age."""
        self._freeze()
        price2 = self._peg_price2(order)
        if price2 is None or self._undisplayed_within(order.side, price2, order.open_lots, set()) is None:
            return
        least = min(order.min_lots, order.open_lots)
        if least > 1 and self._feasible(order, price2, undisplayed_only=True) < least:
            return
        lots = order.open_lots
        self._write(EventKind.REPLACE, order, lots, contra=(0, -1, 0, lots))
        self._match(order, price2, order.price_ticks, undisplayed_only=True)
        if order.open_lots == 0:
            self._undisplayed.remove(order)
            self._forget(order)
        else:
            self._write(EventKind.ADD, order, order.open_lots, flag=Flag.REINSERTED)

    # ---- coming and going -------------------------------------------------------------------------------------

    def _tick(self) -> int:
        self._clock += 1
        return self._clock

    def _come_to_rest(self, order: Order, flag: int = 0) -> None:
        order.rank = order.place = self._tick()
        order.hidden_lots = max(0, order.open_lots - order.display_lots) if order.nature is Nature.ICEBERG else 0
        if order.nature.is_displayed:
            own = self._own(order.side)
            best, lots = own.touch()
            if lots == 0 or order.side * (order.price_ticks - best) > 0:
                self._tops[order.side] = order
            own.add(order)
        elif order.nature.waits:
            self._waiting.append(order)
        else:
            self._undisplayed.append(order)
        self.orders[order.order_id] = order
        if order.tracked:
            self._of_agent.setdefault(order.agent, {})[order.order_id] = order
        kind = EventKind.PARK if order.nature.waits else EventKind.ADD
        self._write(kind, order, order.shown_lots, flag=flag)
        if not order.tracked:  # while it rests, its metaorder is not remembered
            order.parent_id = 0

    def _take_up(self, order: Order) -> None:
        """Take an order out of where it rests or waits."""
        if order.nature.is_displayed:
            self._own(order.side).remove(order)
            if self._tops[order.side] is order:
                self._tops[order.side] = None
        elif order.nature.waits:
            self._waiting.remove(order)
        else:
            self._undisplayed.remove(order)

    def _forget(self, order: Order) -> None:
        del self.orders[order.order_id]
        if order.tracked:
            del self._of_agent[order.agent][order.order_id]

    def _take(self, order: Order, lots: int) -> None:
        """Take shown quantity away from an order; nothing left means that it goes."""
        if lots == order.open_lots:
            self._remove(order)
            order.open_lots = 0
            return
        if order.nature.is_displayed:
            self._own(order.side).less(order, lots)
        order.open_lots -= lots

    def _remove(self, order: Order) -> None:
        self._take_up(order)
        self._forget(order)

    def _withdraw(self, order: Order, reason: int = 0) -> None:
        lots = order.open_lots
        self._remove(order)
        order.open_lots = 0
        self._write(EventKind.CANCEL, order, lots, reason=reason)

    def _shrink(self, order: Order, lots: int, reason: int = 0) -> None:
        unseen = min(lots, order.hidden_lots)
        order.hidden_lots -= unseen
        order.open_lots -= unseen
        if lots > unseen:
            self._take(order, lots - unseen)
        self._write(EventKind.REDUCE, order, lots, reason=reason)

    def _expire(self, is_due: Any) -> None:
        due = [order for order in self.orders.values() if is_due(order)]
        for order in sorted(due, key=lambda o: (o.expires_ns, o.rank)):
            self._withdraw(order, Reject.EXPIRED)

    # ---- rows -------------------------------------------------------------------------------------------------

    def _reject(self, m: Message, reason: Reject) -> None:
        target = m.order_id if m.kind in (*NEW_ORDERS, CANCEL, REDUCE, REPLACE) or m.kind > 7 else 0
        refused = Order(target, m.side, m.price_ticks, 0, m.agent, m.parent_id, tracked=False)
        self._write(EventKind.REJECT, refused, m.qty_lots, reason=reason, contra=(0, -1, 0, m.kind))

    def _write(
        self,
        kind: EventKind,
        order: Order,
        lots: int,
        *,
        price: int | None = None,
        contra: tuple[int, int, int, int] = (0, -1, 0, 0),
        flag: int = 0,
        reason: int = 0,
        incoming: bool = False,
    ) -> None:
        """Write a row about an order as it is after what the row tells, with the touch of now."""
        self._sequence += 1
        flags = int(flag) | (int(Flag.FIRST) if self._first_row else 0)
        self._first_row = False
        if not incoming and not order.nature.is_displayed:
            flags |= Flag.HIDDEN
        if not incoming and order.nature is Nature.ICEBERG:
            flags |= Flag.ICEBERG
            if kind in (EventKind.ADD, EventKind.REDUCE, EventKind.REFRESH):
                contra = (0, -1, 0, order.shown_lots)
        bid, bid_lots, ask, ask_lots = self.touch()
        contra_order, contra_agent, contra_parent, contra_leaves = contra
        price = order.price_ticks if price is None else price
        self._rows.append((
            self._time_ns, self._sequence, order.order_id, contra_order, bid_lots, ask_lots,
            order.agent, contra_agent, order.parent_id, contra_parent,
            price, lots, order.open_lots, contra_leaves, bid, ask,
            self.instrument.symbol, flags, kind, order.side, reason, self.phase,
        ))  # fmt: skip


def _least(m: Message) -> int:
    """What an order must trade at once if it is to trade at all."""
    if m.time_in_force == FOK or m.flags & Flag.ALL_OR_NONE:
        return m.qty_lots
    return m.min_lots if m.flags & Flag.MINIMUM else 1
