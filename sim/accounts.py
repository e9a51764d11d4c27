"""Accounts, kept from tape rows alone: cash and shares are conserved because every execution is booked twice."""

from __future__ import annotations

from numba import int64

from lob._jit import Record, leaf
from lob.types import EventKind
from sim.records import account_at

__all__ = ["book_row"]

ADD, CANCEL, REDUCE = int(EventKind.ADD), int(EventKind.CANCEL), int(EventKind.REDUCE)
REPLACE, EXECUTE = int(EventKind.REPLACE), int(EventKind.EXECUTE)
REJECT, EXPIRE = int(EventKind.REJECT), int(EventKind.EXPIRE)


@leaf
def settle(world: Record, account: Record, side: int, price_ticks: int, qty_lots: int, fee_ppm: int) -> None:
    """Book one side of an execution. Fees in millionths of a tick x lot, so that they stay whole numbers."""
    value = price_ticks * qty_lots
    account.position_lots += side * qty_lots
    account.cash_ticks -= side * value
    account.turnover_ticks += abs(value)
    account.n_fills += 1
    if side > 0:
        account.bought_lots += qty_lots
    else:
        account.sold_lots += qty_lots
    fee = abs(value) * fee_ppm
    account.fees_micro += fee
    world.fees_micro += fee
    equity = account.cash_ticks + account.position_lots * price_ticks - account.fees_micro // 1_000_000
    if equity > account.peak_ticks:
        account.peak_ticks = equity
    elif account.peak_ticks - equity > account.drawdown_ticks:
        account.drawdown_ticks = account.peak_ticks - equity


@leaf
def reserve(account: Record, side: int, qty_lots: int, orders: int) -> None:
    """Change the quantity and number of an agent's resting orders."""
    if side > 0:
        account.open_buy_lots += qty_lots
    else:
        account.open_sell_lots += qty_lots
    account.n_open += orders


@leaf
def book_row(world: Record, symbol: Record, symbol_index: int, row: Record) -> None:
    """Book one tape row into the accounts it concerns."""
    kind = int64(row.kind)
    side = int64(row.side)
    qty_lots = int64(row.qty_lots)
    account = account_at(world, int64(row.agent) * world.n_symbols + symbol_index)
    if kind == EXECUTE:
        contra = account_at(world, int64(row.contra_agent) * world.n_symbols + symbol_index)
        settle(world, account, side, int64(row.price_ticks), qty_lots, int64(symbol.taker_fee_ppm))
        settle(world, contra, -side, int64(row.price_ticks), qty_lots, int64(symbol.maker_fee_ppm))
        reserve(contra, -side, -qty_lots, int64(-1) if row.contra_leaves_lots == 0 else int64(0))
    elif kind == ADD:
        reserve(account, side, qty_lots, int64(1))
    elif kind == CANCEL:
        reserve(account, side, -qty_lots, int64(-1))
    elif kind == REDUCE:
        reserve(account, side, -qty_lots, int64(0))
    elif kind == REPLACE:
        reserve(account, side, -world.replaced_lots, int64(-1))
    elif kind == REJECT:
        account.n_rejects += 1
        symbol.n_rejects[min(int64(row.reason), int64(63))] += 1
