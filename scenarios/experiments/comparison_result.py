"""The result of a comparison: a paired table, what each candidate costs and why, and the answer in a sentence."""

from __future__ import annotations

import itertools
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from scenarios.build.what_if import what_if_notes
from scenarios.experiments.bootstrap import Interval, bootstrap, percent
from scenarios.experiments.observe import Window
from scenarios.experiments.outcomes import OUTCOMES
from scenarios.experiments.sameness import is_one_world, one_world_note
from scenarios.many_runs.result_set import stored_study

__all__ = ["COST_MEASURES", "KEY", "PARTS", "ComparisonResult"]

KEY = ("pair", "arm", "level")
"""Columns that name a run."""
PARTS: dict[str, str] = {
    "spread_bps": "price paid against the midpoint just before each fill",
    "impact_bps": "that midpoint against the one of the same world without the order",
    "timing_bps": "what the price did in the meantime without the order",
    "opportunity_bps": "move of the price on what was not executed",
}
"""Parts of the shortfall in basis points of the arrival price, on the whole quantity; they add up to it."""
COST_MEASURES: dict[str, str] = {
    "shortfall_bps": "implementation shortfall (Perold 1988), executed and missed part together",
    "caused_bps": "shortfall less timing: what the order itself caused",
    **PARTS,
    "executed_share": "share of the quantity that was executed",
    "passive_share": "share of that executed by resting",
}
_UNITS = dict.fromkeys(("shortfall_bps", *PARTS), "bp")


@dataclass(frozen=True)
class ComparisonResult:
    """What a comparison found.

    Attributes:
        runs: one row for each world and arm, the control included.
        candidates: their names; the first is what the others are compared with.
        measures: columns that are compared; the first is what candidates are judged by.
        window: when the orders worked.
        identity: what was run, as plain data.
        confidence: of all intervals.
        failures: reason by world, of worlds that gave no result.
    """

    runs: pl.DataFrame
    candidates: tuple[str, ...]
    measures: tuple[str, ...]
    window: Window
    identity: dict[str, Any]
    confidence: float = 0.95
    failures: dict[int, str] = field(default_factory=dict)

    @classmethod
    def load(cls, folder: Path | str) -> ComparisonResult:
        """Read a comparison that `compare` left in a folder.

        Raises:
            InputError: if there is none.
        """
        identity, study, runs = stored_study(Path(folder), "compare", KEY)
        names = tuple(arm["name"] for arm in identity["arms"])
        costs = list(COST_MEASURES) if identity["arms"][0]["population"] is not None else []
        measures = (*costs, *(OUTCOMES[name].column for name in study["outcomes"]))
        window = Window(**identity["window"])
        return cls(runs, names, measures, window, identity, study.get("confidence", 0.95))

    @property
    def n_worlds(self) -> int:
        """Number of worlds with a result."""
        return self.runs["pair"].n_unique()

    @property
    def has_costs(self) -> bool:
        """Whether the candidates are metaorders."""
        return self.measures[0] == "shortfall_bps"

    @cached_property
    def _values(self) -> dict[str, dict[str, np.ndarray[Any, np.dtype[np.float64]]]]:
        """Each measure of each candidate in the order of the worlds; of worlds that are one only the first."""
        runs = with_cost_parts(self.runs) if self.has_costs else self.runs
        if self._is_one_world:
            runs = runs.filter(pl.col("pair") == runs["pair"].min())
        by_name = {name: runs.filter(pl.col("arm") == name).sort("pair") for name in self.candidates}
        return {
            measure: {name: part[measure].cast(pl.Float64).to_numpy() for name, part in by_name.items()}
            for measure in self.measures
        }

    @cached_property
    def _hashes(self) -> dict[str, list[str]]:
        return {name: self.runs.filter(pl.col("arm") == name).sort("pair")["market_hash"].to_list()
                for name in self.candidates}  # fmt: skip

    @cached_property
    def _is_one_world(self) -> bool:
        return self.n_worlds > 1 and all(is_one_world(seen) for seen in self._hashes.values())

    @cached_property
    def table(self) -> pl.DataFrame:
        """A row for each measure and candidate.

        Columns: measure, unit, meaning, candidate, value, low, high (mean over the worlds), difference, difference_low,
        difference_high (to the first candidate, paired; null for the first), worlds.
        """
        rows = []
        for measure, of_names in self._values.items():
            first = of_names[self.candidates[0]]
            outcome = next((one for one in OUTCOMES.values() if one.column == measure), None)
            unit = _UNITS.get(measure, "") if outcome is None else outcome.unit
            meaning = COST_MEASURES[measure] if outcome is None else outcome.meaning
            for name, values in of_names.items():
                mean, difference = self._interval(values), self._interval(values - first)
                is_first = name == self.candidates[0]
                rows.append({
                    "measure": measure, "unit": unit, "meaning": meaning, "candidate": name, **_row("", mean),
                    **({"difference": None, "difference_low": None, "difference_high": None} if is_first
                       else _row("difference", difference)),
                    "worlds": int(np.isfinite(values).sum()),
                })  # fmt: skip
        schema = dict.fromkeys(("difference", "difference_low", "difference_high", "low", "high"), pl.Float64)
        return pl.DataFrame(rows, schema_overrides=schema, infer_schema_length=None)

    def difference(self, one: str, other: str, measure: str | None = None) -> Interval:
        """Return the mean paired difference of two candidates, `one` less `other`, with its interval.

        Args:
            one: name of a candidate.
            other: of another.
            measure: of `measures`; default: what candidates are judged by.
        """
        values = self._values[measure or self.measures[0]]
        return self._interval(values[one] - values[other])

    def _interval(self, values: np.ndarray[Any, np.dtype[np.float64]]) -> Interval:
        known = values[np.isfinite(values)]
        return bootstrap(known[:, None], confidence=self.confidence)[0]

    @cached_property
    def answer(self) -> str:
        """What was asked, answered in a sentence or two with intervals."""
        method = f"{percent(self.confidence)} intervals over {self.n_worlds} worlds, paired."
        if not self.has_costs:
            return f"{self._answer_of_outcome()} {method}"
        whole = self._answer_of_cost("shortfall_bps", "of implementation shortfall on average")
        caused = self._answer_of_cost("caused_bps", "without the timing, which is the world's and not the order's")
        return f"{whole} {caused} {method}"

    def _answer_of_cost(self, measure: str, what: str) -> str:
        values = {name: float(np.nanmean(of)) for name, of in self._values[measure].items()}
        best, *rest = sorted(values, key=lambda name: values[name])
        mean = self._interval(self._values[measure][best])
        dearer: list[str] = []
        alike: list[str] = []
        same: list[str] = []
        for name in rest:
            found = self.difference(name, best, measure)
            if np.isfinite(found.low) and found.low > 0:
                dearer.append(f"{name} costs {_bp(found.value)} more {_range(found)}")
            else:
                (same if found.low == found.high == 0 else alike).append(name)
        told = [*dearer, f"{_listed(alike)} cannot be told apart from it" if alike else "",
                f"{_listed(same)} is the same to the last trade" if same else ""]  # fmt: skip
        return f"{best} is cheapest: {_bp(mean.value)} {_range(mean)} {what}; {'; '.join(filter(None, told))}."

    def _answer_of_outcome(self) -> str:
        measure, first, told = self.measures[0], self.candidates[0], []
        for name in self.candidates[1:]:
            found = self.difference(name, first)
            apart = np.isfinite(found.low) and (found.low > 0 or found.high < 0)
            word = "higher" if found.value > 0 else "lower"
            if found.value == found.low == found.high == 0:
                told.append(f"{name} is the same")
            elif apart:
                told.append(f"{name} is {abs(found.value):.3g} {word} {_range(found)}")
            else:
                told.append(f"{name} cannot be told apart ({found.value:+.3g} {_range(found)})")
        mean = self._interval(self._values[measure][first])
        return f"{measure} is {mean.value:.4g} {_range(mean)} with {first}; {'; '.join(told)}."

    @cached_property
    def notes(self) -> list[str]:
        """What somebody who reads the numbers must know."""
        notes = [one_world_note(self.n_worlds, "worlds")] if self._is_one_world else []
        control = self.runs.filter(pl.col("arm") == "control").sort("pair")["market_hash"].to_list()
        first = self.candidates[0]
        for name, seen in self._hashes.items():
            if seen == control and (self.has_costs or name != first):
                notes.append(f"{name}: every world is identical to the one without it: it changed nothing.")
            elif name != first and seen == self._hashes[first]:
                notes.append(f"{name}: every world is identical to {first}'s.")
            else:
                continue
            notes += what_if_notes(self._set_in_instruments(name))
        if self.failures:
            world, why = next(iter(self.failures.items()))
            notes.append(f"{len(self.failures)} worlds failed and are left out; world {world}: {why}")
        return notes

    def _set_in_instruments(self, name: str) -> list[str]:
        """Return the settings of instruments that a candidate changes, as paths."""
        tables = {arm["name"]: tomllib.loads(arm["text"]).get("instrument", []) for arm in self.identity["arms"]}
        return [
            f"instrument.{own.get('name')}.{key}"
            for own, other in itertools.product(tables[name], itertools.chain(*tables.values()))
            for key in own
            if own.get("name") == other.get("name") and own[key] != other.get(key)
        ]


def with_cost_parts(runs: pl.DataFrame) -> pl.DataFrame:
    """Return the runs with the parts of the shortfall, each in bps on the whole quantity; they add up to it."""
    share = pl.col("executed_lots") / pl.col("quantity_lots")

    def part(upper: str, lower: str | None) -> pl.Expr:
        # nan where nothing was executed: that part of the cost is then none.
        of = pl.col(upper) - (pl.col(lower) if lower is not None else 0.0)
        return pl.when(pl.col("executed_lots") > 0).then(of * share).otherwise(0.0)

    return runs.with_columns(
        executed_share=share,
        spread_bps=part("spread_cost_bps", None),
        impact_bps=part("paired_slippage_bps", "spread_cost_bps"),
        timing_bps=part("arrival_slippage_bps", "paired_slippage_bps"),
        opportunity_bps=pl.col("opportunity_cost_bps"),
    ).with_columns(caused_bps=pl.col("shortfall_bps") - pl.col("timing_bps"))


def _row(prefix: str, found: Interval) -> dict[str, float | None]:
    names = ("value", "low", "high") if not prefix else (prefix, f"{prefix}_low", f"{prefix}_high")
    values = (found.value, found.low, found.high)
    return {name: value if np.isfinite(value) else None for name, value in zip(names, values, strict=True)}


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _bp(value: float) -> str:
    return f"{value:.3g} bp"


def _range(found: Interval) -> str:
    return f"({found.low:.3g}, {found.high:.3g})" if np.isfinite(found.low) else ""
