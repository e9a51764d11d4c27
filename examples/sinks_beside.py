"""Write a market's tape and keep a statistic of one's own while it runs, in a thread beside the kernel."""

import tempfile
from collections import Counter
from pathlib import Path

import numpy as np

import sim
from lob import EventKind
from scenarios import build_market
from sim.writer import ParquetTape


class Volume:
    """A sink: it is called with every stretch of rows, in order."""

    def __init__(self) -> None:
        """Count from nothing."""
        self.lots_by_minute: Counter[int] = Counter()

    def __call__(self, rows: np.ndarray) -> None:
        """Add the executions of some rows. The array is used again afterwards: what is kept has to be copied."""
        executed = rows[rows["kind"] == EventKind.EXECUTE]
        minutes, where = np.unique(executed["time_ns"] // 60_000_000_000, return_inverse=True)
        for minute, lots in zip(minutes, np.bincount(where, executed["qty_lots"]), strict=True):
            self.lots_by_minute[int(minute)] += int(lots)


def main() -> None:
    """Run ten minutes of first_market, and print what was traded in each of the first three."""
    market, volume = build_market("first_market", seed=7), Volume()
    with tempfile.TemporaryDirectory() as folder:
        tape = ParquetTape(Path(folder))
        with sim.Beside([tape, volume]) as beside:
            market.run(market.session.open_ns + 600_000_000_000, [beside])
        # The thread has ended and all rows have been taken.
        tape.close_part()
        assert len(sim.read_tape(folder)) == market.n_rows
    for minute, lots in sorted(volume.lots_by_minute.items())[:3]:
        print(f"{minute // 60:02d}:{minute % 60:02d}  {lots:,} lots")


if __name__ == "__main__":
    main()
