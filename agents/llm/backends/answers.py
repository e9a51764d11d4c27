"""What a server's answer means: a reply, a failure that may pass, or words that say why nothing more can be asked.

Servers differ in how they say things; all of that is here, and nothing of how the answer came.
"""

from __future__ import annotations

import email.utils
import json
import math
import re
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from agents.llm.backends.wire import Answer
from agents.llm.protocol import Reply

__all__ = ["Reading", "hint", "one_line", "read_answer", "said"]

PAUSE_MAX_S = 60.0
SAID_MAX = 200
TOKENS_MAX = 10**9
_PASSING = {408: "timeout", 409: "server_error", 425: "server_error", 429: "rate_limit"}
"""Statuses below 500 that another attempt may mend."""
_FILTERED = (
    "content_filter", "content filter", "content management policy", "content_policy", "responsibleaipolicy",
    "moderation", "flagged", "safety system",
)  # fmt: skip
_TOO_LONG = ("context_length", "context length", "context size", "context window", "maximum context")
_HINTS = (
    ("response_format", r"response_format|json_schema|structured output", 'response_format = "json_object" or "none"'),
    ("max_tokens", r"max_completion_tokens", 'reply_limit_name = "max_completion_tokens"'),
    ("max_tokens", r"max_tokens", 'reply_limit_name = "max_completion_tokens" or "none"'),
    ("max_completion_tokens", r"max_tokens|max_completion_tokens", 'reply_limit_name = "max_tokens" or "none"'),
    ("temperature", r"\btemperature\b", "send_temperature = false"),
    ("seed", r"\bseed\b", "send_seed = false"),
)
"""What was sent, how a refusal speaks of it, and the setting that does without."""


@dataclass(frozen=True)
class Reading:
    """What an answer comes to.

    Attributes:
        reply: None: nothing that is asked will be answered, for the reason `final`.
        again: whether another attempt may help.
        pause_s: how long the server asks to wait before it.
        final: "key", "quota", "model", "moved", "too_long" or "request".
    """

    reply: Reply | None
    again: bool = False
    pause_s: float | None = None
    final: str = ""


def read_answer(answer: Answer) -> Reading:
    """Return what an answer of any status comes to."""
    status, raw = answer.status, answer.data[:4000].decode("utf-8", "replace").lower()
    if 200 <= status < 300:
        reply, again = _completion(answer)
        return Reading(reply, again, _pause_s(answer.headers))
    if status == 429 and "insufficient_quota" in raw:
        return Reading(None, final="quota")
    if status >= 500 or status in _PASSING:
        return Reading(Reply(None, _PASSING.get(status, "server_error")), True, _pause_s(answer.headers))
    if status in (400, 403, 422, 451) and any(words in raw for words in _FILTERED):
        return Reading(Reply(None, "refused"))
    if status == 413 or any(words in raw for words in _TOO_LONG):
        return Reading(None, final="too_long")
    by_status = {401: "key", 403: "key", 402: "quota", 404: "model"}
    return Reading(None, final="moved" if 300 <= status < 400 else by_status.get(status, "request"))


def _completion(answer: Answer) -> tuple[Reply, bool]:
    """Return the reply that a chat completion holds, and whether another attempt may help."""
    body = _json(answer.data)
    if body is None:
        kind = answer.headers.get("content-type", "json").lower()
        return Reply(None, "cut_off" if "json" in kind else "bad_body"), True
    try:
        choice = body["choices"][0]
        message, reason = choice["message"], choice.get("finish_reason")
        content, refusal = message.get("content"), message.get("refusal")
    except (KeyError, IndexError, TypeError, AttributeError):
        is_error = isinstance(body, dict) and bool(body.get("error"))
        return Reply(None, "server_error" if is_error else "bad_body"), True
    usage = body.get("usage")
    named = usage if isinstance(usage, dict) else {}
    tokens = _count(named.get("prompt_tokens")), _count(named.get("completion_tokens"))
    text = _text(content)
    if reason == "error":
        return Reply(text, "server_error", *tokens), True
    if refusal or reason == "content_filter":
        return Reply(text, "refused", *tokens), False
    if reason in ("length", "max_tokens"):
        return Reply(text, "cut_off", *tokens), False
    # Reasoning or a tool's call without a text: what it would have decided is not ours to guess.
    return Reply(text, None if text else "no_content", *tokens), False


def _text(content: Any) -> str | None:
    """Return a message's text, which may come in parts."""
    if isinstance(content, list):
        parts = [part.get("text") for part in content if isinstance(part, dict) and part.get("type") == "text"]
        return "".join(part for part in parts if isinstance(part, str)) or None
    return content if isinstance(content, str) and content else None


def _json(data: bytes) -> Any:
    """Return what a body holds, None if it is no JSON; bytes that are not UTF-8 stay in the text as surrogates."""
    try:
        return json.loads(data.decode("utf-8-sig", "surrogateescape"), parse_int=_whole)
    except (ValueError, RecursionError):
        return None


def _whole(digits: str) -> int | float:
    """Read a number of any length; Python refuses more than 4,300 digits as an integer."""
    return int(digits) if len(digits) < 19 else float(digits)


def _count(value: Any) -> int:
    """Return a number of tokens; 0 for what is none: accounts must not cost a reply."""
    if isinstance(value, str):
        value = int(value) if re.fullmatch(r"[0-9]{1,10}", value) else 0
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= TOKENS_MAX:
        return 0
    return int(value)


def _pause_s(headers: Mapping[str, str]) -> float | None:
    """Return how long the server asks to wait: milliseconds, seconds or a date; None if it does not say."""
    given_ms, given = headers.get("retry-after-ms"), headers.get("retry-after")
    pause = math.nan
    try:
        if given_ms is not None:
            pause = float(given_ms) / 1000
        elif given is not None and re.fullmatch(r"[-+]?[0-9.]+", given.strip()):
            pause = float(given)
        elif given is not None:
            pause = email.utils.parsedate_to_datetime(given).timestamp() - time.time()
    except (ValueError, OverflowError):
        pause = math.nan
    return min(PAUSE_MAX_S, max(0.0, pause)) if math.isfinite(pause) else None


# ---- words --------------------------------------------------------------------------------------------------------


def said(answer: Answer) -> str:
    """Return what the server wrote about an error, in its own words; not yet fit to be shown, see `one_line`."""
    body = _json(answer.data)
    return _words(body) or answer.data.decode("utf-8", "replace") or f"status {answer.status}"


def _words(body: Any) -> str:
    if isinstance(body, list):
        return "; ".join(filter(None, map(_words, body)))
    if isinstance(body, dict):
        found = next((_words(body[name]) for name in ("error", "message", "detail", "msg") if body.get(name)), "")
        place = body.get("loc")
        return f"{'.'.join(map(str, place))}: {found}" if found and isinstance(place, list) else found
    return body if isinstance(body, str) else ""


def one_line(text: str, at_most: int = SAID_MAX) -> str:
    """Return a foreign text cut, in one line, and with all that could steer a terminal written out."""
    line = " ".join(text[: 4 * at_most].split())
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line)
    return shown if len(shown) <= at_most else f"{shown[:at_most]}..."


def hint(text: str, sent: Collection[str]) -> str:
    """Return which setting does without what a refusal names, if that was sent; empty if none does."""
    for name, pattern, setting in _HINTS:
        if name in sent and re.search(pattern, text, re.IGNORECASE):
            return f"; {setting} may help"
    return ""
