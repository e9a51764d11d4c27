"""Rules of the house that no linter knows: sizes of functions, who may look inside of sim, words of the field."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("lob", "sim", "agents", "scenarios", "bench")
COMPILED = {"kernel", "leaf", "decision"}
MOST_LINES, MOST_PARAMETERS = 80, 8
Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions() -> Iterator[tuple[Path, Function, bool]]:
    """All functions that are not compiled; and whether each is a method."""
    for path in (p for package in PACKAGES for p in sorted((ROOT / package).rglob("*.py"))):
        tree = ast.parse(path.read_text("utf-8"))
        methods = {id(child) for node in ast.walk(tree) if isinstance(node, ast.ClassDef) for child in node.body}
        for node in ast.walk(tree):
            if isinstance(node, Function) and not COMPILED & {ast.unparse(d) for d in node.decorator_list}:
                yield path, node, id(node) in methods


def is_command(path: Path, function: Function) -> bool:
    """Whether a function's parameters are the flags of a command."""
    return path.is_relative_to(ROOT / "scenarios" / "cli") and function.name == "command"


def test_no_function_is_longer_than_a_screen() -> None:
    long = [f"{path.relative_to(ROOT)}: {function.name}" for path, function, _ in functions()
            if function.end_lineno - function.lineno >= MOST_LINES and not is_command(path, function)]  # type: ignore[operator]  # fmt: skip
    assert long == []


def test_no_public_function_takes_more_than_eight_parameters() -> None:
    wide = []
    for path, function, is_method in functions():
        names = [a.arg for a in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)]
        if is_method and names[:1] in (["self"], ["cls"]):
            names = names[1:]
        is_public = not function.name.startswith("_") or function.name == "__init__"
        if is_public and len(names) > MOST_PARAMETERS and not is_command(path, function):
            wide.append(f"{path.relative_to(ROOT)}: {function.name}, {len(names)}")
    assert wide == []


def test_nobody_outside_of_sim_looks_into_its_private_parts_or_the_layout_of_its_memory() -> None:
    private = {f"_{name}" for name in ("agents", "asked", "header", "post", "record", "runtime", "tape_block", "world")}
    layout = re.compile(r"\boff_\w+|\bfirst_memory\b|\bfirst_value\b|book_block|\.table\(")
    found = []
    for path in (p for package in PACKAGES[2:] for p in sorted((ROOT / package).rglob("*.py"))):
        text = path.read_text("utf-8")
        for node in ast.walk(ast.parse(text)):
            own = (
                isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Name)
                and node.value.id in ("self", "cls")
            )
            if isinstance(node, ast.Attribute) and node.attr in private and not own:
                found.append(f"{path.relative_to(ROOT)}:{node.lineno} {ast.unparse(node)}")
        found += [f"{path.relative_to(ROOT)}: {hit}" for hit in layout.findall(text)]
    assert found == []
