"""The desk: takes what all investors ask at one instant, and gives it to the backend as one batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from agents.llm.backends import open_backend
from agents.llm.protocol import Backend, Reply, Request, judged
from agents.llm.settings import HttpSettings, LocalSettings, ScriptedSettings
from lob.errors import RunError

__all__ = ["Desk", "desk_of"]

GIVE_UP_AFTER = 20
"""Replies of which not one is of the schema: such a model will never do."""
Question = tuple[Request, ...]
Answer = tuple[tuple[Reply, Any], ...]


class Desk:
    """A panel (see sim.trader.Ask) of language-model requests. Several markets may share one."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self._n_usable = 0
        self._n_ignored = 0

    def answer(self, questions: Sequence[Question]) -> list[Answer]:
        """Return for each question one (reply, content) per request; content is None where there is a failure.

        Raises:
            RunError: if the model ignores the schema from the start.
        """
        requests = [request for question in questions for request in question]
        replies = iter([judged(*pair) for pair in zip(requests, self.backend.complete(requests), strict=True)])
        answers = [tuple(next(replies) for _ in question) for question in questions]
        for answer in answers:
            for reply, content in answer:
                self._n_usable += content is not None
                self._n_ignored += reply.failure in ("schema", "no_json")
        if self._n_usable == 0 and self._n_ignored >= GIVE_UP_AFTER:
            text = next(r.text for answer in answers for r, _ in answer if r.failure in ("schema", "no_json"))
            raise RunError(
                f"model {self.backend.model} ignores the schema: none of {self._n_ignored} replies is of it, "
                f"such as {(text or '')[:80]!r}; allowed: a model or server that keeps to a JSON schema"
            )
        return answers


_DESKS: dict[str, Desk] = {}


def desk_of(settings: LocalSettings | HttpSettings | ScriptedSettings) -> Desk:
    """Return this process's desk for these settings: all investors with the same backend share it."""
    if isinstance(settings, HttpSettings) and settings.replay is None:
        settings = settings.resolved()
    key = settings.model_dump_json()
    if key not in _DESKS:
        _DESKS[key] = Desk(open_backend(settings))
    return _DESKS[key]
