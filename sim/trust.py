"""Whether code that a scenario names may run: yes, unless the user has said `--no-code`."""

from __future__ import annotations

import os

from lob.errors import Argument, InputError

__all__ = ["NO_CODE", "refuse_code"]

NO_CODE = "OUTCRY_NO_CODE"
"""Environment variable of `--no-code`, so that worker processes and Python programs keep to it too."""


def refuse_code(what: str) -> None:
    """Stop here if the user wants no code but Outcry's own to run.

    Args:
        what: where the code is named, and what would run it.

    Raises:
        InputError: if the environment variable OUTCRY_NO_CODE is set to anything but 0.
    """
    if os.environ.get(NO_CODE, "0") not in ("", "0"):
        no_code = Argument("no_code", environment=NO_CODE)
        raise InputError(f"{what}; allowed: only the library's own kinds, since ", no_code, " is set")
