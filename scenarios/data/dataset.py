"""Generated days as a PyTorch dataset: windows of order events, and what is to be learned about each."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from lob.errors import InputError
from lob.types import NO_PRICE, EventKind
from scenarios.many_runs.result_set import stored_study

if TYPE_CHECKING:
    import torch

__all__ = ["FEATURES", "TARGETS", "OrderFlowDataset"]

FEATURES = ("log_delay_s", "is_add", "is_cancel", "is_execute", "side", "offset_ticks", "log_qty_lots", "spread_ticks",
            "imbalance")  # fmt: skip
"""Columns of a window: log(1 us + time since the event before) in s; kind as three marks; 1 buy, -1 sell; distance of
the price from the midpoint before, positive away from it; log(1 + lots); spread; (bid - ask) / (bid + ask) lots at the
touch."""
TARGETS = ("population", "mid_move")
_KINDS = (EventKind.ADD, EventKind.CANCEL, EventKind.REDUCE, EventKind.EXECUTE)
KEY = ("seed", "date", "symbol")
Floats = np.ndarray[Any, np.dtype[np.float32]]
Whole = np.ndarray[Any, np.dtype[np.int64]]


class OrderFlowDataset:
    """Windows of consecutive events of one day each, for torch's DataLoader; item k is (window, target).

    Windows are float32 of shape (length, len(FEATURES)), targets int64. Days are read when they are first needed and
    kept, `days_kept` at most, so that memory is bounded; with workers each has its own.

    Args:
        folder: that `outcry generate --format parquet` left.
        split: part of the days, as in --split; default: all.
        length: events in a window.
        stride: events from one window to the next.
        target: "population", the index in `classes` of who is behind the order of the window's last event, -1 if that
            is not known; or "mid_move", 0 down, 1 same, 2 up: the midpoint `horizon` events later.
        horizon: events that "mid_move" looks ahead.
        symbol: instrument; default: the first.
        days_kept: days in memory.

    Raises:
        InputError: if the folder holds no such data, or an argument cannot be meant.
    """

    def __init__(
        self,
        folder: Path | str,
        split: str | None = None,
        *,
        length: int = 100,
        stride: int = 1,
        target: str = "population",
        horizon: int = 10,
        symbol: str | None = None,
        days_kept: int = 64,
    ) -> None:
        for name, value in (("length", length), ("stride", stride), ("horizon", horizon), ("days_kept", days_kept)):
            if value < 1:
                raise InputError(f"{name} = {value}; allowed: at least 1")
        if target not in TARGETS:
            raise InputError(f"target = {target!r}; allowed: {', '.join(TARGETS)}")
        self.folder, self.length, self.stride, self.target, self.horizon = Path(folder), length, stride, target, horizon
        identity, _, manifest = stored_study(self.folder, "generate", KEY)
        if "parquet" not in identity["formats"] or (target == "population" and not identity["labels"]):
            raise InputError(f"{folder}: has no tapes in Parquet with labels; allowed: what `outcry generate` leaves")
        done = manifest.filter(pl.col("status") == "done")
        symbols = done["symbol"].unique(maintain_order=True).to_list()
        self.symbol = symbol if symbol is not None else symbols[0]
        if self.symbol not in symbols:
            raise InputError(f"symbol = {symbol!r}; allowed: {', '.join(symbols)}")
        self._symbol_index = self._place_of(self.symbol)
        done = done.filter(pl.col("symbol") == self.symbol)
        if split is not None:
            parts = done["split"].drop_nulls().unique().sort().to_list() if "split" in done.columns else []
            if split not in parts:
                raise InputError(f"split = {split!r}; allowed: {', '.join(parts) or 'none: it was made without parts'}")
            done = done.filter(pl.col("split") == split)
        self.days: list[tuple[int, str]] = done.sort("seed", "date").select("seed", "date").rows()
        self.classes: tuple[str, ...] = self._populations() if target == "population" else ("down", "same", "up")
        self._kept: OrderedDict[int, tuple[Floats, Whole]] = OrderedDict()
        self._days_kept = days_kept
        counts = [self._n_windows(self._n_events(k)) for k in range(len(self.days))]
        self._ends = np.cumsum(counts)

    def __len__(self) -> int:
        """Return the number of windows."""
        return int(self._ends[-1]) if len(self._ends) else 0

    def __getitem__(self, k: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Return window k and its target."""
        import torch

        if not -len(self) <= k < len(self):
            raise IndexError(f"window {k} of {len(self)}")
        k %= len(self)
        day = int(np.searchsorted(self._ends, k, side="right"))
        first = (k - (int(self._ends[day - 1]) if day else 0)) * self.stride
        features, targets = self.day(day)
        window = features[first : first + self.length]
        return torch.from_numpy(window), torch.tensor(targets[first + self.length - 1])

    def day(self, k: int) -> tuple[Floats, Whole]:
        """Return all events of day k, shape (events, len(FEATURES)), and the target of each."""
        if k in self._kept:
            self._kept.move_to_end(k)
            return self._kept[k]
        rows = self._rows(k)
        found = features_of(rows), self._targets(rows, k)
        self._kept[k] = found
        while len(self._kept) > self._days_kept:
            self._kept.popitem(last=False)
        return found

    def _n_windows(self, n_events: int) -> int:
        usable = n_events - (self.horizon if self.target == "mid_move" else 0)
        return max(0, (usable - self.length) // self.stride + 1)

    def _n_events(self, k: int) -> int:
        return int(self._scan(k).select(pl.len()).collect().item())

    def _scan(self, k: int) -> pl.LazyFrame:
        tape = pl.scan_parquet(self._day_path("tape", k) / "part-*.parquet")
        kinds = [int(kind) for kind in _KINDS]
        return tape.filter(pl.col("kind").is_in(kinds) & (pl.col("symbol") == self._symbol_index))

    def _rows(self, k: int) -> pl.DataFrame:
        return self._scan(k).collect()

    def _day_path(self, what: str, k: int) -> Path:
        seed, date = self.days[k]
        return self.folder / what / f"seed={seed}" / f"date={date}"

    def _targets(self, rows: pl.DataFrame, k: int) -> Whole:
        if self.target == "mid_move":
            mid = _mid_ticks(rows)
            later = np.concatenate([mid[self.horizon :], np.full(min(self.horizon, len(mid)), np.nan)])[: len(mid)]
            return np.nan_to_num(np.sign(later - mid), nan=0.0).astype(np.int64) + 1
        labels = pl.read_parquet(self._day_path("labels", k) / "orders-*.parquet")
        labels = labels.filter(pl.col("symbol") == self.symbol).select("order_id", "population").unique("order_id")
        place = {name: n for n, name in enumerate(self.classes)}
        known = rows.select("order_id").join(labels, on="order_id", how="left", maintain_order="left")["population"]
        return known.replace_strict(place, default=-1, return_dtype=pl.Int64).to_numpy()

    def _tables(self) -> dict[str, Any]:
        import tomllib

        return tomllib.loads((self.folder / "scenario.toml").read_text("utf-8"))

    def _place_of(self, symbol: str) -> int:
        return [row["name"] for row in self._tables()["instrument"]].index(symbol)

    def _populations(self) -> tuple[str, ...]:
        tables = self._tables()
        return tuple(row["name"] for row in [*tables.get("trader", []), *tables.get("population", [])])


def features_of(rows: pl.DataFrame) -> Floats:
    """Return FEATURES of tape rows, float32 of shape (rows, len(FEATURES))."""
    time = rows["time_ns"].to_numpy()
    delay = np.diff(time, prepend=time[:1]) / 1e9
    kind = rows["kind"].to_numpy()
    side = rows["side"].to_numpy().astype(np.float32)
    bid, ask = rows["bid_ticks"].to_numpy().astype(float), rows["ask_ticks"].to_numpy().astype(float)
    quoted = (bid != NO_PRICE) & (ask != NO_PRICE)
    mid = _mid_ticks(rows)
    before = np.concatenate([mid[:1], mid[:-1]])
    offset = np.nan_to_num(side * (before - rows["price_ticks"].to_numpy()))
    bid_lots, ask_lots = rows["bid_lots"].to_numpy().astype(float), rows["ask_lots"].to_numpy().astype(float)
    columns = [
        np.log(delay + 1e-6),
        kind == EventKind.ADD,
        (kind == EventKind.CANCEL) | (kind == EventKind.REDUCE),
        kind == EventKind.EXECUTE,
        side,
        offset,
        np.log1p(rows["qty_lots"].to_numpy()),
        np.where(quoted, ask - bid, 0.0),
        (bid_lots - ask_lots) / np.maximum(bid_lots + ask_lots, 1.0),
    ]
    return np.stack([np.asarray(column, np.float32) for column in columns], axis=1)


def _mid_ticks(rows: pl.DataFrame) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Midpoint after each row; where a side is empty the last one known, nan before the first."""
    quoted = (pl.col("bid_ticks") != NO_PRICE) & (pl.col("ask_ticks") != NO_PRICE)
    mid = pl.when(quoted).then((pl.col("bid_ticks") + pl.col("ask_ticks")) / 2).forward_fill().alias("mid")
    return rows.select(mid)["mid"].fill_null(np.nan).to_numpy()
