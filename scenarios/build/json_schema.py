"""The JSON Schema of scenario files, for editors that check and complete them."""

from __future__ import annotations

from typing import Any

from scenarios.build.kinds import library_policy, policy_kinds
from scenarios.schema.scenario import Scenario

__all__ = ["scenario_schema"]


def scenario_schema() -> dict[str, Any]:
    """Return the schema; a population's settings follow from its kind."""
    schema: dict[str, Any] = Scenario.model_json_schema()
    rules = []
    for kind in policy_kinds():
        settings = library_policy(kind).settings
        table = settings.model_json_schema(ref_template="#/$defs/{model}")
        schema["$defs"].update(table.pop("$defs", {}))
        schema["$defs"][settings.__name__] = table
        when = {"properties": {"kind": {"const": kind}}, "required": ["kind"]}
        then = {"properties": {"settings": {"$ref": f"#/$defs/{settings.__name__}"}}}
        rules.append({"if": when, "then": then})
    schema["$defs"]["PopulationTable"]["allOf"] = rules
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
