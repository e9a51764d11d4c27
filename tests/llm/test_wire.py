"""One attempt is bounded in time and size whatever a server does, and nothing is sent where it should not go."""

from __future__ import annotations

import gzip
import json
import logging
import socket
import time
from pathlib import Path
from typing import Any

import pytest

from agents.llm import Desk, HttpBackend, HttpSettings, Recorder, Request
from agents.llm.investor_settings import checked
from lob.errors import InputError, OutcryError, RunError
from tests.llm.odd_server import Asked, Pieces, completion, http, serving_oddly
from tests.llm.parts import decision, order, played, traces

GOOD = decision(order())
KEY = "sk-very-secret-0123456789"
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
HOUR = 3600.0


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_BASE_URL", "OUTCRY_LLM_MODEL", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OUTCRY_KEY_ENVS", "OPENAI_API_KEY")


def backend(url: str, **settings: Any) -> HttpBackend:
    fixed = {"model": "m", "base_url": url, "timeout_s": 20.0, "backoff_s": 0.0, "max_retries": 0}
    return HttpBackend(HttpSettings(kind="openai", **{**fixed, **settings}))


def request(seed: int = 1, model: str = "m") -> Request:
    return Request(model, (("system", "s"), ("user", "x")), "decision", seed)


def failure_of(pieces: bytes | Pieces, **settings: Any) -> str | None:
    with serving_oddly(lambda asked, n: pieces) as server:
        client = backend(server.url, **settings)
        (reply,) = client.complete([request()])
        client.close()
    return reply.failure


@pytest.mark.parametrize(
    "pieces",
    [
        [HEAD + b"content-length: 100000\r\n\r\n", *[b" ", 0.1] * 600],
        [HEAD + b"transfer-encoding: chunked\r\n\r\n", *[b"1\r\n \r\n", 0.1] * 600],
        [*[b"HTTP/1.1 200 OK\r\n"[:9], 0.1], *[b"x", 0.1] * 600],
        [HEAD, *[b"x: y\r\n", 0.1] * 600],
        [HOUR],
        [HEAD + b"content-length: 10\r\n\r\n", HOUR],
        [b"HTTP/1.1 500 X\r\ncontent-length: 100000\r\n\r\n", *[b" ", 0.1] * 600],
    ],
)
def test_an_answer_that_drips_is_over_at_the_deadline(pieces: Pieces) -> None:
    started = time.monotonic()
    assert failure_of(pieces, timeout_s=1.0) == "timeout"
    assert time.monotonic() - started < 20


@pytest.mark.parametrize("status", [b"200", b"400", b"500"])
def test_an_endless_answer_is_cut_at_its_bound(status: bytes) -> None:
    head = b"HTTP/1.1 " + status + b" X\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
    chunk = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
    assert failure_of([head, *[chunk] * 64]) == "bad_body"


def test_a_body_that_unpacks_to_a_gigabyte_is_not_unpacked() -> None:
    bomb = gzip.compress(gzip.compress(b" " * (1 << 26)) + b" " * (1 << 26))
    assert failure_of(http(bomb, headers={"content-encoding": "gzip"})) == "bad_body"
    assert failure_of(http(b"x", headers={"content-encoding": "br"})) == "bad_body"
    assert failure_of(http(b"no gzip", headers={"content-encoding": "gzip"})) == "cut_off"
    whole = gzip.compress(json.dumps(completion(GOOD)).encode())
    assert failure_of(http(whole[:-9], headers={"content-encoding": "gzip"})) == "cut_off"


@pytest.mark.parametrize(
    "answer",
    [
        http(completion(GOOD), more=50),
        HEAD + b"transfer-encoding: chunked\r\n\r\n5\r\n{\"cho\r\n",
        HEAD + b"content-length: 0\r\n\r\n",
    ],
)  # fmt: skip
def test_a_body_that_ends_early_is_cut_off_and_no_missing_server(answer: bytes) -> None:
    assert failure_of(answer) == "cut_off"


@pytest.mark.parametrize("answer", [b"", b"hello\r\n\r\n", b"HTTP/9.9 abc\r\n\r\n"])
def test_what_is_no_http_is_one_line(answer: bytes) -> None:
    with pytest.raises(InputError, match="no server answers there") as caught:
        failure_of(answer)
    assert "\n" not in str(caught.value)


def test_no_name_and_no_certificate_are_told_with_their_reason() -> None:
    with pytest.raises(InputError, match=r"no-such-host\.invalid/v1': no server answers there \(.+\)"):
        backend("http://no-such-host.invalid/v1").complete([request()])
    with serving_oddly(lambda asked, n: b"") as server:
        server.talk = _plain_words  # type: ignore[method-assign]
        with pytest.raises(InputError, match=r"no server answers there \(.*SSL"):
            backend(server.url.replace("http:", "https:")).complete([request()])


def _plain_words(connection: socket.socket) -> None:
    """Speak to a client that wants TLS as if it did not."""
    with connection:
        connection.recv(65_536)
        connection.sendall(http({}))
        connection.recv(65_536)


def test_many_requests_wait_for_a_slow_server_without_running_out_of_their_own_time() -> None:
    def say(asked: Asked, n: int) -> Pieces:
        return [0.3, http(completion(GOOD))]

    with serving_oddly(say) as server:
        client = backend(server.url, concurrency=4, timeout_s=15.0)
        replies = client.complete([request(k) for k in range(40)])
        client.close()
    assert {reply.failure for reply in replies} == {None}


# ---- the key ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_the_key_does_not_follow_a_redirect(status: int) -> None:
    with serving_oddly(lambda asked, n: http(completion(GOOD))) as other:
        moved = http({}, status, {"location": f"{other.url}/chat/completions?key={KEY}"})
        with serving_oddly(lambda asked, n: moved) as server, pytest.raises(InputError, match="redirects to") as caught:
            backend(server.url).complete([request()])
    assert other.asked == []
    assert KEY not in str(caught.value)


def test_servers_of_this_machine_are_not_asked_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving_oddly(lambda asked, n: http(completion(GOOD))) as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert failure_of(http(completion(GOOD))) is None
        assert proxy.asked == []
        client = backend("http://models.example/v1")
        assert client.complete([request()])[0].failure is None
        client.close()
        assert proxy.asked[0].head.startswith("POST http://models.example/v1/chat/completions")


@pytest.mark.parametrize("proxy", ["ftp://user:hunter22@x:1", "socks9://user:hunter22@x:1", "http://user:hunter22@x:y"])
def test_a_proxy_that_cannot_be_used_is_one_line_without_its_password(
    monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv("ALL_PROXY", proxy)
    with pytest.raises(InputError, match="no connection can be prepared") as caught:
        backend("http://models.example/v1")
    assert "hunter22" not in str(caught.value)


def test_a_key_that_a_server_echoes_is_nowhere(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    path = tmp_path / "replies.sqlite"

    def say(asked: Asked, n: int) -> bytes:
        echoed = asked.header("authorization")
        assert echoed == f"Bearer {KEY}"
        return http(completion(f"You are {echoed}" if n % 2 else GOOD))

    with serving_oddly(say) as server:
        client = backend(server.url)
        market = played(Recorder(client, path), seconds=30, count=3)
        client.close()
    rows = traces(market)
    assert any("You are Bearer [key]" in str(row["reply"]) for row in rows)
    written = path.read_bytes() + b"".join(p.read_bytes() for p in tmp_path.iterdir())
    assert KEY.encode() not in written and KEY not in repr(rows) and KEY not in caplog.text
    for status in (400, 401, 403, 404, 402):
        text = "x" * 190 + f" key {KEY}"
        with serving_oddly(lambda asked, n, s=status, t=text: http({"error": {"message": t}}, s)) as server:  # type: ignore[misc]
            client = backend(server.url)
            with pytest.raises(InputError) as caught:
                client.complete([request()])
            client.close()
        assert KEY[:8] not in str(caught.value)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"base_url": "http://user:hunter22@host/v1"}, "base_url: holds a user name or a password"),
        ({"base_url": "https://hunter22@host/v1"}, "base_url: holds a user name or a password"),
        ({"base_url": "https://host/v1?api_key=hunter22"}, "base_url: holds a query"),
        ({"base_url": "https://host:hunter22/v1"}, "base_url: no address"),
        ({"base_url": "host hunter22"}, "allowed: an address that starts with http"),
        ({"api_key": "hunter22"}, "no such setting; allowed: record, replay, .*a key stands in the environment"),
        ({"key_env": ["hunter22"]}, "key_env"),
        ({"timeout_s": "hunter22"}, "timeout_s"),
    ],
)
def test_a_secret_in_the_wrong_place_is_refused_and_not_shown(table: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match="no such setting") as caught:
        checked({"api_key": "hunter22"})
    assert "hunter22" not in str(caught.value)
    with pytest.raises(ValueError, match=message) as caught:
        checked({"backend": {"kind": "openai", "model": "m", **table}})
    assert "hunter22" not in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("address", ["http://user:hunter22@host/v1", "https://host/v1?key=hunter22", "http://[::1/v1"])
def test_the_environments_address_is_held_to_the_same(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", address)
    with pytest.raises(InputError, match="OPENAI_BASE_URL") as caught:
        HttpBackend(HttpSettings(kind="openai", model="m"))
    assert "hunter22" not in str(caught.value)


def test_a_key_that_cannot_stand_in_a_header_is_told_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "hunter22\r\nx: y")
    with pytest.raises(InputError, match="OPENAI_API_KEY holds no key; allowed: printable ASCII") as caught:
        backend("http://127.0.0.1:9/v1")
    assert "hunter22" not in str(caught.value)
    monkeypatch.setenv("OPENAI_API_KEY", f"{KEY}\n")
    with serving_oddly(lambda asked, n: http(completion(GOOD))) as server:
        client = backend(server.url)
        client.complete([request()])
        client.close()
    assert server.asked[0].header("authorization") == f"Bearer {KEY}"


# ---- a run of nothing but failures --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (http({"error": {"message": f"no GPU {KEY}"}}, 500),
         r"server_error \d+\); the server last said: no GPU \[key\]; see to the server"),
        (http(completion("", "length")), r"cut_off \d+\); raise max_reply_tokens"),
        (http(completion(None, refusal="no")), r"refused \d+"),
        (http("<p>", headers={"content-type": "text/html"}), r"bad_body \d+\); the server last said: <p>; check base"),
    ],
)  # fmt: skip
def test_a_run_without_any_usable_reply_ends_after_twenty(answer: bytes, words: str) -> None:
    with serving_oddly(lambda asked, n: answer) as server:
        client = backend(server.url)
        with pytest.raises(RunError, match=f"none of 2\\d replies is usable .*{words}"):
            played(client, count=8)
        client.close()
    assert len(server.asked) < 30


def test_the_next_run_counts_anew() -> None:
    class Fails:
        model = "m"

        def complete(self, requests: Any) -> Any:
            from agents.llm import Reply

            return [Reply(None, "timeout") for _ in requests]

    desk = Desk(Fails())
    for _ in range(2):
        assert desk.answer([(request(k),) for k in range(19)])
        with pytest.raises(OutcryError, match="timeout 20"):
            desk.answer([(request(99),)])
