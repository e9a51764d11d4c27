"""One request to a server: a deadline over the whole attempt, a bound on the answer, no redirects, no stray secrets.

Nothing here knows what a chat completion is. What goes wrong before there is an answer becomes `NoAnswer`, which
names one of the failures that are counted.
"""

from __future__ import annotations

import asyncio
import ipaddress
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx2

from lob.errors import InputError

__all__ = ["BODY_MAX_BYTES", "Answer", "NoAnswer", "Wire", "is_on_this_machine"]

BODY_MAX_BYTES = 4 << 20
"""A reply of 16,384 tokens with all its reasoning takes a tenth of it."""
CONNECT_S = 10.0
"""A server that takes no connection within this time is not there; one that is slow to answer is given `timeout_s`."""


@dataclass(frozen=True)
class Answer:
    """What a server sent: status, headers (by name in any case), and the body, unpacked."""

    status: int
    headers: Mapping[str, str]
    data: bytes


class NoAnswer(Exception):
    """There is none. `reason` is one of protocol.FAILURES; `was_reached` says whether a server was there at all."""

    def __init__(self, reason: str, was_reached: bool, detail: str = "") -> None:
        super().__init__(detail)
        self.reason, self.was_reached, self.detail = reason, was_reached, detail


def is_on_this_machine(url: str) -> bool:
    """Whether an address leads to this machine itself."""
    host = urlsplit(url).hostname or ""
    try:
        address = ipaddress.ip_address(host)
        return address.is_loopback or address.is_unspecified
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


class Wire:
    """Keeps connections to one server. All calls must come from one event loop.

    Args:
        url: where requests go.
        key: sent as the bearer's token.
        timeout_s: for a whole attempt, from the look-up of the name to the last byte of the body.
        connections: at most so many at once.

    Raises:
        InputError: if the address, the proxy or the certificates that the environment names cannot be used.
    """

    def __init__(self, url: str, key: str, timeout_s: float, connections: int) -> None:
        self._timeout_s = timeout_s
        # A packed body could be any size once unpacked, so none is asked for.
        headers = {
            "authorization": f"Bearer {key}", "content-type": "application/json", "accept-encoding": "identity"
        }  # fmt: skip
        try:
            self._url = httpx2.URL(url)
            self._client = httpx2.AsyncClient(
                headers=headers,
                # The key must not follow a redirect to another host.
                follow_redirects=False,
                timeout=httpx2.Timeout(None, connect=min(CONNECT_S, 0.9 * timeout_s)),
                limits=httpx2.Limits(max_connections=connections, max_keepalive_connections=connections),
                # A proxy of the environment cannot reach this machine's own servers.
                trust_env=not is_on_this_machine(url),
            )
        except (httpx2.InvalidURL, ImportError, OSError, ValueError) as error:
            # Only the kind of the error: its words may hold a proxy's password.
            raise InputError(
                f"backend: no connection can be prepared ({type(error).__name__}); allowed: a base_url, a proxy "
                "(HTTPS_PROXY, ALL_PROXY) and certificates (SSL_CERT_FILE) that exist"
            ) from None

    async def post(self, body: bytes) -> Answer:
        """Send one request and return its answer, whatever its status.

        Raises:
            NoAnswer: if none came, in time and of a bearable size.
        """
        answered = False
        try:
            async with asyncio.timeout(self._timeout_s):
                async with self._client.stream("POST", self._url, content=body) as response:
                    answered = True
                    packed = bytearray()
                    async for part in response.aiter_raw():
                        packed += part
                        if len(packed) > BODY_MAX_BYTES:
                            raise NoAnswer("bad_body", True, f"more than {BODY_MAX_BYTES} bytes")
            return Answer(response.status_code, response.headers, _unpacked(bytes(packed), response.headers))
        except TimeoutError:
            raise NoAnswer("timeout", True) from None
        except (httpx2.RequestError, OSError, UnicodeError) as error:
            detail = str(error) or type(error).__name__
            raise NoAnswer("cut_off" if answered else "connection", answered, detail) from None

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()


def _unpacked(data: bytes, headers: Mapping[str, str]) -> bytes:
    """Return a body that was packed although nobody asked for it, up to the bound."""
    coding = headers.get("content-encoding", "identity").strip().lower()
    if coding in ("", "identity"):
        return data
    if coding not in ("gzip", "x-gzip", "deflate"):
        raise NoAnswer("bad_body", True, f"content-encoding {coding}")
    unpacker = zlib.decompressobj(wbits=47)
    try:
        plain = unpacker.decompress(data, BODY_MAX_BYTES)
    except zlib.error as error:
        raise NoAnswer("cut_off", True, str(error)) from None
    if unpacker.unconsumed_tail:
        raise NoAnswer("bad_body", True, f"more than {BODY_MAX_BYTES} bytes")
    if not unpacker.eof:
        raise NoAnswer("cut_off", True, "a packed body that ends early")
    return plain
