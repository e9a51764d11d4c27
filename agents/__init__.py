"""Everything that decides: rule policies, market makers, background flow, execution; later RL, LLM and learned flow."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agents.metaorder import ExecutionReport, Metaorder, algorithms, execution_report

__all__ = ["ExecutionReport", "Metaorder", "algorithms", "execution_report"]


def __getattr__(name: str) -> Any:
    """Return a public name; loaded on first use, since most imports of this package want a single policy."""
    if name not in __all__:
        raise AttributeError(f"module 'agents' has no attribute {name!r}")
    return getattr(import_module("agents.metaorder"), name)


def __dir__() -> list[str]:
    """List the public names."""
    return __all__
