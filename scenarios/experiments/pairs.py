"""One pair of an experiment: the same world in all arms, run whole and reduced to one row for each arm."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from lob.types import EVENT
from scenarios.build.value_range import value_notes
from scenarios.experiments.observe import Window, execution_costs, population_results
from scenarios.experiments.outcomes import OUTCOMES, FinishedRun, outcomes_of
from scenarios.experiments.sameness import market_hash
from scenarios.experiments.structure import structure_of
from sim.metrics.touch import touch_of

if TYPE_CHECKING:
    from scenarios.build.market import Built
    from scenarios.build.variant import Variant
    from sim.market import Market, Snapshot

__all__ = ["Arm", "Branch", "PairTask"]

Rows = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Arm:
    """One arm.

    Attributes:
        name: control, treated, placebo or mirrored.
        level: number of the quantity among those that are compared; 0 in the control.
        variant: the arm's scenario.
        population: name of the population that works a quantity; None if the treatment is of another kind.
        side: 1 or -1: the direction in which the treatment is thought to move the price.
        quantity_lots: what that population trades.
    """

    name: str
    level: int
    variant: Variant
    population: str | None = None
    side: int = 1
    quantity_lots: int = 0

    def as_data(self) -> dict[str, Any]:
        """Return the arm as a manifest keeps it, its scenario as text."""
        return {
            "name": self.name, "level": self.level, "text": self.variant.text, "population": self.population,
            "side": self.side, "quantity_lots": self.quantity_lots,
        }  # fmt: skip


@dataclass(frozen=True)
class Branch:
    """All pairs share one history up to a moment and have a future each.

    Attributes:
        time_ns: the moment, in ns since midnight.
        seed: seed of the history.
    """

    time_ns: int
    seed: int


@dataclass(frozen=True)
class PairTask:
    """Runs all arms of a pair; called in worker processes.

    Attributes:
        arms: the control first.
        window: when to look.
        branch: None: every pair is a world of its own from the open on.
        n_structure: of the first so many pairs the control's statistics of order flow are kept.
        symbol: index of the instrument.
        shared_stream: see sim.Market.
    """

    arms: tuple[Arm, ...]
    window: Window
    branch: Branch | None = None
    n_structure: int = 0
    symbol: int = 0
    shared_stream: bool = False

    def __call__(self, job: tuple[int, int]) -> list[dict[str, Any]]:
        """Return a row for each arm of the pair (number, seed)."""
        pair, seed = job
        rows_of_arms: list[dict[str, Any]] = []
        control_tape = control_touch = None
        for arm in self.arms:
            built, market, rows = self._run(arm, seed)
            if len(built.listings) > 1:
                rows = rows[rows["symbol"] == self.symbol]
            window = self.window
            run = FinishedRun(rows, market, built, window.start_ns, window.until_ns, self.symbol)
            # Before anybody has quoted both sides the reference price counts.
            touch = touch_of(rows, float(built.listings[self.symbol].instrument.reference_ticks))
            if control_tape is None or control_touch is None:
                control_tape, control_touch = rows, touch
            names = [group.name for group in built.populations]
            row: dict[str, Any] = {
                "pair": pair,
                "seed": seed,
                "arm": arm.name,
                "level": arm.level,
                "side": arm.side,
                "quantity_lots": arm.quantity_lots,
                "mid_ticks": touch.mid_at(window.looks_ns).tolist(),
                "same_tape": rows is control_tape or rows.tobytes() == control_tape.tobytes(),
                "market_hash": market_hash(rows),
                "value_note": " ".join(value_notes(built, market)) or None,
                "n_rows": len(rows),
                "window_volume_lots": OUTCOMES["volume"].of(replace(run, end_ns=window.end_ns)),
                **outcomes_of(run),
            }
            last_mid = float(touch.mid_ticks[-1]) if len(rows) else float("nan")
            results = population_results(market, names, last_mid, self.symbol)
            row |= {f"pnl.{name}": value for name, value in results.items()}
            if arm.population is not None:
                agent = built.group(arm.population).first_agent
                costs = execution_costs(rows, touch, control_touch, agent, arm.side, arm.quantity_lots, window)
                row |= costs
            if arm.name == "control" and pair < self.n_structure:
                row |= structure_of(rows)
            rows_of_arms.append(row)
        return rows_of_arms

    def _run(self, arm: Arm, seed: int) -> tuple[Built, Market, Rows]:
        """Run an arm; return it with all rows of its tape, those before a branch included."""
        built = arm.variant.built
        kept: list[Rows] = []
        if self.branch is None:
            market = built.market(seed, shared_stream=self.shared_stream)
        else:
            market, snapshot, history = _at_branch(arm.variant, built.content, self.branch, self.shared_stream)
            market.restore(snapshot)
            market.reseed(seed)
            kept.append(history)
        market.run(self.window.until_ns, [lambda rows: kept.append(rows.copy())])
        return built, market, np.concatenate(kept) if kept else np.empty(0, EVENT)


@lru_cache(maxsize=32)
def _at_branch(variant: Variant, content: str, branch: Branch, shared_stream: bool) -> tuple[Market, Snapshot, Rows]:
    # `content` is part of the key: what has been edited since is another market.
    market = variant.built.market(branch.seed, shared_stream=shared_stream)
    market.run(branch.time_ns)
    return market, market.snapshot(), market.tape
