"""Draws keyed by events behave as independent uniform numbers, whichever way one walks through the keys.

All keys are fixed, so each statistical test either passes for ever or fails for ever.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

from sim.distributions import Distribution, draw
from sim.rng import (
    agent_key,
    draw_key,
    exp_portable,
    expm1_portable,
    log1p_portable,
    log_portable,
    mix,
    normal_quantile,
    raw_uniform,
    time_weighted_by_decay,
)

Floats = npt.NDArray[np.float64]
Words = npt.NDArray[np.uint64]
N = 20_000
P_MIN = 1e-4
"""Smallest p value that passes: with some fifty tests, one fixed set of keys should not go below."""


@numba.njit
def draws(keys: Any, n: int) -> Any:
    """Draws 0 .. n-1 of every key, shape (keys, n)."""
    table = np.empty((len(keys), n))
    for row in range(len(keys)):
        for index in range(n):
            table[row, index] = raw_uniform(keys[row], index)
    return table


@numba.njit
def decision_keys(key: int, n: int, stream: int) -> Any:
    """Keys of decisions 0 .. n-1 of one agent."""
    keys = np.empty(n, np.uint64)
    for decision in range(n):
        keys[decision] = draw_key(key, decision, stream)
    return keys


@numba.njit
def mixed(words: Any) -> Any:
    """`mix` of every word."""
    out = np.empty_like(words)
    for k in range(len(words)):
        out[k] = mix(words[k])
    return out


@numba.njit
def transformed(x: Any, which: int) -> Any:
    """log, exp, normal quantile, log1p and expm1 (0 to 4) of every element."""
    out = np.empty_like(x)
    for k in range(len(x)):
        if which == 0:
            out[k] = log_portable(x[k])
        elif which == 1:
            out[k] = exp_portable(x[k])
        elif which == 2:
            out[k] = normal_quantile(x[k])
        elif which == 3:
            out[k] = log1p_portable(x[k])
        else:
            out[k] = expm1_portable(x[k])
    return out


AGENT = np.uint64(agent_key(1, "noise", 0))
NEIGHBOURS: Words = np.array([agent_key(1, "noise", k) for k in range(N)], np.uint64)


def within_one_decision() -> Floats:
    return draws(np.array([draw_key(AGENT, 5, 0)], np.uint64), N)[0]


def over_the_decisions_of_an_agent() -> Floats:
    return draws(decision_keys(AGENT, N, 0), 1)[:, 0]


def over_the_triggered_decisions_of_an_agent() -> Floats:
    return draws(decision_keys(AGENT, N, 1), 3)[:, 2]


def over_the_agents_of_a_population() -> Floats:
    return draws(mixed(NEIGHBOURS), 1)[:, 0]


def over_agents_with_keys_in_a_row() -> Floats:
    """No agent has such a key, yet even then the finaliser must hide it."""
    return draws(np.arange(N, dtype=np.uint64), 1)[:, 0]


def over_seeds() -> Floats:
    keys = np.array([agent_key(seed, "noise", 3) for seed in range(N)], np.uint64)
    return draws(keys, 1)[:, 0]


WALKS = [
    within_one_decision,
    over_the_decisions_of_an_agent,
    over_the_triggered_decisions_of_an_agent,
    over_the_agents_of_a_population,
    over_agents_with_keys_in_a_row,
    over_seeds,
]


@pytest.mark.parametrize("walk", WALKS)
def test_draws_are_uniform(walk: Any) -> None:
    u = walk()
    assert stats.kstest(u, "uniform").pvalue > P_MIN
    counts = np.histogram(u, bins=256, range=(0, 1))[0]
    assert stats.chisquare(counts).pvalue > P_MIN


@pytest.mark.parametrize("walk", WALKS)
def test_the_last_digits_of_draws_are_uniform_too(walk: Any) -> None:
    digits = (walk() * 2.0**52).astype(np.uint64) & np.uint64(0xFF)
    assert stats.chisquare(np.bincount(digits, minlength=256)).pvalue > P_MIN


@pytest.mark.parametrize("walk", WALKS)
def test_draws_in_a_row_are_not_correlated(walk: Any) -> None:
    u = walk() - 0.5
    for lag in (1, 2, 3, 7, 64):
        correlation = 12 * np.mean(u[:-lag] * u[lag:])
        assert abs(correlation) < 4.5 / np.sqrt(N), lag


@pytest.mark.parametrize("walk", WALKS)
def test_pairs_of_draws_fill_the_square_evenly(walk: Any) -> None:
    u = walk()
    pairs = np.histogram2d(u[0::2], u[1::2], bins=16, range=[[0, 1], [0, 1]])[0]
    assert stats.chisquare(pairs.ravel()).pvalue > P_MIN


def test_neighbouring_agents_decisions_and_purposes_are_independent_of_each_other() -> None:
    n = 400
    table = np.stack([draws(decision_keys(key, n, 0), 8) for key in NEIGHBOURS[:20]])
    flat = table.reshape(20, -1)  # agents
    assert_uncorrelated(flat)
    assert_uncorrelated(table.transpose(2, 0, 1).reshape(8, -1))  # purposes
    assert_uncorrelated(table.transpose(1, 0, 2).reshape(n, -1)[:40])  # decisions


def assert_uncorrelated(rows: Floats) -> None:
    """Largest of all pairwise correlations below what chance allows for so many pairs."""
    correlations = np.corrcoef(rows)[np.triu_indices(len(rows), 1)]
    limit = stats.norm.isf(P_MIN / len(correlations) / 2) / np.sqrt(rows.shape[1])
    assert np.abs(correlations).max() < limit


def test_timer_triggered_and_set_up_decisions_of_the_same_number_draw_apart() -> None:
    streams = np.stack([draws(decision_keys(AGENT, N, stream), 1)[:, 0] for stream in range(3)])
    assert_uncorrelated(streams)
    assert len(np.unique(streams)) == streams.size


def test_every_bit_of_a_key_is_set_half_of_the_time() -> None:
    for words in (decision_keys(AGENT, N, 0), mixed(np.arange(N, dtype=np.uint64)), NEIGHBOURS):
        ones = np.array([(words >> np.uint64(bit) & np.uint64(1)).sum() for bit in range(64)])
        z = (ones - N / 2) / np.sqrt(N / 4)
        assert np.abs(z).max() < 4.5


def test_flipping_one_bit_flips_half_of_the_bits_of_the_result() -> None:
    words = NEIGHBOURS[:2000]
    plain = mixed(words)
    for bit in range(64):
        changed = plain ^ mixed(words ^ (np.uint64(1) << np.uint64(bit)))
        flips = np.array([(changed >> np.uint64(out) & np.uint64(1)).mean() for out in range(64)])
        assert np.abs(flips - 0.5).max() < 5.5 * 0.5 / np.sqrt(len(words)), bit


def test_mix_is_a_bijection_as_published() -> None:
    """First outputs of splitmix64 from seed 1234567 (Vigna's reference implementation)."""
    golden = 0x9E3779B97F4A7C15
    states = np.array([(1234567 + (k + 1) * golden) % 2**64 for k in range(3)], np.uint64)
    expected = [6457827717110365317, 3203168211198807973, 9817491932198370423]
    assert mixed(states).tolist() == expected


def test_keys_of_a_population_are_all_different_and_depend_on_seed_name_and_index() -> None:
    assert len(np.unique(NEIGHBOURS)) == N
    assert len({agent_key(1, "a", 1), agent_key(2, "a", 1), agent_key(1, "b", 1)}) == 3


def unmixed(word: int) -> int:
    """The word that `mix` turns into this one."""

    def unshift(z: int, by: int) -> int:
        return z ^ (z >> by) ^ (z >> 2 * by)

    z = unshift(word, 31) * pow(0x94D049BB133111EB, -1, 2**64) % 2**64
    z = unshift(z, 27) * pow(0xBF58476D1CE4E5B9, -1, 2**64) % 2**64
    return unshift(z, 30)


@pytest.mark.parametrize("word", [0, 2**64 - 1])
def test_even_the_smallest_and_the_largest_draw_lie_inside_of_zero_and_one(word: int) -> None:
    assert mixed(np.array([unmixed(word)], np.uint64))[0] == word
    key = np.array([(unmixed(word) - 0x9E3779B97F4A7C15) % 2**64], np.uint64)
    u = draws(key, 1)[0, 0]
    assert 0.0 < u < 1.0
    assert np.isfinite(normal_quantile(u))
    assert abs(u - (word > 0)) == 2.0**-53


# ---- transformations --------------------------------------------------------------------------------


def ulps(found: Floats, expected: Floats) -> Floats:
    return np.abs(found - expected) / np.spacing(np.abs(expected))


def test_the_portable_logarithm_is_exact_to_two_units_in_the_last_place() -> None:
    spread = np.exp(np.random.default_rng(0).uniform(-700, 700, 100_000))
    near_one = 1 + np.random.default_rng(1).uniform(-1e-3, 1e-3, 20_000)
    x = np.concatenate([spread, within_one_decision(), near_one, [2.0**-52, 0.5, 2.0, 1e300]])
    exact = x != 1.0
    assert ulps(transformed(x[exact], 0), np.log(x[exact])).max() <= 2
    assert log_portable(1.0) == 0.0


def test_the_portable_exponential_is_exact_to_two_units_in_the_last_place() -> None:
    x = np.random.default_rng(2).uniform(-699, 699, 100_000)
    small = np.random.default_rng(3).uniform(-2, 2, 100_000)
    for values in (x, small):
        assert ulps(transformed(values, 1), np.exp(values)).max() <= 2
    assert exp_portable(0.0) == 1.0
    assert exp_portable(-1000.0) == 0.0
    assert np.isfinite(exp_portable(1000.0))


def test_logarithm_and_exponential_keep_their_digits_next_to_zero() -> None:
    tiny = 10.0 ** np.random.default_rng(4).uniform(-300, -1, 50_000)
    near = np.random.default_rng(5).uniform(-0.9, 0.9, 50_000)
    for x in (tiny, -tiny, near):
        assert ulps(transformed(x, 3), np.log1p(x)).max() <= 4
        assert ulps(transformed(x, 4), np.expm1(x)).max() <= 4
    assert log1p_portable(0.0) == 0.0 and expm1_portable(0.0) == 0.0
    assert expm1_portable(-1000.0) == -1.0


@pytest.mark.parametrize("rate", [0.0, 1e-320, 1e-17, 1e-16, 1e-12, 1e-6, 1e-3, 0.5, 40.0])
def test_time_weighted_by_a_decay_is_its_integral_at_any_rate(rate: float) -> None:
    for elapsed in (1e-9, 0.25, 1.0, 175.0, 23_400.0):
        exact = elapsed if rate * elapsed < 1e-300 else -np.expm1(-rate * elapsed) / rate
        assert time_weighted_by_decay(rate, elapsed) == pytest.approx(exact, rel=1e-14)
    assert time_weighted_by_decay(rate, 0.0) == 0.0


def test_the_normal_quantile_agrees_with_scipy_into_the_far_tails() -> None:
    p = np.concatenate([np.linspace(1e-6, 1 - 1e-6, 100_001), 10.0 ** -np.arange(6.0, 17.0)])
    assert np.allclose(transformed(p, 2), stats.norm.ppf(p), rtol=1e-13, atol=1e-15)


def test_normal_and_exponential_draws_follow_their_laws() -> None:
    u = over_the_decisions_of_an_agent()
    assert stats.kstest(transformed(u, 2), "norm").pvalue > P_MIN
    assert stats.kstest(-transformed(u, 0), "expon").pvalue > P_MIN


@pytest.mark.parametrize(
    ("setting", "law"),
    [
        (Distribution(uniform=(2, 5)), stats.uniform(2, 3)),
        (Distribution(normal=(10, 3)), stats.norm(10, 3)),
        (Distribution(lognormal=(7, 0.5)), stats.lognorm(0.5, scale=7)),
        (Distribution(exponential=4), stats.expon(scale=4)),
    ],
)
def test_settings_drawn_per_agent_follow_their_distribution(setting: Any, law: Any) -> None:
    values = [draw(setting, np.uint64(draw_key(key, 0, 2)), 3) for key in NEIGHBOURS[:2000]]
    assert stats.kstest(values, law.cdf).pvalue > P_MIN


def test_a_choice_is_drawn_evenly_and_bounds_cut_off() -> None:
    values = [draw(Distribution(choice=(1, 2, 5)), key, 0) for key in NEIGHBOURS[:3000]]
    assert stats.chisquare(np.unique(values, return_counts=True)[1]).pvalue > P_MIN
    cut = [draw(Distribution(normal=(0, 9), min=-1, max=1), key, 0) for key in NEIGHBOURS[:99]]
    assert min(cut) == -1 and max(cut) == 1
