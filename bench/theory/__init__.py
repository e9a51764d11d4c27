"""Engine and agents against exact results of the field: `python -m bench theory` measures them and writes a page."""

from __future__ import annotations

import importlib
import os
import pkgutil
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

from bench.theory import checks
from bench.theory.report import write_page
from bench.theory.rows import Row

__all__ = ["run"]

EXPECTED_ROWS = 99
"""Rows of a full measurement; a missing one counts as failed."""


def _modules() -> list[ModuleType]:
    names = sorted(m.name for m in pkgutil.iter_modules(checks.__path__) if not m.name.startswith("_"))
    return [importlib.import_module(f"bench.theory.checks.{name}") for name in names]


def run(quick: bool | None = None, page: Path | None = None) -> dict[str, Any]:
    """Measure all rows, print them as they come, and write docs/theory.md with its pictures.

    Args:
        quick: a hundredth of the sample sizes, and no page; default: $OUTCRY_THEORY_QUICK.
        page: where to write; default: docs/theory.md.
    """
    quick = bool(os.environ.get("OUTCRY_THEORY_QUICK")) if quick is None else quick
    page = Path(__file__).resolve().parents[2] / "docs" / "theory.md" if page is None else page
    rows: list[Row] = []
    pictures: list[tuple[str, str]] = []
    for module in _modules():
        began = time.perf_counter()
        for row in module.measure(quick):
            rows.append(row)
            mark = "ok    " if row.passed else "MISSED"
            print(f"{mark} {row.id:28} {row.estimate:12.5g} [{row.low:.5g}, {row.high:.5g}] theory {row.target:.5g}")
        print(f"       {module.__name__.rsplit('.', 1)[1]}: {time.perf_counter() - began:.0f} s", flush=True)
        if not quick and hasattr(module, "draw"):
            folder = page.with_suffix("")
            folder.mkdir(exist_ok=True)
            pictures += module.draw(folder)
    if not quick:
        write_page(page, rows, pictures)
    else:
        print("quick: small samples, no page written", file=sys.stderr)
    total = max(len(rows), EXPECTED_ROWS)
    passed = sum(bool(row.passed) for row in rows)
    return {
        "passed": passed,
        "total": total,
        "rows": [row.id for row in rows],
        "missed": [row.id for row in rows if not row.passed],
        "pass": passed == total,
    }
