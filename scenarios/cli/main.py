"""`outcry`: one command per module of this folder, a group per package; errors end in one line and an exit status.

Status 0: done. 1: the run failed. 2: the input was bad. 130: stopped by Ctrl-C. Modules import what they need inside
their function, so that `outcry --help` does not wait for the compiler.
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
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
    import typer

    from lob.errors import OutcryError

    app = typer.Typer(
        name="outcry",
        help="An agent-based market simulator with a limit order book.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    folder = str(Path(__file__).parent)
    for module in sorted(pkgutil.iter_modules([folder]), key=lambda m: m.name):
        found = importlib.import_module(f"scenarios.cli.{module.name}")
        if module.ispkg:
            app.add_typer(found.group(), name=module.name)
        elif hasattr(found, "command"):
            app.command(module.name)(found.command)
    try:
        app(prog_name="outcry")
    except OutcryError as error:
        print(f"outcry: {error}", file=sys.stderr)
        sys.exit(error.exit_status)
    except BrokenPipeError:
        sys.exit(1)
    except OSError as error:
        print(f"outcry: {error}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    run_command()
