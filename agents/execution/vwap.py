"""Volume-weighted average price: slices at equal times, sized by a curve of the volume expected through the day."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from pydantic import Field, model_validator

from agents.execution._working import NEEDS, WAKES_ON, MetaorderSettings, follow_schedule
from sim.policy import Policy

__all__ = ["Vwap", "policy"]

U_SHAPE = (12.0, 9.5, 8.0, 7.0, 6.2, 5.8, 5.6, 5.8, 6.2, 6.8, 7.6, 8.9, 10.6)
"""Half-hours of a stock's day: busy at the open, quiet at noon, busy at the close. The numbers are ours."""


class Vwap(MetaorderSettings):
    """Settings, with those of MetaorderSettings.

    Attributes:
        n_slices: number of slices; the first is due at the start.
        volume_curve: expected volume in equal parts of the session, in any unit.
        session_s: length of the session that the curve covers, in seconds.
    """

    n_slices: Annotated[int, Field(ge=1, le=100_000)] = 30
    volume_curve: tuple[Annotated[float, Field(ge=0)], ...] = U_SHAPE
    session_s: Annotated[float, Field(gt=0)] = 23_400.0

    @model_validator(mode="after")
    def _curve_has_volume(self) -> Vwap:
        if not self.volume_curve or self._expected().max() <= 0:
            raise ValueError("volume_curve holds no volume between start_s and start_s + duration_s")
        return self

    def _expected(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Return the volume expected from the start to the end of each slice."""
        curve = np.concatenate([[0.0], np.cumsum(self.volume_curve)])
        at = np.linspace(0.0, self.session_s, len(curve))
        times = self.start_s + self.duration_s * np.arange(self.n_slices + 1) / self.n_slices
        volume = np.interp(times, at, curve)
        return np.asarray(volume[1:] - volume[0], np.float64)


def _block(settings: Vwap) -> np.ndarray[Any, Any]:
    """Return the quantity due at the beginning of each slice: the share of the volume expected by its end."""
    expected = settings._expected()
    return np.rint(settings.quantity_lots * expected / expected[-1])


policy = Policy(Vwap, follow_schedule, needs=NEEDS, wakes_on=WAKES_ON, block=_block)
