"""Help says everything: no line of it is cut, and every command has two examples that run as they stand."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from scenarios.cli._app import make_app
from tests.cli.inside import inside

APP = make_app()
RUNNER = CliRunner()
# In an order in which each finds what it needs; then all others.
FIRST = ["new", "run", "generate", "sweep", "impact"]
SMALL = {
    "train rl": "--steps 256 --envs 2 --evaluations 1 --evaluation-seeds 2",
    "train flow": (
        "--set seconds=3 --set width=16 --set layers=1 --set block_layers=1 --set window=16 --set batch=4 --rounds 0"
    ),
    "train llm": "--steps 2 --check 20",
}
"""Learning takes minutes; the examples of these run with a little of it."""


def commands() -> dict[str, Any]:
    found: dict[str, Any] = {}

    def walk(group: Any, path: str) -> None:
        for name, command in group.commands.items():
            if hasattr(command, "commands"):
                walk(command, f"{path}{name} ")
            else:
                found[f"{path}{name}"] = command

    walk(get_command(APP), "")
    return found


@pytest.mark.parametrize("name", sorted(commands()))
def test_every_command_has_two_examples_of_its_own(name: str) -> None:
    examples = commands()[name].examples
    assert len(examples) == 2 and len(set(examples)) == 2
    assert all(shlex.split(line)[: 1 + len(name.split())] == ["outcry", *name.split()] for line in examples)


def test_what_a_command_is_for_is_not_cut() -> None:
    shown = RUNNER.invoke(APP, ["-h"], terminal_width=60)
    assert shown.exit_code == 0
    for name, command in commands().items():
        if " " not in name:
            assert " ".join(command.help.split("\n\n")[0].split()) in " ".join(shown.output.split())


def test_the_version_and_short_flags() -> None:
    assert RUNNER.invoke(APP, ["--version"]).output.startswith("outcry ")
    shown = RUNNER.invoke(APP, ["run", "-h"]).output
    assert "-o, --out" in shown and "-s, --set" in shown


@pytest.mark.slow
def test_the_examples_run(tmp_path: Path) -> None:
    # `compile` has tests of its own: it loads every agent of the library.
    for name in [*FIRST, *(name for name in sorted(commands()) if name not in (*FIRST, "compile"))]:
        for line in commands()[name].examples:
            words = shlex.split(line)[1:]
            words = words[: words.index(">")] if ">" in words else words
            status, out, err = inside(tmp_path, *words, *SMALL.get(name, "").split())
            assert status == 0, f"{line}: {out[-2000:]}{err[-2000:]}"
