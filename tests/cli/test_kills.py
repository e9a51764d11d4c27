"""A run that is killed at any moment, with whatever traders, resumes to the tape of a run that nobody disturbed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.cli.kills import kill

KILLS = int(os.environ.get("OUTCRY_KILLS", "3"))
"""Kills in all; by hand: OUTCRY_KILLS=100, or python -m tests.cli.kills."""


@pytest.mark.slow
def test_kills_at_random_moments_cost_no_row(tmp_path: Path) -> None:
    figures = kill(tmp_path / "kills", KILLS, 1, ["compiled", "slow_trader", "slow_llm"])
    assert figures.kills == KILLS and figures.completed >= 3 and figures.rows_checked > 0
