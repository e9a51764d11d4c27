"""The fundamental value of an instrument, drawn up front on a time grid.

Drawn before the first event and from its own key, so that worlds that differ in what agents do share it exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numba import uint64

from lob.compiled import kernel
from lob.errors import InputError
from lob.units import SECOND_NS
from sim.rng import (
    agent_key,
    exp_portable,
    log_portable,
    normal_quantile,
    raw_uniform,
    time_weighted_by_decay,
)

__all__ = [
    "ConstantValue",
    "Fundamental",
    "OrnsteinUhlenbeck",
    "SparseMeanReverting",
    "ValueFromFile",
    "WithJumps",
]

Grid = np.ndarray[Any, np.dtype[np.float64]]


class Fundamental:
    """Base of the value processes: `grid` returns the value in ticks at open, open + step, ... up to the close."""

    step_ns: int = SECOND_NS

    def grid(self, seed: int, symbol: str, open_ns: int, close_ns: int) -> Grid:
        """Return the values in ticks, shape (n,), on the grid open_ns + k * step_ns."""
        raise NotImplementedError

    def memory(self, steps: np.ndarray[Any, Any]) -> Grid:
        """Return what is left of a displacement after each number of steps; 1: all, for processes without reversion."""
        return np.ones(len(steps))

    def n_steps(self, open_ns: int, close_ns: int) -> int:
        """Number of grid points."""
        return (close_ns - open_ns) // self.step_ns + 1


@dataclass(frozen=True)
class ConstantValue(Fundamental):
    """A value that never moves."""

    value_ticks: float = 10_000.0
    step_ns: int = SECOND_NS

    def grid(self, seed: int, symbol: str, open_ns: int, close_ns: int) -> Grid:
        """Return a single value; times after the last grid point keep it."""
        return np.array([self.value_ticks])


@kernel
def _mean_reverting(key: int, n: int, start: float, mean: float, decay: float, step_sd: float) -> Any:
    """Exact discretisation of an Ornstein-Uhlenbeck process on a regular grid."""
    values = np.empty(n)
    value = start
    for k in range(n):
        values[k] = value
        value = mean + (value - mean) * decay + step_sd * normal_quantile(raw_uniform(uint64(key), k))
    return values


@dataclass(frozen=True)
class OrnsteinUhlenbeck(Fundamental):
    """dV = kappa (mean - V) dt + sigma dW, started at its mean.

    Attributes:
        mean_ticks: long-run mean.
        kappa_per_s: speed of mean reversion per second; 0: a Brownian motion.
        sigma_ticks_per_sqrt_s: volatility.
    """

    mean_ticks: float = 10_000.0
    kappa_per_s: float = 1e-3
    sigma_ticks_per_sqrt_s: float = 0.5
    step_ns: int = SECOND_NS

    def grid(self, seed: int, symbol: str, open_ns: int, close_ns: int) -> Grid:
        """Draw the path with the exact transition law of a step."""
        dt = self.step_ns / SECOND_NS
        decay, sd = _transition(self.kappa_per_s, self.sigma_ticks_per_sqrt_s, dt)
        key: Any = np.uint64(agent_key(seed, f"fundamental/{symbol}", 0))
        n = self.n_steps(open_ns, close_ns)
        path: Grid = _mean_reverting(key, n, self.mean_ticks, self.mean_ticks, decay, sd)
        return path

    def memory(self, steps: np.ndarray[Any, Any]) -> Grid:
        """Return the decay of a displacement by mean reversion."""
        return np.exp(-self.kappa_per_s * steps * (self.step_ns / SECOND_NS))


def _transition(kappa: float, sigma: float, dt: float) -> tuple[float, float]:
    """Return (decay, standard deviation) of one exact step of length dt."""
    return float(exp_portable(-kappa * dt)), sigma * float(np.sqrt(time_weighted_by_decay(2.0 * kappa, dt)))


@kernel
def _decaying(impulses: Any, decay: float) -> Any:
    """Sum of impulses that each decay by the same factor a step."""
    values = np.empty(len(impulses))
    value = 0.0
    for k in range(len(impulses)):
        value = value * decay + impulses[k]
        values[k] = value
    return values


@dataclass(frozen=True)
class SparseMeanReverting(Fundamental):
    """An Ornstein-Uhlenbeck process with rare large jumps.

    As the sparse mean-reverting oracle of ABIDES (Byrd, Hybinette, Balch 2020): jumps come as a Poisson process; a
    jump is +-N(jump_mean, jump_sd^2), with either sign equally likely, and decays with the process.

    Attributes:
        jumps_per_s: rate of jumps.
        jump_mean_ticks, jump_sd_ticks: size of a jump.
    """

    mean_ticks: float = 100_000.0
    kappa_per_s: float = 1.67e-7
    sigma_ticks_per_sqrt_s: float = 0.0
    jumps_per_s: float = 2.77778e-9
    jump_mean_ticks: float = 1000.0
    jump_sd_ticks: float = 223.6
    step_ns: int = SECOND_NS

    def grid(self, seed: int, symbol: str, open_ns: int, close_ns: int) -> Grid:
        """Draw the diffusion, then add each jump and its decay."""
        base = OrnsteinUhlenbeck(self.mean_ticks, self.kappa_per_s, self.sigma_ticks_per_sqrt_s, self.step_ns)
        path = base.grid(seed, symbol, open_ns, close_ns)
        key: Any = np.uint64(agent_key(seed, f"fundamental jumps/{symbol}", 0))
        impulses = np.zeros(len(path))
        elapsed_s, index = 0.0, 0
        total_s = (close_ns - open_ns) / SECOND_NS
        dt = self.step_ns / SECOND_NS
        while self.jumps_per_s > 0:
            elapsed_s += -float(log_portable(float(raw_uniform(key, 3 * index)))) / self.jumps_per_s
            if elapsed_s > total_s:
                break
            size = self.jump_mean_ticks + self.jump_sd_ticks * float(
                normal_quantile(float(raw_uniform(key, 3 * index + 1)))
            )
            sign = 1.0 if float(raw_uniform(key, 3 * index + 2)) < 0.5 else -1.0
            first = int(np.ceil(elapsed_s / dt))
            if first < len(path):
                impulses[first] += sign * size * float(exp_portable(-self.kappa_per_s * (first * dt - elapsed_s)))
            index += 1
        decayed: Grid = _decaying(impulses, float(exp_portable(-self.kappa_per_s * dt)))
        return path + decayed

    def memory(self, steps: np.ndarray[Any, Any]) -> Grid:
        """Return the decay of a displacement by mean reversion."""
        return np.exp(-self.kappa_per_s * steps * (self.step_ns / SECOND_NS))


@dataclass(frozen=True)
class ValueFromFile(Fundamental):
    """Values from a CSV or Parquet file with columns time_ns (since midnight, ascending) and value_ticks."""

    path: str = ""
    step_ns: int = SECOND_NS

    def grid(self, seed: int, symbol: str, open_ns: int, close_ns: int) -> Grid:
        """Return the last file value at or before each grid time; raise InputError if the file cannot serve."""
        import polars as pl

        path = Path(self.path)
        try:
            table = pl.read_parquet(path) if path.suffix == ".parquet" else pl.read_csv(path)
        except FileNotFoundError:
            raise InputError(f"fundamental file {path}: not found") from None
        except Exception as error:
            raise InputError(f"fundamental file {path}: cannot be read ({str(error).splitlines()[0]})") from None
        missing = {"time_ns", "value_ticks"} - set(table.columns)
        if missing:
            raise InputError(f"fundamental file {path}: no column {', '.join(sorted(missing))}; has {table.columns}")
        try:
            times = table["time_ns"].cast(pl.Int64).to_numpy()
            values = table["value_ticks"].cast(pl.Float64).to_numpy()
        except pl.exceptions.PolarsError:
            raise InputError(f"fundamental file {path}: time_ns and value_ticks must be numbers") from None
        if table["time_ns"].null_count():
            raise InputError(f"fundamental file {path}: time_ns is missing in {table['time_ns'].null_count()} rows")
        if len(times) == 0 or (np.diff(times) <= 0).any() or not np.isfinite(values).all():
            raise InputError(f"fundamental file {path}: needs at least one row, ascending time_ns, finite values")
        if times[0] > open_ns:
            raise InputError(f"fundamental file {path}: starts at {times[0]} ns, after the open at {open_ns} ns")
        grid_ns = open_ns + np.arange(self.n_steps(open_ns, close_ns)) * self.step_ns
        return np.ascontiguousarray(values[np.searchsorted(times, grid_ns, side="right") - 1])


@dataclass(frozen=True)
class WithJumps(Fundamental):
    """Another process, moved for good at set times.

    Attributes:
        base: the process.
        jumps: (time in ns since midnight, ticks) of each move; it shows from the next grid point on.
    """

    base: Fundamental
    jumps: tuple[tuple[int, float], ...] = ()

    @property
    def step_ns(self) -> int:  # type: ignore[override]
        """Grid step of the process."""
        return self.base.step_ns

    def memory(self, steps: np.ndarray[Any, Any]) -> Grid:
        """Return the decay of a displacement of the process."""
        return self.base.memory(steps)

    def grid(self, seed: int, symbol: str, open_ns: int, close_ns: int) -> Grid:
        """Return the process with its moves."""
        path = self.base.grid(seed, symbol, open_ns, close_ns)
        n = self.n_steps(open_ns, close_ns)
        # A process that never moves gives a single value.
        path = np.concatenate([path, np.full(n - len(path), path[-1])]) if len(path) < n else path.copy()
        for time_ns, ticks in self.jumps:
            path[max(0, -(-(time_ns - open_ns) // self.step_ns)) :] += ticks
        return path
