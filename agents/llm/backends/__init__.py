"""Backends, one a file, and `open_backend`, which finds the one that settings name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from agents.llm.settings import HttpSettings, LocalSettings, ScriptedSettings

if TYPE_CHECKING:
    from agents.llm.protocol import Backend

__all__ = ["open_backend"]


def open_backend(settings: LocalSettings | HttpSettings | ScriptedSettings) -> Backend:
    """Return the backend, with its record around it or in its place.

    Raises:
        InputError: if it cannot work at all: no key, no server, no weights, a record that is none.
    """
    from agents.llm.backends.record import Recorder, Replay
    from lob.errors import InputError

    if settings.retry_failures and settings.record is None:
        raise InputError("backend.retry_failures: there is no record; allowed: with record, which holds the failures")
    if settings.replay is not None:
        if settings.record is not None:
            raise InputError("backend: both record and replay are given; allowed: one of them")
        return Replay(Path(settings.replay), settings.model if isinstance(settings, HttpSettings) else None)
    inner = _inner(settings)
    return inner if settings.record is None else Recorder(inner, Path(settings.record), settings.retry_failures)


def _inner(settings: LocalSettings | HttpSettings | ScriptedSettings) -> Backend:
    if isinstance(settings, ScriptedSettings):
        from agents.llm.backends.scripted import Scripted

        return Scripted.from_list(settings.replies)
    if isinstance(settings, HttpSettings):
        from agents.llm.backends.http import HttpBackend

        return HttpBackend(settings)
    from agents.llm.backends.local import LocalBackend

    return LocalBackend(settings)
