"""The small protocol of all backends: `complete(requests) -> replies`, in order, one reply for each request."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from typing import Any, Protocol

from agents.llm.decision import Closed, Decision, Reflection, Unusable, json_schema, read_reply
from agents.llm.prompt import PROMPT_VERSION, Messages
from lob.errors import InputError, RunError

__all__ = ["FAILURES", "SCHEMAS", "Backend", "PartialBatch", "Reply", "Request", "judged"]

SCHEMAS: dict[str, type[Closed]] = {"decision": Decision, "reflection": Reflection}
"""What can be asked for, by name."""

FAILURES = (
    "timeout",
    "connection",
    "server_error",
    "rate_limit",
    "bad_body",  # an answer that is no chat completion, or beyond all bounds
    "cut_off",  # an answer or a text that ends too early
    "refused",  # by the model, or by a content filter
    "no_content",  # no text: only reasoning, only a tool's call, nothing
    "not_unicode",
    "no_json",
    "schema",
    "context_too_long",
)
"""Why a decision may have no usable reply; the investor then holds, and the reason is counted."""


@cache
def schema_text(name: str) -> str:
    """Return a schema as compact JSON; its order is that of the fields."""
    return json.dumps(json_schema(SCHEMAS[name]), separators=(",", ":"))


@dataclass(frozen=True)
class Request:
    """One question to a model.

    Attributes:
        model: name of the model; for a local one with a hash of its weights.
        messages: (role, text) pairs.
        schema: "decision" or "reflection".
        seed: the decision's own, from the simulation's seed; samples nothing else.
        temperature: of sampling; 0 takes the most likely.
        max_reply_tokens: budget of the reply.
        prompt_version: of the words.
    """

    model: str
    messages: Messages
    schema: str
    seed: int
    temperature: float = 1.0
    max_reply_tokens: int = 120
    prompt_version: str = PROMPT_VERSION

    @cached_property
    def key(self) -> str:
        """SHA-256 over all of it and the schema itself: two requests with one key are the same question."""
        parts = [
            self.model, self.messages, schema_text(self.schema), self.seed, self.temperature, self.max_reply_tokens,
            self.prompt_version,
        ]  # fmt: skip
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


@dataclass(frozen=True)
class Reply:
    """One answer: text, or the reason why there is none.

    Attributes:
        text: what the model wrote, whether or not it is of the schema; None if nothing came.
        failure: one of FAILURES; None: `text` is of the schema.
        prompt_tokens, reply_tokens: as the model's server counts them.
        retries: attempts after the first.
        wall_s: how long it took; for the accounts only, nothing in the market depends on it.
    """

    text: str | None
    failure: str | None = None
    prompt_tokens: int = 0
    reply_tokens: int = 0
    retries: int = 0
    wall_s: float = field(default=0.0, compare=False)


class Backend(Protocol):
    """Whatever answers: a server, a model in this process, a record, a script."""

    model: str
    """Goes into every request."""

    def complete(self, requests: Sequence[Request]) -> list[Reply]:
        """Return one reply for each request, in order; a reply depends on its request alone.

        Raises:
            InputError: if nothing can be asked at all (no key, no server, no such model); not for single failures.
                PartialBatch, if some replies of the batch have come nevertheless.
        """


class PartialBatch(InputError):
    """Nothing more can be asked. `replies` are those of the batch that came, None where none did."""

    def __init__(self, message: str, replies: Sequence[Reply | None] = ()) -> None:
        super().__init__(message)
        self.replies = list(replies)


def judged(request: Request, reply: Reply) -> tuple[Reply, Any]:
    """Return the reply with its failure if it is not of the schema, and its content if it is.

    Raises:
        RunError: if a backend gives a reason that is none of FAILURES.
    """
    if reply.failure is not None and reply.failure not in FAILURES:
        raise RunError(f"backend {request.model}: failure = {reply.failure!r}; allowed: {', '.join(FAILURES)}")
    if reply.text is None:
        return (reply if reply.failure is not None else replace(reply, failure="no_content")), None
    try:
        reply.text.encode()
    except UnicodeEncodeError:
        # Half a pair of surrogates: no file could hold it as it is.
        written_out = reply.text.encode(errors="backslashreplace").decode()
        return replace(reply, text=written_out, failure=reply.failure or "not_unicode"), None
    if reply.failure is not None:
        return reply, None
    try:
        return reply, read_reply(reply.text, SCHEMAS[request.schema])
    except Unusable as error:
        return replace(reply, failure=error.reason), None
