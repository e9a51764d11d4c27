"""Flows simulated with known parameters, to which the baselines are fitted again."""

from __future__ import annotations

from lob.units import SECOND_NS
from sim.metrics import OrderFlow, visible_flow_of_tape
from sim.policy import Policy, Settings
from tests.agents.flows import flow_market
from tests.sim.markets import OPEN_NS


def simulated(
    policy: Policy, settings: Settings, seconds: float, levels: int, skip_s: float = 60, seed: int = 1
) -> OrderFlow:
    """The visible flow of a market in which this policy alone trades, without its first seconds."""
    market = flow_market(policy, settings, seconds=seconds + skip_s, seed=seed)
    flow = visible_flow_of_tape(market.tape, levels)
    return flow.window(OPEN_NS + int(skip_s * SECOND_NS), OPEN_NS + int((seconds + skip_s) * SECOND_NS) + 1)
