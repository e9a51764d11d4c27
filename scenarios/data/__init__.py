"""Order data: flows read from whatever a user has, days generated in the formats that people use, their labels."""

from typing import TYPE_CHECKING

from lob.lazy import lazy_names

if TYPE_CHECKING:
    from scenarios.data.dataset import OrderFlowDataset
    from scenarios.data.flows import FlowSource, read_flows
    from scenarios.data.generation import FORMATS, FileOptions, Generated, generate
    from scenarios.data.labels import Labels

__all__ = ["FORMATS", "FileOptions", "FlowSource", "Generated", "Labels", "OrderFlowDataset", "generate", "read_flows"]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "dataset": "OrderFlowDataset",
        "flows": "FlowSource read_flows",
        "generation": "FORMATS FileOptions Generated generate",
        "labels": "Labels",
    },
)
