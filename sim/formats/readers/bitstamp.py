"""Order events of a crypto exchange in CSV as Bitstamp's feed gives them: created, changed, deleted.

Columns: id, timestamp (ms), exchange timestamp (ms), price, volume (what is left of the order), action, direction (bid,
ask). Both orders of a trade are in such a feed: the one that arrived and takes, and the one that rested. The one that
takes is put into the book only with what is left when it has taken. Which one that is, a file of trades beside it tells
(trades.csv: buy_order_id, sell_order_id, side); otherwise two orders of opposite sides that lose the same volume at the
same time traded, and the younger took.

An order that loses volume was executed: the exchange lets nobody reduce an order. One that is deleted with volume left
was withdrawn; one that came and went whole in the same instant never rested and is left out. Times are the exchange's;
a row that tells of an earlier time than the row above it is taken at that row's. What was created in the first instant
of a file is taken as the state of the book, if it is many times more than any other instant brings. An order that
others stand across without a trade is one whose deletion was lost (sim/formats/crossing.py).
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from lob.errors import InputError
from lob.recorded_files import opened
from lob.recording import Recording
from sim.formats.crossing import without_ghosts
from sim.formats.decimals import in_units
from sim.formats.feed import FEED, SNAPSHOT, Act, Feed
from sim.formats.readers.dbn import midnight_of
from sim.formats.reading import Format, ReadOptions
from sim.formats.units import recording_of

__all__ = ["FORMAT", "paired_fills"]

Rows = np.ndarray[Any, Any]
COLUMNS = ("id", "timestamp", "exchange_timestamp", "price", "volume", "action", "direction")
MS_NS = 1_000_000
CREATED, CHANGED, DELETED = 1, 2, 3
ACTIONS = {"created": CREATED, "changed": CHANGED, "deleted": DELETED}
SNAPSHOT_ORDERS = 500
"""New orders of one instant that only a snapshot brings."""
ROUNDED = 2
"""Units by which the two sides of a trade may differ: the exchange rounds each by itself."""
NEAR_ROWS = 64
"""Rows within which the two sides of a trade stand."""


def _columns(line: bytes) -> list[str]:
    return [name.strip().lower().replace(".", "_") for name in line.decode("latin-1").strip().split(",")]


def _is_mine(_path: Path, start: bytes) -> bool:
    names = _columns(start.removeprefix(b"\xef\xbb\xbf").split(b"\n")[0])
    return {"id", "price", "volume", "action", "direction"} <= set(names)


def table_of(path: Path) -> pl.DataFrame:
    """Return a CSV file's columns as text, with names in lower case and "_" for ".".

    Raises:
        InputError: if it is no such file.
    """
    with opened(path) as source:
        data = b"".join(iter(lambda: source.read(1 << 24), b"")).removeprefix(b"\xef\xbb\xbf")
    try:
        table = pl.read_csv(io.BytesIO(data), infer_schema=False, quote_char=None, truncate_ragged_lines=False)
    except pl.exceptions.PolarsError as error:
        raise InputError(f"{path}: not a readable CSV file ({str(error).splitlines()[0]})") from None
    names = [name.strip().lower().replace(".", "_") for name in table.columns]
    if len(set(names)) < len(names):
        raise InputError(f"{path}, line 1: a column's name occurs twice; allowed: each once")
    table.columns = names
    return table.with_columns(pl.all().str.strip_chars())


def words(text: pl.Series, known: dict[str, int], name: str, where: Path) -> Rows:
    """Return a column of words as numbers; raise InputError about a word that is none of them."""
    codes = text.replace_strict(known, default=None, return_dtype=pl.Int8)
    if codes.null_count():
        row = int(np.argmax(codes.is_null().to_numpy()))
        raise InputError(f"{where}, line {row + 2}: {name} = {text[row]!r}; allowed: {', '.join(known)}")
    return codes.to_numpy()


def whole(text: pl.Series, name: str, where: Path) -> Rows:
    """Return a column of whole numbers; raise InputError about what is none."""
    numbers = text.cast(pl.Int64, strict=False)
    if numbers.null_count():
        row = int(np.argmax(numbers.is_null().to_numpy()))
        raise InputError(f"{where}, line {row + 2}: {name} = {text[row]!r}; allowed: a whole number of at most 64 bits")
    return numbers.to_numpy()


def paired_fills(row: Rows, side: Rows, lost: Rows, time: Rows, born: Rows) -> Rows:
    """Return which losses of volume are those of the order that took, bool, shape (n,).

    Two losses are one trade if they are of opposite sides, of the same volume, at the same time and near each other.

    Args:
        row: number of each loss's row in the file.
        side: of the order that lost.
        lost: the volume.
        time: of the exchange.
        born: row in which the order was created, -1 before the file.
    """
    takes = np.zeros(len(row), bool)
    free = np.ones(len(row), bool)
    for k in range(len(row)):
        for other in range(k + 1, len(row)):
            if row[other] - row[k] > NEAR_ROWS:
                break
            same = side[other] != side[k] and abs(lost[other] - lost[k]) <= ROUNDED and time[other] == time[k]
            if free[k] and free[other] and same:
                free[k] = free[other] = False
                takes[k if born[k] > born[other] else other] = True
                break
    return takes


def _takers(path: Path, order: Rows, time: Rows) -> Rows | None:
    """Return which losses are those of orders that took, as a file of trades beside this one says; None without one.

    Args:
        path: of the orders.
        order: whose losses they are.
        time: of each loss, in ms of the exchange: an order that took may rest afterwards, and be taken from.
    """
    beside = path.with_name("trades.csv")
    if not beside.is_file():
        return None
    trades = table_of(beside)
    needed = ("buy_order_id", "sell_order_id", "side", "exchange_timestamp")
    if any(name not in trades.columns for name in needed):
        raise InputError(f"{beside}: columns {', '.join(trades.columns)}; allowed: with {', '.join(needed)}")
    bought = words(trades["side"], {"buy": 1, "sell": -1}, "side", beside)
    buyers, sellers = (whole(trades[name], name, beside) for name in needed[:2])
    taking = pl.DataFrame(
        {"order": np.where(bought > 0, buyers, sellers), "time": whole(trades["exchange_timestamp"], "time", beside)}
    )
    losses = pl.DataFrame({"order": order, "time": time}).with_row_index("row")
    found = np.zeros(len(order), bool)
    found[losses.join(taking.unique(), on=["order", "time"], how="semi")["row"].to_numpy()] = True
    return found


def _read(path: Path, options: ReadOptions) -> Recording:
    table = table_of(path)
    missing = [name for name in COLUMNS if name not in table.columns and name != "exchange_timestamp"]
    if missing:
        raise InputError(f"{path}, line 1: no column {missing[0]}; allowed: {', '.join(COLUMNS)}")
    if len(table) == 0:
        raise InputError(f"{path}: the file is empty; expected rows of orders")
    clock = "exchange_timestamp" if "exchange_timestamp" in table.columns else "timestamp"
    ids, times = whole(table["id"], "id", path), whole(table[clock], clock, path)
    if (times < 0).any() or (times > 2**53).any():
        row = int(np.argmax((times < 0) | (times > 2**53)))
        raise InputError(f"{path}, line {row + 2}: {clock} = {times[row]}; allowed: milliseconds since 1970")
    prices, price_units = in_units(table["price"], "price", str(path), 2)
    volumes, size_units = in_units(table["volume"], "volume", str(path), 2)
    if (volumes < 0).any():
        row = int(np.argmax(volumes < 0))
        raise InputError(f"{path}, line {row + 2}: volume = {table['volume'][row]}; allowed: 0 or more")
    actions = words(table["action"], ACTIONS, "action", path)
    sides = words(table["direction"], {"bid": 1, "ask": -1}, "direction", path)
    # The feed comes in the order of its receipt: that of the exchange's times, but for a few rows.
    times = np.maximum.accumulate(times)
    midnight_ns, date = midnight_of(int(times[0]) * MS_NS, options.zone)
    rows = np.zeros(len(table), FEED)
    rows["time_ns"] = times * MS_NS - midnight_ns
    rows["order_id"], rows["side"], rows["price"], rows["size"] = ids, sides, prices, volumes
    rows["act"] = np.where(actions == CREATED, Act.ADD, np.where(actions == CHANGED, Act.SET_SIZE, Act.DELETE))
    rows["act"][(actions == DELETED) & (volumes == 0)] = Act.SET_SIZE
    first = (times == times[0]) & (actions == CREATED)
    if first.sum() >= SNAPSHOT_ORDERS:
        rows["flags"][first] = SNAPSHOT
    last = times == times[-1]
    if last.sum() >= SNAPSHOT_ORDERS and (actions[last] == DELETED).all():
        rows["flags"][last] = SNAPSHOT  # the end of a capture that closes what is left
    refused = _refused(ids, actions, times, volumes)
    if refused.any():
        rows, ids = rows[~refused], ids[~refused]
    rows, notes = _without_takers(rows, ids, path, midnight_ns)
    feed = Feed()
    feed(rows)
    fine, n_ghosts = without_ghosts(feed.messages())
    if refused.any():
        notes += (f"{int(refused.sum()) // 2:,} orders that were withdrawn in the instant of their arrival: left out",)
    if n_ghosts:
        notes += (f"{n_ghosts:,} orders that stood where others traded on, as if deleted: deleted then",)
    name = path.name.split(".")[0] if path.name.split(".")[0] != "orders" else path.resolve().parent.name
    return recording_of(
        f"{name} {date}", fine, price_units, size_units, options.tick_size, options.lot_size, date=date,
        notes=(*notes, *feed.notes),
    )  # fmt: skip


def _refused(ids: Rows, actions: Rows, times: Rows, volumes: Rows) -> Rows:
    """Return which rows are of orders that were created and deleted, whole, in one instant of the exchange.

    Such orders never rested: most are those that may not take, and would have.
    """
    order = np.lexsort((np.arange(len(ids)), ids))
    first, second = order[:-1], order[1:]
    pair = (ids[first] == ids[second]) & (times[first] == times[second]) & (volumes[first] == volumes[second])
    pair &= (actions[first] == CREATED) & (actions[second] == DELETED) & (volumes[second] > 0)
    refused = np.zeros(len(ids), bool)
    refused[first[pair]] = refused[second[pair]] = True
    return refused


def _without_takers(rows: Rows, ids: Rows, path: Path, midnight_ns: int) -> tuple[Rows, tuple[str, ...]]:
    """Return the rows in which orders that take come into the book with what is left of them, if anything."""
    n = len(rows)
    by_order = np.argsort(ids, kind="stable")
    ordered = ids[by_order]
    follows = np.zeros(n, bool)
    follows[1:] = ordered[1:] == ordered[:-1]
    before = np.full(n, -1)
    before[by_order[1:]] = np.where(follows[1:], by_order[:-1], -1)
    # Volume before each row; a row about an order that was created before the file lost an unknown volume.
    held = np.where(before >= 0, rows["size"][before], 0)
    lost = np.where((rows["act"] == Act.SET_SIZE) & (before >= 0), held - rows["size"], 0)
    groups = np.cumsum(~follows) - 1
    starts = by_order[~follows]
    born = np.empty(n, np.int64)
    born[by_order] = np.where(rows["act"][starts] == Act.ADD, starts, -1)[groups]
    at = np.flatnonzero(lost > 0)
    takes = _takers(path, ids[at], (rows["time_ns"][at] + midnight_ns) // MS_NS)
    told = "as its trades.csv says"
    if takes is None:
        takes = paired_fills(at, rows["side"][at], lost[at], rows["time_ns"][at], born[at])
        told = "as volumes lost at the same time show"
    takes &= born[at] >= 0
    taking = at[takes]
    if len(taking) == 0:
        return rows, ()
    # Of each order that takes, the last such row is where its rest comes into the book.
    last = np.full(n, -1)
    np.maximum.at(last, born[taking], taking)
    moved = np.flatnonzero(last >= 0)
    out = rows.copy()
    out["act"][taking] = Act.NOTHING
    out["act"][moved] = Act.NOTHING
    ends = last[moved]
    out["act"][ends] = np.where(rows["size"][ends] > 0, Act.ADD, Act.NOTHING)
    out["price"][ends] = rows["price"][moved]  # while it trades, the feed tells the price of the trade
    # The row of the order that it took from last may follow its own: what is left of it comes after that.
    following = np.minimum(ends + 1, n - 1)
    is_other = (rows["side"][following] != rows["side"][ends]) & (np.abs(lost[following] - lost[ends]) <= ROUNDED)
    swapped = ends[is_other & (lost[following] > 0) & (ends + 1 < n)]
    out[swapped], out[swapped + 1] = out[swapped + 1], out[swapped]
    return out, (f"{len(taking):,} executions by {len(moved):,} orders that took, {told}",)


FORMAT = Format(
    "bitstamp",
    "order events in CSV with the columns id, timestamp, price, volume, action, direction (.gz too)",
    _is_mine,
    _read,
    ("lot_size", "zone"),
)
