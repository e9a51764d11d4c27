"""The pre-trade risk gate: an agent's limits, checked when its message arrives, before the exchange sees it.

Reservations are the quantities and the number of its resting orders (kept by sim/accounts.py from tape rows). A message
that is rejected reserves nothing. Cancels always pass: a limit must not keep an agent from getting out. A limit of 0
means none; a killed agent (kill switch) may only cancel.

The number of open orders and the message rate are limits of the agent, over all its symbols; quantity and notional are
limits of one order, the position one of each symbol. Open orders limit what may rest: market, IOC and FOK orders pass.
"""

from __future__ import annotations

from numba import int64

from lob.book import node_at
from lob.codes import (
    BAD_KIND,
    EXPIRE,
    FOK,
    IOC,
    LIMIT,
    MARKET,
    MARKET_TO_LIMIT,
    REPLACE,
    RISK_KILL_SWITCH,
    RISK_MESSAGE_RATE,
    RISK_NOTIONAL,
    RISK_OPEN_ORDERS,
    RISK_ORDER_TO_TRADE,
    RISK_POSITION,
    RISK_QUANTITY,
    RISK_SHORT_SALE,
    SET_PHASE,
    STOP,
    STOP_LIMIT,
)
from lob.compiled import Record, kernel, leaf
from lob.extended.details import open_lots
from lob.orders import find_order
from lob.units import SECOND_NS
from sim.records import account_at
from sim.sending import UNFIT
from sim.venue import is_short_refused

__all__ = ["check_limits"]


@leaf
def open_orders(world: Record, index: int) -> int:
    """Resting orders of an agent in all symbols."""
    total = int64(0)
    for symbol in range(world.n_symbols):
        total += account_at(world, index * world.n_symbols + symbol).n_open
    return total


@kernel
def check_limits(
    world: Record, population: Record, agent: Record, account: Record, symbol: Record, book: Record, message: Record
) -> int:
    """Return 0 if the message may pass, else the reason.

    The message rate counts all messages of the agent in the running second of its own clock, cancels included.
    """
    kind = int64(message.kind)
    rate = int64(population.max_messages_per_s)
    index = int64(message.agent)
    counted = account_at(world, index * world.n_symbols + population.symbol)
    if rate > 0:
        if message.time_ns - counted.window_ns >= SECOND_NS:
            counted.window_ns = message.time_ns
            counted.window_count = 0
        counted.window_count += 1
    unfit = int64(message.gateway) & UNFIT
    if unfit != 0:
        return unfit
    side = int64(message.side)
    qty_lots = int64(message.qty_lots)
    added = qty_lots
    if kind == REPLACE:
        target = find_order(book, int64(message.order_id))
        if target == 0:
            return 0  # the exchange will say so
        side = int64(node_at(book, target).side)
        added = qty_lots - open_lots(book, target)
    elif kind == SET_PHASE:
        return BAD_KIND  # the venue's own message; the schedule sends it without coming here
    elif kind == EXPIRE:
        return BAD_KIND
    elif kind != LIMIT and kind != MARKET and not STOP <= kind <= MARKET_TO_LIMIT:
        return 0
    if agent.killed != 0:
        return RISK_KILL_SWITCH
    if rate > 0 and counted.window_count > rate:
        return RISK_MESSAGE_RATE
    per_fill = int64(population.max_messages_per_fill)
    if per_fill > 0 and account.n_messages - account.n_in_flight > per_fill * (account.n_fills + 1):
        return RISK_ORDER_TO_TRADE
    if symbol.short_selling != 0 and side < 0 and added > 0 and is_short_refused(symbol, book, account, message, added):
        return RISK_SHORT_SALE
    if population.max_order_lots > 0 and qty_lots > population.max_order_lots:
        return RISK_QUANTITY
    if population.max_notional > 0:
        has_price = kind == LIMIT or kind == REPLACE or kind == STOP_LIMIT
        price = int64(message.price_ticks) if has_price else int64(symbol.last_ticks)
        if abs(price) * qty_lots > population.max_notional:
            return RISK_NOTIONAL
    if population.max_position_lots > 0:
        exposed = (
            account.position_lots + account.open_buy_lots
            if side > 0
            else account.open_sell_lots - account.position_lots
        )
        # What brings the exposure down passes even when it is above the limit.
        if added > 0 and exposed + added > population.max_position_lots:
            return RISK_POSITION
    may_rest = kind != MARKET and kind != REPLACE and message.time_in_force != IOC and message.time_in_force != FOK
    if may_rest and population.max_open_orders > 0 and open_orders(world, index) >= population.max_open_orders:
        return RISK_OPEN_ORDERS
    return 0
