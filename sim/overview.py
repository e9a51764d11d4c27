"""A market at a glance, for notebooks: its figures as tables, its picture, both together as HTML.

`market` is a sim.Market everywhere, whose methods these are; it imports this module, so that its type has no name here.
"""

from __future__ import annotations

import base64
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from lob.errors import InputError
from sim.files.atomic import write_atomically
from sim.metrics.depth import DepthHistory
from sim.metrics.series import MarketSeries, bin_width_ns
from sim.worth import marks_ticks, pnl_ticks

__all__ = ["Picture", "html_of", "instrument_row", "picture_of", "population_table", "summary_table"]


class Picture:
    """A picture that a notebook shows.

    Attributes:
        png: its bytes.
    """

    def __init__(self, png: bytes) -> None:
        self.png = png

    def _repr_png_(self) -> bytes:
        return self.png

    def save(self, path: Path | str) -> Path:
        """Write the PNG file and return its path."""
        write_atomically(Path(path), self.png)
        return Path(path)


def instrument_row(name: str, tick_size: float, series: MarketSeries) -> dict[str, Any]:
    """Return prices (in money), volume, spread and volatility of an instrument; None for what there is not."""
    traded = np.flatnonzero(series.n_trades)
    spread = series.mean_spread_ticks
    prices: dict[str, float | None] = dict.fromkeys(("open", "high", "low", "close"))
    if len(traded):
        ticks = {
            "open": series.open_ticks[traded[0]],
            "high": np.nanmax(series.high_ticks),
            "low": np.nanmin(series.low_ticks),
            "close": series.close_ticks[traded[-1]],
        }
        # Ticks x tick size, without the last digits that binary fractions leave.
        prices = {key: round(float(value) * tick_size, 10) for key, value in ticks.items()}
    return {
        "name": name,
        "n_trades": int(series.n_trades.sum()),
        "volume_lots": int(series.volume_lots.sum()),
        **prices,
        "mean_spread_ticks": spread,
        "mean_spread": None if spread is None else spread * tick_size,
        "volatility_bps_per_minute": series.volatility_bps(),
    }


def summary_table(market: Any) -> pl.DataFrame:
    """Return a row for each instrument; see `instrument_row`."""
    rows = [
        instrument_row(listing.instrument.name, listing.tick_size, _series(market, symbol))
        for symbol, listing in enumerate(market.world.listings)
    ]
    floats = ("open", "high", "low", "close", "mean_spread_ticks", "mean_spread", "volatility_bps_per_minute")
    return pl.DataFrame(rows, schema_overrides=dict.fromkeys(floats, pl.Float64))


def population_table(market: Any) -> pl.DataFrame:
    """Return a row for each population: agents, orders, fills, rejects, position, profit after fees in money."""
    world, rows, first = market.world, [], 0
    worth = pnl_ticks(world.accounts, marks_ticks(world)) @ np.array([one.tick_value for one in world.listings])
    for group in world.populations:
        agents = slice(first, first + group.count)
        first += group.count
        accounts = world.accounts[agents]
        counts = {name: int(accounts[name].sum()) for name in ("n_orders", "n_fills", "n_rejects")}
        position = int(accounts["position_lots"][:, group.symbol].sum())
        rows.append({"name": group.name, "n_agents": group.count, **counts, "position_lots": position,
                     "pnl": float(worth[agents].sum())})  # fmt: skip
    return pl.DataFrame(rows)


def picture_of(market: Any, symbol: int = 0) -> Picture:
    """Return the picture of an instrument: price with trades, depth, spread, volume.

    Raises:
        InputError: if there is no such instrument, or its rows went to sinks and are not kept.
    """
    from sim.picture import draw_market

    listings = market.world.listings
    if not 0 <= symbol < len(listings):
        raise InputError(f"symbol = {symbol}; allowed: 0 to {len(listings) - 1}")
    listing, series = listings[symbol], _series(market, symbol)
    session, instrument = market.session, listing.instrument
    width = bin_width_ns(session.open_ns, session.close_ns)
    depth = DepthHistory(
        session.open_ns, session.close_ns, width, instrument.min_price_ticks, instrument.n_prices, symbol
    )
    depth(market.tape)
    depth.finish()
    return Picture(draw_market(f"{instrument.name} (seed {market.seed})", listing.tick_size, series, depth))


def html_of(market: Any) -> str:
    """Return a market as a notebook shows it: where it stands, its tables, its picture if its rows are here."""
    session = market.session
    names = ", ".join(listing.instrument.name for listing in market.world.listings)
    head = (
        f"<b>Market in {escape(names)}</b>, seed {market.seed}: at {_clock(market.time_ns)} of "
        f"{_clock(session.open_ns)} to {_clock(session.close_ns)}; {market.n_messages:,} messages, "
        f"{market.n_rows:,} rows"
    )
    parts = [f"<p>{head}</p>", population_table(market)._repr_html_()]
    if len(market.tape):
        png = base64.b64encode(picture_of(market).png).decode()
        parts += [
            summary_table(market)._repr_html_(),
            f'<img src="data:image/png;base64,{png}" style="max-width: 100%">',
        ]
    return "".join(parts)


def _clock(time_ns: int) -> str:
    seconds = time_ns // 10**9
    return f"{seconds // 3600 % 24:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def _series(market: Any, symbol: int) -> MarketSeries:
    if market.n_rows and not len(market.tape):
        raise InputError("the rows of this market went to sinks; allowed: a market that was run without any")
    session = market.session
    series = MarketSeries(session.open_ns, session.close_ns, bin_width_ns(session.open_ns, session.close_ns), symbol)
    series(market.tape)
    return series
