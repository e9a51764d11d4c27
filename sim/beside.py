"""Sinks beside the kernel: rows are copied once and served by a thread, while the market runs on."""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any

import numpy as np

from lob.errors import RunError
from lob.types import EVENT

__all__ = ["Beside"]

Rows = np.ndarray[Any, Any]
ROWS = 65_536
N_WAITING = 16
"""Stretches that may wait, so that the kernel goes on while a part is written: 113 MB at most, with those in hand."""


class Beside:
    """A sink that hands its rows to others in a thread of its own, in order.

    The kernel and the slow parts of our sinks (hashing, columns, Parquet) run outside of Python's lock, so with a free
    core a market does not wait for them. If they cannot keep up, the market does. What a sink raises comes out of the
    next call, or of `drain`; what arrives after the failure is served to none, so that all have taken the same rows.

    Use it as a context manager: on leaving, everything has been served and the thread has ended.

    Args:
        sinks: what is served; not to be called by others before `drain` has returned.
    """

    def __init__(self, sinks: Sequence[Callable[[Rows], Any]]) -> None:
        self._sinks = tuple(sinks)
        self._waiting: queue.Queue[tuple[Rows, int] | None] = queue.Queue(N_WAITING)
        self._spare: deque[Rows] = deque()
        self._error: Exception | None = None
        self._failed = False
        self._thread: threading.Thread | None = None

    def __call__(self, rows: Rows) -> None:
        """Take a stretch of rows.

        Raises:
            Exception: whatever a sink has raised for earlier rows, once.
            RunError: afterwards, since nobody would take the rows.
        """
        for start in range(0, len(rows), ROWS):
            if self._failed and self._error is None:
                raise RunError("Beside: a sink has failed, and these rows would reach none; allowed: a new Beside")
            self._check()
            part = rows[start : start + ROWS]
            buffer = self._spare.pop() if self._spare else np.empty(0, EVENT)
            if len(buffer) < len(part):
                buffer = np.empty(max(len(part), min(2 * len(buffer), ROWS)), EVENT)
            buffer[: len(part)].view(np.uint8)[:] = np.ascontiguousarray(part).view(np.uint8)
            if self._thread is None:
                self._thread = threading.Thread(target=self._serve, name="sinks", daemon=True)
                self._thread.start()
            self._waiting.put((buffer, len(part)))

    def drain(self) -> None:
        """Wait until all rows have been served.

        Raises:
            Exception: whatever a sink has raised, once.
        """
        self._waiting.join()
        self._check()

    def __enter__(self) -> Beside:
        """Return this object."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Serve what waits and end the thread; a failure of a sink is raised unless another is on its way."""
        if self._thread is not None:
            self._waiting.put(None)
            self._thread.join()
            self._thread = None
        if error is None:
            self._check()

    def _check(self) -> None:
        if self._error is not None:
            error, self._error = self._error, None
            raise error

    def _serve(self) -> None:
        while True:
            job = self._waiting.get()
            if job is None:
                self._waiting.task_done()
                return
            buffer, count = job
            for sink in () if self._failed else self._sinks:
                # The others get theirs whichever fails, so that what they say is of the same rows.
                try:
                    sink(buffer[:count])
                except Exception as error:
                    self._error = self._error or error
            self._failed = self._failed or self._error is not None
            self._spare.append(buffer)
            self._waiting.task_done()
