"""Settings of backends: what stands in a scenario's `backend` table, chosen by its `kind`."""

from __future__ import annotations

import os
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from agents.llm.keys import OPENAI_URL, check_key
from lob.errors import InputError

__all__ = ["BackendSettings", "HttpSettings", "LocalSettings", "ScriptedSettings", "backend_settings"]


class Common(BaseModel):
    """What all backends share.

    Attributes:
        record: sqlite file to which every request and reply is added.
        replay: sqlite file that answers instead; the backend itself is not opened.
        temperature: of sampling; 0: always the most likely.
        max_reply_tokens: budget of a reply.
        prompt_price, reply_price: money for a million tokens.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    record: str | None = None
    replay: str | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] = 1.0
    max_reply_tokens: Annotated[int, Field(ge=16, le=16_384)] = 120
    prompt_price: Annotated[float, Field(ge=0)] = 0.0
    reply_price: Annotated[float, Field(ge=0)] = 0.0


class LocalSettings(Common):
    """A small model in this process.

    Attributes:
        weights: folder with model.safetensors, tokenizer.json and config.json; default: the one that is shipped.
        batch: requests that are decoded at the same time; replies do not depend on it.
    """

    kind: Literal["local"] = "local"
    weights: str | None = None
    batch: Annotated[int, Field(ge=1, le=1024)] = 32


class HttpSettings(Common):
    """A server that speaks OpenAI's chat completions.

    Attributes:
        model: default: the environment's OUTCRY_LLM_MODEL.
        base_url: default: the environment's OPENAI_BASE_URL.
        key_env: name of the environment variable that holds the key. A key itself never stands in a scenario, since
            scenarios are copied into run folders. See agents.llm.keys for which keys go to which servers.
        timeout_s: of one attempt.
        max_retries: further attempts after time-outs, broken connections, 429 and 5xx; nothing else is tried again.
        concurrency: requests on their way at once.
        requests_per_s: rate limit; None: none.
        send_schema: ask the server to enforce the schema (response_format); some servers do not know it.
        backoff_s: pause before the first further attempt; doubles with each. A server's Retry-After goes first.
        reply_limit_name: what the server calls the budget of a reply.
    """

    kind: Literal["openai"]
    model: str | None = None
    base_url: str | None = None
    key_env: str = "OPENAI_API_KEY"
    timeout_s: Annotated[float, Field(gt=0, le=3600)] = 30.0
    max_retries: Annotated[int, Field(ge=0, le=10)] = 2
    concurrency: Annotated[int, Field(ge=1, le=256)] = 8
    requests_per_s: Annotated[float, Field(gt=0)] | None = None
    send_schema: bool = True
    backoff_s: Annotated[float, Field(ge=0, le=60)] = 0.5
    reply_limit_name: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"

    def resolved(self) -> HttpSettings:
        """Return the settings with what the environment adds.

        Raises:
            InputError: if no model is named anywhere, or the key is not one that this server may get (see keys.py).
        """
        model = self.model or os.environ.get("OUTCRY_LLM_MODEL")
        if not model:
            raise InputError("backend.model: not given; allowed: a model's name here or in OUTCRY_LLM_MODEL")
        base_url = self.base_url or os.environ.get("OPENAI_BASE_URL") or OPENAI_URL
        check_key(self.key_env, base_url)
        return self.model_copy(update={"model": model, "base_url": base_url})


class ScriptedSettings(Common):
    """Replies from a list, chosen by the decision's seed; for tests and for trying out scenarios."""

    kind: Literal["scripted"]
    replies: Annotated[tuple[str, ...], Field(min_length=1)]


BackendSettings = Annotated[LocalSettings | HttpSettings | ScriptedSettings, Field(discriminator="kind")]
_ADAPTER: TypeAdapter[LocalSettings | HttpSettings | ScriptedSettings] = TypeAdapter(BackendSettings)


def backend_settings(table: dict[str, object]) -> LocalSettings | HttpSettings | ScriptedSettings:
    """Return checked settings; `kind` is "local" unless given."""
    return _ADAPTER.validate_python({"kind": "local", **table})
