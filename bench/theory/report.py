"""The theory table as a page of docs/ with its pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.theory.rows import Row
from sim.files.atomic import write_atomically

__all__ = ["write_page"]

HEAD = """# Checked against theory

Written by `python -m bench theory`. Each row compares what the engine and the agents did with an exact result.
Intervals are at 99%; those of a family of cells (the 50 of Cont, Stoikov and Talreja) are wide enough to hold all
together with 99% (Sidak). "Missed" is said where a row does not pass.

"""


def _number(value: float) -> str:
    if value == 0:
        return "0"
    return f"{value:,.0f}" if abs(value) >= 1e5 else f"{value:.4g}"


def write_page(path: Path, rows: Sequence[Row], pictures: Sequence[tuple[str, str]]) -> None:
    """Write the page.

    Args:
        path: the markdown file; pictures lie in the folder of the same name beside it.
        rows: all rows, in order.
        pictures: (file name, caption) of each picture.
    """
    lines = [HEAD, f"**{sum(row.passed for row in rows)} of {len(rows)} rows pass.**\n"]
    for file, caption in pictures:
        lines.append(f"![{caption}]({path.stem}/{file})\n\n*{caption}*\n")
    lines.append("| row | what | estimate | 99% interval | theory | rule | passed | detail |")
    lines.append("|---|---|---|---|---|---|---|---|")
    for row in rows:
        interval = "exact" if row.low == row.high else f"{_number(row.low)} to {_number(row.high)}"
        passed = "yes" if row.passed else "**missed**"
        cells = [row.id, row.what, _number(row.estimate), interval, _number(row.target), row.rule, passed, row.detail]
        lines.append("| " + " | ".join(cells) + " |")
    write_atomically(path, ("\n".join(lines) + "\n").encode())
