"""Any server that speaks OpenAI's chat completions, through the `openai` SDK.

Single failures become replies without text, counted by reason. What no second attempt can mend (no key, unknown
model, no server) ends the run in one line. Retries are ours and not the SDK's, so that they can be bounded, counted
and kept to the right errors.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from agents.llm.observation import estimate_tokens
from agents.llm.protocol import Reply, Request, schema_text
from agents.llm.settings import HttpSettings
from lob.errors import InputError

__all__ = ["HttpBackend"]

BACKOFF_MAX_S = 8.0
LOCAL = ("://localhost", "://127.", "://[::1]")


class HttpBackend:
    """Asks a server, several requests at once.

    Args:
        settings: see HttpSettings; what they leave out is taken from the environment.

    Raises:
        InputError: if there is no model, no key, or the SDK is not installed.
    """

    def __init__(self, settings: HttpSettings) -> None:
        try:
            import openai
        except ImportError:
            raise InputError('backend "openai": the openai package is missing; pip install "openoutcry[llm]"') from None
        self.settings = settings = settings.resolved()
        self._url, self.model = str(settings.base_url), str(settings.model)
        key = os.environ.get(settings.key_env)
        if not key:
            if not any(host in self._url for host in LOCAL):
                raise InputError(
                    f"backend.key_env: the environment variable {settings.key_env} holds no key for {self._url}; "
                    "set it, or name another one"
                )
            key = "none"  # servers on this machine seldom ask for one
        if not self._url.startswith(("http://", "https://")):
            raise InputError(
                f"backend.base_url = {self._url!r}; allowed: an address that starts with http:// or https://"
            )
        self._sdk = openai
        self._client = openai.OpenAI(api_key=key, base_url=self._url, timeout=settings.timeout_s, max_retries=0)
        self._pool = ThreadPoolExecutor(settings.concurrency, thread_name_prefix="llm")
        self._lock = threading.Lock()
        self._next_start = 0.0
        self._was_reached = False

    def close(self) -> None:
        """Close connections and threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._client.close()

    def complete(self, requests: Sequence[Request]) -> list[Reply]:
        """Ask all requests, at most `concurrency` at once; see Backend.

        Raises:
            InputError: if the server refuses the key, the model or the request itself, or was never reached.
        """
        futures = [self._pool.submit(self._ask, request) for request in requests]
        try:
            replies = [future.result() for future in futures]
        finally:
            for future in futures:
                future.cancel()
        if not self._was_reached and any(reply.failure == "connection" for reply in replies):
            raise InputError(f"backend.base_url = {self._url!r}: no server answers there; allowed: one that runs")
        return replies

    # ---- one request ------------------------------------------------------------------------------------------

    def _ask(self, request: Request) -> Reply:
        """Try until a reply comes, the failure is final, or the retries are used up."""
        started = time.monotonic()
        reply = Reply(None, "connection")
        for attempt in range(1 + self.settings.max_retries):
            self._wait_for_turn()
            reply, again, pause_s = self._attempt(request)
            if reply.failure != "connection":
                self._was_reached = True
            if reply.failure is None or not again or attempt == self.settings.max_retries:
                break
            time.sleep(pause_s if pause_s is not None else self._backoff_s(attempt))
        spent = time.monotonic() - started
        return Reply(reply.text, reply.failure, reply.prompt_tokens, reply.reply_tokens, attempt, spent)

    def _backoff_s(self, attempt: int) -> float:
        return float(min(BACKOFF_MAX_S, self.settings.backoff_s * 2**attempt))

    def _wait_for_turn(self) -> None:
        """Keep to the rate limit."""
        if self.settings.requests_per_s is None:
            return
        with self._lock:
            start = max(time.monotonic(), self._next_start)
            self._next_start = start + 1.0 / self.settings.requests_per_s
        time.sleep(max(0.0, start - time.monotonic()))

    def _attempt(self, request: Request) -> tuple[Reply, bool, float | None]:
        """Return the reply, whether to try again, and how long the server asks to wait."""
        sdk = self._sdk
        try:
            raw = self._client.chat.completions.with_raw_response.create(**self._body(request))
            return (*_read(raw.http_response.json()), None)
        except sdk.APITimeoutError:
            self._was_reached = True  # somebody listened
            return Reply(None, "timeout"), True, None
        except sdk.APIConnectionError:
            return Reply(None, "connection"), True, None
        except sdk.RateLimitError as error:
            if getattr(error, "code", None) == "insufficient_quota":
                raise InputError(f"backend: {self._url} says the quota is used up ({_said(error)})") from None
            return Reply(None, "rate_limit"), True, _retry_after(error)
        except sdk.InternalServerError:
            return Reply(None, "server_error"), True, None
        except sdk.APIStatusError as error:
            raise self._final(error, request) from None
        except ValueError:
            # A body that ends too early or is no JSON.
            return Reply(None, "cut_off"), True, None

    def _body(self, request: Request) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": request.model,
            "messages": [{"role": role, "content": text} for role, text in request.messages],
            "temperature": request.temperature,
            "seed": request.seed % 2**31,
            self.settings.reply_limit_name: request.max_reply_tokens,
        }
        if self.settings.send_schema:
            schema = {"name": request.schema, "strict": True, "schema": json.loads(schema_text(request.schema))}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        return body

    def _final(self, error: Any, request: Request) -> InputError:
        status, said = error.status_code, _said(error)
        code = getattr(error, "code", None)
        if status in (401, 403):
            return InputError(f"backend.key_env: {self._url} refuses the key in {self.settings.key_env} ({said})")
        if status == 404:
            return InputError(
                f"backend: {self._url} knows no model {self.model!r}, or is not the base of the API ({said}); "
                "allowed: the server's own model names, and a base_url that usually ends in /v1"
            )
        if code == "context_length_exceeded" or "context length" in said.lower():
            tokens = sum(estimate_tokens(text) for _, text in request.messages)
            return InputError(
                f"backend: a request of about {tokens} tokens is longer than {self.model} takes ({said}); "
                "lower max_prompt_tokens"
            )
        hint = "; send_schema = false does without response_format" if "response_format" in said else ""
        return InputError(f"backend: {self._url} refuses the request with status {status} ({said}){hint}")


def _read(body: Any) -> tuple[Reply, bool]:
    """Return the reply that a response holds, and whether another attempt may help."""
    try:
        choice = body["choices"][0]
        text, reason, refusal = choice["message"].get("content"), choice.get("finish_reason"), choice["message"].get(
            "refusal"
        )  # fmt: skip
        usage = body.get("usage") or {}
        tokens = int(usage.get("prompt_tokens") or 0), int(usage.get("completion_tokens") or 0)
    except (KeyError, IndexError, TypeError, AttributeError):
        return Reply(None, "cut_off"), True
    if refusal or reason == "content_filter":
        return Reply(text, "refused", *tokens), False
    if reason == "length":
        return Reply(text, "cut_off", *tokens), False
    return Reply(text if isinstance(text, str) else None, None if isinstance(text, str) else "no_json", *tokens), False


def _said(error: Any) -> str:
    """Return what the server wrote, as part of one line."""
    body = getattr(error, "body", None)
    text = body.get("message") if isinstance(body, dict) else None
    return " ".join(str(text or error).split())[:200]


def _retry_after(error: Any) -> float | None:
    try:
        return min(60.0, max(0.0, float(error.response.headers["retry-after"])))
    except (KeyError, ValueError, AttributeError):
        return None
