"""Settings of agents: frozen pydantic models whose numeric fields may be distributions, drawn per agent by key."""

from __future__ import annotations

import functools
import math
from types import UnionType
from typing import Annotated, Any, ClassVar, Literal, Union, get_args, get_origin

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from sim.rng import exp_portable, log_portable, normal_quantile, raw_uniform

__all__ = [
    "DataFile",
    "Distribution",
    "Lots",
    "NonNegative",
    "Number",
    "Positive",
    "Settings",
    "draw",
    "file_fields",
    "number_fields",
    "whole_fields",
]

MAX_SIGMA = 20.0
"""Of a lognormal distribution: a draw of exp(20 z) still fits a float."""
_LIMITS = {"_ns": 1e17, "_us": 1e14, "_ms": 1e11, "_s": 1e8, "_ticks": 2.0**31 - 1, "_lots": 2.0**31 - 1}
"""Largest amount of a setting by the unit in its name: three years (an exponential wait is up to 40 means, and has to
fit the clock), and what a message can hold."""


class Distribution(BaseModel):
    """A distribution from which each agent draws its own value.

    Exactly one of: uniform = [low, high], normal = [mean, sd], lognormal = [median, sigma], exponential = mean,
    choice = [values]. Each may be cut off by `min` and `max`: a draw beyond is that bound. Where a setting is a whole
    number, draws are rounded down. What can be drawn must be allowed for the setting, or the scenario is refused.
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
        given = getattr(self, kinds[0])
        if not all(math.isfinite(number) for number in (given if isinstance(given, tuple) else (given,))):
            raise ValueError(f"{kinds[0]} of finite numbers")
        if self.uniform and self.uniform[0] > self.uniform[1]:
            raise ValueError("uniform = [low, high] with low <= high")
        if self.normal and self.normal[1] < 0:
            raise ValueError("normal = [mean, sd] with sd >= 0")
        if self.lognormal and (self.lognormal[0] <= 0 or not 0 <= self.lognormal[1] <= MAX_SIGMA):
            raise ValueError(f"lognormal = [median, sigma] with median > 0 and sigma from 0 to {MAX_SIGMA:g}")
        if self.exponential is not None and self.exponential < 0:
            raise ValueError("exponential = mean with mean >= 0")
        if self.choice is not None and not self.choice:
            raise ValueError("choice = [values] with at least one value")
        if not (self.min <= self.max and self.min < math.inf and self.max > -math.inf):
            raise ValueError("min <= max, both numbers")
        return self

    def support(self) -> tuple[float, float]:
        """Return the smallest and the largest value that can be drawn; infinite where there is none."""
        if self.uniform is not None:
            low, high = self.uniform
        elif self.normal is not None:
            mean, sd = self.normal
            low, high = (-math.inf, math.inf) if sd > 0 else (mean, mean)
        elif self.lognormal is not None:
            median, sigma = self.lognormal
            low, high = (math.ulp(0.0), math.inf) if sigma > 0 else (median, median)
        elif self.exponential is not None:
            low, high = (math.ulp(0.0), math.inf) if self.exponential > 0 else (0.0, 0.0)
        else:
            assert self.choice is not None
            low, high = min(self.choice), max(self.choice)
        return min(max(low, self.min), self.max), min(max(high, self.min), self.max)


Number = float | Distribution
"""A number, or a distribution from which each agent draws its own."""
Positive = Annotated[float, Field(gt=0)] | Distribution
NonNegative = Annotated[float, Field(ge=0)] | Distribution
Lots = Annotated[int, Field(ge=1)] | Distribution
"""A quantity: a whole number of lots, at least 1, or a distribution of them."""


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

    @model_validator(mode="after")
    def _numbers_fit(self) -> Settings:
        for name, field in type(self).model_fields.items():
            value = getattr(self, name)
            bounds = _bounds(name, field)
            if isinstance(value, Distribution):
                _check_draws(name, value, bounds, _is_whole(field.annotation))
            elif isinstance(value, int | float) and not isinstance(value, bool):
                most = bounds["most"]
                if abs(value) > most:
                    raise _wrong(name, value, f"at most {most:g}")
        return self


@functools.cache
def number_fields(settings: type[Settings]) -> tuple[str, ...]:
    """Return the names of the fields that fill `agent.params`, in order: all but tables and texts."""
    return tuple(name for name, field in settings.model_fields.items() if not _is_table(field.annotation))


@functools.cache
def whole_fields(settings: type[Settings]) -> frozenset[str]:
    """Return the names of the fields that are whole numbers: draws of a distribution are rounded down there."""
    return frozenset(name for name, field in settings.model_fields.items() if _is_whole(field.annotation))


def _parts(annotation: Any) -> list[tuple[Any, list[Any]]]:
    """Return the members of a union, each with the bounds that stand beside it."""
    if get_origin(annotation) in (Union, UnionType):
        return [part for member in get_args(annotation) for part in _parts(member)]
    if get_origin(annotation) is Annotated:
        inner, *marks = get_args(annotation)
        # pydantic's Field keeps its bounds in `metadata`.
        bounds = [bound for mark in marks for bound in getattr(mark, "metadata", [mark])]
        return [(kind, [*found, *bounds]) for kind, found in _parts(inner)]
    return [(annotation, [])]


def _is_whole(annotation: Any) -> bool:
    return any(kind is int for kind, _ in _parts(annotation))


def _bounds(name: str, field: Any) -> dict[str, float]:
    """Return the bounds of a field's number (gt, ge, lt, le), and the largest amount that its unit allows."""
    marks = [*field.metadata, *(mark for _, marks in _parts(field.annotation) for mark in marks)]
    found = {key: float(getattr(m, key)) for m in marks for key in ("gt", "ge", "lt", "le") if hasattr(m, key)}
    # "_per_s" and the like are rates, not times.
    unit = "" if "_per_" in name else next((unit for unit in _LIMITS if name.endswith(unit)), "")
    return {**found, "most": _LIMITS.get(unit, 1e300)}


def _check_draws(name: str, value: Distribution, bounds: dict[str, float], is_whole: bool) -> None:
    """Raise an error if a draw can lie beyond the bounds of its setting."""
    low, high = value.support()
    if is_whole:
        low, high = (math.floor(x) if math.isfinite(x) else x for x in (low, high))
    shown = {k: v for k, v in value.model_dump(exclude_none=True).items() if v not in (math.inf, -math.inf)}
    if low < bounds.get("ge", -math.inf) or low <= bounds.get("gt", -math.inf) > -math.inf:
        least = f"at least {bounds['ge']:g}" if "ge" in bounds else f"above {bounds['gt']:g}"
        raise _wrong(
            name,
            shown,
            f"draws {least} only, such as with min = {max(bounds.get('ge', 0), 1 if is_whole else 0.001):g}",
        )
    if high > bounds.get("le", math.inf) or high >= bounds.get("lt", math.inf) < math.inf:
        most = f"at most {bounds['le']:g}" if "le" in bounds else f"below {bounds['lt']:g}"
        raise _wrong(name, shown, f"draws {most} only, such as with max")
    typical = [abs(x) for x in (low, high) if math.isfinite(x)]
    typical += [abs((value.normal or value.lognormal or (0.0, 0.0))[0]), value.exponential or 0.0]
    if max(typical) > bounds["most"]:
        raise _wrong(name, shown, f"draws up to {bounds['most']:g}")


def _wrong(key: str, value: Any, allowed: str) -> PydanticCustomError:
    return PydanticCustomError(
        "wrong_key", "{key} = {bad}; allowed: {allowed}", {"key": key, "bad": value, "allowed": allowed}
    )


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
    return annotation is str or get_origin(annotation) in (tuple, Literal)


def draw(value: Any, key: int, index: int, *, is_whole: bool = False) -> float:
    """Return the value of one numeric setting for one agent: itself, or the draw number `index` of `key`.

    Args:
        value: a number or a distribution.
        key: of the agent.
        index: of the draw.
        is_whole: round a draw down to a whole number.
    """
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
    x = min(max(x, value.min), value.max)
    return math.floor(x) if is_whole and math.isfinite(x) else x
