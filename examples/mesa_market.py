"""A market inside of Mesa: one model looked at step by step, then a batch of models.

Run: python examples/mesa_market.py

The browser page: `market_page(model, {"make_market": make_market})` in a notebook, or in a file for `solara run`.
"""

from __future__ import annotations

import statistics

import mesa

from agents.rules import zero_intelligence
from lob import Instrument
from lob.units import SECOND_NS
from sim import ConstantValue, Listing, Market, Population, Session
from sim.mesa_model import MarketModel


def make_market(seed: int = 0, n_agents: int = 50, cancel_share: float = 0.4) -> Market:
    """Ten minutes of zero-intelligence trading."""
    crowd = zero_intelligence.policy
    settings = crowd.settings(interval_s=5.0, cancel_share=cancel_share)
    stock = Listing(Instrument(n_prices=4096, max_orders=8192, reference_ticks=2000), ConstantValue(2000.0))
    session = Session(34_200 * SECOND_NS, 34_800 * SECOND_NS)
    return Market([stock], [Population("crowd", n_agents, crowd, settings)], session, seed=seed)


def main() -> None:
    """One model with its data, then twelve."""
    model = MarketModel(make_market, step_s=60.0, seed=1)
    model.run_model()
    print(model.datacollector.get_model_vars_dataframe().round(1).to_string())
    print([f"{agent.name}: {agent.count} agents" for agent in model.agents])

    runs = mesa.batch_run(
        MarketModel,
        {"make_market": make_market, "step_s": 60.0, "seed": range(4), "cancel_share": [0.2, 0.4, 0.6]},
        data_collection_period=1,
        display_progress=False,
    )
    print("\nThe more is withdrawn, the wider the spread:")
    for share in (0.2, 0.4, 0.6):
        spreads = [row["spread"] for row in runs if row["cancel_share"] == share and row["spread"] == row["spread"]]
        print(f"  cancel share {share:.0%}: median spread {statistics.median(spreads):.1f} ticks")


if __name__ == "__main__":
    main()
