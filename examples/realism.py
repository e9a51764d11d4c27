"""Make two days of order data, read them back as a table, and score one day's realism against the other."""

import tempfile
from pathlib import Path

import polars as pl

from scenarios import Execution, generate
from scenarios.data import read_flows
from scenarios.realism import scorecard
from sim import in_words

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        made = generate("first_market", folder, days=2, execution=Execution("serial"))
        print(made.manifest.select("date", "n_rows", "n_trades", "tape_hash"))

        trades = in_words(pl.scan_parquet(f"{folder}/tape")).filter(pl.col("kind") == "execute")
        print(trades.group_by("date").agg(pl.col("qty_lots").sum(), pl.len()).sort("date").collect())

        first, second = read_flows(Path(folder), None, "first_market").flows
        card = scorecard(first, second, models=False)
        print(f"{card.mean_l1_over_floor:.2f} noise floors on average; {card.verdicts()}")
