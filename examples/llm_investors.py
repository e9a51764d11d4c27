"""Investors that ask a language model: a model of your own behind the protocol, recorded once and replayed.

Run: python examples/llm_investors.py

Any class with `model` and `complete(requests)` can stand in place of the one below: see agents.llm for the small model
that comes with the package (LocalBackend) and for servers (HttpBackend). In a scenario file: `kind = "llm"`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from agents.llm import Desk, Investor, Recorder, Replay, Reply, Request
from agents.llm.protocol import Backend
from agents.rules import zero_intelligence
from lob import Instrument
from lob.units import SECOND_NS
from sim import Bulletin, ConstantValue, Latency, Listing, Market, Population, Session


class Enthusiast:
    """Stands for a model: buys on any news, holds otherwise, and now and then writes nonsense."""

    model = "enthusiast-1"

    def complete(self, requests: Sequence[Request]) -> list[Reply]:
        """Answer a batch; a reply depends on its own request alone."""
        return [Reply(self.write(request)) for request in requests]

    def write(self, request: Request) -> str:
        """Return what the model says to one request."""
        if request.seed % 10 == 0:
            return "As a language model, I would buy."
        observation = request.messages[-1][1]
        order = {"side": "buy", "kind": "market", "offset_ticks": 0, "qty_lots": 10, "time_in_force": "ioc"}
        excited = "; news none;" not in observation
        return json.dumps(
            {
                "view": "up" if excited else "flat",
                "confidence": 90 if excited else 50,
                "cancel_open_orders": False,
                "orders": [order] if excited else [],
            }
        )


def market_with(backend: Backend) -> Market:
    """Return ten minutes of a market with four investors who learn of news after five."""
    crowd = zero_intelligence.policy
    desk = Desk(backend)
    news = Bulletin(34_500 * SECOND_NS, "Company wins a large order", "news")
    populations = [
        Population("crowd", 100, crowd, crowd.settings(interval_s=5.0, size_lots=5)),
        Population(
            "investors",
            4,
            trader=lambda k: Investor(k, desk, personas=["news_fast", "retail"], interval_s=20.0),
            latency=Latency(a_ns=5e6),
            bulletins=(news,),
        ),
    ]
    stock = Listing(Instrument(n_prices=20_000, reference_ticks=10_000), ConstantValue(10_000.0))
    market = Market([stock], populations, Session(34_200 * SECOND_NS, 34_800 * SECOND_NS), seed=2)
    market.run()
    return market


def main() -> None:
    """Record a run, show what was decided, and replay it."""
    with TemporaryDirectory() as folder:
        record = Path(folder) / "replies.sqlite"
        first = market_with(Recorder(Enthusiast(), record))
        again = market_with(Replay(record))
    hashes = [hashlib.sha256(market.tape.tobytes()).hexdigest()[:12] for market in (first, again)]
    print(f"recorded: tape {hashes[0]}; replayed without the model: tape {hashes[1]}")
    for agent, trader in first.traders.items():
        assert isinstance(trader, Investor)
        counts = trader.counts
        position = int(first.world.accounts["position_lots"][agent, 0])
        print(
            f"agent {agent} ({trader.persona.style}): {counts['n_decisions']} decisions {counts['actions']}, "
            f"fallbacks {counts['fallbacks']}, position {position:+d}"
        )
    investor = first.traders[100]
    assert isinstance(investor, Investor)
    last = investor.take_traces()[-1]
    print("what the first one saw last:")
    print(last["view"])


if __name__ == "__main__":
    main()
