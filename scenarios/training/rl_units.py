"""What is usual in a scenario, as the units and times of a learning agent that is put into it.

The menu of a market maker, and prices and quantities in observations and rewards, are in units of `price_scale_ticks`
and `size_scale_lots`. Unless they are set, they are the median spread and the median size of a limit order in this
scenario, without the learner, before it begins. They depend on nothing but the scenario: every environment and process
has the same.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from lob.codes import ROW_ADD
from lob.types import NO_PRICE

if TYPE_CHECKING:
    from scenarios.build.market import Built

__all__ = ["usual_settings"]

SLICES, MOST_MESSAGES = 60, 20_000
"""What is looked at ends after so many messages; it is run in so many slices, of which the last half counts."""
MOST_KEPT = 64
NS_PER_S = 1e9

_measured: dict[str, dict[str, float]] = {}


def usual_settings(built: Built, given: dict[str, Any], defaults: Any) -> dict[str, Any]:
    """Return the settings of a learner that the user has not given and that depend on the scenario.

    Args:
        built: the scenario, without the learner.
        given: settings that the user gave.
        defaults: the task's settings with all defaults.
    """
    session = built.session
    length_s = (session.close_ns - session.open_ns) / NS_PER_S
    found: dict[str, Any] = {}
    if "start_s" not in given and defaults.start_s > length_s / 2:
        found["start_s"] = length_s / 2
    wanted = {"price_scale_ticks", "size_scale_lots"} - set(given)
    if wanted:
        start_s = given.get("start_s", found.get("start_s", defaults.start_s))
        until_s = min(start_s if isinstance(start_s, int | float) and start_s > 0 else length_s, length_s)
        key = f"{built.content}/{built.scenario.seed}/{until_s}"
        if key not in _measured:
            while len(_measured) >= MOST_KEPT:
                del _measured[next(iter(_measured))]
            _measured[key] = _measure(built, until_s)
        found |= {name: value for name, value in _measured[key].items() if name in wanted}
    return found


def _measure(built: Built, until_s: float) -> dict[str, float]:
    """Return median spread, by time, and median order size of a scenario; nothing where there is no market to see.

    Python traders do nothing in it: they may ask a server that costs money.
    """
    from sim.market import Market
    from sim.trader import Trader

    class Silent(Trader):
        def on_wake(self, view: Any) -> float | None:
            return None

    groups = [g if g.trader is None else replace(g, trader=lambda k: Silent(), bulletins=()) for g in built.populations]
    session = built.session
    market = Market(
        built.listings, groups, session, built.schedule, built.scenario.seed, max_in_flight=built.scenario.max_in_flight
    )
    slices: list[list[Any]] = []
    for k in range(1, SLICES + 1):
        slices.append([])
        until_ns = session.open_ns + int(until_s * NS_PER_S * k / SLICES)
        market.run(until_ns, [lambda rows: slices[-1].append(rows.copy())])
        if market.n_messages >= MOST_MESSAGES:
            break
    late = [rows for part in slices[len(slices) // 2 :] for rows in part]
    if not late:
        return {}
    rows = np.concatenate(late)
    rows = rows[rows["symbol"] == 0]
    found = {}
    lasts = np.diff(rows["time_ns"], append=market.time_ns)
    seen = (rows["bid_ticks"] != NO_PRICE) & (rows["ask_ticks"] != NO_PRICE) & (lasts > 0)
    if seen.any():
        found["price_scale_ticks"] = _median((rows["ask_ticks"] - rows["bid_ticks"])[seen], lasts[seen])
    sizes = rows["qty_lots"][rows["kind"] == ROW_ADD]
    if len(sizes):
        found["size_scale_lots"] = _median(sizes, np.ones(len(sizes)))
    return {name: value for name, value in found.items() if value > 0}


def _median(values: Any, weights: Any) -> float:
    """The smallest value at which half of the weight is reached."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order], dtype=np.float64)
    return float(values[order][int(np.searchsorted(reached, 0.5 * reached[-1]))])
