"""Any CSV or Parquet file with a row for each event of an order, by a small mapping file in TOML.

    time_unit = "ms"                # ns, us, ms or s, since 1970 or since midnight; or "iso"
    size_is = "change"              # of a cancel, change or execution: what is taken; "left": what is left

    [columns]                       # our name = the file's
    time = "ts"
    id = "order"
    side = "side"
    price = "px"
    size = "qty"
    action = "event"
    symbol = "ticker"               # only if the file holds several instruments

    [actions]                       # our word = the file's, one or several
    new = ["A", "add"]
    cancel = "X"                    # part or all of an order is withdrawn
    delete = "D"                    # all of it
    modify = "M"                    # it has this price and size now
    execute = "E"                   # it is executed
    trade = "T"                     # a trade with orders that are not shown

    [sides]
    bid = ["B", "buy"]
    ask = ["S", "sell"]

Actions that are not named end the reading with a line; give `ignore = [...]` for those to pass over.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from lob.errors import Argument, InputError
from lob.recording import Recording
from lob.units import SECOND_NS
from sim.formats.decimals import in_units
from sim.formats.feed import FEED, Act, Feed
from sim.formats.readers.bitstamp import table_of, whole
from sim.formats.readers.dbn import midnight_of
from sim.formats.reading import Format, ReadOptions
from sim.formats.units import recording_of

__all__ = ["FORMAT"]

COLUMNS = ("time", "id", "side", "price", "size", "action")
OPTIONAL = ("symbol",)
ACTS = {
    "new": Act.ADD, "cancel": Act.CANCEL, "delete": Act.DELETE, "modify": Act.MODIFY, "execute": Act.EXECUTE,
    "trade": Act.HIDDEN, "clear": Act.CLEAR, "ignore": Act.NOTHING,
}  # fmt: skip
UNITS_NS = {"ns": 1, "us": 1_000, "ms": 1_000_000, "s": SECOND_NS}
SINCE_1970_NS = 400 * 86_400 * SECOND_NS


def _mapping(path: Path) -> dict[str, Any]:
    """Return a mapping file's tables, checked."""
    try:
        tables = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise InputError(Argument("mapping"), f" {path}: cannot be read ({error.strerror})") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a readable TOML file ({error})") from None
    known = ("columns", "actions", "sides", "time_unit", "size_is")
    for key in tables:
        if key not in known:
            raise InputError(f"{path}: {key}: no such key; allowed: {', '.join(known)}")
    for table, words, needed in (
        ("columns", (*COLUMNS, *OPTIONAL), COLUMNS),
        ("actions", tuple(ACTS), ("new",)),
        ("sides", ("bid", "ask"), ("bid", "ask")),
    ):
        given = tables.get(table)
        if not isinstance(given, dict):
            raise InputError(f"{path}: no table [{table}]; allowed: one with {', '.join(words)}")
        for word in given:
            if word not in words:
                raise InputError(f"{path}: {table}.{word}: no such key; allowed: {', '.join(words)}")
        for word in needed:
            if word not in given:
                raise InputError(f"{path}: {table}.{word} is missing; allowed: the file's word for it")
    for key, allowed, default in (("time_unit", (*UNITS_NS, "iso"), "ns"), ("size_is", ("change", "left"), "change")):
        if tables.setdefault(key, default) not in allowed:
            raise InputError(f"{path}: {key} = {tables[key]!r}; allowed: {', '.join(allowed)}")
    return tables


def _table(path: Path) -> pl.DataFrame:
    if path.suffix.lower() not in (".parquet", ".pq"):
        return table_of(path)
    try:
        table = pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise InputError(f"{path}: not a readable Parquet file ({str(error).splitlines()[0]})") from None
    table.columns = [name.strip().lower().replace(".", "_") for name in table.columns]
    return table


def _texts(table: pl.DataFrame, column: str) -> pl.Series:
    return table[column].cast(pl.String).str.strip_chars()


def _words(text: pl.Series, meanings: dict[str, Any], codes: dict[str, int], name: str, path: Path) -> Any:
    """Return a column of the file's words as numbers."""
    known: dict[str, int] = {}
    for ours, theirs in meanings.items():
        for word in theirs if isinstance(theirs, list) else [theirs]:
            known[str(word)] = codes[ours]
    numbers = text.replace_strict(known, default=None, return_dtype=pl.Int8)
    if numbers.null_count():
        row = int(np.argmax(numbers.is_null().to_numpy()))
        raise InputError(f"{path}, row {row + 1}: {name} = {text[row]!r}; allowed: {', '.join(known)}")
    return numbers.to_numpy()


def _times(table: pl.DataFrame, column: str, unit: str, path: Path) -> Any:
    """Return times in ns, since 1970 or midnight."""
    series = table[column]
    if series.dtype in (pl.Datetime, pl.Time) or unit == "iso":
        if series.dtype == pl.String:
            parsed = series.str.strip_chars().str.to_datetime(time_unit="ns", strict=False, time_zone="UTC")
            if parsed.null_count():
                row = int(np.argmax(parsed.is_null().to_numpy()))
                raise InputError(f"{path}, row {row + 1}: time = {series[row]!r}; allowed: as 2026-05-02T14:00:00.5Z")
            series = parsed
        return series.cast(pl.Datetime("ns")).to_physical().to_numpy()
    units, scale = in_units(_texts(table, column), "time", str(path), 2)
    factor = UNITS_NS[unit]
    if scale > factor:
        raise InputError(f"{path}: times have decimals below a nanosecond; allowed: time_unit = a larger unit")
    return units * (factor // scale)


def _read(path: Path, options: ReadOptions) -> Recording:
    if options.mapping is None:
        raise InputError(f"{path}: needs a file that says what its columns mean; allowed: one as ", Argument("mapping"))
    tables = _mapping(options.mapping)
    columns = {ours: str(theirs).strip().lower().replace(".", "_") for ours, theirs in tables["columns"].items()}
    table = _table(path)
    for ours, theirs in columns.items():
        if theirs not in table.columns:
            raise InputError(f"{path}: no column {theirs} (columns.{ours}); allowed: {', '.join(table.columns)}")
    name = path.name.split(".")[0]
    if "symbol" in columns:
        table, name = _of_symbol(table, columns["symbol"], options.symbol, path)
    if len(table) == 0:
        raise InputError(f"{path}: the file is empty; expected rows of orders")
    text = {ours: _texts(table, theirs) for ours, theirs in columns.items() if ours not in ("time", "symbol")}
    times = _times(table, columns["time"], tables["time_unit"], path)
    if (times < 0).any():
        row = int(np.argmax(times < 0))
        raise InputError(f"{path}, row {row + 1}: time = {times[row]} ns; allowed: 0 or more")
    midnight_ns, date = midnight_of(int(times[0]), options.zone) if times[0] > SINCE_1970_NS else (0, "")
    rows = np.zeros(len(table), FEED)
    rows["act"] = _words(text["action"], tables["actions"], ACTS, "action", path)
    rows["side"] = _words(text["side"], tables["sides"], {"bid": 1, "ask": -1}, "side", path)
    rows["side"][rows["act"] == Act.CLEAR] = 0
    rows["time_ns"], rows["order_id"] = times - midnight_ns, whole(text["id"], "id", path)
    rows["price"], price_units = in_units(text["price"], "price", str(path), 2)
    rows["size"], size_units = in_units(text["size"], "size", str(path), 2)
    bad = (rows["size"] <= 0) & np.isin(rows["act"], (Act.ADD, Act.MODIFY))
    if bad.any():
        row = int(np.argmax(bad))
        raise InputError(f"{path}, row {row + 1}: size = {text['size'][row]}; allowed: above 0 of a new order")
    if tables["size_is"] == "left":
        rows["act"][rows["act"] == Act.EXECUTE] = Act.SET_SIZE
        rows["act"][rows["act"] == Act.CANCEL] = Act.MODIFY
    feed = Feed()
    feed(rows)
    return recording_of(
        f"{name} {date}".strip(), feed.messages(), price_units, size_units, options.tick_size, options.lot_size,
        date=date, notes=feed.notes,
    )  # fmt: skip


def _of_symbol(table: pl.DataFrame, column: str, symbol: str | None, path: Path) -> tuple[pl.DataFrame, str]:
    """Return the rows of one instrument, and its name."""
    names = _texts(table, column)
    counts = names.value_counts(sort=True)[column].to_list()
    if symbol is None and len(counts) == 1:
        symbol = counts[0]
    shown = ", ".join(str(name) for name in counts[:8]) + (", ..." if len(counts) > 8 else "")
    if symbol is None:
        raise InputError(f"{path}: holds {len(counts)} instruments; allowed: one as ", Argument("symbol"), f": {shown}")
    if symbol not in counts:
        raise InputError(f"symbol {symbol}: {path} has none of this name; allowed: {shown}")
    return table.filter(names == symbol), str(symbol)


FORMAT = Format(
    "mapped",
    "any CSV or Parquet file with a mapping file",
    lambda _path, _start: False,
    _read,
    ("mapping", "symbol", "lot_size", "zone"),
)
