"""Small hand-made LOBSTER days, and the folder of the real ones."""

from __future__ import annotations

import os
from pathlib import Path

EMPTY_ASK, EMPTY_BID = (9_999_999_999, 0), (-9_999_999_999, 0)
DATA = Path(os.environ.get("OUTCRY_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))
CASES = DATA.parent / "cases"


def book_row(asks: list[tuple[int, int]], bids: list[tuple[int, int]], levels: int = 2, units: int = 100) -> str:
    """One orderbook row; prices in ticks of so many 1/10,000."""
    cells = []
    for k in range(levels):
        ask = (asks[k][0] * units, asks[k][1]) if k < len(asks) else EMPTY_ASK
        bid = (bids[k][0] * units, bids[k][1]) if k < len(bids) else EMPTY_BID
        cells += [*ask, *bid]
    return ",".join(map(str, cells))


def message_row(time: str, kind: int, order_id: int, size: int, ticks: int, direction: int, units: int = 100) -> str:
    """One message row; price in ticks of so many 1/10,000."""
    return f"{time},{kind},{order_id},{size},{ticks * units},{direction}"


def write_day(folder: Path, messages: list[str], rows: list[str], levels: int = 2) -> tuple[Path, Path]:
    """Write the two files of a day."""
    stem = "TEST_2020-01-02_34200000_57600000"
    message, book = folder / f"{stem}_message_{levels}.csv", folder / f"{stem}_orderbook_{levels}.csv"
    message.write_text("\n".join([*messages, ""]))
    book.write_text("\n".join([*rows, ""]))
    return message, book


def of_tick(lines: list[str], units: int, *, is_book: bool) -> list[str]:
    """The same rows at another tick, given in 1/10,000."""
    changed = []
    for line in lines:
        cells = line.split(",")
        for k in range(0, len(cells), 2) if is_book else (4,):
            if abs(int(cells[k])) < EMPTY_ASK[0]:
                cells[k] = str(int(cells[k]) // 100 * units)
        changed.append(",".join(cells))
    return changed


# A bid of 100 at 99.99 in front of a later 50 there; the far bid level leaves the window and comes back.
MESSAGES = [
    message_row("34200.000000001", 1, 11, 100, 9999, 1),
    message_row("34200.100000000", 1, 12, 50, 9999, 1),
    message_row("34200.2", 2, 11, 40, 9999, 1),
    message_row("34200.3", 4, 11, 60, 9999, 1),
    message_row("34200.4", 1, 13, 10, 10000, 1),
    message_row("34200.5", 3, 13, 10, 10000, 1),
    message_row("34200.6", 5, 0, 7, 10000, 1),
    message_row("34200.7", 4, 12, 20, 9999, 1),
]
ASKS = [(10005, 30), (10007, 40)]
ROWS = [
    book_row(ASKS, [(9999, 100), (9990, 20)]),
    book_row(ASKS, [(9999, 150), (9990, 20)]),
    book_row(ASKS, [(9999, 110), (9990, 20)]),
    book_row(ASKS, [(9999, 50), (9990, 20)]),
    book_row(ASKS, [(10000, 10), (9999, 50)]),
    book_row(ASKS, [(9999, 50), (9990, 35)]),
    book_row(ASKS, [(9999, 50), (9990, 35)]),
    book_row(ASKS, [(9999, 30), (9990, 35)]),
]
