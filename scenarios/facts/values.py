"""What a topic of the facts finds: numbers with intervals, curves, and a reason where the data is too short."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

__all__ = ["SAME", "Curve", "Fact", "Found", "Value", "curve", "missing", "missing_curve", "value"]

Floats = np.ndarray[Any, np.dtype[np.float64]]


SAME = "the same"
"""Definition of a fact that is one of a kind with the fact before."""


@dataclass(frozen=True)
class Fact:
    """What a number is.

    Attributes:
        label: a few words.
        unit: of the number; "" if it has none.
        about: its definition in one line.
    """

    label: str
    unit: str
    about: str


@dataclass(frozen=True)
class Value:
    """A number found.

    Attributes:
        value: None if the data does not give it.
        low, high: a 95% interval; None if it has none.
        why: the reason, if there is no value.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    why: str = ""

    def record(self) -> dict[str, Any]:
        """Return what JSON can hold; what is not there is left out."""
        interval = {"low": self.low, "high": self.high} if self.low is not None else {}
        return {"value": self.value, **interval, **({"why": self.why} if self.why else {})}


@dataclass(frozen=True)
class Curve:
    """Points of a picture; `y` and `error` have None where a point is not known.

    Attributes:
        x, y: coordinates.
        error: of each y; empty if it has none.
        why: the reason, if there are no points.
    """

    x: tuple[float, ...]
    y: tuple[float | None, ...]
    error: tuple[float | None, ...] = ()
    why: str = ""

    def record(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        error = {"error": list(self.error)} if self.error else {}
        return {"x": list(self.x), "y": list(self.y), **error, **({"why": self.why} if self.why else {})}

    def points(self) -> tuple[Floats, Floats, Floats]:
        """Return x, y and error as arrays for drawing, unknown points left out; the error is 0 where there is none."""
        x, y = np.array(self.x, np.float64), np.array(self.y, np.float64)
        error = np.array(self.error or np.zeros(len(y)), np.float64)
        known = np.isfinite(y)
        return x[known], y[known], error[known]


@dataclass
class Found:
    """Numbers and curves of a topic by name."""

    values: dict[str, Value] = field(default_factory=dict)
    curves: dict[str, Curve] = field(default_factory=dict)


def missing(why: str) -> Value:
    """Return a number that is not there."""
    return Value(None, why=why)


def missing_curve(why: str) -> Curve:
    """Return a curve that is not there."""
    return Curve((), (), why=why)


def value(number: float, n: int, least: int, what: str, interval: Sequence[float] = ()) -> Value:
    """Return a number, or why there is none.

    Args:
        number: as it was computed; may be nan.
        n: of the observations behind it.
        least: of them that make it worth saying.
        what: they are, as in "returns".
        interval: its ends, if it has any; may be nan.
    """
    if n < least:
        return missing(f"{n:,} {what}, at least {least:,} needed")
    if not math.isfinite(number):
        return missing(f"the same for all {what}")
    ends = [float(x) for x in interval if math.isfinite(x)]
    return Value(float(number), *(ends if len(ends) == 2 else ()))


def curve(x: Iterable[float], y: Iterable[float], error: Iterable[float] = (), why: str = "") -> Curve:
    """Return a curve, nan as None; without a known point the reason stands instead."""
    points = Curve(tuple(map(float, x)), tuple(map(_known, y)), tuple(map(_known, error)))
    return points if any(v is not None for v in points.y) else missing_curve(why)


def _known(number: float) -> float | None:
    return float(number) if math.isfinite(number) else None
