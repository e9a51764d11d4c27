"""Reading a scenario file: by name or path, with overrides, every mistake told in one line."""

from __future__ import annotations

import copy
import difflib
import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from lob.errors import Argument, InputError
from scenarios.schema.pairs import pair, parse_toml, value_of
from scenarios.schema.scenario import Scenario
from scenarios.schema.tables import row_path
from sim.files.kinds import what_it_is

__all__ = [
    "Source",
    "find_scenario",
    "library",
    "load_scenario",
    "nearest",
    "override_value",
    "plain_text",
    "read_tables",
    "source_of",
    "validate",
]

M = TypeVar("M", bound=BaseModel)
_LIBRARY = "library"
ALLOWED = "a.b=value, as in population.noise.count=50"
"""How an override is written."""
MAX_BYTES = 16 * 2**20
"""Of a scenario file; tables of a fitted flow have some thousands of numbers."""
MAX_WHOLE = 100
"""Rounds in which whole numbers written as 3.0 are found; one round finds all but those that hide behind another."""
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
        scenario: the validated tables; settings of populations are checked by scenarios.build.market.
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
    try:
        if path.is_file():
            return path
        if path.exists():
            raise InputError(f"scenario {text}: is {what_it_is(path)}; allowed: a TOML file{_of_a_run(path)}")
    except (OSError, ValueError) as error:  # a name that is too long, or no name at all
        raise InputError(f"scenario {_show(text)}: cannot be read ({error})") from None
    known = library()
    if path.parent == Path() and path.suffix in ("", ".toml") and path.stem in known:
        return known[path.stem]
    hint = nearest(path.stem, list(known))
    raise InputError(f"scenario {plain_text(text)}: no such file{hint}; library: {', '.join(known)}")


def _of_a_run(path: Path) -> str:
    inside = path / "scenario.toml"
    return f", such as {inside}" if inside.is_file() else ""


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
        if path.stat().st_size > MAX_BYTES:
            raise InputError(f"{path}: {path.stat().st_size:,} bytes; allowed: a scenario of up to {MAX_BYTES:,} bytes")
        data = parse_toml(path.read_bytes().decode("utf-8"))
    except UnicodeDecodeError as error:
        kind = what_it_is(path)
        told = kind if kind != "another file" else f"byte {error.start} is not UTF-8"
        raise InputError(f"{path}: not a text ({told}); allowed: a scenario in TOML, as UTF-8") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({(error.strerror or str(error)).lower()})") from None
    except ValueError as error:
        raise InputError(f"{path}: not valid TOML: {' '.join(str(error).split())}") from None
    for override in overrides:
        override_value(data, override)
    return data


def source_of(data: dict[str, Any], path: Path) -> Source:
    """Return the checked scenario of some tables; `path` is for messages and relative paths."""
    return Source(validate(Scenario, data, str(path)), path)


def validate(model: type[M], data: Any, file: str, prefix: str = "") -> M:
    """Return the model of some data, or raise InputError about the first thing that is wrong with it.

    Strict JSON rules: no number hides in a string, while a list may stand for a tuple, and 3.0 for the count 3.
    """
    where = f"{file}: {prefix}" if prefix else file
    for _ in range(MAX_WHOLE):
        try:
            return model.model_validate_json(json.dumps(data, default=str), strict=True)
        except ValidationError as error:
            mended = _with_whole_numbers(data, error)
            if mended is None:
                raise InputError(plain_text(f"{file}: {_first_line(error, data, prefix, model)}")) from None
            data = mended
        except RecursionError:
            raise InputError(f"{where}: nested too deeply") from None
        except ValueError as error:  # a number of thousands of digits
            raise InputError(f"{where}: cannot be read ({error})") from None
    raise InputError(f"{where}: more than {MAX_WHOLE} lists of whole numbers are written with a point")


def _with_whole_numbers(data: Any, error: ValidationError) -> Any:
    """Return the data with 3.0 as 3 wherever a whole number was missed; None if there is no such place."""
    mended = None
    for detail in error.errors(include_url=False):
        if not detail["type"].startswith("int_"):
            continue
        at: Any = data if mended is None else mended
        keys: list[int | str] = []
        for part in detail["loc"]:
            # Pydantic's location also names members of unions.
            if part in (range(len(at)) if isinstance(at, list) else at if isinstance(at, dict) else ()):
                at = at[part]
                keys.append(part)
        if not (isinstance(at, float) and at.is_integer() and abs(at) < 2**63):
            continue
        mended = copy.deepcopy(data) if mended is None else mended
        place: Any = mended
        for key in keys[:-1]:
            place = place[key]  # a list by its number, a table by its key
        place[keys[-1]] = int(at)
    return mended


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
    if kind == "json_invalid":
        if "recursion" in first["msg"]:  # newer Pythons let more through to here
            return f"{prefix or 'the file'}: nested too deeply; allowed: what a scenario needs"
        return f"{prefix or 'the file'}: holds a text that is not Unicode ({first['msg']})"
    name = ".".join(part for part in (prefix, path) if part).replace(".[", "[")
    if kind == "extra_forbidden":
        key = str(first["loc"][-1])
        known = _known_keys(model, first["loc"])
        return f"{name}: unknown key{nearest(key, known)}; allowed: {', '.join(known) or 'none'}"
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
    if _is_hidden(model, first["loc"]) and not isinstance(value, int | float):
        return f"{name}: allowed: {' or '.join(allowed)}{_unit(name)}"
    return f"{name} = {_show(value)}; allowed: {' or '.join(allowed)}{_unit(name)}{_lots_hint(name, value)}"


def _walk(data: Any, loc: tuple[int | str, ...], kind: str) -> tuple[str, Any]:
    """Return the dotted path and the value of an error; pydantic's location also names members of unions."""
    path, at = "", data
    for k, part in enumerate(loc):
        if isinstance(part, int) and isinstance(at, list) and part < len(at):
            named = k == 1 and all(isinstance(row, dict) for row in at)
            path = row_path(path, part, [row.get("name") for row in at]) if named else f"{path}[{part}]"
            at = at[part]
        elif isinstance(at, dict) and part in at:
            path, at = f"{path}.{part}" if path else str(part), at[part]
        elif k == len(loc) - 1 and kind == "missing":
            path = f"{path}.{part}" if path else str(part)
    return path, at


def _known_keys(model: type[BaseModel], loc: tuple[int | str, ...]) -> list[str]:
    """Return the keys of the table in which an unknown one stands."""
    return list(dict.fromkeys(key for m in _passed(model, loc[:-1])[-1] for key in _keys(m)))


def _keys(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _is_hidden(model: type[BaseModel], loc: tuple[int | str, ...]) -> bool:
    """Whether a place lies in a table whose values no message may show: a key may stand there by mistake."""
    return any(m.model_config.get("hide_input_in_errors") for models in _passed(model, loc) for m in models)


def _passed(model: type[BaseModel], loc: tuple[int | str, ...]) -> list[list[type[BaseModel]]]:
    """Return the models that may describe each table on the way to a place."""
    passed = [[model]]
    for part in loc:
        models = passed[-1]
        fields = [m.model_fields[part].annotation for m in models if part in m.model_fields]
        if fields:
            models = [found for annotation in fields for found in _models_in(annotation)]
        elif isinstance(part, str):
            # The name of a union's member: its class, or the value of its `kind`.
            models = [m for m in models if part in (m.__name__, _tag(m))] or models
        passed.append(models)
    return passed


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
        "model_type": "a distribution" if context.get("class_name") == "Distribution" else "a table",
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


def _lots_hint(name: str, value: Any) -> str:
    """Say what to do about half a lot: a market of coins counts in small parts of one."""
    if not (name.endswith("_lots") and isinstance(value, float) and math.isfinite(value) and value != round(value)):
        return ""
    return (
        f"; a lot is the smallest quantity that trades: to trade {value:g} of a unit, let one lot be 0.01 of it "
        f"(lot_size = 0.01 in [[instrument]]) and write {max(1, round(100 * value))}"
    )


def _show(value: Any) -> str:
    try:
        text = json.dumps(value) if isinstance(value, str | bool) else plain_text(str(value))
    except ValueError:  # Python refuses to write out an integer of thousands of digits
        text = "a number of thousands of digits"
    return text if len(text) <= 80 else f"{text[:77]}..."


def plain_text(text: str) -> str:
    """Return a text for one line of a terminal: what cannot be printed is escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


# ---- overrides --------------------------------------------------------------------------------------------------


def override_value(data: dict[str, Any], text: str) -> None:
    """Set one value in place. Rows of a table list are named by their `name` or their number."""
    key, value_text = pair(text, _override(text), ALLOWED)
    parts = [part for part in re.split(r"[.\[\]]+", key) if part]
    if not parts:
        raise InputError(_override(text), f": not understood; allowed: {ALLOWED}")
    value = copy.deepcopy(value_of(value_text, _override(text), ALLOWED))
    at: Any = data
    for part in parts[:-1]:
        if isinstance(at, list):
            at = at[_row(at, part, text, data)]
        else:
            if not isinstance(at, dict):
                raise InputError(_override(text), f": {plain_text(part)} is not within a table")
            at = at.setdefault(part, {})
    if isinstance(at, list):
        at[_row(at, parts[-1], text, data)] = value
    elif isinstance(at, dict):
        at[parts[-1]] = value
    else:
        raise InputError(_override(text), f": {plain_text(parts[-1])} is not within a table")


def _override(text: str) -> Argument:
    """Return an override as messages show it."""
    plain = plain_text(text)
    return Argument("overrides", plain if len(plain) <= 120 else f"{plain[:117]}...")


def _row(rows: list[Any], part: str, text: str, data: dict[str, Any]) -> int:
    if part.isascii() and part.isdecimal() and len(part) < 10 and int(part) < len(rows):
        return int(part)
    names = [str(row.get("name", k)) if isinstance(row, dict) else str(k) for k, row in enumerate(rows)]
    if part not in names:
        # A population may be sought among the traders, or the other way round.
        homes = [key for key, table in data.items() if isinstance(table, list) and table is not rows
                 and part in [row.get("name") for row in table if isinstance(row, dict)]]  # fmt: skip
        there = f" (there is {homes[0]}.{part})" if homes else nearest(part, names)
        raise InputError(_override(text), f": no row {plain_text(part)}{there}; allowed: {', '.join(names)}")
    return names.index(part)
