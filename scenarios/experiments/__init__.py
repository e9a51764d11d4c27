"""Experiments in paired worlds: market impact with intervals, sweeps over parameters, attribution to populations."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scenarios.experiments.attribution import Attribution, attribute
    from scenarios.experiments.experiment import impact
    from scenarios.experiments.grid import SweepResult, sweep
    from scenarios.experiments.result import ImpactResult
    from scenarios.experiments.sequential import StoppingRule

__all__ = ["Attribution", "ImpactResult", "StoppingRule", "SweepResult", "attribute", "impact", "sweep"]

# Loaded on first use: the worker of a sweep needs none of the estimates.
_HOME = {
    "Attribution": "attribution",
    "ImpactResult": "result",
    "StoppingRule": "sequential",
    "SweepResult": "grid",
    "attribute": "attribution",
    "impact": "experiment",
    "sweep": "grid",
}


def __getattr__(name: str) -> Any:
    """Return a public name from the module that defines it."""
    if name not in _HOME:
        raise AttributeError(f"module 'scenarios.experiments' has no attribute {name!r}")
    return getattr(import_module(f"scenarios.experiments.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    """List the public names."""
    return __all__
