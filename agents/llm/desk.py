"""The desk: takes what all investors ask at one instant, and gives it to the backend as one batch."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agents.llm.backends import open_backend
from agents.llm.backends.record import Recorder, Replay
from agents.llm.protocol import Backend, Reply, Request, judged
from agents.llm.settings import HttpSettings, LocalSettings, ScriptedSettings
from lob.errors import RunError

__all__ = ["Desk", "desk_of"]

GIVE_UP_AFTER = 20
"""Replies of which not one is usable, for whatever reasons: such a model or server will never do."""
HELP = {
    "timeout": "raise timeout_s, or lower concurrency",
    "connection": "see to the server",
    "server_error": "see to the server",
    "rate_limit": "lower concurrency, or set requests_per_s",
    "bad_body": "check base_url: what answers there is no chat completion",
    "cut_off": "raise max_reply_tokens (reasoning counts as well), unless the server's answers themselves end early",
    "refused": "the model or a filter refuses to decide; use another one",
    "no_content": "turn reasoning and tools off on the server, or raise max_reply_tokens",
}
"""What may help against the most frequent failure."""
KEEPS = "allowed: a model or server that keeps to a JSON schema"
Question = tuple[Request, ...]
Answer = tuple[tuple[Reply, Any], ...]


class Desk:
    """A panel (see sim.trader.Ask) of language-model requests. Several markets may share one."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self._n_usable = 0
        self._failed: Counter[str] = Counter()

    def answer(self, questions: Sequence[Question]) -> list[Answer]:
        """Return for each question one (reply, content) per request; content is None where there is a failure.

        Raises:
            RunError: if none of the first replies is usable.
        """
        requests = [request for question in questions for request in question]
        pairs = [judged(*pair) for pair in zip(requests, self.backend.complete(requests), strict=True)]
        for reply, content in pairs:
            self._n_usable += content is not None
            if reply.failure is not None:
                self._failed[reply.failure] += 1
        # A record is history: what it holds later on may well be usable.
        if self._n_usable == 0 and self._failed.total() >= GIVE_UP_AFTER and not isinstance(self.backend, Replay):
            raise RunError(self._hopeless([reply.text for reply, _ in pairs if reply.text]))
        replies = iter(pairs)
        return [tuple(next(replies) for _ in question) for question in questions]

    def _hopeless(self, texts: Sequence[str]) -> str:
        """Return the line that ends the run; the next run begins to count anew."""
        failed, self._failed = self._failed, Counter()
        reasons = ", ".join(f"{reason} {count}" for reason, count in failed.most_common())
        such = f", such as {texts[0][:80]!r}" if texts else ""
        most = failed.most_common(1)[0][0]
        help_ = HELP.get(most, KEEPS)
        said = getattr(getattr(self.backend, "inner", self.backend), "last_said", "")
        such += f"; the server last said: {said}" if said else ""
        line = f"model {self.backend.model}: none of {failed.total()} replies is usable ({reasons}){such}; {help_}"
        if isinstance(self.backend, Recorder) and not self.backend.retry_failures:
            line += "; they are in the record: retry_failures = true asks again"
        return line


_DESKS: dict[tuple[Any, ...], Desk] = {}


def desk_of(settings: LocalSettings | HttpSettings | ScriptedSettings) -> Desk:
    """Return this process's desk for these settings: all investors with the same backend share it."""
    key: str | None = None
    if isinstance(settings, HttpSettings) and settings.replay is None:
        settings = settings.resolved()
        key = os.environ.get(settings.key_env)
    name = (settings.model_dump_json(), key, _file_at(settings.replay or settings.record))
    if name not in _DESKS:
        desk = Desk(open_backend(settings))
        # Opening may have made the record.
        name = (*name[:2], _file_at(settings.replay or settings.record))
        _DESKS[name] = desk
    return _DESKS[name]


def _file_at(path: str | None) -> tuple[int, int] | None:
    """Return which file stands at a path: a record that was replaced in the meantime is another one."""
    try:
        found = None if path is None else Path(path).stat()
    except OSError:
        return None
    return None if found is None else (found.st_dev, found.st_ino)
