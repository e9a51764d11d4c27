"""Three uses of the learned flow: forecast a minute, ask what a large order would do to it, tell unusual flow."""

import matplotlib
import numpy as np

from agents import Metaorder
from agents.flow import FlowWeights
from agents.flow.uses import event_nats, forecast
from agents.flow.weights import SHIPPED
from lob.units import MINUTE_NS
from scenarios.build.market import build
from scenarios.schema.load import load_scenario
from sim import Market
from sim.metrics import visible_flow_of_tape

matplotlib.use("Agg")
import matplotlib.pyplot as plt

parts = build(load_scenario("learned_impact"))


def market(order: Metaorder, minutes: int, seed: int = 1) -> Market:
    """The learned background and one order, run for some minutes."""
    found = Market(parts.listings, [*parts.populations, order.population()], parts.session, seed=seed)
    found.run(found.session.open_ns + minutes * MINUTE_NS)
    return found


if __name__ == "__main__":
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(12, 3.6), layout="constrained")

    # Forecast and what-if: the same state and the same draws, without and with a buyer in the coming minute.
    buyer = Metaorder("buy", 1_500, algo="twap", start_s=301, duration_s=50)
    calm, bought = (forecast(market(order, 5), 60, futures=60) for order in (buyer.placebo(), buyer))
    for name, found, colour in (("as it comes", calm, "#2166ac"), ("with a buyer", bought, "#d6604d")):
        low, median, high = np.percentile(found.moves_ticks, [10, 50, 90], axis=0)
        left.plot(found.time_s, median, color=colour, label=f"{name}: median, 10 to 90%")
        left.fill_between(found.time_s, low, high, color=colour, alpha=0.2, lw=0)
        print(f"{name:14} in a minute: median {median[-1]:+.1f} ticks, 10% {low[-1]:+.1f}, 90% {high[-1]:+.1f}")
    difference = bought.moves_ticks - calm.moves_ticks
    mean, error = difference.mean(axis=0), difference.std(axis=0) / np.sqrt(len(difference))
    middle.plot(calm.time_s, mean, color="#222222", label="mean over pairs, 95%")
    middle.fill_between(calm.time_s, mean - 1.96 * error, mean + 1.96 * error, color="#222222", alpha=0.2, lw=0)
    print(f"what the buyer does to it, pair by pair: {mean[-1]:+.1f} +- {1.96 * error[-1]:.1f} ticks")

    # Detection: how unlikely each event is, given those before it, while somebody sells in a hurry.
    weights = FlowWeights.load(SHIPPED)
    seller = Metaorder("sell", 6_000, algo="twap", start_s=600, duration_s=60)
    flow = visible_flow_of_tape(market(seller, 20).tape, 10)
    tokens = weights.tokenizer.encode(flow, "GOOG")
    nats = event_nats(weights, tokens)
    minutes = (tokens.time_ns - parts.session.open_ns) / MINUTE_NS
    scored = np.isfinite(nats)
    window = np.convolve(nats[scored], np.ones(100) / 100, "valid")
    right.plot(minutes[scored][50 : 50 + len(window)], window, color="#2166ac", lw=0.8)
    right.axvspan(10, 11, color="#d6604d", alpha=0.2, label="the seller is at work")
    at_work = (minutes > 10) & (minutes < 11)
    print(f"nats an event: {np.nanmean(nats[~at_work]):.2f} usually, {np.nanmean(nats[at_work]):.2f} with the seller")

    for panel, title, x, y in (
        (left, "Forecast of a minute", "seconds", "change of the midpoint [ticks]"),
        (middle, "What the order does", "seconds", "difference of the midpoint [ticks]"),
        (right, "Unusual flow", "minutes after the open", "nats an event, mean of 100"),
    ):
        panel.set(title=title, xlabel=x, ylabel=y)
        panel.legend(fontsize=8, frameon=False)
    figure.savefig("learned_flow.png", dpi=110)
    print("Picture: learned_flow.png")
