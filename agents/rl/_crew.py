"""A few threads that do one short piece of work together, again and again: what a pool of futures takes longer for."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from typing import Any

__all__ = ["Crew"]

Jobs = SimpleQueue[Any]


class Crew:
    """`count` threads, the caller's among them.

    Args:
        count: at least 1. The others end when the crew is gone.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self._done: Jobs = SimpleQueue()
        self._jobs: list[Jobs] = [SimpleQueue() for _ in range(count - 1)]
        for jobs in self._jobs:
            threading.Thread(target=_work, args=(jobs, self._done), name="markets", daemon=True).start()
        weakref.finalize(self, _dismiss, self._jobs)

    def __call__(self, function: Callable[[int, int], None], edges: Sequence[int]) -> None:
        """Call function(edges[t], edges[t + 1]) in thread t, and return when all have returned.

        Raises:
            BaseException: what the first of them has raised, once all are done.
        """
        for t, jobs in enumerate(self._jobs, start=1):
            jobs.put((function, edges[t], edges[t + 1]))
        errors: list[BaseException | None] = []
        try:
            function(edges[0], edges[1])
        finally:
            # Whatever happens here, nobody is left behind who still writes into the markets.
            errors = [self._done.get() for _ in self._jobs]
        for error in errors:
            if error is not None:
                raise error


def _work(jobs: Jobs, done: Jobs) -> None:
    while (job := jobs.get()) is not None:
        function, first, last = job
        try:
            function(first, last)
        except BaseException as error:
            done.put(error)
        else:
            done.put(None)
        del job, function  # or the batch would live as long as its thread


def _dismiss(all_jobs: list[Jobs]) -> None:
    for jobs in all_jobs:
        jobs.put(None)
