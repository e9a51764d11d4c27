"""Does a background answer to a buyer? A metaorder of 10% for 45 minutes in three backgrounds, in paired worlds.

The learned flow, zero intelligence (the library's first market), and the recorded flow sent again, which cannot answer:
its orders come whatever the buyer does. The learned flow is asked twice: reading the buyer's orders as it reads those
of the market (`heed` = 1), and seeing only what they do to the book (0). A replay has no seeds; its pairs are times of
day. Beside them the slope and R^2 of price changes over order-flow imbalance (Cont, Kukanov and Stoikov 2014; windows
of 10 s) in the learned and in the recorded flow: the same question for everybody's orders.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from agents.flow.closed_loop import rollout
from agents.flow.weights import SHIPPED, FlowWeights
from agents.metaorder import Metaorder
from bench.realism import STOCKS, TEST
from bench.replay import data_folder
from lob.units import HOUR_NS
from scenarios.data.flows import read_flows
from scenarios.experiments.experiment import impact
from scenarios.experiments.protocol import ImpactProtocol
from sim.metrics.imbalance import imbalance_regression

__all__ = ["paired", "run"]

PAIRS, SHARE = 50, 0.1
ORDER = Metaorder("buy", 1, "pov", start_s=900.0, duration_s=2700.0, settings={"participation_rate": SHARE})
AFTER_S = 1800.0
REPLAY_HOURS = range(9, 15)
"""Each replay begins at a quarter to the next hour and lasts 75 minutes."""
REPLAY = """
schema_version = 1
[session]
open = {start}
close = {end}
[[instrument]]
name = "GOOG"
n_prices = 131_072
reference_ticks = 57_000
[[population]]
name = "day"
kind = "replay"
settings = {{ message = "{path}", start = "{start}" }}
"""


def paired(scenario: str, *overrides: str) -> dict[str, list[float]]:
    """Return impact [bp] at the end and later, prefactor and gain of pairing, each with its interval."""
    result = impact(
        scenario,
        ORDER,
        participation=(SHARE,),
        pairs=PAIRS,
        overrides=overrides,
        protocol=ImpactProtocol(after_s=AFTER_S),
    )
    found = {}
    for name in ("impact_end", "impact_late", "prefactor", "variance_reduction_end"):
        row = result.value(name)
        found[name] = [round(float(row[key]), 3) for key in ("value", "low", "high")]
        print(
            f"{' '.join((scenario, *overrides)):52} {name:24} "
            f"{row['value']:8.3f} ({row['low']:.3f}, {row['high']:.3f})",
            flush=True,
        )
    return found


def _replayed(path: Path) -> dict[str, list[float]]:
    """Mean impact over times of day with its standard error: at the end of the buying and half an hour later."""
    ends, lates = [], []
    with tempfile.TemporaryDirectory() as folder:
        for hour in REPLAY_HOURS:
            file = Path(folder) / f"replay_{hour}.toml"
            file.write_text(REPLAY.format(start=f"{hour:02}:45:00", end=f"{hour + 2:02}:00:00", path=path))
            order = replace(ORDER, start_s=60.0)
            result = impact(
                file,
                order,
                participation=(SHARE,),
                pairs=1,
                protocol=ImpactProtocol(after_s=AFTER_S - 120.0, n_structure=0),
            )
            ends.append(float(result.value("impact_end")["value"]))
            lates.append(float(result.value("impact_late")["value"]))
    found = {}
    for name, values in (("impact_end", ends), ("impact_late", lates)):
        mean, error = float(np.mean(values)), float(np.std(values, ddof=1) / np.sqrt(len(values)))
        found[name] = [round(mean, 3), round(mean - 1.96 * error, 3), round(mean + 1.96 * error, 3)]
        print(f"{'replay':52} {name:24} {mean:8.3f} (standard error {error:.3f})", flush=True)
    return found


def _regressions(stock: str, path: Path) -> dict[str, list[float]]:
    """Slope [ticks per 100 lots], its error and R^2, learned and recorded."""
    weights = FlowWeights.load(SHIPPED)
    flows = {
        "learned": rollout(weights, weights.tokenizer.stock_index(stock), 1, int(TEST[0] * HOUR_NS), 10_800,
                           STOCKS[stock][1]),
        "recorded": read_flows(path, None, "data").flow.window(int(10 * HOUR_NS), int(16 * HOUR_NS)),
    }  # fmt: skip
    found = {}
    for name, flow in flows.items():
        line = imbalance_regression(flow)
        found[name] = [round(100 * line.beta, 3), round(100 * line.beta_error, 3), round(line.r_squared, 3)]
        print(f"{stock} {name:10} slope {found[name][0]} +- {found[name][1]} ticks per 100 lots, R^2 {found[name][2]}")
    return found


def run() -> dict[str, Any]:
    """Return impacts [bp] with intervals, gain of pairing, regressions; passes if the learned flow answers."""
    paths = {stock: next(iter(data_folder().glob(f"LOBSTER_SampleFile_{stock}_*.zip")), None) for stock in STOCKS}
    learned, by_book = (paired("learned_impact", f"population.flow.settings.heed={heed}") for heed in (1.0, 0.0))
    random = paired("first_market", "session.close=11:00:00")
    found: dict[str, Any] = {"learned": learned, "learned_by_book": by_book, "zero_intelligence": random}
    found["pairs"] = PAIRS
    goog = paths["GOOG"]
    if goog is None:
        found["note"] = f"no LOBSTER sample files in {data_folder()}; set OUTCRY_DATA"
    else:
        found["replay"] = _replayed(goog)
        found["imbalance"] = {stock: _regressions(stock, path) for stock, path in paths.items() if path is not None}
    low = by_book["impact_end"][1]  # as learned_impact is shipped
    return {**found, "responsive_ci_low": low, "pass": low > 0 and learned["impact_end"][1] > 0}
