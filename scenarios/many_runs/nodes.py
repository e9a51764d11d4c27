"""The nodes of a Ray cluster that jobs are handed to: those on which everything that the jobs need is found."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from lob.errors import InputError

__all__ = ["Nodes"]

LOOK_S = 10.0
"""Seconds between two looks for nodes that have joined; each is checked once."""
NODE_LABEL = "ray.io/node-id"


class Nodes:
    """Checks every node once, before it is given jobs.

    Args:
        missing: called on the node; returns what the node lacks, in one line, or None if it lacks nothing.

    Raises:
        InputError: if no node has what is needed.
    """

    def __init__(self, missing: Callable[[], str | None]) -> None:
        import ray

        self._missing = ray.put(missing)
        self._fit: dict[str, bool] = {}
        self._looked = -LOOK_S
        self._told: list[str] = []
        if not self.label_selector():
            raise InputError(
                f"no node of the cluster can be given jobs: {self._told[0] if self._told else 'none is up'}"
            )

    def label_selector(self) -> dict[str, str]:
        """Return Ray's option that keeps a task on the nodes that lack nothing; empty if there are none."""
        if time.monotonic() - self._looked >= LOOK_S:
            self._look()
            self._looked = time.monotonic()
        names = sorted(name for name, fits in self._fit.items() if fits)
        return {NODE_LABEL: f"in({','.join(names)})"} if names else {}

    def _look(self) -> None:
        """Check the nodes that were not there before, all at the same time."""
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        check: Any = ray.remote(num_cpus=0, max_retries=1)(_call)
        nodes: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]
        up = {node["NodeID"]: node for node in nodes if node["Alive"] and node["Resources"].get("CPU", 0) > 0}
        there = {name: NodeAffinitySchedulingStrategy(name, soft=False) for name in up if name not in self._fit}
        asked = {
            name: check.options(scheduling_strategy=strategy).remote(self._missing) for name, strategy in there.items()
        }
        for name, answer in asked.items():
            try:
                missing = ray.get(answer)
            except ray.exceptions.RayError as error:
                missing = _reason(error)
            self._fit[name] = missing is None
            if missing is not None:
                line = f"node {up[name]['NodeManagerAddress']} ({name[:8]}): {missing}"
                self._told.append(line)
                logging.getLogger("outcry").warning("%s; it is given no jobs", line)


def _call(missing: Callable[[], str | None]) -> str | None:
    return missing()


def _reason(error: Exception) -> str:
    """Say in one line why a node could not even be asked: its Outcry is missing or another one, or it has gone."""
    cause = getattr(error, "cause", None) or error
    lines = [line for line in str(cause).strip().splitlines() if line.strip()]
    return f"cannot be asked ({type(cause).__name__}: {lines[-1].strip()[:200] if lines else 'no message'})"
