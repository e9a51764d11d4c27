"""A server that says whatever bytes a test gives it, as slowly as it is told: for what no library would send."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Asked", "OddServer", "completion", "http", "serving_oddly"]


@dataclass(frozen=True)
class Asked:
    """A request as it came."""

    head: str
    body: Any

    def header(self, name: str) -> str | None:
        """Return a header's value."""
        for line in self.head.splitlines()[1:]:
            key, _, value = line.partition(":")
            if key.lower() == name:
                return value.strip()
        return None


Pieces = Sequence[bytes | float]
"""What is sent: bytes, and pauses in seconds between them. The connection is closed at the end."""


@dataclass
class OddServer:
    """Calls `say` with each request and its number from 0, and sends what that returns."""

    say: Callable[[Asked, int], bytes | Pieces]
    asked: list[Asked] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        """Base URL of the API."""
        return f"http://127.0.0.1:{self.port}/v1"

    def talk(self, connection: socket.socket) -> None:
        """Serve one request."""
        with connection, suppress(OSError):
            stream = connection.makefile("rb")
            head = b"".join(iter(stream.readline, b"\r\n")).decode("latin-1")
            size = int(Asked(head, None).header("content-length") or 0)
            asked = Asked(head, json.loads(stream.read(size) or "null"))
            self.asked.append(asked)
            said = self.say(asked, len(self.asked) - 1)
            for piece in [said] if isinstance(said, bytes) else said:
                if isinstance(piece, bytes):
                    connection.sendall(piece)
                else:
                    time.sleep(piece)


@contextmanager
def serving_oddly(say: Callable[[Asked, int], bytes | Pieces]) -> Iterator[OddServer]:
    """Serve in threads while the context lasts."""
    server = OddServer(say)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server.port = listening.getsockname()[1]

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listening.accept()
                    threading.Thread(target=server.talk, args=(connection,), daemon=True).start()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server
        listening.shutdown(socket.SHUT_RDWR)
    thread.join(5)


def http(body: Any, status: int = 200, headers: dict[str, str] | None = None, more: int = 0) -> bytes:
    """Return an answer; `more`: so many bytes are promised beyond those that come."""
    data = body if isinstance(body, bytes) else (body if isinstance(body, str) else json.dumps(body)).encode()
    named = {"content-type": "application/json", "content-length": str(len(data) + more), "connection": "close"}
    lines = [f"HTTP/1.1 {status} X", *(f"{k}: {v}" for k, v in {**named, **(headers or {})}.items())]
    return "\r\n".join([*lines, "", ""]).encode() + data


def completion(content: Any, finish: str = "stop", **more: Any) -> dict[str, Any]:
    """Return a chat completion; `usage` and other fields of the message may be given."""
    usage = more.pop("usage", {"prompt_tokens": 10, "completion_tokens": 5})
    message = {"role": "assistant", "content": content, **more}
    return {"choices": [{"index": 0, "finish_reason": finish, "message": message}], "usage": usage}
