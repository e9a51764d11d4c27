"""The result of an impact experiment: tidy tables, a picture, a report."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from lob.errors import InputError
from scenarios.experiments.estimates import Paired, across_levels, impact_path, level_estimates, sequential_target
from scenarios.experiments.observe import Window
from scenarios.experiments.sequential import StoppingRule, confidence_sequence, pseudo_values
from scenarios.experiments.structure import structure_table
from scenarios.result_set import RESULTS, read_manifest
from sim.writer import write_atomically

__all__ = ["ImpactResult"]


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
    def arms(self) -> list[tuple[str, int]]:
        """The arms besides the control, as (name, level)."""
        found = self.runs.filter(pl.col("arm") != "control").select("arm", "level").unique().sort("level", "arm")
        return [(str(arm), int(level)) for arm, level in found.rows()]

    def paired(self, arm: str = "treated", level: int = 1) -> Paired:
        """Return the pairs of an arm beside their control."""
        if (arm, level) not in self.arms:
            known = ", ".join(f"{a} {k}" for a, k in self.arms)
            raise InputError(f"no arm {arm} of level {level}; there are: {known}")
        return Paired.of(self.runs, self.window, arm, level)

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
        schema = {"level": pl.Int64, "participation": pl.Float64, "quantity_lots": pl.Int64, "control": pl.Float64}
        order = ["arm", "level", "participation", "quantity_lots", "group", "estimate", "unit", "value", "low", "high",
                 "control", "n_pairs", "meaning"]  # fmt: skip
        frame = pl.DataFrame(rows, schema_overrides=schema, infer_schema_length=None)
        if "control" not in frame.columns:
            frame = frame.with_columns(pl.lit(None, pl.Float64).alias("control"))
        return frame.select(order).with_columns(pl.col("value", "low", "high").fill_nan(None))

    def _stopping_row(self, data: Paired, rule: StoppingRule) -> dict[str, Any]:
        columns, function, k = sequential_target(data, rule.estimate)
        with np.errstate(all="ignore"):
            found = confidence_sequence(pseudo_values(columns, function, k), self.budget, self.confidence)
        return {
            "group": "stopping", "estimate": rule.estimate, "unit": "", "value": found.value, "low": found.low,
            "high": found.high, "n_pairs": len(data), "meaning": "interval that holds for all looks (see --stop)",
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
        return structure_table(self.runs, self.confidence)

    @property
    def placebo_identical(self) -> bool | None:
        """Whether every placebo left its control's tape as it was, to the byte; None without a placebo arm."""
        rows = self.runs.filter(pl.col("arm") == "placebo")
        return bool(rows["same_tape"].all()) if len(rows) else None

    def plot(self, path: Path | str | None = None) -> bytes:
        """Return the picture as PNG; with a path, also write it there."""
        from scenarios.plots.impact import draw_impact

        picture = draw_impact(self)
        if path is not None:
            write_atomically(Path(path), picture)
        return picture

    def report(self, path: Path | str) -> Path:
        """Write a report as one self-contained HTML file and return its path."""
        from scenarios.experiments.report import impact_page

        write_atomically(Path(path), impact_page(self).encode())
        return Path(path)

    def save(self, folder: Path | str) -> None:
        """Write estimates.parquet, paths.parquet, structure.parquet, impact.png and report.html into a folder."""
        folder = Path(folder)
        for name in ("estimates", "paths", "structure"):
            frame: pl.DataFrame = getattr(self, name)
            buffer = io.BytesIO()
            frame.write_parquet(buffer)
            write_atomically(folder / f"{name}.parquet", buffer.getvalue())
        self.plot(folder / "impact.png")
        self.report(folder / "report.html")

    @classmethod
    def load(cls, folder: Path | str) -> ImpactResult:
        """Return the result that stands in a folder.

        Raises:
            InputError: if there is none.
        """
        folder = Path(folder)
        manifest = read_manifest(folder)
        if manifest is None or manifest["identity"].get("kind") != "impact":
            raise InputError(f"{folder}: holds no impact experiment")
        identity = manifest["identity"]
        parts = sorted((folder / RESULTS).glob("part-*.parquet"))
        if not parts:
            raise InputError(f"{folder}: holds no results")
        runs = pl.concat([pl.read_parquet(part) for part in parts], how="diagonal_relaxed")
        runs = runs.unique(["pair", "arm", "level"], keep="last", maintain_order=True).sort("pair", "arm", "level")
        return cls(runs, Window(**identity["window"]), tuple(identity["participation"]), identity)
