"""Studies as tests ask for them: run in this process if nothing else is said, all options side by side."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import scenarios
from scenarios.data import FileOptions, Generated
from scenarios.experiments import Attribution, Execution, ImpactProtocol, ImpactResult, Players, SweepResult

__all__ = ["attribute", "generate", "impact", "sweep"]


def _grouped(options: dict[str, Any], /, **groups: type[Any]) -> dict[str, Any]:
    """Return the options with those that are fields of a class put together."""
    options = {"executor": "serial", **options}
    for argument, group in groups.items():
        names = {field.name for field in fields(group)}
        options[argument] = group(**{name: options.pop(name) for name in list(options) if name in names})
    return options


def impact(scenario: Path | str, treatment: Any, **options: Any) -> ImpactResult:
    options = _grouped(options, protocol=ImpactProtocol, execution=Execution)
    return scenarios.impact(scenario, treatment, **options)


def sweep(scenario: Path | str, grid: Any, seeds: Any, **options: Any) -> SweepResult:
    return scenarios.sweep(scenario, grid, seeds, **_grouped(options, execution=Execution))


def attribute(scenario: Path | str, outcome: str, **options: Any) -> Attribution:
    return scenarios.attribute(scenario, outcome, **_grouped(options, players=Players, execution=Execution))


def generate(scenario: Path | str, out: Path | str, **options: Any) -> Generated:
    return scenarios.generate(scenario, out, **_grouped(options, files=FileOptions, execution=Execution))
