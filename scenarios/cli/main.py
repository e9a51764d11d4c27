"""`outcry`: one command per module of this folder, a group per folder in it; errors end in one line and a status.

Status 0: done. 1: the run failed. 2: the input was bad. 130: stopped by Ctrl-C. Modules import what they need inside
their function, so that `outcry --help` does not wait for the compiler.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import os
import pkgutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

if TYPE_CHECKING:
    from lob.errors import Argument

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


def _add_commands(app: Any, package: str) -> None:
    """Add each public module of a package that has a `command`, and each folder in it as a group of commands."""
    import typer

    for module in sorted(pkgutil.iter_modules(importlib.import_module(package).__path__), key=lambda m: m.name):
        if module.name.startswith("_"):
            continue
        found = importlib.import_module(f"{package}.{module.name}")
        if module.ispkg:
            group = typer.Typer(help=found.__doc__, no_args_is_help=True, rich_markup_mode=None)
            _add_commands(group, f"{package}.{module.name}")
            app.add_typer(group, name=module.name)
        elif hasattr(found, "command"):
            app.command(module.name, cls=_command_class())(_with_trust_options(found.command))


def _command_class() -> Any:
    """Return the class of our commands: their errors speak of arguments as the command's own flags."""
    from typer.core import TyperCommand

    from lob.errors import OutcryError

    class Command(TyperCommand):
        def invoke(self, ctx: Any) -> Any:
            try:
                return super().invoke(ctx)
            except OutcryError as error:
                from scenarios.schema.load import plain_text

                # Names and paths in it are a user's, or somebody else's: nothing of them may move the cursor.
                line = plain_text(error.told(lambda argument: _as_flag(argument, self.params)))
                print(f"outcry: {line}", file=sys.stderr)
                sys.exit(error.exit_status)

    return Command


def _as_flag(argument: Argument, parameters: Sequence[Any]) -> str:
    """Return an argument as it is written on the command line, if the command has a parameter of its name."""
    parameter = next((each for each in parameters if each.name == argument.name), None)
    if parameter is None:
        return str(argument)
    if parameter.param_type_name == "argument":
        return str(parameter.metavar or parameter.name.upper())
    flags = parameter.secondary_opts if argument.value is False else parameter.opts
    said = f" {argument.value}" if argument.value is not None and not isinstance(argument.value, bool) else ""
    also = f" (or {argument.environment})" if argument.environment is not None else ""
    return f"{flags[0]}{said}{also}"


def _with_trust_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command that takes a scenario the two options about what a scenario may do (docs/security.md)."""
    import typer

    hints = get_type_hints(command, include_extras=True)
    if "scenario" not in hints:
        return command

    def run(*args: Any, no_code: bool, allow_key: list[str] | None, **kwargs: Any) -> Any:
        # In environment variables, so that worker processes keep to them as well.
        if no_code:
            os.environ["OUTCRY_NO_CODE"] = "1"
        if allow_key:
            from agents.llm.keys import allow_keys

            allow_keys(allow_key)
        return command(*args, **kwargs)

    added = {
        "no_code": (
            Annotated[bool, typer.Option("--no-code", help="Refuse what would run code from outside Outcry.")],
            False,
        ),
        "allow_key": (
            Annotated[
                list[str] | None,
                typer.Option(metavar="NAME", help="Environment variable whose key the scenario may use."),
            ],
            None,
        ),
    }
    kind = inspect.Parameter.KEYWORD_ONLY
    own = [
        parameter.replace(annotation=hints[parameter.name])
        for parameter in inspect.signature(command).parameters.values()
    ]
    more = [inspect.Parameter(name, kind, default=value, annotation=hint) for name, (hint, value) in added.items()]
    run.__doc__, run.__name__ = command.__doc__, command.__name__
    run.__annotations__ = {**hints, **{name: hint for name, (hint, _) in added.items()}}
    run.__signature__ = inspect.Signature([*own, *more])  # type: ignore[attr-defined]
    return run


def run_command() -> None:
    """Entry point of `outcry`."""
    line = _foreign_package()
    if line is not None:
        print(line, file=sys.stderr)
        sys.exit(2)
    import typer

    app = typer.Typer(
        name="outcry",
        help="An agent-based market simulator with a limit order book.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    _add_commands(app, "scenarios.cli")
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
