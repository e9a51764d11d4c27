"""Decoding with the schema enforced: in each lane a grammar says which tokens may come, and a private stream draws one.

The lanes are of fixed number, each request's prompt is run alone, and scores are rounded before they are used: a reply
does not depend on what else is decoded at the same time, in which lane it is, or in which order requests came.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from agents.llm.model.tokenizer import END, grammar_tokenizer, prompt_tokens
from agents.llm.model.transformer import Transformer
from agents.llm.protocol import Reply, Request, schema_text
from sim.rng import draw_key, raw_uniform

__all__ = ["Decoder"]

LANES = 32
SCORE_STEP = 1.0 / 1024.0
"""Scores are rounded to this: the last bits of a sum must not decide between two tokens."""
SAMPLING = 7
"""Stream of the draws of a reply (see sim.rng.draw_key)."""


@dataclass
class _Lane:
    """A reply on its way."""

    place: int
    request: Request
    grammar: Any
    n_prompt: int
    token: int
    """The last token, not yet seen by the network."""
    at: int
    key: Any
    """As uint64: a plain integer may be beyond what the compiled function takes."""
    reply: list[int]


class Decoder:
    """Answers requests with a model, at most LANES at once."""

    def __init__(self, model: Transformer, tokenizer: Any) -> None:
        self.model, self.tokenizer = model.eval(), tokenizer
        self._vocabulary = grammar_tokenizer(tokenizer)
        self._end = tokenizer.token_to_id(END)
        self._grammars: dict[str, Any] = {}
        self._n_words = (model.shape.n_tokens + 31) // 32

    def _grammar(self, schema: str) -> Any:
        """Return a fresh matcher of a schema: compact JSON, fields in their order."""
        from llguidance import LLMatcher

        if schema not in self._grammars:
            options: Any = {"whitespace_flexible": False, "item_separator": ",", "key_separator": ":"}
            grammar = LLMatcher.grammar_from_json_schema(schema_text(schema), overrides=options)
            matcher = LLMatcher(self._vocabulary, grammar)
            if matcher.is_error():
                raise RuntimeError(f"schema {schema}: {matcher.get_error()}")
            self._grammars[schema] = matcher
        return self._grammars[schema].deep_copy()

    def complete(self, requests: Sequence[Request], batch: int = LANES) -> list[Reply]:
        """Return one reply per request, in order.

        Args:
            requests: prompts longer than the context are failures.
            batch: at most so many are decoded at once.
        """
        replies: list[Reply | None] = [None] * len(requests)
        waiting = deque(enumerate(requests))
        lanes: list[_Lane | None] = [None] * LANES
        threads = torch.get_num_threads()
        torch.set_num_threads(1)  # faster for these sizes, and sums keep their order
        try:
            with torch.inference_mode():
                cache = self.model.new_cache(LANES)
                while True:
                    for k in range(min(batch, LANES)):
                        while lanes[k] is None and waiting:
                            place, request = waiting.popleft()
                            lanes[k] = self._begin(place, request, cache, k, replies)
                    if not any(lanes):
                        break
                    self._step(lanes, cache, replies)
        finally:
            torch.set_num_threads(threads)
        return [reply for reply in replies if reply is not None]

    def _begin(
        self, place: int, request: Request, cache: torch.Tensor, lane: int, replies: list[Reply | None]
    ) -> _Lane | None:
        user = "\n".join(text for role, text in request.messages if role == "user")
        prompt = prompt_tokens(self.tokenizer, request.schema, user)
        if len(prompt) + request.max_reply_tokens > self.model.shape.context:
            replies[place] = Reply(None, "context_too_long", prompt_tokens=len(prompt))
            return None
        if len(prompt) > 1:  # an empty text has nothing before its mark
            self.model.prefill(prompt[:-1], cache, lane)
        key = np.uint64(draw_key(request.seed, 0, SAMPLING))
        return _Lane(place, request, self._grammar(request.schema), len(prompt), prompt[-1], len(prompt) - 1, key, [])

    def _step(self, lanes: list[_Lane | None], cache: torch.Tensor, replies: list[Reply | None]) -> None:
        """Move every busy lane on by one token; finished ones leave their reply and are free."""
        tokens = torch.tensor([lane.token if lane else 0 for lane in lanes])
        at = torch.tensor([lane.at if lane else 0 for lane in lanes])
        scores = self.model.step(tokens, at, cache).numpy()
        masks = np.zeros((LANES, self._n_words), np.int32)
        for k, lane in enumerate(lanes):
            if lane:
                lane.grammar.unsafe_compute_mask_ptr(masks[k].ctypes.data, masks[k].nbytes)
        allowed = np.unpackbits(masks.view(np.uint8), axis=1, bitorder="little")[:, : scores.shape[1]].astype(bool)
        rounded = np.round(scores.astype(np.float64) / SCORE_STEP) * SCORE_STEP
        for k, lane in enumerate(lanes):
            if not lane:
                continue
            choices = np.flatnonzero(allowed[k])
            token = int(choices[_pick(rounded[k, choices], lane)]) if len(choices) > 1 else int(choices[0])
            lane.grammar.consume_token(token)
            lane.at += 1
            lane.token = token
            if token != self._end:
                lane.reply.append(token)
            if token == self._end or lane.grammar.is_stopped() or len(lane.reply) == lane.request.max_reply_tokens:
                done = token == self._end or lane.grammar.is_accepting()
                text = self.tokenizer.decode(lane.reply, skip_special_tokens=False)
                replies[lane.place] = Reply(text, None if done else "cut_off", lane.n_prompt, len(lane.reply))
                lanes[k] = None


def _pick(scores: np.ndarray[Any, Any], lane: _Lane) -> int:
    """Draw one of the allowed tokens by inversion, or take the best at temperature 0."""
    best = int(scores.argmax())
    if lane.request.temperature == 0:
        return best
    weights = np.exp((scores - scores[best]) / lane.request.temperature)
    total = weights.cumsum()
    u = float(raw_uniform(lane.key, len(lane.reply)))
    return min(int(np.searchsorted(total, u * total[-1], side="right")), len(total) - 1)
