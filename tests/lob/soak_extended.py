"""Every kind of order for as long as you like: the engine with its twin, or alone with its invariants.

python -m tests.lob.soak_extended --twin 1000000        small books under every rule, row by row with the twin
python -m tests.lob.soak_extended --engine 100000000    the stream of bench engine_full, invariants every 100,000
"""

from __future__ import annotations

import argparse
import itertools
import sys

import numpy as np

from bench.engine_full import FULL_INSTRUMENT, RING_ROWS, _through, full_stream
from lob.book import new_book
from lob.extended.entry import lend_engine
from lob.invariants import check_invariants
from lob.tape import new_tape
from tests.lob.compare import Difference
from tests.lob.extended_streams import KINDS, RULES
from tests.lob.test_extended_twin import compare

PER_STREAM = 1_000
STRETCH = 100_000


def with_twin(n_messages: int) -> None:
    """Compare streams of seeds 0, 1, ... under the rules in turn, half of them of a few kinds only."""
    for seed, rules in zip(range(-(-n_messages // PER_STREAM)), itertools.cycle(RULES)):
        few = np.random.default_rng(seed).choice(list(KINDS), 4, replace=False).tolist()
        compare(rules, ["plain", *few] if seed % 2 else list(KINDS), seed, PER_STREAM)


def alone(n_messages: int) -> None:
    """Send streams of a million messages through a book each."""
    for seed in range(1, -(-n_messages // 1_000_000) + 1):
        preload, messages = full_stream(1_000_000, seed)
        _, book = new_book(FULL_INSTRUMENT)
        _, tape = new_tape(RING_ROWS)
        lend_engine(tape)
        for part in (preload, *np.array_split(messages, len(messages) // STRETCH)):
            _through(book, tape, part)
            check_invariants(book)


def main() -> int:
    """Run what is asked for; 1 at the first difference or broken invariant."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--twin", type=int, default=0, help="messages to compare with the twin")
    parser.add_argument("--engine", type=int, default=0, help="messages to send through the engine alone")
    options = parser.parse_args()
    try:
        with_twin(options.twin)
        alone(options.engine)
    except (Difference, AssertionError) as found:
        print(found)
        return 1
    print(f"{options.twin:,} messages alike, {options.engine:,} without a broken invariant")
    return 0


if __name__ == "__main__":
    sys.exit(main())
