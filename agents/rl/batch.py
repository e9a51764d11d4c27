"""`MarketBatch`: many markets with learners in them, stepped together by one compiled call; under all environments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import numpy as np

from agents.rl._stepping import (
    CLOSE,
    CURSOR,
    ENDED,
    MODE,
    N_CELLS,
    N_FACTS,
    N_OVER,
    RESUME,
    RUNTIME_AT,
    TAPE_AT,
    WAITING,
    WORLD_AT,
    step_markets,
)
from agents.rl.features import feature_indices
from agents.rl.rewards import Rewards, RewardSettings
from agents.rl.task import Task, task_of, tasks
from lob._jit import function_address, record_address
from lob.errors import InputError, RunError
from lob.tape import new_tape, rows_of
from sim.market import Market
from sim.policy import DECIDE_ARGUMENTS
from sim.records import Status

__all__ = ["Batch", "MakeMarket", "MarketBatch", "batch_of"]

MakeMarket = Callable[[int], Market]
"""Returns a fresh market of a seed, before its open, in which one population is that of a learning agent."""
TAPE_ROWS = 4096


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

    def reset(self, m: int, seed: int) -> None:
        """Begin world m anew."""

    def step(self) -> np.ndarray[Any, Any]:
        """Do all actions; return reward, pnl and penalty, shape (n, k, 3)."""


def batch_of(make_market: MakeMarket | Batch, n: int, **options: Any) -> Any:
    """Return a MarketBatch of n markets, or the batch that was given, such as one of agents.rl.models.

    Raises:
        InputError: if a given batch has another size, or options are given with it.
    """
    if callable(make_market):
        return MarketBatch(make_market, n, **options)
    given = [name for name, value in options.items() if value not in (None, False, 1)]
    if given:
        raise InputError(f"{', '.join(given)}: given beside a batch; allowed: with make_market only")
    if make_market.n != n:
        raise InputError(f"the batch has {make_market.n} worlds; allowed: {n}")
    return make_market


class MarketBatch:
    """n markets with k learners each, which wake at the same times.

    Args:
        make_market: see MakeMarket.
        n: markets.
        learner: name of the population; default: the only one that is a learning agent's.
        features: names of the observed features; default: the task's.
        reward: name of the reward; default: the task's.
        reward_settings: numbers in the reward.
        threads: markets are shared out among so many threads; the result does not depend on it.
        keep_tape: keep all rows of every episode in memory, for `tape`.

    Attributes:
        observations: float32 (n, k, features), of the last look.
        facts: float64 (n, k, N_FACTS).
        awake: bool (n, k), who decides next.
        over: bool (n, k), whose task has ended.
        closed: bool (n, k), whose market closed at this step with the task not over.

    Raises:
        InputError: if the market holds no learning agent, or a name is unknown.
    """

    def __init__(
        self,
        make_market: MakeMarket,
        n: int = 1,
        *,
        learner: str | None = None,
        features: Sequence[str] | None = None,
        reward: str | None = None,
        reward_settings: RewardSettings | None = None,
        threads: int = 1,
        keep_tape: bool = False,
    ) -> None:
        if n < 1:
            raise InputError(f"n = {n} markets; allowed: at least 1")
        if threads < 1:
            raise InputError(f"threads = {threads}; allowed: at least 1")
        self._make = make_market
        self._first: Market | None = make_market(0)
        self._population, self.task = _find_learner(self._first, learner)
        definition = self._first.world.populations[self._population]
        settings: Any = definition.settings
        self.settings = settings
        self.n, self.k = n, definition.count
        chosen = tuple(features or settings.features or self.task.features)
        self.features = chosen
        self._features = np.array(feature_indices(chosen), np.int64)
        self._observe = function_address(self.task.observe, *DECIDE_ARGUMENTS)
        self._act = function_address(self.task.act, *DECIDE_ARGUMENTS)
        self.n_actions = len(self.task.menu)
        self.n_continuous = self.task.continuous(self.settings)
        self.largest_lots = self.task.largest_lots(self.settings)
        goal = getattr(self.settings, "quantity_lots", 0) * getattr(self.settings, "side", 0)
        self.rewards = Rewards(
            reward or self.task.reward,
            n * self.k,
            price_scale_ticks=settings.price_scale_ticks,
            largest_lots=self.largest_lots,
            goal_lots=goal,
            settings=reward_settings,
        )
        self._keep = keep_tape
        self._rows: list[list[Any]] = [[] for _ in range(n)]
        self._threads = min(threads, n)
        self._pool = ThreadPoolExecutor(self._threads) if self._threads > 1 else None
        self.markets: list[Market | None] = [None] * n
        # Without rows to keep, all markets of a thread write over one tape: it stays in the cache.
        self._tapes = [new_tape(TAPE_ROWS) for _ in range(n if keep_tape else self._threads)]
        self._table = np.zeros((n, N_CELLS), np.int64)
        self._table[:, MODE] = ENDED
        self.actions = np.zeros((n, self.k, 2))
        self.observations = np.zeros((n, self.k, len(chosen)), np.float32)
        self.facts = np.zeros((n, self.k, N_FACTS))
        self._before = np.zeros((n, self.k, N_FACTS))
        self.awake = np.zeros((n, self.k), bool)
        self.over = np.zeros((n, self.k), bool)
        self.closed = np.zeros((n, self.k), bool)

    # ---- episodes ---------------------------------------------------------------------------------------------

    def reset(self, m: int, seed: int) -> None:
        """Replace market m by a fresh one of a seed and run it to the first decision.

        Raises:
            InputError: if the seed's market is made otherwise than the first one.
            RunError: if the market closes before the task begins.
        """
        market, self._first = (self._first, None) if self._first is not None and seed == 0 else (self._make(seed), None)
        if _find_learner(market, market.world.populations[self._population].name)[0] != self._population:
            raise InputError(f"make_market({seed}): the learner is another population than in the first market")
        rows = market.world.population_rows
        rows["is_python"][self._population] = 1
        market._runtime["policy_address"][self._population] = self._act
        self.markets[m] = market
        self._rows[m] = []
        block = self._tapes[m if self._keep else self._thread_of(m)]
        block[1]["cursor"] = 0
        row = self._table[m]
        row[WORLD_AT] = record_address(market.world.block)
        row[RUNTIME_AT] = record_address(market._runtime_block)
        row[TAPE_AT] = record_address(block[0])
        row[CLOSE] = market.session.close_ns
        row[MODE], row[WAITING], row[N_OVER] = RESUME, 0, 0
        self.awake[m] = self.over[m] = False
        self._advance(m, m + 1)
        if not self.awake[m].any():
            raise RunError(f"seed {seed}: the market closed before the learner's first decision; set start_s earlier")
        self._before[m] = self.facts[m]
        self.rewards.reset(slice(m * self.k, (m + 1) * self.k))

    def step(self) -> np.ndarray[Any, Any]:
        """Send everybody's `actions`, run to the next decisions; return reward, pnl and penalty, shape (n, k, 3).

        The array is reused by the next call. Markets that have ended stay as they are; their rewards are 0.
        """
        self._before[:] = self.facts
        was_over = self.over.reshape(-1).copy() if self.k > 1 else None
        if self._pool is None:
            self._advance(0, self.n)
        else:
            edges = [round(self.n * t / self._threads) for t in range(self._threads + 1)]
            list(self._pool.map(self._advance, edges[:-1], edges[1:]))
        ended = self._table[:, MODE] == ENDED
        self.closed[:] = False
        if ended.any():
            self.closed[ended] = ~self.over[ended]
            self.over[ended] = True
        shape = (self.n * self.k, N_FACTS)
        over = self.over.reshape(-1)
        found = self.rewards(self._before.reshape(shape), self.facts.reshape(shape), over)
        if was_over is not None:
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
        market.world.population_rows["is_python"][self._population] = 0
        if self._keep:
            self._flush(m)
        market.run(sinks=sinks)

    # ---- inside -----------------------------------------------------------------------------------------------

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
                    self.actions, self.observations, self.facts, self.awake, self.over,
                )
            )  # fmt: skip
            if m < 0:
                return
            self._attend(m)
            first = m

    def _attend(self, m: int) -> None:
        """Wake a Python trader, make room on a full tape, or raise what went wrong."""
        status = Status(int(self._table[m, CURSOR]))
        market = self.markets[m]
        assert market is not None
        if status == Status.PYTHON_WAKE:
            market._wake_trader()
            if market._asked:
                # Nobody else of this instant need come first: a panel's answers do not depend on each other.
                market._answer_asked()
            return
        if status != Status.TAPE_FULL:
            self._table[m, MODE] = ENDED
            raise market._failure(status)
        t = m if self._keep else self._thread_of(m)
        header = self._tapes[t][1]
        if int(header["cursor"]) > 0:
            self._flush(m)
            return
        # One message can need more rows than a whole tape holds.
        self._tapes[t] = new_tape(2 * int(header["capacity"]))
        shared = range(self.n) if self._keep is False else [m]
        for other in shared:
            if self._keep or self._thread_of(other) == t:
                self._table[other, TAPE_AT] = record_address(self._tapes[t][0])


def _find_learner(market: Market, name: str | None) -> tuple[int, Task]:
    """Return the index and the task of the learners' population."""
    populations = market.world.populations
    found = {p.name: (k, task) for k, p in enumerate(populations) if (task := task_of(p.policy)) is not None}
    if name is None and len(found) == 1:
        name = next(iter(found))
    if name is not None and name in found:
        return found[name]
    kinds = ", ".join(f"rl_{task}" for task in tasks())
    if not found:
        raise InputError(f"make_market: the market has no learning agent; allowed: one population of {kinds}")
    what = f"learner = {name!r}: no such learning agent" if name else "learner: several learning agents"
    raise InputError(f"{what}; allowed: {', '.join(found)}")
