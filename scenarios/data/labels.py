"""Labels of generated data: who is behind each order, and what happened to the market; real data cannot have them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from lob.types import EventKind, Flag, Phase
from sim.files.atomic import temporary_name, write_parquet

if TYPE_CHECKING:
    from scenarios.build.market import Built

__all__ = ["Labels", "put_in_place"]

LABELS_PER_PART = 2**20


class Labels:
    """Who is behind each order, and what happened to the market: orders-*.parquet and events.parquet.

    orders: time_ns, symbol, order_id, population, index (in its population), agent, parent_id (metaorder, 0: none).
    events: time_ns, symbol, kind ("phase", "news", "kill"), name (of the scenario's event, if it has one), detail (the
    new phase, the news' value, the population).
    """

    def __init__(self, built: Built, folder: Path) -> None:
        self._folder, self._temporary = folder, temporary_name(folder)
        self._temporary.mkdir(parents=True)
        self._built = built
        self._symbols = [table.name for table in built.scenario.instrument]
        groups = built.groups
        self._names = pl.Series([group.name for group in groups], dtype=pl.String)
        counts = [group.count for group in groups]
        self._population = np.repeat(np.arange(len(groups)), counts)
        self._index = np.concatenate([np.arange(n) for n in counts] or [np.arange(0)])
        self._parts: list[pl.DataFrame] = []
        self._waiting = self._n_parts = 0
        self._events: list[dict[str, Any]] = []

    def __call__(self, rows: Any) -> None:
        """Take a stretch of tape rows."""
        kinds = rows["kind"]
        starts = (rows["flags"] & Flag.FIRST) > 0
        entered = (kinds == EventKind.ADD) | (kinds == EventKind.EXECUTE) | (kinds == EventKind.EXPIRE)
        orders = rows[starts & entered & (rows["agent"] >= 0)]
        agents = orders["agent"].astype(np.int64)
        self._parts.append(
            pl.DataFrame(
                {
                    "time_ns": orders["time_ns"],
                    "symbol": pl.Series(self._symbols)[orders["symbol"].astype(np.int64)],
                    "order_id": orders["order_id"],
                    "population": self._names[self._population[agents]],
                    "index": self._index[agents],
                    "agent": agents,
                    "parent_id": orders["parent_id"],
                }
            )
        )
        self._waiting += len(orders)
        while self._waiting >= LABELS_PER_PART:
            self._flush(LABELS_PER_PART)
        for row in rows[kinds == EventKind.PHASE]:
            self._note(int(row["time_ns"]), int(row["symbol"]), "phase", Phase(int(row["qty_lots"])).name.lower())

    def _note(self, time: int, symbol: int, kind: str, detail: str, name: str | None = None) -> None:
        self._events.append(
            {"time_ns": time, "symbol": self._symbols[symbol], "kind": kind, "name": name, "detail": detail}
        )

    def _flush(self, n_rows: int) -> None:
        """Write the first `n_rows` as one part: parts are as long whatever stretches the tape came in."""
        if not self._parts:
            return
        frame = pl.concat(self._parts)
        write_parquet(self._temporary / f"orders-{self._n_parts:05d}.parquet", frame[:n_rows].rechunk())
        self._n_parts += 1
        rest = frame[n_rows:]
        self._parts, self._waiting = [rest] if len(rest) else [], len(rest)

    def close(self) -> list[Path]:
        """Complete the files and return their paths."""
        if self._waiting or self._n_parts == 0:
            self._flush(self._waiting)
        for event in self._built.scenario.event:
            # Halts and phases are on the tape.
            if not event.enabled or event.kind == "halt" or event.kind == "phase":
                continue
            if event.kind == "kill":
                self._note(
                    self._built.scenario.session.ns(event.at),
                    self._built.group(event.population).symbol,
                    "kill",
                    event.population,
                    event.name,
                )
                continue
            symbol = self._symbols.index(event.symbol) if event.symbol is not None else 0
            self._note(self._built.scenario.session.ns(event.at), symbol, "news", f"{event.value:g}", event.name)
        schema = {"time_ns": pl.Int64, "symbol": pl.String, "kind": pl.String, "name": pl.String, "detail": pl.String}
        events = pl.DataFrame(self._events, schema=schema).sort("time_ns", maintain_order=True)
        write_parquet(self._temporary / "events.parquet", events)
        return put_in_place(self._temporary, self._folder)

    def discard(self) -> None:
        """Leave nothing behind."""
        shutil.rmtree(self._temporary, ignore_errors=True)


def put_in_place(temporary: Path, folder: Path) -> list[Path]:
    """Give a finished folder its name, in place of an older one; return its files."""
    shutil.rmtree(folder, ignore_errors=True)
    temporary.replace(folder)
    return sorted(folder.iterdir())
