"""Keywords that studies had one by one in 0.1 and that stand together in a group now: they work, with a warning."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

__all__ = ["with_flat"]


def with_flat(function: str, flat: Mapping[str, Any], **groups: Any) -> tuple[Any, ...]:
    """Return the groups, in their order, with the values of old keywords in them.

    Args:
        function: that was called, for messages.
        flat: what it was given by keywords that it does not have.
        groups: frozen dataclasses by the name of the function's argument.

    Raises:
        TypeError: if no group has a field of that name, as for any unknown keyword.
    """
    known = {field.name for group in groups.values() for field in fields(group)}
    unknown = [name for name in flat if name not in known]
    if unknown:
        raise TypeError(f"{function}() got an unexpected keyword argument {unknown[0]!r}")
    for argument, group in groups.items():
        names = [field.name for field in fields(group) if field.name in flat]
        if names:
            told = ", ".join(f"{name}=..." for name in names)
            warnings.warn(
                f"{function}({told}) is now {function}({argument}={type(group).__name__}({told})); the old keywords "
                "go in 0.3",
                DeprecationWarning,
                stacklevel=3,
            )
            groups[argument] = replace(group, **{name: flat[name] for name in names})
    return tuple(groups.values())
