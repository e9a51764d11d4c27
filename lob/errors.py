"""Errors that end a command with one clear line instead of a traceback."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = ["Argument", "FieldError", "InputError", "OutcryError", "RunError"]


@dataclass(frozen=True)
class Argument:
    """An argument that a message speaks of: in Python `resume=True`, on the command line `--resume`.

    Attributes:
        name: of the function's argument; a command's parameter of the same name says how its flag is spelled.
        value: that it has or should have; None: the message speaks of the argument as such.
        python: what a Python user reads instead.
        environment: an environment variable that says the same, which a Python user reads instead.
    """

    name: str
    value: Any = None
    python: str | None = None
    environment: str | None = None

    def __str__(self) -> str:
        """Return it as a Python user writes it."""
        if self.python is not None or self.environment is not None:
            return self.python or self.environment or ""
        if self.value is None:
            return self.name
        return f"{self.name}={self.value!r}" if isinstance(self.value, int | float) else f"{self.name}={self.value}"


class OutcryError(Exception):
    """Base of all errors that a user is told of in one line: what, where, what is allowed.

    Args:
        parts: of the line, texts and `Argument`s, one after the other.

    Example:
        >>> print(InputError("runs/a: holds a run; allowed: ", Argument("overwrite", True)))
        runs/a: holds a run; allowed: overwrite=True
    """

    exit_status = 1

    def __init__(self, *parts: str | Argument) -> None:
        super().__init__(*parts)

    def __str__(self) -> str:
        """Return the line as a Python user reads it."""
        return self.told(str)

    def told(self, say: Callable[[Argument], str]) -> str:
        """Return the line with each argument as `say` spells it."""
        return "".join(say(part) if isinstance(part, Argument) else str(part) for part in self.args)


class InputError(OutcryError):
    """The input was bad: a scenario, an option, a data file. The command ends with status 2."""

    exit_status = 2


class FieldError(InputError, ValueError):
    """A field of an order, or of an instrument, was given a value that it cannot have. A ValueError too."""


class RunError(OutcryError):
    """The run failed although its input was good: a full disk, a capacity that was set too small. Status 1."""
