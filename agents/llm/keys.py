"""Which keys a scenario may send where: a scenario is data from anywhere, and keys are the user's.

A scenario names both an environment variable and an address. Without a rule it could send any variable to any server.
So a key goes to the server that the user chose (OPENAI_BASE_URL, or OpenAI itself) or to this machine, if its variable
is called ..._API_KEY; anything else only if the user has named the variable: `--allow-key NAME`, or OUTCRY_KEY_ENVS.
"""

from __future__ import annotations

import os
from urllib.parse import urlsplit

from lob.errors import Argument, InputError

__all__ = ["KEY_ENVS", "OPENAI_URL", "allow_keys", "check_key"]

KEY_ENVS = "OUTCRY_KEY_ENVS"
"""Environment variable with the names that the user allows, with commas between."""
OPENAI_URL = "https://api.openai.com/v1"
_HERE = ("localhost", "::1")


def allow_keys(names: list[str]) -> None:
    """Allow the environment variables of these names, in this process and those that it starts."""
    known = [name for name in os.environ.get(KEY_ENVS, "").split(",") if name.strip()]
    os.environ[KEY_ENVS] = ",".join([*known, *names])


def check_key(name: str, base_url: str) -> None:
    """Check that the key in an environment variable may be sent to a server.

    Args:
        name: of the variable.
        base_url: of the server.

    Raises:
        InputError: if the variable is set, and neither the user allowed it nor the rule above.
    """
    if not os.environ.get(name):
        return  # nothing to send
    if name in {part.strip() for part in os.environ.get(KEY_ENVS, "").split(",")}:
        return
    host = _origin(base_url)[1]
    chosen = os.environ.get("OPENAI_BASE_URL") or OPENAI_URL
    is_known = base_url == chosen or _origin(base_url) in (_origin(chosen), _origin(OPENAI_URL))
    if name.endswith("_API_KEY") and (is_known or host in _HERE or _is_loopback(host)):
        return
    raise InputError(
        f"backend.key_env = {name!r}: the scenario would send this key to {host or base_url!r}; allowed: after ",
        Argument("allow_key", name, environment=f"{KEY_ENVS}={name}"),
        ", if you trust that server with it",
    )


def _origin(url: str) -> tuple[str, str, int | None]:
    """Return scheme, host and port of an address; an empty host if it is none."""
    try:
        parts = urlsplit(url)
        return parts.scheme, parts.hostname or "", parts.port
    except ValueError:
        return "", "", None


def _is_loopback(host: str) -> bool:
    parts = host.split(".")
    return len(parts) == 4 and parts[0] == "127" and all(part.isascii() and part.isdecimal() for part in parts)
