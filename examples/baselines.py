"""Fit the order-flow models of the literature to one day of order flow, and score an hour of each against it."""

import numpy as np

from lob.units import HOUR_NS
from scenarios.baselines import BASELINES
from scenarios.build.market import build
from scenarios.realism import scorecard
from scenarios.schema.load import find_scenario, load_scenario
from sim.metrics import visible_flow_of_tape

LEVELS = 10

if __name__ == "__main__":
    market = build(load_scenario(find_scenario("first_market"))).market(1)
    open_ns = market.session.open_ns
    market.run()
    day = visible_flow_of_tape(market.tape, LEVELS)  # or scenarios.data.flows.read_flows of LOBSTER files
    middle_ns, last_ns = int(day.time_ns[len(day) // 2]), int(day.time_ns[-1])
    train, real = day.window(open_ns, middle_ns), day.window(middle_ns, last_ns)
    reference_ticks = round(float(np.nanmedian(train.mid_ticks)))
    for name, baseline in BASELINES.items():
        fitted = baseline.fit(train, "first_market")
        one = fitted.market(1, open_ns, min(middle_ns, open_ns + HOUR_NS), reference_ticks)
        one.run()
        card = scorecard(fitted.flow(one.tape, LEVELS), real, train, models=False)
        print(f"{name:20s} {baseline.label:32s} mean L1 {card.mean_l1:.2f}, {card.mean_l1_over_floor:.1f} noise floors")
