"""Filling the view: what a population declared, and nothing else, is looked up when one of its agents wakes."""

from __future__ import annotations

from numba import int64

from lob.blocks import address_of
from lob.book import extra_at, level_at, node_at, owner_at
from lob.compiled import Record, kernel, leaf
from lob.extended.details import open_lots
from lob.extended.placing import row_ticks
from lob.inspect import best_price, is_price, lots_ahead, next_price
from lob.types import NO_PRICE
from sim.codes import NEEDS_BOOK, NEEDS_DEPTH, NEEDS_HISTORY, NEEDS_OWN, NEEDS_QUEUE, NEEDS_SIGNAL, NEEDS_TRADES
from sim.records import (
    N_DEPTH,
    N_HISTORY,
    N_OWN,
    N_TRADES,
    account_at,
    book_in,
    float_at,
    history_at,
    population_at,
    symbol_at,
)

__all__ = ["fill_view"]


@leaf
def value_at(world: Record, symbol: Record, time_ns: int) -> float:
    """Fundamental value in ticks at a time: the last grid value at or before it."""
    step = (time_ns - symbol.value_start_ns) // symbol.value_step_ns
    step = min(max(step, int64(0)), symbol.n_values - 1)
    return float_at(world, symbol.first_value + step).value


@kernel
def fill_depth(book: Record, view: Record) -> None:
    """Fill the depth of both sides, from the touch outwards."""
    count = int64(0)
    price = best_price(book, int64(0))
    while count < N_DEPTH and is_price(book, price):
        view.bid_depth_ticks[count] = price + book.min_price_ticks
        view.bid_depth_lots[count] = level_at(book, price).lots
        count += 1
        price = next_price(book, int64(0), price)
    view.n_bid_levels = count
    count = int64(0)
    price = best_price(book, int64(1))
    while count < N_DEPTH and is_price(book, price):
        view.ask_depth_ticks[count] = price + book.min_price_ticks
        view.ask_depth_lots[count] = level_at(book, book.n_prices + price).lots
        count += 1
        price = next_price(book, int64(1), price)
    view.n_ask_levels = count


@kernel
def fill_own(book: Record, view: Record, agent: int, with_queue: bool) -> None:
    """Fill the agent's own orders, oldest first."""
    count = int64(0)
    index = int64(owner_at(book, agent).head)
    while index != 0 and count < N_OWN:
        node = node_at(book, index)
        view.own_id[count] = node.order_id
        view.own_side[count] = node.side
        view.own_ticks[count] = row_ticks(book, index)
        view.own_lots[count] = open_lots(book, index)
        if with_queue:
            view.own_ahead_lots[count] = lots_ahead(book, index)
        count += 1
        index = int64(extra_at(book, index).next)
    view.n_own = count


@leaf
def fill_touch(symbol: Record, book: Record, view: Record) -> None:
    """Fill the touch and the last price."""
    bid, ask = int64(book.best_bid), int64(book.best_ask)
    view.bid_ticks = bid + book.min_price_ticks if bid >= 0 else int64(NO_PRICE)
    view.bid_lots = level_at(book, bid).lots if bid >= 0 else int64(0)
    view.ask_ticks = ask + book.min_price_ticks if ask < book.n_prices else int64(NO_PRICE)
    view.ask_lots = level_at(book, book.n_prices + ask).lots if ask < book.n_prices else int64(0)
    view.last_ticks = symbol.last_ticks


@kernel
def fill_watched(world: Record, view: Record, agent: int, symbol_index: int) -> None:
    """Fill what is shown of the watched symbol, by way of the fields of the agent's own, which are filled later."""
    symbol = symbol_at(world, symbol_index)
    fill_touch(symbol, book_in(world, int64(symbol.off_book)), view)
    view.watch_bid_ticks = view.bid_ticks
    view.watch_bid_lots = view.bid_lots
    view.watch_ask_ticks = view.ask_ticks
    view.watch_ask_lots = view.ask_lots
    view.watch_last_ticks = view.last_ticks
    account = account_at(world, agent * world.n_symbols + symbol_index)
    view.watch_position_lots = account.position_lots
    view.watch_n_in_flight = account.n_in_flight


@leaf
def fill_view(world: Record, view: Record, agent: int, population_index: int, reason: int) -> None:
    """Fill the view of one agent at the world's time."""
    population = population_at(world, population_index)
    symbol = symbol_at(world, int64(population.symbol))
    book = book_in(world, int64(symbol.off_book))
    account = account_at(world, agent * world.n_symbols + population.symbol)
    needs = int64(population.needs)
    view.time_ns = world.time_ns
    view.open_ns = world.open_ns
    view.close_ns = world.close_ns
    view.reason = reason
    view.symbol = population.symbol
    view.phase = book.phase
    view.agent = agent
    view.watch = population.watch
    if population.watch >= 0:
        fill_watched(world, view, agent, int64(population.watch))
    else:
        view.watch_bid_ticks = NO_PRICE
        view.watch_bid_lots = 0
        view.watch_ask_ticks = NO_PRICE
        view.watch_ask_lots = 0
        view.watch_last_ticks = 0
        view.watch_position_lots = 0
        view.watch_n_in_flight = 0
    fill_touch(symbol, book, view)
    view.last_lots = symbol.last_lots
    view.last_side = symbol.last_side
    view.volume_lots = symbol.volume_lots
    view.n_trades = symbol.n_trades
    view.position_lots = account.position_lots
    view.cash_ticks = account.cash_ticks
    view.n_in_flight = account.n_in_flight + view.watch_n_in_flight
    view.min_price_ticks = book.min_price_ticks
    view.max_price_ticks = book.min_price_ticks + book.n_prices - 1
    view.news = symbol.news
    view.n_block = population.n_values
    view.n_memory = population.n_memory
    view.book_address = address_of(book) if needs & NEEDS_BOOK else int64(0)
    view.n_history = symbol.n_history if needs & NEEDS_HISTORY else int64(0)
    view.history_address = int64(0)
    if needs & NEEDS_HISTORY:
        view.history_address = address_of(history_at(world, int64(population.symbol) * N_HISTORY))
    # What was not asked for reads as nothing, not as the last agent's view.
    view.signal = 0.0
    view.n_own = 0
    view.n_recent = 0
    view.n_bid_levels = 0
    view.n_ask_levels = 0
    if needs & NEEDS_SIGNAL:
        view.signal = value_at(world, symbol, int64(world.time_ns))
    if needs & NEEDS_DEPTH:
        fill_depth(book, view)
    if needs & (NEEDS_OWN | NEEDS_QUEUE):
        fill_own(book, view, agent, needs & NEEDS_QUEUE != 0)
    if needs & NEEDS_TRADES:
        recent = min(int64(symbol.n_trades), int64(N_TRADES))
        for k in range(recent):
            slot = (symbol.n_trades - 1 - k) % N_TRADES
            view.trade_ticks[k] = symbol.trade_ticks[slot]
            view.trade_lots[k] = symbol.trade_lots[slot]
        view.n_recent = recent
