"""Settings of agents: frozen pydantic models whose numeric fields may be distributions, drawn per agent by key."""

from __future__ import annotations

import math
from types import UnionType
from typing import Annotated, Any, ClassVar, Union, get_args, get_origin

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from sim.rng import exp_portable, log_portable, normal_quantile, raw_uniform

__all__ = [
    "DataFile",
    "Distribution",
    "NonNegative",
    "Number",
    "Positive",
    "Settings",
    "draw",
    "file_fields",
    "number_fields",
]


class Distribution(BaseModel):
    """A distribution from which each agent draws its own value.

    Exactly one of: uniform = [low, high], normal = [mean, sd], lognormal = [median, sigma], exponential = mean,
    choice = [values]. Each may be cut off by `min` and `max`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    uniform: tuple[float, float] | None = None
    normal: tuple[float, float] | None = None
    lognormal: tuple[float, float] | None = None
    exponential: float | None = None
    choice: tuple[float, ...] | None = None
    min: float = -math.inf
    max: float = math.inf

    @model_validator(mode="after")
    def _one_kind(self) -> Distribution:
        kinds = [k for k in ("uniform", "normal", "lognormal", "exponential", "choice") if getattr(self, k) is not None]
        if len(kinds) != 1:
            raise ValueError("a distribution is exactly one of uniform, normal, lognormal, exponential, choice")
        if self.uniform and self.uniform[0] > self.uniform[1]:
            raise ValueError("uniform = [low, high] with low <= high")
        if self.normal and self.normal[1] < 0:
            raise ValueError("normal = [mean, sd] with sd >= 0")
        if self.lognormal and (self.lognormal[0] <= 0 or self.lognormal[1] < 0):
            raise ValueError("lognormal = [median, sigma] with median > 0 and sigma >= 0")
        if self.choice is not None and not self.choice:
            raise ValueError("choice = [values] with at least one value")
        if self.min > self.max:
            raise ValueError("min <= max")
        return self


Number = float | Distribution
"""A number, or a distribution from which each agent draws its own."""
Positive = Annotated[float, Field(gt=0)] | Distribution
NonNegative = Annotated[float, Field(ge=0)] | Distribution


class _File:
    """Marks a text as the path of a file."""


DataFile = Annotated[str, _File()]
"""Path of a file that a policy reads; in a scenario, relative to the scenario file."""


class Settings(BaseModel):
    """Base of a policy's settings; a subclass documents each field and gives it a default or not.

    Numbers reach the policy through `agent.params`. Tables (tuples) and texts, such as a volume curve or a path, do
    not: a policy puts what it needs of them into its population's block.

    A price that depends on the market has no constant for its default but None, and stands in `from_reference`: it is
    then the instrument's reference price plus this share of it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    from_reference: ClassVar[dict[str, float]] = {}


def number_fields(settings: type[Settings]) -> list[str]:
    """Return the names of the fields that fill `agent.params`, in order: all but tables and texts."""
    return [name for name, field in settings.model_fields.items() if not _is_table(field.annotation)]


def file_fields(settings: type[Settings]) -> list[str]:
    """Return the names of the fields that are paths of files (`DataFile`)."""
    found = []
    for name, field in settings.model_fields.items():
        marks = [
            *field.metadata,
            *(m for part in get_args(field.annotation) for m in getattr(part, "__metadata__", ())),
        ]
        if any(isinstance(mark, _File) for mark in marks):
            found.append(name)
    return found


def _is_table(annotation: Any) -> bool:
    if get_origin(annotation) is Annotated:
        return _is_table(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        # A distribution is a number that each agent draws; `str | None` is a text.
        return any(_is_table(part) for part in get_args(annotation))
    return annotation is str or get_origin(annotation) is tuple


def draw(value: Any, key: int, index: int) -> float:
    """Return the value of one numeric setting for one agent: itself, or the draw number `index` of `key`."""
    if not isinstance(value, Distribution):
        return float(value)
    # Compiled code takes a plain int for a signed one, and a key has 64 bits.
    word: Any = np.uint64(key)
    u = float(raw_uniform(word, index))
    if value.uniform is not None:
        low, high = value.uniform
        x = low + (high - low) * u
    elif value.normal is not None:
        x = value.normal[0] + value.normal[1] * float(normal_quantile(u))
    elif value.lognormal is not None:
        x = value.lognormal[0] * float(exp_portable(value.lognormal[1] * float(normal_quantile(u))))
    elif value.exponential is not None:
        x = -value.exponential * float(log_portable(u))
    else:
        assert value.choice is not None
        x = value.choice[min(int(u * len(value.choice)), len(value.choice) - 1)]
    return min(max(x, value.min), value.max)
