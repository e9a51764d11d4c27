"""What a run leaves besides its tape: every agent's account, and the figures of the whole."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from scenarios.run.measures import Measures
from scenarios.schema.scenario import Scenario
from sim.files.atomic import write_atomically
from sim.overview import instrument_row
from sim.versions import versions
from sim.worth import cash_ticks, fees_ticks, pnl_ticks, turnover_ticks

if TYPE_CHECKING:
    import polars as pl

    from scenarios.build.market import Built
    from sim.market import Market

__all__ = ["accounts_table", "instrument_figures", "population_figures", "read_summary", "write_summary"]

FILE = "summary.json"
FORMAT_VERSION = 1


def write_summary(folder: Path, summary: Mapping[str, Any]) -> None:
    """Write summary.json, with the format and the versions that ran."""
    data = {"format_version": FORMAT_VERSION, **summary, "versions": versions()}
    write_atomically(folder / FILE, (json.dumps(data, indent=2) + "\n").encode())


def read_summary(folder: Path) -> dict[str, Any] | None:
    """Return a run folder's summary; None if there is none that can be read."""
    try:
        data = json.loads((folder / FILE).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return data if isinstance(data, dict) and "config_hash" in data else None


def accounts_table(built: Built, market: Market, measures: Measures) -> pl.DataFrame:
    """Return one row per agent and instrument: its own, and each other one to which it has sent a message.

    Money is in units of the instrument's currency, open positions valued at the last mid. pnl = cash + position x mid -
    fees, so that the sum over all rows is minus the fees that the venue kept. `drawdown` is that of the row alone.
    """
    import polars as pl

    counts = [g.count for g in built.groups]
    n_agents = sum(counts)
    own = np.repeat([g.symbol for g in built.groups], counts).astype(np.int64)
    trades = market.world.accounts["n_messages"][:n_agents] > 0
    trades[np.arange(n_agents), own] = True
    agents, symbols = np.nonzero(trades)
    names = np.repeat([group.name for group in built.groups], counts)[agents]
    index = np.concatenate([np.arange(n) for n in counts] or [np.arange(0)])[agents]
    accounts = market.world.accounts[agents, symbols]
    tick = np.array([listing.tick_value for listing in built.listings])[symbols]
    mids = [
        series.last_mid_ticks if series.last_mid_ticks is not None else float(row["last_ticks"])
        for series, row in zip(measures.series, market.world.symbols, strict=True)
    ]
    mark = np.array(mids)[symbols]
    fees = fees_ticks(accounts) * tick
    filled = accounts["bought_lots"] + accounts["sold_lots"]
    ordered = accounts["ordered_lots"]
    fill_ratio = np.divide(filled, ordered, out=np.full(len(names), np.nan), where=ordered > 0)
    table = pl.DataFrame(
        {
            "agent": agents,
            "population": names.astype(object) if len(names) else [],
            "index": index,
            "instrument": np.array([t.name for t in built.scenario.instrument], object)[symbols],
            "position_lots": accounts["position_lots"],
            "cash": cash_ticks(accounts) * tick,
            "pnl": pnl_ticks(accounts, mark) * tick,
            "fees": fees,
            "turnover": turnover_ticks(accounts) * tick,
            "drawdown": accounts["drawdown_ticks"] * tick,
            "fill_ratio": fill_ratio,
            **{
                name: accounts[name]
                for name in (
                    "bought_lots",
                    "sold_lots",
                    "ordered_lots",
                    "n_messages",
                    "n_orders",
                    "n_fills",
                    "n_rejects",
                )
            },
        },
        schema_overrides={"population": pl.String, "instrument": pl.String},
    )
    return table.with_columns(pl.col("fill_ratio").fill_nan(None))


def population_figures(built: Built, accounts: pl.DataFrame) -> list[dict[str, Any]]:
    """Return the sums over each population and all its instruments, in the order of the market.

    Lots of different instruments are not the same thing: `position_lots` is the position in the population's own one,
    `positions` has one entry for each instrument that it has traded in.
    """
    figures = []
    for group in built.groups:
        rows = accounts.filter(accounts["population"] == group.name)
        sums: dict[str, Any] = {
            name: rows[name].sum() for name in ("pnl", "fees", "turnover", "n_orders", "n_fills", "n_rejects")
        }
        lots = zip(rows["instrument"].to_list(), rows["position_lots"].to_list(), strict=True)
        positions: dict[str, int] = {}
        for instrument, position in lots:
            positions[instrument] = positions.get(instrument, 0) + position
        own = built.scenario.instrument[group.symbol].name
        sums |= {"position_lots": positions[own], "positions": positions}
        figures.append({"name": group.name, "kind": group.kind, "n_agents": group.count, **sums})
    return figures


def instrument_figures(scenario: Scenario, measures: Measures) -> list[dict[str, Any]]:
    """Return prices, volume, spread and volatility of each instrument."""
    pairs = zip(scenario.instrument, measures.series, strict=True)
    return [instrument_row(table.name, table.tick_size, series) for table, series in pairs]
