"""The cache of compiled kernels only ever saves time: damaged, full or out of reach, results are the same."""

from __future__ import annotations

import os
import random
import resource
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import resource, sys
import numpy as np
from sim.rng import raw_uniform
if sys.argv[1:] == ["full"]:
    resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64))
print(raw_uniform(np.uint64(7), 3))
print("compiled" if raw_uniform.stats.cache_misses else "loaded")
"""


def drawn(cache: Path, *arguments: str) -> tuple[list[str], str]:
    """Draw a number in a fresh process with this cache; return what it prints, and its stderr."""
    # A measurement of coverage would write files of its own.
    ours = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    environment = {**ours, "PYTHONPATH": str(ROOT), "OUTCRY_CACHE_DIR": str(cache)}
    command = [sys.executable, "-c", PROGRAM, *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.split(), done.stderr


def kernels(cache: Path) -> list[Path]:
    found = sorted(path for path in cache.rglob("*.nb*") if path.is_file())
    assert found
    return found


def test_a_kernel_is_compiled_once_and_loaded_afterwards(tmp_path: Path) -> None:
    (number, how), _ = drawn(tmp_path)
    assert how == "compiled"
    assert drawn(tmp_path) == ([number, "loaded"], "")


@pytest.mark.parametrize("damage", ["cut", "flipped"])
@pytest.mark.parametrize("ending", [".nbi", ".nbc"])
def test_damaged_kernels_are_compiled_again_without_a_word(tmp_path: Path, damage: str, ending: str) -> None:
    (number, _), _ = drawn(tmp_path)
    for path in kernels(tmp_path):
        if path.suffix == ending:
            data = bytearray(path.read_bytes())
            data[random.Random(1).randrange(len(data))] ^= 0x41
            path.write_bytes(bytes(data) if damage == "flipped" else bytes(data[: len(data) // 2]))
    assert drawn(tmp_path) == ([number, "compiled"], "")
    assert drawn(tmp_path) == ([number, "loaded"], "")


def test_a_full_disk_is_named_in_one_line_and_the_work_goes_on(tmp_path: Path) -> None:
    # A limit on the size of files fails in the same call as a full disk does.
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[1] == resource.RLIM_INFINITY
    (_, how), errors = drawn(tmp_path, "full")
    assert how == "compiled" and errors.count("\n") == 1
    assert f"compiled kernels cannot be kept in {tmp_path} (file too large)" in errors
    assert drawn(tmp_path)[0][1] == "compiled"
    assert drawn(tmp_path)[0][1] == "loaded"


def test_a_cache_that_cannot_be_made_is_named_in_one_line_and_the_work_goes_on(tmp_path: Path) -> None:
    place = tmp_path / "file"
    place.write_text("")
    (_, how), errors = drawn(place / "cache")
    assert how == "compiled" and errors.count("\n") == 1
    assert f"cannot be kept in {place / 'cache'} (not a directory)" in errors
