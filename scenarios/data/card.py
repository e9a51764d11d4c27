"""The card of generated data: what it is, how to make it again, who may use it, what it must not be taken for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from sim.versions import version

if TYPE_CHECKING:
    from scenarios.build.market import Built

__all__ = ["data_card"]

_RECORDED = {"learned_flow", "replay", "opening"}
"""Kinds whose flow comes from recordings."""


def data_card(built: Built, manifest: pl.DataFrame, formats: tuple[str, ...], split: Mapping[str, float]) -> str:
    """Return the card as Markdown."""
    done = manifest.filter(pl.col("status") == "done")
    days = done.select("seed", "date").unique().sort("seed", "date")
    seeds = sorted(days["seed"].unique().to_list())
    dates = sorted(days["date"].to_list())
    lines = [
        f"# Synthetic order data: {built.name}",
        "",
        built.scenario.description or "A market of simulated traders.",
        "",
        f"- **Days.** {len(days)}: seeds {_range(seeds)}, {dates[0]} to {dates[-1]}.",
        f"- **Messages.** {done['n_messages'].sum():,} in {', '.join(formats)}.",
    ]
    if split:
        counts = done.unique(["seed", "date"]).group_by("split").len().rows()
        of_part: dict[Any, int] = dict(counts)
        lines.append("- **Split.** " + ", ".join(f"{name} {of_part.get(name, 0)} days" for name in split)
                     + "; whole days, earlier ones first. results/ says which day is where.")  # fmt: skip
    lines += [
        f"- **Again.** Outcry {version()}, configuration {built.config_hash(0)[:16]}: `outcry generate` on "
        "scenario.toml. In results/ stand the seed of each day, with which `outcry run` makes it, and its tape hash.",
        "- **Licence.** The numbers come out of a program and copy no record; whoever made them decides. Outcry "
        "itself is under Apache-2.0.",
    ]
    recorded = sorted({group.kind for group in built.groups if group.kind in _RECORDED})
    files = [Path(path) for path, _, _ in built.stamps]
    if recorded:
        lines.append(
            f"- **Recordings.** {', '.join(recorded)} carries on recorded flow. The shipped weights were fitted to "
            "LOBSTER's public sample of NASDAQ, 2012-06-21 (academic use; agents/flow/shipped/CARD.md); with other "
            "weights or recordings their owner's terms hold."
        )
    if files:
        lines.append(f"- **Files.** It read {', '.join(sorted({path.name for path in files}))}.")
    lines += [
        "- **Limits.** A model, not a market: good for testing methods whose truth must be known (labels/ says who is "
        "behind each order), no evidence about any real stock. `outcry realism` says how far from a recording it is.",
        "",
    ]
    return "\n".join(lines)


def _range(seeds: list[int]) -> str:
    return f"{seeds[0]} to {seeds[-1]}" if len(seeds) > 2 else ", ".join(map(str, seeds))
