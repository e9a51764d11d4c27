"""`outcry`: one command per module of this folder, a group per folder in it; errors end in one line and a status.

Status 0: done. 1: the run failed. 2: the input was bad. 130: stopped by Ctrl-C. Modules import what they need inside
their function, so that `outcry --help` does not wait for the compiler.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

__all__ = ["run_command"]

_PACKAGES = ("lob", "sim", "agents", "scenarios")


def _foreign_package() -> str | None:
    """Return a line about a package of ours that another distribution hides; None if all are ours."""
    root = Path(__file__).resolve().parent.parent.parent
    for name in _PACKAGES:
        spec = importlib.util.find_spec(name)
        places = list(spec.submodule_search_locations or []) if spec is not None else []
        if not any(Path(place).resolve() == root / name for place in places):
            found = places[0] if places else "nothing"
            return (
                f"outcry: the package {name} is {found}, not Outcry's own ({root / name}); "
                "another distribution installs the same name: use an environment of its own"
            )
    return None


def run_command() -> None:
    """Entry point of `outcry`."""
    line = _foreign_package()
    if line is not None:
        print(line, file=sys.stderr)
        sys.exit(2)
    from scenarios.cli._app import make_app

    app = make_app()
    try:
        app(prog_name="outcry")
    except BrokenPipeError:
        sys.exit(1)
    except MemoryError as error:
        told = f" ({' '.join(str(error).split())})" if str(error) else ""
        print(f"outcry: not enough memory{told}; fewer agents, prices or max_orders need less", file=sys.stderr)
        sys.exit(1)
    except (OSError, UnicodeError) as error:
        print(f"outcry: {error}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    run_command()
