"""Order data out in a public format, back in through the one door, and a market that opens from its book."""

from __future__ import annotations

import tempfile
from pathlib import Path

from agents.background.opening import opening_orders
from lob.replay import replay
from lob.types import EventKind
from scenarios import build_market
from scenarios.build.market import build
from scenarios.schema.load import load_scenario
from sim.formats import ItchWriter, read_recording, with_book

MINUTE_NS = 60_000_000_000


def main() -> None:
    """Write ten minutes as ITCH, read and replay them, and open another market at the fifth."""
    market = build_market("first_market", seed=1)
    begin_ns = market.session.open_ns
    market.run(begin_ns + 10 * MINUTE_NS)
    with tempfile.TemporaryDirectory() as folder:
        instrument = market.world.listings[0].instrument
        path = Path(folder) / "day.itch"
        writer = ItchWriter(path, "ABC", begin_ns, instrument.min_price_ticks, instrument.n_prices)
        writer(market.tape)
        writer.close()

        day = read_recording(path)
        found = replay(day)
        print(f"{len(day.messages):,} messages, tick {day.tick_size:g}")
        print(f"{found.counts['executions_at_head']:,} of {found.counts['executions']:,} executions at the head")
        ask, ask_lots, bid, bid_lots = with_book(day, levels=5).book[-1, 0]
        print(f"the touch at the end: {bid_lots} at {bid}, {ask_lots} at {ask}")

        orders = opening_orders(day, begin_ns + 5 * MINUTE_NS)
        ages_s = (begin_ns + 5 * MINUTE_NS - orders["time_ns"]) / 1e9
        print(f"{len(orders)} orders rest after five minutes, the oldest for {ages_s.max():.0f} s")
        scenario = Path(folder) / "opens.toml"
        scenario.write_text(f'[[instrument]]\nname = "ABC"\nopening = {{ recording = "{path}", at = 09:35:00 }}\n')
        again = build(load_scenario(str(scenario))).market()
        again.run(begin_ns + 6 * MINUTE_NS)
        print(f"the other market opens with {(again.tape['kind'] == EventKind.ADD).sum()} orders")


if __name__ == "__main__":
    main()
