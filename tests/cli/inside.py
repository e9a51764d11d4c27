"""The command line inside of this process: what it refuses is not worth the seconds that a process takes to start."""

from __future__ import annotations

import contextlib
import io
import sys
from pathlib import Path
from unittest import mock

from scenarios.cli.main import run_command


def inside(folder: Path, *arguments: str) -> tuple[int, str, str]:
    """Return the exit status, stdout and stderr of a command that is run in a folder."""
    out, err, status = io.StringIO(), io.StringIO(), 0
    with (
        contextlib.chdir(folder),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        mock.patch.object(sys, "argv", ["outcry", *arguments]),
    ):
        try:
            run_command()
        except SystemExit as end:
            status = int(end.code or 0)
    return status, out.getvalue(), err.getvalue()
