"""How long this process has spent compiling, and a word when the engine itself begins to be compiled.

Numba tells of each compilation; what is loaded from the cache is none.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from numba.core import event

__all__ = ["compile_s", "told_of_compiling"]

ENGINE = frozenset({"run_kernel", "apply_from", "send_one", "replay_all"})
"""Kernels that hold the engine: who compiles one of these compiles for the first time here."""


class _Clock(event.Listener):
    """Adds up the outermost compilations."""

    def __init__(self) -> None:
        self.seconds, self._depth, self._began = 0.0, 0, 0.0
        self.told: list[Callable[[], None]] = []

    def on_start(self, event: Any) -> None:
        if self._depth == 0:
            self._began = time.perf_counter()
        self._depth += 1
        dispatcher = (event.data or {}).get("dispatcher")
        if self.told and getattr(getattr(dispatcher, "py_func", None), "__name__", "") in ENGINE:
            tell, self.told = self.told, []
            for callback in tell:
                callback()

    def on_end(self, event: Any) -> None:
        self._depth -= 1
        if self._depth == 0:
            self.seconds += time.perf_counter() - self._began


_CLOCK = _Clock()
event.register("numba:compile", _CLOCK)


def compile_s() -> float:
    """Return the seconds that this process has spent compiling so far."""
    return _CLOCK.seconds


@contextmanager
def told_of_compiling(callback: Callable[[], None]) -> Iterator[None]:
    """Within this context, `callback` is called once if the engine has to be compiled, when that begins."""
    _CLOCK.told.append(callback)
    try:
        yield
    finally:
        if callback in _CLOCK.told:
            _CLOCK.told.remove(callback)
