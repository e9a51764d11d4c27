"""What the README tells a reader to type works as it stands: every command and every block of Python, in order."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.inside import inside
from tests.replay.days import DATA

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.M | re.S)
GOOG = DATA / "LOBSTER_SampleFile_GOOG_2012-06-21_10.zip"
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "MPLBACKEND": "Agg"}


def commands() -> list[list[str]]:
    """The lines of all blocks that are no Python, as words."""
    return [words for language, text in BLOCKS if not language for words in map(_words, text.splitlines()) if words]


def _words(line: str) -> list[str]:
    return shlex.split(line, comments=True)


@pytest.mark.slow
def test_what_the_readme_says_to_type_works(tmp_path: Path) -> None:
    if GOOG.is_file():
        (tmp_path / "GOOG.zip").symlink_to(GOOG)
    for language, text in BLOCKS:
        if language == "python":
            _run(tmp_path, ["-W", "error::DeprecationWarning:__main__", "-c", text])
            continue
        for words in filter(None, map(_words, text.splitlines())):
            if words[0] == ".venv/bin/outcry" and ("GOOG.zip" not in words or GOOG.is_file()):
                faster = ["--no-models"] if words[1] == "realism" else []  # judges are trained in tests of their own
                status, out, err = inside(tmp_path, *words[1:], *faster)
                assert status == 0, f"{words}\n{out}{err}"
                for picture in re.findall(r"^Picture: (.+)$", out, re.M):
                    assert (tmp_path / picture).stat().st_size > 10_000


def _run(folder: Path, arguments: list[str]) -> str:
    done = subprocess.run([sys.executable, *arguments], cwd=folder, env=ENVIRONMENT, capture_output=True, text=True)
    assert done.returncode == 0, f"{arguments}\n{done.stdout}{done.stderr}"
    return done.stdout


def test_every_command_in_the_readme_is_one_of_ours() -> None:
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text("utf-8"), re.M))
    for words in commands():
        assert words[0] == ".venv/bin/outcry" or (words[0] == "make" and set(words[1:]) <= targets), words
    assert {language for language, _ in BLOCKS} == {"", "python"}


def test_files_and_pages_that_the_readme_names_are_there() -> None:
    places = re.findall(r"\]\(([^)#]+)\)", README)
    assert len(places) > 10
    assert [place for place in places if "://" not in place and not (ROOT / place).exists()] == []
