"""Shapley values: which subsets of the players have to be known, and how their worths are shared out.

Up to EXACT_UP_TO players all 2^n subsets are wanted. Beyond, orders are sampled (Castro, Gomez and Tejada 2009), each
with its reverse, afresh for every seed.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["EXACT_UP_TO", "Plan", "exact_shapley", "number_of", "orders_of", "plan_of", "sampled_shapley", "steps_of"]

EXACT_UP_TO = 8
Floats = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Plan:
    """Which subsets of the players are run in which world.

    Attributes:
        n: number of players.
        wanted: subsets by seed, in the order in which they are run.
        orders: sampled orders by seed; none if all subsets are run.
        n_orders: pairs of an order and its reverse; None: all subsets are run.
    """

    n: int
    wanted: dict[int, list[frozenset[int]]]
    orders: dict[int, list[tuple[int, ...]]]
    n_orders: int | None

    @property
    def subsets(self) -> list[frozenset[int]]:
        """All subsets that some world wants."""
        return list(dict.fromkeys(s for subsets in self.wanted.values() for s in subsets))


def plan_of(n: int, seeds: Sequence[int], n_orders: int | None) -> Plan:
    """Return which subsets of n players are wanted for each seed; n_orders None: all of them, however many players."""
    if n <= EXACT_UP_TO or n_orders is None:
        everything = [frozenset(s) for k in range(n + 1) for s in itertools.combinations(range(n), k)]
        return Plan(n, dict.fromkeys(seeds, everything), {}, None)
    orders = {seed: orders_of(n, n_orders, seed) for seed in seeds}
    wanted = {seed: list(dict.fromkeys(s for order in orders[seed] for s in steps_of(order))) for seed in seeds}
    return Plan(n, wanted, orders, n_orders)


def number_of(subset: frozenset[int]) -> int:
    """Return the number of a subset: the same whatever seeds are run, so that a study can go on with others."""
    return sum(1 << player for player in subset)


def orders_of(n: int, pairs: int, seed: int) -> list[tuple[int, ...]]:
    """Return orders of n players, each followed by its reverse; a seed has orders of its own."""
    generator = np.random.default_rng([seed, n])
    drawn = [tuple(int(k) for k in generator.permutation(n)) for _ in range(pairs)]
    return [order for one in drawn for order in (one, one[::-1])]


def steps_of(order: tuple[int, ...]) -> list[frozenset[int]]:
    """Return the subsets that arise while the players join in an order, from nobody to all."""
    return [frozenset(order[:k]) for k in range(len(order) + 1)]


def exact_shapley(value: dict[frozenset[int], float], n: int, orders: Sequence[tuple[int, ...]] = ()) -> Floats:
    """Return the Shapley values of n players from the worth of all 2^n subsets, shape (n,)."""
    weights = [math.factorial(k) * math.factorial(n - k - 1) / math.factorial(n) for k in range(n)]
    result = np.zeros(n)
    for subset, worth in value.items():
        for player in range(n):
            if player not in subset:
                result[player] += weights[len(subset)] * (value[subset | {player}] - worth)
    return result


def sampled_shapley(value: dict[frozenset[int], float], n: int, orders: Sequence[tuple[int, ...]]) -> Floats:
    """Return the mean marginal contributions over some orders, shape (n,); unbiased if these are drawn uniformly."""
    result = np.zeros(n)
    for order in orders:
        for k, player in enumerate(order):
            result[player] += value[frozenset(order[: k + 1])] - value[frozenset(order[:k])]
    return result / len(orders)
