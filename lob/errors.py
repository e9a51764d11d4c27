"""Errors that end a command with one clear line instead of a traceback."""

from __future__ import annotations

__all__ = ["FieldError", "InputError", "OutcryError", "RunError"]


class OutcryError(Exception):
    """Base of all errors that a user is told of in one line: what, where, what is allowed."""

    exit_status = 1


class InputError(OutcryError):
    """The input was bad: a scenario, an option, a data file. The command ends with status 2."""

    exit_status = 2


class FieldError(InputError, ValueError):
    """A field of an order, or of an instrument, was given a value that it cannot have. A ValueError too."""


class RunError(OutcryError):
    """The run failed although its input was good: a full disk, a capacity that was set too small. Status 1."""
