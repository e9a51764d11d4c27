"""New futures from one state, and what a shared random stream does to paired worlds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from agents.metaorder import Metaorder
from lob import Instrument
from lob.errors import RunError
from lob.units import SECOND_NS
from sim import Listing, Market, OrnsteinUhlenbeck, Population, Session, Trader
from tests.sim.markets import zero_intelligence_traders

BRANCH_NS = 150 * SECOND_NS
VALUE = OrnsteinUhlenbeck(2000.0, 0.01, 2.0)


def market_of(*more: Population, seed: int = 1, **options: Any) -> Market:
    stock = Instrument(n_prices=4096, reference_ticks=2000, max_orders=8192)
    return Market([Listing(stock, VALUE)], [zero_intelligence_traders(30), *more], Session(0, 300 * SECOND_NS),
                  seed=seed, **options)  # fmt: skip


def values(market: Market) -> np.ndarray[Any, Any]:
    symbol = market.world.symbols[0]
    start, n = int(symbol["first_value"]), int(symbol["n_values"])
    return market.world.table("floats", start + n)["value"][start:].copy()


def test_its_own_seed_continues_the_same_tape_and_another_gives_another_future() -> None:
    whole = market_of()
    whole.run()
    market = market_of()
    market.run(BRANCH_NS)
    state = market.snapshot()
    n_before = len(market.tape)
    tapes = {}
    for seed in (1, 2, 3):
        other = market_of()
        other.restore(state)
        other.reseed(seed)
        other.run()
        assert other.seed == seed
        tapes[seed] = other.tape.tobytes()
    assert market.tape.tobytes() + tapes[1] == whole.tape.tobytes()
    assert len(set(tapes.values())) == 3 and n_before > 0


def test_a_fundamental_goes_on_from_where_it_is_with_the_shocks_of_the_new_seed() -> None:
    market = market_of()
    before = values(market)
    market.run(BRANCH_NS)
    market.reseed(2)
    after, fresh = values(market), values(market_of(seed=2))
    assert (after[:151] == before[:151]).all() and abs(after[150] - fresh[150]) > 0.1
    # The step from one second to the next has the drift from the value that it is at, and the new seed's shock.
    decay = np.exp(-0.01)
    shocks = (fresh[151:] - 2000) - (fresh[150:-1] - 2000) * decay
    assert (after[151:] - 2000) - (after[150:-1] - 2000) * decay == pytest.approx(shocks, abs=1e-9)


def _books(market: Market) -> bytes:
    """All that lies from the first book on."""
    return market.world.block[int(market.world.symbols["off_book"][0]) :].tobytes()


def test_positions_and_books_stay() -> None:
    market = market_of()
    market.run(BRANCH_NS)
    accounts, books = market.world.accounts.copy(), _books(market)
    params = market.world.agents["params"].copy()
    market.reseed(77)
    assert (market.world.accounts == accounts).all() and (market.world.agents["params"] == params).all()
    assert _books(market) == books


class Quiet(Trader):
    """Does nothing."""

    def state(self) -> dict[str, Any]:
        return {}

    def on_wake(self, view: Any) -> None:
        return None


def test_traders_in_python_cannot_be_reseeded() -> None:
    market = market_of(Population("quiet", 1, trader=lambda index: Quiet()))
    with pytest.raises(RunError, match="Python trader"):
        market.reseed(2)


def mids(market: Market) -> np.ndarray[Any, Any]:
    market.run()
    rows = market.tape
    at = np.searchsorted(rows["time_ns"], np.arange(0, 300, 5) * SECOND_NS, side="right") - 1
    return (rows["bid_ticks"][at] + rows["ask_ticks"][at]) / 2


def test_one_shared_stream_separates_worlds_that_are_otherwise_the_same() -> None:
    order = Metaorder("buy", 1, start_s=100, duration_s=1, settings={"n_slices": 1})
    gaps = {}
    for shared in (False, True):
        pairs = [
            [mids(market_of(o.population(), seed=seed, shared_stream=shared)) for o in (order, order.placebo())]
            for seed in range(8)
        ]
        assert all((one[:20] == other[:20]).all() for one, other in pairs)
        gaps[shared] = np.mean([np.abs(one[21:] - other[21:]).mean() for one, other in pairs])
    assert gaps[True] > 4 * gaps[False]


def test_a_shared_stream_is_part_of_the_state() -> None:
    market = market_of(shared_stream=True)
    market.run(BRANCH_NS)
    other = market.fork()
    market.run()
    other.run()
    assert market.tape.tobytes().endswith(other.tape.tobytes()) and len(other.tape) > 0
    plain = market_of()
    plain.run()
    assert plain.tape.tobytes() != market.tape.tobytes()
