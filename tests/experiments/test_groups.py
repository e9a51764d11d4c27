"""Arguments that stand in groups: what is wrong is told where a group is made, and the keywords of 0.1 still work."""

from __future__ import annotations

import datetime as dt
import inspect
from pathlib import Path
from typing import Any

import pytest

import scenarios
from agents.metaorder import Metaorder
from lob.errors import InputError
from scenarios.experiments import Execution, ImpactProtocol, Players
from tests import studies
from tests.scenarios.texts import written

ORDER = Metaorder("buy", 120, "twap", start_s=120, duration_s=240, settings={"n_slices": 12})
SERIAL = Execution("serial")


def test_the_keywords_of_0_1_mean_what_the_groups_mean_and_say_so(tmp_path: Path) -> None:
    path = written(tmp_path)
    asked: dict[str, Any] = {"after_s": 60.0, "confidence": 0.9, "first_seed": 7}
    new = studies.impact(path, ORDER, pairs=3, **asked)
    with pytest.warns(DeprecationWarning) as told:
        old = scenarios.impact(path, ORDER, pairs=3, executor="serial", **asked)
    assert {str(warning.message) for warning in told} == {
        "impact(after_s=..., first_seed=..., confidence=...) is now impact(protocol=ImpactProtocol(after_s=..., "
        "first_seed=..., confidence=...)); the old keywords go in 0.3",
        "impact(executor=...) is now impact(execution=Execution(executor=...)); the old keywords go in 0.3",
    }
    assert {warning.filename for warning in told} == {__file__}
    assert old.runs.equals(new.runs) and old.confidence == new.confidence == 0.9
    with pytest.warns(DeprecationWarning, match=r"sweep\(executor=\.\.\.\) is now"):
        swept = scenarios.sweep(path, {}, [1, 2], outcomes=["volume"], executor="serial")
    assert swept.runs.equals(studies.sweep(path, {}, [1, 2], outcomes=["volume"]).runs)
    with pytest.warns(DeprecationWarning, match=r"attribute\(groups=\.\.\.\) is now attribute\(players=Players\("):
        shared = scenarios.attribute(path, "volume", seeds=[1, 2], groups={"all": ["zero"]}, execution=SERIAL)
    assert shared.groups == ("all",)
    with pytest.warns(DeprecationWarning, match=r"generate\(labels=\.\.\., first_date=\.\.\.\) is now"):
        made = scenarios.generate(
            path, tmp_path / "days", labels=False, first_date=dt.date(2025, 6, 2), execution=SERIAL
        )
    assert made.manifest["date"].to_list() == ["2025-06-02"] and not (tmp_path / "days" / "labels").exists()


def test_a_keyword_that_nobody_has_is_refused_as_ever(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=r"impact\(\) got an unexpected keyword argument 'horizon'"):
        scenarios.impact(written(tmp_path), ORDER, horizon=60)


@pytest.mark.parametrize("function", [scenarios.impact, scenarios.sweep, scenarios.attribute, scenarios.generate])
def test_a_study_has_at_most_eight_arguments(function: Any) -> None:
    kinds = [parameter.kind for parameter in inspect.signature(function).parameters.values()]
    assert len([kind for kind in kinds if kind is not inspect.Parameter.VAR_KEYWORD]) <= 8


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Execution("slurm"), "process, ray, serial"),
        (lambda: Execution(workers=0), "at least 1"),
        (lambda: ImpactProtocol(confidence=1.5), "below 1"),
        (lambda: ImpactProtocol(history_seed=3), "only with branch"),
        (lambda: Players(n_orders=0), "1 to 10,000"),
    ],
)
def test_what_cannot_be_meant_is_told_where_it_is_written(make: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        make()


def test_the_folder_of_generated_days_is_said_once(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="only as generate's own out"):
        scenarios.generate(written(tmp_path), tmp_path / "a", execution=Execution("serial", out=tmp_path / "b"))
