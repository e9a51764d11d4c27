"""What a user changes in one word: NAME=VALUE, with values as in TOML."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable
from typing import Any

from lob.errors import Argument, InputError

__all__ = ["pair", "pairs", "parse_toml", "value_of"]

ALLOWED = "NAME=VALUE"


def pair(text: str, what: Argument | str, allowed: str = ALLOWED) -> tuple[str, str]:
    """Return the name of NAME=VALUE and what stands behind the sign, both without spaces around.

    Args:
        text: as a user wrote it.
        what: what the message of an error begins with; it shows the text.
        allowed: how the message ends.

    Raises:
        InputError: if there is no sign, or no name before it.
    """
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise InputError(what, f": not understood; allowed: {allowed}")
    return name.strip(), value.strip()


def value_of(text: str, what: Argument | str, allowed: str = ALLOWED) -> Any:
    """Return a value as TOML or JSON has it; a bare word is a text.

    Raises:
        InputError: if it is more than one value, nested too deeply, or a number of thousands of digits.
    """
    try:
        found = parse_toml(f"x = {text}")
    except tomllib.TOMLDecodeError:
        return _json_or_text(text)
    except ValueError as error:
        raise InputError(what, f": cannot be read ({error}); allowed: {allowed}") from None
    if set(found) != {"x"}:
        raise InputError(what, f": holds more than one value; allowed: {allowed}, once for each")
    return found["x"]


def _json_or_text(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def pairs(texts: Iterable[str], what: str, allowed: str = ALLOWED) -> dict[str, Any]:
    """Return {name: value} of texts such as "step_s=2"; the last one of a name counts.

    Args:
        texts: as a user wrote them.
        what: name of the argument that holds them.
        allowed: how the message of an error ends.

    Raises:
        InputError: as `pair` and `value_of`.
    """
    found = {}
    for text in texts:
        shown = Argument(what, text if len(text) <= 60 else f"{text[:57]}...")
        name, value = pair(text, shown, allowed)
        found[name] = value_of(value, shown, allowed)
    return found


def parse_toml(text: str) -> dict[str, Any]:
    """Return the tables of a text.

    Raises:
        ValueError: if it is no TOML, nested too deeply, or holds a number of thousands of digits.
    """
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
