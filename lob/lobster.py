"""LOBSTER files: a day of one stock as a message file and the order book after each message.

Format (lobsterdata.com, "Data structure"): `TICKER_YYYY-MM-DD_startms_endms_message_LEVELS.csv`, no header. Message
columns: time in seconds after midnight, type (1 new order, 2 partial cancel, 3 delete, 4 visible execution, 5 hidden
execution, 6 cross, 7 halt), order id, size, price in 1/10,000 of the currency, direction (1 buy, -1 sell *limit order*;
an execution with -1 is buyer-initiated). Book columns: ask price, ask size, bid price, bid size of level 1, of level 2,
and so on; an empty level has price +-9,999,999,999 and size 0.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from lob.errors import InputError
from lob.rules import MAX_ORDER_LOTS

__all__ = ["LOBSTER_MESSAGE", "PRICE_UNITS_PER_TICK", "LobsterDay", "read_book", "read_day", "read_messages"]

PRICE_UNITS_PER_TICK = 100
"""File prices are 1/10,000; a tick is one cent."""
EMPTY_PRICE = 9_999_999_999

LOBSTER_MESSAGE: np.dtype[Any] = np.dtype(
    [
        ("time_ns", "<i8"),
        ("order_id", "<i8"),
        ("price", "<i8"),
        ("size", "<i4"),
        ("type", "i1"),
        ("direction", "i1"),
        ("reserved", "<i2"),
    ]
)
"""One message: time in ns after midnight, price in 1/10,000 of the currency, size in shares."""

_NAME = re.compile(r"(?P<ticker>[^_/:]+)_(?P<date>\d{4}-\d\d-\d\d)_.*?(message|orderbook)_(?P<levels>\d+)")


@dataclass(frozen=True)
class LobsterDay:
    """A recorded day.

    Attributes:
        name: ticker and date as far as the file names tell them.
        messages: shape (n,), dtype LOBSTER_MESSAGE.
        book: shape (n, levels, 4), int64: ask price, ask size, bid price, bid size after each message, as in the file.
    """

    name: str
    messages: np.ndarray[Any, Any]
    book: np.ndarray[Any, np.dtype[np.int64]]

    @property
    def levels(self) -> int:
        """Recorded levels on each side."""
        return int(self.book.shape[1])


def _width(data: bytes) -> int:
    """Return the number of columns of the first line."""
    return data[: data.find(b"\n") if b"\n" in data else len(data)].count(b",") + 1


def _table(data: bytes, where: str, schema: dict[str, Any]) -> pl.DataFrame:
    if not data.strip():
        raise InputError(f"{where}: the file is empty; expected comma-separated rows")
    try:
        return pl.read_csv(io.BytesIO(data), has_header=False, schema=schema, quote_char=None)
    except pl.exceptions.PolarsError as error:
        for line, text in enumerate(data.splitlines(), 1):
            if text.count(b",") + 1 != len(schema):
                columns = text.count(b",") + 1
                raise InputError(f"{where}, line {line}: {columns} columns; expected {len(schema)}") from None
        reason = str(error).splitlines()[0]
        raise InputError(f"{where}: not a LOBSTER csv file: {reason}") from None


def _book_table(data: bytes, where: str) -> pl.DataFrame:
    """Return the book's columns as whole numbers; text is looked at only where that fails, to name the line."""
    names = [f"column {k + 1}" for k in range(_width(data))]
    if data.strip() and len(names) % 4:
        raise InputError(f"{where}: {len(names)} columns; an orderbook file has 4 for each level")
    try:
        table = pl.read_csv(io.BytesIO(data), has_header=False, schema=dict.fromkeys(names, pl.Int64), quote_char=None)
        if len(table) and not any(column.null_count() for column in table):
            return table
    except pl.exceptions.PolarsError:
        pass
    text = _table(data, where, dict.fromkeys(names, pl.String))
    numbers = text.with_columns(pl.all().str.strip_chars().cast(pl.Int64, strict=False))
    bad = [(_first(numbers[name].is_null().to_numpy()), name) for name in names if numbers[name].null_count()]
    if bad:
        line, name = min(bad)
        raise InputError(f"{where}, line {line}: {name} is {text[name][line - 1]!r}; allowed: a whole number")
    return numbers


def _first(mask: np.ndarray[Any, Any]) -> int:
    """Return the 1-based number of the first line where mask is true."""
    return int(np.argmax(mask)) + 1


def _parse_times(text: pl.Series, where: str) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return decimal seconds as int64 ns, from the digits: a float64 would lose some.

    A few rows of the sample files carry a float's tail (43002.632812672004): digits after the ninth are cut off.
    """
    bad = ~text.str.contains(r"^\d{1,5}(\.\d{1,12})?$").fill_null(value=False).to_numpy()
    if bad.any():
        line = _first(bad)
        raise InputError(f"{where}, line {line}: time {text[line - 1]!r}; allowed: seconds, at most 12 decimals")
    parts = text.str.split_exact(".", 1).struct.unnest()
    seconds = parts["field_0"].cast(pl.Int64)
    fraction = parts["field_1"].fill_null("0").str.slice(0, 9).str.pad_end(9, "0").cast(pl.Int64)
    return (seconds * 1_000_000_000 + fraction).to_numpy()


def read_messages(data: bytes, where: str) -> np.ndarray[Any, Any]:
    """Return a message file's rows, dtype LOBSTER_MESSAGE.

    Args:
        data: the file's bytes.
        where: name of the file for error messages.

    Raises:
        InputError: naming file, line, value and what is allowed.
    """
    columns = ["time", "type", "order_id", "size", "price", "direction"]
    width = _width(data)
    if data.strip() and width not in (6, 7):
        raise InputError(f"{where}: {width} columns; a message file has 6")
    # Some sample files carry a seventh, empty column.
    schema = dict.fromkeys(columns + (["extra"] if width == 7 else []), pl.String)
    table = _table(data, where, schema)
    rows = np.zeros(len(table), LOBSTER_MESSAGE)
    rows["time_ns"] = _parse_times(table["time"], where)
    for name in columns[1:]:
        number = table[name].str.strip_chars().cast(pl.Int64, strict=False)
        if number.null_count():
            line = _first(number.is_null().to_numpy())
            raise InputError(f"{where}, line {line}: {name} = {table[name][line - 1]!r}; allowed: a whole number")
        values = number.to_numpy()
        if name == "size" and (values > MAX_ORDER_LOTS).any():
            line = _first(values > MAX_ORDER_LOTS)
            raise InputError(f"{where}, line {line}: size = {values[line - 1]}; allowed: up to {MAX_ORDER_LOTS}")
        if name == "type" and ((values < 1) | (values > 7)).any():
            line = _first((values < 1) | (values > 7))
            raise InputError(f"{where}, line {line}: type = {values[line - 1]}; allowed: 1 to 7")
        if name == "direction" and (np.abs(values) != 1).any():
            line = _first(np.abs(values) != 1)
            raise InputError(f"{where}, line {line}: direction = {values[line - 1]}; allowed: 1, -1")
        rows[name] = values
    trading = rows["type"] <= 5
    empty = np.asarray(trading & (rows["size"] <= 0))
    if empty.any():
        line = _first(empty)
        raise InputError(f"{where}, line {line}: size = {rows['size'][line - 1]}; allowed: above 0")
    if (rows["price"][trading] <= 0).any():
        line = _first(trading & (rows["price"] <= 0))
        raise InputError(f"{where}, line {line}: price = {rows['price'][line - 1]}; allowed: above 0")
    backwards = np.asarray(np.diff(rows["time_ns"]) < 0)
    if backwards.any():
        raise InputError(f"{where}, line {_first(backwards) + 1}: time goes backwards; allowed: ascending times")
    return rows


def read_book(data: bytes, where: str) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return an orderbook file's rows, int64, shape (n, levels, 4).

    Raises:
        InputError: naming file, line and what is allowed.
    """
    table = _book_table(data, where)
    book = np.ascontiguousarray(table.to_numpy()).reshape(len(table), -1, 4).astype(np.int64)
    negative = np.asarray((book[:, :, 1::2] < 0).any(axis=(1, 2)))
    if negative.any():
        raise InputError(f"{where}, line {_first(negative)}: negative size; allowed: 0 or more")
    large = np.asarray((book[:, :, 1::2] > MAX_ORDER_LOTS).any(axis=(1, 2)))
    if large.any():
        raise InputError(f"{where}, line {_first(large)}: a size above {MAX_ORDER_LOTS}; allowed: up to that")
    return book


def _members(path: Path) -> tuple[tuple[str, bytes], tuple[str, bytes]]:
    """Return (name, bytes) of the message and the orderbook file inside a zip."""
    try:
        with zipfile.ZipFile(path) as archive:
            inside = [n for n in archive.namelist() if not n.startswith("__MACOSX/")]  # a Mac's resource forks
            found = {
                kind: [n for n in inside if f"_{kind}_" in n and n.endswith(".csv")]
                for kind in ("message", "orderbook")
            }
            for kind, names in found.items():
                if len(names) != 1:
                    raise InputError(f"{path}: {len(names)} {kind} files; expected exactly one *_{kind}_*.csv")
            message, book = found["message"][0], found["orderbook"][0]
            return (f"{path}:{message}", archive.read(message)), (f"{path}:{book}", archive.read(book))
    except FileNotFoundError:
        raise InputError(f"{path}: not found") from None
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError) as error:
        # RuntimeError: the zip is encrypted, or compressed in a way that Python does not know.
        raise InputError(f"{path}: not a readable zip file ({error})") from None


def _bytes(path: Path) -> tuple[str, bytes]:
    try:
        return str(path), path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path}: not found") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None


def read_day(message_path: Path | str, book_path: Path | str | None = None) -> LobsterDay:
    """Return a recorded day from a message and an orderbook file, or from one zip that holds both.

    Raises:
        InputError: for a missing, truncated, corrupt or mismatched file; one line with file, line and what is allowed.
    """
    if book_path is None:
        messages, book = _members(Path(message_path))
    else:
        messages, book = _bytes(Path(message_path)), _bytes(Path(book_path))
    rows, cells = read_messages(messages[1], messages[0]), read_book(book[1], book[0])
    if len(rows) != len(cells):
        raise InputError(
            f"{book[0]}: {len(cells)} rows, but {messages[0]} has {len(rows)}; one row for each message is needed"
        )
    names = [_NAME.search(Path(part[0]).name) for part in (messages, book)]
    if names[0] and names[1] and names[0]["ticker"] != names[1]["ticker"]:
        raise InputError(f"{book[0]}: is of {names[1]['ticker']}, the messages are of {names[0]['ticker']}")
    if names[1] and int(names[1]["levels"]) != cells.shape[1]:
        raise InputError(f"{book[0]}: the name says {names[1]['levels']} levels, the columns {cells.shape[1]}")
    title = f"{names[0]['ticker']} {names[0]['date']}" if names[0] else Path(message_path).stem
    return LobsterDay(title, rows, cells)
