"""The walks of docs/first-hour.md run as they are written down, each in a new folder."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.inside import inside

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "first-hour.md").read_text("utf-8")
WALKS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", PAGE, re.M | re.S))
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "MPLBACKEND": "Agg"}
LEFT = {
    "A student": ["runs/mine/market.png", "runs/my_market-compare/compare.png", "runs/my_market-sweep/sweep.png"],
    "A quant": ["runs/first_market-compare/report.html", "runs/first_market-impact/impact.png", "my_data.toml"],
    "An exchange designer": ["runs/crash/market.png", "runs/flash_crash-compare/report.html",
                             "runs/flash_crash-attribution/attribution.png"],
    "An ML engineer": ["days/CARD.md", "days/results"],
    "In a notebook": [],
}  # fmt: skip
"""What a walk must have left, by the beginning of its heading."""


def python(file: str, folder: Path) -> None:
    done = subprocess.run([sys.executable, file], cwd=folder, env=ENVIRONMENT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("walk", LEFT)
def test_a_walk_runs_as_it_is_written(walk: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTCRY_PATH", "")  # so that what a command adds is forgotten after the test
    (text,) = [text for heading, text in WALKS.items() if heading.startswith(walk)]
    blocks = re.findall(r'^```(\w+)(?: title="(.+?)")?\n(.*?)^```', text, re.M | re.S)
    assert blocks
    for kind, title, body in blocks:
        if title:
            (tmp_path / title).write_text(body)
        if kind == "sh":
            for line in body.splitlines():
                program, *words = shlex.split(line)
                if program == "python":
                    python(words[0], tmp_path)
                    continue
                status, out, err = inside(tmp_path, *words)
                assert status == 0, f"{line}: {out[-1500:]}{err[-1500:]}"
        elif walk == "In a notebook":
            python(title, tmp_path)
    for name in LEFT[walk]:
        assert (tmp_path / name).exists(), name
