"""Scenario files and what is done with them; each room imports only from those above it in this list.

schema       what a file may say
pages        the style of pictures and pages
build        from a file to a market
run          one market, its folder and its pictures
check        a run folder against itself
many_runs    processes, clusters, results as they come
data         recorded and generated order flow
experiments  impact, sweeps, attribution
calibration  parameters from moments
realism      how real a flow looks
facts        what a market looks like by itself
orders       what happens to orders: fills, queues, markouts
baselines    order-flow models of the literature, to compare with
training     learning agents, the learned flow
cli          the command line
library      the scenarios that come along
"""

from typing import TYPE_CHECKING

from lob.lazy import lazy_names
from scenarios import _moved

if TYPE_CHECKING:
    from scenarios.build.market import build_market
    from scenarios.data.generation import generate
    from scenarios.experiments.attribution import attribute
    from scenarios.experiments.experiment import impact
    from scenarios.experiments.grid import sweep
    from scenarios.many_runs.execution import Execution
    from scenarios.run.scenario import run_scenario
    from scenarios.schema.load import load_scenario

__all__ = ["Execution", "attribute", "build_market", "generate", "impact", "load_scenario", "run_scenario", "sweep"]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "build.market": "build_market",
        "data.generation": "generate",
        "experiments.attribution": "attribute",
        "experiments.experiment": "impact",
        "experiments.grid": "sweep",
        "many_runs.execution": "Execution",
        "run.scenario": "run_scenario",
        "schema.load": "load_scenario",
    },
)
_moved.install()
