"""Cont, Stoikov and Talreja 2010 through the engine: Tables 3 and 5, queues that grow, a frozen level, time units."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np
from scipy import stats

from agents.background import cont_stoikov_talreja as model
from bench.theory.checks import _spread_maker as maker
from bench.theory.markets import DAY_S, MID_TICKS, one_agent, theory_market
from bench.theory.oracles.cont_stoikov_talreja import (
    CstRates,
    probability_both_filled,
    probability_mid_up,
    probability_queue_grows,
)
from bench.theory.oracles.intervals import proportion_interval, sidak_level
from bench.theory.rows import Row, covers, exactly
from lob.types import EventKind
from lob.units import SECOND_NS

__all__ = ["measure"]

N_QUEUES = 5
MAX_ERROR = 0.003
TRIALS = 28_000
"""Independent trials of a cell: a standard error of sqrt(.25 / 28,000) = .00299 at most."""
RATES = CstRates()
Rows = np.ndarray[Any, Any]


def _flow(**settings: Any) -> Any:
    return one_agent("flow", model.policy, model.ContStoikovTalreja(**settings))


class _MidMoves:
    """A sink that counts, for each pair of best queues at a spread of one tick, where the midpoint goes next.

    A stretch between two moves of the midpoint gives one trial to each pair that it visits, at its first visit: by the
    Markov property these are independent with the exact probability.
    """

    def __init__(self) -> None:
        self.up, self.trials = np.zeros((2, N_QUEUES + 1, N_QUEUES + 1), np.int64)
        self.grows, self.changes = np.zeros((2, N_QUEUES + 1), np.int64)
        self._rest: Rows | None = None

    def __call__(self, rows: Rows) -> None:
        if self._rest is not None:
            rows = np.concatenate([self._rest, rows])
        twice_mid = rows["bid_ticks"].astype(np.int64) + rows["ask_ticks"]
        moves = np.flatnonzero(np.diff(twice_mid)) + 1
        if len(moves) < 2:
            self._rest = rows.copy()
            return
        # Whole stretches only; the last one waits for its end.
        self._rest = rows[moves[-1] :].copy()
        stretch = np.zeros(moves[-1], np.int64)
        stretch[moves[:-1]] = 1
        stretch = np.cumsum(stretch)
        went_up = twice_mid[moves] > twice_mid[moves - 1]
        rows = rows[: moves[-1]]
        bid, ask = rows["bid_lots"], rows["ask_lots"]
        tight = rows["ask_ticks"] - rows["bid_ticks"] == 1
        small = tight & (bid <= N_QUEUES) & (ask <= N_QUEUES)
        key = (stretch[small] * (N_QUEUES + 1) + bid[small]) * (N_QUEUES + 1) + ask[small]
        key = np.unique(key)
        cell, at = key % (N_QUEUES + 1) ** 2, key // (N_QUEUES + 1) ** 2
        self.trials += np.bincount(cell, minlength=self.trials.size).reshape(self.trials.shape)
        self.up += np.bincount(cell, went_up[at], minlength=self.up.size).astype(np.int64).reshape(self.up.shape)
        # The next row changes the bid queue, at an unchanged price, or empties it.
        here = np.flatnonzero(tight[:-1] & (bid[:-1] <= N_QUEUES) & (rows["ask_lots"][1:] == ask[:-1]))
        here = here[(rows["ask_ticks"][here + 1] == rows["ask_ticks"][here])]
        fewer = (bid[here + 1] == bid[here] - 1) & (rows["bid_ticks"][here + 1] == rows["bid_ticks"][here])
        fewer |= rows["bid_ticks"][here + 1] < rows["bid_ticks"][here]
        more = (bid[here + 1] == bid[here] + 1) & (rows["bid_ticks"][here + 1] == rows["bid_ticks"][here])
        self.grows += np.bincount(bid[here[more]], minlength=N_QUEUES + 1)
        self.changes += np.bincount(bid[here[more | fewer]], minlength=N_QUEUES + 1)


def _mid_moves(seed: int, trials: int) -> _MidMoves:
    """Run markets until every cell has its trials."""
    found = _MidMoves()
    for day in range(1000):
        market = theory_market([_flow()], DAY_S, 1000 * seed + day)
        market.run(100 * SECOND_NS, [lambda rows: None])  # forget the first book
        found._rest = None
        market.run(None, [found], should_stop=lambda: bool(found.trials[1:, 1:].min() >= trials))
        if found.trials[1:, 1:].min() >= trials:
            break
    return found


def _both_filled(seed: int, trials: int) -> np.ndarray[Any, Any]:
    """Return (trials, successes) of making the spread, shape (2, N + 1, N + 1)."""
    total = np.zeros((2, N_QUEUES + 1, N_QUEUES + 1))
    for day in range(1000):
        left = trials - total[0, 1:, 1:]
        if (left <= 0).all():
            break
        settings = maker.SpreadMaker(quota=float(trials), done=tuple(total[0].ravel()))
        market = theory_market([_flow(), one_agent("maker", maker.policy, settings)], DAY_S, 1000 * seed + day)
        cells = maker.cells_of(market)
        market.run(None, [lambda rows: None], should_stop=lambda: bool((cells[0, 1:, 1:] >= left).all()))  # noqa: B023
        total += cells
    return total


def _tables(job: tuple[str, int, int]) -> Any:
    name, seed, trials = job
    return _mid_moves(seed, trials) if name == "mid" else _both_filled(seed, trials)


def _cells(name: str, what: str, trials: Any, successes: Any, target: Any, level: float) -> Iterator[Row]:
    for b in range(1, N_QUEUES + 1):
        for a in range(1, N_QUEUES + 1):
            n, k = int(trials[b, a]), int(successes[b, a])
            low, high = proportion_interval(k, n, level)
            error = np.sqrt(k / n * (1 - k / n) / n)
            row = covers(f"{name}-{b}{a}", f"{what}, queues {b} and {a}", (k / n, low, high), float(target[b, a]))
            fine = row.passed and error <= MAX_ERROR
            yield Row(**{**vars(row), "passed": bool(fine), "detail": f"n = {n:,}, s.e. {error:.4f}"})


def _frozen_level(seconds: float, distance: int = 3) -> Row:
    """Queue of a level that the price never reaches: Poisson(lambda / theta)."""
    flow, walls = _flow(), one_agent("walls", maker.wall_policy, maker.Walls())
    market = theory_market([walls, flow], seconds, 5)
    market.run()
    tape = market.tape
    price = MID_TICKS - distance + 1
    mine = tape[(tape["price_ticks"] == price) & (tape["agent"] == 1)]
    change = np.where(mine["kind"] == EventKind.ADD, 1, np.where(mine["kind"] == EventKind.CANCEL, -1, 0))
    times = np.arange(200.0, seconds, 15.0) * SECOND_NS
    length = np.append(0, np.cumsum(change))[np.searchsorted(mine["time_ns"], times, side="right")]
    settings = model.ContStoikovTalreja()
    mean = settings.limit_rates[distance - 1] / settings.cancel_rates[distance - 1]
    most = int(mean + 3 * np.sqrt(mean))
    observed = np.bincount(np.minimum(length, most), minlength=most + 1)
    expected = stats.poisson.pmf(np.arange(most + 1), mean)
    expected[-1] = stats.poisson.sf(most - 1, mean)
    p = float(stats.chisquare(observed, expected * len(times)).pvalue)
    what = f"level at distance {distance} that the price never reaches is Poisson({mean:.3f}): chi-square p-value"
    return Row(
        "poisson-level", what, p, p, 1.0, 0.01, "p-value above", p > 0.01, f"n = {len(times):,} looks 15 s apart"
    )


def _rescaled(seconds: float, factor: int) -> Row:
    """Rates times c, latency and session divided by c: the same events in the same order."""
    tapes = []
    for c in (1, factor):
        flow = one_agent("flow", model.policy, model.ContStoikovTalreja(rate_scale=float(c)), latency_ns=1e6 / c)
        market = theory_market([flow], seconds / c, 11)
        market.run()
        tapes.append(market.tape)
    n = min(map(len, tapes)) - 10
    names = [name for name in tapes[0].dtype.names or () if name != "time_ns"]
    same = np.all([tapes[0][name][:n] == tapes[1][name][:n] for name in names], axis=0)
    drift_ns = np.abs(tapes[1]["time_ns"][:n] * factor - tapes[0]["time_ns"][:n]).max() / max(1, n)
    what = f"rates x {factor}, times / {factor}: share of rows that are the same"
    detail = f"n = {n:,} rows; scaled times differ by {drift_ns:.2f} ns a row (rounding)"
    return exactly(f"rescale-{factor}", what, float(same.mean()), 1.0, detail=detail)


def measure(quick: bool = False) -> Iterator[Row]:
    """Yield all rows of this theory."""
    trials = 400 if quick else TRIALS
    with ProcessPoolExecutor(2) as pool:
        moves, filled = pool.map(_tables, [("mid", 1, trials), ("both", 2, trials)])
    level = sidak_level(2 * N_QUEUES**2)
    yield from _cells(
        "cst3", "CST Table 3: next mid move is up", moves.trials, moves.up, probability_mid_up(RATES), level
    )
    both = probability_both_filled(RATES)
    yield from _cells("cst5", "CST Table 5: both own orders filled", filled[0], filled[1], both, level)
    for n in range(1, N_QUEUES + 1):
        k, m = int(moves.grows[n]), int(moves.changes[n])
        low, high = proportion_interval(k, m, sidak_level(N_QUEUES))
        what = f"CST: next change of a best queue of {n} is an arrival"
        yield covers(f"cst-grow-{n}", what, (k / m, low, high), probability_queue_grows(n, RATES), f"n = {m:,}")
    yield _frozen_level(6_000 if quick else 60_000)
    for factor in (2, 8):
        yield _rescaled(2_000 if quick else 20_000, factor)
