"""The HTTP backend against a real server: every way to fail is counted or told, and nothing depends on timing."""

from __future__ import annotations

import hashlib
import json
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from agents.llm import HttpBackend, HttpSettings, Recorder, Replay, Request
from agents.llm.backends import open_backend
from agents.llm.protocol import judged
from bench.chat_server import KINDS, MODEL, ChatServer, decision_text, serving
from lob.errors import InputError
from lob.types import EventKind
from tests.llm.parts import investors, played, traces
from tests.sim.markets import market_of, zero_intelligence_traders


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with serving() as running:
        yield running


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OUTCRY_LLM_MODEL"):
        monkeypatch.delenv(name, raising=False)


def backend(server: ChatServer, **settings: Any) -> HttpBackend:
    fixed = {"model": MODEL, "base_url": server.url, "timeout_s": 5.0, "backoff_s": 0.0}
    return HttpBackend(HttpSettings(kind="openai", **{**fixed, **settings}))


def requests(count: int, text: str = "x") -> list[Request]:
    return [Request(MODEL, (("system", "s"), ("user", text)), "decision", seed) for seed in range(count)]


def test_replies_come_in_order_with_their_tokens(server: ChatServer) -> None:
    client = backend(server, concurrency=8)
    replies = client.complete(requests(40))
    for request, reply in zip(requests(40), replies, strict=True):
        key = json.dumps([request.seed, "x"])
        word = int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), "little")
        assert reply.text == decision_text(word)
        assert reply.failure is None and reply.reply_tokens > 0 and reply.retries == 0
    client.close()


def test_the_server_gets_the_schema_the_seed_and_the_budget(server: ChatServer) -> None:
    seen: list[dict[str, Any]] = []

    def reply(body: dict[str, Any]) -> str:
        seen.append(body)
        return decision_text(7)

    server.reply = reply
    backend(server).complete([Request(MODEL, (("user", "x"),), "decision", 12345, 0.5, 77)])
    backend(server, send_schema=False, reply_limit_name="max_completion_tokens").complete(requests(1))
    first, second = seen
    schema = first["response_format"]["json_schema"]
    assert schema["strict"] and schema["schema"]["additionalProperties"] is False
    assert (first["seed"], first["temperature"], first["max_tokens"]) == (12345, 0.5, 77)
    assert "response_format" not in second and second["max_completion_tokens"] == 120


@pytest.mark.parametrize(
    ("kind", "failure", "n_attempts"),
    [
        ("server_error", "server_error", 3),
        ("rate_limit", "rate_limit", 3),
        ("timeout", "timeout", 3),
        ("cut_body", "cut_off", 3),
        ("cut_json", "no_json", 1),  # a whole answer with a bad text: no attempt would be better
    ],
)
def test_each_failure_has_its_reason_and_bounded_retries(
    server: ChatServer, kind: str, failure: str, n_attempts: int
) -> None:
    server.failing_share, server.kinds, server.slow_s = 1.0, (kind,), 0.6
    client = backend(server, timeout_s=0.2 if kind == "timeout" else 5.0, max_retries=2)
    (request,) = requests(1)
    reply = judged(request, client.complete([request])[0])[0]
    assert (reply.failure, reply.retries) == (failure, n_attempts - 1)
    assert server.counts == {kind: n_attempts}
    server.failing_share, server.counts = 1.0, Counter()
    server.fails_first = 1
    (request,) = requests(1, "another")
    reply = judged(request, client.complete([request])[0])[0]
    assert reply.failure == (None if n_attempts > 1 else failure)
    client.close()


def test_requests_are_kept_to_the_concurrency_and_the_rate(server: ChatServer) -> None:
    server.delay_s = 0.2
    backend(server, concurrency=5).complete(requests(40))
    assert server.most_open == 5
    server.delay_s = 0.0
    started = time.monotonic()
    backend(server, concurrency=8, requests_per_s=50.0).complete(requests(26))
    assert time.monotonic() - started >= 25 / 50


@pytest.mark.parametrize(
    ("settings", "messages", "message"),
    [
        ({"model": "gpt-none"}, None, "knows no model 'gpt-none'"),
        ({"base_url": "http://127.0.0.1:9/v1", "max_retries": 1}, None, "127.0.0.1:9/v1': no server answers there"),
        ({}, (("user", "word " * 4000),), "longer than test-model takes .*lower max_prompt_tokens"),
    ],
)
def test_what_no_attempt_can_mend_is_one_line(
    server: ChatServer, settings: dict[str, Any], messages: Any, message: str
) -> None:
    client = backend(server, **settings)
    asked = Request(client.model, messages or (("user", "x"),), "decision", 1)
    with pytest.raises(InputError, match=message) as caught:
        client.complete([asked])
    assert "\n" not in str(caught.value)


def test_a_wrong_path_and_a_refused_key_are_one_line(server: ChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="is not the base of the API"):
        backend(server, base_url=server.url.removesuffix("/v1")).complete(requests(1))
    monkeypatch.setenv("MY_API_KEY", "wrong")
    with pytest.raises(InputError, match=r"refuses the key in MY_API_KEY .*Incorrect API key"):
        backend(server, key_env="MY_API_KEY").complete(requests(1))


def test_what_is_missing_is_told_before_anything_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=r"backend\.model: not given; .* OUTCRY_LLM_MODEL"):
        open_backend(HttpSettings(kind="openai"))
    monkeypatch.setenv("OUTCRY_LLM_MODEL", "some")
    with pytest.raises(InputError, match=r"OPENAI_API_KEY holds no key for https://api\.openai\.com/v1"):
        open_backend(HttpSettings(kind="openai"))
    monkeypatch.setenv("OPENAI_BASE_URL", "localhost:8000")
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    with pytest.raises(InputError, match="allowed: an address that starts with http"):
        open_backend(HttpSettings(kind="openai"))
    both = HttpSettings(kind="openai", model="m", record="a", replay="b")
    with pytest.raises(InputError, match="both record and replay"):
        open_backend(both)
    with pytest.raises(InputError, match="retry_failures: there is no record"):
        open_backend(HttpSettings(kind="openai", model="m", retry_failures=True))


def test_with_a_tenth_failing_the_run_ends_and_its_tape_does_not_depend_on_concurrency(
    server: ChatServer, tmp_path: Any
) -> None:
    server.failing_share, server.slow_s = 0.1, 4.0  # far apart: a machine may be busy
    tapes, counted = [], []
    for k, concurrency in enumerate((1, 4, 16)):
        client = backend(server, concurrency=concurrency, timeout_s=1.5, max_retries=0)
        recorder = Recorder(client, tmp_path / f"{k}.sqlite")
        market = played(recorder, seconds=90, count=10, seed=3)
        rows = traces(market)
        tapes.append(market.tape.tobytes())
        counted.append(Counter(row["failure"] for row in rows if row["failure"]))
        client.close()
    assert tapes[0] == tapes[1] == tapes[2]
    assert counted[0] == counted[1] == counted[2]
    names = {"server_error": "server_error", "timeout": "timeout", "cut_body": "cut_off", "rate_limit": "rate_limit",
             "cut_json": "no_json"}  # fmt: skip
    assert set(names) == set(KINDS)
    assert counted[0] == Counter({names[k]: n // 3 for k, n in server.counts.items() if k != "ok"})
    assert 0.03 < sum(counted[0].values()) / len(rows) < 0.2
    replayed = played(Replay(tmp_path / "0.sqlite"), seconds=90, count=10, seed=3)
    assert replayed.tape.tobytes() == tapes[0]
    # Every order on the tape belongs to a decision that was of the schema, and is one that the risk revision let pass.
    tape = replayed.tape
    sent = {row["parent_id"]: [json.loads(text) for text in row["orders"]] for row in rows if row["orders"]}
    mine = tape[(tape["parent_id"] >= 1 << 30) & (tape["kind"] == EventKind.ADD)]
    assert len(mine) > 10
    for row in mine:
        assert any(
            row["price_ticks"] == price and row["qty_lots"] <= lots and kind != "market"
            for _, kind, price, lots, _ in sent[int(row["parent_id"])]
        )


def test_a_server_that_goes_away_in_mid_run_is_a_counted_failure() -> None:
    with serving() as server:
        client = backend(server, max_retries=0)
        assert client.complete(requests(3))[0].failure is None
    replies = client.complete(requests(3))
    assert {reply.failure for reply in replies} <= {"connection", "timeout"}
    market = market_of([zero_intelligence_traders(20), investors(client, count=3)], seconds=30)
    market.run()
    assert {row["failure"] for row in traces(market)} == {"connection"}
