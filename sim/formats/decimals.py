"""Decimal numbers of text files as whole numbers of a small unit, exactly."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from lob.errors import InputError

__all__ = ["in_units"]

MAX_DECIMALS = 12
_NUMBER = r"^[+-]?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?$"
_PLAIN = r"^[+-]?[0-9]{1,18}(\.[0-9]{0,18})?$"


def in_units(text: pl.Series, name: str, where: str, first_row: int) -> tuple[np.ndarray[Any, Any], int]:
    """Return numbers as int64 of a unit of one over a power of ten, the largest in which all are whole; and that power.

    Args:
        text: the column, as text without blanks around it.
        name: of the column, for messages.
        where: the file, for messages.
        first_row: line of its first row.

    Raises:
        InputError: naming file, line and value, if one is no number, or has too many digits.
    """
    plain = text.str.contains(_PLAIN).fill_null(value=False)
    if not plain.all():
        # Rarely: 1e-05 of a float's own text, or nothing that is a number.
        text = pl.Series([_unfolded(value) for value in text.to_list()], dtype=pl.String)
        plain = text.str.contains(_PLAIN).fill_null(value=False)
    if not plain.all():
        row = int(np.argmax(~plain.to_numpy()))
        raise InputError(f"{where}, line {first_row + row}: {name} = {text[row]!r}; allowed: a decimal number")
    parts = text.str.split_exact(".", 1).struct.unnest()
    fraction = parts["field_1"].fill_null("").str.strip_chars_end("0")
    decimals = int(fraction.str.len_bytes().to_numpy().max(initial=0))
    if decimals > MAX_DECIMALS:
        row = int(fraction.str.len_bytes().arg_max() or 0)
        raise InputError(
            f"{where}, line {first_row + row}: {name} = {text[row]!r}; allowed: at most {MAX_DECIMALS} decimals"
        )
    units = (parts["field_0"] + fraction.str.pad_end(decimals, "0")).cast(pl.Int64, strict=False)
    if units.null_count():
        row = int(np.argmax(units.is_null().to_numpy()))
        raise InputError(f"{where}, line {first_row + row}: {name} = {text[row]!r}; allowed: at most 64 bits")
    return units.to_numpy(), 10**decimals


def _unfolded(value: str | None) -> str:
    from decimal import Decimal, InvalidOperation

    try:
        number = Decimal(value or "")
    except InvalidOperation:
        return value or ""
    return format(number, "f") if number.is_finite() and -20 < number.adjusted() < 20 else value or ""
