"""Whole simulations: messages a second with 1,100 and with 110,000 agents, with and without Parquet, and rmsc's day."""

from __future__ import annotations

import statistics
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bench.yardstick import at_least, at_most
from scenarios.build.market import build_market
from sim.beside import Beside
from sim.market import Market
from sim.writer import ParquetTape

__all__ = ["run"]

N_MESSAGES = 20_000_000
SEGMENTS = 10
LEAST_KEPT = 0.9
# rmsc's populations, waking 500 times as often, so that a day holds more than 20 M messages.
BUSY_RMSC = (
    "population.noise.settings.once=false",
    "population.noise.settings.interval_s=46.8",
    "population.value.settings.interval_s=0.35",
    "population.momentum.settings.interval_s=0.074",
    "population.maker.settings.refresh_s=0.12",
    "population.maker.settings.requote_wait_s=0.01",
)


def _drop(rows: Any) -> None:
    """Take rows and forget them."""


def _segment_rates(market: Market, sinks: list[Any], n_messages: int) -> list[float]:
    """Run and return the rate of each tenth of the messages."""
    rates = []
    target = market.n_messages
    for _ in range(SEGMENTS):
        target += n_messages // SEGMENTS
        before, began = market.n_messages, time.perf_counter()
        market.run(None, sinks, should_stop=lambda: market.n_messages >= target)  # noqa: B023
        rates.append((market.n_messages - before) / (time.perf_counter() - began))
    return rates


def _mean(rates: list[float]) -> float:
    """Rate over all segments, which hold equal numbers of messages."""
    return len(rates) / sum(1 / rate for rate in rates)


def _warmed(scenario: str, overrides: tuple[str, ...], seconds: float) -> Market:
    """Return a market that has run for a while: past its opening, with its memory touched."""
    market = build_market(scenario, 1, overrides)
    market.run(market.session.open_ns + int(seconds * 1e9), [_drop])
    return market


def _parquet_kept(folder: Path, turns: int = 4, n_messages: int = 2 * N_MESSAGES // 5) -> dict[str, float]:
    """Return the rate with Parquet beside the kernel, and the medians of its share of the rate without.

    The two take turns in one market from one state, its last part included; `in_line` is without a thread.
    """
    market = _warmed("rmsc", BUSY_RMSC, 20)
    state = market.snapshot()

    def rate(n: int, beside: bool, written: bool) -> float:
        market.restore(state)
        before, target = market.n_messages, market.n_messages + n_messages
        tape = ParquetTape(folder / str(n)) if written else None
        sinks: list[Any] = [tape or _drop]
        began = time.perf_counter()
        with ExitStack() as until_served:
            taken = [until_served.enter_context(Beside(sinks))] if beside else sinks
            market.run(None, taken, should_stop=lambda: market.n_messages >= target)
        if tape is not None:
            tape.close_part()
        return (market.n_messages - before) / (time.perf_counter() - began)

    found = [
        (rate(3 * k, False, False), rate(3 * k + 1, True, True), rate(3 * k + 2, False, True)) for k in range(turns)
    ]
    return {
        "messages_per_s_parquet": round(statistics.median(beside for _, beside, _ in found)),
        "parquet_kept": round(statistics.median(beside / alone for alone, beside, _ in found), 3),
        "parquet_kept_in_line": round(statistics.median(in_line / alone for alone, _, in_line in found), 3),
    }


def run() -> dict[str, Any]:
    """Return the figures of this bench."""
    market = build_market("rmsc", 1)
    market.run(market.session.open_ns + 1, [_drop])
    days = []
    for seed in range(3):
        began = time.perf_counter()
        build_market("rmsc", seed).run(sinks=[_drop])
        days.append(time.perf_counter() - began)

    small = _segment_rates(_warmed("rmsc", BUSY_RMSC, 60), [_drop], N_MESSAGES)
    large = _segment_rates(_warmed("megapop", (), 120), [_drop], N_MESSAGES)
    with tempfile.TemporaryDirectory() as folder:
        kept = _parquet_kept(Path(folder))
    # The first three tenths against the last three: a single one is at the mercy of a shared machine.
    drops = [1 - _mean(rates[-3:]) / _mean(rates[:3]) for rates in (small, large)]
    return {
        "messages_per_s_1k": round(_mean(small)),
        "messages_per_s_100k": round(_mean(large)),
        **kept,
        "rmsc_day_s": round(min(days), 3),
        "rate_drop": round(max(drops), 3),
        "messages": N_MESSAGES,
        "pass": at_least(_mean(small), 3e6)
        and at_least(_mean(large), 2e6)
        and at_most(min(days), 1.0)
        and max(drops) <= 0.1
        and kept["parquet_kept"] >= LEAST_KEPT,
    }
