"""Record and replay: every request and reply in one sqlite file, found again by the request's key.

A run that was recorded once can be run again by anybody, without the model, to the same tape. What failed is recorded
as it failed. A request that the record does not hold is an error, never a new call. Each row carries a checksum, so
that a damaged one is told of and not believed.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from agents.llm.protocol import FAILURES, Backend, PartialBatch, Reply, Request, judged
from lob.errors import InputError, RunError

__all__ = ["FORMAT_VERSION", "Recorder", "Replay"]

FORMAT_VERSION = 2
"""1: without checksums; such records are read, and get the column when a run adds to them."""
APPLICATION_ID = 0x4F555443
"""Stands in the file's header, so that another program's database is recognised ("OUTC")."""
CHUNK = 500
_TYPES = {
    "key": "text primary key", "model": "text not null", "messages": "text not null", "schema": "text not null",
    "parameters": "text not null", "seed": "integer not null", "prompt_version": "text not null", "text": "text",
    "failure": "text", "prompt_tokens": "integer not null", "reply_tokens": "integer not null",
    "retries": "integer not null", "wall_s": "real not null",
}  # fmt: skip
_COLUMNS = tuple(_TYPES)
_TABLE = f"""
create table if not exists replies ({", ".join(f"{n} {t}" for n, t in _TYPES.items())}, checksum text) without rowid
"""
_ADD = f"insert into replies ({', '.join(_COLUMNS)}, checksum) values ({', '.join('?' * (len(_COLUMNS) + 1))})"
_KEEP = f"{_ADD} on conflict (key) do nothing"
_MEND = (
    f"{_ADD} on conflict (key) do update set {', '.join(f'{n} = excluded.{n}' for n in (*_COLUMNS[7:], 'checksum'))} "
    "where replies.failure is not null"
)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise InputError(f"record {path}: cannot be used ({error}); allowed: a file that a run recorded") from None


def _open(path: Path, create: bool) -> sqlite3.Connection:
    if not create and not path.is_file():
        raise InputError(f"record {path}: no such file; record a run first with backend.record")
    if not create and path.stat().st_size == 0:
        raise InputError(f"record {path}: an empty file; allowed: a file that a run recorded")
    if create:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"record {path}: its folder cannot be made ({error})") from None
    with _told(path):
        # Any thread of this process may ask; several processes may add to one record.
        base = sqlite3.connect(path, timeout=60.0, check_same_thread=False)
        # Bytes that are no text are for the checksum to find.
        base.text_factory = lambda data: data.decode(errors="surrogateescape")
        if create and _figures(base) == (0, 0, 0):
            base.execute("pragma journal_mode = wal")
            with base:
                base.execute("begin immediate")
                base.execute(_TABLE)
                base.execute(f"pragma application_id = {APPLICATION_ID}")
                base.execute(f"pragma user_version = {FORMAT_VERSION}")
        application, version, _ = _figures(base)
        if application == APPLICATION_ID and version == 1 and create:
            with base:
                base.execute("begin immediate")
                if _figures(base)[1] == 1:  # no other run was first
                    base.execute("alter table replies add column checksum text")
                    base.execute(f"pragma user_version = {FORMAT_VERSION}")
            version = FORMAT_VERSION
    if application != APPLICATION_ID:
        raise InputError(f"record {path}: another program's database; allowed: a file that a run recorded")
    if version not in (1, FORMAT_VERSION):
        raise InputError(f"record {path}: format {version}; this version reads {FORMAT_VERSION}, and older ones")
    return base


def _figures(base: sqlite3.Connection) -> tuple[int, int, int]:
    """Return a file's application id, its version, and how many tables it has."""
    application, version = (base.execute(f"pragma {n}").fetchone()[0] for n in ("application_id", "user_version"))
    return int(application), int(version), int(base.execute("select count(*) from sqlite_master").fetchone()[0])


def _checksum(row: Sequence[Any]) -> str:
    return hashlib.sha256(json.dumps(list(row)).encode()).hexdigest()


def _rows(base: sqlite3.Connection, path: Path, where: str, values: Sequence[Any]) -> Iterator[dict[str, Any]]:
    """Yield the rows that meet a condition.

    Raises:
        InputError: if one is not as it was written.
    """
    columns = ", ".join(_COLUMNS)
    with _told(path):
        has_checksums = base.execute("pragma user_version").fetchone()[0] > 1
        last = "checksum" if has_checksums else "null"
        for *row, checksum in base.execute(f"select {columns}, {last} from replies where {where}", values):
            found = dict(zip(_COLUMNS, row, strict=True))
            sound = _checksum(row) == checksum if checksum is not None else _is_plausible(found)
            if not sound:
                number = base.execute("select count(*) from replies where key <= ?", (row[0],)).fetchone()[0]
                total = base.execute("select count(*) from replies").fetchone()[0]
                raise InputError(
                    f"record {path}: row {number} of {total} in the order of keys ({found['schema']} with seed "
                    f"{found['seed']}) is damaged; allowed: a sound copy of the file, or the file without it "
                    f"(delete from replies where key = '{found['key']}'), which a recording run asks for again"
                )
            yield found


def _is_plausible(row: dict[str, Any]) -> bool:
    """Whether a row without a checksum can be what an older version wrote."""
    counts = (row["prompt_tokens"], row["reply_tokens"], row["retries"])
    texts = row["text"] is None or isinstance(row["text"], str)
    return texts and all(isinstance(n, int) for n in counts) and isinstance(row["wall_s"], float)


def _find(base: sqlite3.Connection, path: Path, requests: Sequence[Request]) -> dict[str, Reply]:
    keys = list(dict.fromkeys(request.key for request in requests))
    found: dict[str, Reply] = {}
    for start in range(0, len(keys), CHUNK):
        part = keys[start : start + CHUNK]
        for row in _rows(base, path, f"key in ({','.join('?' * len(part))})", part):
            if row["failure"] is not None and row["failure"] not in FAILURES:
                raise InputError(f"record {path}: unknown failure {row['failure']!r}; written by a newer version")
            found[row["key"]] = Reply(
                row["text"], row["failure"], row["prompt_tokens"], row["reply_tokens"], row["retries"], row["wall_s"]
            )
    return found


class Recorder:
    """A backend that writes down all that another one is asked and answers.

    What the record holds already is not asked again, so that a run that was interrupted costs nothing twice.

    Args:
        inner: who answers.
        path: the sqlite file.
        retry_failures: ask again for what the file holds as failed.
    """

    def __init__(self, inner: Backend, path: str | Path, retry_failures: bool = False) -> None:
        self.inner, self.path, self.model = inner, Path(path), inner.model
        self.retry_failures = retry_failures
        self._base = _open(self.path, create=True)

    def complete(self, requests: Sequence[Request]) -> list[Reply]:
        """Return replies, from the record or from the other backend; they are on disk before anybody sees them.

        Raises:
            PartialBatch: if the other backend could not go on; what had come is on disk.
        """
        known = _find(self._base, self.path, requests)
        if self.retry_failures:
            known = {key: reply for key, reply in known.items() if reply.failure is None}
        fresh = list({request.key: request for request in requests if request.key not in known}.values())
        if fresh:
            try:
                self._keep(fresh, self.inner.complete(fresh))
            except PartialBatch as partial:
                self._keep(fresh, partial.replies)
                raise
            # Another run may have written down its own reply first: the record's is the one that a replay will see.
            known.update(_find(self._base, self.path, fresh))
        return [known[request.key] for request in requests]

    def _keep(self, requests: Sequence[Request], replies: Sequence[Reply | None]) -> None:
        rows: list[tuple[Any, ...]] = []
        for q, reply in zip(requests, replies, strict=True):
            if reply is None:
                continue
            r = judged(q, reply)[0]
            parameters = json.dumps({"temperature": q.temperature, "max_reply_tokens": q.max_reply_tokens})
            row = (
                q.key, q.model, json.dumps(q.messages), q.schema, parameters, int(q.seed), q.prompt_version, r.text,
                r.failure, int(r.prompt_tokens), int(r.reply_tokens), int(r.retries), float(r.wall_s),
            )  # fmt: skip
            rows.append((*row, _checksum(row)))
        with _told(self.path), self._base:
            self._base.executemany(_MEND if self.retry_failures else _KEEP, rows)


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
        missing = [request for request in requests if request.key not in found]
        if missing:
            share = f"{len(missing)} of {len(requests)} requests of this instant are not in it"
            raise RunError(f"record {self.path}: {self._what_differs(missing[0])} ({share})")
        return [found[request.key] for request in requests]

    def _what_differs(self, request: Request) -> str:
        """Say why a request is missing: a record has at most one request of a seed, model and schema."""
        condition = "seed = ? and model = ? and schema = ?"
        row = next(_rows(self._base, self.path, condition, (request.seed, request.model, request.schema)), None)
        missing = f"no reply to the {request.schema} with seed {request.seed}"
        if row is None:
            return f"{missing}; it was recorded with another scenario or seed"
        if row["prompt_version"] != request.prompt_version:
            version = row["prompt_version"]
            return f"{missing}: recorded with prompt version {version}, asked with {request.prompt_version}"
        asked = {"temperature": request.temperature, "max_reply_tokens": request.max_reply_tokens}
        if json.loads(row["parameters"]) != asked:
            return (
                f"{missing}: recorded with {row['parameters']}, asked with {json.dumps(asked)}; "
                "set them in the backend as they were recorded"
            )
        if json.loads(row["messages"]) != [list(message) for message in request.messages]:
            return f"{missing}: the same decision was recorded with other messages; the market took another course"
        return f"{missing}: the schema has changed since"
