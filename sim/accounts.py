"""Accounts, kept from tape rows alone: cash and shares are conserved because every execution is booked twice."""

from __future__ import annotations

from numba import float64, int64

from lob.codes import (
    HALF_TICK,
    ROW_ADD,
    ROW_CANCEL,
    ROW_EXECUTE,
    ROW_PARK,
    ROW_REDUCE,
    ROW_REJECT,
    ROW_REPLACE,
    ROW_TRIGGER,
)
from lob.compiled import Record, leaf
from sim.records import ACCOUNT_LIMIT, TURNOVER_WORD, account_at

__all__ = ["book_row", "charge_nano"]

BILLION = 1_000_000_000


@leaf
def charge(account: Record, value: int, fee_ppb: int) -> None:
    """Book a fee exactly: whole ticks x lots and billionths, since value x fee need not fit into one word."""
    whole = value // BILLION
    part = (value - whole * BILLION) * fee_ppb + account.fees_nano
    carried = part // BILLION  # floor: the billionths stay positive, rebates included
    account.fees_ticks += whole * fee_ppb + carried
    account.fees_nano = part - carried * BILLION


@leaf
def charge_nano(account: Record, nano: int) -> None:
    """Book a fee of so many billionths of a tick x lot."""
    part = nano + account.fees_nano
    carried = part // BILLION
    account.fees_ticks += carried
    account.fees_nano = part - carried * BILLION


@leaf
def settle(
    account: Record, side: int, price_ticks: int, half: int, qty_lots: int, fee_ppb: int, lot_fee_nano: int
) -> bool:
    """Book one side of an execution; return False if the account comes near to what its numbers can hold.

    `half` is 1 if the price is half a tick above. Turnover and fees are of the value without a last half.

    Prices and quantities have at most 31 bits each (lob.rules), a fee is at most the value: the value of one execution
    is below 2^61, so that nothing has wrapped when the limit is looked at.
    """
    value = price_ticks * qty_lots
    if half != 0:
        value += qty_lots >> 1
        if qty_lots & 1:
            halves = account.cash_half - side
            account.cash_ticks += halves >> 1
            account.cash_half = halves & 1
    account.position_lots += side * qty_lots
    account.cash_ticks -= side * value
    account.turnover_ticks += abs(value)
    if account.turnover_ticks >= TURNOVER_WORD:
        account.turnover_ticks -= TURNOVER_WORD
        account.turnover_carry += 1
    account.n_fills += 1
    if side > 0:
        account.bought_lots += qty_lots
    else:
        account.sold_lots += qty_lots
    if fee_ppb != 0:
        charge(account, abs(value), fee_ppb)
    if lot_fee_nano != 0:
        charge_nano(account, qty_lots * lot_fee_nano)
    held = abs(float64(account.position_lots)) * abs(float64(price_ticks))
    if held + abs(float64(account.cash_ticks)) + abs(float64(account.fees_ticks)) >= float64(ACCOUNT_LIMIT):
        return False
    equity = account.cash_ticks + account.position_lots * price_ticks - account.fees_ticks
    if equity > account.peak_ticks:
        account.peak_ticks = equity
    elif account.peak_ticks - equity > account.drawdown_ticks:
        account.drawdown_ticks = account.peak_ticks - equity
    return True


@leaf
def reserve(account: Record, side: int, qty_lots: int, orders: int) -> None:
    """Change the quantity and number of an agent's resting orders."""
    if side > 0:
        account.open_buy_lots += qty_lots
    else:
        account.open_sell_lots += qty_lots
    account.n_open += orders


@leaf
def book_row(world: Record, symbol: Record, symbol_index: int, row: Record) -> bool:
    """Book one tape row into the accounts it concerns; False: one of them is full, world.wake_agent says whose."""
    kind = int64(row.kind)
    side = int64(row.side)
    qty_lots = int64(row.qty_lots)
    account = account_at(world, int64(row.agent) * world.n_symbols + symbol_index)
    if kind == ROW_EXECUTE:
        contra = account_at(world, int64(row.contra_agent) * world.n_symbols + symbol_index)
        price, half = int64(row.price_ticks), int64(row.flags) & HALF_TICK
        taker_ppb, taker_nano = int64(symbol.taker_fee_ppb), int64(symbol.taker_lot_fee_nano)
        maker_ppb, maker_nano = int64(symbol.maker_fee_ppb), int64(symbol.maker_lot_fee_nano)
        taker_fits = settle(account, side, price, half, qty_lots, taker_ppb, taker_nano)
        maker_fits = settle(contra, -side, price, half, qty_lots, maker_ppb, maker_nano)
        reserve(contra, -side, -qty_lots, int64(-1) if row.contra_leaves_lots == 0 else int64(0))
        if not (taker_fits and maker_fits):
            world.wake_agent = row.contra_agent if taker_fits else row.agent
            return False
    elif kind == ROW_ADD or kind == ROW_PARK:
        reserve(account, side, int64(row.leaves_lots), int64(1))
    elif kind == ROW_CANCEL or kind == ROW_TRIGGER:
        reserve(account, side, -qty_lots, int64(-1))
    elif kind == ROW_REDUCE:
        reserve(account, side, -qty_lots, int64(0))
    elif kind == ROW_REPLACE:
        reserve(account, side, -int64(row.contra_leaves_lots), int64(-1))
    elif kind == ROW_REJECT:
        account.n_rejects += 1
        symbol.n_rejects[min(int64(row.reason), int64(63))] += 1
    return True
