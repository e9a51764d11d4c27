"""What a scenario file may say, and how it is read: one frozen model for each table, every mistake told in one line."""

from typing import TYPE_CHECKING

from lob.lazy import lazy_names

if TYPE_CHECKING:
    from scenarios.schema.events import Event
    from scenarios.schema.load import Source, find_scenario, library, load_scenario
    from scenarios.schema.scenario import ParameterTable, RecordTable, Scenario, SessionTable
    from scenarios.schema.toml_text import toml_text

__all__ = [
    "Event",
    "ParameterTable",
    "RecordTable",
    "Scenario",
    "SessionTable",
    "Source",
    "find_scenario",
    "library",
    "load_scenario",
    "toml_text",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "events": "Event",
        "load": "Source find_scenario library load_scenario",
        "scenario": "Scenario RecordTable SessionTable ParameterTable",
        "toml_text": "toml_text",
    },
)
