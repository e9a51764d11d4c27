"""Settings of an investor: what may stand in the `settings` of a trader of kind "llm"."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from agents.llm.persona import PERSONAS, Persona
from agents.llm.settings import KINDS, BackendSettings, LocalSettings, backend_settings

__all__ = ["InvestorSettings", "checked"]


class InvestorSettings(BaseModel):
    """Settings of an investor.

    Attributes:
        personas: names from agents.llm.PERSONAS, or tables with the fields of Persona; agent k of the population has
            number k of them, and the list starts over at its end.
        backend: who answers; see agents.llm.settings.
        first_s, interval_s: first decision after the open, and from one routine decision to the next, in seconds.
        thinking_median_s, thinking_sigma: lognormal time from the view to the sending of orders, in seconds.
        fundamentals: whether the value is shown: "hidden", "noisy" or "exact".
        fundamentals_noise_ticks: standard deviation of the noise.
        max_prompt_tokens: budget of the observation by `estimate_tokens`; memory goes first, then old news.
        max_position_lots, max_order_lots, max_open_orders, max_distance_ticks: limits of the risk revision; the
            position is limited by the persona's capital as well.
        memory_shown, news_shown: at most so many lines of each.
        reflect_every_s: length of the periods whose losses are looked at.
        reflect_loss_share: share of the capital whose loss in a period makes it reflect.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    personas: Annotated[tuple[Persona, ...], Field(min_length=1)] = (PERSONAS["value_patient"],)
    backend: BackendSettings = LocalSettings()
    first_s: Annotated[float, Field(gt=0)] = 30.0
    interval_s: Annotated[float, Field(gt=0)] = 30.0
    thinking_median_s: Annotated[float, Field(ge=0, le=3600)] = 2.0
    thinking_sigma: Annotated[float, Field(ge=0, le=3)] = 0.5
    fundamentals: Literal["hidden", "noisy", "exact"] = "noisy"
    fundamentals_noise_ticks: Annotated[float, Field(ge=0)] = 5.0
    max_prompt_tokens: Annotated[int, Field(ge=100, le=100_000)] = 350
    max_position_lots: Annotated[int, Field(ge=1)] = 1000
    max_order_lots: Annotated[int, Field(ge=1)] = 100
    max_open_orders: Annotated[int, Field(ge=1, le=8)] = 6
    max_distance_ticks: Annotated[int, Field(ge=0, le=100)] = 50
    memory_shown: Annotated[int, Field(ge=0, le=12)] = 3
    news_shown: Annotated[int, Field(ge=0, le=10)] = 2
    reflect_every_s: Annotated[float, Field(gt=0)] = 300.0
    reflect_loss_share: Annotated[float, Field(ge=0, le=1)] = 0.0005

    @field_validator("personas", mode="before")
    @classmethod
    def _named(cls, value: Any) -> Any:
        if not isinstance(value, list | tuple):
            return value
        for entry in value:
            if isinstance(entry, str) and entry not in PERSONAS:
                raise ValueError(f"{entry!r}; allowed: {', '.join(PERSONAS)}, or a table with the fields of a persona")
        return tuple(PERSONAS[entry] if isinstance(entry, str) else entry for entry in value)

    @field_validator("backend", mode="before")
    @classmethod
    def _kind(cls, value: Any) -> Any:
        return backend_settings(value) if isinstance(value, dict) else value

    def persona_of(self, index: int) -> Persona:
        """Return the persona of an agent."""
        return self.personas[index % len(self.personas)]


def checked(settings: dict[str, Any]) -> InvestorSettings:
    """Return checked settings; raise ValueError in one line otherwise."""
    try:
        return InvestorSettings(**settings)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        message = first["msg"].removeprefix("Value error, ")
        in_backend = first["loc"][:1] == ("backend",)
        if first["type"] == "extra_forbidden":
            known = KINDS.get(str(first["loc"][1]), LocalSettings) if in_backend else InvestorSettings
            message = f"no such setting; allowed: {', '.join(known.model_fields)}"
            if in_backend and "key" in str(first["loc"][-1]).lower():
                message += " (a key stands in the environment variable that key_env names)"
        # A text in the backend's table, or one that belongs nowhere, may be a key in the wrong place.
        shown = int | float if in_backend or first["type"] == "extra_forbidden" else str | int | float
        given = first["input"] if isinstance(first["input"], shown) else ""
        raise ValueError(f"{where}{f' = {given!r}' if given != '' else ''}: {message}") from None
