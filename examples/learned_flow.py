"""Three uses of the learned flow: forecast a minute, ask what a large order would do, tell usual from unusual flow."""

import numpy as np

from agents import Metaorder
from agents.flow import FlowWeights, Tokens
from agents.flow.closed_loop import rollout
from agents.flow.training import validation_nats
from agents.flow.weights import SHIPPED
from scenarios.build import build
from scenarios.load import load_scenario
from sim import Market

MINUTE_NS = 60_000_000_000


def mid(market: Market) -> float:
    """Midpoint after the latest event, in ticks."""
    row = market.tape[-1]
    return float(row["bid_ticks"] + row["ask_ticks"]) / 2


if __name__ == "__main__":
    parts = build(load_scenario("learned_impact"))
    buyer = Metaorder("buy", 3_000, algo="twap", start_s=301, duration_s=50)
    moves: dict[str, list[float]] = {"as it comes": [], "with a buyer": []}
    for name, order in (("as it comes", buyer.placebo()), ("with a buyer", buyer)):
        now = Market(parts.listings, [*parts.populations, order.population()], parts.session, seed=1)
        now.run(now.session.open_ns + 5 * MINUTE_NS)
        for future in range(20):  # the same state, other draws from here on; alike in both worlds
            fork = now.fork()
            fork.reseed(future)
            before = mid(now)
            fork.run(now.time_ns + MINUTE_NS)
            moves[name].append(mid(fork) - before)
    for name, found in moves.items():
        low, middle, high = np.percentile(found, [10, 50, 90])
        print(f"{name:14} next minute: median {middle:+.1f} ticks, 10% {low:+.1f}, 90% {high:+.1f}")

    weights = FlowWeights.load(SHIPPED)
    usual = rollout(weights, 0, seed=1, open_ns=11 * 60 * MINUTE_NS, seconds=1200, reference_ticks=57_000)
    tokens = weights.tokenizer.encode(usual, "GOOG")
    pick = np.random.default_rng(0).permutation(len(tokens))
    shuffled = Tokens(
        tokens.order[pick], tokens.detail[pick], tokens.delay[pick], tokens.features[pick], 0, tokens.time_ns
    )
    for name, flow in (("usual flow", tokens), ("the same orders shuffled", shuffled)):
        print(f"{name:26} {validation_nats(weights.model(), [flow], 8)['total']:.2f} nats an order")
