"""python examples/market_design.py: what six rules of a market do, a panel each, to market_design.png."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from lob import EventKind, Flag
from scenarios import load_scenario
from scenarios.build import build
from scenarios.experiments.outcomes import FinishedRun, outcomes_of

SEEDS = (1, 2, 3)


class World:
    """One finished run of a scenario with some settings changed."""

    def __init__(self, name: str, seed: int, *overrides: str) -> None:
        self.built = build(load_scenario(name, overrides))
        self.market = self.built.market(seed)
        self.market.run()
        session = self.market.session
        self.run = FinishedRun(self.market.tape, self.market, self.built, session.open_ns, session.close_ns)
        self.rows = self.market.tape
        self.trades = self.rows[self.rows["kind"] == EventKind.EXECUTE]

    def ids(self, population: str) -> np.ndarray:
        """Ids of a population's agents."""
        place = self.built.group(population)
        return np.arange(place.first_agent, place.first_agent + place.count)

    def resting_lots(self, population: str) -> int:
        """Lots that a population's resting orders traded."""
        return int(self.trades["qty_lots"][np.isin(self.trades["contra_agent"], self.ids(population))].sum())

    def profit(self, population: str) -> float:
        """Profit of a population in ticks x lots, positions at the last midpoint."""
        accounts = self.market.world.accounts[self.ids(population), 0]
        return float((accounts["cash_ticks"] + accounts["position_lots"] * self.run.touch.mid_ticks[-1]).sum())


def mean(values: list[float]) -> float:
    """Mean over seeds."""
    return float(np.mean(values))


figure, panels = plt.subplots(2, 3, figsize=(13, 7.5), layout="constrained")
(pro_rata, iceberg, pegs), (stops, ticks, bump) = panels

rules = {"time": "cme_f", "time\npro rata": "eurex_money_market", "pro rata": "cme_c"}
shares = []
for rule in rules.values():
    worlds = [World("pro_rata_futures", seed, f"instrument.STIR.rules={rule}") for seed in SEEDS]
    both = [(w.resting_lots("patient"), w.resting_lots("restless")) for w in worlds]
    shares.append(mean([100 * a / (a + b) for a, b in both]))
pro_rata.bar(list(rules), shares, color="tab:blue")
pro_rata.set(title="pro_rata_futures: what age is worth", ylabel="patient makers' share of fills, %")

for label, overrides, color in (
    ("hunted", (), "tab:red"),
    ("nobody hunts", ("population.hunters.settings.max_position_lots=1",), "tab:blue"),
):
    w = World("iceberg", 1, *overrides)
    mine = w.trades[np.isin(w.trades["contra_agent"], w.ids("buyer")) | np.isin(w.trades["agent"], w.ids("buyer"))]
    lots = mine["qty_lots"].cumsum()
    paid = ((mine["price_ticks"] - 10_000) * mine["qty_lots"].astype(float)).cumsum() / lots
    iceberg.plot(lots, paid, color=color, label=label)
iceberg.set(
    title="iceberg: the price of being found", xlabel="lots bought", ylabel="mean paid so far above 10,000, ticks"
)
iceberg.legend()

patience = (0, 5, 20, 60)
costs = {"who waits": [], "who crosses": []}
for seconds in patience:
    worlds = [World("midpoint_pegs", s, f"population.peggers.settings.patience_s={seconds}") for s in SEEDS]
    for label, name in (("who waits", "peggers"), ("who crosses", "takers")):
        traded = [sum(w.trades["qty_lots"][np.isin(w.trades[c], w.ids(name))].sum() for c in ("agent", "contra_agent"))
                  for w in worlds]  # fmt: skip
        costs[label].append(mean([-w.profit(name) / lots for w, lots in zip(worlds, traded, strict=True)]))
for label, values in costs.items():
    pegs.plot(patience, values, "o-", label=label)
pegs.set(title="midpoint_pegs: waiting in the middle", xlabel="patience at the midpoint, s", ylabel="cost, ticks a lot")
pegs.set_ylim(bottom=0 if min(map(min, costs.values())) >= 0 else None)
pegs.legend()

for label, overrides, color in (
    ("stops of 40 lots", (), "tab:red"),
    ("stops of 1 lot", ("population.holders.settings.position_lots=1",), "tab:blue"),
):
    w = World("stop_cascade", 1, *overrides)
    minutes = (w.rows["time_ns"] - w.market.session.open_ns) / 6e10
    quoted = (w.rows["bid_ticks"] > -(2**31)) & (w.rows["ask_ticks"] > -(2**31)) & (minutes > 13) & (minutes < 22)
    mid = (w.rows["bid_ticks"] + w.rows["ask_ticks"].astype(float)) / 2
    stops.plot(minutes[quoted], mid[quoted], color=color, label=label, linewidth=1)
stops.set(title="stop_cascade: one message's wake", xlabel="minutes after the open", ylabel="midpoint, ticks")
stops.legend()

steps = (1, 2, 5, 10, 20, 40)
parts = [[outcomes_of(World("tick_size", s, f"instrument.ABC.price_step_ticks={step}").run) for s in SEEDS]
         for step in steps]  # fmt: skip
spread = [mean([p["mean_spread_ticks"] for p in part]) / step for part, step in zip(parts, steps, strict=True)]
depth = [mean([p["mean_depth_lots"] for p in part]) for part in parts]
ticks.loglog(steps, spread, "o-", color="tab:blue")
ticks.set(title="tick_size: from small-tick to large-tick", xlabel="price step, ticks", ylabel="spread, steps (blue)")
ticks.minorticks_off()
ticks.set_xticks(steps, [str(step) for step in steps])
ticks.set_yticks((1, 2, 3), ("1", "2", "3"))
right = ticks.twinx()
right.loglog(steps, depth, "s--", color="tab:orange")
right.minorticks_off()
right.set_xticks(steps, [str(step) for step in steps])
right.set_yticks((50, 100, 200, 400, 800), ("50", "100", "200", "400", "800"))
right.set_ylabel("lots at the best prices (orange)")

delays = (0, 1, 2, 5, 10)
gains = {"snipers": [], "makers": []}
for ms in delays:
    worlds = [World("speed_bump", s, f"instrument.ABC.taker_delay_us={1000 * ms}") for s in SEEDS]
    for name, values in gains.items():
        values.append(mean([w.profit(name) for w in worlds]))
for name, values in gains.items():
    label = "snipers' profit" if name == "snipers" else "makers' gain over no wait"
    bump.plot(delays, np.array(values) - (values[0] if name == "makers" else 0), "o-", label=label)
bump.set(title="speed_bump: who wins the race", xlabel="takers wait, ms", ylabel="ticks x lots")  # fmt: skip
bump.legend()

figure.savefig("market_design.png", dpi=110)
hidden = World("midpoint_pegs", 1).trades["flags"] & Flag.HIDDEN > 0
print(f"share of trades at the midpoint that nobody saw coming: {hidden.mean():.0%}")
print("picture: market_design.png")
