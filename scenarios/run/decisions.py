"""What language models decided in a run: the accounts in the summary, and the traces as Parquet.

A trader that asks a model offers `counts` and `take_traces()`; nothing else is known of it here. Orders carry the
number of their decision as parent id, by which fills on the tape find back to it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lob.types import EventKind
from scenarios.build.market import Built
from sim.files.atomic import remove_temporaries, write_parquet
from sim.market import Market

__all__ = ["DECISIONS", "DecisionLog", "decision_figures", "decision_notes", "remove_decision_parts"]

DECISIONS = "decisions.parquet"
PARTS = "decisions"
FIRST_PARENT = 1 << 30
_SUMS = (
    "n_decisions",
    "n_fallbacks",
    "n_calls",
    "n_retries",
    "prompt_tokens",
    "reply_tokens",
    "n_without_usage",
    "n_lost_reflections",
    "cost",
    "wall_s",
    "thinking_s",
)


def _asking(market: Market) -> dict[int, Any]:
    return {agent: trader for agent, trader in market.traders.items() if hasattr(trader, "take_traces")}


class DecisionLog:
    """Collects traces and their fills; numbered parts are written at checkpoints, one file at the end.

    It is a sink of tape rows, to be given all of them.

    Attributes:
        n_parts: the number of the next part.
        n_after_kill: by population, decisions that came back when the kill switch had stopped it; known at the end.
    """

    def __init__(self, folder: Path, market: Market, built: Built) -> None:
        self.folder, self.traders = folder, _asking(market)
        self.n_parts = 0
        self._population = {
            agent: group.name
            for group in built.groups
            for agent in range(group.agents.start, group.agents.stop)
            if agent in self.traders
        }
        self._killed_ns: dict[str, int] = {}
        for event in built.scenario.event:
            if event.kind == "kill" and event.enabled:
                at = built.scenario.session.ns(event.at)
                self._killed_ns[event.population] = min(at, self._killed_ns.get(event.population, at))
        self.n_after_kill: dict[str, int] | None = None
        self._fills: dict[int, list[float]] = defaultdict(lambda: [0, 0.0])

    def __call__(self, rows: Any) -> None:
        """Take the executions of decisions' orders off the tape."""
        if not self.traders:
            return
        for field in ("parent_id", "contra_parent_id"):
            mine = (rows["kind"] == int(EventKind.EXECUTE)) & (rows[field] >= FIRST_PARENT)
            for row in rows[mine]:
                filled = self._fills[int(row[field])]
                filled[0] += int(row["qty_lots"])
                filled[1] += int(row["qty_lots"]) * float(row["price_ticks"])

    def forget_fills(self) -> None:
        """Begin anew: all rows will be given again."""
        self._fills.clear()

    def _is_late(self, row: dict[str, Any]) -> bool:
        """Whether a decision comes back, its thinking over, when a kill switch stops what it would send."""
        killed_ns = self._killed_ns.get(self._population[row["agent"]])
        return killed_ns is not None and row["time_ns"] + row["thinking_s"] * 1e9 >= killed_ns

    def go_back_to(self, n_parts: int) -> None:
        """Forget the parts that a checkpoint did not know of: those from number `n_parts` on."""
        for path in _parts(self.folder)[n_parts:]:
            path.unlink()
        self.n_parts = n_parts

    def flush(self) -> None:
        """Write the decisions since the last call as a part."""
        rows = [row for trader in self.traders.values() for row in trader.take_traces()]
        if rows:
            (self.folder / PARTS).mkdir(exist_ok=True)
            write_parquet(self.folder / PARTS / f"part-{self.n_parts:05d}.parquet", _table(rows))
            self.n_parts += 1

    def finish(self, is_last: bool) -> Any:
        """Write what is left; at the end of a run join all parts into one file with the fills, and return its table.

        The parts stay: until the summary says that the run is complete, it can be killed and resumed.
        """
        import polars as pl

        self.flush()
        paths = _parts(self.folder)
        if not is_last or not paths:
            return None
        # Relaxed: of a part in which nobody decided anything the columns have no type.
        joined = pl.concat([pl.read_parquet(path) for path in paths], how="vertical_relaxed")
        table = joined.sort("time_ns", "agent", maintain_order=True)
        fills = [self._fills.get(parent, [0, 0.0]) for parent in table["parent_id"].to_list()]
        lots = np.array([lots for lots, _ in fills], np.int64)
        value = np.array([value for _, value in fills], np.float64)
        price = np.divide(value, lots, out=np.full(len(lots), np.nan), where=lots > 0)
        table = table.with_columns(
            pl.Series("filled_lots", lots), pl.Series("fill_price_ticks", price).fill_nan(None)
        )  # fmt: skip
        late = [self._is_late(row) for row in table.iter_rows(named=True)]
        table = table.with_columns(pl.Series("after_kill", late, pl.Boolean))
        self.n_after_kill = dict(Counter(self._population[k] for k in table.filter("after_kill")["agent"].to_list()))
        write_parquet(self.folder / DECISIONS, table)
        return table


def _parts(folder: Path) -> list[Path]:
    return sorted((folder / PARTS).glob("part-*.parquet"))


def remove_decision_parts(folder: Path) -> None:
    """Delete the parts of a run's decisions, and their folder."""
    if (folder / PARTS).is_dir():
        for path in _parts(folder):
            path.unlink()
        remove_temporaries(folder / PARTS)
        (folder / PARTS).rmdir()


def _table(rows: list[dict[str, Any]]) -> Any:
    import polars as pl

    texts = ("reply", "failure", "reflection")
    lists = ("risk_revision", "orders")
    schema: Any = {**dict.fromkeys(texts, pl.String), **{name: pl.List(pl.String) for name in lists}}
    return pl.DataFrame(rows, schema_overrides=schema, infer_schema_length=None)


def decision_figures(built: Built, market: Market, n_after_kill: Mapping[str, int] | None = None) -> dict[str, Any]:
    """Return the accounts of all decisions: how many there were, how many a model made, and what those cost.

    `model_share` is the share of all agents' decisions (wake-ups) that followed a model's reply; `by_population` says
    how the traders that ask models fared: calls, tokens, cost, retries, fallbacks by reason, replies without figures of
    use (tokens and cost are too low by theirs), lessons that failed, decisions that came back after a kill switch
    (`n_after_kill`, at the end of a run, see DecisionLog), actions, mean simulated thinking time and mean wall time of
    a call.
    """
    n_all = int(market.world.header["n_wakes"])
    groups = []
    n_model = 0
    for place in built.groups:
        members: list[Any] = [market.traders.get(place.first_agent + k) for k in range(place.count)]
        asking = [trader.counts for trader in members if trader is not None and hasattr(trader, "take_traces")]
        if not asking:
            continue
        sums: dict[str, Any] = {name: sum(counts.get(name, 0) for counts in asking) for name in _SUMS}
        by_name: dict[str, dict[str, int]] = {}
        for kind in ("fallbacks", "actions"):
            reasons = sorted({reason for counts in asking for reason in counts[kind]})
            by_name[kind] = {reason: sum(counts[kind].get(reason, 0) for counts in asking) for reason in reasons}
        made = sums["n_decisions"] - sums["n_fallbacks"]
        n_model += made
        calls, decisions = max(1, sums["n_calls"]), max(1, sums["n_decisions"])
        wall_s, thinking_s = sums.pop("wall_s"), sums.pop("thinking_s")
        groups.append(
            {
                "name": place.name,
                **sums,
                **by_name,
                **({} if n_after_kill is None else {"n_after_kill": n_after_kill.get(place.name, 0)}),
                "model_share": made / decisions,
                "mean_thinking_s": thinking_s / decisions,
                "mean_wall_s": wall_s / calls,
            }
        )
    return {
        "n_decisions": n_all,
        "n_by_models": n_model,
        "model_share": n_model / max(1, n_all),
        "by_population": groups,
    }


def decision_notes(figures: dict[str, Any]) -> list[str]:
    """Return lines for the user about decisions that nobody made, and about what came too late."""
    notes = []
    for row in figures["by_population"]:
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in row["fallbacks"].items())
        if row["n_decisions"] and row["n_fallbacks"] == row["n_decisions"]:
            notes.append(
                f"WARNING: {row['name']}: not one of {row['n_decisions']:,} decisions was made by the model; all are "
                f"holds for want of a usable reply ({reasons})"
            )
        elif row["n_fallbacks"]:
            notes.append(
                f"{row['name']}: {row['n_fallbacks']:,} of {row['n_decisions']:,} decisions are holds for want of a "
                f"usable reply ({reasons})"
            )
        if row.get("n_after_kill"):
            notes.append(f"{row['name']}: {row['n_after_kill']:,} decisions came back after the kill switch")
    return notes
