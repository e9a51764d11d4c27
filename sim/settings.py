"""What a market is made of: listings, populations, latency, limits, session. Plain frozen dataclasses."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lob.errors import FieldError, InputError
from lob.fields import whole
from lob.rules import Instrument
from lob.types import Phase
from lob.units import DAY_NS, SECOND_NS
from sim.bulletins import Bulletin
from sim.fundamental import Fundamental
from sim.heap import LAST_NS
from sim.policy import Policy, Settings
from sim.price_step import LARGEST_STEP
from sim.records import N_SLICES, ConditionKind, LatencyKind, ScheduledKind
from sim.venue import VenueRules

__all__ = ["Conditional", "Latency", "Listing", "Population", "RiskLimits", "Scheduled", "Session"]


@dataclass(frozen=True)
class Latency:
    """Time from decision to arrival at the exchange, drawn for each message; at least 1 ns.

    CONSTANT uses `a_ns`; UNIFORM draws between `a_ns` and `b_ns`; LOGNORMAL has median `a_ns` and sigma `sigma`.
    """

    kind: LatencyKind = LatencyKind.CONSTANT
    a_ns: float = 1.0
    b_ns: float = 0.0
    sigma: float = 0.0


@dataclass(frozen=True)
class RiskLimits:
    """Pre-trade limits of each agent of a population; 0: no limit.

    Open orders and messages are counted over all symbols of an agent, a position is that in one symbol.
    """

    max_order_lots: int = 0
    max_notional: int = 0
    """Largest price x quantity of one order, in ticks x lots."""
    max_position_lots: int = 0
    """Largest absolute position if all resting orders of one side were filled."""
    max_open_orders: int = 0
    """Most orders at rest; what never rests (market, IOC and FOK orders) passes."""
    max_messages_per_s: int = 0
    max_messages_per_fill: int = 0
    """Most messages to an instrument for each fill there, and one more (an order-to-trade limit); cancels pass."""

    def __post_init__(self) -> None:
        """Raise FieldError for what is not a whole number from 0 to 2^62."""
        for name in self.__dataclass_fields__:
            object.__setattr__(self, name, whole(name, getattr(self, name), 0, 2**62, "limits: "))


@dataclass(frozen=True)
class Listing:
    """An instrument on this market: its book, its fundamental value, its fees, its tick in money and its lot in shares.

    Fees are in parts per million of the traded value (1 basis point = 100 ppm); negative: a rebate. They are charged
    exactly, so they must be whole thousandths of a ppm (0.00001 basis points). Limit prices are multiples of
    `price_step_ticks`: see sim.price_step.
    """

    instrument: Instrument
    fundamental: Fundamental
    tick_size: float = 0.01
    maker_fee_ppm: float = 0
    taker_fee_ppm: float = 0
    lot_size: float = 1.0
    price_step_ticks: int = 1
    venue: VenueRules = field(default_factory=VenueRules)

    def __post_init__(self) -> None:
        """Raise FieldError for a fee of more than the value, or finer than what is charged, or a step below 1."""
        if not 1 <= self.price_step_ticks <= LARGEST_STEP:
            raise FieldError(
                f"instrument {self.instrument.name}: price_step_ticks = {self.price_step_ticks!r}; allowed: 1 to "
                f"{LARGEST_STEP:,}"
            )
        for name in ("maker_fee_ppm", "taker_fee_ppm"):
            fee = getattr(self, name)
            if not (-1e6 <= fee <= 1e6) or abs(1000 * fee - round(1000 * fee)) > 1e-6:
                raise FieldError(
                    f"instrument {self.instrument.name}: {name} = {fee!r}; allowed: -1e6 to 1e6 in steps of 0.001"
                )

    @property
    def tick_value(self) -> float:
        """What one lot is worth more when its price is a tick higher, in money."""
        return self.tick_size * self.lot_size

    @property
    def fees_ppb(self) -> tuple[int, int]:
        """Maker's and taker's fee in parts per billion."""
        return round(1000 * self.maker_fee_ppm), round(1000 * self.taker_fee_ppm)


@dataclass(frozen=True)
class Population:
    """A group of agents of one kind, or (with `trader`) of Python traders.

    Attributes:
        name: unique; with the index it makes each agent's key.
        count: number of agents.
        policy: the compiled policy, or None for Python traders.
        settings: settings of the policy.
        trader: for Python traders: called with the index in the population, returns a sim.trader.Trader.
        reaction_ns: time from a market event to the wake-up that it triggers, at least 1.
        symbol: index of the instrument that the agents trade.
        watch: index of a second one whose touch they see, which wakes them, and to which a policy may also send.
        bulletins: texts that Python traders find in their view once they have learnt of them.
        firm: agents of one firm count as one for self-trade prevention; "": each for itself.
        lead_percent: share of each of its agents as lead market maker, where the instrument's allocation knows leads.
    """

    name: str
    count: int
    policy: Policy | None = None
    settings: Settings | None = None
    trader: Callable[[int], Any] | None = None
    symbol: int = 0
    watch: int | None = None
    latency: Latency = field(default_factory=Latency)
    reaction_ns: int = 1
    limits: RiskLimits = field(default_factory=RiskLimits)
    bulletins: tuple[Bulletin, ...] = ()
    firm: str = ""
    lead_percent: int = 0


@dataclass(frozen=True)
class Scheduled:
    """Something that happens at a set time: a phase of one symbol, or news with a number."""

    time_ns: int
    kind: ScheduledKind
    value: float
    symbol: int = 0


@dataclass(frozen=True)
class Conditional:
    """Something that happens when a condition holds, such as a circuit breaker.

    Attributes:
        condition: what it waits for.
        ticks: how far the price must move, or how wide the spread must be; with `share`, their sum.
        share: the same as a share of the price, whose sign does not count; a price of 0 counts as 1.
        within_ns: length of the window of a price condition.
        kind: what happens then: a phase, news, a kill switch.
        value: as of Scheduled.
        lasts_ns: after so long the phase is `end_value`, unless it is another one by then; 0: it stays. Of two halts
            that overlap the first to end reopens the market.
        end_value: see there.
        times: how often it may happen.
        symbol: whose price or spread, and whose phase or news.
    """

    condition: ConditionKind
    kind: ScheduledKind
    value: float
    ticks: float = 0.0
    share: float = 0.0
    within_ns: int = 300 * SECOND_NS
    lasts_ns: int = 0
    end_value: float = float(Phase.CONTINUOUS)
    times: int = 1
    symbol: int = 0

    def __post_init__(self) -> None:
        """Raise InputError if it could hold at once, or never happen."""
        if not (self.ticks >= 0 and self.share >= 0 and self.ticks + self.share > 0):
            raise InputError(f"conditional: ticks = {self.ticks}, share = {self.share}; allowed: one above 0")
        for name, least in (("within_ns", N_SLICES), ("lasts_ns", 0), ("times", 1)):
            object.__setattr__(self, name, whole(name, getattr(self, name), least, 2**61, "conditional: "))
        if self.lasts_ns > 0 and self.kind != ScheduledKind.PHASE:
            raise InputError(f"conditional: lasts_ns = {self.lasts_ns}; allowed: 0, only a phase can end")


@dataclass(frozen=True)
class Session:
    """Opening and closing time in ns since midnight."""

    open_ns: int = (9 * 3600 + 30 * 60) * SECOND_NS
    close_ns: int = 16 * 3600 * SECOND_NS

    def __post_init__(self) -> None:
        """Raise InputError if the session ends before it starts, or later than the clock can say."""
        if not 0 <= self.open_ns < self.close_ns:
            raise InputError(
                f"session: close_ns = {self.close_ns} is not after open_ns = {self.open_ns}; allowed: 0 <= open < close"
            )
        if self.close_ns >= LAST_NS:
            raise InputError(f"session: close_ns = {self.close_ns}; allowed: below {LAST_NS} (39 hours)")

    def ns(self, time_ns: int) -> int:
        """Return a time of day in ns since the midnight before the open; of the next day, if it is before the open."""
        return time_ns + DAY_NS if time_ns < self.open_ns and self.close_ns > DAY_NS else time_ns


def full_schedule(session: Session, n_symbols: int, extra: Iterable[Scheduled]) -> list[Scheduled]:
    """Return the session's phases and the extra entries, in time order; closed at the close, whatever else."""
    phases = [Scheduled(session.open_ns, ScheduledKind.PHASE, Phase.CONTINUOUS, s) for s in range(n_symbols)]
    closes = [Scheduled(session.close_ns, ScheduledKind.PHASE, Phase.CLOSED, s) for s in range(n_symbols)]
    return sorted([*phases, *extra], key=lambda entry: entry.time_ns) + closes


def as_grid(values: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return values as a contiguous float64 array."""
    return np.ascontiguousarray(values, np.float64)
