"""`Market`: a world, the traders written in Python, and the loop that drives the kernel."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from lob.blocks import header_of, record_address
from lob.book import BOOK
from lob.errors import RunError
from lob.extended.entry import lend_engine
from lob.tape import new_tape, rows_of
from sim.codes import STATUS_DONE, STATUS_EVENT_LIMIT, STATUS_PYTHON_WAKE, STATUS_TAPE_FULL
from sim.fingerprint import difference, fingerprint
from sim.kept_rows import KeptRows
from sim.kernel import run_kernel
from sim.python_traders import PythonTraders, make_traders
from sim.records import ACCOUNT_LIMIT, MAX_POPULATIONS, Status
from sim.settings import Conditional, Listing, Population, Scheduled, Session
from sim.trader import Trader
from sim.world import FORMAT_VERSION, build_world, new_runtime, reseed_world

__all__ = ["Market", "Snapshot"]

Rows = np.ndarray[Any, Any]
Sink = Callable[[Rows], None]
LOOK_S = 0.2
"""Wall seconds between two such looks when Python traders take most of the time."""
CHUNK_EVENTS = 500_000
"""Events between two looks at progress and at a request to stop: about a tenth of a second."""


_IN_MIDST = "an event is being handled"


@dataclass(frozen=True)
class Snapshot:
    """The whole state of a market at one instant: the world's block and each Python trader's declared state.

    Attributes:
        format_version: of the world.
        world: the block.
        traders: JSON list, one entry per Python trader.
        definition: what the market is made of, part by part, as `sim.fingerprint` says it.
        last_row: the tape's last row by then; empty if not known.
    """

    format_version: int
    world: bytes | memoryview
    traders: str
    definition: dict[str, str] = field(default_factory=dict)
    last_row: bytes = b""


class Market:
    """A simulated market.

    Args:
        listings: instruments with their fundamental value and fees.
        populations: who trades.
        session: opening and closing time.
        schedule: halts, reopenings and news at set times, or when a condition holds.
        seed: with the definition, determines every row of the tape.
        tape_rows: rows of the tape buffer; results do not depend on it.
        max_in_flight: messages that can be on their way at once; default: enough for every agent's full output
            up to a limit of 2^20.
        shared_stream: draw as if all agents shared one random generator, as many simulators do. One more order then
            changes every later draw of everybody. Only to show what that does to paired worlds.

    Example:
        >>> from lob import Instrument
        >>> from sim import ConstantValue, Listing, Population, Session, Trader
        >>> class Quoter(Trader):
        ...     def on_wake(self, view):
        ...         view.limit("buy", 9_998, 5)
        ...         return 60.0  # seconds until the next wake-up
        >>> listing = Listing(Instrument(reference_ticks=10_000), ConstantValue(10_000.0))
        >>> quoters = Population("quoters", 2, trader=lambda index: Quoter())
        >>> market = Market([listing], [quoters], Session(0, 300_000_000_000), seed=1)
        >>> market.run()
        True
        >>> market.tape["qty_lots"][market.tape["kind"] == 1].sum()  # lob.EventKind.ADD
        np.int64(50)

    Rows go to the sinks given to `run`; without any they are kept in memory (`market.tape`).
    """

    def __init__(
        self,
        listings: Sequence[Listing],
        populations: Sequence[Population],
        session: Session | None = None,
        schedule: Sequence[Scheduled | Conditional] = (),
        seed: int = 0,
        *,
        tape_rows: int = 65_536,
        max_in_flight: int | None = None,
        shared_stream: bool = False,
    ) -> None:
        self._definition = (tuple(listings), tuple(populations), session or Session(), tuple(schedule), seed)
        self._tape_rows = tape_rows
        n_agents = sum(p.count for p in populations)
        self._max_in_flight = max_in_flight or min(2**20, max(4096, 32 * n_agents))
        self._shared_stream = shared_stream
        self.session = self._definition[2]
        self._kept = KeptRows()
        self._last_row = b""
        self._running = self._in_kernel = False
        self._doing = ""
        self._failed = ""
        self._tape_block, self._tape = new_tape(tape_rows)
        self.runtime_block, self.runtime = new_runtime()
        for p, population in enumerate(populations[:MAX_POPULATIONS]):
            if population.policy is not None:
                self.runtime["policy_address"][p] = population.policy.address()
        traders, made = make_traders(populations)
        listed, _, of_day, entries, _ = self._definition
        self.world = build_world(listed, made, of_day, entries, seed, self._max_in_flight)
        self.world.header["shared_stream"] = shared_stream
        self.python_traders = PythonTraders(traders, made, self.world, self.runtime_block)
        self._header = self.world.header

    # ---- looking ----------------------------------------------------------------------------------------------

    @property
    def time_ns(self) -> int:
        """Simulated time in ns since midnight."""
        return int(self._header["time_ns"])

    @property
    def n_events(self) -> int:
        """Wake-ups, arrivals and scheduled entries handled so far."""
        return int(self._header["n_events"])

    @property
    def n_messages(self) -> int:
        """Messages that have arrived at the exchange."""
        return int(self._header["n_messages"])

    @property
    def n_rows(self) -> int:
        """Rows of the tape written so far, whoever has them."""
        return self._rows_in(self.world.block)

    @property
    def seed(self) -> int:
        """The seed that draws what is to come: the constructor's, or that of the last `reseed`."""
        return int(self._header["seed"])

    @property
    def first_seed(self) -> int:
        """The seed that the market was made with; snapshots belong to markets of one."""
        return int(self._definition[4])

    @property
    def first_row(self) -> int:
        """Rows that were written before the first one of `tape`: 0, unless they were never in this object.

        A fork's tape begins at the fork. A market restored from a snapshot keeps those rows that led to it, if it has
        all of them, and no others.
        """
        return self._kept.first_row

    @property
    def tape(self) -> Rows:
        """All rows from `first_row` on, without a gap, an EVENT array; rows that went to sinks are not in it."""
        return self._kept.rows

    def frame(self, words: bool = True) -> Any:
        """Return `tape` as a polars DataFrame, with words for kind, side, phase and reason or with their codes."""
        from sim.words import frame_of

        return frame_of(self.tape, words)

    def summary(self) -> Any:
        """Return a polars table, a row for each instrument: trades, volume, prices, spread, volatility.

        Raises:
            InputError: if the rows went to sinks and are not kept.
        """
        from sim.overview import summary_table

        return summary_table(self)

    def populations(self) -> Any:
        """Return a polars table, a row for each population: agents, orders, fills, rejects, position, profit."""
        from sim.overview import population_table

        return population_table(self)

    def plot(self, symbol: int = 0) -> Any:
        """Return the picture of an instrument, which a notebook shows; `.save(path)` writes it.

        Raises:
            InputError: if there is no such instrument, or the rows went to sinks and are not kept.
        """
        from sim.overview import picture_of

        return picture_of(self, symbol)

    def _repr_html_(self) -> str:
        from sim.overview import html_of

        return html_of(self)

    @property
    def traders(self) -> dict[int, Trader]:
        """Python traders by agent id."""
        return self.python_traders.traders

    # ---- running ----------------------------------------------------------------------------------------------

    def run(
        self,
        until_ns: int | None = None,
        sinks: Sequence[Sink] = (),
        on_progress: Callable[[Market], None] | None = None,
        should_stop: Callable[[], bool] | None = None,
    ) -> bool:
        """Run up to and including `until_ns` (default: the close).

        Args:
            until_ns: time to stop at, in ns since midnight.
            sinks: each is called with every stretch of tape rows, in order; the array is reused afterwards.
            on_progress: called every few hundred thousand events, and several times a second when traders are slow.
            should_stop: looked at equally often; True ends the call early.

        Returns:
            True if `until_ns` was reached, False if `should_stop` ended the call.

        Raises:
            RunError: if a capacity was exceeded or a trader failed; all rows up to there have reached the sinks.
        """
        self._check_usable("run")
        if self._running:
            raise RunError("run: the market is running already")
        outlets = list(sinks) or [self._keep]
        watched = on_progress is not None or should_stop is not None

        def look() -> bool:
            """Tell of progress; return whether to go on. Whoever looks finds all rows in the sinks."""
            self._flush(outlets)
            self._header["event_limit"] = 0  # belongs to this call, not to the state that a snapshot holds
            self._doing = ""
            if on_progress is not None:
                on_progress(self)
            go_on = should_stop is None or not should_stop()
            self._doing = _IN_MIDST
            self._header["event_limit"] = self.n_events + CHUNK_EVENTS
            return go_on

        self._running, self._doing, self._in_kernel = True, _IN_MIDST, False
        try:
            return self._drive(self.session.close_ns if until_ns is None else until_ns, outlets, look, watched)
        except BaseException as error:
            # Ctrl-C during a compiled call comes out after it, between two events, unless it had asked for a trader.
            between = isinstance(error, KeyboardInterrupt) and self._in_kernel and not self.traders
            if self._doing and not between:
                self._failed = f"{type(error).__name__}: {error}"
            raise
        finally:
            self.python_traders.forget_questions()  # there are some only if a trader or a panel failed
            self._header["event_limit"] = 0
            self._running = False
            try:
                self._flush(outlets)
            finally:
                self._doing = ""

    def _drive(self, target_ns: int, outlets: Sequence[Sink], look: Callable[[], bool], watched: bool) -> bool:
        """Call the kernel, and do what it returns for, until the target (True) or until `look` says to stop (False)."""
        traders = self.python_traders
        world, runtime = record_address(self.world.block), record_address(self.runtime_block)
        next_look_s = time.monotonic() + LOOK_S
        self._header["event_limit"] = self.n_events + CHUNK_EVENTS
        while True:
            self._in_kernel = True
            # While somebody waits for an answer, only what is due at this very instant goes on.
            until_ns = self.time_ns if traders.n_asking else target_ns
            status = run_kernel(world, runtime, record_address(self._tape_block), until_ns)
            self._in_kernel = False
            if status == STATUS_PYTHON_WAKE:
                traders.wake()
                if watched and not traders.n_asking and time.monotonic() >= next_look_s:
                    next_look_s = time.monotonic() + LOOK_S
                    if not look():
                        return False
            elif status == STATUS_TAPE_FULL and self._tape["asked"]:
                lend_engine(self._tape)
            elif status == STATUS_TAPE_FULL:
                if int(self._tape["cursor"]) == 0:
                    self._tape_block, self._tape = new_tape(2 * int(self._tape["capacity"]))
                self._flush(outlets)
            elif status == STATUS_DONE:
                if not traders.n_asking:
                    return True
                traders.answer()
            elif status != STATUS_EVENT_LIMIT:
                raise self.failure(Status(status))
            elif traders.n_asking:
                self._header["event_limit"] = self.n_events + CHUNK_EVENTS
            elif not look():
                return False

    def _keep(self, rows: Rows) -> None:
        self._kept.add(rows, self.n_rows)

    def _flush(self, outlets: Sequence[Sink]) -> None:
        rows = rows_of(self._tape_block)
        self._tape["cursor"] = 0
        if not len(rows):
            return
        self._last_row = rows[-1].tobytes()
        before, self._doing = self._doing, "rows are handed to the sinks"
        errors = []
        for outlet in outlets:
            # The others get theirs whichever fails, so that what they say is of the same rows.
            try:
                outlet(rows)
            except Exception as error:
                errors.append(error)
        if errors:
            self._failed = f"a sink failed: {errors[0]}"
            raise errors[0]
        self._doing = before

    def _check_usable(self, what: str) -> None:
        """Raise RunError if the state is that of half an event, or rows of it have not reached all sinks."""
        if self._failed:
            raise RunError(
                f"{what}: the market ended in the midst of an event ({self._failed}); allowed after restore() only"
            )
        if self._doing:
            raise RunError(f"{what}: not while {self._doing}; allowed: in on_progress, or when run() has returned")

    def failure(self, status: Status) -> RunError:
        """Return the error that says why a run cannot go on after this status of the kernel."""
        when = f"at {self.time_ns} ns, after {self.n_messages} messages"
        if status == Status.IN_FLIGHT_FULL:
            limit = self._max_in_flight
            return RunError(f"capacity exceeded {when}: {limit} messages in flight; raise max_in_flight")
        if status == Status.ACCOUNT_FULL:
            return RunError(
                f"capacity exceeded {when}: the account of agent {int(self._header['wake_agent'])} reached "
                f"{ACCOUNT_LIMIT:.2g} ticks x lots; make the instrument's ticks or lots larger"
            )
        if status == Status.BOOK_FULL:
            return RunError(f"capacity exceeded {when}: the book is full; raise the instrument's max_orders")
        agent = int(self._header["wake_agent"])
        population = self._definition[1][int(self.world.agents["population"][agent])].name
        return RunError(f"population {population} sent more messages in one decision than fit {when}")

    # ---- state ------------------------------------------------------------------------------------------------

    @cached_property
    def _fingerprint(self) -> dict[str, str]:
        return fingerprint(self.world, self._definition, self._max_in_flight, self._shared_stream)

    def _rows_in(self, block: Any) -> int:
        """Rows that had been written in the state that a block holds."""
        books = (int(self.world.symbols["off_book"][s]) for s in range(len(self.world.listings)))
        return sum(int(header_of(block[at:], BOOK)["sequence"]) for at in books)

    def snapshot(self, *, copy: bool = True) -> Snapshot:
        """Return the whole state. All rows that led to it have been handed to the sinks and are not part of it.

        Args:
            copy: False: `world` shows the market's own memory, to be written or restored elsewhere at once; it changes
                when the market runs on. A copy takes as much memory as the market.

        Raises:
            RunError: if a Python trader's state is not plain data, or there is no whole state: a trader is deciding, a
                sink is taking rows, or the last run ended with an error.
        """
        self._check_usable("snapshot")
        states = []
        for index, trader in self.traders.items():
            state = trader.state()
            if state is None and _remembers(trader):
                raise RunError(
                    f"trader {type(trader).__name__} (agent {index}) has attributes but declares no state(); "
                    "a snapshot would lose them"
                )
            states.append(state)
        try:
            text = json.dumps(states)
        except (TypeError, ValueError) as error:
            raise RunError(f"a trader's state() is not plain data: {error}") from None
        block = self.world.block
        world = block.tobytes() if copy else block.data.toreadonly()
        return Snapshot(FORMAT_VERSION, world, text, self._fingerprint, self._last_row)

    def restore(self, snapshot: Snapshot, *, any_seed: bool = False) -> None:
        """Go back (or forward) to a snapshot of the same market; see `first_row` for what `tape` then holds.

        Args:
            snapshot: of this market, or of one that was made alike.
            any_seed: take also the state of one that was made with another seed; `first_seed` stays what it is.

        Raises:
            RunError: if the snapshot belongs to another market or version, or this market is running.
        """
        if self._running:
            raise RunError("restore: not while the market is running; allowed: when run() has returned")
        if snapshot.format_version != FORMAT_VERSION:
            raise RunError(f"snapshot has format {snapshot.format_version}; this version reads {FORMAT_VERSION}")
        # With the seed goes the path of the fundamental, which is part of an instrument's word.
        of_seed = {name: snapshot.definition.get(name, "") for name in ("seed", "instruments") if any_seed}
        if (found := difference(snapshot.definition, {**self._fingerprint, **of_seed})) is not None:
            raise RunError(f"the snapshot belongs to another market: {found}")
        if len(snapshot.world) != len(self.world.block):
            raise RunError("the snapshot belongs to another market: its size differs")
        states = json.loads(snapshot.traders)
        block = np.frombuffer(snapshot.world, np.uint8)
        self._kept.go_to(self._rows_in(block), snapshot.last_row)
        self.world.block[:] = block
        self._last_row = snapshot.last_row
        self._tape["cursor"] = 0
        self._failed = ""
        for trader, state in zip(self.traders.values(), states, strict=True):
            trader.set_state(state)

    def fork(self) -> Market:
        """Return an independent market in the same state; what either does next does not touch the other."""
        other = Market(
            *self._definition,
            tape_rows=self._tape_rows,
            max_in_flight=self._max_in_flight,
            shared_stream=self._shared_stream,
        )
        other.restore(self.snapshot(copy=False))
        return other

    def reseed(self, seed: int) -> None:
        """Draw all that is still to come anew: the decisions from now on, and the further paths of the fundamentals.

        What has happened stays: books, positions, what agents remember, wake-ups that are set, messages on their way.
        With a snapshot before it, many futures can be run from one state.

        Raises:
            RunError: if there are Python traders, whose state is their own.
        """
        if self.traders:
            raise RunError("reseed: a Python trader keeps its own state; only compiled policies can be reseeded")
        reseed_world(self.world, seed, self.session)


def _remembers(trader: Trader) -> bool:
    return bool(vars(trader)) and type(trader).state is Trader.state
