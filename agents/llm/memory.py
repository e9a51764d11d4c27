"""An investor's memory: three layers that forget at different speeds, each of bounded size.

After FinMem (Yu et al. 2023, arXiv:2311.13743) and TradingGPT (Li et al. 2023, arXiv:2309.03736): an entry's score is
its importance times an exponential decay with its layer's half-life; what a full layer pushes out moves to the next
slower one if it is still important enough, and is forgotten otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sim.rng import exp_portable

__all__ = ["Entry", "Layer", "Memory"]

_LN2 = 0.6931471805599453


@dataclass(frozen=True)
class Layer:
    """How much a layer holds, how fast it forgets, and what it passes on."""

    capacity: int
    half_life_s: float
    promote_from: float
    """Importance from which an entry that is pushed out moves to the next layer."""


@dataclass(frozen=True)
class Entry:
    """One thing remembered."""

    time_ns: int
    importance: float
    text: str


LAYERS = (Layer(4, 120.0, 0.4), Layer(4, 900.0, 0.7), Layer(4, 7200.0, 2.0))


class Memory:
    """Layered memory with decay; all of its state is plain data."""

    def __init__(self, layers: tuple[Layer, ...] = LAYERS) -> None:
        self.layers = layers
        self.entries: list[list[Entry]] = [[] for _ in layers]

    def add(self, time_ns: int, text: str, importance: float, layer: int = 0) -> None:
        """Remember something; the same text again only renews it."""
        own = [entry for entry in self.entries[layer] if entry.text != text]
        own.append(Entry(time_ns, importance, text))
        self.entries[layer] = own
        if len(own) > self.layers[layer].capacity:
            weakest = min(own, key=lambda entry: (self.score(entry, layer, time_ns), entry.time_ns))
            own.remove(weakest)
            if weakest.importance >= self.layers[layer].promote_from and layer + 1 < len(self.layers):
                self.add(time_ns, weakest.text, weakest.importance, layer + 1)

    def score(self, entry: Entry, layer: int, now_ns: int) -> float:
        """Importance times 2^(-age / half-life)."""
        age_s = (now_ns - entry.time_ns) * 1e-9
        return entry.importance * float(exp_portable(-_LN2 * age_s / self.layers[layer].half_life_s))

    def recall(self, now_ns: int, count: int, least: float = 0.05) -> tuple[str, ...]:
        """Return the texts with the highest scores, best first, without those that are all but forgotten."""
        scored = [
            (-self.score(entry, k, now_ns), -entry.time_ns, entry.text)
            for k, layer in enumerate(self.entries)
            for entry in layer
        ]
        texts = dict.fromkeys(text for score, _, text in sorted(scored) if -score >= least)
        return tuple(texts)[:count]

    def state(self) -> Any:
        """Return all as plain data."""
        return [[[e.time_ns, e.importance, e.text] for e in layer] for layer in self.entries]

    def set_state(self, state: Any) -> None:
        """Take back what `state` returned."""
        self.entries = [[Entry(*entry) for entry in layer] for layer in state]
