"""Many runs, each whole in one task: in processes on this machine, on a Ray cluster, or one after the other.

Whatever carries out the runs, each job gives the same result; only the order in which results come differs. A job that
raises, runs out of memory or kills its process gives a `Failed` with the reason and takes no other job with it.
"""

from __future__ import annotations

import importlib.util
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, get_args

from lob.errors import InputError, OutcryError

__all__ = ["EXECUTORS", "Executor", "Failed", "check_executor", "map_runs", "usable_cores"]

J = TypeVar("J")
R = TypeVar("R")
Executor = Literal["process", "ray", "serial"]
EXECUTORS: tuple[str, ...] = get_args(Executor)
AHEAD = 3
"""Jobs handed out for each worker: one that runs and some that wait, so that no worker stands idle."""
MOST_WORKERS = 10_000
IDLE_S = 60
"""Seconds after which idle processes end."""
# A run is one thread of compiled code; libraries that start a thread for each core would only get in each other's way.
_THREAD_COUNTS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "POLARS_MAX_THREADS")
_ONE_THREAD = dict.fromkeys(_THREAD_COUNTS, "1")


@dataclass(frozen=True)
class Failed:
    """A job that gave no result, and why, in one line."""

    reason: str


def map_runs(
    task: Callable[[J], R],
    jobs: Sequence[J],
    *,
    executor: str = "process",
    workers: int | None = None,
    missing: Callable[[], str | None] | None = None,
) -> Iterator[tuple[int, R | Failed]]:
    """Yield (position of the job, result or Failed) for every job, as they come.

    Args:
        task: called with one job; with the executors "process" and "ray" it goes to other processes by cloudpickle, so
            functions of a script or notebook will do.
        jobs: plain data.
        executor: "process" (loky, the processes of joblib), "ray" (needs outcry-sim[ray]; $RAY_ADDRESS names a
            cluster, without it Ray starts on this machine), or "serial": in this process.
        workers: processes; default: one for each core that this process may use, or all of the cluster.
        missing: with Ray called once on each node, before it is given jobs; returns in one line what the node lacks,
            such as a file, or None. A node that lacks something is told (logger "outcry") and draws no jobs.

    Raises:
        InputError: if there is no such executor, Ray is not installed, or every node lacks something.
    """
    check_executor(executor, workers)
    if executor == "serial":
        return ((k, _attempt(task, job)) for k, job in enumerate(jobs))
    return _in_processes(task, jobs, workers) if executor == "process" else _on_ray(task, jobs, workers, missing)


def check_executor(executor: str, workers: int | None) -> None:
    """Raise InputError if `map_runs` could not use these."""
    if executor not in EXECUTORS:
        raise InputError(f"executor = {executor!r}; allowed: {', '.join(EXECUTORS)}")
    if workers is not None and not 1 <= workers <= MOST_WORKERS:
        raise InputError(f"workers = {workers}; allowed: at least 1, at most {MOST_WORKERS:,}")
    if executor == "ray" and importlib.util.find_spec("ray") is None:
        raise InputError("executor ray needs the package ray; install outcry-sim[ray]")


def _attempt(task: Callable[[J], R], job: J) -> R | Failed:
    try:
        return task(job)
    except OutcryError as error:
        return Failed(str(error))
    except Exception as error:
        text = str(error).strip().splitlines()
        return Failed(f"{type(error).__name__}: {text[0]}" if text else type(error).__name__)


def usable_cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


# ---- processes ----------------------------------------------------------------------------------------------------


def _in_processes(task: Callable[[J], R], jobs: Sequence[J], workers: int | None) -> Iterator[tuple[int, R | Failed]]:
    from loky import get_reusable_executor

    n_workers = workers or min(usable_cores(), max(1, len(jobs)))
    waiting = list(range(len(jobs)))[::-1]
    while waiting:
        pool = get_reusable_executor(max_workers=n_workers, timeout=IDLE_S, env=_ONE_THREAD)
        suspects: list[int] = []
        try:
            yield from _share_out(pool, task, jobs, waiting, suspects, AHEAD * n_workers)
        except GeneratorExit:
            pool.shutdown(wait=True, kill_workers=True)
            raise
        # A dead process takes the pool with it; each job that it may have been working on gets a pool of its own.
        for k in suspects:
            yield k, _alone(task, jobs[k])


def _share_out(
    pool: Any, task: Callable[[J], R], jobs: Sequence[J], waiting: list[int], suspects: list[int], most: int
) -> Iterator[tuple[int, R | Failed]]:
    """Yield results until all jobs are done or the pool is broken; then `suspects` holds the jobs that it had."""
    out: dict[Future[Any], int] = {}
    broken = False
    while out or (waiting and not broken):
        while waiting and len(out) < most and not broken:
            try:
                out[pool.submit(_attempt, task, jobs[waiting[-1]])] = waiting[-1]
                waiting.pop()
            except RuntimeError:
                broken = True
        done, _ = wait(out, return_when=FIRST_COMPLETED)
        for future in done:
            k = out.pop(future)
            if future.exception() is None:
                yield k, future.result()
            elif _is_of_pool(future.exception()):
                broken = True
                suspects.append(k)
            else:
                yield k, Failed(_one_line(future.exception()))
    suspects.sort()


def _is_of_pool(error: BaseException | None) -> bool:
    from concurrent.futures.process import BrokenProcessPool

    return isinstance(error, BrokenProcessPool)


def _alone(task: Callable[[J], R], job: J) -> R | Failed:
    """Run a job in a process of its own; if that dies too, it is the job's doing."""
    from loky import ProcessPoolExecutor

    with ProcessPoolExecutor(max_workers=1, env=_ONE_THREAD) as pool:
        future = pool.submit(_attempt, task, job)
        error = future.exception()
        result: R | Failed = Failed(_one_line(error)) if error is not None else future.result()
    return result


def _one_line(error: BaseException | None) -> str:
    text = str(error).strip().splitlines()
    first = text[0].rstrip(": ") if text else "no message"
    if _is_of_pool(error):
        return "its process died: out of memory, or killed"
    return f"{type(error).__name__}: {first[:200]}"


# ---- Ray ----------------------------------------------------------------------------------------------------------


def _on_ray(
    task: Callable[[J], R], jobs: Sequence[J], workers: int | None, missing: Callable[[], str | None] | None
) -> Iterator[tuple[int, R | Failed]]:
    import ray

    from scenarios.many_runs.nodes import Nodes

    if not ray.is_initialized():
        address = os.environ.get("RAY_ADDRESS")
        local: dict[str, Any] = {} if address else {"num_cpus": workers or usable_cores(), "include_dashboard": False}
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR, **local)
    resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
    n_workers = workers or max(1, int(resources.get("CPU", 1)))
    # One more try: a process can die for another's memory.
    attempt: Any = ray.remote(max_retries=1)(_attempt)
    shared = ray.put(task)
    nodes = Nodes(missing) if missing is not None and len(jobs) else None
    waiting = list(range(len(jobs)))[::-1]
    out: dict[Any, int] = {}
    try:
        while waiting or out:
            while waiting and len(out) < AHEAD * n_workers:
                k = waiting.pop()
                on_nodes = attempt.options(label_selector=nodes.label_selector()) if nodes is not None else attempt
                out[on_nodes.remote(shared, jobs[k])] = k
            done, _ = ray.wait(list(out), num_returns=1)
            for reference in done:
                k = out.pop(reference)
                try:
                    yield k, ray.get(reference)
                except ray.exceptions.RayError as error:
                    yield k, Failed(f"its process died: out of memory, or killed ({type(error).__name__})")
    finally:
        for reference in out:
            ray.cancel(reference, force=True)
