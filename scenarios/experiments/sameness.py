"""Which runs are the same world: comparisons of these say nothing about chance, and must not look as if they did.

Two runs are the same market if everything that anybody could see of them is the same: every time, price, quantity and
touch. Who sent an order is left out, because agents' ids are positions: a population more or less moves them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from lob.types import EVENT

__all__ = ["is_one_world", "market_hash", "one_world_note", "replay_note"]

_IDS = ("order_id", "contra_order_id", "agent", "contra_agent", "parent_id", "contra_parent_id")
_SEEN = [name for name in EVENT.names or () if name not in _IDS]


def market_hash(rows: np.ndarray[Any, Any]) -> str:
    """Return a hash of tape rows (dtype EVENT) without the ids of orders, agents and metaorders."""
    # Column by column: no copy of a tape that may be large, and a fraction of the time of hashing whole rows.
    digest = hashlib.blake2b(digest_size=16)
    for name in _SEEN:
        digest.update(np.ascontiguousarray(rows[name]).data)
    return digest.hexdigest()


def is_one_world(hashes: Sequence[str | None], values: Sequence[float] = ()) -> bool:
    """Whether two runs or more are all the same market and, if values are given, have the same figure."""
    known = len(hashes) > 1 and hashes[0] is not None and len(set(hashes)) == 1
    # Figures can differ between equal tapes: a fundamental value that nobody looks at moves the pricing error.
    return known and len(np.unique(np.asarray(values, np.float64))) <= 1


def one_world_note(n_runs: int, what: str) -> str:
    """Return the line about runs that differ in their seed and in nothing else."""
    return (
        f"All {n_runs} {what} are the same world: nothing in this scenario is drawn at random, so that seeds change "
        "nothing. What is given is the outcome of one world, and there are no intervals."
    )


def replay_note(names: Sequence[str]) -> str:
    """Return the line about populations that play back a recording."""
    return (
        f"Recorded orders ({', '.join(names)}) do not answer to what others do and have no seed: what is measured is "
        "how far the recorded book gives way, not how a market would have reacted."
    )
