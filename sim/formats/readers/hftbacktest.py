"""hftbacktest's market-by-order events (L3) in an npz file; what they are stands in sim/formats/hftbacktest.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from lob.errors import InputError
from lob.recording import Recording
from lob.units import SECOND_NS
from sim.formats.decimals import in_units
from sim.formats.feed import FEED, LAST, Act, Feed
from sim.formats.hftbacktest import ADD, BUY, CANCEL, CLEAR, EXCHANGE, FILL, MODIFY, TRADE, read_hftbacktest
from sim.formats.readers.dbn import midnight_of
from sim.formats.reading import Format, ReadOptions
from sim.formats.units import recording_of

__all__ = ["FORMAT"]

ACTS = {ADD: Act.ADD, CANCEL: Act.DELETE, MODIFY: Act.MODIFY, FILL: Act.FILL, TRADE: Act.TRADE, CLEAR: Act.CLEAR}
SINCE_1970_NS = 400 * 86_400 * SECOND_NS
"""Times beyond this count from 1970; ours count from midnight."""


def _read(path: Path, options: ReadOptions) -> Recording:
    data = read_hftbacktest(path)
    data = data[(data["ev"] & EXCHANGE) != 0]
    if len(data) == 0:
        raise InputError(f"{path}: holds no event of the exchange; allowed: market-by-order events (L3)")
    kinds = (data["ev"] & 0xFF).astype(np.int64)
    acts = np.zeros(256, np.int8)
    for kind, act in ACTS.items():
        acts[kind] = act
    for name, bad, allowed in (
        ("ev", acts[kinds] == 0, f"market-by-order events (kinds {', '.join(map(str, ACTS))})"),
        ("px", ~np.isfinite(data["px"]), "a number"),
        ("qty", ~(np.isfinite(data["qty"]) & (data["qty"] >= 0)), "a number of at least 0"),
        ("exch_ts", data["exch_ts"] < 0, "ns, at least 0"),
    ):
        if bad.any():
            at = int(np.argmax(bad))
            value = kinds[at] if name == "ev" else data[name][at]
            raise InputError(f"{path}, event {at + 1}: {name} = {value}; allowed: {allowed}")
    prices, price_units = in_units(_text(data["px"]), "px", str(path), 1)
    sizes, size_units = in_units(_text(data["qty"]), "qty", str(path), 1)
    first_ns = int(data["exch_ts"][0])
    midnight_ns, date = midnight_of(first_ns, options.zone) if first_ns > SINCE_1970_NS else (0, "")
    rows = np.zeros(len(data), FEED)
    rows["time_ns"] = data["exch_ts"] - midnight_ns
    rows["order_id"], rows["price"], rows["size"] = data["order_id"].view(np.int64), prices, sizes
    rows["act"] = acts[kinds]
    rows["side"] = np.where(data["ev"] & BUY, 1, -1)
    rows["side"][rows["act"] == Act.TRADE] *= -1  # of a trade it is the aggressor's
    rows["side"][rows["act"] == Act.CLEAR] = 0
    rows["flags"] = np.where(np.append(np.diff(rows["time_ns"]) != 0, True), LAST, 0)
    feed = Feed()
    feed(rows)
    name = f"{path.name.split('.')[0]} {date}".strip()
    return recording_of(
        name, feed.messages(), price_units, size_units, options.tick_size, options.lot_size, date=date, notes=feed.notes
    )


def _text(values: Any) -> pl.Series:
    """Return floats as the shortest text that gives them back."""
    different, where = np.unique(values, return_inverse=True)
    return pl.Series([repr(float(value)) for value in different], dtype=pl.String)[where]


FORMAT = Format(
    "hftbacktest",
    "hftbacktest's market-by-order npz files",
    lambda path, start: path.suffix.lower() == ".npz" and start.startswith(b"PK"),
    _read,
    ("lot_size", "zone"),
)
