"""What happens to orders: how likely and how soon they are filled, from which place in the queue, and what for."""

from typing import TYPE_CHECKING

from lob.lazy import lazy_names

if TYPE_CHECKING:
    from scenarios.orders.analytics import OrderAnalytics, analyse_orders
    from scenarios.orders.folder import save_orders
    from scenarios.orders.page import orders_page

__all__ = ["OrderAnalytics", "analyse_orders", "orders_page", "save_orders"]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "analytics": "OrderAnalytics analyse_orders",
        "folder": "save_orders",
        "page": "orders_page",
    },
)
