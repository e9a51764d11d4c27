"""What a learning agent sees: named features of the book, its orders, its inventory, the time and the recent flow.

All are dimensionless. Prices are divided by `price_scale_ticks` and quantities by `size_scale_lots`, constants of the
task's settings that are written on every weights file; x stands below for a price difference in price scales, and
log(v) for ln(1 + lots / size scale). Every feature is cut off at +-10. Nothing is estimated from data, so that an
observation means the same in every market, episode and process.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lob.errors import InputError
from lob.types import NO_PRICE
from sim.policy import decision
from sim.rng import log_portable

__all__ = ["FEATURES", "LIMIT", "check_features"]

LIMIT = 10.0
N_TRADE_WINDOW = 8

FEATURES: dict[str, str] = {
    "time_left": "share of the task's time that is left, 1 to 0",
    "time_of_day": "share of the session that has passed, 0 to 1",
    "spread": "best ask less best bid (x)",
    "bid_lots": "quantity at the best bid (log)",
    "ask_lots": "quantity at the best ask (log)",
    "imbalance": "(bid - ask) / (bid + ask) quantity at the touch",
    "imbalance_5": "the same over the 5 best levels",
    "imbalance_10": "the same over the 10 best levels",
    "bid_depth_5": "quantity of the 5 best bids (log)",
    "ask_depth_5": "quantity of the 5 best asks (log)",
    "bid_reach_5": "from the best to the fifth bid (x)",
    "ask_reach_5": "from the best to the fifth ask (x)",
    "mid_move": "midpoint less that at the task's start (x)",
    "return_1": "change of the midpoint since the last decision (x)",
    "return_slow": "exponential average of such changes, weight 0.1 (x, times 10)",
    "volatility": "root of the exponential average of their squares, weight 0.1 (x)",
    "volume_1": "volume traded since the last decision (log)",
    "trade_imbalance": "signed over total quantity of the last 8 trades, + where buyers were the aggressors",
    "last_trade": "last trade price less midpoint (x)",
    "inventory": "own position / the task's largest",
    "remaining": "share of the metaorder that is left (0 where the task has none)",
    "behind": "share executed less share of time passed, negated: + is late (0 where the task has no metaorder)",
    "unrealised": "profit since the task's start / (price scale x the task's largest position)",
    "own_bid": "midpoint less best own resting bid (x); 10 without one",
    "own_ask": "best own resting ask less midpoint (x); 10 without one",
    "own_bid_lots": "own resting bids / the task's largest position",
    "own_ask_lots": "own resting asks / the task's largest position",
    "own_bid_queue": "quantity ahead of the best own bid (log)",
    "own_ask_queue": "quantity ahead of the best own ask (log)",
    "value_gap": "value signal less midpoint (x)",
    **{f"trade_{k}_price": f"price of the last trade but {k} less midpoint (x)" for k in range(N_TRADE_WINDOW)},
    **{f"trade_{k}_lots": "its signed quantity (sign x log), + if a buyer took" for k in range(N_TRADE_WINDOW)},
}
"""All features and what they mean, in the order in which observations have them. The `trade_` ones are a window."""

SLOW_WEIGHT = 0.1


def check_features(names: Sequence[str]) -> None:
    """Check names of features.

    Raises:
        InputError: if one is unknown, given twice, or none is given.
    """
    for k, name in enumerate(names):
        if name not in FEATURES:
            raise InputError(f"features[{k}] = {name!r}: no such feature; allowed: {', '.join(FEATURES)}")
        if name in names[:k]:
            raise InputError(f"features[{k}] = {name!r}: given twice")
    if not names:
        raise InputError(f"features: none given; allowed: {', '.join(FEATURES)}")


@decision
def cut(value: float) -> float:
    """The value within +-LIMIT; 0 for what is no number."""
    if value != value:
        return 0.0
    return min(max(value, -LIMIT), LIMIT)


@decision
def log_lots(lots: float, scale: float) -> float:
    """ln(1 + lots / scale)."""
    return log_portable(1.0 + max(lots, 0.0) / scale)


@decision
def midpoint(view: Any) -> float:
    """Midpoint of the touch in ticks; the last trade price where a side is empty."""
    if view.bid_ticks == NO_PRICE or view.ask_ticks == NO_PRICE:
        return float(view.last_ticks)
    return 0.5 * (view.bid_ticks + view.ask_ticks)


@decision
def balance(bid: float, ask: float) -> float:
    """(bid - ask) / (bid + ask); 0 for nothing."""
    return (bid - ask) / (bid + ask) if bid + ask > 0.0 else 0.0


@decision
def fill_book(view: Any, learner: Any, price_scale: float, size_scale: float) -> None:
    """Features of the book, from `spread` to `ask_reach_5`."""
    two_sided = view.bid_ticks != NO_PRICE and view.ask_ticks != NO_PRICE
    learner.spread = cut((view.ask_ticks - view.bid_ticks) / price_scale) if two_sided else LIMIT
    learner.bid_lots = cut(log_lots(float(view.bid_lots), size_scale))
    learner.ask_lots = cut(log_lots(float(view.ask_lots), size_scale))
    bid, ask, bid_5, ask_5 = 0.0, 0.0, 0.0, 0.0
    bid_reach, ask_reach = 0.0, 0.0
    for k in range(view.n_bid_levels):
        bid += view.bid_depth_lots[k]
        if k < 5:
            bid_5 = bid
            bid_reach = float(view.bid_ticks - view.bid_depth_ticks[k])
    for k in range(view.n_ask_levels):
        ask += view.ask_depth_lots[k]
        if k < 5:
            ask_5 = ask
            ask_reach = float(view.ask_depth_ticks[k] - view.ask_ticks)
    learner.imbalance = balance(float(view.bid_lots), float(view.ask_lots))
    learner.imbalance_5 = balance(bid_5, ask_5)
    learner.imbalance_10 = balance(bid, ask)
    learner.bid_depth_5 = cut(log_lots(bid_5, size_scale))
    learner.ask_depth_5 = cut(log_lots(ask_5, size_scale))
    learner.bid_reach_5 = cut(bid_reach / price_scale)
    learner.ask_reach_5 = cut(ask_reach / price_scale)


@decision
def fill_own(view: Any, learner: Any, price_scale: float, size_scale: float, mid: float, most: float) -> None:
    """Features of the own orders, from `own_bid` to `own_ask_queue`."""
    bid_lots, ask_lots, bid_ahead, ask_ahead = 0.0, 0.0, 0.0, 0.0
    best_bid, best_ask = 0, 0
    has_bid, has_ask = False, False
    for k in range(view.n_own):
        price = view.own_ticks[k]
        if view.own_side[k] > 0:
            bid_lots += view.own_lots[k]
            if not has_bid or price > best_bid:
                best_bid, bid_ahead, has_bid = price, float(view.own_ahead_lots[k]), True
        else:
            ask_lots += view.own_lots[k]
            if not has_ask or price < best_ask:
                best_ask, ask_ahead, has_ask = price, float(view.own_ahead_lots[k]), True
    learner.own_bid = cut((mid - best_bid) / price_scale) if has_bid else LIMIT
    learner.own_ask = cut((best_ask - mid) / price_scale) if has_ask else LIMIT
    learner.own_bid_lots = cut(bid_lots / most)
    learner.own_ask_lots = cut(ask_lots / most)
    learner.own_bid_queue = cut(log_lots(bid_ahead, size_scale))
    learner.own_ask_queue = cut(log_lots(ask_ahead, size_scale))


@decision
def fill_trades(view: Any, learner: Any, price_scale: float, size_scale: float, mid: float) -> float:
    """The window of trades; returns their signed over their total quantity."""
    signed, total = 0.0, 0.0
    for k in range(N_TRADE_WINDOW):
        learner.trade_price[k] = 0.0
        learner.trade_lots[k] = 0.0
        if k < view.n_recent:
            lots = float(view.trade_lots[k])
            signed += lots
            total += abs(lots)
            size = log_lots(abs(lots), size_scale)
            learner.trade_price[k] = cut((view.trade_ticks[k] - mid) / price_scale)
            learner.trade_lots[k] = cut(size if lots > 0.0 else -size)
    return signed / total if total > 0.0 else 0.0
