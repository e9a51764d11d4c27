"""What pages say first: a planted difference is told with its interval, and nothing is told where nothing is known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from scenarios.experiments import report
from scenarios.experiments.report_attribution import answer_of_attribution
from scenarios.experiments.report_sweep import answer_of_sweep
from tests.scenarios.texts import SMALL, written
from tests.studies import attribute, sweep

TWO = f"""{SMALL}
[[population]]
name = "more"
kind = "zero_intelligence"
count = 10
"""


def test_a_planted_difference_is_the_answer_and_noise_is_not(tmp_path: Path) -> None:
    found = sweep(
        written(tmp_path), {"population.zero.count": [20, 21]}, list(range(1, 13)), outcomes=["volume", "mean_spread"]
    )
    rng = np.random.default_rng(3)
    n = len(found.runs)
    is_second = found.runs["variant"].to_numpy() == 1
    luck = rng.normal(0, 5, n)
    runs = found.runs.with_columns(
        volume_lots=pl.Series(1000 + luck + 40 * is_second), mean_spread_ticks=pl.Series(2 + 0.1 * rng.normal(0, 1, n)),
        market_hash=pl.Series([str(k) for k in range(n)]),
    )  # fmt: skip
    text = answer_of_sweep(replace(found, runs=runs))
    assert (
        text.startswith("With zero.count=21 instead of zero.count=20, volume is ")
        and "lots" in text
        and "higher" in text
    )
    assert "mean spread is" not in text and "Of 2 comparisons 1 cannot be told apart from none" in text
    same = runs.with_columns(volume_lots=pl.lit(1.0) + pl.Series(luck))
    nothing = answer_of_sweep(replace(found, runs=same))
    assert nothing.startswith("Nothing measured can be told apart from zero.count=20: 2 comparisons")


def test_pages_have_question_answer_picture_and_then_what_is_folded(tmp_path: Path) -> None:
    swept = sweep(written(tmp_path), {"population.zero.count": [20, 40]}, [1, 2, 3], outcomes=["volume"])
    shared = attribute(written(tmp_path, TWO), "volume", seeds=[1, 2, 3], always=["zero"])
    for result, question in ((swept, "What does population.zero.count change in small?"),
                             (shared, "Who causes the volume of small?")):  # fmt: skip
        page = report(result, tmp_path / "page.html").read_text("utf-8")
        assert f"<h1>{question}</h1>" in page
        assert page.index('class="answer"') < page.index("<img ") < page.index("<details>")
        assert "metaorder" not in page and 'src="http' not in page


def test_an_attribution_says_whose_part_is_known_and_whose_is_not(tmp_path: Path) -> None:
    found = attribute(written(tmp_path, TWO), "volume", seeds=[1, 2, 3], always=["zero"])
    table = pl.DataFrame(
        {
            "group": ["sellers", "makers", "noise", "idle"], "value": [50.0, -20.0, 1.0, 0.0],
            "low": [40.0, -30.0, -2.0, None], "high": [60.0, -10.0, 4.0, None], "share": [1.6, -0.6, 0.0, 0.0],
            "populations": ["a", "b", "c", "d"], "is_idle": [False, False, False, True],
        }
    )  # fmt: skip
    text = answer_of_attribution(replace(found, table=table, total=(31.0, 20.0, 45.0), none=100.0, all=131.0))
    assert text.startswith("Volume is 100 lots without these groups and 131 lots with all: 31 (20, 45) more. ")
    assert "Caused by sellers +50 (+40, +60); makers -20 (-30, -10)." in text
    assert "The part of noise cannot be told apart from none. idle changes nothing." in text
