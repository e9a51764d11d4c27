"""Reading a scenario file: by name or path, with overrides, every mistake told in one line."""

from __future__ import annotations

import copy
import difflib
import json
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from lob.errors import InputError
from scenarios.schema import Scenario

__all__ = [
    "Source",
    "find_scenario",
    "library",
    "load_scenario",
    "nearest",
    "override_value",
    "read_tables",
    "source_of",
    "validate",
]

M = TypeVar("M", bound=BaseModel)
_LIBRARY = "library"
_UNITS = {
    "_ns": "in nanoseconds",
    "_us": "in microseconds",
    "_ms": "in milliseconds",
    "_s": "in seconds",
    "_per_s": "per second",
    "_ticks": "in ticks",
    "_lots": "in lots",
    "_bps": "in basis points",
}


@dataclass(frozen=True)
class Source:
    """A scenario as read.

    Attributes:
        scenario: the validated tables; settings of populations are checked by scenarios.build.
        path: the file, for messages and relative paths.
    """

    scenario: Scenario
    path: Path

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        return self.path.stem


def nearest(word: str, known: Sequence[str]) -> str:
    """Return ' (did you mean X?)' if one of the known words is close, else nothing."""
    longer = [name for name in known if word and name.startswith(word)]
    found = difflib.get_close_matches(word, known, 1, cutoff=0.5) or longer
    return f" (did you mean {found[0]}?)" if found else ""


def library() -> dict[str, Path]:
    """Return the scenarios that come with the package, by name."""
    folder = Path(str(resources.files("scenarios").joinpath(_LIBRARY)))
    return {path.stem: path for path in sorted(folder.glob("*.toml"))}


def find_scenario(text: str) -> Path:
    """Return the file that a user means by a path or by the name of a library scenario.

    Raises:
        InputError: if there is no such file or name.
    """
    path = Path(text)
    if path.is_file():
        return path
    known = library()
    if path.parent == Path() and path.suffix in ("", ".toml") and path.stem in known:
        return known[path.stem]
    hint = nearest(path.stem, list(known))
    raise InputError(f"scenario {text}: no such file{hint}; library: {', '.join(known)}")


def load_scenario(text: str, overrides: Sequence[str] = ()) -> Source:
    """Return the scenario that a path or library name stands for, after overrides like `population.noise.count=50`.

    Raises:
        InputError: one line that names the file, the dotted path, the value and what is allowed.
    """
    path = find_scenario(text)
    return source_of(read_tables(path, overrides), path)


def read_tables(path: Path, overrides: Sequence[str] = ()) -> dict[str, Any]:
    """Return the tables of a scenario file after overrides, not yet checked.

    Raises:
        InputError: if the file is not readable as TOML, or an override names no place in it.
    """
    try:
        data = tomllib.loads(path.read_text("utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path}: not valid TOML: {error}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read ({error})") from None
    for override in overrides:
        override_value(data, override)
    return data


def source_of(data: dict[str, Any], path: Path) -> Source:
    """Return the checked scenario of some tables; `path` is for messages and relative paths."""
    return Source(validate(Scenario, data, str(path)), path)


def validate(model: type[M], data: Any, file: str, prefix: str = "") -> M:
    """Return the model of some data, or raise InputError about the first thing that is wrong with it.

    Strict JSON rules: no number hides in a string and 3.0 is not a count, while a list may stand for a tuple.
    """
    try:
        return model.model_validate_json(json.dumps(data, default=str), strict=True)
    except ValidationError as error:
        raise InputError(f"{file}: {_first_line(error, data, prefix, model)}") from None


# ---- errors -----------------------------------------------------------------------------------------------------


def _first_line(error: ValidationError, data: Any, prefix: str, model: type[BaseModel]) -> str:
    details = error.errors(include_url=False)
    located = [(_walk(data, detail["loc"], detail["type"]), detail) for detail in details]
    (path, value), first = located[0]
    # A table that is no member of a union (a number or a distribution): what is wrong inside it says more.
    inner = next((entry for entry in located if entry[0][0].startswith(f"{path}.")), None)
    if inner is not None:
        (path, value), first = inner
    context = first.get("ctx", {})
    kind = first["type"]
    name = ".".join(part for part in (prefix, path) if part).replace(".[", "[")
    if kind == "extra_forbidden":
        key = str(first["loc"][-1])
        known = _known_keys(model, first["loc"])
        return f"{name}: unknown key{nearest(key, known)}; allowed: {', '.join(known)}"
    if kind == "wrong_key":
        key = ".".join(part for part in (name, context["key"]) if part)
        return f"{key} = {_show(context['bad'])}; allowed: {context['allowed']}"
    if kind in ("union_tag_not_found", "missing"):
        key = f"{name}.kind" if kind == "union_tag_not_found" else name
        return f"{key} is missing; it must be given"
    if kind == "union_tag_invalid":
        known = [tag.strip(" '") for tag in str(context["expected_tags"]).split(",")]
        return f"{name}.kind = {_show(context['tag'])}{nearest(context['tag'], known)}; allowed: {', '.join(known)}"
    # A value that fits no member of a union carries one error for each.
    same = [detail for (other, _), detail in located if other == path]
    allowed = list(dict.fromkeys(_allowed(detail) for detail in same))
    return f"{name} = {_show(value)}; allowed: {' or '.join(allowed)}{_unit(name)}"


def _walk(data: Any, loc: tuple[int | str, ...], kind: str) -> tuple[str, Any]:
    """Return the dotted path and the value of an error; pydantic's location also names members of unions."""
    path, at = "", data
    for k, part in enumerate(loc):
        if isinstance(part, int) and isinstance(at, list) and part < len(at):
            path, at = f"{path}[{part}]", at[part]
        elif isinstance(at, dict) and part in at:
            path, at = f"{path}.{part}" if path else str(part), at[part]
        elif k == len(loc) - 1 and kind == "missing":
            path = f"{path}.{part}" if path else str(part)
    return path, at


def _known_keys(model: type[BaseModel], loc: tuple[int | str, ...]) -> list[str]:
    """Return the keys of the table in which an unknown one stands."""
    models = [model]
    for part in loc[:-1]:
        fields = [m.model_fields[part].annotation for m in models if part in m.model_fields]
        if fields:
            models = [found for annotation in fields for found in _models_in(annotation)]
        elif isinstance(part, str):
            # The name of a union's member: its class, or the value of its `kind`.
            models = [m for m in models if part in (m.__name__, _tag(m))] or models
    return list(dict.fromkeys(key for m in models for key in m.model_fields))


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for part in get_args(annotation) for found in _models_in(part)]


def _tag(model: type[BaseModel]) -> str | None:
    kind = model.model_fields.get("kind")
    values = get_args(kind.annotation) if kind is not None else ()
    return str(values[0]) if values else None


def _allowed(detail: Any) -> str:
    context, kind = detail.get("ctx", {}), detail["type"]
    bounds = {
        "greater_than": "a number above {gt}",
        "greater_than_equal": "at least {ge}",
        "less_than": "below {lt}",
        "less_than_equal": "at most {le}",
        "literal_error": "{expected}",
        "string_too_short": "a text of at least {min_length} characters",
        "string_too_long": "a text of at most {max_length} characters",
        "too_short": "at least {min_length} of them",
    }
    if kind in bounds:
        return bounds[kind].format(**context)
    words = {
        "int_": "a whole number",
        "float_": "a number",
        "finite_number": "a finite number",
        "bool_": "true or false",
        "string_": "a text",
        "time_": "a time such as 09:30:00",
        "date_": "a date such as 2025-06-30",
        "model_type": "a table" if "Distribution" not in detail["loc"] else "a distribution",
        "tuple_": "a list",
        "dict_": "a table",
    }
    for start, text in words.items():
        if kind.startswith(start):
            return text
    return str(detail["msg"]).removeprefix("Value error, ")


def _unit(name: str) -> str:
    unit = next((text for suffix, text in _UNITS.items() if name.endswith(suffix)), "")
    return f" ({unit})" if unit else ""


def _show(value: Any) -> str:
    text = json.dumps(value) if isinstance(value, str | bool) else str(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


# ---- overrides --------------------------------------------------------------------------------------------------


def override_value(data: dict[str, Any], text: str) -> None:
    """Set one value in place. Rows of a table list are named by their `name` or their number."""
    key, equals, value = text.partition("=")
    parts = [part for part in re.split(r"[.\[\]]+", key.strip()) if part]
    if not equals or not parts:
        raise InputError(f"--set {text}: not understood; allowed: a.b=value, as in population.noise.count=50")
    at: Any = data
    for part in parts[:-1]:
        if isinstance(at, list):
            at = at[_row(at, part, text)]
        else:
            if not isinstance(at, dict):
                raise InputError(f"--set {text}: {part} is not within a table")
            at = at.setdefault(part, {})
    if isinstance(at, list):
        at[_row(at, parts[-1], text)] = _value(value)
    elif isinstance(at, dict):
        at[parts[-1]] = _value(value)
    else:
        raise InputError(f"--set {text}: {parts[-1]} is not within a table")


def _row(rows: list[Any], part: str, text: str) -> int:
    if part.isdigit() and int(part) < len(rows):
        return int(part)
    names = [str(row.get("name", k)) if isinstance(row, dict) else str(k) for k, row in enumerate(rows)]
    if part not in names:
        raise InputError(f"--set {text}: no row {part}{nearest(part, names)}; allowed: {', '.join(names)}")
    return names.index(part)


def _value(text: str) -> Any:
    """Return a TOML value; a bare word is taken as text."""
    try:
        return copy.deepcopy(tomllib.loads(f"x = {text.strip()}")["x"])
    except tomllib.TOMLDecodeError:
        return text.strip()
