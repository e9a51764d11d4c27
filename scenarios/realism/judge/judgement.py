"""A judgement: can anybody tell a flow from the real one, by what, and does it answer large orders as the real one?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from scenarios.realism.judge.channels import channels, usual_lots
from scenarios.realism.judge.sequence import network_scores, raw_windows_of
from scenarios.realism.judge.structure import structure_table
from scenarios.realism.judge.trees import Clock, Windows, giveaways, told_apart, windows_of
from scenarios.realism.windows import Scale
from sim.metrics.flow import OrderFlow
from sim.metrics.metaorders import fit_impact_law, proxy_metaorders
from sim.metrics.moments import grid_returns

__all__ = ["LENGTHS", "Judgement", "judge"]

LENGTHS = (20, 100, 500)
NETWORK_LENGTH = 100
TRADERS = (5, 20)
HORIZONS_S = (10, 60)
MOST_GIVEAWAYS = 15
LEAST_WINDOWS, LEAST_METAORDERS = 24, 100


@dataclass(frozen=True)
class Judgement:
    """What a judge found.

    Attributes:
        apart: judge ("trees", "network"), length [events], auc, low, high; floor, floor_low, floor_high: the same for
            odd against even blocks of the real flow; n windows.
        giveaways: length, name, auc of that summary alone, its means simulated and real; the worst first.
        structure: name, label, simulated, real, low, high.
        proxies: traders, flow, exponent, y (at exponent 1/2) and late, each with low and high; see
            sim.metrics.metaorders. A flow with too few market orders has no row.
        returns: horizon_s, deviation simulated and real [bp], share of the real ones inside the middle 80% of the
            simulated ones.
    """

    apart: pl.DataFrame
    giveaways: pl.DataFrame
    structure: pl.DataFrame
    proxies: pl.DataFrame
    returns: pl.DataFrame

    def auc(self, length: int, judge: str = "trees") -> float:
        """Area of a judge at a length; nan if there were too few windows."""
        row = self.apart.filter((pl.col("judge") == judge) & (pl.col("length") == length))
        return float(row["auc"][0]) if len(row) else float("nan")

    def record(self) -> dict[str, Any]:
        """Everything, for JSON."""
        return {name: getattr(self, name).rows(named=True) for name in self.__dataclass_fields__}


def judge(
    simulated: Sequence[OrderFlow],
    real: OrderFlow,
    *,
    seed: int = 0,
    network: bool = True,
    lengths: Sequence[int] = LENGTHS,
    on_step: Callable[[str], None] | None = None,
) -> Judgement:
    """Judge flows by a real one of the same hours.

    Args:
        simulated: sessions of the flow to be judged, visible events with their book.
        real: what it should look like, the same.
        seed: of the judges and of the bootstraps.
        network: also ask the network (some 30 s).
        lengths: of the windows the trees look at [events].
        on_step: called with what is done next.
    """
    tell = on_step or (lambda _: None)
    scale, usual, clock = Scale.of(real), usual_lots(real), Clock.of(real.time_ns)
    simulated = [_at_the_hours_of(flow, real) for flow in simulated]
    mine, theirs = [channels(flow, scale, usual) for flow in simulated], [channels(real, scale, usual)]
    apart, found = [], []
    for length in lengths:
        tell(f"judge: windows of {length} events")
        one, other = windows_of(mine, length, clock), windows_of(theirs, length, clock)
        if min(len(one.rows), len(other.rows)) < LEAST_WINDOWS:
            continue
        apart.append(_apart("trees", length, one, other, seed, None))
        found += [{"length": length, **asdict(g)} for g in giveaways(one, other)[:MOST_GIVEAWAYS]]
    if network:
        tell("judge: a network")
        one, other = (raw_windows_of(flows, NETWORK_LENGTH, clock) for flows in (mine, theirs))
        if min(len(one.rows), len(other.rows)) >= LEAST_WINDOWS:
            apart.append(_apart("network", NETWORK_LENGTH, one, other, seed, network_scores))
    tell("judge: proxy metaorders")
    proxies = []
    for traders in TRADERS:
        for name, flows in (("simulated", simulated), ("real", [real])):
            metaorders = proxy_metaorders(flows, traders, seed=seed)
            if len(metaorders) < LEAST_METAORDERS:
                continue
            law = fit_impact_law(metaorders, seed=seed)
            row: dict[str, Any] = {"traders": traders, "flow": name}
            for column in ("exponent", "y", "late"):
                value, low, high = getattr(law, column)
                row |= {column: value, f"{column}_low": low, f"{column}_high": high}
            proxies.append(row)
    returns = [_returns(simulated, real, seconds) for seconds in HORIZONS_S]
    return Judgement(
        pl.DataFrame(apart), pl.DataFrame(found), structure_table(simulated, mine, real, theirs[0], usual),
        pl.DataFrame(proxies), pl.DataFrame(returns),
    )  # fmt: skip


def _at_the_hours_of(flow: OrderFlow, real: OrderFlow) -> OrderFlow:
    """Return a flow as it is if it is mostly of the real one's hours, else as if it had begun when that did."""
    common = min(flow.time_ns[-1], real.time_ns[-1]) - max(flow.time_ns[0], real.time_ns[0])
    if common >= (flow.time_ns[-1] - flow.time_ns[0]) / 2:
        return flow
    return replace(flow, time_ns=flow.time_ns - flow.time_ns[0] + real.time_ns[0])


def _apart(name: str, length: int, one: Windows, other: Windows, seed: int, score: Any) -> dict[str, Any]:
    verdict = told_apart(one, other, seed, score)
    odd = other.block % 2 == 1
    floor = told_apart(other.take(odd), other.take(~odd), seed, score)
    return {
        "judge": name, "length": length, "auc": verdict.auc, "low": verdict.low, "high": verdict.high,
        "floor": floor.auc, "floor_low": floor.low, "floor_high": floor.high, "n": verdict.n,
    }  # fmt: skip


def _returns(simulated: Sequence[OrderFlow], real: OrderFlow, seconds: int) -> dict[str, float]:
    mine = 1e4 * np.concatenate([grid_returns(flow, seconds) for flow in simulated])
    theirs = 1e4 * grid_returns(real, seconds)
    low, high = np.quantile(mine, [0.1, 0.9]) if len(mine) else (np.nan, np.nan)
    return {
        "horizon_s": seconds,
        "simulated": float(mine.std()) if len(mine) else float("nan"),
        "real": float(theirs.std()) if len(theirs) else float("nan"),
        "covered": float(((theirs >= low) & (theirs <= high)).mean()) if len(theirs) else float("nan"),
    }
