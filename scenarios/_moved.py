"""Names that modules had in 0.1: they still import, with a warning that tells the new one, until 0.3."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

__all__ = ["MOVED", "install"]

MOVED = {
    "scenarios.claim": "sim.files.claim",
    "scenarios.checkpoint": "scenarios.run.checkpoint",
    "scenarios.content": "scenarios.build.content",
    "scenarios.decisions": "scenarios.run.decisions",
    "scenarios.flow_training": "scenarios.training.flow",
    "scenarios.flows": "scenarios.data.flows",
    "scenarios.folder": "scenarios.run.folder",
    "scenarios.generation": "scenarios.data.generation",
    "scenarios.html": "scenarios.pages.html",
    "scenarios.json_schema": "scenarios.build.json_schema",
    "scenarios.kinds": "scenarios.build.kinds",
    "scenarios.labels": "scenarios.data.labels",
    "scenarios.load": "scenarios.schema.load",
    "scenarios.map_runs": "scenarios.many_runs.map_runs",
    "scenarios.measures": "scenarios.run.measures",
    "scenarios.outcomes": "scenarios.experiments.outcomes",
    "scenarios.own_code": "scenarios.build.own_code",
    "scenarios.plots.attribution": "scenarios.experiments.plot_attribution",
    "scenarios.plots.decisions": "scenarios.run.plot_decisions",
    "scenarios.plots.flow": "scenarios.training.plot_flow",
    "scenarios.plots.impact": "scenarios.experiments.plot_impact",
    "scenarios.plots.market": "scenarios.run.plot_market",
    "scenarios.plots.moments": "scenarios.calibration.plot_moments",
    "scenarios.plots.realism": "scenarios.realism.plot",
    "scenarios.plots.stored": "scenarios.run.plot_stored",
    "scenarios.plots.style": "scenarios.pages.style",
    "scenarios.plots.sweep": "scenarios.experiments.plot_sweep",
    "scenarios.plots.training": "scenarios.training.plot_rl",
    "scenarios.recordings": "scenarios.build.recordings",
    "scenarios.report": "scenarios.cli._console",
    "scenarios.result_set": "scenarios.many_runs.result_set",
    "scenarios.rl_rollouts": "scenarios.training.rollouts",
    "scenarios.rl_training": "scenarios.training.rl",
    "scenarios.rl_units": "scenarios.training.rl_units",
    "scenarios.schedule": "scenarios.build.schedule",
    "scenarios.schema_agents": "scenarios.schema.agents",
    "scenarios.schema_events": "scenarios.schema.events",
    "scenarios.schema_information": "scenarios.schema.bulletins",
    "scenarios.schema_instrument": "scenarios.schema.instrument",
    "scenarios.summary": "scenarios.run.summary",
    "scenarios.tables": "scenarios.schema.tables",
    "scenarios.toml_text": "scenarios.schema.toml_text",
    "scenarios.value_range": "scenarios.build.value_range",
    "scenarios.versions": "sim.versions",
}

PACKAGE = "scenarios.plots"
"""It holds nothing any more but names of MOVED."""


class _Moved(MetaPathFinder, Loader):
    """Finds a module under its old name by importing it under its new one."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname in MOVED or fullname == PACKAGE:
            return ModuleSpec(fullname, self, is_package=fullname == PACKAGE)
        return None

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        if spec.name == PACKAGE:
            return None
        now = MOVED[spec.name]
        _warn(f"{spec.name} is now {now}; the old name goes in 0.3")
        module = import_module(now)
        self._spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Run nothing: it ran under its new name. The import system has put the old one into its spec."""
        if module.__name__ != PACKAGE:
            module.__spec__ = self._spec


def _warn(text: str) -> None:
    """Warn where the import stands, beyond the import system's own frames."""
    depth, frame = 1, sys._getframe()
    while frame.f_back is not None and (
        frame.f_globals["__name__"] == __name__ or "importlib" in frame.f_code.co_filename
    ):
        frame = frame.f_back
        if "importlib._bootstrap" not in frame.f_code.co_filename:  # frames that `warn` does not count
            depth += 1
    warnings.warn(text, DeprecationWarning, stacklevel=depth)


def install() -> None:
    """Make the old names importable."""
    if not any(isinstance(finder, _Moved) for finder in sys.meta_path):
        sys.meta_path.append(_Moved())
