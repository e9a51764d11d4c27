"""A market as a Mesa model: AgentSet, DataCollector, `mesa.batch_run` and the browser view work on it.

Nothing else in the project imports Mesa, whose import takes more than a second.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

import mesa
import numpy as np

from lob.inspect import depth
from lob.units import SECOND_NS
from sim.market import Market
from sim.worth import marks_ticks, pnl_of_agents

__all__ = ["MarketAgent", "MarketModel", "market_page"]

DEPTH_LEVELS = 5


class MarketAgent(mesa.Agent):
    """A compiled population, or one Python trader; it acts inside of the market, not in `step`.

    Attributes:
        name: the population's name, with the trader's index if there are several.
        first, count: its agents' ids in the market are first to first + count - 1.
        trader: the Python trader, None for a population.
    """

    def __init__(self, model: MarketModel, name: str, first: int, count: int, symbol: int, trader: Any) -> None:
        super().__init__(model)
        self.name, self.first, self.count, self.symbol, self.trader = name, first, count, symbol, trader

    def _accounts(self) -> Any:
        return self.model.market.world.accounts[self.first : self.first + self.count]

    def position_in(self, symbol: int) -> int:
        """Sum of the positions in one instrument."""
        return int(self._accounts()["position_lots"][:, symbol].sum())

    @property
    def position_lots(self) -> int:
        """Sum of the positions in the agents' own instrument."""
        return self.position_in(self.symbol)

    @property
    def pnl_ticks(self) -> float:
        """Profit after fees over all instruments, in ticks x lots of the own one, at the midpoints (or last trades)."""
        world = self.model.market.world
        profits = pnl_of_agents(world, marks_ticks(world), self.symbol)
        return float(profits[self.first : self.first + self.count].sum())


class PopulationAgent(MarketAgent):
    """All agents of a compiled population."""


class TraderAgent(MarketAgent):
    """One Python trader."""


class MarketModel(mesa.Model):
    """A Mesa model around a market.

    Args:
        make_market: called with `seed` and the parameters, returns a new Market. With several processes of
            `mesa.batch_run` it must be a function of a module.
        step_s: simulated seconds of one `step`.
        seed: of the market; None: a fresh one for each model, as in all of Mesa, so that the iterations of
            `mesa.batch_run` are different worlds.
        rng: a seed under the name that newer versions of Mesa give it; not together with `seed`.
        kwargs: parameters of make_market, so that `mesa.batch_run` and the browser can vary them.

    Attributes:
        market: the Market.
        market_seed: its seed; with it, and the same parameters, the model can be made again.
        datacollector: model reporters market_seed, mid, spread (ticks; nan while a side is empty), volume (lots since
            the open), bid_depth, ask_depth (lots on five levels); agent reporters name, position (lots), pnl (ticks x
            lots).

    Data are collected before the first step and after each. Mesa's batch_run reports the last step but one, so a market
    that has reached its close takes one more step, in which nothing happens.

    Example:
        >>> from lob import Instrument
        >>> from sim import ConstantValue, Listing, Market, Population, Session, Trader
        >>> class Quoter(Trader):
        ...     def on_wake(self, view):
        ...         view.limit("buy", 9_998, 5)
        ...         return 60.0  # seconds until the next wake-up
        >>> def make_market(seed, count=2):
        ...     listing = Listing(Instrument(reference_ticks=10_000), ConstantValue(10_000.0))
        ...     quoters = Population("quoters", count, trader=lambda index: Quoter())
        ...     return Market([listing], [quoters], Session(0, 300_000_000_000), seed=seed)
        >>> model = MarketModel(make_market, step_s=60.0, seed=1, count=3)
        >>> model.run_model()
        >>> model.datacollector.get_model_vars_dataframe()["bid_depth"].tolist()
        [0, 15, 30, 45, 60, 75, 75]
    """

    def __init__(
        self,
        make_market: Callable[..., Market],
        step_s: float = 60.0,
        seed: int | None = None,
        rng: int | None = None,
        **kwargs: Any,
    ) -> None:
        if not 0 < step_s < np.inf:
            raise ValueError(f"step_s = {step_s}; allowed: above 0, and finite")
        if seed is not None and rng is not None:
            raise ValueError("seed and rng are two names of the same; allowed: one of them")
        self.market_seed = _seed_of(seed if seed is not None else rng)
        super().__init__(seed=self.market_seed)
        self.market = make_market(seed=self.market_seed, **kwargs)
        self._step_ns = max(1, round(step_s * SECOND_NS))
        self._add_agents()
        self.datacollector = mesa.DataCollector(
            model_reporters={
                "market_seed": "market_seed",
                "mid": lambda m: m.mid_ticks(),
                "spread": lambda m: m.spread_ticks(),
                "volume": lambda m: m.volume_lots(),
                "bid_depth": lambda m: m.depth_lots("buy"),
                "ask_depth": lambda m: m.depth_lots("sell"),
            },
            agent_reporters={"name": "name", "position": "position_lots", "pnl": "pnl_ticks"},
        )
        self.datacollector.collect(self)

    def _add_agents(self) -> None:
        world = self.market.world
        for population, first in zip(world.populations, world.population_rows["first"].tolist(), strict=True):
            if population.trader is None:
                PopulationAgent(self, population.name, first, population.count, population.symbol, None)
            for k in range(population.count if population.trader is not None else 0):
                name = population.name if population.count == 1 else f"{population.name} {k}"
                trader = self.market.traders[first + k]
                TraderAgent(self, name, first + k, 1, population.symbol, trader)
        # Mesa 3.3 counts the agents of each model in a dictionary of the class, which would keep every model (and its
        # market's memory) for as long as the process lives. A market's agents are all here, so the count is done.
        mesa.Agent._ids.pop(self, None)

    def step(self) -> None:
        """Run the market for `step_s` simulated seconds, at most to the close, and collect data.

        Rows of the tape are dropped; attach sinks by calling `market.run` yourself if you want them.
        """
        market = self.market
        if market.time_ns >= market.session.close_ns:
            self.running = False
        else:
            market.run(min(market.time_ns + self._step_ns, market.session.close_ns), sinks=[_drop])
        self.datacollector.collect(self)

    # ---- looking ----------------------------------------------------------------------------------------------

    def _touch(self, symbol: int) -> tuple[float, float]:
        table = np.zeros((1, 3), np.int64)
        book = self.market.world.book(symbol)
        prices = [float(table[0, 0]) if depth(book, side, table) else np.nan for side in (0, 1)]
        return prices[0], prices[1]

    def mid_ticks(self, symbol: int = 0) -> float:
        """Midpoint in ticks, nan unless both sides are there."""
        bid, ask = self._touch(symbol)
        return (bid + ask) / 2

    def spread_ticks(self, symbol: int = 0) -> float:
        """Best ask minus best bid in ticks, nan unless both sides are there."""
        bid, ask = self._touch(symbol)
        return ask - bid

    def value_ticks(self, symbol: int = 0) -> float:
        """Midpoint, or the last trade price while a side is empty."""
        mid = self.mid_ticks(symbol)
        return float(self.market.world.symbols["last_ticks"][symbol]) if np.isnan(mid) else mid

    def volume_lots(self, symbol: int = 0) -> int:
        """Quantity traded since the open."""
        return int(self.market.world.symbols["volume_lots"][symbol])

    def depth_lots(self, side: str, symbol: int = 0) -> int:
        """Quantity on the first five levels of a side, "buy" or "sell"."""
        table = np.zeros((DEPTH_LEVELS, 3), np.int64)
        book = self.market.world.book(symbol)
        return int(table[: depth(book, 0 if side == "buy" else 1, table), 1].sum())


def _seed_of(given: Any) -> int:
    """Return the seed of a market: what was given, or a fresh one that a table's float column still holds exactly."""
    if given is None:
        return int(np.random.default_rng().integers(2**53))
    try:
        seed = operator.index(given)
    except TypeError:
        seed = -1
    if not 0 <= seed < 2**63:
        raise ValueError(f"seed = {given!r}; allowed: a whole number from 0 to 2^63 - 1")
    return seed


def _drop(rows: Any) -> None:
    """A sink that keeps nothing."""


def market_page(model: MarketModel, model_params: Mapping[str, Any] | None = None) -> Any:
    """Return the browser page of a model: price, spread and volume, with Mesa's controls.

    Needs the extra `viz`. In a notebook the returned element shows itself; in a file `app.py`,
    `page = market_page(...)` is served by `solara run app.py`.

    Args:
        model: the model to begin with.
        model_params: arguments for the models that a reset makes, as for mesa's SolaraViz; with `make_market` in it.
    """
    from mesa.visualization import SolaraViz, make_plot_component

    charts = [
        make_plot_component({"mid": "tab:blue"}, post_process=_label("midpoint in ticks")),
        make_plot_component({"spread": "tab:orange"}, post_process=_label("spread in ticks")),
        make_plot_component({"bid_depth": "tab:green", "ask_depth": "tab:red"}, post_process=_label("depth in lots")),
        make_plot_component({"volume": "tab:gray"}, post_process=_label("volume in lots")),
    ]
    return SolaraViz(model, components=charts, model_params=dict(model_params or {}), name="Outcry")


def _label(text: str) -> Callable[[Any], None]:
    def post_process(axes: Any) -> None:
        axes.set_ylabel(text)
        axes.set_xlabel("step")

    return post_process
