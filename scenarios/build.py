"""From a scenario to a market: kinds looked up, settings checked, units turned into ticks, lots and nanoseconds."""

from __future__ import annotations

import hashlib
import inspect
import json
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lob.errors import InputError
from lob.rules import Instrument
from scenarios.kinds import check_arguments, find_policy, find_trader
from scenarios.load import Source, load_scenario, validate
from scenarios.recordings import halts_of_recordings, in_ticks_of
from scenarios.schedule import schedule_of
from scenarios.schema import Scenario
from scenarios.schema_agents import Group, TraderTable, duration_ns
from scenarios.schema_instrument import InstrumentTable
from scenarios.tables import time_ns
from scenarios.versions import version
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

__all__ = ["Built", "build", "build_market"]


@dataclass(frozen=True)
class Built:
    """A scenario whose every part has been found and checked.

    Attributes:
        name: the scenario file's name without its ending.
        scenario: the tables with the defaults of all settings filled in and paths made absolute.
        listings, populations, session, schedule: what a Market is made of.
        content: hash of the scenario and of the files that it names; see `config_hash`.
    """

    name: str
    scenario: Scenario
    listings: tuple[Listing, ...]
    populations: tuple[Population, ...]
    session: Session
    schedule: tuple[Scheduled | Conditional, ...]
    content: str

    def market(self, seed: int | None = None, *, shared_stream: bool = False) -> Market:
        """Return a fresh market before its open.

        Args:
            seed: default: the scenario's own.
            shared_stream: see Market.
        """
        return Market(
            self.listings,
            self.populations,
            self.session,
            self.schedule,
            self.scenario.seed if seed is None else seed,
            max_in_flight=self.scenario.max_in_flight,
            shared_stream=shared_stream,
        )

    def config_hash(self, seed: int) -> str:
        """Return a hash of all that determines the tape, as far as this scenario decides it."""
        return hashlib.sha256(f"{self.content}/{seed}".encode()).hexdigest()


def build_market(scenario: str | Path, seed: int | None = None, overrides: Sequence[str] = ()) -> Market:
    """Return the market of a scenario file or library name, ready to run.

    Example:
        >>> market = build_market("first_market", seed=7)      # doctest: +SKIP

    Raises:
        InputError: if the scenario is wrong in any way.
    """
    return build(load_scenario(str(scenario), overrides)).market(seed)


def build(source: Source) -> Built:
    """Return the checked parts of a scenario.

    Raises:
        InputError: one line that names the file, the dotted path, the value and what is allowed.
    """
    scenario, file, folder = source.scenario, str(source.path), source.path.parent
    symbols = [table.name for table in scenario.instrument]
    groups: list[Population] = []
    traders: list[Population] = []
    rows: dict[str, list[dict[str, Any]]] = {"population": [], "trader": []}
    modules: set[str] = set()
    data_files: list[Path] = []
    for k, row in enumerate(scenario.population):
        where = f"population[{k}]"
        policy = find_policy(row.kind, folder, f"{file}: {where}.kind")
        settings = validate(policy.settings, row.settings, file, f"{where}.settings")
        files = file_fields(policy.settings)
        paths = {name: str(_resolve(getattr(settings, name), folder)) for name in files if getattr(settings, name)}
        for name, path in paths.items():
            if not Path(path).is_file():
                raise InputError(f"{file}: {where}.settings.{name}: no file {path}")
        listed = symbols.index(row.symbol) if row.symbol is not None else 0
        settings = in_ticks_of(settings, scenario.instrument[listed].tick_size)
        settings = settings.model_copy(update=paths)
        data_files += map(Path, paths.values())
        groups.append(Population(policy=policy, settings=settings, **_common(row, symbols)))
        rows["population"].append(_plain(settings.model_dump()))
        modules.add(row.kind.partition(":")[0] if ":" in row.kind else "")
    for k, trader_row in enumerate(scenario.trader):
        where = f"{file}: trader[{k}]"
        trader = find_trader(trader_row.kind, folder, f"{where}.kind")
        check_arguments(trader, trader_row.settings, f"{where}.settings")
        told = _bulletins(scenario, trader_row, symbols)
        made = _maker(trader, trader_row.settings)
        traders.append(Population(trader=made, bulletins=told, **_common(trader_row, symbols)))
        rows["trader"].append(dict(trader_row.settings))
        backend = trader_row.settings.get("backend")
        if isinstance(backend, dict) and backend.get("weights"):
            data_files.append(Path(backend["weights"]) / "model.safetensors")
        modules.add(trader_row.kind.partition(":")[0] if ":" in trader_row.kind else "")
    # Traders are numbered first: an added population, such as an experiment's metaorder, then moves nobody's number.
    groups = traders + groups
    session = Session(time_ns(scenario.session.open), time_ns(scenario.session.close))
    n_agents = sum(group.count for group in groups)
    listings, instruments = [], []
    for k, table in enumerate(scenario.instrument):
        listings.append(_listing(table, folder, n_agents, _value_jumps(scenario, table, k)))
        _check_file_range(table, listings[-1], session, f"{file}: instrument[{k}].fundamental.path")
        instruments.append(_absolute(table, folder))
    resolved = scenario.model_copy(
        update={
            "instrument": tuple(instruments),
            "population": _with_settings(scenario.population, rows["population"]),
            "trader": _with_settings(scenario.trader, rows["trader"]),
        }
    )
    named = [Path(t.fundamental.path) for t in instruments if t.fundamental.kind == "file"]
    named += data_files + [Path(sys.modules[m].__file__ or "") for m in sorted(modules - {""})]
    return Built(
        source.name,
        resolved,
        tuple(listings),
        tuple(groups),
        session,
        (*schedule_of(scenario, symbols), *halts_of_recordings(groups, session)),
        _content_hash(resolved, named, {str(path) for path in data_files}),
    )


def _content_hash(scenario: Scenario, paths: list[Path], data_files: set[str]) -> str:
    """Hash what determines the tape. Files count by content, so a run may be moved to another folder."""
    tables = scenario.model_dump(mode="json", exclude={"seed", "description", "record", "calibrate"})
    for instrument in tables["instrument"]:
        instrument["fundamental"].pop("path", None)
    for group in tables["population"]:
        group["settings"] = {k: v for k, v in group["settings"].items() if str(v) not in data_files}
    for group in tables["trader"]:
        # Where replies are written or come from; what they say is the model's and the market's.
        if isinstance(group["settings"].get("backend"), dict):
            backend = group["settings"]["backend"].items()
            group["settings"]["backend"] = {k: v for k, v in backend if k not in ("record", "replay")}
    digest = hashlib.sha256(json.dumps(tables, sort_keys=True).encode())
    digest.update(version().encode())
    for path in paths:
        digest.update(path.read_bytes() if path.is_file() else b"")
    return digest.hexdigest()


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
        "latency": _latency(row.latency),
        "reaction_ns": row.reaction_ns,
        "limits": RiskLimits(**row.limits.model_dump()),
    }


def _maker(trader: Any, settings: dict[str, Any]) -> Callable[[int], Any]:
    """Return what makes the traders of a population; those whose class has an argument `index` are told theirs."""
    if "index" in inspect.signature(trader).parameters and "index" not in settings:
        return lambda index: trader(index=index, **settings)
    return lambda index: trader(**settings)


def _bulletins(scenario: Scenario, row: TraderTable, symbols: list[str]) -> tuple[Bulletin, ...]:
    """Return the texts that a group of traders learns of, each at its own time."""
    told = []
    for event in scenario.event:
        if event.kind != "bulletin" or not event.enabled or (event.symbol or symbols[0]) != (row.symbol or symbols[0]):
            continue
        delays = [heard.delay_s for heard in event.heard_by if heard.trader == row.name]
        if delays or event.public:
            at = time_ns(event.at) + round(min(delays, default=0.0) * 1e9) + row.reaction_ns
            told.append(Bulletin(at, event.text, event.topic))
    return tuple(told)


def _latency(table: Any) -> Latency:
    if table.kind == "constant":
        return Latency(LatencyKind.CONSTANT, a_ns=duration_ns(table, "delay"))
    if table.kind == "uniform":
        low, high = duration_ns(table, "low"), duration_ns(table, "high")
        return Latency(LatencyKind.UNIFORM, a_ns=low, b_ns=high)
    return Latency(LatencyKind.LOGNORMAL, a_ns=duration_ns(table, "median"), sigma=table.sigma)


def _value_jumps(scenario: Scenario, table: InstrumentTable, position: int) -> tuple[tuple[int, float], ...]:
    """Return (time, ticks) of the news that move an instrument's fundamental value."""
    return tuple(
        (time_ns(event.at), event.value)
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
    )
    fees = {side: round(100 * getattr(table, f"{side}_fee_bps")) for side in ("maker", "taker")}
    fundamental = _fundamental(table, folder)
    if jumps:
        fundamental = WithJumps(fundamental, jumps)
    return Listing(instrument, fundamental, table.tick_size, fees["maker"], fees["taker"])


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
