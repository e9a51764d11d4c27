"""Experiments in paired worlds: market impact with intervals, sweeps over parameters, attribution to populations."""

from typing import TYPE_CHECKING

from lob.lazy import lazy_names

if TYPE_CHECKING:
    from scenarios.experiments.attribution import Attribution, attribute
    from scenarios.experiments.experiment import impact
    from scenarios.experiments.grid import SweepResult, sweep
    from scenarios.experiments.result import ImpactResult
    from scenarios.experiments.sequential import StoppingRule

__all__ = ["Attribution", "ImpactResult", "StoppingRule", "SweepResult", "attribute", "impact", "sweep"]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "attribution": "Attribution attribute",
        "experiment": "impact",
        "grid": "SweepResult sweep",
        "result": "ImpactResult",
        "sequential": "StoppingRule",
    },
)
