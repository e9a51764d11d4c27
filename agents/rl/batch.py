"""`MarketBatch`: many markets with learners in them, stepped together by one compiled call; under all environments."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, Unpack

import numpy as np

from agents.rl._checks import market_seed, whole
from agents.rl._crew import Crew
from agents.rl._stepping import (
    ANSWERS_DUE,
    ENDED,
    MARKET,
    N_FACTS,
    RESUME,
    step_markets,
)
from agents.rl.custom import Observation, observed
from agents.rl.features import FEATURES
from agents.rl.memory import feature_cells
from agents.rl.options import BatchOptions, check_options
from agents.rl.rewards import Rewards
from agents.rl.task import Task, task_of, tasks
from lob.blocks import record_address
from lob.compiled import function_address
from lob.errors import InputError, RunError
from lob.extended.entry import lend_engine
from lob.tape import new_tape, rows_of
from sim.driver import Driver
from sim.market import Market, Snapshot
from sim.policy import DECIDE_ARGUMENTS
from sim.records import Status

__all__ = ["Batch", "MakeMarket", "MarketBatch", "batch_of"]

MakeMarket = Callable[[int], Market]
"""Returns a fresh market of a seed, before its open, in which one population is that of a learning agent."""
TAPE_ROWS = 4096


@dataclass(frozen=True)
class _Warm:
    """A market at its first decision: its state, and its rows of `MarketBatch._of_markets`."""

    snapshot: Snapshot
    row: np.ndarray[Any, Any]
    seen: np.ndarray[Any, Any]
    facts: np.ndarray[Any, Any]
    awake: np.ndarray[Any, Any]


class Batch(Protocol):
    """What environments stand on: n worlds with k learners each; see MarketBatch for the meaning of all parts."""

    n: int
    k: int
    task: Task
    features: tuple[str, ...]
    n_actions: int
    n_continuous: int
    actions: np.ndarray[Any, Any]
    observations: np.ndarray[Any, Any]
    facts: np.ndarray[Any, Any]
    over: np.ndarray[Any, Any]
    closed: np.ndarray[Any, Any]
    seeds: list[int]
    observation: Observation | None

    @property
    def most_steps(self) -> int:
        """Decisions of an episode that nothing ends early."""

    def reset(self, m: int, seed: int) -> None:
        """Begin world m anew."""

    def step(self) -> np.ndarray[Any, Any]:
        """Do all actions; return reward, pnl and penalty, shape (n, k, 3)."""


def batch_of(make_market: MakeMarket | Batch, n: int, **options: Any) -> Any:
    """Return a MarketBatch of n markets, or the batch that was given, such as one of agents.rl.models.

    Raises:
        InputError: if a given batch has another size, or options are given with it.
    """
    n = whole(n, "num_envs", 1)
    if callable(make_market):
        return MarketBatch(make_market, n, **options)
    given = [name for name, value in options.items() if value not in (None, False, 1)]
    if given:
        raise InputError(f"{', '.join(given)}: given beside a batch; allowed: with make_market only")
    if not hasattr(make_market, "n"):
        raise InputError(f"make_market = {make_market!r}; allowed: a function from a seed to a Market, or a batch")
    if make_market.n != n:
        raise InputError(f"the batch has {make_market.n} worlds; allowed: {n}")
    return make_market


class MarketBatch:
    """n markets with k learners each, which wake at the same times.

    Args:
        make_market: see MakeMarket.
        n: markets.
        options: see agents.rl.options.

    Attributes:
        observations: float32 (n, k, features), of the last look.
        facts: float64 (n, k, N_FACTS).
        awake: bool (n, k), who decides next.
        over: bool (n, k), whose task has ended.
        closed: bool (n, k), whose market closed at this step with the task not over.
        seeds: of the present episodes, -1 before the first.

    A batch can be copied and pickled in mid-episode (if `make_market` can be): the copy goes on as the original does.

    Raises:
        InputError: if the market holds no learning agent, or a name is unknown.
    """

    def __init__(
        self,
        make_market: MakeMarket,
        n: int = 1,
        **options: Unpack[BatchOptions],
    ) -> None:
        check_options(options, BatchOptions)
        n, threads = whole(n, "n", 1), whole(options.get("threads", 1), "threads", 1)
        observation = options.get("observation")
        if observation is not None and not callable(observation):
            raise InputError(f"observation = {observation!r}; allowed: a function of (features, facts)")
        self._make = make_market
        self._first: Market | None = make_market(0)
        own = options.get("task") or self._task_of_maker()
        self._population, self.task = _find_learner(self._first, options.get("learner"), own)
        definition = self._first.world.populations[self._population]
        settings: Any = definition.settings
        self.settings = settings
        self.n, self.k = n, definition.count
        given = tuple(options.get("features") or settings.features)
        chosen = given or (self.task.features if observation is None else tuple(FEATURES))
        self.features = chosen
        self._features = np.array(feature_cells(chosen), np.int64)
        self.n_actions = len(self.task.menu)
        self.n_continuous = self.task.continuous(self.settings)
        self.largest_lots = self.task.largest_lots(self.settings)
        goal = getattr(self.settings, "quantity_lots", 0) * getattr(self.settings, "side", 0)
        self.rewards = Rewards(
            options.get("reward") or self.task.reward,
            n * self.k,
            price_scale_ticks=settings.price_scale_ticks,
            largest_lots=self.largest_lots,
            goal_lots=goal,
            settings=options.get("reward_settings"),
        )
        self._keep = bool(options.get("keep_tape", False))
        self._warm_starts = whole(options.get("warm_starts", 0), "warm_starts", 0)
        if self._warm_starts and self._keep:
            raise InputError("keep_tape: not with warm_starts, whose episodes do not begin at the open")
        if self._warm_starts and self._first.traders:
            raise InputError("warm_starts: the market has Python traders, who keep their own state; allowed: 0")
        self._warm: dict[int, _Warm] = {}
        self._rows: list[list[Any]] = [[] for _ in range(n)]
        self._threads = min(threads, n)
        self.markets: list[Market | None] = [None] * n
        self._drivers: dict[int, Driver] = {}
        self.seeds = [-1] * n
        self._table = np.zeros(n, MARKET)
        self._table["mode"] = ENDED
        self._attach()
        self.actions = np.zeros((n, self.k, 2))
        self._seen = np.zeros((n, self.k, len(chosen)), np.float32)
        self.observation = observation
        self.facts = np.zeros((n, self.k, N_FACTS))
        self._before = np.zeros((n, self.k, N_FACTS))
        self.awake = np.zeros((n, self.k), bool)
        self.over = np.zeros((n, self.k), bool)
        self.closed = np.zeros((n, self.k), bool)
        self.observations = self._seen
        if observation is not None:
            width = self._observed(slice(0, 1), only_shape=True).shape[-1]
            self.observations = np.zeros((n, self.k, width), np.float32)

    @property
    def most_steps(self) -> int:
        """Decisions of an episode that nothing ends early: the task's time, to the close at most, by its step."""
        market = self._first or next(filter(None, self.markets))
        session, settings = market.session, self.settings
        latest_s = (session.close_ns - session.open_ns) * 1e-9 - settings.finish_s - settings.start_s
        return max(1, math.ceil(min(settings.duration_s, latest_s) / settings.step_s - 1e-9))

    # ---- episodes ---------------------------------------------------------------------------------------------

    def reset(self, m: int, seed: int) -> None:
        """Replace market m by a fresh one of a seed and run it to the first decision.

        Raises:
            InputError: if the seed is none, or its market is made otherwise than the first one.
            RunError: if the market closes before the task begins.
        """
        seed = market_seed(seed)
        if not self._warm_starts:
            self._begin(m, seed)
        elif (past := seed % self._warm_starts) in self._warm:
            self._begin_warm(m, past)
        else:
            self._begin(m, past)
            market = self.markets[m]
            assert market is not None
            self._warm[past] = _Warm(market.snapshot(), *(each[m].copy() for each in self._of_markets))
        if self._warm_starts:
            self.markets[m].reseed(seed)  # type: ignore[union-attr]
        self.seeds[m] = seed
        self._observe_own(slice(m, m + 1))
        self._before[m] = self.facts[m]
        self.rewards.reset(slice(m * self.k, (m + 1) * self.k))

    @property
    def _of_markets(self) -> tuple[np.ndarray[Any, Any], ...]:
        """What is known of each market beside its state, in the order of _Warm."""
        return self._table, self._seen, self.facts, self.awake

    def _begin_warm(self, m: int, past: int) -> None:
        """Put market m where the one of seed `past` was at its first decision."""
        warm, market = self._warm[past], self.markets[m]
        if market is None:
            market = self.markets[m] = self._make(past)
        market.restore(warm.snapshot, any_seed=True)
        for each, then in zip(self._of_markets, (warm.row, warm.seen, warm.facts, warm.awake), strict=True):
            each[m] = then
        self.over[m] = self.closed[m] = False
        self._take_over(m)

    def _begin(self, m: int, seed: int) -> None:
        """Replace market m by a fresh one of a seed and run it to the first decision."""
        market, self._first = (self._first, None) if self._first is not None and seed == 0 else (self._make(seed), None)
        name = market.world.populations[min(self._population, len(market.world.populations) - 1)].name
        if _find_learner(market, name, self.task)[0] != self._population:
            raise InputError(f"make_market({seed}): the learner is another population than in the first market")
        self.markets[m] = market
        self._rows[m] = []
        self._take_over(m)
        row = self._table[m]
        row["mode"], row["n_awake"], row["n_over"], row["n_asking"] = RESUME, 0, 0, 0
        self.awake[m] = self.over[m] = self.closed[m] = False
        self._advance(m, m + 1)
        if not self.awake[m].any():
            raise RunError(f"seed {seed}: the market closed before the learner's first decision; set start_s earlier")

    def step(self) -> np.ndarray[Any, Any]:
        """Send everybody's `actions`, run to the next decisions; return reward, pnl and penalty, shape (n, k, 3).

        The array is reused by the next call. Markets that have ended stay as they are; their rewards are 0.
        """
        self._before[:] = self.facts
        was_over = self.over.reshape(-1).copy()
        if self._crew is None:
            self._advance(0, self.n)
        else:
            edges = [round(self.n * t / self._threads) for t in range(self._threads + 1)]
            self._crew(self._advance, edges)
        ended = self._table["mode"] == ENDED
        self.closed[:] = False
        if ended.any():
            self.closed[ended] = ~self.over[ended]
            self.over[ended] = True
        self._observe_own(slice(None))
        shape = (self.n * self.k, N_FACTS)
        over = self.over.reshape(-1)
        found = self.rewards(self._before.reshape(shape), self.facts.reshape(shape), over)
        found[was_over] = 0.0
        return found.reshape(self.n, self.k, 3)

    def tape(self, m: int = 0) -> np.ndarray[Any, Any]:
        """Return the rows of market m since its open (with `keep_tape`)."""
        if not self._keep:
            raise InputError("tape: rows are kept only with keep_tape = True")
        self._flush(m)
        return np.concatenate(self._rows[m])

    def run_to_close(self, m: int = 0) -> None:
        """Run market m on to its close after its learners are over, so that its tape is that of a whole session."""
        market = self.markets[m]
        assert market is not None
        if not self.over[m].all():
            raise InputError("run_to_close: a learner's task is not over yet")
        sinks: list[Any] = [lambda rows: self._rows[m].append(rows.copy())] if self._keep else [lambda rows: None]
        # The learner is a policy again; as its task is over it sends nothing.
        self._drivers[m].release()
        if self._keep:
            self._flush(m)
        market.run(sinks=sinks)

    # ---- inside -----------------------------------------------------------------------------------------------

    def _task_of_maker(self) -> Any:
        return getattr(self._make, "learning_task", None)

    def _attach(self) -> None:
        """Make what belongs to this process: addresses, tapes, threads."""
        self._observe = function_address(self.task.observe, *DECIDE_ARGUMENTS)
        self._act = function_address(self.task.act, *DECIDE_ARGUMENTS)
        self._crew = Crew(self._threads) if self._threads > 1 else None
        # Without rows to keep, all markets of a thread write over one tape: it stays in the cache.
        self._tapes = [new_tape(TAPE_ROWS) for _ in range(self.n if self._keep else self._threads)]

    def _take_over(self, m: int) -> None:
        """Let the kernel return at the wake-ups of market m's learners, and note where everything lies."""
        market = self.markets[m]
        assert market is not None
        driver = self._drivers[m] = Driver(market, self._population, self._act)
        block = self._tapes[m if self._keep else self._thread_of(m)]
        block[1]["cursor"] = 0
        row = self._table[m]
        row["world_at"] = driver.world_address
        row["runtime_at"] = driver.runtime_address
        row["tape_at"] = record_address(block[0])
        row["close_ns"] = driver.close_ns

    def __getstate__(self) -> dict[str, Any]:
        """Return everything as data; markets as the snapshots of their present states."""
        if self._keep:
            for m in range(self.n):
                self._flush(m)
        gone = ("_first", "_observe", "_act", "_crew", "_tapes", "_drivers", "_warm", "markets", "observations")
        state = {name: value for name, value in vars(self).items() if name not in gone}
        state["observations"] = None if self.observation is None else self.observations
        if self._task_of_maker() is self.task:
            del state["task"]  # the maker finds it again
        state["seeds"] = [-1 if market is None else market.seed for market in self.markets]
        state["snapshots"] = [None if market is None else market.snapshot() for market in self.markets]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Make the markets anew from their seeds and put them where they were."""
        snapshots, observations = state.pop("snapshots"), state.pop("observations")
        vars(self).update(state)
        self.task = state.get("task") or self._task_of_maker()
        self.observations = self._seen if observations is None else observations
        self._first = self._make(0) if all(snapshot is None for snapshot in snapshots) else None
        self._attach()
        self.markets, self._drivers, self._warm = [None] * self.n, {}, {}
        for m, snapshot in enumerate(snapshots):
            if snapshot is None:
                continue
            # From the seed that it was made with; what it has been reseeded with since is in its state.
            market = self.markets[m] = self._make(int(snapshot.definition["seed"]))
            market.restore(snapshot)
            self._take_over(m)

    def _observed(self, which: slice, only_shape: bool = False) -> np.ndarray[Any, Any]:
        """Return the user's own observation of all learners of some markets."""
        assert self.observation is not None
        seen, facts = self._seen[which], self.facts[which]
        rows = seen.reshape(-1, seen.shape[-1])
        found = observed(self.observation, rows, self.features, facts.reshape(-1, N_FACTS), only_shape=only_shape)
        return found.reshape(len(seen), self.k, -1)

    def _observe_own(self, which: slice) -> None:
        if self.observation is None:
            return
        found, width = self._observed(which), self.observations.shape[-1]
        if found.shape[-1] != width:
            raise InputError(f"observation returned {found.shape[-1]} numbers a learner; allowed: {width}, as before")
        self.observations[which] = found

    def _thread_of(self, m: int) -> int:
        return next(t for t in range(self._threads) if m < round(self.n * (t + 1) / self._threads))

    def _flush(self, m: int) -> None:
        block, header = self._tapes[m]
        self._rows[m].append(rows_of(block).copy())
        header["cursor"] = 0

    def _advance(self, first: int, last: int) -> None:
        while first < last:
            m = int(
                step_markets(
                    self._table, first, last, self._population, self._observe, int(self._keep), self._features,
                    self.actions, self._seen, self.facts, self.awake, self.over,
                )
            )  # fmt: skip
            if m < 0:
                return
            self._attend(m)
            first = m

    def _attend(self, m: int) -> None:
        """Wake a Python trader, answer those that asked, make room on a full tape, or raise what went wrong."""
        code = int(self._table["status"][m])
        driver = self._drivers[m]
        if code == ANSWERS_DUE:
            driver.answer()
            self._table["n_asking"][m] = 0
            return
        status = Status(code)
        if status == Status.PYTHON_WAKE:
            self._table["n_asking"][m] = driver.wake_trader()
            return
        if status != Status.TAPE_FULL:
            self._table["mode"][m] = ENDED
            raise driver.failure(status)
        t = m if self._keep else self._thread_of(m)
        header = self._tapes[t][1]
        if header["asked"]:
            lend_engine(header)
            return
        if int(header["cursor"]) > 0:
            self._flush(m)
            return
        # One message can need more rows than a whole tape holds.
        self._tapes[t] = new_tape(2 * int(header["capacity"]))
        shared = range(self.n) if self._keep is False else [m]
        for other in shared:
            if self._keep or self._thread_of(other) == t:
                self._table["tape_at"][other] = record_address(self._tapes[t][0])


def _find_learner(market: Market, name: str | None, own: Task | None = None) -> tuple[int, Task]:
    """Return the index and the task of the learners' population; `own` is a task that the package does not know."""
    populations = market.world.populations
    known = [(k, p, own if own is not None and p.policy is own.policy else task_of(p.policy))
             for k, p in enumerate(populations)]  # fmt: skip
    found = {p.name: (k, task) for k, p, task in known if task is not None}
    if name is None and len(found) == 1:
        name = next(iter(found))
    if name is not None and name in found:
        return found[name]
    kinds = ", ".join(f"rl_{task}" for task in tasks())
    if not found:
        raise InputError(f"make_market: the market has no learning agent; allowed: one population of {kinds}")
    what = f"learner = {name!r}: no such learning agent" if name else "learner: several learning agents"
    raise InputError(f"{what}; allowed: {', '.join(found)}")
