"""1,000 pairs of a half-hour metaorder in rmsc's populations, on all cores of this machine."""

from __future__ import annotations

import os
import time
from typing import Any

from agents.metaorder import Metaorder
from bench.yardstick import at_most
from scenarios.experiments.experiment import impact
from scenarios.experiments.protocol import ImpactProtocol
from scenarios.many_runs.map_runs import usable_cores

__all__ = ["run"]

PAIRS = 1000
BOUND_S = 60.0
ORDER = Metaorder("buy", 1, "twap", start_s=5400.0, duration_s=1800.0)


def run() -> dict[str, Any]:
    """Return the wall time of 1,000 pairs with all estimates, after a first small experiment has warmed the workers."""
    impact("rmsc", ORDER, participation=(0.05,), pairs=8, protocol=ImpactProtocol(n_structure=0))
    began = time.perf_counter()
    result = impact("rmsc", ORDER, participation=(0.05,), pairs=PAIRS)
    found = result.value("impact_end")
    half = (found["high"] - found["low"]) / 2
    elapsed = time.perf_counter() - began
    print(
        f"impact at the end {found['value']:.2f} bps ({found['low']:.2f}, {found['high']:.2f}), half width {half:.2f}"
    )
    return {
        "pairs_1000_s": round(elapsed, 1),
        "runs_per_s": round(2 * PAIRS / elapsed, 1),
        "cores": usable_cores(),
        "machine_cores": os.cpu_count(),
        "pass": at_most(elapsed, BOUND_S) and not result.failures,
    }
