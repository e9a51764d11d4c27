"""Many runs: whole ones mapped over processes or a cluster, and their results on disk as they come."""

from typing import TYPE_CHECKING

from lob.lazy import lazy_names

if TYPE_CHECKING:
    from scenarios.many_runs.execution import Execution
    from scenarios.many_runs.map_runs import EXECUTORS, Executor, Failed, map_runs, usable_cores
    from scenarios.many_runs.result_set import ResultSet

__all__ = ["EXECUTORS", "Execution", "Executor", "Failed", "ResultSet", "map_runs", "usable_cores"]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "execution": "Execution",
        "map_runs": "EXECUTORS Executor Failed map_runs usable_cores",
        "result_set": "ResultSet",
    },
)
