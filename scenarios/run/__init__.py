"""One run: the market on its way, its folder, checkpoints, measures, accounts, and the pictures of it."""

from typing import TYPE_CHECKING

from lob.lazy import lazy_names, moved_names

if TYPE_CHECKING:
    from scenarios.run.plot_stored import draw_stored_run
    from scenarios.run.scenario import RunResult, Watch, run_scenario
    from scenarios.run.summary import read_summary

__all__ = ["RunResult", "Watch", "draw_stored_run", "read_summary", "run_scenario"]

_find, __dir__ = lazy_names(
    __name__,
    {
        "plot_stored": "draw_stored_run",
        "scenario": "RunResult Watch run_scenario",
        "summary": "read_summary",
    },
)
__getattr__ = moved_names(__name__, {"Outcome": "scenarios.run.scenario:RunResult"}, _find)
