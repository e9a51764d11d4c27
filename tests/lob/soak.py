"""Compare engine and twin for as long as you like, on random markets.

python -m tests.lob.soak --messages 100000000 --processes 2

Each process takes market after market: one of the instruments of the test suite with some of its
rules drawn anew, for 200,000 messages. The first difference ends the run with status 1 and a stream
cut down to what is needed.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from dataclasses import replace

import numpy as np

from lob.invariants import check_invariants
from lob.reference import ReferenceBook
from lob.rules import Instrument
from tests.lob.compare import Difference, long_run
from tests.lob.streams import MARKETS, Climate

PER_MARKET = 200_000


def market(seed: int) -> tuple[Instrument, Climate]:
    """The market of a seed."""
    rng = np.random.default_rng([seed, 77])
    instrument, climate = list(MARKETS.values())[seed % len(MARKETS)]
    n_prices = int(min(262_144, max(2, instrument.n_prices * rng.uniform(0.5, 2.0))))
    lowest = int(rng.integers(-500, 500)) * int(rng.integers(0, 2))
    return (
        replace(
            instrument,
            n_prices=n_prices,
            min_price_ticks=lowest,
            reference_ticks=lowest + n_prices // 2,
            max_orders=int(max(1, instrument.max_orders * rng.uniform(0.3, 2.0))),
            collar_ticks=int(rng.choice([0, 0, 0, 5, 40, 1_000])),
            replace_keeps_priority=bool(rng.integers(0, 2)),
        ),
        replace(climate, mean_lots=climate.mean_lots * rng.uniform(0.3, 1.0)),
    )


def run(seed: int, n_messages: int) -> str | None:
    """Compare one market and return the difference as text, if there is one."""
    instrument, climate = market(seed)

    def sound(book: object, twin: ReferenceBook) -> None:
        check_invariants(book)

    try:
        long_run(instrument, climate, seed, n_messages, look=sound, look_every=100)
    except Difference as found:
        sent = "\n".join(f"  {message}" for message in found.messages)
        return f"seed {seed}: {found}\nall {len(found.messages)} messages:\n{sent}"
    except AssertionError as broken:
        return f"seed {seed}: {instrument}: {broken}"
    return None


def main() -> int:
    """Run the markets on the processes asked for and tell how far they are."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=1_000_000, help="messages to compare in all")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0, help="seed of the first market; the others count up from it")
    options = parser.parse_args()
    n_markets = -(-options.messages // PER_MARKET)
    jobs = [(options.seed + i, min(PER_MARKET, options.messages - i * PER_MARKET)) for i in range(n_markets)]
    start = time.perf_counter()
    done, told = 0, start
    with multiprocessing.get_context("spawn").Pool(options.processes) as pool:
        for n_messages, found in pool.imap_unordered(_job, jobs):
            if found is not None:
                print(found)
                return 1
            done += n_messages
            now = time.perf_counter()
            if now - told > 30 or done == options.messages:
                told = now
                print(f"{done:,} messages alike, {done / (now - start):,.0f} per second", flush=True)
    return 0


def _job(job: tuple[int, int]) -> tuple[int, str | None]:
    return job[1], run(*job)


if __name__ == "__main__":
    sys.exit(main())
