"""The fundamental value: its laws are exact, and worlds that differ in who trades share it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy import stats

from lob.errors import InputError
from lob.units import HOUR_NS, SECOND_NS
from sim.fundamental import ConstantValue, OrnsteinUhlenbeck, SparseMeanReverting, ValueFromFile
from tests.sim.markets import OPEN_NS, lively_populations, market_of, zero_intelligence_traders

P_MIN = 1e-4


def path_of(process: Any, seed: int = 1, symbol: str = "STOCK", length_ns: int = HOUR_NS) -> np.ndarray:
    return np.asarray(process.grid(seed, symbol, OPEN_NS, OPEN_NS + length_ns))


def test_a_constant_value_never_moves() -> None:
    assert set(path_of(ConstantValue(123.5))) == {123.5}


def test_the_path_starts_at_its_mean_and_has_a_point_for_every_step_up_to_the_close() -> None:
    path = path_of(OrnsteinUhlenbeck(500.0, step_ns=SECOND_NS // 2))
    assert path[0] == 500.0
    assert len(path) == 2 * 3600 + 1


@pytest.mark.parametrize("kappa", [0.0, 1e-3, 0.5, 20.0])
def test_each_step_has_the_exact_transition_law(kappa: float) -> None:
    """V(t+dt) given V(t) is normal with the mean and the variance of the continuous process."""
    mean, sigma, dt = 1000.0, 3.0, 0.25
    process = OrnsteinUhlenbeck(mean, kappa, sigma, step_ns=SECOND_NS // 4)
    path = path_of(process) - mean
    variance = sigma**2 * (dt if kappa == 0 else -np.expm1(-2 * kappa * dt) / (2 * kappa))
    z = (path[1:] - np.exp(-kappa * dt) * path[:-1]) / np.sqrt(variance)
    assert stats.kstest(z, "norm").pvalue > P_MIN
    assert abs(np.corrcoef(z[:-1], z[1:])[0, 1]) < 4 / np.sqrt(len(z))


@pytest.mark.parametrize("kappa", [1e-300, 1e-17, 1e-16, 1e-15, 1e-12])
def test_next_to_no_reversion_is_the_random_walk_of_no_reversion(kappa: float) -> None:
    """A decay that rounds to 1 must not take the volatility with it."""
    walk = path_of(OrnsteinUhlenbeck(100_000.0, 0.0, 5.0))
    assert np.allclose(path_of(OrnsteinUhlenbeck(100_000.0, kappa, 5.0)), walk, rtol=0, atol=1e-4)
    low, high = np.sqrt(np.array(stats.chi2.interval(1 - P_MIN, 3600)) / 3600)
    assert low < np.diff(walk).std() / 5.0 < high
    sparse = SparseMeanReverting(100_000.0, kappa, 5.0, jumps_per_s=0.0)
    assert np.allclose(path_of(sparse), walk, rtol=0, atol=1e-4)


def test_the_stationary_law_is_reached_and_kept() -> None:
    """Every 5 mean-reversion times the path is as good as a fresh draw of N(mean, sigma^2 / 2 kappa)."""
    path = path_of(OrnsteinUhlenbeck(1000.0, 0.5, 3.0), length_ns=6 * HOUR_NS)[10::10]
    assert stats.kstest(path, stats.norm(1000.0, 3.0 / np.sqrt(2 * 0.5)).cdf).pvalue > P_MIN


def test_the_law_at_a_time_does_not_depend_on_the_step_of_the_grid() -> None:
    kappa, sigma, horizon_s = 0.3, 2.0, 4
    exact = sigma**2 * -np.expm1(-2 * kappa * horizon_s) / (2 * kappa)
    for steps_per_s in (1, 8):
        process = OrnsteinUhlenbeck(0.0, kappa, sigma, step_ns=SECOND_NS // steps_per_s)
        ends = [path_of(process, seed, length_ns=horizon_s * SECOND_NS)[-1] for seed in range(1500)]
        low, high = stats.chi2.interval(1 - P_MIN, 1500)
        assert low < np.sum(np.square(ends)) / exact < high


def jumps_only(**fields: float) -> SparseMeanReverting:
    return SparseMeanReverting(1000.0, 0.01, 0.0, **fields)


def test_jumps_come_as_a_poisson_process_of_either_sign_and_of_the_given_size() -> None:
    process = jumps_only(jumps_per_s=0.01, jump_mean_ticks=100.0, jump_sd_ticks=10.0)
    path = path_of(process, length_ns=20 * HOUR_NS) - 1000.0
    moves = path[1:] - path[:-1] * np.exp(-0.01)
    sizes = moves[np.abs(moves) > 1e-6]
    expected = 0.01 * 20 * 3600
    assert abs(len(sizes) - expected) < 4 * np.sqrt(expected)
    assert abs(np.sum(np.sign(sizes))) < 4 * np.sqrt(len(sizes))
    # A jump decays for up to one step before the grid sees it: at most 1 %.
    assert abs(np.median(np.abs(sizes)) - 100 * np.exp(-0.005)) < 4 * 1.25 * 10 / np.sqrt(len(sizes))
    waits = np.diff(np.flatnonzero(np.abs(moves) > 1e-6))
    assert abs(waits.mean() - 100) < 4 * 100 / np.sqrt(len(waits))


def test_a_jump_decays_with_the_process() -> None:
    process = jumps_only(jumps_per_s=1e-3, jump_mean_ticks=100.0, jump_sd_ticks=0.0)
    path = path_of(process) - 1000.0
    after = np.flatnonzero(path)[0]
    quiet = path[after : after + 60]
    assert np.allclose(quiet, quiet[0] * np.exp(-0.01 * np.arange(60)), rtol=1e-12)
    assert 99 < abs(quiet[0]) <= 100


def test_without_jumps_the_sparse_process_is_the_plain_one() -> None:
    sparse = SparseMeanReverting(1000.0, 0.1, 2.0, jumps_per_s=0.0)
    assert (path_of(sparse) == path_of(OrnsteinUhlenbeck(1000.0, 0.1, 2.0))).all()


def test_paths_differ_between_seeds_and_between_symbols() -> None:
    process = OrnsteinUhlenbeck()
    one, again = path_of(process, 1), path_of(process, 1)
    assert (one == again).all()
    assert (one[1:] != path_of(process, 2)[1:]).all()
    assert (one[1:] != path_of(process, 1, "OTHER")[1:]).all()


def test_markets_that_differ_in_who_trades_share_the_value() -> None:
    def values(populations: Any) -> np.ndarray:
        market = market_of(populations, value=OrnsteinUhlenbeck(1000.0))
        symbol = market.world.symbols[0]
        n = int(symbol["first_value"] + symbol["n_values"])
        return market.world.table("floats", n)["value"][int(symbol["first_value"]) :].copy()

    first = values([zero_intelligence_traders(3)])
    assert len(first) == 61
    assert (first == values(lively_populations())).all()
    assert (first == path_of(OrnsteinUhlenbeck(1000.0), length_ns=60 * SECOND_NS)).all()


# ---- values from a file -----------------------------------------------------------------------------


TIMES_S = [0.0, 1.5, 2.0, 10.0]
VALUES = [100.0, 101.5, 99.0, 98.0]


def written(path: Path, times: Any = None, values: Any = None) -> Path:
    times = [OPEN_NS + int(t * SECOND_NS) for t in TIMES_S] if times is None else times
    table = pl.DataFrame({"time_ns": times, "value_ticks": VALUES if values is None else values}, strict=False)
    if path.suffix == ".parquet":
        table.write_parquet(path)
    else:
        table.write_csv(path)
    return path


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_file_gives_the_last_value_at_or_before_each_time(tmp_path: Path, suffix: str) -> None:
    path = written(tmp_path / f"value{suffix}")
    found = path_of(ValueFromFile(str(path)), length_ns=11 * SECOND_NS)
    assert found.tolist() == [100, 100, 99, 99, 99, 99, 99, 99, 99, 99, 98, 98]


BAD_FILES = {
    "times that go back": ({"times": [OPEN_NS, OPEN_NS + 5, OPEN_NS + 3, OPEN_NS + 9]}, "ascending"),
    "a time given twice": ({"times": [OPEN_NS, OPEN_NS, OPEN_NS + 3, OPEN_NS + 9]}, "ascending"),
    "a missing time": ({"times": [OPEN_NS, None, OPEN_NS + 3, OPEN_NS + 9]}, "time_ns"),
    "a missing value": ({"values": [1.0, None, 3.0, 4.0]}, "finite"),
    "an infinite value": ({"values": [1.0, float("inf"), 3.0, 4.0]}, "finite"),
    "no row": ({"times": [], "values": []}, "at least one row"),
    "a late start": ({"times": [OPEN_NS + k for k in (1, 2, 3, 4)]}, "after the open"),
    "words": ({"values": ["1", "two", "3", "4"]}, "must be numbers"),
}


@pytest.mark.parametrize("what", BAD_FILES)
@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_bad_file_is_refused_in_one_line_that_names_it(tmp_path: Path, suffix: str, what: str) -> None:
    columns, words = BAD_FILES[what]
    path = written(tmp_path / f"bad{suffix}", **columns)
    with pytest.raises(InputError, match=words) as refusal:
        path_of(ValueFromFile(str(path)))
    assert str(path) in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_file_that_is_missing_or_is_no_table_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere\.csv: not found"):
        path_of(ValueFromFile(str(tmp_path / "nowhere.csv")))
    other = tmp_path / "other.csv"
    other.write_text("when,what\n1,2\n")
    with pytest.raises(InputError, match=r"no column time_ns, value_ticks; has .*when"):
        path_of(ValueFromFile(str(other)))
    for name in ("noise.parquet", "noise.csv"):
        noise = tmp_path / name
        noise.write_bytes(bytes(range(256)) * 4)
        with pytest.raises(InputError) as refusal:
            path_of(ValueFromFile(str(noise)))
        assert "\n" not in str(refusal.value)
