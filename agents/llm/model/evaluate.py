"""How near a model comes to the rules on situations that it has not seen, by persona."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from agents.llm.decision import Decision
from agents.llm.model.corpus import situation
from agents.llm.model.decode import Decoder
from agents.llm.model.transformer import Transformer
from agents.llm.observation import Observation, observation_text
from agents.llm.persona import STYLES, Persona
from agents.llm.prompt import SYSTEM, messages_of
from agents.llm.protocol import Backend, Request, judged
from agents.llm.rules import rule_decision

__all__ = ["ACTIONS", "Comparison", "StyleRow", "action_of", "compare", "compare_backend"]

ACTIONS = ("buy", "sell", "quotes", "hold", "cancel")


def action_of(decision: Decision) -> str:
    """Return the kind of a decision: the side of its orders, "quotes" for both, else "hold" or "cancel"."""
    sides = {order.side for order in decision.orders}
    return "quotes" if len(sides) == 2 else str(next(iter(sides))) if sides else decision.action


@dataclass
class StyleRow:
    """Counts of one style."""

    n: int = 0
    n_same: int = 0
    """Decisions equal to the rule's in every field."""
    n_same_action: int = 0
    n_sided: int = 0
    """Decisions in which rule and model both buy or sell."""
    n_same_side: int = 0
    rule: Counter[str] = field(default_factory=Counter)
    model: Counter[str] = field(default_factory=Counter)

    @property
    def agreement(self) -> float:
        """Share of decisions equal to the rule's in every field."""
        return self.n_same / max(1, self.n)

    @property
    def distance(self) -> float:
        """Total variation between the action frequencies of rule and model."""
        return sum(abs(self.rule[a] - self.model[a]) for a in ACTIONS) / (2 * max(1, self.n))


@dataclass
class Comparison:
    """Rows by style, and replies that were of the schema."""

    by_style: dict[str, StyleRow]
    n_valid: int
    n: int


def compare(model: Transformer, tokenizer: Any, n: int, seed: int) -> Comparison:
    """Compare a model with the rules on `n` situations drawn with a seed."""
    decoder = Decoder(model, tokenizer)

    class Own:
        model = "own"

        def complete(self, requests: Any) -> Any:
            return decoder.complete(requests)

    generator = np.random.default_rng([seed, 3])
    return compare_backend(Own(), [situation(generator) for _ in range(n)], seed)


def compare_backend(backend: Backend, situations: list[tuple[Persona, Observation]], seed: int) -> Comparison:
    """Compare any backend with the rules on given situations; a failure counts as a hold, as in a market."""
    requests = [
        Request(backend.model, messages_of(SYSTEM, observation_text(persona, o)), "decision", seed * 2**32 + k)
        for k, (persona, o) in enumerate(situations)
    ]
    replies = backend.complete(requests)
    generator = np.random.default_rng([seed, 4])
    found = Comparison({style: StyleRow() for style in STYLES}, 0, len(situations))
    for request, reply, (persona, o) in zip(requests, replies, situations, strict=True):
        rule = rule_decision(persona, o, lambda _: float(generator.random()))
        decided = judged(request, reply)[1]
        row = found.by_style[persona.style]
        found.n_valid += decided is not None
        decided = decided or Decision(view="flat", confidence=0, cancel_open_orders=False, orders=[])
        row.n += 1
        row.n_same += decided == rule
        row.rule[action_of(rule)] += 1
        row.model[action_of(decided)] += 1
        sides = action_of(rule), action_of(decided)
        row.n_same_action += sides[0] == sides[1]
        if set(sides) <= {"buy", "sell"}:
            row.n_sided += 1
            row.n_same_side += sides[0] == sides[1]
    return found
