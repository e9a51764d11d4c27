"""Experiments in paired worlds: market impact with intervals, sweeps over parameters, attribution to populations."""

from typing import TYPE_CHECKING

from lob.lazy import lazy_names

if TYPE_CHECKING:
    from scenarios.experiments.attribution import Players, attribute
    from scenarios.experiments.attribution_result import Attribution
    from scenarios.experiments.comparison import compare
    from scenarios.experiments.comparison_result import ComparisonResult
    from scenarios.experiments.experiment import impact
    from scenarios.experiments.grid import sweep
    from scenarios.experiments.pages import plot, report, save
    from scenarios.experiments.pretrade import PreTrade, estimate_costs
    from scenarios.experiments.protocol import ImpactProtocol
    from scenarios.experiments.result import ImpactResult
    from scenarios.experiments.sequential import StoppingRule
    from scenarios.experiments.sweep_result import SweepResult
    from scenarios.many_runs.execution import Execution

__all__ = [
    "Attribution",
    "ComparisonResult",
    "Execution",
    "ImpactProtocol",
    "ImpactResult",
    "Players",
    "PreTrade",
    "StoppingRule",
    "SweepResult",
    "attribute",
    "compare",
    "estimate_costs",
    "impact",
    "plot",
    "report",
    "save",
    "sweep",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "attribution": "Players attribute",
        "attribution_result": "Attribution",
        "comparison": "compare",
        "comparison_result": "ComparisonResult",
        "experiment": "Execution impact",
        "grid": "sweep",
        "pages": "plot report save",
        "pretrade": "PreTrade estimate_costs",
        "protocol": "ImpactProtocol",
        "result": "ImpactResult",
        "sequential": "StoppingRule",
        "sweep_result": "SweepResult",
    },
)
