"""What handing runs out costs: a sweep of 1,000 short runs in this process, in processes, and over 2, 4, 8 raylets.

A raylet is what Ray runs on each machine of a cluster; here they are all on this one, with one worker each. The
workers are warm: each has made a run before the clock starts. The overhead of a run is what it takes of the machine's
cores beyond its time in one process, and every way of making them must give the same results.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import Any

__all__ = ["point", "run"]

N_RUNS = 1_000
RAYLETS = (2, 4, 8)
SCENARIO, SESSION_S = "first_market", 60
MOST_OVERHEAD_MS = 25.0
"""Of one run over 2 raylets, on the reference machine."""


def _sweep(n_runs: int, executor: str, workers: int | None) -> tuple[float, str]:
    """Return seconds and a digest of the results."""
    import hashlib

    from scenarios.experiments.grid import sweep
    from scenarios.many_runs.execution import Execution

    began = time.perf_counter()
    found = sweep(
        SCENARIO,
        {"population.random.count": [20, 40]},
        seeds=range(1, n_runs // 2 + 1),
        outcomes=["volume"],
        overrides=[f"session.close=09:{30 + SESSION_S // 60}:00"],
        execution=Execution(executor, workers),
    )
    spent = time.perf_counter() - began
    hashes = "".join(found.runs.sort("variant", "seed")["tape_hash"])
    return spent, hashlib.sha256(hashes.encode()).hexdigest()[:16]


def _point(executor: str, workers: int) -> dict[str, Any]:
    cluster = None
    if executor == "ray":
        from ray.cluster_utils import Cluster

        one: dict[str, Any] = {"num_cpus": 1}
        cluster = Cluster(initialize_head=True, head_node_args={**one, "include_dashboard": False})
        for _ in range(workers - 1):
            cluster.add_node(**one)
        os.environ["RAY_ADDRESS"] = cluster.address
    began = time.perf_counter()
    _sweep(20 * workers, executor, workers)  # every worker imports, loads the kernels and makes some runs
    warm_s = time.perf_counter() - began
    spent, digest = _sweep(N_RUNS, executor, workers)
    if cluster is not None:
        import ray

        ray.shutdown()
        cluster.shutdown()  # type: ignore[no-untyped-call]
    return {"executor": executor, "workers": workers, "warm_s": round(warm_s, 2), "wall_s": round(spent, 2),
            "digest": digest}  # fmt: skip


def point(executor: str, workers: int) -> dict[str, Any]:
    """Return one point, measured in a process of its own."""
    code = f"import json; from bench.cluster import _point; print(json.dumps(_point({executor!r}, {workers})))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    print("  ".join(f"{name} {value}" for name, value in found.items()), flush=True)
    return found


def run() -> dict[str, Any]:
    """Return the overhead of a run, in ms of one core, for each way of handing runs out."""
    from bench.yardstick import at_most
    from scenarios.many_runs.map_runs import usable_cores

    alone = point("serial", 1)
    cores = usable_cores()
    found = {"process": point("process", cores), **{f"ray_{n}": point("ray", n) for n in RAYLETS}}
    run_ms = alone["wall_s"] / N_RUNS * 1e3
    overheads = {
        name: round(each["wall_s"] * min(cores, each["workers"]) / N_RUNS * 1e3 - run_ms, 2)
        for name, each in found.items()
    }
    same = len({each["digest"] for each in (alone, *found.values())}) == 1
    return {
        "runs": N_RUNS,
        "ms_per_run_serial": round(run_ms, 2),
        **{f"overhead_ms_{name}": ms for name, ms in overheads.items()},
        **{f"start_s_{name}": each["warm_s"] for name, each in found.items()},
        "same_results": same,
        "pass": same and at_most(overheads["ray_2"], MOST_OVERHEAD_MS),
    }
