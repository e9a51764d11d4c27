"""The statistics of a tape agree with the book they came from and with slow, obvious counts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lob import inspect
from lob.types import EVENT, NO_PRICE, EventKind, Phase
from lob.units import SECOND_NS
from scenarios.run.measures import Measures
from sim.market import Market
from sim.metrics import DepthHistory, MarketSeries, TapeCounts, bin_width_ns
from sim.rebuilt_book import RebuiltBook
from tests.scenarios.texts import SMALL, built

REPLACING = '''
from sim.policy import Policy, Settings, decision, send_limit, send_market, send_reduce, send_replace, uniform
from sim.records import Needs

class Nothing(Settings):
    """No settings."""

@decision
def decide(view, agent, out):
    if uniform(agent, 0) < 0.2:
        send_market(out, 1 if uniform(agent, 2) < 0.5 else -1, 3)
    elif view.n_own > 0 and uniform(agent, 0) < 0.4:
        send_reduce(out, view.own_id[0], 1)
    elif view.n_own > 0:
        side = view.own_side[0]
        send_replace(out, view.own_id[0], 10_000 - side * int(uniform(agent, 1) * 9), 1 + int(uniform(agent, 3) * 30))
    else:
        side = 1 if uniform(agent, 2) < 0.5 else -1
        send_limit(out, side, 10_000 - side * (1 + int(uniform(agent, 1) * 9)), 20)
    return 500_000_000

NOTHING = Policy(Nothing, decide, needs=Needs.OWN)
'''


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Market:
    folder = tmp_path_factory.mktemp("replacing")
    (folder / "replacing_policy.py").write_text(REPLACING)
    text = SMALL.replace('"zero_intelligence"', '"replacing_policy:NOTHING"').replace("interval_s = 2.0", "")
    market = built(folder, text).market()
    market.run()
    return market


def test_the_book_rebuilt_from_the_tape_is_the_book(market: Market) -> None:
    tape = market.tape
    assert {EventKind.REPLACE, EventKind.REDUCE, EventKind.EXECUTE, EventKind.ADD} <= set(tape["kind"].tolist())
    rebuilt = RebuiltBook(1, 65_536)
    for piece in np.array_split(tape, 17):
        rebuilt.apply(piece)

    book = market.world.book()
    for side in (0, 1):
        levels = np.zeros((1000, 3), np.int64)
        n = inspect.depth(book, side, levels)
        expected = {int(price): int(lots) for price, lots, _ in levels[:n]}
        occupied = np.flatnonzero(rebuilt.lots[side])
        assert {int(p) + 1: int(rebuilt.lots[side][p]) for p in occupied} == expected
    assert n > 0


def test_the_best_rebuilt_prices_are_the_touch_of_the_tape_in_every_bin(market: Market) -> None:
    tape, session = market.tape, market.session
    history = DepthHistory(session.open_ns, session.close_ns, SECOND_NS, 1, 65_536)
    series = MarketSeries(session.open_ns, session.close_ns, SECOND_NS)
    for piece in np.array_split(tape, 5):
        history(piece)
        series(piece)
    history.finish()
    touch = series.touch
    assert len(history.snapshots) > 100
    for k, (prices, lots) in history.snapshots.items():
        bids, asks = prices[lots > 0], prices[lots < 0]
        assert (bids.max() if len(bids) else np.nan) == pytest.approx(touch["bid_ticks"][k], nan_ok=True)
        assert (asks.min() if len(asks) else np.nan) == pytest.approx(touch["ask_ticks"][k], nan_ok=True)


def test_series_agree_with_a_slow_count(market: Market) -> None:
    tape, session = market.tape, market.session
    series = MarketSeries(session.open_ns, session.close_ns, 10 * SECOND_NS)
    for piece in np.array_split(tape, 23):
        series(piece)
    trades = tape[tape["kind"] == EventKind.EXECUTE]
    bins = np.minimum((trades["time_ns"] - session.open_ns) // (10 * SECOND_NS), series.n_bins - 1)
    for k in range(series.n_bins):
        mine = trades[bins == k]
        assert series.n_trades[k] == len(mine)
        assert series.volume_lots[k] == mine["qty_lots"].sum()
        assert series.buy_lots[k] == mine["qty_lots"][mine["side"] > 0].sum()
        if len(mine):
            prices = mine["price_ticks"]
            found = (series.open_ticks[k], series.high_ticks[k], series.low_ticks[k], series.close_ticks[k])
            assert found == (prices[0], prices.max(), prices.min(), prices[-1])


def test_the_mean_spread_is_weighted_by_time_and_leaves_out_empty_books_and_halts() -> None:
    rows = np.zeros(5, EVENT)
    rows["time_ns"] = [0, 10, 30, 60, 70]
    rows["phase"] = [Phase.CONTINUOUS] * 3 + [Phase.HALTED] * 2
    rows["bid_ticks"] = [NO_PRICE, 100, 100, 100, 100]
    rows["ask_ticks"] = [NO_PRICE, 102, 105, 200, 200]
    for cut in range(6):
        series = MarketSeries(0, 100, 10)
        series(rows[:cut])
        series(rows[cut:])
        assert series.mean_spread_ticks == pytest.approx((20 * 2 + 30 * 5) / 50)


def test_volatility_is_the_root_mean_square_of_returns_per_minute() -> None:
    mids = [10_000, 10_100, 10_000, 10_200, 10_200]
    rows = np.zeros(5, EVENT)
    rows["time_ns"] = np.array([0, 60, 120, 180, 239]) * SECOND_NS + 1
    rows["bid_ticks"], rows["ask_ticks"] = np.array(mids) - 1, np.array(mids) + 1
    series = MarketSeries(0, 240 * SECOND_NS, SECOND_NS * 20)
    series(rows)
    assert series.volatility_bps() == pytest.approx(1e4 * np.sqrt(np.mean(np.diff(np.log(mids[:4])) ** 2)))
    assert MarketSeries(0, 100, 10).volatility_bps() is None


def test_a_bin_divides_a_minute_and_a_day_has_at_most_800() -> None:
    for hours in (0.001, 0.1, 1, 6.5, 12):
        span = round(hours * 3600 * SECOND_NS)
        width = bin_width_ns(0, span)
        assert (60 * SECOND_NS) % width == 0 and span <= 800 * width


def test_counts_agree_with_the_market(market: Market) -> None:
    counts = TapeCounts()
    counts(market.tape)
    assert counts.n_rows == len(market.tape)
    # One row flagged FIRST per message, and one for each of the two phase changes.
    assert counts.n_messages == market.n_messages + 2
    assert counts.volume_lots == market.world.symbols["volume_lots"][0]
    assert sum(counts.rejects.values()) == counts.by_kind.get("reject", 0) == market.world.symbols["n_rejects"].sum()


def test_measures_do_not_depend_on_how_the_tape_is_cut(tmp_path: Path) -> None:
    parts = built(tmp_path)
    market = parts.market()
    market.run()
    found: list[Any] = []
    for pieces in (1, 13):
        measures = Measures(parts.scenario)
        for piece in np.array_split(market.tape, pieces):
            measures(piece)
        measures.finish()
        series = measures.series[0]
        depth = {k: (p.tobytes(), q.tobytes()) for k, (p, q) in measures.depth[0].snapshots.items()}
        found.append((measures.hash.hexdigest(), series.mean_spread_ticks, series.mid_ticks.tobytes(), depth))
    assert found[0] == found[1]
