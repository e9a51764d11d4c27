"""`outcry new`: a commented scenario to edit."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["command"]


def command(
    file: Annotated[Path, typer.Argument(help="File to write; it must not be there yet.")],
) -> None:
    """Write a commented scenario to edit, ready to run.

    Examples:
        outcry new my_market.toml
        outcry new another.toml
    """
    from importlib import resources

    from lob.errors import InputError
    from sim.files.atomic import write_atomically

    text = resources.files("scenarios.cli").joinpath("template.toml").read_text("utf-8")
    if file.exists() or file.is_symlink():
        raise InputError(f"{file}: is there already; allowed: a new file")
    write_atomically(file, text.encode())
    print(f"Wrote {file}; run it with: outcry run {shlex.quote(str(file))}")
