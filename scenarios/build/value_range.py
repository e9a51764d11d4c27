"""A fundamental value that does not do what a scenario counts on: it leaves the prices, or it never moves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scenarios.schema.times import clock

if TYPE_CHECKING:
    from scenarios.build.market import Built
    from sim.market import Market

__all__ = ["value_notes"]


def value_notes(built: Built, market: Market) -> list[str]:
    """Return a line for each thing about the fundamental values that a reader must know; none if all is well.

    The values are drawn up front, so that this is known before the first event.
    """
    return [*_out_of_range(built, market), *_still(built, market)]


def _still(built: Built, market: Market) -> list[str]:
    """Those who trade on what they know of the value, where it never moves."""
    notes = []
    for group in built.populations:
        values = market.world.value_path(group.symbol)
        if group.policy is not None and group.policy.needs_moving_value and len(values) and np.ptp(values) == 0:
            name = built.listings[group.symbol].instrument.name
            notes.append(
                f"{group.name} knows nothing that others do not: the fundamental value of {name} never "
                f'moves. instrument.{name}.fundamental = {{ kind = "ou", ... }}, or news that moves the value, give it '
                "something to know."
            )
    return notes


def _out_of_range(built: Built, market: Market) -> list[str]:
    """Values beyond the price range at some time of the session: those who follow them only collect rejects."""
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
