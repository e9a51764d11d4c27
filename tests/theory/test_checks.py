"""The theory bench itself, with small samples: it runs, its rows are complete, and a wrong model does not pass."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from agents.background import hawkes
from bench.theory.checks import cont_de_larrard, gode_sunder
from bench.theory.checks.hawkes import events_of, residuals
from bench.theory.markets import one_agent, theory_market
from bench.theory.report import write_page
from bench.theory.rows import Row


@pytest.mark.parametrize("check", [cont_de_larrard, gode_sunder])
def test_a_check_with_small_samples_passes(check: Any) -> None:
    rows = list(check.measure(quick=True))
    assert rows
    assert all(row.passed for row in rows if row.rule == "interval covers")
    assert all(row.low <= row.estimate <= row.high for row in rows)


def test_residuals_of_the_wrong_model_are_refused() -> None:
    settings = hawkes.Hawkes()
    market = theory_market([one_agent("flow", hawkes.policy, settings)], 3_000, 7)
    market.run()
    times, types = events_of(market.tape[market.tape["time_ns"] > 10**6])
    wrong = hawkes.Hawkes(decay=tuple(0.3 * beta for beta in settings.decay), excitation=tuple(
        tuple(0.3 * a for a in row) for row in settings.excitation))  # fmt: skip
    right, misfit = residuals(times, types, settings), residuals(times, types, wrong)
    limit = np.flatnonzero(types == 2)[1:]
    assert stats.kstest(right[limit], "expon").pvalue > 1e-3
    assert stats.kstest(misfit[limit], "expon").pvalue < 1e-6


def test_the_page_says_plainly_what_was_missed(tmp_path: Path) -> None:
    rows = [
        Row("good", "a law", 1.0, 0.9, 1.1, 1.0, "interval covers", True, "n = 5"),
        Row("bad", "another", 2.0, 1.9, 2.1, 1.0, "interval covers", False),
    ]
    page = tmp_path / "theory.md"
    write_page(page, rows, [("picture.png", "a picture")])
    text = page.read_text()
    assert "1 of 2 rows pass" in text
    assert "**missed**" in text
    assert "theory/picture.png" in text
