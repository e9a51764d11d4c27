"""Random markets in two symbols with every kind of agent, as tables of a scenario; each is a function of its number."""

from __future__ import annotations

from typing import Any

import numpy as np

Tables = dict[str, Any]
REFERENCE_TICKS = 1000
SECONDS = 20
"""Length of a session from 09:30:00."""

_MAKER = {"refresh_s": 0.5, "size_lots": 4}
_VALUES = {"side": {"choice": [1, -1]}, "value_ticks": {"uniform": [980.0, 1020.0]}, "n_units": 5, "interval_s": 0.3}
_WORKS = {"quantity_lots": 60, "start_s": 2.0, "duration_s": 10.0, "finish_before_close_s": 2.0, "patience_s": 1.0}
_LEARNS = {"untrained": True, "sample": True, "step_s": 0.5, "start_s": 1.0, "duration_s": 15.0}
KINDS: dict[str, Tables] = {
    "almgren_chriss": {**_WORKS, "n_slices": 8},
    "avellaneda_stoikov": _MAKER,
    "bargain_hunter": {"interval_s": 1.0, "attention_s": 1.0, "discount_ticks": 2.0, "size_lots": 5},
    "cont_stoikov_talreja": {"size_lots": 3},
    "fixed_ladder": {**_MAKER, "max_position_lots": 200, "display_lots": 3},
    "fundamentalist_chartist_noise": {"interval_s": 0.5, "size_lots": 3},
    "gaussian_noise": {"period_s": 1.0, "sd_lots": 6.0},
    "gueant_lehalle_tapia": _MAKER,
    "hawkes": {"size_lots": 3.0},
    "hbl": {**_VALUES, "low_ticks": 900.0, "high_ticks": 1100.0},
    "iceberg": {**_WORKS, "display_lots": 7, "native": True},
    "iceberg_hunter": {"interval_s": 0.3, "sightings": 1, "hold_s": 2.0},
    "imbalance_trader": {"interval_s": 0.5},
    "implementation_shortfall": {**_WORKS, "n_slices": 8},
    "informed": {"period_s": 1.0, "max_lots": 20},
    "inventory_skewed": _MAKER,
    "kyle_maker": {"period_s": 1.0, "price_ticks": 1000.0, "level_step_ticks": 6},
    "latency_arbitrageur": {"max_lots": 20},
    "latent_liquidity": {"interval_s": 0.5, "depth_ticks": 20.0, "reveal_ticks": 5.0, "change_rate_per_s": 0.2},
    "linear_book": {"refresh_s": 0.5, "level_lots": 5},
    "market_maker": {"refresh_s": 1.0, "min_size_lots": 5.0, "requote_ticks": 1.0},
    "mean_reversion": {"interval_s": 0.5, "warm_up_looks": 3.0},
    "midpoint_pegger": {"interval_s": 0.5, "size_lots": 5, "patience_s": 0.6, "min_lots": 2},
    "model_flow": {"size_lots": 3},
    "momentum": {"interval_s": 0.5, "warm_up_looks": 3.0, "size_lots": 4.0},
    "news_trader": {"interval_s": 0.5, "patience_s": 5.0},
    "noise": {"interval_s": 0.5, "passive_ticks": 4.0, "max_age_wakes": 1},
    "order_splitter": {"interval_s": 0.5, "size_lots": 2},
    "pov": {**_WORKS, "interval_s": 0.5},
    "q_learning_maker": {"period_s": 0.2, "first_distance_ticks": 1, "distance_step_ticks": 1},
    "queue_reactive": {"size_lots": 3},
    "rl_directional": _LEARNS,
    "rl_execution": {**_LEARNS, "quantity_lots": 60},
    "rl_maker": _LEARNS,
    "santa_fe": {"size_lots": 2, "window_ticks": 20},
    "single_order": {"quantity_lots": 150, "at_s": 5.0, "is_limit": True, "offset_ticks": 3},
    "sniper": {"look_ms": 50.0, "margin_ticks": 0.5, "max_lots": 10, "hold_s": 1.0},
    "spoofer": {"start_s": 2.0, "hold_s": 1.0, "pause_s": 2.0, "layer_lots": 30},
    "stop_loss": {
        "interval_s": 0.3,
        "stop_ticks": {"uniform": [1.0, 10.0]},
        "position_lots": 10,
        "as_orders": True,
        "rest_s": 1.0,
    },
    "twap": {**_WORKS, "n_slices": 8, "passive": True},
    "value": {"interval_s": 1.0, "mean_ticks": 1000.0, "noise_ticks": 4.0, "size_lots": 5.0},
    "vwap": {**_WORKS, "n_slices": 8},
    "wary_maker": {**_MAKER, "pull_ticks": 4.0, "rest_s": 2.0},
    "zero_intelligence": {"interval_s": 0.5, "size_lots": {"uniform": [1.0, 12.0]}},
    "zi_c": {**_VALUES, "low_ticks": 900.0, "high_ticks": 1100.0},
    "zip_trader": _VALUES,
}
"""Library kinds with settings that make them act within a few seconds."""
ELSEWHERE = {
    "opening": "needs a recording; tests/recordings/test_opening.py",
    "replay": "needs a recorded day; tests/agents/test_replay_agent.py",
    "learned_flow": "its network takes seconds to compile; its library scenarios are checked in CI",
}
TRADERS: dict[str, Tables] = {
    "twap": {"quantity_lots": 60, "n_slices": 8, "start_s": 2.0, "duration_s": 10.0},
    "fidget:Fidget": {"interval_s": 0.2},
}
FIDGET = "from tests.sim.markets import Fidget\n\n__all__ = ['Fidget']\n"
"""fidget.py, to stand beside the scenario: a trader that sends every kind of message, good and bad ones."""


def random_market(number: int) -> Tables:
    """The tables of one market. Together the first fifty hold every kind of agent."""
    draw = np.random.default_rng(number)
    kinds = sorted(KINDS)
    chosen = [kinds[(5 * number + k) % len(kinds)] for k in range(5)]
    names = ["A", "B"]
    population: list[Tables] = [
        {**_group(draw, f"base {name}", "zero_intelligence", name), "count": 15, "limits": {}} for name in names
    ]
    for k, kind in enumerate(chosen):
        group = _group(draw, f"{kind} {k}", kind, str(draw.choice(names)))
        if kind == "latency_arbitrageur" or draw.random() < 0.2:
            group["watch"] = names[1 - names.index(group["symbol"])]
        population.append(group)
    trader = [
        {**_group(draw, f"trader {k}", kind, str(draw.choice(names))), "settings": settings, "count": 1}
        for k, (kind, settings) in enumerate(TRADERS.items())
        if draw.random() < 0.5
    ]
    return {
        "seed": number,
        "max_in_flight": 2**16,
        "session": {"open": "09:30:00", "close": f"09:30:{SECONDS}"},
        "instrument": [_instrument(draw, name) for name in names],
        "population": population,
        "trader": trader,
        "event": _events(draw, [row["name"] for row in (*population, *trader)]),
        "record": {"picture": False, "checkpoint_s": 1e6},
    }


def _instrument(draw: np.random.Generator, name: str) -> Tables:
    return {
        "name": name,
        "tick_size": float(draw.choice([0.01, 0.25, 1.0])),
        "reference_ticks": REFERENCE_TICKS,
        "n_prices": 2048,
        "max_orders": 4096,
        "max_order_lots": int(draw.choice([25, 1_000])),
        "collar_ticks": int(draw.choice([0, 0, 15])),
        "replace_keeps_priority": bool(draw.random() < 0.5),
        "maker_fee_bps": float(draw.choice([0.0, -0.2, 0.35])),
        "taker_fee_bps": float(draw.choice([0.0, 0.3, 1.01])),
        "maker_fee_per_lot_ticks": float(draw.choice([0.0, 0.0, -0.2])),
        "order_fee_ticks": float(draw.choice([0.0, 0.0, 0.01])),
        "self_trade": str(draw.choice(["none", "none", "cancel_oldest", "decrement"])),
        "fundamental": {"kind": "ou", "mean_ticks": 1000.0, "kappa_per_s": 0.01, "sigma_ticks_per_sqrt_s": 1.0},
    }


def _group(draw: np.random.Generator, name: str, kind: str, symbol: str) -> Tables:
    latencies: list[Tables] = [
        {"kind": "constant", "delay_us": 50},
        {"kind": "uniform", "low_us": 20, "high_ms": 13},
        {"kind": "lognormal", "median_ms": 1.0, "sigma": 0.8},
        {"kind": "constant", "delay_ms": 300},
    ]
    limits: Tables = {}
    for limit, choices in (
        ("max_order_lots", (3, 10)),
        ("max_position_lots", (10, 40)),
        ("max_open_orders", (1, 4)),
        ("max_messages_per_s", (1, 5)),
        ("max_notional", (3_000, 8_000)),
    ):
        if draw.random() < 0.15:
            limits[limit] = int(draw.choice(choices))
    row = {"name": name, "kind": kind, "symbol": symbol, "limits": limits, "settings": KINDS.get(kind, {})}
    many = kind not in ("replay", "santa_fe", "hawkes", "queue_reactive", "cont_stoikov_talreja", "model_flow")
    row["count"] = int(draw.integers(1, 4)) if many else 1
    row["latency"] = latencies[int(draw.integers(len(latencies)))]
    row["reaction_ns"] = int(draw.choice([1, 1_000_000]))
    return row


def _events(draw: np.random.Generator, groups: list[str]) -> list[Tables]:
    events: list[Tables] = []
    if draw.random() < 0.5:
        events.append({"kind": "halt", "at": "09:30:06", "until": "09:30:08", "symbol": str(draw.choice(["A", "B"]))})
    if draw.random() < 0.3:
        when = {"moves_ticks": 4, "within_s": 5}
        events.append(
            {"kind": "halt", "when": when, "lasts_s": 1.0, "times": 2, "symbol": str(draw.choice(["A", "B"]))}
        )
    if draw.random() < 0.4:
        events.append({"kind": "kill", "at": "09:30:10", "population": str(draw.choice(groups))})
    if draw.random() < 0.5:
        events.append({"kind": "news", "at": "09:30:03", "value": 5.0, "symbol": "A", "moves_value": True})
    if draw.random() < 0.2:
        events.append(
            {"kind": "phase", "at": "09:30:18", "phase": str(draw.choice(["halted", "closed"])), "symbol": "B"}
        )
    return events
