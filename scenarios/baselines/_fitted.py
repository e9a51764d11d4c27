"""What every fitted baseline is: a compiled policy with the settings that one stock's recorded flow gave it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lob.errors import InputError
from lob.rules import MAX_PRICES, Instrument
from sim.distributions import Settings
from sim.fundamental import ConstantValue
from sim.market import Market
from sim.metrics.flow import FlowKind, OrderFlow, visible_flow_of_tape
from sim.policy import Policy
from sim.settings import Listing, Population, Session

__all__ = ["Baseline", "Fitted", "check_flow", "market_of"]

LEAST_EVENTS = 1_000
MAX_ORDERS = 262_144


@dataclass(frozen=True)
class Fitted:
    """A model fitted to one stock's flow.

    Attributes:
        model: name in `BASELINES`.
        name: of the stock.
        policy: the compiled policy.
        settings: what was fitted, as the policy takes it.
        figures: what else the fit found, by name, to be printed: events, exposure, likelihood.
    """

    model: str
    name: str
    policy: Policy
    settings: Settings
    figures: dict[str, float] = field(default_factory=dict)

    def market(self, seed: int, open_ns: int, close_ns: int, reference_ticks: int) -> Market:
        """Return a market in which this flow alone trades.

        Args:
            seed: of the run.
            open_ns: opening time in ns since midnight.
            close_ns: closing time.
            reference_ticks: price around which the first book is laid.
        """
        return market_of(self.name, self.policy, self.settings, seed, open_ns, close_ns, reference_ticks)

    def flow(self, rows: np.ndarray[Any, Any], levels: int) -> OrderFlow:
        """Return the visible flow of a tape of this market, with its book; the tape must begin with an empty book.

        Args:
            rows: tape rows, dtype EVENT.
            levels: of the book on each side, as many as the recording has.
        """
        return visible_flow_of_tape(rows, levels)


@dataclass(frozen=True)
class Baseline:
    """A way to fit a model.

    Attributes:
        label: the model in words.
        source: where the estimator stands.
        fit: from a flow with its book and the stock's name to the fitted model.
    """

    label: str
    source: str
    fit: Callable[[OrderFlow, str], Fitted]


def market_of(
    name: str, policy: Policy, settings: Settings, seed: int, open_ns: int, close_ns: int, reference_ticks: int
) -> Market:
    """Return a market of one agent; prices from half to one and a half times the reference are valid."""
    if reference_ticks < 2:
        raise InputError(f"reference_ticks = {reference_ticks}; allowed: at least 2")
    reach = min(reference_ticks // 2, MAX_PRICES // 2 - 1)
    stock = Instrument(
        name,
        min_price_ticks=reference_ticks - reach,
        n_prices=2 * reach + 1,
        max_orders=MAX_ORDERS,
        reference_ticks=reference_ticks,
    )
    listing = Listing(stock, ConstantValue(float(reference_ticks)))
    return Market([listing], [Population("flow", 1, policy, settings)], Session(open_ns, close_ns), seed=seed)


def check_flow(flow: OrderFlow, name: str) -> OrderFlow:
    """Return the visible part of a flow that can be fitted to.

    Raises:
        InputError: if it has no book, too few events, or none of one of the kinds that all models need.
    """
    if flow.book is None:
        raise InputError(f"flow of {name}: comes without its book; allowed: flows with the book after each event")
    flow = flow.visible()
    if len(flow) < LEAST_EVENTS:
        raise InputError(f"flow of {name}: {len(flow)} events; allowed: at least {LEAST_EVENTS} to fit to")
    for kind in (FlowKind.SUBMIT, FlowKind.DELETE, FlowKind.EXECUTE):
        if not np.any(flow.kind == kind):
            raise InputError(f"flow of {name}: no event of kind {kind.name}; allowed: at least one of each")
    return flow
