"""Record once, replay for ever: the same tape without the model, and one line for a record that does not fit."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import pytest

from agents.llm import Recorder, Replay, Reply, Request
from agents.llm.backends.record import _COLUMNS, _checksum
from agents.llm.protocol import PartialBatch
from lob.errors import InputError, OutcryError, RunError
from tests.llm.parts import decision, lively, order, played, scripted, traces


def request(seed: int = 1, **fields: object) -> Request:
    return Request(**{"model": "scripted", "messages": (("user", "x"),), "schema": "decision", "seed": seed, **fields})  # type: ignore[arg-type]


def tape_hash(market: object) -> str:
    return hashlib.sha256(market.tape.tobytes()).hexdigest()  # type: ignore[attr-defined]


def mixed(asked: Request) -> str | Reply:
    """Some replies fail in each way, with tokens and retries."""
    k = asked.seed % 7
    if asked.schema == "decision" and k == 0:
        return Reply(None, "timeout", retries=2)
    if asked.schema == "decision" and k == 1:
        return Reply('{"view":', None, 10, 3)
    return Reply(lively(asked), None, 100, 20, 1)


def test_a_recorded_run_is_replayed_to_the_same_tape_and_accounts(tmp_path: Path) -> None:
    path = tmp_path / "replies.sqlite"
    recorded = played(Recorder(scripted(mixed), path))
    replayed = [played(Replay(path)) for _ in range(2)]
    assert {tape_hash(market) for market in replayed} == {tape_hash(recorded)}
    counts = [[trader.counts for trader in m.traders.values()] for m in (recorded, *replayed)]  # type: ignore[attr-defined]
    assert counts[0] == counts[1] == counts[2]
    assert traces(recorded) == traces(replayed[0])
    assert any("no_json" in c["fallbacks"] for c in counts[0]) and any("timeout" in c["fallbacks"] for c in counts[0])


def test_a_fallback_is_stored_as_a_fallback(tmp_path: Path) -> None:
    path = tmp_path / "replies.sqlite"
    Recorder(scripted(mixed), path).complete([request(7), request(8)])
    rows = sqlite3.connect(path).execute("select failure, text from replies order by seed").fetchall()
    assert rows == [("timeout", None), ("no_json", '{"view":')]


def test_what_the_record_holds_is_not_asked_again(tmp_path: Path) -> None:
    asked: list[int] = []

    def reply(one: Request) -> str:
        asked.append(one.seed)
        return decision()

    for _ in range(2):
        recorder = Recorder(scripted(reply), tmp_path / "replies.sqlite")
        assert len(recorder.complete([request(1), request(2), request(1)])) == 3
    assert asked == [1, 2]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (request(99), "no reply to the decision with seed 99; it was recorded with another scenario or seed"),
        (request(1, messages=(("user", "y"),)), "with other messages; the market took another course"),
        (request(1, temperature=0.5), '"temperature": 1.0.* asked with .*0.5'),
        (request(1, prompt_version="0"), "recorded with prompt version 1, asked with 0"),
        (request(1, schema="reflection"), "no reply to the reflection"),
    ],
)
def test_a_miss_is_an_error_that_says_what_differs(tmp_path: Path, asked: Request, message: str) -> None:
    path = tmp_path / "replies.sqlite"
    Recorder(scripted(), path).complete([request(1)])
    with pytest.raises(RunError, match=message) as caught:
        Replay(path).complete([request(1), asked])
    assert "1 of 2 requests of this instant are not in it" in str(caught.value)


def _other(path: Path) -> None:
    sqlite3.connect(path).execute("create table t (x)")


def _newer(path: Path) -> None:
    Recorder(scripted(), path).complete([request(1)])
    base = sqlite3.connect(path)
    base.execute("pragma user_version = 9")
    base.commit()


def _odd(path: Path) -> None:
    Recorder(scripted(), path).complete([request(1)])
    base = sqlite3.connect(path)
    (row,) = base.execute(f"select {', '.join(_COLUMNS)} from replies").fetchall()
    row = tuple("tired" if name == "failure" else value for name, value in zip(_COLUMNS, row, strict=True))
    base.execute("update replies set failure = 'tired', checksum = ?", (_checksum(row),))
    base.commit()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: None, "no such file"),
        (lambda path: path.write_bytes(b"not a database at all" * 300), "file is not a database"),
        (_other, "another program's database"),
        (_newer, "format 9; this version reads 2, and older ones"),
        (lambda path: Recorder(scripted(), path), "holds no reply"),
        (lambda path: path.touch(), "an empty file; allowed: a file that a run recorded"),
        (_odd, "unknown failure 'tired'"),
    ],
)
def test_a_record_that_cannot_be_used_is_told_in_one_line(tmp_path: Path, make: object, message: str) -> None:
    path = tmp_path / "replies.sqlite"
    make(path)  # type: ignore[operator]
    with pytest.raises(InputError, match=message) as caught:
        Replay(path).complete([request(1)])
    assert "\n" not in str(caught.value) and str(path) in str(caught.value)


def test_a_record_cut_short_is_told_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "replies.sqlite"
    recorder = Recorder(scripted(), path)
    recorder.complete([request(k) for k in range(2000)])
    recorder._base.execute("pragma wal_checkpoint(truncate)")
    recorder._base.close()
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(OutcryError, match=r"record .*replies\.sqlite: cannot be used") as caught:
        Replay(path).complete([request(k) for k in range(2000)])
    assert "\n" not in str(caught.value)


def test_a_record_of_several_models_asks_for_one(tmp_path: Path) -> None:
    path = tmp_path / "replies.sqlite"
    for model in ("a", "b"):
        Recorder(scripted(), path).complete([request(1, model=model)])
    with pytest.raises(InputError, match="several models; name one of a, b"):
        Replay(path)
    with pytest.raises(InputError, match='model "c" is not in it; allowed: a, b'):
        Replay(path, "c")
    assert Replay(path, "a").complete([request(1, model="a")])


def test_what_was_recorded_before_a_failure_is_kept_and_the_run_goes_on_from_it(tmp_path: Path) -> None:
    path = tmp_path / "replies.sqlite"
    whole = played(scripted())

    class Breaks:
        model = "scripted"
        n_left = 4

        def complete(self, requests: Sequence[Request]) -> list[Reply]:
            if self.n_left == 0:
                raise InputError("the server is gone")
            self.n_left -= 1
            return [Reply(lively(one)) for one in requests]

    with pytest.raises(InputError, match="the server is gone"):
        played(Recorder(Breaks(), path))
    n_kept = sqlite3.connect(path).execute("select count(*) from replies").fetchone()[0]
    assert n_kept >= 4
    again: list[Request] = []

    def reply(one: Request) -> str:
        again.append(one)
        return lively(one)

    market = played(Recorder(scripted(reply), path))
    assert tape_hash(market) == tape_hash(whole)
    assert order() and len(again) < sqlite3.connect(path).execute("select count(*) from replies").fetchone()[0]


@pytest.mark.parametrize(
    "damage",
    [
        "text = replace(text, 'up', 'down')",
        "text = null",
        "text = cast(x'ff7b7d' as text)",
        "failure = 'timeout'",
        "reply_tokens = 7",
        "reply_tokens = 'many'",
        "seed = 9",
        "messages = '[]'",
        "checksum = 'x'",
    ],
)
def test_a_damaged_row_is_told_with_its_number_and_not_believed(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "replies.sqlite"
    asked = [request(k) for k in range(5)]
    Recorder(scripted(lambda r: decision(order())), path).complete(asked)
    number = sorted(range(5), key=lambda k: asked[k].key).index(3) + 1
    base = sqlite3.connect(path)
    base.execute(f"update replies set {damage} where key = ?", (asked[3].key,))
    base.commit()
    base.close()
    assert len(Replay(path).complete(asked[:3])) == 3
    for backend in (Replay(path), Recorder(scripted(), path)):
        with pytest.raises(InputError, match=rf"replies\.sqlite: row {number} of 5 in the order of keys .* is damaged"):
            backend.complete(asked)


def _as_of_version_1(path: Path) -> None:
    base = sqlite3.connect(path)
    base.execute("alter table replies drop column checksum")
    base.execute("pragma user_version = 1")
    base.commit()
    base.close()


def test_an_older_record_without_checksums_is_read_and_added_to(tmp_path: Path) -> None:
    path = tmp_path / "replies.sqlite"
    whole = Recorder(scripted(mixed), path).complete([request(k) for k in range(10)])
    _as_of_version_1(path)
    assert Replay(path).complete([request(k) for k in range(10)]) == whole
    longer = Recorder(scripted(mixed), path).complete([request(k) for k in range(20)])
    assert longer[:10] == whole
    assert Replay(path).complete([request(k) for k in range(20)]) == longer
    rows = sqlite3.connect(path).execute("select count(*), count(checksum) from replies").fetchone()
    assert rows == (20, 10)


def test_failures_are_asked_again_on_request_and_replaced_only_then(tmp_path: Path) -> None:
    path = tmp_path / "replies.sqlite"
    asked = [request(k) for k in range(4)]

    def failing(one: Request) -> str | Reply:
        return Reply(None, "timeout") if one.seed < 2 else decision()

    assert [r.failure for r in Recorder(scripted(failing), path).complete(asked)] == ["timeout", "timeout", None, None]
    better: list[int] = []

    def reply(one: Request) -> str:
        better.append(one.seed)
        return decision(order())

    assert Recorder(scripted(reply), path).complete(asked)[0].failure == "timeout" and better == []
    again = Recorder(scripted(reply), path, retry_failures=True).complete(asked)
    assert better == [0, 1]
    assert [r.text for r in again] == [decision(order())] * 2 + [decision()] * 2
    assert Replay(path).complete(asked) == again


def test_two_runs_that_write_one_record_both_go_by_what_it_holds(tmp_path: Path) -> None:
    path = tmp_path / "replies.sqlite"
    other = Recorder(scripted(lambda one: decision(order(side="sell"))), path)

    def slow(one: Request) -> str:
        other.complete([one])  # while this model thinks, another run asks the same
        return decision(order(side="buy"))

    (reply,) = Recorder(scripted(slow), path).complete([request(1)])
    assert reply == Replay(path).complete([request(1)])[0]
    assert '"sell"' in str(reply.text)


def test_what_came_before_a_refusal_in_the_same_batch_is_kept(tmp_path: Path) -> None:
    class Refuses:
        model = "scripted"

        def complete(self, requests: Sequence[Request]) -> list[Reply]:
            raise PartialBatch("the key is gone", [Reply(decision()), None, Reply(None, "timeout")])

    path = tmp_path / "replies.sqlite"
    with pytest.raises(InputError, match="the key is gone"):
        Recorder(Refuses(), path).complete([request(k) for k in range(3)])
    kept = Replay(path).complete([request(0), request(2)])
    assert [(r.text, r.failure) for r in kept] == [(decision(), None), (None, "timeout")]


@pytest.mark.parametrize("text", ["half a pair \ud83d", decision() + "\udcff", "\x00 null", "株価 🚀 \u202e"])
def test_any_text_can_be_recorded_and_replayed(tmp_path: Path, text: str) -> None:
    path = tmp_path / "replies.sqlite"
    (reply,) = Recorder(scripted(lambda one: text), path).complete([request(1)])
    assert reply.failure in ("not_unicode", "no_json")
    assert Replay(path).complete([request(1)]) == [reply]
    assert reply.text is not None and reply.text.encode()
