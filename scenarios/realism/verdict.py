"""What a score is worth beside its noise floor."""

from __future__ import annotations

import math

__all__ = ["NEAR", "ratio_of", "verdict"]

NEAR = 2.0
"""A score up to this many floors is near."""


def ratio_of(distance: float, floor: float) -> float:
    """Return distance over floor; nan where the floor is none."""
    return distance / floor if floor > 0 else math.nan


def verdict(ratio: float) -> str:
    """Return "inside" (the floor), "near" (up to twice) or "far"; "unknown" for nan."""
    if not math.isfinite(ratio):
        return "unknown"
    return "inside" if ratio <= 1 else "near" if ratio <= NEAR else "far"
