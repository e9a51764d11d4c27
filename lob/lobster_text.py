"""The text of LOBSTER files as arrays; each way in which a row can be bad is told with its file and line."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from lob.errors import InputError
from lob.recorded_files import Source
from lob.recording import HALT, HALTED, RECORDED, RESUMED
from lob.rules import MAX_ORDER_LOTS
from lob.units import SECOND_NS

__all__ = ["EMPTY_PRICE", "book_pieces", "message_pieces", "read_book", "read_messages"]

EMPTY_PRICE = 9_999_999_999
"""Of an empty level of the book, with size 0; minus this on the bid side."""
PIECE_BYTES = 1 << 24
BLANKS = b" \t\r\n"


@dataclass(frozen=True)
class _Lines:
    """Whole rows of a file: no byte order mark, no header, Unix line ends, nothing blank at the end."""

    data: bytes
    where: str
    n_before: int

    @property
    def width(self) -> int:
        """Columns of the first row."""
        end = self.data.find(b"\n")
        return (self.data if end < 0 else self.data[:end]).count(b",") + 1

    def at(self, row: int) -> str:
        """Name of a row, counted from 0, for messages."""
        return f"{self.where}, line {row + 1 + self.n_before}"


def _pieces(source: Source, where: str) -> Iterator[_Lines]:
    """Yield a file's rows, some megabytes at a time; raise InputError if there is none."""
    held, n_before, is_first = b"", 0, True
    while True:
        block = source.read(PIECE_BYTES)
        held = held + block
        if is_first and block and len(held) < 4:
            continue
        if is_first:
            held = held.removeprefix(b"\xef\xbb\xbf")
        if block:
            end = held.rfind(b"\n")
            if end < 0:
                continue
            text = held[:end].rstrip(BLANKS)  # blank lines are the file's end, unless more follows
            if not text:
                continue
            held = held[len(text) :]
        else:
            text, held = held.rstrip(BLANKS), b""
        if b"\0" in text:
            line = text[: text.find(b"\0")].count(b"\n") + 1
            raise InputError(
                f"{where}, line {line + n_before}: a byte of value 0; allowed: plain text, comma-separated rows"
            )
        # What was held back begins with the end of the line before.
        n_lines = text.count(b"\n")
        if not is_first:
            first = text.find(b"\n")
            text = text[first + 1 :] if first >= 0 and not text[:first].strip(BLANKS) else text
            n_lines = text.count(b"\n")
        if b"\r" in text:
            text = text.replace(b"\r\n", b"\n").rstrip(b"\r")
        if is_first:
            first_line, _, rest = text.partition(b"\n")
            if _is_header(first_line):
                text, n_before, n_lines = rest, 1, n_lines - 1
            if not text and not block:
                raise InputError(f"{where}: the file is empty; expected comma-separated rows")
        if text:
            is_first = False
            yield _Lines(text, where, n_before)
            n_before += n_lines + 1
        if not block:
            break
    if is_first:
        raise InputError(f"{where}: the file is empty; expected comma-separated rows")


def _is_header(line: bytes) -> bool:
    """Whether no column is a number: a row with one bad value is no header, and is told as such."""
    fields = [field.strip() for field in line.split(b",") if field.strip()]
    for field in fields:
        try:
            float(field)
        except ValueError:
            continue
        return False
    return bool(fields)


def _read(lines: _Lines, schema: dict[str, Any]) -> pl.DataFrame:
    return pl.read_csv(io.BytesIO(lines.data), has_header=False, schema=schema, quote_char=None)


def _text(lines: _Lines, names: list[str]) -> pl.DataFrame:
    """Return all columns as text without blanks around it."""
    try:
        return _read(lines, dict.fromkeys(names, pl.String)).with_columns(pl.all().str.strip_chars())
    except pl.exceptions.PolarsError as error:
        for row, text in enumerate(lines.data.split(b"\n")):
            if text.count(b",") + 1 != len(names):
                columns = text.count(b",") + 1
                raise InputError(f"{lines.at(row)}: {columns} columns; expected {len(names)}") from None
            try:
                text.decode()
            except UnicodeDecodeError as bad:
                raise InputError(f"{lines.at(row)}: not text ({bad.reason}); allowed: digits and commas") from None
        raise InputError(f"{lines.where}: not a LOBSTER csv file: {str(error).splitlines()[0]}") from None


def _first(mask: Any) -> int:
    """Return the number of the first row where mask is true, from 0."""
    return int(np.argmax(np.asarray(mask)))


def _whole(text: pl.Series, lines: _Lines, name: str) -> np.ndarray[Any, np.dtype[np.int64]]:
    number = text if text.dtype == pl.Int64 else text.cast(pl.Int64, strict=False)
    if number.null_count():
        row = _first(number.is_null().to_numpy())
        value = text[row]
        is_large = value is not None and value.isascii() and value.lstrip("+-").isdigit()
        allowed = "at most 64 bits" if is_large else "a whole number"
        shown = value if value is None or len(value) <= 40 else f"{value[:40]}..."
        raise InputError(f"{lines.at(row)}: {name} = {shown!r}; allowed: {allowed}")
    return number.to_numpy()


def _times(text: pl.Series, lines: _Lines) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return decimal seconds as int64 ns, from the digits: a float64 would lose some.

    A few rows of the sample files carry a float's tail (43002.632812672004): digits after the ninth are cut off.
    """
    bad = ~text.str.contains(r"^[0-9]{1,5}(\.[0-9]{1,12})?$").fill_null(value=False).to_numpy()
    if bad.any():
        row = _first(bad)
        raise InputError(f"{lines.at(row)}: time {text[row]!r}; allowed: seconds, at most 12 decimals")
    parts = text.str.split_exact(".", 1).struct.unnest()
    seconds = parts["field_0"].cast(pl.Int64)
    fraction = parts["field_1"].fill_null("0").str.slice(0, 9).str.pad_end(9, "0").cast(pl.Int64)
    return (seconds * SECOND_NS + fraction).to_numpy()


def message_pieces(source: Source, where: str) -> Iterator[np.ndarray[Any, Any]]:
    """Yield a message file's rows, dtype RECORDED, some megabytes at a time.

    Args:
        source: gives the file's bytes.
        where: name of the file for error messages.

    Raises:
        InputError: naming file, line, value and what is allowed.
    """
    last_ns, width = 0, 0
    for lines in _pieces(source, where):
        if width == 0:
            width = lines.width
            if width not in (6, 7):
                raise InputError(f"{where}: {width} columns; a message file has 6")
        rows = _messages(lines, width)
        backwards = np.asarray(np.diff(rows["time_ns"], prepend=last_ns) < 0)
        if backwards.any():
            raise InputError(f"{lines.at(_first(backwards))}: time goes backwards; allowed: ascending times of one day")
        last_ns = int(rows["time_ns"][-1])
        yield rows


def read_messages(data: bytes, where: str) -> np.ndarray[Any, Any]:
    """Return a message file's rows, dtype RECORDED.

    Args:
        data: the file's bytes.
        where: name of the file for error messages.

    Raises:
        InputError: naming file, line, value and what is allowed.
    """
    return np.concatenate(list(message_pieces(io.BytesIO(data), where)))


def _messages(lines: _Lines, width: int) -> np.ndarray[Any, Any]:
    columns = ["time", "type", "order_id", "size", "price", "direction"]
    # Some sample files carry a seventh, empty column.
    table = _message_table(lines, columns + (["extra"] if width == 7 else []))
    rows = np.zeros(len(table), RECORDED)
    rows["time_ns"] = _times(table["time"], lines)
    values = {name: _whole(table[name], lines, name) for name in columns[1:]}
    kind, size, price = values["type"], values["size"], values["price"]
    trading = kind < 6
    # In this order: the type decides what the others may be. Checked at full width, before anything is narrowed.
    checks = (
        ("type", (kind < 1) | (kind > 7), "1 to 7"),
        ("direction", (values["direction"] != 1) & (values["direction"] != -1), "1, -1"),
        ("size", size > MAX_ORDER_LOTS, f"up to {MAX_ORDER_LOTS}"),
        ("size", trading & (size <= 0), "above 0"),
        ("size", size < 0, "0 or more"),
        ("price", trading & (price <= 0), "above 0"),
        ("price", (kind == HALT) & ((price < HALTED) | (price > RESUMED)), "-1, 0 or 1 on a halt (type 7)"),
    )
    for name, bad, allowed in checks:
        if bad.any():
            row = _first(bad)
            raise InputError(f"{lines.at(row)}: {name} = {values[name][row]}; allowed: {allowed}")
    for name, column in values.items():
        rows[name] = column
    return rows


def _message_table(lines: _Lines, names: list[str]) -> pl.DataFrame:
    """Return the columns, numbers as such where all are; text is looked at only where one is not."""
    schema: dict[str, Any] = dict.fromkeys(names, pl.Int64) | {"time": pl.String, "extra": pl.String}
    try:
        table = _read(lines, {name: schema[name] for name in names})
        if len(table) and not any(table[name].null_count() for name in names if name != "extra"):
            return table.with_columns(pl.col("time").str.strip_chars())
    except pl.exceptions.PolarsError:
        pass
    return _text(lines, names)


def book_pieces(source: Source, where: str) -> Iterator[np.ndarray[Any, np.dtype[np.int64]]]:
    """Yield an orderbook file's rows, int64, shape (n, levels, 4), some megabytes at a time.

    Raises:
        InputError: naming file, line and what is allowed.
    """
    names: list[str] = []
    for lines in _pieces(source, where):
        if not names:
            names = [f"column {k + 1}" for k in range(lines.width)]
            if len(names) % 4:
                raise InputError(f"{where}: {len(names)} columns; an orderbook file has 4 for each level")
        table = _book_table(lines, names)
        book = np.ascontiguousarray(table.to_numpy()).reshape(len(table), -1, 4).astype(np.int64, copy=False)
        sizes = book[:, :, 1::2]
        if (sizes < 0).any():
            raise InputError(f"{lines.at(_first((sizes < 0).any(axis=(1, 2))))}: negative size; allowed: 0 or more")
        if (sizes > MAX_ORDER_LOTS).any():
            row = _first((sizes > MAX_ORDER_LOTS).any(axis=(1, 2)))
            raise InputError(f"{lines.at(row)}: a size above {MAX_ORDER_LOTS}; allowed: up to that")
        yield book


def read_book(data: bytes, where: str) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return an orderbook file's rows, int64, shape (n, levels, 4).

    Raises:
        InputError: naming file, line and what is allowed.
    """
    return np.concatenate(list(book_pieces(io.BytesIO(data), where)))


def _book_table(lines: _Lines, names: list[str]) -> pl.DataFrame:
    """Return the book's columns as whole numbers; text is looked at only where that fails, to name the line."""
    try:
        table = _read(lines, dict.fromkeys(names, pl.Int64))
        if len(table) and not any(column.null_count() for column in table):
            return table
    except pl.exceptions.PolarsError:
        pass
    text = _text(lines, names)
    numbers = text.with_columns(pl.all().cast(pl.Int64, strict=False))
    bad = [
        (_first(numbers[name].is_null().to_numpy()), k) for k, name in enumerate(names) if numbers[name].null_count()
    ]
    if bad:
        row, k = min(bad)
        raise InputError(f"{lines.at(row)}: {names[k]} is {text[names[k]][row]!r}; allowed: a whole number")
    return numbers
