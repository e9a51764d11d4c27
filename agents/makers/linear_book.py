"""A maker whose book has linear impact by construction, as Almgren and Chriss (2000) assume.

Both sides hold the same quantity at every step of price, so that an order of n lots pays half the spread and n / (2
density) more on average: temporary impact. The centre is the value signal plus `permanent_ticks_per_lot` for each lot
sold so far (less for each bought): permanent impact. The ladder is laid anew at each refresh, so trades that are at
least `refresh_s` apart find it whole; with `refresh_on_fill` those that are a reaction and a latency apart do.

Prices are whole ticks. Of n = m L + r lots, L a level's and r < L, bought when the first ask is at a, the last r pay
a + m step, so that the order costs n a + step (L m (m - 1) / 2 + m r), which is n (a - step / 2 + n step / (2 L)) at
whole levels: the average lies half a step below the half spread plus n / (2 density). With first levels half a step
further out than the half spread that is wanted, the two agree at all whole levels.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from agents.makers._quotes import rounded, timer_ns
from lob.codes import CONTINUOUS
from sim.codes import WAKE_FILL
from sim.distributions import NonNegative, Positive, Settings
from sim.policy import Policy, decision, indices, send_cancel_all, send_limit
from sim.records import Needs, Wake

__all__ = ["LinearBook", "policy"]

MAX_LEVELS = 31


class LinearBook(Settings):
    """Settings of the maker.

    Attributes:
        refresh_s: time between two refreshes, in seconds.
        half_spread_ticks: distance of the first level from the centre.
        step_ticks: distance of two levels.
        level_lots: quantity of a level; the density is level_lots / step_ticks.
        n_levels: levels on each side, at most 31.
        permanent_ticks_per_lot: shift of the centre for each lot that it has sold.
        refresh_on_fill: lay the ladder anew after a fill too.
    """

    refresh_s: Positive = 1.0
    half_spread_ticks: NonNegative = 1.0
    step_ticks: Annotated[int, Field(ge=1)] = 1
    level_lots: Annotated[int, Field(ge=1)] = 100
    n_levels: Annotated[int, Field(ge=1, le=MAX_LEVELS)] = MAX_LEVELS
    permanent_ticks_per_lot: NonNegative = 0.0
    refresh_on_fill: bool = False


P = indices(LinearBook)


@decision
def decide(view: Any, agent: Any, out: Any) -> int:
    """Lay the ladder anew."""
    if view.reason == WAKE_FILL and agent.params[P.refresh_on_fill] == 0.0:
        return 0
    delay = timer_ns(view, agent.params[P.refresh_s])
    send_cancel_all(out)
    if view.phase != CONTINUOUS:
        return delay
    centre = view.signal - agent.params[P.permanent_ticks_per_lot] * view.position_lots
    half, step = agent.params[P.half_spread_ticks], int(agent.params[P.step_ticks])
    bid = rounded(centre - half)
    ask = max(rounded(centre + half), bid + 1)
    for level in range(int(agent.params[P.n_levels])):
        if view.min_price_ticks <= bid - step * level <= view.max_price_ticks:
            send_limit(out, 1, bid - step * level, int(agent.params[P.level_lots]))
        if view.min_price_ticks <= ask + step * level <= view.max_price_ticks:
            send_limit(out, -1, ask + step * level, int(agent.params[P.level_lots]))
    return delay


policy = Policy(LinearBook, decide, needs=Needs.SIGNAL, wakes_on=Wake.PHASE | Wake.FILL)
