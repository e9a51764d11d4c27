"""Training the small model on the rules: a fixed number of examples, one thread, the same weights each time."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from agents.llm.model.corpus import example
from agents.llm.model.tokenizer import END, encode_text, prompt_tokens, train_tokenizer
from agents.llm.model.transformer import Shape, Transformer

__all__ = ["TrainSettings", "Trained", "train"]

MAX_TOKENS = 400
"""Longest example, prompt and reply together."""


@dataclass(frozen=True)
class TrainSettings:
    """How to train.

    Attributes:
        steps: batches.
        batch: examples in one.
        short_share: share of the steps, the first ones, whose texts lack the lines of numbers: what decides stands in
            the others, and a third of the length means three times the steps.
        rate: peak learning rate; warms up over the first 5% and falls to a tenth by a cosine.
        n_tokens: size of the vocabulary.
        tokenizer_examples: examples that the tokenizer learns from.
        seed: of weights and examples.
    """

    steps: int = 3000
    batch: int = 24
    rate: float = 2e-3
    short_share: float = 0.85
    n_tokens: int = 1536
    tokenizer_examples: int = 6000
    seed: int = 1


@dataclass(frozen=True)
class Trained:
    """A trained model and how it went."""

    model: Transformer
    tokenizer: Any
    losses: list[float]
    """Mean loss per reply token over each twentieth of the training."""
    seconds: float


def _pairs(tokenizer: Any, g: np.random.Generator, count: int, is_short: bool) -> list[tuple[list[int], int]]:
    """Return (tokens, length of the prompt) of examples, shortest first."""
    end = tokenizer.token_to_id(END)
    pairs: list[tuple[list[int], int]] = []
    while len(pairs) < count:
        schema, text, reply = example(g, is_short)
        prompt = prompt_tokens(tokenizer, schema, text)
        tokens = [*prompt, *encode_text(tokenizer, reply), end]
        if len(tokens) <= MAX_TOKENS:
            pairs.append((tokens, len(prompt)))
    return sorted(pairs, key=lambda pair: len(pair[0]))


def train(settings: TrainSettings, on_progress: Callable[[int, float], None] = lambda step, loss: None) -> Trained:
    """Train a tokenizer and a model from nothing.

    Args:
        settings: see TrainSettings.
        on_progress: called after every step with its number and loss.
    """
    started = time.monotonic()
    texts = np.random.default_rng([settings.seed, 1])
    tokenizer = train_tokenizer(
        (part for _ in range(settings.tokenizer_examples) for part in example(texts)[1:]), settings.n_tokens
    )
    threads = torch.get_num_threads()
    state = torch.get_rng_state()
    try:
        torch.set_num_threads(1)
        torch.manual_seed(settings.seed)
        model = Transformer(Shape(tokenizer.get_vocab_size()))
        losses = _fit(model, tokenizer, settings, on_progress)
    finally:
        torch.set_num_threads(threads)
        torch.set_rng_state(state)
    return Trained(model.eval(), tokenizer, losses, time.monotonic() - started)


def _fit(
    model: Transformer, tokenizer: Any, settings: TrainSettings, on_progress: Callable[[int, float], None]
) -> list[float]:
    decayed = [p for p in model.parameters() if p.dim() > 1]
    others = [p for p in model.parameters() if p.dim() <= 1]
    groups = [{"params": decayed, "weight_decay": 0.05}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=settings.rate, betas=(0.9, 0.98))
    generator = np.random.default_rng([settings.seed, 2])
    warm_up = max(1, settings.steps // 20)
    losses: list[float] = []
    step = 0
    while step < settings.steps:
        # Batches of nearly equal lengths waste no work on padding; their order is shuffled.
        chunk = _pairs(tokenizer, generator, 16 * settings.batch, step < settings.short_share * settings.steps)
        for first in generator.permutation(16) * settings.batch:
            if step == settings.steps:
                break
            done = step / settings.steps
            rate = min(1.0, (step + 1) / warm_up) * (0.1 + 0.9 * 0.5 * (1 + math.cos(math.pi * done)))
            for group in optimizer.param_groups:
                group["lr"] = settings.rate * rate
            loss = _loss(model, chunk[first : first + settings.batch])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            losses.append(float(loss.detach()))
            step += 1
            on_progress(step, losses[-1])
    part = max(1, len(losses) // 20)
    return [round(sum(losses[k : k + part]) / len(losses[k : k + part]), 4) for k in range(0, len(losses), part)]


def _loss(model: Transformer, pairs: list[tuple[list[int], int]]) -> torch.Tensor:
    """Mean cross entropy of the replies' tokens; the prompts are given, not learnt."""
    longest = max(len(tokens) for tokens, _ in pairs)
    tokens = torch.zeros(len(pairs), longest, dtype=torch.long)
    learnt = torch.zeros(len(pairs), longest, dtype=torch.bool)
    for k, (own, n_prompt) in enumerate(pairs):
        tokens[k, : len(own)] = torch.tensor(own)
        learnt[k, n_prompt : len(own)] = True
    hidden = model(tokens[:, :-1])
    wanted = learnt[:, 1:]
    # Only where a reply is learnt are the scores of all tokens worth computing.
    return F.cross_entropy(model.logits(hidden[wanted]), tokens[:, 1:][wanted])
