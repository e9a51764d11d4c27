"""Many runs: the same results whatever carries them out, and a job that dies takes no other with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from lob.errors import InputError
from scenarios.many_runs.map_runs import EXECUTORS, Failed, map_runs

pytest.importorskip("ray")
# Ray's own code warns; its processes are not of this test's making.
pytestmark = pytest.mark.filterwarnings("ignore")


def square_or_die(job: int) -> int:
    if job == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    if job == 5:
        raise ValueError("first line\nsecond line")
    if job == 7:
        raise MemoryError
    if job == 9:
        raise InputError("file: path = 1; allowed: 2")
    return job * job


def found(executor: str, task: Any, n: int) -> dict[int, Any]:
    results = list(map_runs(task, list(range(n)), executor=executor, workers=2))
    assert len(results) == len(dict(results)) == n
    return dict(results)


@pytest.mark.parametrize("executor", EXECUTORS)
def test_every_executor_gives_each_job_its_result(executor: str) -> None:
    offset = 100
    assert found(executor, lambda job: job + offset, 23) == {k: k + 100 for k in range(23)}


def test_jobs_that_fail_or_die_are_reported_and_the_others_are_done() -> None:
    check_failures(found("process", square_or_die, 20))


def test_jobs_that_fail_or_die_on_ray_are_reported_and_the_others_are_done() -> None:
    # In a process of its own: Ray tells of the death on the terminal of whoever started it.
    code = (
        "from tests.experiments.test_map_runs import check_failures, found, square_or_die\n"
        "check_failures(found('ray', square_or_die, 20))\nprint('all there')\n"
    )
    root = Path(__file__).resolve().parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    done = subprocess.run([sys.executable, "-c", code], cwd=root, env=environment, capture_output=True, text=True)
    assert done.returncode == 0 and "all there" in done.stdout, done.stderr


def check_failures(results: dict[int, Any]) -> None:
    failed = {k: r.reason for k, r in results.items() if isinstance(r, Failed)}
    assert set(failed) == {3, 5, 7, 9}
    assert "its process died" in failed[3]
    assert failed[5] == "ValueError: first line"
    assert failed[7] == "MemoryError"
    assert failed[9] == "file: path = 1; allowed: 2"
    assert {k: r for k, r in results.items() if k not in failed} == {k: k * k for k in range(20) if k not in failed}


def test_in_this_process_an_exception_is_a_failure_too() -> None:
    def task(job: int) -> int:
        return 1 // job

    results = dict(map_runs(task, [1, 0, 2], executor="serial"))
    assert results[0] == 1 and isinstance(results[1], Failed) and results[2] == 0


def test_no_jobs_are_no_results() -> None:
    assert list(map_runs(square_or_die, [], executor="process")) == []


def test_who_stops_asking_stops_the_work() -> None:
    began = time.monotonic()
    results = map_runs(time.sleep, [0.2, *[30.0] * 20], executor="process", workers=2)
    assert next(results)[0] == 0
    results.close()  # type: ignore[attr-defined]
    assert time.monotonic() - began < 25


@pytest.mark.parametrize(
    ("options", "words"), [({"executor": "threads"}, "process, ray, serial"), ({"workers": 0}, "at least 1")]
)
def test_bad_options_are_one_line(options: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        map_runs(square_or_die, [1], **options)
