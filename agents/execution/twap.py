"""Time-weighted average price: a metaorder in equal slices at equal times."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from pydantic import Field

from agents.execution._working import NEEDS, WAKES_ON, MetaorderSettings, follow_schedule
from sim.policy import Policy

__all__ = ["Twap", "policy"]


class Twap(MetaorderSettings):
    """Settings, with those of MetaorderSettings.

    Attributes:
        n_slices: number of slices; the first is due at the start.
    """

    n_slices: Annotated[int, Field(ge=1, le=100_000)] = 30


def _block(settings: Twap) -> np.ndarray[Any, Any]:
    """Return the quantity due at the beginning of each slice; whole lots, as even as they can be."""
    slices = np.arange(1, settings.n_slices + 1)
    return (settings.quantity_lots * slices // settings.n_slices).astype(np.float64)


policy = Policy(Twap, follow_schedule, needs=NEEDS, wakes_on=WAKES_ON, block=_block)
