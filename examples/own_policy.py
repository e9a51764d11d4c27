"""A trading rule of your own as a compiled policy, of which thousands can trade.

Run: python examples/own_policy.py

The rule: buy after the price has fallen for a while, sell after it has risen, and withdraw what did not trade. In a
scenario file such a policy is named `kind = "own_policy:policy"`.
"""

from __future__ import annotations

from typing import Any

from agents.makers import market_maker
from agents.rules import noise, value
from lob import NO_PRICE, Instrument
from lob.units import SECOND_NS
from sim import Listing, Market, Needs, OrnsteinUhlenbeck, Policy, Population, Session, Settings, decision
from sim.checks import check_policy
from sim.codes import WAKE_START
from sim.policy import exponential, indices, send_cancel_all, send_limit


class Contrarian(Settings):
    """Settings of a contrarian; any number may also be a distribution that each agent draws from.

    Attributes:
        interval_s: mean time between two decisions, in seconds.
        memory: weight of the old average price, between 0 and 1.
        threshold_ticks: distance from the average at which it trades.
        size_lots: size of its orders.
    """

    interval_s: float = 5.0
    memory: float = 0.9
    threshold_ticks: float = 2.0
    size_lots: float = 5.0


P = indices(Contrarian)  # positions in agent.params
S = indices(None, "average_ticks")  # positions in agent.state
NEXT = 0  # which draw of a decision serves what


@decision
def decide(view: Any, agent: Any, out: Any) -> int:
    """Look, perhaps send orders through `out`, and return the ns until the next look."""
    delay = 1 + int(exponential(agent, NEXT, agent.params[P.interval_s]) * SECOND_NS)
    if view.reason & WAKE_START:
        agent.state[S.average_ticks] = view.last_ticks
        return delay
    if view.n_own > 0:
        send_cancel_all(out)
    if view.bid_ticks != NO_PRICE and view.ask_ticks != NO_PRICE:
        mid = 0.5 * (view.bid_ticks + view.ask_ticks)
        gap = mid - agent.state[S.average_ticks]
        agent.state[S.average_ticks] += (1.0 - agent.params[P.memory]) * gap
        if gap > agent.params[P.threshold_ticks]:
            send_limit(out, -1, view.bid_ticks, int(agent.params[P.size_lots]))
        elif gap < -agent.params[P.threshold_ticks]:
            send_limit(out, 1, view.ask_ticks, int(agent.params[P.size_lots]))
    return delay


policy = Policy(Contrarian, decide, needs=Needs.OWN)

MAKERS = market_maker.policy.settings(
    refresh_s=2.0, n_levels=5, level_spacing_ticks=1, first_spread_ticks=4, min_size_lots=100, spread_weight=0.1
)


def main() -> None:
    """Check the policy, then let 100 contrarians trade for ten minutes."""
    check_policy(policy)
    print("check_policy: nothing to complain about")

    stock = Listing(
        Instrument(n_prices=20_000, reference_ticks=10_000),
        OrnsteinUhlenbeck(10_000.0, kappa_per_s=0.01, sigma_ticks_per_sqrt_s=1.0),
    )
    populations = [
        Population("contrarians", 100, policy, Contrarian()),
        Population("noise", 200, noise.policy, noise.policy.settings(interval_s=10.0)),
        Population("value", 50, value.policy, value.policy.settings(interval_s=10.0, noise_ticks=5.0)),
        Population("makers", 2, market_maker.policy, MAKERS),
    ]
    session = Session(34_200 * SECOND_NS, 34_800 * SECOND_NS)
    market = Market([stock], populations, session, seed=1)
    market.run()

    accounts = market.world.accounts[:, 0]
    last = int(market.world.symbols["last_ticks"][0])
    print(f"{market.n_messages} messages, {int(market.world.symbols['n_trades'][0])} trades, last price {last}")
    first = 0
    for population in populations:
        mine = accounts[first : first + population.count]
        profit = int((mine["cash_ticks"] + mine["position_lots"] * last).sum())
        print(f"{population.name:12} {int(mine['n_orders'].sum()):6} orders, profit {profit:8} ticks x lots")
        first += population.count


if __name__ == "__main__":
    main()
