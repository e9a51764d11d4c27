"""A metaorder from Python: say what to trade and how, put it into a market, and read from the tape what it cost.

Example:
    >>> from agents.rules import zero_intelligence
    >>> from lob import Instrument
    >>> from sim import ConstantValue, Listing, Market, Population, Session
    >>> stock = Listing(Instrument(reference_ticks=10_000), ConstantValue(10_000.0))
    >>> settings = zero_intelligence.policy.settings(interval_s=1.0)
    >>> crowd = Population("crowd", 100, zero_intelligence.policy, settings)
    >>> order = Metaorder("buy", 500, algo="twap", start_s=60, duration_s=600)
    >>> market = Market([stock], [crowd, order.population()], Session(0, 1_200_000_000_000), seed=1)
    >>> market.run()
    True
    >>> report = execution_report(market.tape, order.parent_id)
    >>> report.executed_lots, report.shortfall_bps > 0
    (500, True)
"""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from pydantic import ValidationError

from lob.errors import InputError
from lob.types import NO_PRICE, EventKind
from sim.policy import Policy, Settings
from sim.settings import Latency, Population, RiskLimits
from sim.trust import refuse_code

__all__ = ["ALIASES", "ExecutionReport", "Metaorder", "algorithms", "execution_report"]

SideName = Literal["buy", "sell"]
ALIASES = {"ac": "almgren_chriss", "is": "implementation_shortfall"}
"""Short names of algorithms."""


def algorithms() -> list[str]:
    """Return the names of the execution algorithms."""
    package = importlib.import_module("agents.execution")
    return sorted(m.name for m in pkgutil.iter_modules(package.__path__) if not m.name.startswith("_"))


@dataclass(frozen=True)
class Metaorder:
    """A quantity to be traded by an execution algorithm.

    Attributes:
        side: "buy" or "sell".
        quantity_lots: quantity; 0: the agent is there and does nothing.
        algo: one of `algorithms()`, its short name, or "my_module:MY_POLICY", a policy whose settings are those of
            agents.execution.MetaorderSettings and more.
        start_s: beginning, in seconds after the open.
        duration_s: length, in seconds.
        parent_id: metaorder id that every child carries on the tape.
        settings: further settings of the algorithm.

    Raises:
        InputError: if the algorithm is unknown or refuses a setting.
    """

    side: SideName
    quantity_lots: int
    algo: str = "twap"
    start_s: float = 60.0
    duration_s: float = 1800.0
    parent_id: int = 1
    settings: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check all parts."""
        object.__setattr__(self, "algo", ALIASES.get(self.algo, self.algo))
        if self.side not in ("buy", "sell"):
            raise InputError(f"side = {self.side!r}; allowed: 'buy', 'sell'")
        self.algorithm_settings()

    def algorithm(self) -> Policy:
        """Return the compiled policy."""
        if ":" in self.algo:
            return _own_policy(self.algo)
        if self.algo not in algorithms():
            short = {name: alias for alias, name in ALIASES.items()}
            known = [f"{name} ({short[name]})" if name in short else name for name in algorithms()]
            raise InputError(f'algo = {self.algo!r}; allowed: {", ".join(known)}, or "my_module:MY_POLICY"')
        policy: Policy = importlib.import_module(f"agents.execution.{self.algo}").policy
        return policy

    def algorithm_settings(self) -> Settings:
        """Return the settings of the policy."""
        own = {
            "side": 1 if self.side == "buy" else -1,
            "quantity_lots": self.quantity_lots,
            "start_s": self.start_s,
            "duration_s": self.duration_s,
            "parent_id": self.parent_id,
        }
        twice = sorted(own.keys() & self.settings.keys())
        if twice:
            raise InputError(f"metaorder {self.algo}: settings.{twice[0]} is said by the metaorder itself")
        try:
            return self.algorithm().settings(**own, **self.settings)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "settings"
            raise InputError(f"metaorder {self.algo}: {where} = {first['input']!r}: {first['msg']}") from None

    def population(
        self,
        name: str = "metaorder",
        *,
        symbol: int = 0,
        latency: Latency | None = None,
        limits: RiskLimits | None = None,
    ) -> Population:
        """Return the population of one agent that works the metaorder."""
        return Population(
            name, 1, self.algorithm(), self.algorithm_settings(), symbol=symbol,
            latency=latency or Latency(), limits=limits or RiskLimits(),
        )  # fmt: skip

    def mirrored(self) -> Metaorder:
        """Return the same metaorder on the other side."""
        return replace(self, side="sell" if self.side == "buy" else "buy")

    def placebo(self) -> Metaorder:
        """Return the metaorder with quantity 0: its agent is in the market and does nothing."""
        return replace(self, quantity_lots=0)


def _own_policy(name: str) -> Policy:
    """Return a user's algorithm, of a module that can be imported."""
    refuse_code(f'algo = "{name}": would run the file of {name.partition(":")[0]}')
    module, _, attribute = name.partition(":")
    try:
        found = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise InputError(
            f'algo = "{name}": {error}; allowed: a module that can be imported and a policy in it'
        ) from None
    if not isinstance(found, Policy):
        raise InputError(f'algo = "{name}": is a {type(found).__name__}; allowed: a sim.policy.Policy object')
    return found


@dataclass(frozen=True)
class ExecutionReport:
    """What became of a metaorder. Prices in ticks, quantities in lots, times in ns since midnight.

    Attributes:
        executed_lots: quantity traded; signed quantities have the side's sign removed.
        average_ticks: mean price paid, nan if nothing was.
        arrival_ticks: midpoint just before the first child arrived, nan if the book had only one side.
        market_vwap_ticks: mean price of all trades from the first to the last child.
        market_lots: their volume.
        n_children: messages of the metaorder that added or executed.
        n_fills: executions.
        passive_lots: part that was executed by resting.
        first_ns, last_ns: times of its first and last row.
        side: 1 or -1.
    """

    executed_lots: int
    average_ticks: float
    arrival_ticks: float
    market_vwap_ticks: float
    market_lots: int
    n_children: int
    n_fills: int
    passive_lots: int
    first_ns: int
    last_ns: int
    side: int

    @property
    def shortfall_ticks(self) -> float:
        """Implementation shortfall per lot: what was paid above the arrival price (Perold 1988); executed part only."""
        return self.side * (self.average_ticks - self.arrival_ticks)

    @property
    def shortfall_bps(self) -> float:
        """Implementation shortfall in basis points of the arrival price."""
        return 1e4 * self.shortfall_ticks / self.arrival_ticks

    @property
    def slippage_to_vwap_ticks(self) -> float:
        """What was paid above the volume-weighted price of the same time."""
        return self.side * (self.average_ticks - self.market_vwap_ticks)

    @property
    def participation_rate(self) -> float:
        """Own share of the volume from the first to the last child."""
        return self.executed_lots / self.market_lots if self.market_lots else float("nan")


def execution_report(
    rows: np.ndarray[Any, Any], parent_id: int, agent: int | None = None, symbol: int = 0
) -> ExecutionReport:
    """Read from a tape what became of a metaorder.

    Args:
        rows: tape rows, dtype EVENT, from before its first child on.
        parent_id: id of the metaorder.
        agent: its agent, if the id is used by several.
        symbol: index of the instrument.

    Raises:
        InputError: if no row belongs to it.
    """
    rows = rows[rows["symbol"] == symbol]
    takes = rows["parent_id"] == parent_id
    makes = (rows["kind"] == EventKind.EXECUTE) & (rows["contra_parent_id"] == parent_id)
    if agent is not None:
        takes &= rows["agent"] == agent
        makes &= rows["contra_agent"] == agent
    mine = np.flatnonzero(takes | makes)
    if len(mine) == 0:
        raise InputError(f"metaorder {parent_id}: no row of the tape belongs to it")
    traded = rows["kind"] == EventKind.EXECUTE
    fills = rows[(takes | makes) & traded]
    lots, prices = fills["qty_lots"].astype(np.int64), fills["price_ticks"].astype(np.float64)
    first, last = int(mine[0]), int(mine[-1])
    before = rows[first - 1] if first > 0 else rows[first]
    two_sided = NO_PRICE not in (int(before["bid_ticks"]), int(before["ask_ticks"]))
    market = rows[first : last + 1][traded[first : last + 1]]
    volume = int(market["qty_lots"].sum(dtype=np.int64))
    executed = int(lots.sum())
    head = rows[first]
    sends = np.isin(rows["kind"], (EventKind.ADD, EventKind.EXECUTE, EventKind.EXPIRE)) & takes
    return ExecutionReport(
        executed_lots=executed,
        average_ticks=float((lots * prices).sum() / executed) if executed else float("nan"),
        arrival_ticks=(int(before["bid_ticks"]) + int(before["ask_ticks"])) / 2 if two_sided else float("nan"),
        market_vwap_ticks=float((market["qty_lots"] * market["price_ticks"].astype(float)).sum() / volume)
        if volume
        else float("nan"),
        market_lots=volume,
        n_children=len(np.unique(rows["order_id"][sends])),
        n_fills=len(fills),
        passive_lots=int(rows["qty_lots"][makes].sum(dtype=np.int64)),
        first_ns=int(head["time_ns"]),
        last_ns=int(rows["time_ns"][last]),
        side=int(head["side"]) if takes[first] else -int(head["side"]),
    )
