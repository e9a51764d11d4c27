"""What settings a Python trader takes: the typed arguments of its constructor, checked as a policy's settings are."""

from __future__ import annotations

import inspect
from typing import Any, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, create_model
from pydantic.errors import PydanticUserError

from sim.trader import Trader

__all__ = ["INDEX", "arguments_of", "settings_model"]

INDEX = "index"
"""An argument of this name is the trader's position in its population, unless a setting says otherwise."""
_STRICT = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())
_OPEN = ConfigDict(frozen=True, extra="allow", protected_namespaces=())


def settings_model(trader: type[Trader]) -> type[BaseModel]:
    """Return the model of a trader's settings: its own `Settings`, or one made from its constructor's signature.

    Types and defaults are those of the signature; bounds stand in it as `Annotated[int, Field(ge=1)]`. An argument
    without a type, or with one that no data can have, takes anything.
    """
    if isinstance(trader.Settings, type) and issubclass(trader.Settings, BaseModel):
        return trader.Settings
    parameters = inspect.signature(trader).parameters.values()
    hints = _hints(trader)
    fields: dict[str, Any] = {}
    for parameter in parameters:
        if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            name, hint = parameter.name, hints.get(parameter.name, Any)
            default = parameter.default if parameter.default is not parameter.empty else ...
            if name.startswith("_") or hasattr(BaseModel, name):  # names that a model cannot have
                fields[f"argument{len(fields)}"] = (hint, Field(default, alias=name))
            else:
                fields[name] = (hint, default)
    takes_more = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters)
    made: type[BaseModel] = create_model(
        f"{trader.__name__}Settings",
        __config__=_OPEN if takes_more else _STRICT,
        __module__=trader.__module__,
        **fields,
    )
    return made


def arguments_of(settings: BaseModel, given: dict[str, Any]) -> dict[str, Any]:
    """Return the keyword arguments for the constructor: what was given, with the types of the model.

    Args:
        settings: checked.
        given: what they were made of.
    """
    fields = type(settings).model_fields
    is_typed = {name: name in fields and fields[name].annotation is not Any for name in given}
    return {name: getattr(settings, name) if is_typed[name] else value for name, value in given.items()}


def _hints(trader: type[Trader]) -> dict[str, Any]:
    """Return the types of a constructor's arguments as far as data can have them."""
    try:
        hints = get_type_hints(trader.__init__, include_extras=True)
    except (AttributeError, NameError, SyntaxError, TypeError):  # of a name that only type checkers know, say
        return {}
    return {name: hint for name, hint in hints.items() if _can_be_read(hint)}


def _can_be_read(hint: Any) -> bool:
    try:
        TypeAdapter(hint)
    except (NameError, PydanticUserError, TypeError):
        return False
    return True
