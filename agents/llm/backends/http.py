"""Any server that speaks OpenAI's chat completions.

Single failures become replies without text, counted by reason. What no second attempt can mend (no key, unknown
model, no server) ends the run in one line, with the server's own words and the setting that helps. All requests of the
process run in one event loop in a thread of its own, so that they work beside any other loop.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import threading
import time
import weakref
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

from agents.llm.observation import estimate_tokens
from agents.llm.protocol import PartialBatch, Reply, Request, schema_text
from agents.llm.settings import HttpSettings
from lob.errors import InputError

if TYPE_CHECKING:
    from agents.llm.backends.answers import Reading
    from agents.llm.backends.wire import Answer, Wire

__all__ = ["HttpBackend"]

BACKOFF_MAX_S = 8.0
NO_KEY = "none"
"""Sent to servers on this machine, which seldom ask for a key."""
SECRET_MIN_CHARS = 6
"""Shorter keys are dummies, and may be words that stand in any reply."""


class HttpBackend:
    """Asks a server, several requests at once.

    Args:
        settings: see HttpSettings; what they leave out is taken from the environment.

    Raises:
        InputError: if there is no model, no key, no usable address, or httpx2 is not installed.

    Attributes:
        last_said: what the server said about the last attempt that failed, fit to be shown; empty if it said nothing.
    """

    def __init__(self, settings: HttpSettings) -> None:
        try:
            from agents.llm.backends.wire import Wire, is_on_this_machine
        except ImportError as error:
            raise InputError(f'backend "openai": {error.name} is missing; pip install "outcry-sim[llm]"') from None
        self.settings = settings = settings.resolved()
        self._url, self.model = str(settings.base_url), str(settings.model)
        self._key = _key(settings, is_required=not is_on_this_machine(self._url))
        address = f"{self._url.rstrip('/')}/chat/completions"
        self._wire = Wire(address, self._key, settings.timeout_s, settings.concurrency)
        self._slots = asyncio.Semaphore(settings.concurrency)
        self._next_start = 0.0
        self._was_reached = False
        self._why_not = self.last_said = ""
        # A backend that is dropped leaves no connection open.
        self._finalizer = weakref.finalize(self, _begin_to_close, self._wire)

    def close(self) -> None:
        """Close all connections; nothing can be asked any more."""
        if self._finalizer.detach():
            _begin_to_close(self._wire).result()

    def complete(self, requests: Sequence[Request]) -> list[Reply]:
        """Ask all requests, at most `concurrency` at once; see Backend.

        Raises:
            PartialBatch: if the server refuses the key, the model or a request itself; no further request is sent.
            InputError: if the server was never reached.
        """
        batch = _Batch()
        future = asyncio.run_coroutine_threadsafe(self._ask_all(requests, batch), _loop())
        try:
            replies = future.result()
        finally:
            future.cancel()
        if batch.refusal is not None:
            raise PartialBatch(batch.refusal, replies)
        if not self._was_reached and any(reply is not None and reply.failure == "connection" for reply in replies):
            why = f" ({self._why_not})" if self._why_not else ""
            raise InputError(f"backend.base_url = {self._url!r}: no server answers there{why}; allowed: one that runs")
        return [reply for reply in replies if reply is not None]

    # ---- one request ------------------------------------------------------------------------------------------

    async def _ask_all(self, requests: Sequence[Request], batch: _Batch) -> list[Reply | None]:
        return await asyncio.gather(*(self._ask(request, batch) for request in requests))

    async def _ask(self, request: Request, batch: _Batch) -> Reply | None:
        """Try until a reply comes, the failure is final, or the retries are used up; None: nothing more is asked."""
        async with self._slots:
            started, attempt = time.monotonic(), 0
            while batch.refusal is None:
                await self._turn()
                reading = await self._attempt(request, batch)
                if reading.reply is None:
                    return None
                if not reading.again or attempt == self.settings.max_retries:
                    spent = time.monotonic() - started
                    return replace(reading.reply, retries=attempt, wall_s=spent)
                pause_s = reading.pause_s
                await asyncio.sleep(self._backoff_s(attempt) if pause_s is None else pause_s)
                attempt += 1
            return None

    def _backoff_s(self, attempt: int) -> float:
        return float(min(BACKOFF_MAX_S, self.settings.backoff_s * 2**attempt))

    async def _turn(self) -> None:
        """Keep to the rate limit."""
        if self.settings.requests_per_s is None:
            return
        start = max(time.monotonic(), self._next_start)
        self._next_start = start + 1.0 / self.settings.requests_per_s
        await asyncio.sleep(max(0.0, start - time.monotonic()))

    async def _attempt(self, request: Request, batch: _Batch) -> Reading:
        """Send a request once; what ends the run is noted in the batch."""
        from agents.llm.backends.answers import Reading, read_answer, said
        from agents.llm.backends.wire import NoAnswer

        body = self._body(request)
        try:
            answer = await self._wire.post(json.dumps(body).encode())
        except NoAnswer as error:
            self._was_reached |= error.was_reached
            if not error.was_reached:
                self._why_not = self._shown(error.detail)
            return Reading(Reply(None, error.reason), again=True)
        self._was_reached = True
        reading = read_answer(answer)
        if reading.reply is None:
            batch.refusal = batch.refusal or self._refusal(reading.final, answer, request, body)
        elif reading.reply.text is not None:
            return replace(reading, reply=replace(reading.reply, text=self._without_key(reading.reply.text)))
        elif reading.reply.failure in ("server_error", "rate_limit", "bad_body", "refused"):
            self.last_said = self._shown(said(answer))
        return reading

    def _body(self, request: Request) -> dict[str, Any]:
        s = self.settings
        messages = [{"role": role, "content": text} for role, text in request.messages]
        schema = schema_text(request.schema)
        body: dict[str, Any] = {"model": request.model, "messages": messages}
        if s.send_temperature:
            body["temperature"] = request.temperature
        if s.send_seed:
            body["seed"] = request.seed % 2**31
        if s.reply_limit_name != "none":
            body[s.reply_limit_name] = request.max_reply_tokens
        if s.response_format == "json_schema":
            named = {"name": request.schema, "strict": True, "schema": json.loads(schema)}
            body["response_format"] = {"type": "json_schema", "json_schema": named}
        else:
            # Nobody else tells the model what the schema is.
            messages[0] = {**messages[0], "content": f"{messages[0]['content']}\nThe JSON schema: {schema}"}
            if s.response_format == "json_object":
                body["response_format"] = {"type": "json_object"}
        return body

    # ---- words ------------------------------------------------------------------------------------------------

    def _refusal(self, final: str, answer: Answer, request: Request, body: dict[str, Any]) -> str:
        """Return why nothing more can be asked, and what would help."""
        from agents.llm.backends.answers import hint, said

        raw = said(answer)
        words = self._shown(raw)
        if final == "key":
            return f"backend.key_env: {self._url} refuses the key in {self.settings.key_env} ({words})"
        if final == "quota":
            return f"backend: {self._url} says the quota is used up ({words})"
        if final == "moved":
            target = self._shown(answer.headers.get("location", "somewhere else"))
            return f"backend.base_url: {self._url} redirects to {target}, where the key is not sent; name that address"
        if final == "model":
            return (
                f"backend: {self._url} knows no model {self.model!r}, or is not the base of the API ({words}); "
                "allowed: the server's own model names, and a base_url that usually ends in /v1"
            )
        if final == "too_long":
            tokens = sum(estimate_tokens(text) for _, text in request.messages)
            return (
                f"backend: a request of about {tokens} tokens is longer than {self.model} takes ({words}); "
                "lower max_prompt_tokens or max_reply_tokens"
            )
        return f"backend: {self._url} refuses the request with status {answer.status} ({words}){hint(raw, body)}"

    def _without_key(self, text: str) -> str:
        return text.replace(self._key, "[key]") if len(self._key) >= SECRET_MIN_CHARS else text

    def _shown(self, text: str) -> str:
        """Return foreign words as part of one line, without the key and without anybody's password."""
        from agents.llm.backends.answers import one_line

        return one_line(re.sub(r"//[^/\s@]*@", "//", self._without_key(text)))


class _Batch:
    """Requests that were asked together: as soon as one is refused for good, no other is sent."""

    refusal: str | None = None


@cache
def _loop() -> asyncio.AbstractEventLoop:
    """Return the process's event loop for requests; it runs in a thread until the process ends."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="llm", daemon=True).start()
    return loop


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_loop.cache_clear)  # a fork has no such thread


def _begin_to_close(wire: Wire) -> Future[None]:
    return asyncio.run_coroutine_threadsafe(wire.close(), _loop())


def _key(settings: HttpSettings, is_required: bool) -> str:
    """Return the key; it goes into the request's header and nowhere else.

    Raises:
        InputError: if there is none although one is required, or it cannot stand in a header.
    """
    key = os.environ.get(settings.key_env, "").strip()
    if not key and is_required:
        raise InputError(
            f"backend.key_env: the environment variable {settings.key_env} holds no key for {settings.base_url}; "
            "set it, or name another one"
        )
    if not (key.isascii() and key.isprintable()):
        raise InputError(
            f"backend.key_env: the environment variable {settings.key_env} holds no key; allowed: printable ASCII"
        )
    return key or NO_KEY
