"""Keys of all agents of a population at once: BLAKE2b of "seed/population/index", compiled.

The same numbers as `sim.rng.agent_key`, which takes them one by one from hashlib: a market of a thousand agents asks
for a thousand of them whenever it is made or reseeded. RFC 7693, for texts that fit one block of 128 bytes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import int64, uint64

from lob.compiled import kernel
from sim.rng import agent_key

__all__ = ["agent_keys"]

Words = np.ndarray[Any, np.dtype[np.uint64]]
BLOCK_BYTES, MOST_DIGITS = 128, 19

_IV = np.array(
    [
        0x6A09E667F3BCC908, 0xBB67AE8584CAA73B, 0x3C6EF372FE94F82B, 0xA54FF53A5F1D36F1,
        0x510E527FADE682D1, 0x9B05688C2B3E6C1F, 0x1F83D9ABFB41BD6B, 0x5BE0CD19137E2179,
    ],
    np.uint64,
)  # fmt: skip
_SIGMA = np.array(
    [
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
        [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
        [11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4],
        [7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8],
        [9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13],
        [2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9],
        [12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11],
        [13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10],
        [6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5],
        [10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0],
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
        [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
    ],
    np.int64,
)
_LANES = np.array(
    [[0, 4, 8, 12], [1, 5, 9, 13], [2, 6, 10, 14], [3, 7, 11, 15],
     [0, 5, 10, 15], [1, 6, 11, 12], [2, 7, 8, 13], [3, 4, 9, 14]],
    np.int64,
)  # fmt: skip
WORTH_COMPILING = 20_000
"""Keys that a process asks for before the compiled way is taken: a single small market does without."""
_made = 0
_PARAMETERS = uint64(0x01010000 ^ 8)
"""Digest of 8 bytes, no key, one leaf."""


@kernel
def _keys(prefix: Any, keys: Any, text: Any, message: Any, v: Any, iv: Any, sigma: Any, lanes: Any) -> None:
    """Write the key of prefix + decimal index for each index; `text` and `message` are the same 128 bytes."""
    n_prefix = len(prefix)
    for k in range(len(keys)):
        for w in range(16):
            message[w] = uint64(0)
        for t in range(n_prefix):
            text[t] = prefix[t]
        rest, length = k // 10, n_prefix + 1
        while rest > 0:
            rest //= 10
            length += 1
        rest = int64(k)
        for t in range(length - 1, n_prefix - 1, -1):
            text[t] = 48 + rest % 10
            rest //= 10
        for w in range(16):
            v[w] = iv[w & 7]
        v[0] ^= _PARAMETERS
        start = v[0]
        v[12] ^= uint64(length)
        v[14] = ~v[14]
        for g in range(12 * 8):
            at = 4 * (g & 7)
            i, j, m, n = lanes[at], lanes[at + 1], lanes[at + 2], lanes[at + 3]
            a, b, c, d = v[i], v[j], v[m], v[n]
            a = a + b + message[sigma[2 * g]]
            d ^= a
            d = (d >> uint64(32)) | (d << uint64(32))
            c = c + d
            b ^= c
            b = (b >> uint64(24)) | (b << uint64(40))
            a = a + b + message[sigma[2 * g + 1]]
            d ^= a
            d = (d >> uint64(16)) | (d << uint64(48))
            c = c + d
            b ^= c
            b = (b >> uint64(63)) | (b << uint64(1))
            v[i], v[j], v[m], v[n] = a, b, c, d
        keys[k] = start ^ v[0] ^ v[8]


def agent_keys(seed: int, population: str, count: int) -> Words:
    """Return the keys of a population's agents, shape (count,); see `sim.rng.agent_key`."""
    global _made
    _made += count
    prefix = f"{seed}/{population}/".encode()
    if _made < WORTH_COMPILING or len(prefix) + MOST_DIGITS > BLOCK_BYTES:
        return np.array([agent_key(seed, population, k) for k in range(count)], np.uint64)
    keys, message, state = np.empty(count, np.uint64), np.empty(16, np.uint64), np.empty(16, np.uint64)
    text = np.frombuffer(bytearray(prefix), np.uint8)
    _keys(text, keys, message.view(np.uint8), message, state, _IV, _SIGMA.ravel(), _LANES.ravel())
    return keys
