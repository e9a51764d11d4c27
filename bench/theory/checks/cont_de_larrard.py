"""Cont and de Larrard 2013 through the engine: balanced queues of given lengths, and which is empty first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bench.theory.markets import DAY_S, one_agent, theory_market
from bench.theory.oracles.cont_de_larrard import probability_up, probability_up_within
from bench.theory.oracles.intervals import proportion_interval, sidak_level
from bench.theory.rows import Row, covers
from sim.codes import WAKE_START
from sim.distributions import Settings
from sim.policy import Policy, decision, exponential, indices, send_cancel_all, send_limit, send_market, uniform

__all__ = ["measure"]

CELLS = ((2, 1), (3, 1), (5, 2))
MAX_EVENTS = 3_000


class Balanced(Settings):
    """Settings of two queues that each grow and shrink at the same rate.

    Attributes:
        bid_orders, ask_orders: orders at the best prices at the beginning of a trial.
        max_events: a trial that lasts longer ends without a result.
        interval_s: mean time between two events.
    """

    bid_orders: int = 2
    ask_orders: int = 1
    max_events: int = MAX_EVENTS
    interval_s: float = 0.01


P = indices(Balanced)
S = indices(None, "bid_ticks", "events", "trials", "up", "open")
NEXT, WHICH = 0, 1


@decision
def decide(view: Any, agent: Any, out: Any) -> int:
    """Change one queue by one order; begin a new trial when a queue is empty."""
    delay = 1000 + int(exponential(agent, NEXT, agent.params[P.interval_s] * 1e9))
    price = int(view.last_ticks)
    if not view.reason & WAKE_START:
        price = int(agent.state[S.bid_ticks])
        up = view.ask_ticks != price + 1
        if up or view.bid_ticks != price or agent.state[S.events] >= agent.params[P.max_events]:
            agent.state[S.trials] += 1.0
            if up:
                agent.state[S.up] += 1.0
            elif view.bid_ticks == price:
                agent.state[S.open] += 1.0
        else:
            agent.state[S.events] += 1.0
            side = 1 if uniform(agent, WHICH) < 0.5 else -1
            if uniform(agent, WHICH + 1) < 0.5:
                send_limit(out, side, price if side > 0 else price + 1, 1)
            else:
                send_market(out, -side, 1)
            return delay
        send_cancel_all(out)
    agent.state[S.bid_ticks] = price
    agent.state[S.events] = 0.0
    for _ in range(int(agent.params[P.bid_orders])):
        send_limit(out, 1, price, 1)
    for _ in range(int(agent.params[P.ask_orders])):
        send_limit(out, -1, price + 1, 1)
    return delay


policy = Policy(Balanced, decide)


def measure(quick: bool = False) -> Iterator[Row]:
    """Yield one row for each cell."""
    wanted = 2_000 if quick else 40_000
    for bid, ask in CELLS:
        trials = up = unresolved = 0
        for day in range(100):
            queues = one_agent("queues", policy, Balanced(bid_orders=bid, ask_orders=ask))
            market = theory_market([queues], DAY_S, 100 + day)
            state = market.world.agents["state"][0]
            market.run(None, [lambda rows: None], should_stop=lambda: state[S.trials] + trials >= wanted)  # noqa: B023
            trials, up = trials + int(state[S.trials]), up + int(state[S.up])
            unresolved += int(state[S.open])
            if trials >= wanted:
                break
        target, left = probability_up_within(bid, ask, MAX_EVENTS)
        low, high = proportion_interval(up, trials, sidak_level(len(CELLS)))
        detail = (
            f"n = {trials:,}; trials end after {MAX_EVENTS:,} events ({unresolved / trials:.2%} open, {left:.2%} in "
            f"theory); without an end {probability_up(bid, ask):.4f}"
        )
        what = f"Cont-de Larrard: next move is up from balanced queues {bid} and {ask}"
        yield covers(f"cdl-{bid}{ask}", what, (up / trials, low, high), target, detail)
