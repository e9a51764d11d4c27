"""Episodes of a policy on given seeds, for comparisons that are paired by seed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from agents.rl._checks import checked_actions
from agents.rl._stepping import FACT, FACTS
from agents.rl.batch import Batch
from lob.errors import InputError

__all__ = ["Choose", "Episodes", "constant", "evaluate", "interval", "of_network"]

Floats = np.ndarray[Any, np.dtype[np.float64]]
Choose = Callable[[Floats, Floats], Any]
"""Returns the actions for observations (n, features) and facts (n, facts)."""


@dataclass(frozen=True)
class Episodes:
    """What came of each seed, in their order.

    Attributes:
        seeds: of the episodes.
        returns: sum of rewards.
        pnl: sum of changes of wealth, in reward units.
        facts: at the end, shape (seeds, N_FACTS).
        n_steps: decisions.
    """

    seeds: tuple[int, ...]
    returns: Floats
    pnl: Floats
    facts: Floats
    n_steps: Floats

    @property
    def executed_lots(self) -> Floats:
        """Quantity executed."""
        return self.facts[:, FACT.executed_lots]


def constant(*action: float) -> Choose:
    """Return a policy that always takes one action."""
    return lambda observations, facts: np.broadcast_to(np.array(action), (len(observations), len(action)))


def of_network(network: Any) -> Choose:
    """Return the likeliest actions of a Network."""
    return lambda observations, facts: network.actions(observations).reshape(len(observations), -1)


def evaluate(batch: Batch, choose: Choose, seeds: Sequence[int]) -> Episodes:
    """Run one episode of each seed, so many at a time as the batch has worlds.

    Raises:
        InputError: if there is no seed, the batch has several learners in a world, or an action is none.
    """
    if not seeds:
        raise InputError("seeds: none given; allowed: at least one")
    if batch.k != 1:
        raise InputError(f"{batch.k} learners in a market; allowed: 1")
    returns, pnl, n_steps = (np.zeros(len(seeds)) for _ in range(3))
    facts = np.zeros((len(seeds), len(FACTS)))
    running = np.full(batch.n, -1)
    waiting = list(range(len(seeds)))
    for m in range(batch.n):  # worlds beyond the number of seeds run along and are not looked at
        running[m] = waiting.pop(0) if waiting else -1
        batch.reset(m, seeds[running[m]] if running[m] >= 0 else seeds[0])
    while (running >= 0).any():
        chosen = choose(batch.observations[:, 0], batch.facts[:, 0])
        actions = checked_actions(batch.n_continuous, batch.n_actions, batch.n, chosen)
        batch.actions[:, 0, : actions.shape[1]] = actions
        found = batch.step()[:, 0]
        active = running >= 0
        at = running[active]
        returns[at] += found[active, 0]
        pnl[at] += found[active, 1]
        n_steps[at] += 1
        for m in np.flatnonzero(active & batch.over[:, 0]).tolist():
            facts[running[m]] = batch.facts[m, 0]
            running[m] = waiting.pop(0) if waiting else -1
            if running[m] >= 0:
                batch.reset(m, seeds[running[m]])
    return Episodes(tuple(seeds), returns, pnl, facts, n_steps)


def interval(values: Any, confidence: float = 0.95) -> tuple[float, float, float]:
    """Return mean, lower and upper bound of its Student interval."""
    values = np.asarray(values, np.float64)
    mean = float(values.mean())
    if len(values) < 2:
        return mean, float("-inf"), float("inf")
    reach = float(stats.t.ppf(0.5 + confidence / 2, len(values) - 1)) * float(values.std(ddof=1)) / len(values) ** 0.5
    return mean, mean - reach, mean + reach
