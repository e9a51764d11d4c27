"""The application: commands found in this folder, what all of them have in common, and how help is shown."""

from __future__ import annotations

import importlib
import inspect
import os
import pkgutil
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer
from typer.core import TyperCommand, TyperGroup

from lob.errors import OutcryError

if TYPE_CHECKING:
    from lob.errors import Argument

__all__ = ["EXAMPLES", "make_app"]

EXAMPLES = "Examples:"
"""In a command's docstring: the lines below are shown as they stand."""
_SHORT = {"--out": "-o", "--set": "-s", "--workers": "-w"}
_CONTEXT: dict[str, Any] = {"help_option_names": ["-h", "--help"], "max_content_width": 110}


class Command(TyperCommand):
    """A command: short flags, examples below the help, errors that speak of the command's own flags."""

    def __init__(self, *args: Any, help: str | None = None, **kwargs: Any) -> None:
        about, _, examples = (help or "").partition(EXAMPLES)
        super().__init__(*args, help=about.strip(), **kwargs)
        self.examples = [line.strip() for line in examples.splitlines() if line.strip()]
        for parameter in self.params:
            parameter.opts += [_SHORT[opt] for opt in parameter.opts if opt in _SHORT]

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Show the examples as they are typed, never wrapped."""
        if self.examples:
            with formatter.section(EXAMPLES.removesuffix(":")):
                for line in self.examples:
                    formatter.write(f"  {line}\n")

    def invoke(self, ctx: Any) -> Any:
        """Run the command; an error of ours is one line and a status."""
        try:
            return super().invoke(ctx)
        except OutcryError as error:
            from scenarios.schema.load import plain_text

            # Names and paths in it are a user's, or somebody else's: nothing of them may move the cursor.
            line = plain_text(error.told(lambda argument: _as_flag(argument, self.params)))
            print(f"outcry: {line}", file=sys.stderr)
            sys.exit(error.exit_status)


class Group(TyperGroup):
    """The list of commands: what each is for, in words that are not cut."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Show the first paragraph of each command's help."""
        rows = []
        for name in self.list_commands(ctx):
            command = self.get_command(ctx, name)
            if command is not None and not command.hidden:
                rows.append((name, " ".join((command.help or "").split("\n\n")[0].split())))
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def make_app() -> typer.Typer:
    """Return the application with a command for each module of scenarios.cli."""
    app = typer.Typer(
        name="outcry",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        cls=Group,
        context_settings=_CONTEXT,
    )
    app.callback()(_outcry)
    _add_commands(app, "scenarios.cli")
    return app


def _print_version(asked: bool) -> None:
    if asked:
        from sim.versions import version

        print(f"outcry {version()}")
        raise typer.Exit


def _outcry(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version.")
    ] = False,
) -> None:
    """An agent-based market simulator with a limit order book.

    First steps: `outcry run first_market`, `outcry new my_market.toml`, `outcry kinds`, `outcry scenarios`.
    """


def _add_commands(app: Any, package: str) -> None:
    """Add each public module of a package that has a `command`, and each folder in it as a group of commands."""
    for module in sorted(pkgutil.iter_modules(importlib.import_module(package).__path__), key=lambda m: m.name):
        if module.name.startswith("_"):
            continue
        found = importlib.import_module(f"{package}.{module.name}")
        if module.ispkg:
            group = typer.Typer(
                help=found.__doc__, no_args_is_help=True, rich_markup_mode=None, context_settings=_CONTEXT, cls=Group
            )
            _add_commands(group, f"{package}.{module.name}")
            app.add_typer(group, name=module.name)
        elif hasattr(found, "command"):
            app.command(module.name, cls=Command, context_settings=_CONTEXT)(_with_trust_options(found.command))


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
