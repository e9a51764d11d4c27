"""Bootstrap intervals against scipy and their own promise; stopping rules that hold although one has looked."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from lob.errors import InputError
from scenarios.experiments import StoppingRule
from scenarios.experiments.bootstrap import bootstrap
from scenarios.experiments.sequential import confidence_sequence, pseudo_values


def ratio(means: Any) -> Any:
    return np.stack([means[..., 0] / means[..., 1], means[..., 0]], axis=-1)


def test_intervals_are_those_of_scipy_up_to_the_resampling() -> None:
    data = np.random.default_rng(1).lognormal(size=(60, 2))
    ours = bootstrap(data, ratio, n_resamples=40_000)
    for k, (columns, statistic) in enumerate(
        (
            ((data[:, 0], data[:, 1]), lambda a, b, axis: a.mean(axis) / b.mean(axis)),
            ((data[:, 0],), lambda a, axis: a.mean(axis)),
        )
    ):
        theirs: Any = stats.bootstrap(
            columns, statistic, paired=True, vectorized=True, n_resamples=40_000, method="BCa", batch=500,
            rng=np.random.default_rng(2),
        )  # fmt: skip
        width = theirs.confidence_interval.high - theirs.confidence_interval.low
        assert ours[k].low == pytest.approx(theirs.confidence_interval.low, abs=0.03 * width)
        assert ours[k].high == pytest.approx(theirs.confidence_interval.high, abs=0.03 * width)
    assert ours[0].value == data[:, 0].mean() / data[:, 1].mean()


def test_intervals_cover_the_mean_of_skewed_data_about_as_often_as_they_say() -> None:
    generator = np.random.default_rng(3)
    n, repetitions = 40, 400
    covered = 0
    for _ in range(repetitions):
        found = bootstrap(generator.exponential(size=(n, 1)), n_resamples=1000)[0]
        covered += found.low <= 1.0 <= found.high
    assert 0.90 <= covered / repetitions <= 0.98


def test_what_does_not_vary_has_a_point_for_an_interval_and_too_few_pairs_none() -> None:
    found = bootstrap(np.full((30, 1), 2.5))[0]
    assert (found.value, found.low, found.high) == (2.5, 2.5, 2.5)
    found = bootstrap(np.array([[1.0], [2.0]]))[0]
    assert found.value == 1.5 and np.isnan(found.low)
    assert np.isnan(bootstrap(np.empty((0, 1)))[0].value)


def test_no_interval_is_given_where_resamples_have_no_value() -> None:
    data = np.random.default_rng(4).normal(0.2, 1.0, size=(30, 1))

    def logarithm(means: Any) -> Any:
        return np.log(np.where(means > 0, means, np.nan))

    found = bootstrap(data, logarithm)[0]
    assert np.isfinite(found.value) and np.isnan(found.low) and np.isnan(found.high)


def test_the_same_seed_gives_the_same_interval_and_constants_shift_it() -> None:
    data = np.random.default_rng(5).normal(size=(50, 1))
    one, two, shifted = bootstrap(data)[0], bootstrap(data)[0], bootstrap(data + 1e9)[0]
    assert one == two
    assert shifted.high - shifted.low == pytest.approx(one.high - one.low, rel=1e-4)


def test_a_confidence_sequence_covers_at_all_looks_where_a_peeked_at_interval_does_not() -> None:
    generator = np.random.default_rng(6)
    looks, repetitions, budget = range(30, 601, 10), 400, 600
    ever_missed = {"sequence": 0, "peeked at": 0}
    for _ in range(repetitions):
        values = generator.exponential(size=budget)
        intervals = [confidence_sequence(values[:n], budget) for n in looks]
        ever_missed["sequence"] += any(not i.low <= 1.0 <= i.high for i in intervals)
        halves = [1.96 * values[:n].std(ddof=1) / n**0.5 for n in looks]
        ever_missed["peeked at"] += any(abs(values[:n].mean() - 1.0) > h for n, h in zip(looks, halves, strict=True))
    assert ever_missed["sequence"] / repetitions < 0.08
    assert ever_missed["peeked at"] / repetitions > 0.2


def test_a_confidence_sequence_narrows_and_is_about_half_as_wide_again_as_one_look() -> None:
    values = np.random.default_rng(7).normal(size=1000)
    widths = [
        confidence_sequence(values[:n], 1000).high - confidence_sequence(values[:n], 1000).low for n in (50, 1000)
    ]
    assert widths[1] < 0.4 * widths[0]
    assert 1.3 < widths[1] / (2 * 1.96 / 1000**0.5) < 1.8


def test_pseudo_values_have_the_estimate_as_their_mean_to_first_order() -> None:
    data = np.random.default_rng(8).lognormal(size=(400, 2))
    pseudo = pseudo_values(data, ratio, 0)
    assert pseudo.mean() == pytest.approx(ratio(data.mean(axis=0))[0], rel=0.01)
    assert pseudo_values(data, lambda m: m, 1) == pytest.approx(data[:, 1])


@pytest.mark.parametrize("wrong", [{"half_width": 0.0}, {"half_width": float("nan")}, {"half_width": 1.0, "batch": 0}])
def test_a_rule_must_be_able_to_stop(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="allowed"):
        StoppingRule("impact_end", **wrong)
