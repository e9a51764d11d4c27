"""Investors who ask a panel decide in the market of an environment as they do in any other."""

from __future__ import annotations

import json
from pathlib import Path

from agents.rl.batch import MarketBatch
from scenarios.build.market import build_market
from scenarios.environments import MarketFactory
from tests.llm.parts import decision, order
from tests.rl.worlds import AGENT, SCENARIO, SIZES, written

INVESTORS = f"""
[[trader]]
name = "investors"
kind = "llm"
count = 2
[trader.settings]
personas = ["news_fast", "value_bold"]
first_s = 5.0
interval_s = 20.0
backend = {{ kind = "scripted", replies = {json.dumps([decision(order()), decision(order(side="sell"))])} }}
"""


def test_their_decisions_are_those_of_a_market_without_a_learner(tmp_path: Path) -> None:
    path = written(tmp_path, SCENARIO + INVESTORS)
    plain = build_market(path, seed=3)
    plain.run()
    idle = {**AGENT, **SIZES["market_making"], "start_s": 500.0, "duration_s": 50.0}
    batch = MarketBatch(MarketFactory(path, "market_making", idle))
    batch.reset(0, 3)  # runs to the learner's first decision, 500 seconds after the open
    market = batch.markets[0]
    assert market is not None
    for agent, trader in market.traders.items():
        before = [row["reply"] for row in plain.traders[agent].traces if row["time_ns"] < market.time_ns]  # type: ignore[attr-defined]
        assert [row["reply"] for row in trader.traces] == before and len(before) > 20  # type: ignore[attr-defined]
