"""Record and replay: every request and reply in one sqlite file, found again by the request's key.

A run that was recorded once can be run again by anybody, without the model, to the same tape. What failed is recorded
as it failed. A request that the record does not hold is an error, never a new call.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from agents.llm.protocol import FAILURES, Backend, Reply, Request, judged
from lob.errors import InputError, RunError

__all__ = ["FORMAT_VERSION", "Recorder", "Replay"]

FORMAT_VERSION = 1
APPLICATION_ID = 0x4F555443
"""Stands in the file's header, so that another program's database is recognised ("OUTC")."""
CHUNK = 500
_TABLE = """
create table if not exists replies (
    key text primary key, model text not null, messages text not null, schema text not null, parameters text not null,
    seed integer not null, prompt_version text not null, text text, failure text,
    prompt_tokens integer not null, reply_tokens integer not null, retries integer not null, wall_s real not null
) without rowid
"""


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise InputError(f"record {path}: cannot be used ({error}); allowed: a file that a run recorded") from None


def _open(path: Path, create: bool) -> sqlite3.Connection:
    if not create and not path.is_file():
        raise InputError(f"record {path}: no such file; record a run first with backend.record")
    if create:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"record {path}: its folder cannot be made ({error})") from None
    with _told(path):
        # Any thread of this process may ask; several processes may add to one record.
        base = sqlite3.connect(path, timeout=60.0, check_same_thread=False)
        is_new = base.execute("select count(*) from sqlite_master").fetchone()[0] == 0
        if create and is_new:
            base.execute("pragma journal_mode = wal")
            base.execute(f"pragma application_id = {APPLICATION_ID}")
            base.execute(f"pragma user_version = {FORMAT_VERSION}")
            base.execute(_TABLE)
            base.commit()
        application, version = (base.execute(f"pragma {name}").fetchone()[0] for name in
                                ("application_id", "user_version"))  # fmt: skip
    if application != APPLICATION_ID:
        raise InputError(f"record {path}: another program's database; allowed: a file that a run recorded")
    if version != FORMAT_VERSION:
        raise InputError(f"record {path}: format {version}; this version reads {FORMAT_VERSION}")
    return base


def _find(base: sqlite3.Connection, path: Path, requests: Sequence[Request]) -> dict[str, Reply]:
    keys = list(dict.fromkeys(request.key for request in requests))
    found: dict[str, Reply] = {}
    with _told(path):
        for start in range(0, len(keys), CHUNK):
            part = keys[start : start + CHUNK]
            marks = ",".join("?" * len(part))
            rows = base.execute(
                f"select key, text, failure, prompt_tokens, reply_tokens, retries, wall_s from replies "
                f"where key in ({marks})",
                part,
            )
            for key, text, failure, *counts in rows:
                if failure is not None and failure not in FAILURES:
                    raise InputError(f"record {path}: unknown failure {failure!r}; the record is damaged")
                found[key] = Reply(text, failure, *counts)
    return found


class Recorder:
    """A backend that writes down all that another one is asked and answers.

    What the record holds already is not asked again, so that a run that was interrupted costs nothing twice.
    """

    def __init__(self, inner: Backend, path: str | Path) -> None:
        self.inner, self.path, self.model = inner, Path(path), inner.model
        self._base = _open(self.path, create=True)

    def complete(self, requests: Sequence[Request]) -> list[Reply]:
        """Return replies, from the record or from the other backend; they are on disk before anybody sees them."""
        known = _find(self._base, self.path, requests)
        fresh = list({request.key: request for request in requests if request.key not in known}.values())
        if fresh:
            replies = [judged(q, r)[0] for q, r in zip(fresh, self.inner.complete(fresh), strict=True)]
            rows = [
                (
                    q.key, q.model, json.dumps(q.messages), q.schema,
                    json.dumps({"temperature": q.temperature, "max_reply_tokens": q.max_reply_tokens}),
                    q.seed, q.prompt_version, r.text, r.failure, r.prompt_tokens, r.reply_tokens, r.retries, r.wall_s,
                )
                for q, r in zip(fresh, replies, strict=True)
            ]  # fmt: skip
            with _told(self.path), self._base:
                self._base.executemany(f"insert or ignore into replies values ({','.join('?' * 13)})", rows)
            known.update({q.key: r for q, r in zip(fresh, replies, strict=True)})
        return [known[request.key] for request in requests]


class Replay:
    """A backend that answers from a record alone."""

    def __init__(self, path: str | Path, model: str | None = None) -> None:
        self.path = Path(path)
        self._base = _open(self.path, create=False)
        with _told(self.path):
            models = [row[0] for row in self._base.execute("select distinct model from replies order by model")]
        if not models:
            raise InputError(f"record {path}: holds no reply")
        if model is None and len(models) > 1:
            raise InputError(f"record {path}: holds several models; name one of {', '.join(models)}")
        if model is not None and model not in models:
            raise InputError(f'record {path}: model "{model}" is not in it; allowed: {", ".join(models)}')
        self.model = model or models[0]

    def complete(self, requests: Sequence[Request]) -> list[Reply]:
        """Return the recorded replies.

        Raises:
            RunError: if one is not there, saying what is.
        """
        found = _find(self._base, self.path, requests)
        for request in requests:
            if request.key not in found:
                raise RunError(f"record {self.path}: {self._what_differs(request)}")
        return [found[request.key] for request in requests]

    def _what_differs(self, request: Request) -> str:
        """Say why a request is missing: a record has at most one request of a seed, model and schema."""
        row = self._base.execute(
            "select messages, parameters, prompt_version from replies where seed = ? and model = ? and schema = ?",
            (request.seed, request.model, request.schema),
        ).fetchone()
        missing = f"no reply to the {request.schema} with seed {request.seed}"
        if row is None:
            return f"{missing}; it was recorded with another scenario or seed"
        if row[2] != request.prompt_version:
            return f"{missing}: recorded with prompt version {row[2]}, asked with {request.prompt_version}"
        asked = {"temperature": request.temperature, "max_reply_tokens": request.max_reply_tokens}
        if json.loads(row[1]) != asked:
            return f"{missing}: recorded with {row[1]}, asked with {json.dumps(asked)}"
        if json.loads(row[0]) != [list(message) for message in request.messages]:
            return f"{missing}: the same decision was recorded with other messages; the market took another course"
        return f"{missing}: the schema has changed since"
