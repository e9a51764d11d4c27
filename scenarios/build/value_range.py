"""A fundamental value that leaves the prices of its instrument: those who follow it would only collect rejects."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scenarios.schema.times import clock

if TYPE_CHECKING:
    from scenarios.build.market import Built
    from sim.market import Market

__all__ = ["value_range_notes"]


def value_range_notes(built: Built, market: Market) -> list[str]:
    """Return a line for each instrument whose value is beyond its price range at some time of the session.

    The values are drawn up front, so that this is known before the first event.
    """
    notes = []
    for k, listing in enumerate(built.listings):
        instrument, values = listing.instrument, market.world.value_path(k)
        low, high = instrument.min_price_ticks, instrument.min_price_ticks + instrument.n_prices - 1
        outside = np.flatnonzero((values < low) | (values > high))
        if len(outside):
            at = clock(market.session.open_ns + int(outside[0]) * listing.fundamental.step_ns)
            notes.append(
                f"The fundamental value of {instrument.name} leaves the price range of {low} to {high} ticks at {at} "
                f"({values.min():.6g} to {values.max():.6g} ticks): orders beyond are rejected, and the price cannot "
                "follow. A wider range (min_price_ticks, n_prices) or less volatility helps."
            )
    return notes
