"""The JSON Schema of scenario files, for editors that check and complete them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from scenarios.build.kinds import library_policy, library_trader, policy_kinds, trader_kinds
from scenarios.schema.scenario import Scenario
from sim.trader_settings import settings_model

__all__ = ["scenario_schema"]


def scenario_schema() -> dict[str, Any]:
    """Return the schema; the settings of a population and of a trader follow from its kind."""
    schema: dict[str, Any] = Scenario.model_json_schema()
    policies = {kind: library_policy(kind).settings for kind in policy_kinds()}
    traders = {kind: settings_model(library_trader(kind)) for kind in trader_kinds()}
    for table, models in (("PopulationTable", policies), ("TraderTable", traders)):
        schema["$defs"][table]["allOf"] = _rules(schema, models)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _rules(schema: dict[str, Any], models: Mapping[str, type[BaseModel]]) -> list[dict[str, Any]]:
    """Return one rule for each kind; what the models are is added to the schema's definitions."""
    rules = []
    for kind, settings in models.items():
        table = settings.model_json_schema(ref_template="#/$defs/{model}")
        schema["$defs"].update(table.pop("$defs", {}))
        schema["$defs"][settings.__name__] = table
        when = {"properties": {"kind": {"const": kind}}, "required": ["kind"]}
        then = {"properties": {"settings": {"$ref": f"#/$defs/{settings.__name__}"}}}
        rules.append({"if": when, "then": then})
    return rules
