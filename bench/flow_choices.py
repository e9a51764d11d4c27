"""What block, steps, conditions and infilling of the learned flow do, on held-out time: the figures of docs/flow.md.

K orders in S steps without the matching of frequencies, against 14:00 to 15:00; drift and volatility when they are
asked for; nats of an order given what came before it, and given what came after too.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from agents.flow.closed_loop import rollout
from agents.flow.uses import gap_nats
from agents.flow.weights import SHIPPED, FlowWeights
from bench.realism import STOCKS, TRAIN, joint_rows
from bench.replay import data_folder
from lob.units import HOUR_NS, SECOND_NS
from scenarios.data.flows import read_flows
from scenarios.realism import scorecard
from sim.metrics import OrderFlow

__all__ = ["run"]

SESSIONS = 6
HELD_OUT = (14.0, 15.0)
SETTINGS = ((8, 1), (8, 2), (8, 4), (4, 2), (1, 1))
GUIDES: tuple[dict[str, Any], ...] = (
    {}, {"drift": "low"}, {"drift": "high"}, {"drift": "low", "strength": 5.0}, {"drift": "high", "strength": 5.0},
    {"volatility": "low", "strength": 5.0}, {"volatility": "high", "strength": 5.0},
)  # fmt: skip
GRID_NS = 10 * SECOND_NS
MOST_FLOORS = 2.5
"""In floors; no choice of block and steps may be farther away."""


def _sessions(weights: FlowWeights, stock: str, hour: float, **settings: Any) -> list[OrderFlow]:
    index = weights.tokenizer.stock_index(stock)
    return [
        rollout(weights, index, seed, int(hour * HOUR_NS), 3600, STOCKS[stock][1], **settings)
        for seed in range(1, SESSIONS + 1)
    ]


def _moves(flow: OrderFlow) -> tuple[float, float]:
    """Standard deviation of the midpoint's moves in 10 s, and its move over the session [ticks]."""
    known = np.isfinite(flow.mid_ticks)
    times, mids = flow.time_ns[known], flow.mid_ticks[known]
    path = mids[np.searchsorted(times, np.arange(times[0], times[-1], GRID_NS))]
    return float(np.diff(path).std()), float(path[-1] - path[0])


def run() -> dict[str, Any]:
    """Return distances in floors by K and S, moves by condition, gains of infilling; passes if all K and S hold up."""
    paths = {stock: next(iter(data_folder().glob(f"LOBSTER_SampleFile_{stock}_*.zip")), None) for stock in STOCKS}
    if None in paths.values():
        return {"note": f"no LOBSTER sample files in {data_folder()}; set OUTCRY_DATA", "pass": False}
    weights = FlowWeights.load(SHIPPED)
    unmatched = replace(weights, arrays={k: v for k, v in weights.arrays.items() if not k.startswith("closed_loop.")})
    found: dict[str, Any] = {"sessions": SESSIONS}
    farthest = 0.0
    for stock, path in paths.items():
        assert path is not None
        day = read_flows(path, None, "data").flow
        train, test = (day.window(int(a * HOUR_NS), int(b * HOUR_NS)) for a, b in (TRAIN, HELD_OUT))
        tokens = weights.tokenizer.encode(test, stock)
        gains = [np.subtract(*gap_nats(weights, tokens, position)) for position in range(weights.config["block"] - 1)]
        found[f"{stock} infilling_nats"] = [round(float(min(gains)), 3), round(float(max(gains)), 3)]
        print(f"{stock} nats that knowing what comes after saves, by position: {np.round(gains, 3)}", flush=True)
        for block, steps in SETTINGS:
            flows = _sessions(unmatched, stock, HELD_OUT[0], block=block, steps=steps)
            floors, joint = scorecard(flows, test, train, models=False).mean_l1_over_floor, joint_rows(flows)
            shown = {
                name: round(joint[name], 2) for name in ("fano_60s", "log_dt_acf_1", "log_dt_acf_10", "sign_acf_1")
            }
            found[f"{stock} K={block} S={steps}"] = [round(floors, 2), *shown.values()]
            print(f"{stock} K = {block}, S = {steps}: {floors:.2f} floors, {shown}", flush=True)
            farthest = max(farthest, floors)
    for guide in GUIDES:
        moves = np.array([_moves(flow) for flow in _sessions(weights, "GOOG", 11.0, **guide)])
        mean, error = moves.mean(axis=0), moves.std(axis=0, ddof=1) / SESSIONS**0.5
        found[f"GOOG {guide}"] = [round(float(x), 1) for pair in zip(mean, error, strict=True) for x in pair]
        print(f"GOOG {guide}: 10 s moves {mean[0]:.1f} +- {error[0]:.1f}, hour {mean[1]:.0f} +- {error[1]:.0f} ticks",
              flush=True)  # fmt: skip
    return {**found, "pass": farthest <= MOST_FLOORS}
