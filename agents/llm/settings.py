"""Settings of backends: what stands in a scenario's `backend` table, chosen by its `kind`."""

from __future__ import annotations

import os
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, field_validator, model_validator

from agents.llm.keys import OPENAI_URL, check_key
from lob.errors import InputError

__all__ = ["KINDS", "BackendSettings", "HttpSettings", "LocalSettings", "ScriptedSettings", "backend_settings"]


def plain_address(text: str) -> str:
    """Return an address of an API; what it is not allowed to hold is not shown.

    Raises:
        ValueError: if it is none, or holds a user name, a password, a query or a fragment.
    """
    allowed = "allowed: an address that starts with http:// or https://, without user name, password and query"
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ValueError(f"no address; {allowed}") from None
    if parts.scheme not in ("http", "https") or not host or not text.isprintable() or " " in text:
        raise ValueError(f"no address of a server; {allowed}")
    if "@" in parts.netloc:
        raise ValueError(f"holds a user name or a password; {allowed}: a key stands in the environment, see key_env")
    if parts.query or parts.fragment:
        raise ValueError(f"holds a query or a fragment; {allowed}")
    return text


class Common(BaseModel):
    """What all backends share.

    Attributes:
        record: sqlite file to which every request and reply is added.
        replay: sqlite file that answers instead; the backend itself is not opened.
        retry_failures: with `record`: ask again for what the file holds as failed.
        temperature: of sampling; 0: always the most likely.
        max_reply_tokens: budget of a reply.
        prompt_price, reply_price: money for a million tokens.
    """

    # What was given is not shown in errors: it may be a key in the wrong place.
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    record: str | None = None
    replay: str | None = None
    retry_failures: bool = False
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
        base_url: default: the environment's OPENAI_BASE_URL. Without user name, password or query: those would be
            copied into run folders.
        key_env: name of the environment variable that holds the key. A key itself never stands in a scenario, since
            scenarios are copied into run folders. See agents.llm.keys for which keys go to which servers.
        max_reply_tokens: budget of a reply; a full decision takes servers up to 300 tokens, reasoning much more.
        timeout_s: of one attempt, from its start to the last byte of the answer.
        max_retries: further attempts after time-outs, broken connections and bodies, 408, 409, 425, 429 and 5xx;
            nothing else is tried again.
        concurrency: requests on their way at once.
        requests_per_s: rate limit; None: none.
        response_format: how the server is asked to keep to the schema: "json_schema" makes it enforce it, "json_object"
            only asks for JSON, "none" sends nothing. Without "json_schema" the schema stands in the instructions.
        send_seed, send_temperature: whether these are sent; some servers refuse them.
        backoff_s: pause before the first further attempt; doubles with each. A server's Retry-After goes first.
        reply_limit_name: what the server calls the budget of a reply; "none": it is not sent.

    An older name: `send_schema = false` is `response_format = "none"`.
    """

    kind: Literal["openai"]
    model: str | None = None
    base_url: str | None = None
    key_env: str = "OPENAI_API_KEY"
    max_reply_tokens: Annotated[int, Field(ge=16, le=16_384)] = 512
    timeout_s: Annotated[float, Field(gt=0, le=3600)] = 30.0
    max_retries: Annotated[int, Field(ge=0, le=10)] = 2
    concurrency: Annotated[int, Field(ge=1, le=256)] = 8
    requests_per_s: Annotated[float, Field(gt=0)] | None = None
    response_format: Literal["json_schema", "json_object", "none"] = "json_schema"
    send_seed: bool = True
    send_temperature: bool = True
    backoff_s: Annotated[float, Field(ge=0, le=60)] = 0.5
    reply_limit_name: Literal["max_tokens", "max_completion_tokens", "none"] = "max_tokens"

    @model_validator(mode="before")
    @classmethod
    def _older_name(cls, table: Any) -> Any:
        if not isinstance(table, dict) or not isinstance(table.get("send_schema"), bool):
            return table
        sends = table["send_schema"]
        rest = {name: value for name, value in table.items() if name != "send_schema"}
        return rest if sends or "response_format" in rest else {**rest, "response_format": "none"}

    @field_validator("base_url")
    @classmethod
    def _plain_address(cls, value: str | None) -> str | None:
        return None if value is None else plain_address(value)

    def resolved(self) -> HttpSettings:
        """Return the settings with what the environment adds.

        Raises:
            InputError: if no model is named anywhere, the environment's address is none, or the key is not one that
                this server may get (see keys.py).
        """
        model = self.model or os.environ.get("OUTCRY_LLM_MODEL")
        if not model:
            raise InputError("backend.model: not given; allowed: a model's name here or in OUTCRY_LLM_MODEL")
        base_url = self.base_url or os.environ.get("OPENAI_BASE_URL") or OPENAI_URL
        try:
            plain_address(base_url)
        except ValueError as error:
            raise InputError(f"backend.base_url (from OPENAI_BASE_URL): {error}") from None
        check_key(self.key_env, base_url)
        return self.model_copy(update={"model": model, "base_url": base_url})


class ScriptedSettings(Common):
    """Replies from a list, chosen by the decision's seed; for tests and for trying out scenarios."""

    kind: Literal["scripted"]
    replies: Annotated[tuple[str, ...], Field(min_length=1)]


BackendSettings = Annotated[LocalSettings | HttpSettings | ScriptedSettings, Field(discriminator="kind")]
KINDS: dict[str, type[BaseModel]] = {"local": LocalSettings, "openai": HttpSettings, "scripted": ScriptedSettings}
_ADAPTER: TypeAdapter[LocalSettings | HttpSettings | ScriptedSettings] = TypeAdapter(BackendSettings)


def backend_settings(table: dict[str, object]) -> LocalSettings | HttpSettings | ScriptedSettings:
    """Return checked settings; `kind` is "local" unless given."""
    return _ADAPTER.validate_python({"kind": "local", **table})
