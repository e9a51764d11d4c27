"""TRADES, a published diffusion generator of order flow, written anew to be compared against.

Source: Berti, Prenkaj and Velardi (2025), "TRADES: Generating Realistic Market Simulations with Diffusion Models",
arXiv:2502.07071; "as published" includes what its program does where the paper is silent. Two variants, chosen by
`TradesConfig.repaired`: as published, faults included, and repaired. Where neither tells, the choice is ours: the
cosine noise schedule, the widths of the projections' hidden layers, the corners that stand for the order types.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agents.flow.trades.book import LoopBook
    from agents.flow.trades.history import History
    from agents.flow.trades.loop import ClosedLoop, closed_loop
    from agents.flow.trades.model import TradesModel
    from agents.flow.trades.orders import OrderKind, OrderTable, TradesOrder, order_table
    from agents.flow.trades.settings import TradesConfig
    from agents.flow.trades.training import train

__all__ = [
    "ClosedLoop",
    "History",
    "LoopBook",
    "OrderKind",
    "OrderTable",
    "TradesConfig",
    "TradesModel",
    "TradesOrder",
    "closed_loop",
    "order_table",
    "train",
]

# Loaded on first use: model, training and loop import torch.
_HOME = {
    "ClosedLoop": "loop",
    "History": "history",
    "LoopBook": "book",
    "OrderKind": "orders",
    "OrderTable": "orders",
    "TradesConfig": "settings",
    "TradesModel": "model",
    "TradesOrder": "orders",
    "closed_loop": "loop",
    "order_table": "orders",
    "train": "training",
}


def __getattr__(name: str) -> Any:
    """Return a public name from the module that defines it."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    """List the public names."""
    return __all__
