"""The accounts of a run: one row for each agent and instrument that it trades, and nothing is lost between them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from lob.types import EventKind
from lob.units import SECOND_NS
from scenarios.build.market import build
from scenarios.run.measures import Measures
from scenarios.run.scenario import run_scenario
from scenarios.run.summary import accounts_table
from scenarios.schema.load import library, load_scenario
from sim.writer import read_tape
from tests.scenarios.texts import built

TWO = """
schema_version = 1
[session]
open = 09:30:00
close = 09:33:00
[[instrument]]
name = "A"
maker_fee_bps = -0.2
taker_fee_bps = 0.5
reference_ticks = 1000
[[instrument]]
name = "B"
tick_size = 0.05
taker_fee_bps = 0.00003
reference_ticks = 1000
[[population]]
name = "crowd of A"
kind = "zero_intelligence"
count = 30
settings = { interval_s = 1.0 }
[[population]]
name = "crowd of B"
kind = "zero_intelligence"
count = 20
symbol = "B"
settings = { interval_s = 1.0 }
[[population]]
name = "arb"
kind = "latency_arbitrageur"
count = 2
watch = "B"
latency = { kind = "uniform", low_us = 50, high_us = 500 }
[[population]]
name = "only looks"
kind = "zero_intelligence"
count = 3
watch = "B"
"""


def folder_of(tmp_path: Path) -> tuple[pl.DataFrame, dict[str, Any], Any]:
    """Accounts, summary and tape of a run of the two instruments."""
    outcome = run_scenario(built(tmp_path, TWO, "record.picture=false"), tmp_path / "run")
    return pl.read_parquet(tmp_path / "run" / "accounts.parquet"), outcome.summary, read_tape(tmp_path / "run" / "tape")


def test_both_legs_of_an_arbitrageur_are_in_the_accounts(tmp_path: Path) -> None:
    accounts, summary, tape = folder_of(tmp_path)
    assert len(accounts) == 30 + 20 + 2 * 2 + 3
    keys = ["population", "instrument"]
    rows = accounts.group_by(keys, maintain_order=True).agg(pl.len()).rows()
    assert rows == [
        ("crowd of A", "A", 30), ("crowd of B", "B", 20), ("arb", "A", 2), ("arb", "B", 2), ("only looks", "A", 3),
    ]  # fmt: skip
    fills = tape[tape["kind"] == EventKind.EXECUTE]
    for row in accounts.filter(pl.col("population") == "arb").iter_rows(named=True):
        symbol, tick = ("A", "B").index(row["instrument"]), (0.01, 0.05)[("A", "B").index(row["instrument"])]
        bought = sold = cash = turnover = fees = 0.0
        for fill in fills[fills["symbol"] == symbol]:
            value, lots = int(fill["price_ticks"]) * int(fill["qty_lots"]) * tick, int(fill["qty_lots"])
            for who, side, bps in (
                (fill["agent"], fill["side"], (0.5, 0.00003)[symbol]),
                (fill["contra_agent"], -fill["side"], (-0.2, 0.0)[symbol]),
            ):
                if who == row["agent"]:
                    bought, sold = bought + lots * (side > 0), sold + lots * (side < 0)
                    cash, turnover, fees = cash - side * value, turnover + value, fees + value * bps * 1e-4
        assert (row["bought_lots"], row["sold_lots"]) == (bought, sold) and bought + sold > 0
        assert row["position_lots"] == bought - sold
        assert (row["cash"], row["turnover"], row["fees"]) == pytest.approx((cash, turnover, fees))
    flat = accounts.filter(pl.col("population") == "arb").group_by("agent").agg(pl.col("position_lots").sum())
    assert flat["position_lots"].abs().max() <= 100  # one leg at most, of its largest order
    assert summary["n_orders"] == accounts["n_orders"].sum()


def test_populations_are_summed_over_their_instruments(tmp_path: Path) -> None:
    accounts, summary, tape = folder_of(tmp_path)
    figures = {row["name"]: row for row in summary["populations"]}
    for name, figure in figures.items():
        mine = accounts.filter(pl.col("population") == name)
        for column in ("pnl", "fees", "turnover", "n_orders", "n_fills", "n_rejects"):
            assert figure[column] == pytest.approx(mine[column].sum())
    arb = figures["arb"]
    assert set(arb["positions"]) == {"A", "B"} and arb["position_lots"] == arb["positions"]["A"] != 0
    assert abs(sum(arb["positions"].values())) <= 200
    assert figures["only looks"]["positions"].keys() == {"A"}
    fills = tape[tape["kind"] == EventKind.EXECUTE]
    assert sum(row["n_fills"] for row in figures.values()) == 2 * len(fills)
    assert sum(row["fees"] for row in figures.values()) > 0
    assert sum(row["pnl"] for row in figures.values()) == pytest.approx(-sum(r["fees"] for r in figures.values()))


SECONDS = {"megapop": 2.0}


@pytest.mark.parametrize("name", sorted(library()))
def test_profits_add_up_to_minus_the_fees_in_every_scenario_of_the_library(name: str) -> None:
    fees = "instrument.0.taker_fee_bps=0.37"
    parts = build(load_scenario(name, [fees]))
    market, measures = parts.market(), Measures(parts.scenario, with_depth=False)
    market.run(market.session.open_ns + round(SECONDS.get(name, 60.0) * SECOND_NS), sinks=[measures])
    accounts = accounts_table(parts, market, measures)
    assert accounts["fees"].sum() > 0
    assert accounts["pnl"].sum() == pytest.approx(-accounts["fees"].sum(), rel=1e-6, abs=1e-6)
    for part in accounts.partition_by("instrument"):
        assert part["position_lots"].sum() == 0
        assert part["cash"].sum() == pytest.approx(0, abs=1e-6)
    assert len(accounts) >= np.sum([group.count for group in parts.populations])


@pytest.mark.parametrize("fee", [0.000001, 0.123456789])
def test_a_fee_finer_than_what_is_charged_is_refused_with_its_place(tmp_path: Path, fee: float) -> None:
    from lob.errors import InputError

    with pytest.raises(InputError, match=r"instrument\.B\.taker_fee_bps = .*steps of 0\.00001"):
        built(tmp_path, TWO.replace("0.00003", str(fee)))
