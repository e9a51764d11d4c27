"""From order flow to tokens and back: classes of size and delay fitted to data, exact values drawn from inside a class.

A Tokenizer is fitted to the training part of some stocks' flow. Classes are common to all stocks; what lies inside a
class is kept for each stock as quantiles, so that decoding draws empirical values.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from agents.flow.codes import (
    AT_ONCE_S,
    DELETE,
    MARKET,
    N_DEEP,
    N_FEATURES,
    N_IMPROVE,
    N_LOCAL,
    N_MEMORY,
    N_TARGETS,
    NEW,
    PARTIAL,
    deep_range,
    features,
    order_code,
    remember_event,
    target_class,
)
from lob.errors import InputError
from lob.units import SECOND_NS
from sim.metrics.flow import FlowKind, OrderFlow
from sim.metrics.lifetimes import order_ages_s
from sim.policy import decision

__all__ = [
    "BOOK_LEVELS",
    "N_BOOKS",
    "N_QUANTILES",
    "PACE_WINDOWS_S",
    "TABLES",
    "StockTables",
    "Tokenizer",
    "Tokens",
    "log_activity",
]

Floats = np.ndarray[Any, np.dtype[np.float64]]
Ints = np.ndarray[Any, np.dtype[np.int64]]
N_QUANTILES = 32
N_DELAYS = 41
N_BOOKS = 24
BOOK_LEVELS = 10
LEAST_EVENTS, LEAST_TO_ENCODE = 2_000, 20
ACTIVITY_NS = 150 * SECOND_NS
PACE_WINDOWS_S = (1, 10, 60)
TABLES = ("depth", "join", "size", "delay", "gap", "activity", "books")
LEVELS_SEEN = 5
"""Levels that the features look at."""


@dataclass(frozen=True)
class Tokens:
    """A stretch of flow in tokens; arrays of shape (n,) and features of shape (n, N_FEATURES).

    Attributes:
        order, detail, delay: the codes of each event; `detail` of a partial cancel is 0.
        features: the live book after each event.
        stock: index of the stock in the tokenizer.
        time_ns: time of each event.
    """

    order: Ints
    detail: Ints
    delay: Ints
    features: Floats
    stock: int
    time_ns: Ints

    def __len__(self) -> int:
        """Return the number of events."""
        return len(self.order)

    def window(self, from_ns: int, until_ns: int) -> Tokens:
        """Return the events from one time up to before another."""
        a, b = np.searchsorted(self.time_ns, [from_ns, until_ns])
        part = slice(int(a), int(b))
        return Tokens(self.order[part], self.detail[part], self.delay[part], self.features[part], self.stock,
                      self.time_ns[part])  # fmt: skip


@dataclass(frozen=True)
class StockTables:
    """What belongs to one stock.

    Attributes:
        name: ticker.
        scale_ticks: median spread.
        scale_lots: usual order size.
        depth: quantiles inside each class of new orders, shape (N_IMPROVE + 1 + N_DEEP, N_QUANTILES): share of the
            spread closed inside it, ticks behind the best elsewhere.
        join: share of the new orders of each class behind the best that go to a price at which others stand already,
            where the class has such a price; shape (N_DEEP,). Orders that ignore each other make too many levels.
        size: quantiles inside each size class [lots].
        delay: quantiles inside each delay class [log10 s].
        gap: quantiles of the distance between deep levels [ticks].
        activity: mean rate of orders [1/s]; standard deviation and one-minute autocorrelation of the log of the rate
            around a time over its mean; most orders in 1, 10 and 60 seconds of the clock.
        books: books of the training time, shape (N_BOOKS, 2, BOOK_LEVELS, 2): side, level, (ticks from the best, lots);
            the first entry of the asks' first level is the spread. Lots 0: the level is not recorded.
    """

    name: str
    scale_ticks: float
    scale_lots: float
    depth: Floats
    join: Floats
    size: Floats
    delay: Floats
    gap: Floats
    activity: Floats
    books: Floats


@dataclass(frozen=True)
class Tokenizer:
    """Classes common to all stocks, and the tables of each.

    Attributes:
        size_low: smallest size of each size class, ascending; a class ends where the next begins.
        delay_low: smallest log10 delay [s] of each delay class, ascending; the first is -inf ("at once").
        stocks: tables by stock.
    """

    size_low: Floats
    delay_low: Floats
    stocks: tuple[StockTables, ...]

    @property
    def n_sizes(self) -> int:
        """Number of size classes."""
        return len(self.size_low)

    @property
    def n_details(self) -> int:
        """Size classes, "the whole touch", classes of deleted orders."""
        return self.n_sizes + 1 + N_TARGETS

    @property
    def n_delays(self) -> int:
        """Number of delay classes."""
        return len(self.delay_low)

    def stock_index(self, name: str) -> int:
        """Return the index of a stock; raise InputError if it is not known."""
        names = [stock.name for stock in self.stocks]
        if name not in names:
            raise InputError(f"stock {name}: not in this model; allowed: {', '.join(names)}")
        return names.index(name)

    # ---- fitting ----------------------------------------------------------------------------------------------------

    @staticmethod
    def fit(flows: Sequence[OrderFlow], names: Sequence[str]) -> Tokenizer:
        """Return a tokenizer fitted to flows (training time only) of stocks of these names.

        Raises:
            InputError: if a flow is too short or has no book.
        """
        events = [_events(flow, name) for flow, name in zip(flows, names, strict=True)]
        sizes = np.concatenate([e.lots[e.sized] for e in events])
        size_low = _size_classes(sizes)
        delays = np.concatenate([np.log10(e.delay_s[e.delay_s >= AT_ONCE_S]) for e in events])
        inner = np.unique(np.quantile(delays, np.linspace(0, 1, N_DELAYS)[:-1]))
        delay_low = np.concatenate([[-np.inf], np.maximum(inner, np.log10(AT_ONCE_S))])
        empty = Tokenizer(size_low, delay_low, ())
        return Tokenizer(size_low, delay_low, tuple(empty._tables(e, n) for e, n in zip(events, names, strict=True)))

    def _tables(self, events: _Events, name: str) -> StockTables:
        flow = events.flow
        spread = flow.ask_ticks - flow.bid_ticks
        scale = float(np.nanmedian(spread))
        usual = float(np.median(events.lots[events.kind == NEW]))
        new = events.kind == NEW
        codes = _codes(events, scale) % N_LOCAL
        inside = np.where(
            events.depth_ticks < 0, -events.depth_ticks / np.maximum(events.spread_ticks, 1), events.depth_ticks
        )
        depth = np.stack([_quantiles(inside[new & (codes == k)]) for k in range(N_IMPROVE + 1 + N_DEEP)])
        size_class = self.size_class(events.lots)
        size = np.stack([_quantiles(events.lots[events.sized & (size_class == k)], self.size_low[k])
                         for k in range(self.n_sizes)])  # fmt: skip
        logs = np.log10(np.maximum(events.delay_s, 1e-9))
        delay_class = self.delay_class(events.delay_s)
        delay = np.stack([_quantiles(logs[delay_class == k], max(self.delay_low[k], -7.0))
                          for k in range(self.n_delays)])  # fmt: skip
        delay[0] = -7.0
        assert flow.book is not None  # _events has checked it
        gaps = np.concatenate([np.diff(flow.book[::50, 1:, 0], axis=1).ravel(),
                               -np.diff(flow.book[::50, 1:, 2], axis=1).ravel()])  # fmt: skip
        gap = _quantiles(gaps[np.isfinite(gaps)], 1.0)
        join = _joining(events, codes, scale)
        return StockTables(name, scale, usual, depth, join, size, delay, gap, _pace(events), _books(flow))

    def size_class(self, lots: Any) -> Ints:
        """Class of sizes."""
        return np.maximum(np.searchsorted(self.size_low, lots, side="right") - 1, 0)

    def delay_class(self, delay_s: Any) -> Ints:
        """Class of delays [s]."""
        logs = np.where(np.asarray(delay_s) < AT_ONCE_S, -np.inf, np.log10(np.maximum(delay_s, 1e-12)))
        return np.searchsorted(self.delay_low, logs, side="right") - 1

    # ---- encoding ---------------------------------------------------------------------------------------------------

    def encode(self, flow: OrderFlow, stock: int | str) -> Tokens:
        """Return the tokens of a flow with its book; executions of equal time and side are one market order."""
        index = self.stock_index(stock) if isinstance(stock, str) else stock
        table = self.stocks[index]
        events = _events(flow, table.name, LEAST_TO_ENCODE)
        order = _codes(events, table.scale_ticks)
        local = order % N_LOCAL
        detail = self.size_class(events.lots)
        whole = (local == MARKET) & (events.lots == events.opposite_lots)
        detail = np.where(whole, self.n_sizes, detail)
        usual = table.scale_lots
        targets = np.array([target_class(a, x, usual) for a, x in zip(events.age_s, events.lots, strict=True)])
        detail = np.where((local >= DELETE) & (local < PARTIAL), self.n_sizes + 1 + targets, detail)
        detail = np.where(local == PARTIAL, 0, detail)
        activity = log_activity(events.time_ns, float(table.activity[0]))
        rows = _feature_rows(events.columns(activity), table.scale_ticks, table.scale_lots)
        return Tokens(order, detail, self.delay_class(events.delay_s), rows, index, events.time_ns)

    # ---- storing ----------------------------------------------------------------------------------------------------

    def arrays(self) -> dict[str, np.ndarray[Any, Any]]:
        """Return everything numeric by name, for a weights file."""
        found = {"size_low": self.size_low, "delay_low": np.maximum(self.delay_low, -99.0)}
        for k, stock in enumerate(self.stocks):
            for name in TABLES:
                found[f"stock{k}.{name}"] = getattr(stock, name)
        return {f"tokenizer.{name}": np.asarray(value, np.float32) for name, value in found.items()}

    def text(self) -> str:
        """Return names and scales as JSON, for a weights file."""
        return json.dumps([[s.name, s.scale_ticks, s.scale_lots] for s in self.stocks])

    @staticmethod
    def from_arrays(arrays: dict[str, np.ndarray[Any, Any]], text: str) -> Tokenizer:
        """Return what `arrays` and `text` have stored."""
        get = {name.removeprefix("tokenizer."): np.asarray(value, np.float64) for name, value in arrays.items()}
        stocks = [
            StockTables(
                name,
                ticks,
                lots,
                *[get[f"stock{k}.{n}"] for n in TABLES],
            )
            for k, (name, ticks, lots) in enumerate(json.loads(text))
        ]
        low = get["delay_low"].copy()
        low[0] = -np.inf
        return Tokenizer(get["size_low"], low, tuple(stocks))


@dataclass(frozen=True)
class _Events:
    """Orders of a flow: market orders put together, each with what stood before it; arrays of shape (n,)."""

    flow: OrderFlow
    time_ns: Ints
    kind: Ints
    side: Ints
    lots: Ints
    depth_ticks: Floats
    spread_ticks: Floats
    opposite_lots: Floats
    delay_s: Floats
    age_s: Floats
    before: Ints
    last: Ints

    @property
    def sized(self) -> Any:
        """Events whose size is generated."""
        return (self.kind == NEW) | (self.kind == MARKET)

    def columns(self, activity: Floats) -> Floats:
        """Columns after each event that the features need, shape (n, 11)."""
        flow, at = self.flow, self.last
        assert flow.book is not None
        book = flow.book[at][:, :LEVELS_SEEN]
        deep = np.nansum(book[:, 1:, 1], axis=1), np.nansum(book[:, 1:, 3], axis=1)
        gaps = book[:, 1, 0] - book[:, 0, 0], book[:, 0, 2] - book[:, 1, 2]
        bid, ask = _last_known(flow.bid_ticks[at]), _last_known(flow.ask_ticks[at])
        return np.nan_to_num(np.stack(
            [ask - bid, flow.bid_lots[at], flow.ask_lots[at], deep[1], deep[0], gaps[1],
             gaps[0], (bid + ask) / 2, self.time_ns / (3600 * SECOND_NS), activity,
             np.where(self.kind == MARKET, self.side, 0)], axis=1,
        ), nan=1.0)  # fmt: skip


_KIND = {FlowKind.SUBMIT: NEW, FlowKind.PARTIAL_CANCEL: PARTIAL, FlowKind.DELETE: DELETE, FlowKind.EXECUTE: MARKET}


def _events(flow: OrderFlow, name: str, least: int = LEAST_EVENTS) -> _Events:
    flow = flow.visible()
    if len(flow) < least:
        raise InputError(f"{name}: {len(flow)} events; allowed: at least {least}")
    if flow.book is None:
        raise InputError(f"{name}: flow without its book; allowed: flow with the book after each event")
    executed = flow.kind == FlowKind.EXECUTE
    same = executed[1:] & executed[:-1] & (np.diff(flow.time_ns) == 0) & (flow.side[1:] == flow.side[:-1])
    first = np.flatnonzero(np.append(True, ~same))
    last = np.append(first[1:], len(flow)) - 1
    first, last = first[1:], last[1:]  # the first has no before
    before = first - 1
    bid, ask = flow.bid_ticks[before], flow.ask_ticks[before]
    both = np.isfinite(bid) & np.isfinite(ask)
    first, last, before, bid, ask = first[both], last[both], before[both], bid[both], ask[both]
    kind = np.vectorize(lambda k: _KIND[FlowKind(k)], otypes=[np.int64])(flow.kind[first])
    side = np.where(kind == MARKET, -flow.side[first], flow.side[first])
    depth = np.where(flow.side[first] > 0, bid - flow.price_ticks[first], flow.price_ticks[first] - ask)
    volume = np.concatenate([[0], np.cumsum(flow.size_lots)])
    lots = np.where(kind == MARKET, volume[last + 1] - volume[first], flow.size_lots[first])
    opposite = np.where(side > 0, flow.ask_lots[before], flow.bid_lots[before])
    delay = np.diff(flow.time_ns[first], prepend=flow.time_ns[first[:1]]) / SECOND_NS
    return _Events(flow, flow.time_ns[first], kind, side, lots, depth, ask - bid, opposite, delay,
                   np.nan_to_num(order_ages_s(flow)[first], nan=-1.0), before, last)  # fmt: skip


def _last_known(prices: Floats) -> Floats:
    """Prices with gaps, where a side is empty, filled by the price before; as the live market's reader does."""
    at = np.maximum.accumulate(np.where(np.isfinite(prices), np.arange(len(prices)), 0))
    return np.asarray(prices[at])


@decision
def _code_rows(kind: Any, side: Any, depth: Any, spread: Any, scale: float, out: Any) -> int:
    for k in range(len(kind)):
        out[k] = order_code(int(kind[k]), int(side[k]), depth[k], spread[k], scale)
    return len(kind)


def _codes(events: _Events, scale_ticks: float) -> Ints:
    out = np.zeros(len(events.kind), np.int64)
    _code_rows(events.kind, events.side, events.depth_ticks, events.spread_ticks, float(scale_ticks), out)
    return out


@decision
def _fill_features(columns: Any, scale_ticks: float, scale_lots: float, averages: Any, out: Any) -> int:
    for k in range(len(columns)):
        c = columns[k]
        move = (c[7] - columns[k - 1, 7]) / scale_ticks if k > 0 else 0.0
        remember_event(averages, move, int(c[10]))
        features(out[k], averages, c[0], c[1], c[2], c[3], c[4], c[5], c[6], scale_ticks, scale_lots, c[8], c[9])
    return len(columns)


def _feature_rows(columns: Floats, scale_ticks: float, scale_lots: float) -> Floats:
    averages, out = np.zeros(N_MEMORY), np.zeros((len(columns), N_FEATURES))
    _fill_features(np.ascontiguousarray(columns), float(scale_ticks), float(scale_lots), averages, out)
    return out


def log_activity(time_ns: Ints, rate_per_s: float) -> Floats:
    """Log of the rate in the five minutes around each event over its mean; at the ends, of the part that is known."""
    low, high = time_ns - ACTIVITY_NS, time_ns + ACTIVITY_NS
    count = np.searchsorted(time_ns, high, side="right") - np.searchsorted(time_ns, low)
    width_s = (np.minimum(high, time_ns[-1]) - np.maximum(low, time_ns[0])) / SECOND_NS
    return np.log(np.maximum(count, 1) / np.maximum(rate_per_s * width_s, 1e-9))


def _pace(events: _Events) -> Floats:
    rate = len(events.time_ns) / ((events.time_ns[-1] - events.time_ns[0]) / SECOND_NS)
    grid = np.arange(events.time_ns[0], events.time_ns[-1], 60 * SECOND_NS)
    x = log_activity(events.time_ns, rate)[np.minimum(np.searchsorted(events.time_ns, grid), len(events.time_ns) - 1)]
    x = x - x.mean()
    power = float(x @ x)
    most = [float(np.bincount(events.time_ns // (s * SECOND_NS) - events.time_ns[0] // (s * SECOND_NS)).max())
            for s in PACE_WINDOWS_S]  # fmt: skip
    return np.array([rate, float(x.std()), float(x[1:] @ x[:-1]) / power if power > 0 else 0.0, *most])


def _quantiles(values: Any, fallback: float = 1.0) -> Floats:
    if len(values) == 0:
        return np.full(N_QUANTILES, fallback)
    return np.asarray(np.quantile(values, (np.arange(N_QUANTILES) + 0.5) / N_QUANTILES, method="inverted_cdf"))


def _size_classes(sizes: Any) -> Floats:
    """Single sizes that occur in at least 1% of orders are classes; the rest is cut into about equal shares between."""
    values, counts = np.unique(sizes, return_counts=True)
    atoms = values[counts >= 0.01 * len(sizes)]
    rest = sizes[~np.isin(sizes, atoms)]
    cuts = np.quantile(rest, np.linspace(0, 1, 13)[1:-1], method="inverted_cdf") if len(rest) else np.zeros(0)
    return np.unique(np.concatenate([[1], atoms, atoms + 1, cuts])).astype(np.float64)


def _joining(events: _Events, codes: Ints, scale_ticks: float) -> Floats:
    """Share of new orders behind the best that go to an occupied price of their class, if there is one."""
    book, found = events.flow.book, np.zeros(N_DEEP)
    assert book is not None
    before = book[events.before]
    side = events.side[:, None]
    levels = np.where(side > 0, before[:, :1, 2] - before[:, :, 2], before[:, :, 0] - before[:, :1, 0])
    for k in range(N_DEEP):
        low, high = deep_range(k, scale_ticks)
        chosen = (events.kind == NEW) & (codes == N_IMPROVE + 1 + k)
        there, own = levels[chosen], events.depth_ticks[chosen, None]
        possible = ((there >= low) & (there <= high)).any(axis=1)
        if possible.any():
            found[k] = float((there == own).any(axis=1)[possible].mean())
    return found


def _books(flow: OrderFlow) -> Floats:
    """Books at evenly spread times: ticks from the own best (asks' first: the spread), lots."""
    assert flow.book is not None
    found = np.zeros((N_BOOKS, 2, BOOK_LEVELS, 2))
    levels = min(flow.book.shape[1], BOOK_LEVELS)
    for k, at in enumerate(np.linspace(0.05 * len(flow), len(flow) - 1, N_BOOKS).astype(int)):
        row = flow.book[at, :levels]
        found[k, 0, :levels, 0], found[k, 0, :levels, 1] = row[0, 2] - row[:, 2], row[:, 3]
        found[k, 1, :levels, 0], found[k, 1, :levels, 1] = row[:, 0] - row[0, 0], row[:, 1]
        found[k, 1, 0, 0] = row[0, 0] - row[0, 2]
    return np.nan_to_num(found)
