"""What a trader asks before sending an order: will it be filled, what is the fill worth, and what will it cost."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from agents.metaorder import Metaorder
from scenarios import Execution, impact, load_scenario, run_scenario
from scenarios.build.market import build
from scenarios.experiments import ImpactProtocol, estimate_costs
from scenarios.orders import analyse_orders

if __name__ == "__main__":
    run_scenario(build(load_scenario("first_market")), Path("run"))
    found = analyse_orders("run", within_s=[1, 10])
    print(found.answer)
    best = found.fills.filter((pl.col("group") == "queue") & (pl.col("question") == "before_move"))
    for label, value, low, high in best.select("label", "value", "low", "high").rows():
        print(f"{label}: filled before the midpoint moves {value:.0%} ({low:.0%}, {high:.0%})")

    when = ImpactProtocol(start="09:45:00", horizon_s=600, after_s=60)
    small_and_large = impact(
        "first_market",
        Metaorder("buy", 1),
        participation=(0.05, 0.2),
        pairs=10,
        protocol=when,
        execution=Execution("process"),
    )
    for one in estimate_costs(small_and_large, [3000, 8000]):
        cost = one.cost
        print(f"{one.quantity_lots:,} lots: {cost.value:.2f} bp ({cost.low:.2f}, {cost.high:.2f}), {one.basis}")
