"""Every file of a user's is whole under its name or not there, whoever writes it."""

from __future__ import annotations

import ast
from pathlib import Path

import polars as pl
import pytest

from lob.errors import InputError
from sim.files.atomic import write_parquet

ROOT = Path(__file__).resolve().parent.parent.parent
WRITES = {"savefig", "save_file", "savez", "savez_compressed", "to_parquet", "write_bytes", "write_csv", "write_text"}
ALLOWED = {"sim/files/atomic.py", "sim/files/growing.py"}
"""The only modules that open a file for writing under a name of their own."""


def test_a_table_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    write_parquet(tmp_path / "a.parquet", pl.DataFrame({"x": [1, 2]}))
    assert pl.read_parquet(tmp_path / "a.parquet")["x"].to_list() == [1, 2]
    assert [path.name for path in tmp_path.iterdir()] == ["a.parquet"]
    with pytest.raises(InputError, match=r"b\.parquet: cannot be written .*; allowed: a writable folder"):
        write_parquet(tmp_path / "missing" / "b.parquet", pl.DataFrame({"x": [1]}))


def test_nothing_is_written_under_its_own_name_before_it_is_complete() -> None:
    found = []
    for path in sorted(file for name in ("lob", "sim", "agents", "scenarios") for file in (ROOT / name).rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and name not in ALLOWED:
                target = ast.unparse(node.args[0]) if node.args else ""
                in_memory = target in ("", "buffer") or "include_header" in ast.unparse(node)
                if node.func.attr in WRITES and not in_memory:
                    found.append(f"{name}:{node.lineno} {ast.unparse(node)[:60]}")
                if node.func.attr == "open" and target in ("'w'", "'wb'", "'x'", "'xb'"):
                    found.append(f"{name}:{node.lineno} {ast.unparse(node)[:60]}")
    assert not found
