"""The result of an impact experiment, as plain data and tidy tables; what it is shown as: pages.py."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from lob.errors import InputError
from scenarios.experiments._methods import function_of_result
from scenarios.experiments.estimates import Paired, across_levels, impact_path, level_estimates, sequential_target
from scenarios.experiments.observe import Window
from scenarios.experiments.sameness import is_one_world, one_world_note, replay_note
from scenarios.experiments.sequential import StoppingRule, confidence_sequence, pseudo_values
from scenarios.experiments.structure import structure_table
from scenarios.many_runs.result_set import stored_study

__all__ = ["KEY", "ImpactResult"]

KEY = ("pair", "arm", "level")
"""Columns that name a run."""


@dataclass(frozen=True)
class ImpactResult:
    """What an experiment found.

    Attributes:
        runs: one row for each pair, arm and level: `mid_ticks` at the looks, costs, market quality, profits.
        window: when was looked.
        participation: shares of the levels 1, 2, ...; empty: one level.
        identity: what was run, as plain data.
        confidence: of all intervals.
        failures: reason by pair, of pairs that gave no result.
        stop, budget: the stopping rule if there was one, and the number of pairs that it could use.
    """

    runs: pl.DataFrame
    window: Window
    participation: tuple[float, ...]
    identity: dict[str, Any]
    confidence: float = 0.95
    failures: dict[int, str] = field(default_factory=dict)
    stop: StoppingRule | None = None
    budget: int = 0

    @property
    def n_pairs(self) -> int:
        """Number of pairs with a result."""
        return self.runs["pair"].n_unique()

    @cached_property
    def is_one_world(self) -> bool:
        """Whether all pairs are the same world, since nothing is drawn at random; there are no intervals then."""
        return all(is_one_world(part) for part in self._hashes.values())

    @cached_property
    def _hashes(self) -> dict[tuple[str, int], list[str | None]]:
        """What was seen of each run of an arm and level, in the order of the pairs."""
        if "market_hash" not in self.runs.columns:
            return {("control", 0): [None]}
        ordered = self.runs.sort("pair").select("arm", "level", "market_hash").rows()
        found: dict[tuple[str, int], list[str | None]] = {}
        for arm, level, seen in ordered:
            found.setdefault((arm, level), []).append(seen)
        return found

    @cached_property
    def notes(self) -> list[str]:
        """What somebody who reads the numbers must know: lines of text, none if all is as it seems."""
        notes = [one_world_note(self.n_pairs, "pairs")] if self.is_one_world else []
        replayed = _replayed(self.identity)
        if replayed:
            notes.append(replay_note(replayed))
        control = self._hashes.get(("control", 0), [])
        for arm, level in self.arms:
            same = sum(
                a is not None and a == b for a, b in zip(self._hashes.get((arm, level), []), control, strict=False)
            )
            if arm == "placebo" or not same:
                continue
            which = f"{arm}, level {level}" if len(self.participation) > 1 else arm
            if same == len(control):
                notes.append(f"Arm {which}: every world is identical to its control: the treatment changed nothing.")
            else:
                notes.append(f"Arm {which}: {same} of {len(control)} worlds are identical to their control.")
        left_out = max(self.paired(arm, level).n_left_out for arm, level in self.arms)
        if left_out:
            notes.append(
                f"{left_out} pairs are left out: they have no midpoint, or one that is not above 0, at some time."
            )
        if "value_note" in self.runs.columns:
            outside = self.runs.filter(pl.col("value_note").is_not_null())
            n = outside["pair"].n_unique()
            if n:
                pair, note = outside.select("pair", "value_note").row(0)
                notes.append(f"In {n} of {self.n_pairs} pairs, as in pair {pair}: {note}")
        return notes

    @cached_property
    def arms(self) -> list[tuple[str, int]]:
        """The arms besides the control, as (name, level)."""
        found = self.runs.filter(pl.col("arm") != "control").select("arm", "level").unique().sort("level", "arm")
        return [(str(arm), int(level)) for arm, level in found.rows()]

    def paired(self, arm: str = "treated", level: int = 1) -> Paired:
        """Return the pairs of an arm beside their control."""
        if (arm, level) not in self.arms:
            known = ", ".join(f"{a} {k}" for a, k in self.arms)
            raise InputError(f"no arm {arm} of level {level}; there are: {known}")
        return Paired.of(self._worlds, self.window, arm, level)

    @cached_property
    def _worlds(self) -> pl.DataFrame:
        """The runs; of pairs that are one world only the first: one observation, not many that agree."""
        return self.runs.filter(pl.col("pair") == self.runs["pair"].min()) if self.is_one_world else self.runs

    @cached_property
    def estimates(self) -> pl.DataFrame:
        """All estimates with intervals, one a row.

        Columns: arm, level, participation, quantity_lots, group (impact, cost, quality, profit, scaling, stopping),
        estimate, unit, value, low, high, control (its mean in the control, for quality and profit), n_pairs, meaning.
        """
        rows: list[dict[str, Any]] = []
        for arm, level in self.arms:
            if arm == "placebo":
                continue
            data = self.paired(arm, level)
            about = {
                "arm": arm,
                "level": level,
                "participation": self.participation[level - 1] if self.participation else None,
                "quantity_lots": data.quantity_lots,
            }
            found = level_estimates(data, self.confidence)
            if self.stop is not None and arm == "treated":
                found.append(self._stopping_row(data, self.stop))
            rows += [about | row for row in found]
        treated = [self.paired("treated", level) for arm, level in self.arms if arm == "treated"]
        if len(treated) > 1:
            about = {"arm": "treated", "level": None, "participation": None, "quantity_lots": None}
            rows += [about | row for row in across_levels(treated, self.confidence)]
        whole, real, text = pl.Int64(), pl.Float64(), pl.String()
        schema = {
            "arm": text, "level": whole, "participation": real, "quantity_lots": whole, "group": text, "estimate": text,
            "unit": text, "value": real, "low": real, "high": real, "control": real, "n_pairs": whole, "meaning": text,
        }  # fmt: skip
        # What is not a number (a ratio over nothing) is not known, and a table says so in one way.
        return pl.DataFrame(rows, schema=schema).with_columns(
            pl.when(pl.col(name).is_finite()).then(pl.col(name)) for name in ("value", "low", "high", "control")
        )

    def _stopping_row(self, data: Paired, rule: StoppingRule) -> dict[str, Any]:
        columns, function, k = sequential_target(data, rule.estimate)
        with np.errstate(all="ignore"):
            found = confidence_sequence(pseudo_values(columns, function, k), self.budget, self.confidence)
        return {
            "group": "stopping", "estimate": rule.estimate, "unit": "", "value": found.value, "low": found.low,
            "high": found.high, "n_pairs": len(data), "meaning": "interval that holds for all looks (see stop)",
        }  # fmt: skip

    def value(self, estimate: str, arm: str = "treated", level: int = 1) -> dict[str, Any]:
        """Return a row of `estimates` as a dict.

        Raises:
            InputError: if there is none.
        """
        rows = self.estimates.filter(
            (pl.col("estimate") == estimate)
            & (pl.col("arm") == arm)
            & ((pl.col("level") == level) | pl.col("level").is_null())
            & (pl.col("group") != "stopping")
        )
        if len(rows) == 0:
            known = ", ".join(self.estimates["estimate"].unique(maintain_order=True))
            raise InputError(f"no estimate {estimate!r} for arm {arm}, level {level}; there are: {known}")
        return rows.row(0, named=True)

    @cached_property
    def paths(self) -> pl.DataFrame:
        """Mean impact through time: arm, level, time_s since the start, value_bps, low_bps, high_bps, value_scaled."""
        frames = [
            impact_path(self.paired(arm, level), self.confidence).select(
                pl.lit(arm).alias("arm"), pl.lit(level).alias("level"), pl.all()
            )
            for arm, level in self.arms
        ]
        return pl.concat(frames)

    @cached_property
    def structure(self) -> pl.DataFrame:
        """Statistics of the control market's order flow: statistic, lag, value, low, high, n_runs, meaning."""
        return structure_table(self._worlds, self.confidence)

    @property
    def placebo_identical(self) -> bool | None:
        """Whether every placebo left its control's tape as it was, to the byte; None without a placebo arm."""
        rows = self.runs.filter(pl.col("arm") == "placebo")
        return bool(rows["same_tape"].all()) if len(rows) else None

    plot, report, save = function_of_result("plot"), function_of_result("report"), function_of_result("save")

    @classmethod
    def load(cls, folder: Path | str) -> ImpactResult:
        """Return the result that stands in a folder.

        Raises:
            InputError: if there is none.
        """
        identity, study, runs = stored_study(Path(folder), "impact", KEY)
        runs = runs.filter(pl.col("pair") < study.get("n_asked", 2**62))
        return cls(
            runs, Window(**identity["window"]), tuple(identity["participation"]), identity,
            study.get("confidence", 0.95), {int(pair): why for pair, why in study.get("failures", {}).items()},
            StoppingRule(**study["stop"]) if study.get("stop") else None, study.get("budget", 0),
        )  # fmt: skip


def _replayed(identity: dict[str, Any]) -> list[str]:
    """Return the names of the populations that play back a recording."""
    tables = tomllib.loads(identity["arms"][0]["text"]) if identity.get("arms") else {}
    return [str(row.get("name")) for row in tables.get("population", []) if row.get("kind") == "replay"]
