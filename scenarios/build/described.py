"""What a scenario can hold, described from the code itself: purpose, settings, units, defaults, and a text to paste."""

from __future__ import annotations

import inspect
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel

from agents.metaorder import algorithms
from lob.errors import InputError
from scenarios.build.kinds import find_object, library_policy, library_trader, policy_kinds, policy_module, trader_kinds
from scenarios.schema.events import Event
from scenarios.schema.load import nearest
from scenarios.schema.toml_text import toml_text
from sim.policy import Policy
from sim.trader import Trader
from sim.trader_settings import settings_model

__all__ = ["Described", "Setting", "describe", "described", "unit_of"]

_SIMPLE_UNITS = {
    "ns": "ns", "us": "us", "ms": "ms", "s": "s", "ticks": "ticks", "tick": "tick", "lots": "lots", "lot": "lot",
    "bps": "bp", "bp": "bp", "share": "share", "looks": "looks",
}  # fmt: skip


@dataclass(frozen=True)
class Setting:
    """One setting of a kind.

    Attributes:
        name: as in a file.
        unit: "" if it has none.
        default: as in a file; "required" if there is none.
        allowed: in words.
        meaning: of it.
    """

    name: str
    unit: str
    default: str
    allowed: str
    meaning: str


@dataclass(frozen=True)
class Described:
    """What a name of a scenario file stands for.

    Attributes:
        name: as in `kind = "..."`.
        group: "population", "algorithm", "trader" or "event".
        purpose: the first sentence about it.
        about: all that there is to say.
        settings: in their order.
        snippet: a text to paste into a scenario.
    """

    name: str
    group: str
    purpose: str
    about: str
    settings: tuple[Setting, ...]
    snippet: str


def described() -> list[Described]:
    """Return everything that the library has, by group and name."""
    found = [_policy(kind, library_policy(kind), policy_module(kind)) for kind in policy_kinds()]
    found += [_trader(kind, library_trader(kind)) for kind in trader_kinds()]
    found += [_event(table) for table in get_args(get_args(Event)[0])]
    order = ["population", "algorithm", "trader", "event"]
    return sorted(found, key=lambda one: (order.index(one.group), one.name))


def describe(name: str, folder: Path = Path()) -> list[Described]:
    """Return what a name stands for: there is a population and a trader called "twap".

    Args:
        name: of the library, or a user's own as "my_module:NAME".
        folder: where a user's module lies.

    Raises:
        InputError: if there is nothing of that name.
    """
    if ":" in name:
        found = find_object(name, folder, "kind")
        if isinstance(found, Policy):
            return [_policy(name, found, inspect.getmodule(inspect.unwrap(found.settings)))]
        if isinstance(found, type) and issubclass(found, Trader):
            return [_trader(name, found)]
        raise InputError(f'kind = "{name}": {type(found).__name__}; allowed: a Policy or a subclass of Trader')
    everything = described()
    of_name = [one for one in everything if one.name == name]
    if not of_name:
        known = sorted({one.name for one in everything})
        raise InputError(f"{name}: no such kind{nearest(name, known)}; allowed: {', '.join(known)}")
    return of_name


# ---- the groups -----------------------------------------------------------------------------------------------------


def _policy(kind: str, policy: Policy, module: Any) -> Described:
    group = "algorithm" if kind in algorithms() else "population"
    about = _first_part(getattr(module, "__doc__", None) or policy.settings.__doc__)
    settings = _settings(policy.settings)
    return Described(kind, group, _sentence(about), about, settings, _table("population", kind, settings))


def _trader(kind: str, trader: type[Trader]) -> Described:
    about = _first_part(trader.__doc__ or "")
    settings = _settings(settings_model(trader), trader)
    return Described(kind, "trader", _sentence(about), about, settings, _table("trader", kind, settings))


def _event(table: type[BaseModel]) -> Described:
    kind = str(get_args(table.model_fields["kind"].annotation)[0])
    about = _first_part(table.__doc__)
    settings = tuple(one for one in _settings(table) if one.name != "kind")
    return Described(kind, "event", _sentence(about), about, settings, _EVENTS[kind])


_EVENTS = {
    "bulletin": '[[event]]\nkind = "bulletin"\nat = 10:00:00\ntext = "Lower forecast."\nvalue = -50.0  # ticks\n',
    "halt": '[[event]]\nkind = "halt"\nwhen = { falls_bp = 100.0, within_s = 300.0 }  # a breaker\nlasts_s = 300.0\n',
    "kill": '[[event]]\nkind = "kill"\nat = 10:00:00\npopulation = "NAME"\n',
    "news": '[[event]]\nkind = "news"\nat = 10:00:00\nvalue = -50.0  # ticks\nmoves_value = true\n',
    "phase": '[[event]]\nkind = "phase"\nat = 10:00:00\nphase = "halted"\n',
}
MOST_SHOWN = 4
"""Settings with a default that a snippet shows."""


def _table(group: str, kind: str, settings: tuple[Setting, ...]) -> str:
    """Return a population or trader as it stands in a file: what is required, and some settings with their defaults."""
    name = kind.rpartition(":")[2]
    required = [one for one in settings if one.default == "required"]
    plain = [one for one in settings if one.default not in ("required", "") and len(one.default) < 24]
    shown = [*required, *plain[: max(0, MOST_SHOWN - len(required))]]
    text = f'[[{group}]]\nname = "{name}"\nkind = "{kind}"\ncount = 1\n'
    values = ", ".join(f"{one.name} = {'...' if one.default == 'required' else one.default}" for one in shown)
    return text + (f"settings = {{ {values} }}\n" if shown else "")


# ---- texts and settings ---------------------------------------------------------------------------------------------


def _settings(model: type[BaseModel], *more: type) -> tuple[Setting, ...]:
    meanings: dict[str, str] = {}
    for cls in (*reversed(model.__mro__), *more):
        meanings |= _meanings(cls.__doc__ or "")
    schema = model.model_json_schema()
    required = set(schema.get("required", ()))
    found = []
    for name, field in schema.get("properties", {}).items():
        default = "required" if name in required else _default(field.get("default"))
        if default == "" and name in getattr(model, "from_reference", {}):
            default = "from the reference price"
        meaning = meanings.get(name) or field.get("description", "")
        found.append(Setting(name, unit_of(name), default, _allowed(field), meaning))
    return tuple(found)


def _default(value: Any) -> str:
    """Return a default as a file would have it; nothing for none."""
    if value is None:
        return ""
    if isinstance(value, dict):
        # Infinite bounds of a distribution say nothing.
        return _inline({key: item for key, item in value.items() if item is not None and not _is_infinite(item)})
    if isinstance(value, list) and any(isinstance(item, dict) for item in value):
        return "[" + ", ".join(_default(item) for item in value) + "]"
    return toml_text({"x": value}).strip().removeprefix("x = ").strip()


def _is_infinite(value: Any) -> bool:
    return isinstance(value, float) and math.isinf(value)


def _inline(value: dict[str, Any]) -> str:
    inside = ", ".join(f"{key} = {_default(item)}" for key, item in value.items() if item is not None)
    return f"{{ {inside} }}" if inside else "{}"


def _allowed(field: dict[str, Any]) -> str:
    """Return in words what a field of a JSON Schema takes."""
    if "anyOf" in field:
        parts = [_allowed(part) for part in field["anyOf"] if part.get("type") != "null"]
        return " or ".join(dict.fromkeys(part for part in parts if part))
    if "$ref" in field or "allOf" in field:
        name = (field.get("$ref") or field["allOf"][0].get("$ref", "")).rpartition("/")[2]
        return "a distribution" if name == "Distribution" else "a table"
    if "enum" in field or "const" in field:
        return ", ".join(str(value) for value in field.get("enum", [field.get("const")]))
    kind = str(field.get("type", ""))
    words = {"integer": "whole number", "number": "number", "boolean": "true or false", "string": "text",
             "array": "list", "object": "table"}.get(kind, "anything")  # fmt: skip
    if field.get("format") == "time":
        words = "time of day"
    if kind in ("array", "object"):
        return words
    low = f"from {_number(field['minimum'])}" if "minimum" in field else ""
    low = f"above {_number(field['exclusiveMinimum'])}" if "exclusiveMinimum" in field else low
    high = f"to {_number(field['maximum'])}" if "maximum" in field else ""
    high = f"below {_number(field['exclusiveMaximum'])}" if "exclusiveMaximum" in field else high
    return " ".join(part for part in (words, low, high) if part)


def _number(value: float) -> str:
    return f"{value:,.10g}"


def unit_of(name: str) -> str:
    """Return the unit that the end of a name says: "s", "ticks/lot", "1/s"; "" if it says none."""
    left, per, right = name.partition("_per_")
    if per:
        root = right.removeprefix("sqrt_")
        below = _SIMPLE_UNITS.get(root)
        if below is None:
            return ""
        above = _SIMPLE_UNITS.get(left.rpartition("_")[2], "1")
        return f"{above}/sqrt({below})" if right.startswith("sqrt_") else f"{above}/{below}"
    return _SIMPLE_UNITS.get(name.rpartition("_")[2], "") if "_" in name else ""


def _first_part(text: str | None) -> str:
    """Return a docstring up to its sections, each paragraph in one line."""
    clean = inspect.cleandoc(text or "")
    clean = re.split(r"\n(?:Attributes|Args|Raises|Example|Examples|Returns):\n", f"\n{clean}\n")[0]
    return "\n".join(" ".join(part.split()) for part in clean.strip().split("\n\n"))


def _sentence(text: str) -> str:
    """Return the first sentence."""
    return re.split(r"(?<=[.!?])\s(?=[A-Z`])", text.split("\n")[0])[0]


def _meanings(text: str) -> dict[str, str]:
    """Return what a docstring says of each name below `Attributes:` or `Args:`."""
    clean = inspect.cleandoc(text)
    found: dict[str, str] = {}
    for part in re.findall(r"^(?:Attributes|Args):\n((?:[ ]{4}.*\n?|\n)*)", clean, flags=re.MULTILINE):
        entries = re.findall(r"^ {4}([a-z_0-9*, ]+): ((?:.*\n?)(?:^ {5,}.*\n?)*)", part, flags=re.MULTILINE)
        for names, meaning in entries:
            for name in names.split(","):
                found[name.strip().lstrip("*")] = " ".join(meaning.split())
    return found
