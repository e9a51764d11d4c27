"""Everything that decides: rule policies, market makers, background flow, execution; later RL, LLM and learned flow."""

from typing import TYPE_CHECKING

from lob.lazy import lazy_names

if TYPE_CHECKING:
    from agents.metaorder import ExecutionReport, Metaorder, algorithms, execution_report

__all__ = ["ExecutionReport", "Metaorder", "algorithms", "execution_report"]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "metaorder": "ExecutionReport Metaorder algorithms execution_report",
    },
)
