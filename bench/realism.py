"""How real the learned order flow is beside fitted baselines, on an hour that nobody was fitted to.

Each contestant is fitted to (or trained on) 09:30 to 14:00 of a sample day and judged on 15:00 to 16:00 of the same
day; the noise floor is the distance between those training hours and that hour. The learned flow and the fitted models
run 10 sessions of an hour in closed loop; TRADES, which makes some dozens of orders a second, one session of 6,000
orders, trained for a minute in a small size in both of its variants.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from agents.flow.closed_loop import rollout
from agents.flow.weights import SHIPPED, FlowWeights
from bench.replay import data_folder
from lob.units import HOUR_NS
from scenarios.baselines import BASELINES, Fitted
from scenarios.data.flows import read_flows
from scenarios.realism import Scorecard, scorecard
from scenarios.realism.predictive import predictive_score
from scenarios.realism.windows import Scale
from sim.metrics import OrderFlow, describe
from sim.metrics.moments import response_ticks

__all__ = ["fitted_session", "joint_rows", "run"]

TRAIN, TEST = (9.5, 14.0), (15.0, 16.0)
STOCKS = {"GOOG": (10, 57_000), "AMZN": (5, 22_300)}
SESSIONS = 10
TRADES_ORDERS, TRADES_SECONDS = 6_000, 60.0
BOUND, SHARE_OF_ROWS = 1.5, 2 / 3
JOINT_LAGS = (1, 10, 100, 1000)


def _learned(stock: str) -> list[OrderFlow]:
    weights = FlowWeights.load(SHIPPED)
    index = weights.tokenizer.stock_index(stock)
    return [
        rollout(weights, index, seed, int(TEST[0] * HOUR_NS), 3600, STOCKS[stock][1]) for seed in range(1, SESSIONS + 1)
    ]


def fitted_session(fitted: Fitted, stock: str, seed: int, start: float, end: float) -> OrderFlow:
    """Return the flow of one session of a fitted baseline, from and until these hours."""
    levels, reference = STOCKS[stock]
    market = fitted.market(seed, int(start * HOUR_NS), int(end * HOUR_NS), reference)
    parts: list[np.ndarray[Any, Any]] = []
    market.run(sinks=[lambda rows: parts.append(rows.copy())])
    return fitted.flow(np.concatenate(parts), levels)


def _fitted(name: str, stock: str, train: OrderFlow) -> list[OrderFlow]:
    fitted = BASELINES[name].fit(train, stock)
    # A replay knows no other times than those of its recording, so it repeats the training hours.
    starts = [10.0, 11.0, 12.0, 13.0] if name == "replay" else [TEST[0]] * SESSIONS
    return [fitted_session(fitted, stock, seed, start, start + 1) for seed, start in enumerate(starts, 1)]


def _trades(repaired: bool, stock: str, train: OrderFlow) -> list[OrderFlow]:
    from scenarios.baselines.trades import TradesConfig, closed_loop
    from scenarios.baselines.trades import train as train_trades

    levels, _ = STOCKS[stock]
    config = TradesConfig(repaired, sequence=64, augment_dim=32, layers=2, levels=levels)
    model = train_trades(train, config, seconds=TRADES_SECONDS, seed=1)
    start = train.window(int(13.75 * HOUR_NS), int(14.0 * HOUR_NS))
    return [closed_loop(model, start, TRADES_ORDERS, 1).flow]


def joint_rows(flows: Sequence[OrderFlow]) -> dict[str, float]:
    """Joint structure: memories, transitions, clustering, responses; mean over sessions."""
    rows = []
    for flow in flows:
        d = describe(flow)
        spread = d["spread_ticks"]["p50"]
        row = {f"sign_acf_{lag}": d["market_orders"]["sign_acf"][str(lag)] for lag in (1, 10, 50)}
        row |= {f"log_dt_acf_{lag}": d["interarrival_s"]["logdt_acf"][str(lag)] for lag in (1, 10)}
        row |= {"fano_1s": d["count_1s"]["fano"], "fano_60s": d["count_1min"]["fano"]}
        row |= {"abs_return_acf_10s": d["returns"]["10s"]["abs_acf"]["1"]}
        row |= {f"response_{lag}": response_ticks(flow, lag) / spread for lag in JOINT_LAGS}
        for a, first in enumerate("SCX"):
            for b, second in enumerate("SCX"):
                row[f"{first}->{second}"] = d["type_transition_S_C_X_H"][a][b]
        rows.append(row)
    return {name: float(np.nanmean([row[name] for row in rows])) for name in rows[0]}


def _say(card: Scorecard, name: str, stock: str) -> None:
    counts = card.verdicts()
    print(f"{stock} {name:24} {card.mean_l1:7.3f} {card.mean_l1_over_floor:7.2f} floors  {counts}", flush=True)


def _ratios(card: Scorecard) -> np.ndarray[Any, Any]:
    chosen = card.distances.filter(card.distances["group"] == "LOB-Bench")
    return chosen["ratio"].to_numpy()


def run() -> dict[str, Any]:
    """Return the mean distance in floors, who is beaten, the joint rows; passes if the bounds hold on both stocks."""
    files = {stock: next(iter(data_folder().glob(f"LOBSTER_SampleFile_{stock}_*.zip")), None) for stock in STOCKS}
    if None in files.values():
        return {"note": f"no LOBSTER sample files in {data_folder()}; set OUTCRY_DATA", "pass": False}
    means: dict[str, dict[str, float]] = {}
    plain: dict[str, dict[str, float]] = {}
    shares: dict[str, dict[str, float]] = {}
    joint: dict[str, Any] = {}
    predictive: dict[str, Any] = {}
    for stock, path in files.items():
        assert path is not None
        day = read_flows(path, None, "data").flow
        train, test = (day.window(int(a * HOUR_NS), int(b * HOUR_NS)) for a, b in (TRAIN, TEST))
        makers: dict[str, Callable[[], list[OrderFlow]]] = {"learned": partial(_learned, stock)}
        for name in BASELINES:
            makers[name] = partial(_fitted, name, stock, train)
        for name, repaired in (("trades_published", False), ("trades_repaired", True)):
            makers[name] = partial(_trades, repaired, stock, train)
        ratios: dict[str, np.ndarray[Any, Any]] = {}
        means[stock], plain[stock], shares[stock] = {}, {}, {}
        scale = Scale.of(test)
        for name, make in makers.items():
            flows = make()
            try:
                card = scorecard(flows, test, train, models=False)
            except Exception as error:  # a flow that broke down is a result too
                print(f"{stock} {name:24} cannot be judged: {error}", flush=True)
                means[stock][name] = plain[stock][name] = float("inf")
                continue
            _say(card, name, stock)
            means[stock][name], ratios[name] = round(card.mean_l1_over_floor, 3), _ratios(card)
            plain[stock][name] = round(card.mean_l1, 4)
            if name == "learned":
                joint[stock] = {
                    "learned": joint_rows(flows),
                    "test_hour": joint_rows([test]),
                    "training_hours": joint_rows([train]),
                }
            if name in ("learned", "replay", "trades_repaired"):
                p = predictive_score(flows, train, test, scale)
                predictive.setdefault(stock, {})[name] = [round(p.simulated, 4), round(p.real, 4)]
        for name, theirs in ratios.items():
            if name != "learned":
                shares[stock][name] = round(float(np.mean(ratios["learned"] < theirs)), 3)
    for stock, table in joint.items():
        print(f"\n{stock:24} {'learned':>10} {'test hour':>10} {'training':>10}")
        for row in table["learned"]:
            values = " ".join(f"{table[who][row]:10.3f}" for who in ("learned", "test_hour", "training_hours"))
            print(f"{row:24} {values}")
    baselines = sorted({name for table in means.values() for name in table} - {"learned"})
    beaten = [
        name for name in baselines
        if all(plain[s]["learned"] < plain[s][name] for s in plain)
        and all(shares[s].get(name, 1.0) >= SHARE_OF_ROWS for s in means)
    ]  # fmt: skip
    learned = {stock: means[stock]["learned"] for stock in means}
    return {
        "mean_l1_over_floor": round(float(np.mean(list(learned.values()))), 3),
        "by_stock": learned,
        "mean_l1": plain,
        "baselines_beaten": len(beaten),
        "baselines": {name: [means[s][name] for s in means] for name in baselines},
        "not_beaten": [name for name in baselines if name not in beaten],
        "share_of_rows": shares,
        "joint": {s: {w: {k: round(v, 3) for k, v in t.items()} for w, t in j.items()} for s, j in joint.items()},
        "predictive_mae_simulated_and_real": predictive,
        "pass": max(learned.values()) <= BOUND and len(beaten) == len(baselines),
    }
