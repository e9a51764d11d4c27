"""A real HTTP server that speaks OpenAI's chat completions, for benches and tests: replies and failures by the seed.

`python -m bench.chat_server` serves until its standard input closes, and prints its address first. What it answers
depends on the request's seed and messages alone, so that the order of requests does not matter.
"""

from __future__ import annotations

import hashlib
import json
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

__all__ = ["MODEL", "ChatServer", "serving"]

MODEL = "test-model"
KEY_REFUSED = "wrong"
CONTEXT_CHARS = 8000
KINDS = ("server_error", "timeout", "cut_body", "rate_limit", "cut_json")


def decision_text(word: int) -> str:
    """Return a decision that depends on a number."""
    side = ("buy", "sell")[word & 1]
    order = {
        "side": side,
        "kind": ("limit", "post_only", "market")[(word >> 1) % 3],
        "offset_ticks": (word >> 4) % 4,
        "qty_lots": 1 + (word >> 8) % 30,
        "time_in_force": "gtc",
    }
    decision = {
        "view": "up" if side == "buy" else "down",
        "confidence": (word >> 16) % 101,
        "cancel_open_orders": bool(word >> 24 & 1),
        "orders": [order] if word >> 25 & 3 else [],
    }
    return json.dumps(decision)


class ChatServer(ThreadingHTTPServer):
    """The server. Its attributes may be changed while it runs.

    Attributes:
        failing_share: share of the seeds whose attempts fail, all in the way that the seed picks among `kinds`.
        fails_first: so many attempts of such a seed fail; afterwards it is answered.
        slow_s: what a time-out waits.
        delay_s: what every answer waits.
        reply: text for a request's body; default: a decision by its seed.
        counts: answers by what was done.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.failing_share, self.fails_first, self.slow_s, self.delay_s = 0.0, 10**9, 5.0, 0.0
        self.kinds: tuple[str, ...] = KINDS
        self.reply: Callable[[dict[str, Any]], str] | None = None
        self.counts: Counter[str] = Counter()
        self.n_open = self.most_open = 0
        self.lock = threading.Lock()
        self.connections: set[socket.socket] = set()
        self._attempts: Counter[str] = Counter()

    def hang_up(self) -> None:
        """Close what clients keep open, as a server that is stopped does."""
        with self.lock:
            for connection in self.connections:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    @property
    def url(self) -> str:
        """Base URL of the API."""
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def fate(self, word: int, key: str) -> str:
        """Return what happens to a request: "ok" or one of `kinds`."""
        if word % 10_000 >= self.failing_share * 10_000:
            return "ok"
        with self.lock:
            self._attempts[key] += 1
            if self._attempts[key] > self.fails_first:
                return "ok"
        return self.kinds[(word >> 40) % len(self.kinds)]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that hang up."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: ChatServer

    def setup(self) -> None:
        """Note the connection."""
        super().setup()
        with self.server.lock:
            self.server.connections.add(self.connection)

    def finish(self) -> None:
        """Forget the connection."""
        with self.server.lock:
            self.server.connections.discard(self.connection)
        with suppress(OSError):
            super().finish()

    def log_message(self, format: str, *args: Any) -> None:
        """Keep quiet."""

    def do_POST(self) -> None:
        """Answer one chat completion."""
        server = self.server
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        with server.lock:
            server.n_open += 1
            server.most_open = max(server.most_open, server.n_open)
        try:
            self._answer(body)
        finally:
            with server.lock:
                server.n_open -= 1

    def _answer(self, body: dict[str, Any]) -> None:
        server = self.server
        if self.path != "/v1/chat/completions" or body.get("model") != MODEL:
            return self._error(404, f"The model `{body.get('model')}` does not exist", "model_not_found")
        if self.headers.get("authorization") == f"Bearer {KEY_REFUSED}":
            return self._error(401, "Incorrect API key provided", "invalid_api_key")
        if len(json.dumps(body["messages"])) > CONTEXT_CHARS:
            return self._error(400, "This model's maximum context length is exceeded", "context_length_exceeded")
        key = json.dumps([body.get("seed"), body["messages"][-1]["content"]])
        word = int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), "little")
        time.sleep(server.delay_s)
        fate = server.fate(word, key)
        server.counts[fate] += 1
        text = server.reply(body) if server.reply is not None else decision_text(word)
        if fate == "server_error":
            return self._error(500, "The server had an error", "server_error")
        if fate == "rate_limit":
            return self._error(429, "Rate limit reached", "rate_limit_exceeded", {"retry-after": "0"})
        if fate == "timeout":
            time.sleep(server.slow_s)
        if fate == "cut_json":
            text = text[: len(text) // 2]
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
        usage = {"prompt_tokens": len(key) // 4, "completion_tokens": len(text) // 4, "total_tokens": 0}
        answer = {"id": "1", "object": "chat.completion", "created": 0, "model": MODEL}
        data = json.dumps({**answer, "choices": [choice], "usage": usage}).encode()
        self._send(200, data[: len(data) // 2] if fate == "cut_body" else data)

    def _error(self, status: int, message: str, code: str, headers: dict[str, str] | None = None) -> None:
        self._send(status, json.dumps({"error": {"message": message, "type": code, "code": code}}).encode(), headers)

    def _send(self, status: int, data: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {
            "content-type": "application/json",
            "content-length": str(len(data)),
            **(headers or {}),
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)


@contextmanager
def serving() -> Iterator[ChatServer]:
    """Serve in a thread while the context lasts."""
    server = ChatServer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        server.hang_up()
        thread.join()


if __name__ == "__main__":
    with serving() as running:
        print(running.url, flush=True)
        sys.stdin.read()
