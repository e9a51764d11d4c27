"""Decisions a second of LLM investors: from a record, from the small model in this process, from a server over HTTP."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from agents.llm import Desk, HttpBackend, HttpSettings, LocalBackend, Recorder, Replay, Request, Scripted
from agents.llm.model.corpus import situation
from agents.llm.observation import observation_text
from agents.llm.prompt import SYSTEM, messages_of
from agents.llm.protocol import Backend
from bench.chat_server import MODEL, decision_text
from bench.yardstick import at_least

__all__ = ["run"]

N_REPLAY, N_LOCAL, N_HTTP = 20_000, 10_000, 3_000
BATCH = 64
CONCURRENCY = 32


def _requests(model: str, count: int) -> list[Request]:
    generator = np.random.default_rng(11)
    return [
        Request(model, messages_of(SYSTEM, observation_text(*situation(generator))), "decision", seed)
        for seed in range(count)
    ]


def _rate(backend: Backend, requests: Sequence[Request], batch: int = BATCH) -> tuple[float, float]:
    """Return (decisions a second with their reading, share of them that are of the schema), in batches as in runs."""
    desk = Desk(backend)
    n_valid = 0
    started = time.perf_counter()
    for first in range(0, len(requests), batch):
        answers = desk.answer([(request,) for request in requests[first : first + batch]])
        n_valid += sum(content is not None for ((_, content),) in answers)
    return len(requests) / (time.perf_counter() - started), n_valid / len(requests)


def _replay() -> tuple[float, float]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "replies.sqlite"
        requests = _requests("scripted", N_REPLAY)
        Recorder(Scripted(lambda request: decision_text(request.seed * 2_654_435_761)), path).complete(requests)
        fresh = _requests("scripted", N_REPLAY)
        return _rate(Replay(path), fresh)


def _http() -> tuple[float, float]:
    """Measure against a server in a process of its own."""
    command = [sys.executable, "-m", "bench.chat_server"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdin is not None and server.stdout is not None
        url = server.stdout.readline().strip()
        client = HttpBackend(HttpSettings(kind="openai", model=MODEL, base_url=url, concurrency=CONCURRENCY))
        _rate(client, _requests(MODEL, 200), batch=200)
        found = _rate(client, _requests(MODEL, N_HTTP), batch=500)
        client.close()
        server.stdin.close()
    return found


def run() -> dict[str, Any]:
    """Return the figures of this bench."""
    replay, replay_valid = _replay()
    local = LocalBackend()
    _rate(local, _requests(local.model, BATCH))
    local_rate, local_valid = _rate(local, _requests(local.model, N_LOCAL))
    http, http_valid = _http()
    return {
        "replay_per_s": round(replay),
        "local_per_s": round(local_rate, 1),
        "http_per_s": round(http),
        "valid_share": local_valid,
        "local_decisions": N_LOCAL,
        "http_concurrency": CONCURRENCY,
        "pass": at_least(replay, 10_000) and at_least(local_rate, 60) and at_least(http, 200)
        and local_valid == replay_valid == http_valid == 1.0,
    }  # fmt: skip
