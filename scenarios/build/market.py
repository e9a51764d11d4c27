"""From a scenario to a market: kinds looked up, settings checked, units turned into ticks, lots and nanoseconds."""

from __future__ import annotations

import hashlib
import math
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from lob.errors import InputError
from lob.rules import Instrument
from scenarios.build.content import content_hash, found_file, resolved_paths
from scenarios.build.kinds import find_policy, find_trader
from scenarios.build.own_code import code_digest
from scenarios.build.recordings import halts_of_recordings, in_units_of, with_openings
from scenarios.build.schedule import schedule_of
from scenarios.build.traders import trader_maker
from scenarios.schema.agents import Group, TraderTable, duration_ns
from scenarios.schema.instrument import InstrumentTable
from scenarios.schema.load import Source, load_scenario, validate
from scenarios.schema.scenario import Scenario
from scenarios.schema.tables import row_path
from sim.bulletins import Bulletin
from sim.distributions import file_fields
from sim.fundamental import (
    ConstantValue,
    Fundamental,
    OrnsteinUhlenbeck,
    SparseMeanReverting,
    ValueFromFile,
    WithJumps,
)
from sim.market import Market
from sim.records import LatencyKind
from sim.settings import Conditional, Latency, Listing, Population, RiskLimits, Scheduled, Session

__all__ = ["Built", "Place", "build", "build_market", "checked_seed", "latency_of"]


@dataclass(frozen=True)
class Place:
    """Where a group of a scenario stands in its market. Traders are numbered first; nobody else needs to know.

    Attributes:
        name, kind, count: as in the scenario.
        position: index of the population in the market.
        first_agent: id of its first agent; the others follow.
        symbol: index of the instrument.
        population: what the market is given.
    """

    name: str
    kind: str
    position: int
    first_agent: int
    count: int
    symbol: int
    population: Population

    @property
    def agents(self) -> slice:
        """Ids of its agents, as rows of the tables of agents and accounts."""
        return slice(self.first_agent, self.first_agent + self.count)


@dataclass(frozen=True)
class Built:
    """A scenario whose every part has been found and checked.

    Attributes:
        name: the scenario file's name without its ending.
        scenario: the tables with the defaults of all settings filled in and paths made absolute.
        listings, populations, session, schedule: what a Market is made of.
        content: hash of the scenario and of the files that it names; see `config_hash`.
        stamps: those files as they were: path, time of the last change in ns, bytes.
    """

    name: str
    scenario: Scenario
    listings: tuple[Listing, ...]
    populations: tuple[Population, ...]
    session: Session
    schedule: tuple[Scheduled | Conditional, ...]
    content: str
    stamps: tuple[tuple[str, int, int], ...] = ()

    @cached_property
    def groups(self) -> tuple[Place, ...]:
        """All populations and traders in the order of the market."""
        kinds = {row.name: row.kind for row in (*self.scenario.population, *self.scenario.trader)}
        places: list[Place] = []
        first = 0
        for position, group in enumerate(self.populations):
            places.append(Place(group.name, kinds[group.name], position, first, group.count, group.symbol, group))
            first += group.count
        return tuple(places)

    @property
    def is_current(self) -> bool:
        """Whether the files that the scenario names are as they were when it was built."""
        return _stamps([Path(file) for file, _, _ in self.stamps]) == self.stamps

    @property
    def n_agents(self) -> int:
        """Number of all agents."""
        return sum(group.count for group in self.populations)

    def group(self, name: str) -> Place:
        """Return where a population or trader stands; raise KeyError if there is none of the name."""
        return next((place for place in self.groups if place.name == name), None) or _no_group(name)

    def market(self, seed: int | None = None, *, shared_stream: bool = False) -> Market:
        """Return a fresh market before its open.

        Args:
            seed: default: the scenario's own.
            shared_stream: see Market.

        Raises:
            InputError: if the seed is not a whole number from 0 to 2^63 - 1.
        """
        return Market(
            self.listings,
            self.populations,
            self.session,
            self.schedule,
            self.scenario.seed if seed is None else checked_seed(seed),
            max_in_flight=self.scenario.max_in_flight,
            shared_stream=shared_stream,
        )

    def config_hash(self, seed: int) -> str:
        """Return a hash of all that determines the tape, as far as this scenario decides it."""
        return hashlib.sha256(f"{self.content}/{checked_seed(seed)}".encode()).hexdigest()


def _no_group(name: str) -> Place:
    raise KeyError(name)


def checked_seed(seed: Any, option: str = "seed") -> int:
    """Return a seed as a plain int; NumPy's integers are ones too.

    Raises:
        InputError: if it is not a whole number from 0 to 2^63 - 1.
    """
    try:
        number = -1 if isinstance(seed, bool) else operator.index(seed)
    except TypeError:
        number = -1
    if not 0 <= number < 2**63:
        shown = seed if not isinstance(seed, int) or abs(seed) < 10**40 else "a number of more than 40 digits"
        raise InputError(f"{option} = {shown}; allowed: a whole number from 0 to {2**63 - 1}")
    return number


def build_market(scenario: str | Path, seed: int | None = None, overrides: Sequence[str] = ()) -> Market:
    """Return the market of a scenario file or library name, ready to run.

    Example:
        >>> market = build_market("first_market", seed=7)
        >>> market.run(market.session.open_ns + 60_000_000_000)
        True
        >>> market.tape["sequence"][:3].tolist()
        [1, 2, 3]

    Raises:
        InputError: if the scenario is wrong in any way.
    """
    return build(load_scenario(str(scenario), overrides)).market(seed)


def build(source: Source) -> Built:
    """Return the checked parts of a scenario.

    Raises:
        InputError: one line that names the file, the dotted path, the value and what is allowed.
    """
    file, folder = str(source.path), source.path.parent
    scenario = with_openings(source.scenario, folder, file)
    symbols = [table.name for table in scenario.instrument]
    groups: list[Population] = []
    traders: list[Population] = []
    rows: dict[str, list[dict[str, Any]]] = {"population": [], "trader": []}
    files: list[Path] = []
    for k, row in enumerate(scenario.population):
        where = row_path("population", k, [other.name for other in scenario.population])
        policy = find_policy(row.kind, folder, f"{file}: {where}.kind")
        settings = validate(policy.settings, row.settings, file, f"{where}.settings")
        named = [name for name in file_fields(policy.settings) if getattr(settings, name)]
        paths = {
            name: found_file(getattr(settings, name), folder, f"{file}: {where}.settings.{name}") for name in named
        }
        listed = symbols.index(row.symbol) if row.symbol is not None else 0
        settings = in_units_of(settings, scenario.instrument[listed])
        settings = settings.model_copy(update={name: str(path) for name, path in paths.items()})
        files += paths.values()
        groups.append(Population(policy=policy, settings=settings, **_common(row, symbols)))
        rows["population"].append(_plain(settings.model_dump()))
    for k, trader_row in enumerate(scenario.trader):
        path = row_path("trader", k, [other.name for other in scenario.trader])
        where = f"{file}: {path}"
        trader = find_trader(trader_row.kind, folder, f"{where}.kind")
        known = getattr(trader, "files", ())
        arguments, named_files = resolved_paths(trader_row.settings, known, folder, f"{where}.settings")
        made = trader_maker(trader, arguments, file, f"{path}.settings")
        told = _bulletins(scenario, trader_row, symbols)
        traders.append(Population(trader=made, bulletins=told, **_common(trader_row, symbols)))
        rows["trader"].append(arguments)
        files += named_files
    # Traders are numbered first: an added population, such as an experiment's metaorder, then moves nobody's number.
    groups = traders + groups
    session = Session(scenario.session.open_ns, scenario.session.close_ns)
    n_agents = sum(group.count for group in groups)
    listings, instruments = [], []
    for k, table in enumerate(scenario.instrument):
        where = f"{file}: {row_path('instrument', k, symbols)}.fundamental.path"
        if table.fundamental.kind == "file":
            files.append(found_file(table.fundamental.path, folder, where))
        listings.append(_listing(table, folder, n_agents, _value_jumps(scenario, table, k)))
        _check_file_range(table, listings[-1], session, where)
        instruments.append(_absolute(table, folder))
    resolved = scenario.model_copy(
        update={
            "instrument": tuple(instruments),
            "population": _with_settings(scenario.population, rows["population"]),
            "trader": _with_settings(scenario.trader, rows["trader"]),
        }
    )
    kinds = [row.kind for row in (*scenario.population, *scenario.trader)]
    code = code_digest({kind.partition(":")[0] for kind in kinds if ":" in kind}, folder)
    positions = {group.name: position for position, group in enumerate(groups)}
    return Built(
        source.name,
        resolved,
        tuple(listings),
        tuple(groups),
        session,
        (*schedule_of(scenario, symbols, positions), *halts_of_recordings(groups, session)),
        content_hash(resolved, files, code),
        _stamps(files),
    )


def _stamps(files: Sequence[Path]) -> tuple[tuple[str, int, int], ...]:
    parts = [part for path in files for part in (sorted(path.rglob("*")) if path.is_dir() else [path])]
    return tuple((str(path), path.stat().st_mtime_ns, path.stat().st_size) for path in parts if path.is_file())


def _with_settings(rows: Sequence[Any], settings: list[dict[str, Any]]) -> tuple[Any, ...]:
    return tuple(r.model_copy(update={"settings": s}) for r, s in zip(rows, settings, strict=True))


def _plain(value: Any) -> Any:
    """Drop what says nothing: nulls, and the infinite bounds of distributions."""
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items() if not _is_absent(v)}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _is_absent(value: Any) -> bool:
    return value is None or (isinstance(value, float) and not math.isfinite(value))


def _common(row: Group, symbols: list[str]) -> dict[str, Any]:
    return {
        "name": row.name,
        "count": row.count,
        "symbol": symbols.index(row.symbol) if row.symbol is not None else 0,
        "watch": symbols.index(row.watch) if row.watch is not None else None,
        "latency": latency_of(row.latency),
        "reaction_ns": row.reaction_ns,
        "limits": RiskLimits(**row.limits.model_dump()),
        "firm": row.firm or "",
        "lead_percent": row.lead_percent,
    }


def _bulletins(scenario: Scenario, row: TraderTable, symbols: list[str]) -> tuple[Bulletin, ...]:
    """Return the texts that a group of traders learns of, each at its own time."""
    told = []
    for event in scenario.event:
        if event.kind != "bulletin" or not event.enabled or (event.symbol or symbols[0]) != (row.symbol or symbols[0]):
            continue
        delays = [heard.delay_s for heard in event.heard_by if heard.trader == row.name]
        if delays or event.public:
            at = scenario.session.ns(event.at) + round(min(delays, default=0.0) * 1e9) + row.reaction_ns
            told.append(Bulletin(at, event.text, event.topic))
    return tuple(told)


def latency_of(table: Any) -> Latency:
    """Return the latency that a scenario's table describes."""
    if table.kind == "constant":
        return Latency(LatencyKind.CONSTANT, a_ns=duration_ns(table, "delay"))
    if table.kind == "uniform":
        low, high = duration_ns(table, "low"), duration_ns(table, "high")
        return Latency(LatencyKind.UNIFORM, a_ns=low, b_ns=high)
    return Latency(LatencyKind.LOGNORMAL, a_ns=duration_ns(table, "median"), sigma=table.sigma)


def _value_jumps(scenario: Scenario, table: InstrumentTable, position: int) -> tuple[tuple[int, float], ...]:
    """Return (time, ticks) of the news that move an instrument's fundamental value."""
    return tuple(
        (scenario.session.ns(event.at), event.value)
        for event in scenario.event
        if ((event.kind == "news" and event.moves_value) or (event.kind == "bulletin" and event.is_true))
        and event.enabled and (event.symbol == table.name or (event.symbol is None and position == 0))
    )  # fmt: skip


def _listing(table: InstrumentTable, folder: Path, n_agents: int, jumps: tuple[tuple[int, float], ...] = ()) -> Listing:
    names = ("name", "n_prices", "min_order_lots", "max_order_lots", "collar_ticks", "reference_ticks",
             "replace_keeps_priority")  # fmt: skip
    instrument = Instrument(
        min_price_ticks=table.first_price_ticks,
        max_orders=table.max_orders or min(2**26, max(65_536, 8 * n_agents)),
        **{name: getattr(table, name) for name in names},
        **table.book_rules(n_agents),
    )
    # In ppm; the schema has seen to it that nothing is lost by the rounding.
    fees = {side: round(100 * getattr(table, f"{side}_fee_bps"), 3) for side in ("maker", "taker")}
    fundamental = _fundamental(table, folder)
    if jumps:
        fundamental = WithJumps(fundamental, jumps)
    return Listing(
        instrument,
        fundamental,
        table.tick_size,
        fees["maker"],
        fees["taker"],
        table.lot_size,
        table.price_step_ticks,
        table.venue_rules(),
    )


def _fundamental(table: InstrumentTable, folder: Path) -> Fundamental:
    spec = table.fundamental
    if spec.kind == "file":
        return ValueFromFile(path=str(_resolve(spec.path, folder)))
    settings = spec.model_dump(exclude={"kind"}, exclude_none=True)
    level = "value_ticks" if spec.kind == "constant" else "mean_ticks"
    settings.setdefault(level, float(table.reference_ticks))
    kinds: dict[str, Callable[..., Fundamental]] = {
        "constant": ConstantValue,
        "ou": OrnsteinUhlenbeck,
        "sparse_mean_reverting": SparseMeanReverting,
    }
    return kinds[spec.kind](**settings)


def _resolve(path: str, folder: Path) -> Path:
    return (folder / path).resolve()


def _absolute(table: InstrumentTable, folder: Path) -> InstrumentTable:
    if table.fundamental.kind != "file":
        return table
    path = str(_resolve(table.fundamental.path, folder))
    return table.model_copy(update={"fundamental": table.fundamental.model_copy(update={"path": path})})


def _check_file_range(table: InstrumentTable, listing: Listing, session: Session, where: str) -> None:
    """A recorded value beyond the book's prices is a mistake in units, most likely money for ticks."""
    if table.fundamental.kind != "file":
        return
    try:
        values = listing.fundamental.grid(0, table.name, session.open_ns, session.close_ns)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
    low, high = table.first_price_ticks, table.first_price_ticks + table.n_prices - 1
    if values.min() < low or values.max() > high:
        raise InputError(
            f"{where}: value_ticks from {values.min():g} to {values.max():g}; allowed: {low} to {high} ticks, "
            "the instrument's price range"
        )
