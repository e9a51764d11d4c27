"""On a cluster a node that lacks what the jobs need is told and draws none."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ray")

ROOT = Path(__file__).resolve().parents[2]


def on_cluster(nodes: list[bool]) -> None:
    """Run jobs on raylets of this machine of which some lack a file; called in a process of its own."""
    import ray
    from ray.cluster_utils import Cluster

    from scenarios.many_runs.map_runs import map_runs

    def where(job: int) -> tuple[int, bool]:
        return job, bool(os.environ["HAS_FILE"])

    def missing() -> str | None:
        return None if os.environ["HAS_FILE"] else "/data/prices.csv: not found"

    options: list[Any] = [{"num_cpus": 1, "env_vars": {"HAS_FILE": "1" if has else ""}} for has in nodes]
    cluster = Cluster(initialize_head=True, head_node_args={**options[0], "include_dashboard": False})
    for option in options[1:]:
        cluster.add_node(**option)
    os.environ["RAY_ADDRESS"] = cluster.address
    try:
        found = dict(map_runs(where, range(12), executor="ray", missing=missing))
        assert found == {k: (k, True) for k in range(12)}, found
        print("all on nodes that have it")
    finally:
        ray.shutdown()  # type: ignore[no-untyped-call]
        cluster.shutdown()


def run_on(nodes: list[bool]) -> subprocess.CompletedProcess[str]:
    code = f"from tests.experiments.test_nodes import on_cluster\non_cluster({nodes})\n"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True)


def test_a_node_without_a_file_is_told_and_draws_no_jobs() -> None:
    done = run_on([True, False])
    assert done.returncode == 0 and "all on nodes that have it" in done.stdout, done.stderr
    told = [line for line in done.stderr.splitlines() if "prices.csv" in line]
    assert len(told) == 1 and told[0].startswith("node ") and told[0].endswith("it is given no jobs"), done.stderr


def test_a_cluster_without_a_fit_node_is_one_line() -> None:
    done = run_on([False])
    assert done.returncode != 0 and "InputError: no node of the cluster can be given jobs: node " in done.stderr
    assert "/data/prices.csv: not found" in done.stderr
