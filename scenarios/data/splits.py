"""Splits of generated days for learning: whole days, the earlier ones to train, so that nothing of a test day leaks."""

from __future__ import annotations

import math
from collections.abc import Mapping

from lob.errors import InputError

__all__ = ["check_split", "split_of_days"]

MOST_PARTS = 10


def check_split(split: Mapping[str, float]) -> None:
    """Raise InputError unless the shares are above 0 and add up to 1."""
    if not 1 <= len(split) <= MOST_PARTS:
        raise InputError(
            f"split: {len(split)} parts; allowed: 1 to {MOST_PARTS}, as in train=0.7,validation=0.15,test=0.15"
        )
    for name, share in split.items():
        if not name.isidentifier() or not (math.isfinite(share) and share > 0):
            raise InputError(f"split: {name} = {share:g}; allowed: a name, and a share above 0")
    if abs(sum(split.values()) - 1) > 1e-9:
        raise InputError(f"split: shares add up to {sum(split.values()):g}; allowed: 1")


def split_of_days(n_days: int, split: Mapping[str, float]) -> list[str]:
    """Return the part of each day of a series, in order of time: each part as many whole days as its share, rounded.

    Raises:
        InputError: if a part would have no day.
    """
    ends, total = [], 0.0
    for share in split.values():
        total += share
        ends.append(round(total * n_days))
    starts = [0, *ends[:-1]]
    for name, start, end in zip(split, starts, ends, strict=True):
        if end <= start:
            raise InputError(f"split: {name} would have none of {n_days} days; allowed: more days or a larger share")
    return [name for name, start, end in zip(split, starts, ends, strict=True) for _ in range(end - start)]
