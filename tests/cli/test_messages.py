"""Messages speak Python to who calls a function, and flags to who typed a command."""

from __future__ import annotations

import ast
import pickle
import re
from pathlib import Path

import pytest
import typer

from lob.errors import Argument, InputError
from scenarios.cli._app import _add_commands, _as_flag
from scenarios.schema.pairs import pairs
from scenarios.schema.times import duration_s, time_of_day_ns, window_ns
from tests.cli.inside import inside
from tests.scenarios.texts import SMALL, written

ROOT = Path(__file__).resolve().parents[2]


def test_a_python_user_reads_names_of_arguments() -> None:
    error = InputError("{x}: allowed: ", Argument("resume", True), ", ", Argument("tick_size", 0.01), " or ",
                       Argument("out", python="folder"))  # fmt: skip
    assert str(error) == "{x}: allowed: resume=True, tick_size=0.01 or folder"
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
    assert str(InputError("50% of {0} and {resume}")) == "50% of {0} and {resume}"


def test_a_command_says_the_flags_that_it_has() -> None:
    app = typer.Typer()
    _add_commands(app, "scenarios.cli")
    command = typer.main.get_command(app)
    assert hasattr(command, "commands")

    def said(name: str, argument: Argument) -> str:
        return _as_flag(argument, command.commands[name].params)

    assert said("run", Argument("resume", True)) == "--resume"
    assert said("run", Argument("overrides", "a.b=1")) == "--set a.b=1"
    assert said("run", Argument("out", python="folder")) == "--out"
    assert said("run", Argument("no_code", environment="OUTCRY_NO_CODE")) == "--no-code (or OUTCRY_NO_CODE)"
    assert said("realism", Argument("tick_size")) == "--tick"
    assert said("realism", Argument("models", False)) == "--no-models"
    assert said("realism", Argument("simulated")) == "SIMULATED"
    assert said("check", Argument("resume", True)) == "resume=True"


def refused(folder: Path, *arguments: str) -> str:
    status, _, err = inside(folder, *arguments)
    assert status == 2 and err.count("\n") == 1
    return err.removeprefix("outcry: ").rstrip()


def test_a_flag_stands_in_the_line_that_a_command_ends_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTCRY_NO_CODE", "0")  # so that what the command sets is forgotten after the test
    written(tmp_path, SMALL + "[record]\npicture = false\ntape = false\n")
    line = refused(tmp_path, "run", "small.toml", "--set", "population.zeros.count=5")
    assert line.startswith("--set population.zeros.count=5: no row zeros")
    assert inside(tmp_path, "run", "small.toml", "--out", "out")[0] == 0
    line = refused(tmp_path, "run", "small.toml", "--seed", "2", "--out", "out")
    assert line.endswith("another scenario or seed; allowed: --overwrite, or another --out")
    text = SMALL + '[[trader]]\nname = "t"\nkind = "{own}:Mine"\n'
    written(tmp_path, text)
    assert '"{own}:Mine": not a name in a module' in refused(tmp_path, "run", "small.toml")
    written(tmp_path, text.replace("{own}", "own"))
    assert "since --no-code (or OUTCRY_NO_CODE) is set" in refused(tmp_path, "run", "small.toml", "--no-code")
    assert refused(tmp_path, "realism", "nothing", "--against", "none", "--no-models").startswith("--against none: no")


def test_times_and_pairs_have_one_parser_each() -> None:
    assert time_of_day_ns("14:00", "x") == 14 * 3600 * 10**9
    assert window_ns("09:30-09:30:00.5", "x") == (34_200 * 10**9, 34_200_500_000_000)
    assert duration_s("30m", "x") == 1800
    with pytest.raises(InputError, match=r"^until=noon: allowed: a time of day, as in 14:00$"):
        time_of_day_ns("noon", Argument("until", "noon"))
    with pytest.raises(InputError, match="the second time must be later"):
        window_ns("10:00-09:00", "window")
    assert pairs(["a=1", "b = true", "c=word", "d=[1, 2]", "e=null", "a=2"], "settings") == {
        "a": 2, "b": True, "c": "word", "d": [1, 2], "e": None,
    }  # fmt: skip
    for wrong, told in (("a", "not understood"), ("=1", "not understood"), ("a=1\nb=2", "more than one value")):
        with pytest.raises(InputError, match=f"settings=(?s:.*): {told}|{told}"):
            pairs([wrong], "settings")


def test_no_flag_stands_in_a_text_outside_of_the_command_line() -> None:
    found = []
    for path in sorted(file for name in ("lob", "sim", "agents", "scenarios") for file in (ROOT / name).rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        if name.startswith("scenarios/cli/") or name == "agents/llm/model/card.py":  # a card says how it was made
            continue
        tree = ast.parse(path.read_text("utf-8"))
        told = {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told:
                found += [
                    f"{name}:{node.lineno}: {flag}" for flag in re.findall(r"(?<![\w-])--[a-z][\w-]*", node.value)
                ]
    assert not found
