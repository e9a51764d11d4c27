"""Numbers of an order and of a book as the network sees them, and back; the one place where the features stand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from scenarios.baselines.trades.orders import ASK, BID, OrderKind, OrderTable, TradesOrder
from scenarios.baselines.trades.settings import TradesConfig

__all__ = ["FEATURES", "Scale", "fit_scale", "raw_books", "raw_orders"]

Floats = np.ndarray[Any, np.dtype[np.float64]]
Singles = np.ndarray[Any, np.dtype[np.float32]]

OFFSET, TYPE, SIZE, PRICE, DIRECTION, DEPTH = 0, 1, 4, 5, 6, 7
FEATURES = 8
"""Columns of an order: time offset, type (three columns), size, price, direction, depth."""

_SHORTEST_S = 1e-7
_TAIL = 0.001
"""Without this share cut off, the range of waiting times would reach 60 standard deviations and keep nothing."""

# As published, the type is embedded in three frozen random numbers; here each type has a corner of its own.
_TYPES = np.eye(3, dtype=np.float64)


@dataclass(frozen=True)
class Scale:
    """Means and standard deviations of the training data.

    Attributes:
        mean, sd: of the order's columns, FEATURES numbers; 0 and 1 for those that are not scaled.
        book_mean, book_sd: of the book's prices and of its sizes.
        low, high: range of the scaled columns in training, without the outermost 0.1% on each side, to which the
            repaired sampler keeps a predicted order.
    """

    mean: tuple[float, ...]
    sd: tuple[float, ...]
    book_mean: tuple[float, float]
    book_sd: tuple[float, float]
    low: tuple[float, ...]
    high: tuple[float, ...]

    def window(self, orders: Floats, books: Floats, config: TradesConfig) -> tuple[Singles, Singles]:
        """Return windows as the network takes them.

        Args:
            orders: raw orders, shape (..., sequence, FEATURES); in the last row only the price is looked at, if at all.
            books: raw books before them, shape (..., sequence, levels, 4).
            config: the settings.

        Returns:
            Scaled orders, shape as given, and scaled books, shape (..., sequence, levels * 4), both float32.
        """
        orders, books = orders.copy(), books.copy()
        if config.repaired:
            # Seen from the newest book, older prices show the trend; nothing depends on the level of the price.
            mid = (books[..., -1, 0, ASK] + books[..., -1, 0, BID]) / 2
            orders[..., PRICE] -= mid[..., None]
            books[..., 0::2] -= mid[..., None, None, None]
        orders = (orders - np.asarray(self.mean)) / np.asarray(self.sd)
        books[..., 0::2] = (books[..., 0::2] - self.book_mean[0]) / self.book_sd[0]
        books[..., 1::2] = (books[..., 1::2] - self.book_mean[1]) / self.book_sd[1]
        flat = books.reshape(*books.shape[:-2], -1)
        return orders.astype(np.float32), flat.astype(np.float32)

    def order(self, features: Singles, mid_ticks: float, config: TradesConfig) -> TradesOrder:
        """Return the order that a generated row of features, shape (FEATURES,), stands for.

        The type is the one whose embedding is nearest. Size and depth are rounded; nothing is checked yet.
        """
        row = features.astype(np.float64) * np.asarray(self.sd) + np.asarray(self.mean)
        kind = int(np.abs(_TYPES - row[TYPE : TYPE + 3]).sum(axis=1).argmin())
        offset, size = row[OFFSET], row[SIZE]
        if config.log_scale:
            offset, size = 10.0 ** min(offset, 6.0), 10.0 ** min(size, 9.0)
        return TradesOrder(
            OrderKind(kind),
            max(float(offset), _SHORTEST_S),
            int(np.round(size)),
            float(row[PRICE] + (mid_ticks if config.repaired else 0.0)),
            -1 if row[DIRECTION] < 0 else 1,
            float(np.round(row[DEPTH])),
        )


def raw_orders(table: OrderTable | TradesOrder, config: TradesConfig) -> Floats:
    """Return unscaled features of orders, shape (n, FEATURES); of a single order, shape (FEATURES,)."""
    offset, size = np.asarray(table.offset_s, np.float64), np.asarray(table.size_lots, np.float64)
    if config.log_scale:
        offset, size = np.log10(np.maximum(offset, _SHORTEST_S)), np.log10(np.maximum(size, 1.0))
    rows = np.empty((*offset.shape, FEATURES))
    rows[..., OFFSET], rows[..., SIZE] = offset, size
    rows[..., TYPE : TYPE + 3] = _TYPES[np.asarray(table.kind)]
    rows[..., PRICE], rows[..., DIRECTION] = table.price_ticks, table.direction
    rows[..., DEPTH] = table.depth_ticks
    return rows


def raw_books(books: Floats, config: TradesConfig) -> Floats:
    """Return books, shape (..., levels, 4), with numbers in the place of empty levels.

    As published, an empty level has price 0. Repaired, it has the price of the last level that is there, and 0 lots;
    an empty side lies one tick beyond the other.
    """
    books = books.copy()
    if not np.isnan(books[..., 0::2]).any():
        return books
    if not config.repaired:
        return np.nan_to_num(books, nan=0.0)
    for level in range(books.shape[-2]):
        for column, other, step in ((ASK, BID, 1.0), (BID, ASK, -1.0)):
            nearer = books[..., level - 1, column] if level else books[..., 0, other] + step
            here = books[..., level, column]
            books[..., level, column] = np.where(np.isnan(here), nearer, here)
    return np.nan_to_num(books, nan=0.0)


def fit_scale(orders: Floats, books: Floats, config: TradesConfig) -> Scale:
    """Return the scale of raw orders, shape (n, FEATURES), and raw books before them, shape (n, levels, 4)."""
    relative, prices = orders.copy(), books[..., 0::2]
    if config.repaired:
        mid = (books[:, 0, ASK] + books[:, 0, BID]) / 2
        relative[:, PRICE] -= mid
        prices = prices - mid[:, None, None]
    mean, sd = relative.mean(axis=0), relative.std(axis=0)
    fixed = [TYPE, TYPE + 1, TYPE + 2, DIRECTION]
    mean[fixed], sd[fixed] = 0.0, 1.0
    sd = np.maximum(sd, 1e-9)
    scaled = (relative - mean) / sd
    sizes = books[..., 1::2]
    return Scale(
        tuple(mean.tolist()),
        tuple(sd.tolist()),
        (float(prices.mean()), float(sizes.mean())),
        (max(float(prices.std()), 1e-9), max(float(sizes.std()), 1e-9)),
        tuple(np.quantile(scaled, _TAIL, axis=0).tolist()),
        tuple(np.quantile(scaled, 1 - _TAIL, axis=0).tolist()),
    )
