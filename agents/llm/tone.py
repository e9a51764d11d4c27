"""Reading news without a model: a short list of good and bad words.

The idea is that of the word lists of finance (Loughran and McDonald, Journal of Finance 66, 2011); these are our own.
The rules read with it, and the small model has learnt it from them.
"""

from __future__ import annotations

import re

__all__ = ["BAD", "GOOD", "tone"]

GOOD = frozenset(
    [
        "above",
        "accelerates",
        "agreed",
        "approval",
        "approved",
        "beat",
        "beats",
        "better",
        "boom",
        "cheaper",
        "confirms",
        "cut",
        "cuts",
        "eased",
        "gains",
        "growth",
        "higher",
        "improves",
        "jumps",
        "lifts",
        "merger",
        "offer",
        "opens",
        "outperform",
        "profit",
        "raises",
        "rally",
        "record",
        "rise",
        "rises",
        "soars",
        "stronger",
        "succeeds",
        "support",
        "surges",
        "surprise",
        "takeover",
        "upgrade",
        "upgraded",
        "wins",
    ]
)
BAD = frozenset(
    [
        "accident",
        "ban",
        "bankruptcy",
        "below",
        "broken",
        "breach",
        "collapse",
        "concern",
        "crisis",
        "debt",
        "default",
        "delays",
        "denies",
        "downgrade",
        "downgraded",
        "drops",
        "falls",
        "false",
        "fine",
        "fined",
        "fraud",
        "halted",
        "hacked",
        "hikes",
        "investigation",
        "lawsuit",
        "loses",
        "losses",
        "lower",
        "miss",
        "misses",
        "plunges",
        "probe",
        "recall",
        "rejected",
        "resigns",
        "sanctions",
        "shortage",
        "slows",
        "strike",
        "tightens",
        "unfounded",
        "warns",
        "weak",
        "weaker",
        "withdrawn",
        "worse",
    ]
)


def tone(text: str) -> int:
    """Return 1 if a text has more good words than bad ones, -1 if fewer, 0 if as many."""
    words = re.findall(r"[a-z]+", text.lower())
    balance = sum(word in GOOD for word in words) - sum(word in BAD for word in words)
    return (balance > 0) - (balance < 0)
