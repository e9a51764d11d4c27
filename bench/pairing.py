"""What pairing buys: variance of the unpaired over that of the paired mean impact, in rmsc's populations.

For contrast, two lesser pairings. One random stream for all agents, as simulators have it that call "the same seed"
the same world: the first extra order then shifts every later draw of everybody. And only the path of the fundamental
value in common, all agents' draws independent: what is gained by sharing the value that the price follows anyway.
"""

from __future__ import annotations

from typing import Any

from agents.metaorder import Metaorder
from scenarios.experiments.experiment import impact
from scenarios.experiments.protocol import ImpactProtocol
from scenarios.experiments.result import ImpactResult

__all__ = ["run"]

PAIRS = 400
PARTICIPATION = 0.01
LEAST = 5.0
ORDER = Metaorder("buy", 1, "twap", start_s=5400.0, duration_s=1800.0)


def _experiment(shared_stream: bool) -> ImpactResult:
    return impact(
        "rmsc", ORDER, participation=(PARTICIPATION,), pairs=PAIRS,
        protocol=ImpactProtocol(after_s=1800.0, n_structure=0, shared_stream=shared_stream),
    )  # fmt: skip


def _other_agents(tables: dict[str, Any]) -> dict[str, Any]:
    """Give all agents other draws: an agent's key is made of its population's name; the fundamental keeps its own."""
    for row in tables["population"]:
        row["name"] += "_other"
    return tables


def _fundamental_only() -> ImpactResult:
    protocol = ImpactProtocol(start="11:00:00", horizon_s=ORDER.duration_s, after_s=1800.0, n_structure=0)
    return impact("rmsc", _other_agents, pairs=PAIRS, protocol=protocol)


def _factors(result: ImpactResult, label: str) -> tuple[float, float]:
    factors = []
    for name, when in (("variance_reduction_end", "at the end"), ("variance_reduction_late", "30 min after")):
        row = result.value(name)
        print(f"{label:32} {when:14} {row['value']:8.1f} ({row['low']:.1f}, {row['high']:.1f})")
        factors.append(float(row["value"]))
    return factors[0], factors[1]


def run() -> dict[str, Any]:
    """Return the variance reductions; passes if pairing by event gives at least 5 at both times."""
    end, late = _factors(_experiment(shared_stream=False), "keyed by event")
    shared_end, shared_late = _factors(_experiment(shared_stream=True), "one shared stream")
    value_end, _ = _factors(_fundamental_only(), "only the fundamental in common")
    return {
        "variance_reduction_end": round(end, 1),
        "variance_reduction_30min": round(late, 1),
        "shared_stream_end": round(shared_end, 1),
        "shared_stream_30min": round(shared_late, 1),
        "fundamental_only_end": round(value_end, 1),
        "pairs": PAIRS,
        "participation": PARTICIPATION,
        "pass": min(end, late) >= LEAST,
    }
