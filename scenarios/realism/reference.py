"""The real flow as a yardstick: how far its own parts are from each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from lob.units import SECOND_NS
from sim.metrics.flow import OrderFlow

__all__ = ["Reference", "Samples", "random_halves"]

Floats = np.ndarray[Any, np.dtype[np.float64]]
Samples = dict[str, Floats]
BLOCK_NS = 600 * SECOND_NS
N_SPLITS = 20
N_PARTS = 6


@dataclass(frozen=True)
class Reference:
    """A real flow and what it is compared with to learn how much real flow varies.

    Attributes:
        flow: what the simulated flow should look like.
        other: real flow of another time; None: the two halves of `flow` stand for the two times.
    """

    flow: OrderFlow
    other: OrderFlow | None = None

    def two(self) -> tuple[OrderFlow, OrderFlow]:
        """Two real flows whose distance is the floor."""
        if self.other is not None:
            return self.other, self.flow
        middle = int((self.flow.time_ns[0] + self.flow.time_ns[-1]) // 2)
        return self.flow.window(0, middle), self.flow.window(middle, int(self.flow.time_ns[-1]) + 1)

    def blocks(self) -> list[OrderFlow]:
        """Blocks of ten minutes of the flow."""
        edges = np.arange(self.flow.time_ns[0], self.flow.time_ns[-1] + BLOCK_NS, BLOCK_NS)
        parts = [self.flow.window(int(a), int(b)) for a, b in pairwise(edges)]
        return [part for part in parts if len(part) > 10]

    def parts(self) -> list[OrderFlow]:
        """Six parts of equal time, of the other flow where there is one."""
        flow = self.flow if self.other is None else self.other
        edges = np.linspace(flow.time_ns[0], flow.time_ns[-1] + 1, N_PARTS + 1).astype(np.int64)
        return [flow.window(int(a), int(b)) for a, b in pairwise(edges)]


def random_halves(
    samples: Sequence[Samples], distance: Callable[[Samples, Samples], dict[str, float]], seed: int
) -> dict[str, float]:
    """Return the mean distance between random halves of blocks, by name.

    Args:
        samples: of each block.
        distance: of two sets of samples, by name.
        seed: of the random halves.
    """
    generator = np.random.default_rng(seed)
    half = len(samples) // 2
    found: dict[str, list[float]] = {}
    for _ in range(N_SPLITS if half else 0):
        order = generator.permutation(len(samples))
        sides = [join([samples[k] for k in order[s]]) for s in (slice(0, half), slice(half, None))]
        for name, value in distance(*sides).items():
            found.setdefault(name, []).append(value)
    return {name: float(np.nanmean(values)) for name, values in found.items()}


def join(samples: Sequence[Samples]) -> Samples:
    """Return the samples of several flows together."""
    return {name: np.concatenate([one[name] for one in samples]) for name in samples[0]}
