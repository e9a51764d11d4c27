"""Answers of servers as they are: what leaves no doubt is taken, the rest is counted by its kind, words are shown."""

from __future__ import annotations

import email.utils
import gzip
import json
import time
from typing import Any

import pytest

from agents.llm import HttpBackend, HttpSettings, Recorder, Replay, Reply, Request
from agents.llm.protocol import judged
from lob.errors import InputError
from tests.llm.odd_server import Asked, OddServer, completion, http, serving_oddly
from tests.llm.parts import decision, order

GOOD = decision(order())


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OUTCRY_LLM_MODEL"):
        monkeypatch.delenv(name, raising=False)


def backend(server: OddServer, **settings: Any) -> HttpBackend:
    fixed = {"model": "m", "base_url": server.url, "timeout_s": 20.0, "backoff_s": 0.0, "max_retries": 0}
    return HttpBackend(HttpSettings(kind="openai", **{**fixed, **settings}))


def request(seed: int = 1) -> Request:
    return Request("m", (("system", "s"), ("user", "x")), "decision", seed)


def replies(*said: bytes, count: int = 1, **settings: Any) -> list[tuple[Reply, Any]]:
    """Replies to one request after another; the server says each text once, and the last one again and again."""
    with serving_oddly(lambda asked, n: said[min(n, len(said) - 1)]) as server:
        client = backend(server, **settings)
        found = [judged(request(k), client.complete([request(k)])[0]) for k in range(count)]
        client.close()
    return found


def one(body: Any, **settings: Any) -> tuple[Reply, Any]:
    return replies(body if isinstance(body, bytes) else http(body), **settings)[0]


@pytest.mark.parametrize(
    "body",
    [
        completion(GOOD),
        completion(f"\ufeff\n {GOOD}\n\n"),
        completion(f"```json\n{GOOD}\n```"),
        completion(f"\n```\n{GOOD}```\n"),
        completion(f"<think>It rises, so {{buy}}.</think>\n\n{GOOD}"),
        completion(f"It rises.</think>```json\n{GOOD}\n```"),
        completion([{"type": "text", "text": GOOD}]),
        completion([{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": GOOD}]),
        completion([{"type": "text", "text": GOOD[:20]}, {"type": "text", "text": GOOD[20:]}]),
        completion(GOOD, reasoning_content="because"),
        completion(GOOD, refusal=""),
        http(b"\xef\xbb\xbf" + json.dumps(completion(GOOD)).encode(), headers={"content-type": "text/html"}),
        http(gzip.compress(json.dumps(completion(GOOD)).encode()), headers={"content-encoding": "gzip"}),
    ],
)
def test_what_leaves_no_doubt_is_a_decision(body: Any) -> None:
    reply, found = one(body)
    assert reply.failure is None
    assert found.orders[0].qty_lots == 5 and found.confidence == 60
    assert (reply.prompt_tokens, reply.reply_tokens) == (10, 5)


@pytest.mark.parametrize(
    ("body", "failure"),
    [
        (completion(f"Sure: {GOOD}"), "no_json"),
        (completion(f"{GOOD}\n{GOOD}"), "no_json"),
        (completion(f"```json\n{GOOD}\n```\n```json\n{GOOD}\n```"), "no_json"),
        (completion(f"<think>never ends {GOOD}"), "no_json"),
        (completion(f"<think>a</think>{GOOD}</think>{GOOD}"), "no_json"),
        (completion("[" * 100_000), "no_json"),
        (completion("I'm sorry, but I cannot give financial advice."), "no_json"),
        (completion(GOOD[:-1] + ', "view": "down"}'), "schema"),
        (completion(GOOD.replace('"qty_lots": 5', '"qty_lots": 1, "qty_lots": 5')), "schema"),
        (completion(GOOD.replace("60", "9" * 5000)), "no_json"),
        (completion(GOOD.replace("60", "60.0")), "schema"),
        (completion(GOOD.replace("60", "NaN")), "schema"),
        (completion(GOOD.replace("60", "1" + "0" * 30)), "schema"),
        (completion(None, reasoning_content=GOOD), "no_content"),
        (completion("", "stop"), "no_content"),
        (completion([]), "no_content"),
        (completion([{"type": "image_url", "image_url": {"url": "x"}}]), "no_content"),
        (completion(None, "tool_calls", tool_calls=[{"function": {"arguments": GOOD}}]), "no_content"),
        (completion({"text": GOOD}), "no_content"),
        (completion(None, refusal="I cannot."), "refused"),
        (completion("", "content_filter"), "refused"),
        (completion("", "length", reasoning_content="hmm " * 100), "cut_off"),
        (completion(GOOD[:40], "length"), "cut_off"),
        (completion(GOOD + "\ud800"), "not_unicode"),
        (http(json.dumps(completion("caf@")).encode().replace(b"@", b"\xe9")), "not_unicode"),
        ({"choices": []}, "bad_body"),
        ({"choices": [{"message": None}]}, "bad_body"),
        ({"choices": "none"}, "bad_body"),
        ([], "bad_body"),
        (http("<html><body>Login</body></html>", headers={"content-type": "text/html"}), "bad_body"),
        (http('data: {"choices": []}\n\ndata: [DONE]\n\n', headers={"content-type": "text/event-stream"}), "bad_body"),
        (http("[" * 100_000, headers={"content-type": "text/plain"}), "bad_body"),
        (http(b'{"choices"'), "cut_off"),
        (http(b"", status=204), "cut_off"),
        ({"error": {"message": "upstream overloaded", "code": 502}}, "server_error"),
        (http({"error": {"message": "filtered", "code": "content_filter"}}, 400), "refused"),
        (http({"error": {"message": "triggering the content management policy."}}, 400), "refused"),
        (http({"error": {"message": "your input was flagged by moderation"}}, 403), "refused"),
    ],
)
def test_what_is_no_decision_is_counted_by_its_kind(body: Any, failure: str) -> None:
    reply, found = one(body)
    assert (reply.failure, found) == (failure, None)
    assert reply.text is None or reply.text.encode()


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        (None, (0, 0)),
        ("many", (0, 0)),
        ({"prompt_tokens": "n/a", "completion_tokens": 5}, (0, 5)),
        ({"prompt_tokens": 10.5, "completion_tokens": "7"}, (10, 7)),
        ({"prompt_tokens": -3, "completion_tokens": 10**30}, (0, 0)),
        ({"prompt_tokens": float("nan"), "completion_tokens": float("inf")}, (0, 0)),
        ({"prompt_tokens": True, "completion_tokens": [7]}, (0, 0)),
        ({"prompt_tokens": {"a": 1}, "completion_tokens": None}, (0, 0)),
    ],
)
def test_absurd_figures_of_use_never_lose_a_good_reply(usage: Any, tokens: tuple[int, int]) -> None:
    reply, found = one(completion(GOOD, usage=usage))
    assert found is not None and (reply.prompt_tokens, reply.reply_tokens) == tokens


def test_a_number_of_five_thousand_digits_in_the_usage_does_not_either() -> None:
    body = json.dumps(completion(GOOD)).replace('"prompt_tokens": 10', f'"prompt_tokens": {"9" * 5000}')
    reply, found = one(http(body))
    assert found is not None and reply.prompt_tokens == 0


# ---- further attempts ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 502, 503, 504, 529])
def test_what_may_pass_is_tried_again(status: int) -> None:
    ((reply, found),) = replies(http({"error": "busy"}, status), http(completion(GOOD)), max_retries=2)
    assert found is not None and reply.retries == 1


@pytest.mark.parametrize(
    ("name", "value", "seconds"),
    [
        ("retry-after", "0.4", 0.4),
        ("retry-after-ms", "400", 0.4),
        ("retry-after", "date", 1.5),
        ("retry-after", "-5", 0.0),
        ("retry-after", "soon", 0.0),
        ("retry-after", "nan", 0.0),
        ("retry-after-ms", "1e999", 0.0),
        ("retry-after", "Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
    ],
)
def test_a_servers_wish_to_wait_is_kept_however_it_is_written(name: str, value: str, seconds: float) -> None:
    times = []

    def say(asked: Asked, n: int) -> bytes:
        times.append(time.monotonic())
        said = email.utils.formatdate(time.time() + 2.5, usegmt=True) if value == "date" else value
        return http({}, 429, {name: said}) if n == 0 else http(completion(GOOD))

    with serving_oddly(say) as server:
        client = backend(server, max_retries=1)
        (reply,) = client.complete([request()])
        client.close()
    assert reply.failure is None and reply.retries == 1
    assert seconds <= times[1] - times[0] < seconds + 10


# ---- what nothing mends -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (http({"detail": [{"loc": ["body", "seed"], "msg": "Extra inputs are not permitted"}]}, 422),
         r"status 422 \(body\.seed: Extra inputs are not permitted\); send_seed = false"),
        (http({"error": {"message": "'temperature' is not supported"}}, 400), "send_temperature = false"),
        (http({"error": {"message": "Use 'max_completion_tokens' instead."}}, 400), '"max_completion_tokens"'),
        (http({"error": {"message": "no structured outputs (json_schema)"}}, 400), 'response_format = "json_object"'),
        (http({"error": "model is loading on a GPU that is too small"}, 400), "a GPU that is too small"),
        (http({"object": "error", "message": "vLLM speaks so"}, 400), "vLLM speaks so"),
        (http("plain words", 418, {"content-type": "text/plain"}), "plain words"),
        (http(b"", 418), "status 418"),
        (http({"error": {"message": "Insufficient balance"}}, 402), r"quota is used up \(Insufficient balance"),
        (http({"error": {"message": "exceeds the available context size"}}, 400), "lower max_prompt_tokens"),
        (http({"message": "request entity too large"}, 413), "lower max_prompt_tokens"),
    ],
)  # fmt: skip
def test_the_servers_own_words_are_shown_with_the_setting_that_helps(answer: bytes, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        one(answer)
    assert "\n" not in str(caught.value)


def test_words_are_cut_and_cannot_steer_a_terminal() -> None:
    with pytest.raises(InputError) as caught:
        one(http({"error": {"message": "\x1b[2J\x07bad\r\n\u202e" + "word " * 5000}}, 400))
    text = str(caught.value)
    assert text.isprintable() and len(text) < 500
    assert r"\x1b[2J\x07bad" in text and r"\u202e" in text


@pytest.mark.parametrize(
    ("settings", "present", "absent"),
    [
        ({}, {"seed", "temperature", "max_tokens", "response_format"}, {"max_completion_tokens"}),
        ({"send_seed": False}, {"temperature"}, {"seed"}),
        ({"send_temperature": False}, {"seed"}, {"temperature"}),
        ({"reply_limit_name": "none"}, {"seed"}, {"max_tokens", "max_completion_tokens"}),
        ({"response_format": "none"}, {"seed"}, {"response_format"}),
        ({"send_schema": False}, {"seed"}, {"response_format"}),
    ],
)
def test_what_a_server_refuses_can_be_left_out(settings: dict[str, Any], present: set[str], absent: set[str]) -> None:
    with serving_oddly(lambda asked, n: http(completion(GOOD))) as server:
        client = backend(server, **settings)
        client.complete([request()])
        client.close()
    body = server.asked[0].body
    assert present <= set(body) and not absent & set(body)
    # A model that no server makes keep to the schema is told it.
    assert ('"offset_ticks"' in body["messages"][0]["content"]) == ("response_format" not in body)


def test_the_default_budget_lets_a_full_decision_through() -> None:
    assert HttpSettings(kind="openai").max_reply_tokens >= 300


def test_replies_of_a_batch_are_recorded_although_another_of_it_is_refused(tmp_path: Any) -> None:
    path = tmp_path / "replies.sqlite"

    def say(asked: Asked, n: int) -> bytes:
        if asked.body["seed"] == 3:
            return http({"error": {"message": "odd request"}}, 400)
        return http(completion(GOOD))

    with serving_oddly(say) as server:
        client = backend(server, concurrency=1)
        with pytest.raises(InputError, match="odd request"):
            Recorder(client, path).complete([request(k) for k in range(6)])
        client.close()
    assert [asked.body["seed"] for asked in server.asked] == [0, 1, 2, 3], "nothing was sent after the refusal"
    assert [reply.text for reply in Replay(path).complete([request(k) for k in range(3)])] == [GOOD] * 3
