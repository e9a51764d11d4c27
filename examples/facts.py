"""Stylised facts of two simulated markets side by side, and the page of pictures that shows them all."""

import tempfile
from pathlib import Path

from scenarios import build_market
from scenarios.facts import facts_frame, facts_of, save_facts
from sim.metrics import visible_flow_of_tape

SHOWN = ("events_per_s", "return_sd_60s", "tail_index_1s", "market_sign_acf_1", "spread_mean", "metaorder_exponent")

if __name__ == "__main__":
    sources = []
    for name in ("first_market", "rmsc"):
        market = build_market(name, seed=1)
        market.run()
        sources.append(facts_of(visible_flow_of_tape(market.tape, levels=10), name))

    for fact in SHOWN:
        print(fact, *[f"{source.name} {source[fact]:.3g}" for source in sources if source[fact] is not None], sep="  ")

    found = sources[0].values["metaorder_exponent"]  # a value may have an interval, and says why if there is none
    print(f"impact exponent {found.value:.2f} ({found.low:.2f}, {found.high:.2f})")
    print(len(facts_frame(sources)), "rows: one a fact and source")

    with tempfile.TemporaryDirectory() as folder:
        save_facts(Path(folder), sources)
        print(sorted(path.name for path in Path(folder).iterdir()))
