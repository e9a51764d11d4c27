"""A market in a few lines, as in a notebook: run it, look at its tables and its picture, ask its tape a question."""

from __future__ import annotations

import polars as pl

from scenarios.build import build_market

if __name__ == "__main__":
    market = build_market("first_market", seed=7)
    market.run()
    print(market.summary().select("name", "n_trades", "volume_lots", "open", "close", "mean_spread"))
    print(market.populations())
    market.plot().save("market.png")  # in a notebook: market.plot(), or just market
    trades = market.frame().filter(pl.col("kind") == "execute")
    print(trades.group_by("side").agg(pl.col("qty_lots").sum()).sort("side"))
