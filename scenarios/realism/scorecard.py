"""The scorecard: distributions, curves and facts of a flow against a real one, in units of how much real flow varies.

The floor of a distribution is its distance between two real times: the two halves of the real flow, or the real flow
and another one. A second floor, between random halves made of blocks of ten minutes, does not count slow changes
through the day. The floor of a fact is the standard deviation over six parts of equal length. A score inside the floor
says that the difference is no larger than the real data's own; on a single day a score well below it would be luck or
over-fitting.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl

from lob.errors import InputError
from scenarios.realism.curves import response_curves
from scenarios.realism.distributions import conditional_rows, distribution_rows, samples_of
from scenarios.realism.horizon import error_by_horizon
from scenarios.realism.intraday import intraday_profile
from scenarios.realism.judge import Judgement, judge
from scenarios.realism.predictive import predictive_score
from scenarios.realism.reference import Reference, Samples
from scenarios.realism.tails import TAILS, tail_facts
from scenarios.realism.verdict import ratio_of, verdict
from scenarios.realism.windows import Scale
from sim.metrics.facts import FACTS, facts
from sim.metrics.flow import OrderFlow

__all__ = ["Scorecard", "scorecard"]

LEAST_EVENTS = 5_000


@dataclass(frozen=True)
class Scorecard:
    """What a comparison found.

    Attributes:
        distances: group ("LOB-Bench", "further", "conditional", "impact"), name, label, l1 (total variation; for
            impact the mean absolute difference in spreads), w1, floor, floor_blocks, ratio (l1 / floor), verdict, n.
        facts: name, label, simulated, real, floor, ratio, verdict.
        curves: responses by kind of event: kind, lag, simulated, real, in median spreads.
        horizon: error of successive parts: part, until_s, l1, l1_real.
        profile: half hours of the day: time, measure, simulated, real.
        models: predictive (dict), where it was asked for.
        judgement: of the judge, where it was asked for.
        simulated, real: the samples by name, for pictures.
    """

    distances: pl.DataFrame
    facts: pl.DataFrame
    curves: pl.DataFrame
    horizon: pl.DataFrame
    profile: pl.DataFrame
    models: dict[str, Any]
    simulated: Samples
    real: Samples
    judgement: Judgement | None = None

    def _lob_bench(self, column: str) -> float:
        chosen = self.distances.filter(pl.col("group") == "LOB-Bench")
        return float(np.nanmean(chosen[column].to_numpy()))

    @property
    def mean_l1_over_floor(self) -> float:
        """The summary: mean over the LOB-Bench scores of total variation over floor."""
        return self._lob_bench("ratio")

    @property
    def mean_l1(self) -> float:
        """Mean total variation over the LOB-Bench scores."""
        return self._lob_bench("l1")

    def verdicts(self) -> dict[str, int]:
        """Number of rows of both tables by verdict."""
        both = [*self.distances["verdict"], *self.facts["verdict"]]
        return {name: both.count(name) for name in ("inside", "near", "far", "unknown")}

    def record(self) -> dict[str, Any]:
        """Everything but the samples, for JSON."""
        tables = ("distances", "facts", "curves", "horizon", "profile")
        return {
            "mean_l1": self.mean_l1,
            "mean_l1_over_floor": self.mean_l1_over_floor,
            "verdicts": self.verdicts(),
            "models": self.models,
            "judge": None if self.judgement is None else self.judgement.record(),
            **{name: getattr(self, name).rows(named=True) for name in tables},
        }


def scorecard(
    simulated: OrderFlow | Sequence[OrderFlow],
    real: OrderFlow,
    other: OrderFlow | None = None,
    *,
    models: bool = True,
    seed: int = 0,
    on_step: Callable[[str], None] | None = None,
) -> Scorecard:
    """Compare flows with a real one.

    Args:
        simulated: the flow to be judged, or several sessions of it; with their books.
        real: what it should look like, with its book.
        other: real flow of another time that gives the floors; default: the halves of `real` do.
        models: also ask the judge and the predictor, which are trained (extras `realism` and `learn`; a minute or two).
        seed: of the random halves and the classifier.
        on_step: called with what is done next.

    Raises:
        InputError: if one has too few events or no book.
    """
    tell = on_step or (lambda _: None)
    flows = [flow.visible() for flow in ([simulated] if isinstance(simulated, OrderFlow) else simulated)]
    for name, flow in [*(("simulated", flow) for flow in flows), ("real", real.visible())]:
        if len(flow) < LEAST_EVENTS:
            raise InputError(f"the {name} flow has {len(flow)} events; allowed: at least {LEAST_EVENTS}")
        if flow.book is None:
            raise InputError(f"the {name} flow comes without its book; allowed: flows with the book after each event")
    reference = Reference(real.visible(), None if other is None else other.visible())
    tell("distributions")
    mine, theirs = samples_of(flows), samples_of([reference.flow])
    rows = distribution_rows(mine, theirs, reference, seed)
    rows += conditional_rows(flows, reference, seed)
    tell("impact curves")
    curves, more = response_curves(flows, reference)
    tell("stylised facts")
    table = _fact_table(flows, reference, with_models=models)
    tell("error against horizon")
    horizon = error_by_horizon(flows, theirs, reference)
    profile = intraday_profile(flows, reference.flow)
    found: dict[str, Any] = {}
    judgement = None
    if models:
        judgement = judge(flows, reference.flow, seed=seed, on_step=tell)
        tell("predictive score")
        found = {"predictive": asdict(predictive_score(flows, *reference.two(), Scale.of(reference.flow)))}
    return Scorecard(pl.DataFrame(rows + more), table, curves, horizon, profile, found, mine, theirs, judgement)


def _all_facts(flow: OrderFlow, with_models: bool) -> dict[str, float]:
    return facts(flow) | (tail_facts(flow) if with_models else {})


def _fact_table(flows: Sequence[OrderFlow], reference: Reference, with_models: bool) -> pl.DataFrame:
    """Facts of flows (their mean), of the real one, and the standard deviation over the real one's parts."""
    labels = {name: fact.label for name, fact in FACTS.items()} | (TAILS if with_models else {})
    each = [_all_facts(flow, with_models) for flow in flows]
    theirs = _all_facts(reference.flow, with_models)
    parts = [_all_facts(part, with_models) for part in reference.parts()]
    rows = []
    for name, label in labels.items():
        values = [part[name] for part in parts if math.isfinite(part[name])]
        floor = float(np.std(values, ddof=1)) if len(values) > 1 else math.nan
        mine = float(np.mean([one[name] for one in each]))
        ratio = ratio_of(abs(mine - theirs[name]), floor)
        rows.append(
            {
                "name": name, "label": label, "simulated": mine, "real": theirs[name], "floor": floor, "ratio": ratio,
                "verdict": verdict(ratio),
            }
        )  # fmt: skip
    return pl.DataFrame(rows)
