"""A small model in this process, by torch, with the schema enforced while it decodes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from agents.llm.protocol import Reply, Request
from agents.llm.settings import LocalSettings
from lob.errors import InputError

__all__ = ["LocalBackend"]


class LocalBackend:
    """Answers with the shipped model, or one from `outcry train llm`.

    Raises:
        InputError: if the extra is not installed or there is no model in the folder.
    """

    def __init__(self, settings: LocalSettings | None = None) -> None:
        self.settings = settings = settings or LocalSettings()
        try:
            import llguidance  # noqa: F401

            from agents.llm.model.decode import Decoder
            from agents.llm.model.files import SHIPPED, load_model
        except ImportError as error:
            raise InputError(f'backend "local": {error.name} is missing; pip install "outcry-sim[llm]"') from None
        model, tokenizer, self.model = load_model(Path(settings.weights) if settings.weights else SHIPPED)
        self._decoder = Decoder(model, tokenizer)
        self._context = model.shape.context

    def complete(self, requests: Sequence[Request]) -> list[Reply]:
        """Return one reply for each request; see Backend.

        Raises:
            InputError: if a prompt is longer than the model's context.
        """
        started = time.perf_counter()
        replies = self._decoder.complete(requests, self.settings.batch)
        for request, reply in zip(requests, replies, strict=True):
            if reply.failure == "context_too_long":
                raise InputError(
                    f"backend: a prompt of {reply.prompt_tokens} tokens and a reply of {request.max_reply_tokens} "
                    f"are longer than the model's context of {self._context}; lower max_prompt_tokens, memory_shown "
                    "or news_shown"
                )
        spent = (time.perf_counter() - started) / max(1, len(requests))
        return [replace(reply, wall_s=spent) for reply in replies]
