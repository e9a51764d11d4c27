"""TRADES, a published diffusion generator of order flow, written anew to be compared against.

Source: Berti, Prenkaj and Velardi (2025), "TRADES: Generating Realistic Market Simulations with Diffusion Models",
arXiv:2502.07071; "as published" includes what its program does where the paper is silent. Two variants, chosen by
`TradesConfig.repaired`: as published, faults included, and repaired. Where neither tells, the choice is ours: the
cosine noise schedule, the widths of the projections' hidden layers, the corners that stand for the order types.
"""

from typing import TYPE_CHECKING

from lob.lazy import lazy_names

if TYPE_CHECKING:
    from scenarios.baselines.trades.book import LoopBook
    from scenarios.baselines.trades.history import History
    from scenarios.baselines.trades.loop import ClosedLoop, closed_loop
    from scenarios.baselines.trades.model import TradesModel
    from scenarios.baselines.trades.orders import OrderKind, OrderTable, TradesOrder, order_table
    from scenarios.baselines.trades.settings import TradesConfig
    from scenarios.baselines.trades.training import train

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

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "book": "LoopBook",
        "history": "History",
        "loop": "ClosedLoop closed_loop",
        "model": "TradesModel",
        "orders": "OrderKind OrderTable TradesOrder order_table",
        "settings": "TradesConfig",
        "training": "train",
    },
)
