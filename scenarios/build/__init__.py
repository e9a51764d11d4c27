"""From a scenario to a market: which names mean what, who stands where, what is scheduled, and the hash of it all."""

from typing import TYPE_CHECKING

from lob.lazy import lazy_names

if TYPE_CHECKING:
    from scenarios.build.json_schema import scenario_schema
    from scenarios.build.market import Built, Place, build, build_market, checked_seed, latency_of
    from scenarios.build.variant import Variant, built_once

__all__ = [
    "Built",
    "Place",
    "Variant",
    "build",
    "build_market",
    "built_once",
    "checked_seed",
    "latency_of",
    "scenario_schema",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "json_schema": "scenario_schema",
        "market": "Built Place build build_market checked_seed latency_of",
        "variant": "Variant built_once",
    },
)
