"""The stylised facts of a market, real or simulated, as numbers, curves and one page; no reference is needed."""

from typing import TYPE_CHECKING

from lob.lazy import lazy_names

if TYPE_CHECKING:
    from scenarios.facts.folder import save_facts
    from scenarios.facts.market_facts import MarketFacts, facts_of
    from scenarios.facts.page import facts_page
    from scenarios.facts.table import facts_frame
    from scenarios.facts.values import Curve, Value

__all__ = ["Curve", "MarketFacts", "Value", "facts_frame", "facts_of", "facts_page", "save_facts"]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "folder": "save_facts",
        "market_facts": "MarketFacts facts_of",
        "page": "facts_page",
        "table": "facts_frame",
        "values": "Curve Value",
    },
)
