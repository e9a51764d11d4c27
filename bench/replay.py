"""Replay of the LOBSTER sample days: agreement of the books, executions at the head, messages a second."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from bench.yardstick import at_least
from lob.lobster import read_day
from lob.replay import replay

__all__ = ["run"]


def data_folder() -> Path:
    """Return the folder of the sample days: $OUTCRY_DATA, else shared/data beside the project."""
    default = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
    return Path(os.environ.get("OUTCRY_DATA", default))


def run() -> dict[str, Any]:
    """Return the figures of this bench; the worst of the sample days found."""
    files = sorted(data_folder().glob("LOBSTER_SampleFile_*.zip"))
    if not files:
        return {"note": f"no LOBSTER sample files in {data_folder()}; set OUTCRY_DATA", "pass": False}
    days = [replay(read_day(path)) for path in files]
    agreement = min(day.agreement for day in days)
    head_share = min(day.head_share for day in days)
    rate = min(day.messages_per_s for day in days)
    return {
        "days": [day.name for day in days],
        "messages_per_s": round(rate),
        "agreement": round(agreement, 6),
        "head_share": round(head_share, 6),
        "exceptions": [day.counts["exceptions"] for day in days],
        "pass": agreement >= 0.9999 and head_share >= 0.999 and at_least(rate, 1e6),
    }
