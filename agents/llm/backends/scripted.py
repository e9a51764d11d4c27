"""Replies from a function or a list: what tests put in a model's place."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from agents.llm.protocol import Reply, Request

__all__ = ["Scripted"]


class Scripted:
    """Answers each request by itself, by a function of the request."""

    def __init__(self, reply: Callable[[Request], str | Reply], model: str = "scripted") -> None:
        self.model = model
        self._reply = reply

    @classmethod
    def from_list(cls, replies: Sequence[str]) -> Scripted:
        """Return one that picks a text by the decision's seed."""
        return cls(lambda request: replies[request.seed % len(replies)])

    def complete(self, requests: Sequence[Request]) -> list[Reply]:
        """Return the function's replies."""
        found = [self._reply(request) for request in requests]
        return [Reply(reply) if isinstance(reply, str) else reply for reply in found]
