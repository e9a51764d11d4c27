"""The scores' samples on a flow that can be followed by hand, and the distances on samples with known answers."""

from __future__ import annotations

import numpy as np
import pytest

from lob.units import SECOND_NS
from sim.market import Market
from sim.metrics import (
    SAMPLES,
    FlowKind,
    OrderFlow,
    describe,
    flow_of_tape,
    total_variation,
    visible_flow_of_tape,
    wasserstein,
)
from sim.metrics.distances import bin_edges
from sim.metrics.facts import FACTS
from tests.sim.markets import MID_TICKS, market_of, zero_intelligence_traders

NAN = float("nan")


def small_flow() -> OrderFlow:
    """Two bids, two asks, a bid inside the spread, a cancel, two fills of one market order."""
    rows = [  # time, kind, side, price, lots, id, then the book: ask, lots, bid, lots of two levels
        (0, 1, 1, 100, 5, 1, (NAN, 0, 100, 5), (NAN, 0, NAN, 0)),
        (1, 1, -1, 104, 4, 2, (104, 4, 100, 5), (NAN, 0, NAN, 0)),
        (2, 1, -1, 105, 9, 3, (104, 4, 100, 5), (105, 9, NAN, 0)),
        (3, 1, 1, 101, 2, 4, (104, 4, 101, 2), (105, 9, 100, 5)),
        (4, 3, 1, 100, 5, 1, (104, 4, 101, 2), (105, 9, NAN, 0)),
        (5, 4, -1, 104, 4, 2, (105, 9, 101, 2), (NAN, 0, NAN, 0)),
        (5, 4, -1, 105, 3, 3, (105, 6, 101, 2), (NAN, 0, NAN, 0)),
        (9, 2, -1, 105, 1, 3, (105, 5, 101, 2), (NAN, 0, NAN, 0)),
    ]
    columns = [np.array([row[k] for row in rows]) for k in range(6)]
    book = np.array([[row[6], row[7]] for row in rows], float)
    return OrderFlow(
        columns[0] * SECOND_NS, columns[1], columns[2], columns[3].astype(float), columns[4], columns[5],
        book[:, 0, 2], book[:, 0, 0], book[:, 0, 3], book[:, 0, 1], book,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("spread", [4, 4, 3, 3, 4, 4, 4]),
        ("ask_touch", [0, 4, 4, 4, 4, 9, 6, 5]),
        ("bid_volume", [5, 5, 5, 7, 2, 2, 2, 2]),
        ("ask_volume", [0, 4, 13, 13, 13, 9, 6, 5]),
        ("ask_limit_depth", [2, 3]),  # from the midpoint 102 after the event
        ("bid_limit_depth", [1.5]),  # 101 from 102.5; the first bid has no midpoint
        ("bid_cancel_depth", [2.5]),
        ("ask_cancel_depth", [2]),
        ("ask_limit_level", [1, 2]),
        ("bid_limit_level", [1]),  # the very first event has no before
        ("bid_cancel_level", [2]),
        ("ask_cancel_level", [1]),
        ("volume_per_minute", [7 * 60]),
        ("submit_depth", [1, -1]),  # the ask at 105 behind 104, the bid at 101 inside
        ("cancel_depth", [1, 0]),
    ],
)
def test_samples_of_a_small_flow_are_those_counted_by_hand(name: str, values: list[float]) -> None:
    with np.errstate(all="ignore"):
        assert sorted(SAMPLES[name].of(small_flow())) == sorted(values)


def test_times_to_cancel_and_to_fill_run_from_the_submission_to_the_first_hit() -> None:
    flow = small_flow()
    assert 10 ** SAMPLES["log_time_to_cancel"].of(flow) == pytest.approx([4, 7])
    assert 10 ** SAMPLES["log_time_to_fill"].of(flow) == pytest.approx([4, 3])
    assert 10 ** SAMPLES["log_market_size"].of(flow) == pytest.approx([7])
    assert FACTS["size_kept_share"].of(flow) == 1.0


def test_order_flow_imbalance_is_a_mean_over_a_hundred_events_before_each_move() -> None:
    n = 500
    rng = np.random.default_rng(1)
    bid = 100.0 + np.cumsum(rng.choice([-1, 0, 0, 1], n))
    lots = rng.integers(1, 9, (2, n)).astype(float)
    flow = OrderFlow(
        np.arange(n), np.ones(n, int), np.ones(n, int), bid, np.ones(n, int), np.arange(n), bid, bid + 2, *lots
    )
    events = [0.0]
    for k in range(1, n):  # Cont, Kukanov and Stoikov 2014, equation 1, event by event
        e = (bid[k] >= bid[k - 1]) * lots[0, k] - (bid[k] <= bid[k - 1]) * lots[0, k - 1]
        events.append(e - (bid[k] <= bid[k - 1]) * lots[1, k] + (bid[k] >= bid[k - 1]) * lots[1, k - 1])
    means = [np.mean(events[k - 99 : k + 1]) for k in range(100, n)]
    assert SAMPLES["ofi"].of(flow) == pytest.approx(means)
    for name, sign in (("ofi_up", 1), ("ofi_stay", 0), ("ofi_down", -1)):
        before = [means[k - 100] for k in range(100, n - 1) if np.sign(bid[k + 1] - bid[k]) == sign]
        assert SAMPLES[name].of(flow) == pytest.approx(before) and len(before) > 20


def test_total_variation_is_zero_for_the_same_and_one_for_disjoint_samples() -> None:
    x = np.random.default_rng(0).normal(size=1000)
    assert total_variation(x, x) == 0
    assert total_variation(x, x + 100) == pytest.approx(1)
    assert total_variation(x, np.zeros(0)) == 1
    assert np.isnan(total_variation(np.zeros(0), np.zeros(0)))
    assert 11 <= len(bin_edges(x, x)) <= 201


def test_total_variation_of_shifted_uniforms_is_the_share_that_does_not_overlap() -> None:
    x = np.linspace(0, 1, 20_000)
    assert total_variation(x, x + 0.25) == pytest.approx(0.25, abs=0.03)


def test_wasserstein_counts_in_standard_deviations_of_the_reference() -> None:
    x = np.random.default_rng(0).normal(0, 7, 4000)
    assert wasserstein(x + 7, x) == pytest.approx(7 / x.std())
    assert np.isnan(wasserstein(x, np.zeros(5)))


def _tape(seed: int) -> tuple[Market, np.ndarray]:
    market = market_of([zero_intelligence_traders(40)], seed=seed)
    parts: list[np.ndarray] = []
    market.run(sinks=[lambda rows: parts.append(rows.copy())])
    return market, np.concatenate(parts)


def test_a_tapes_visible_flow_is_its_flow_with_the_book_that_a_slow_count_gives() -> None:
    _, rows = _tape(3)
    whole, shown = flow_of_tape(rows), visible_flow_of_tape(rows, 400)
    assert len(shown) == len(whole) > 500  # with so many levels everything can be seen
    for name in ("time_ns", "kind", "side", "price_ticks", "size_lots", "order_id", "bid_ticks", "ask_ticks"):
        assert np.array_equal(getattr(whole, name), getattr(shown, name), equal_nan=True), name
    few = visible_flow_of_tape(rows, 3)
    assert few.book is not None and few.book.shape[1:] == (3, 4) and len(few) <= len(shown)
    levels: dict[int, dict[float, int]] = {1: {}, -1: {}}
    books = {}
    for k in range(len(whole)):
        lots = int(whole.size_lots[k]) * (1 if whole.kind[k] == FlowKind.SUBMIT else -1)
        level, price = levels[int(whole.side[k])], float(whole.price_ticks[k])
        level[price] = level.get(price, 0) + lots
        if level[price] == 0:
            del level[price]
        best = [sorted(levels[-1].items())[:3], sorted(levels[1].items(), reverse=True)[:3]]
        row = np.full((3, 4), np.nan)
        row[:, 1::2] = 0
        for side in (0, 1):
            for j, cell in enumerate(best[side]):
                row[j, 2 * side : 2 * side + 2] = cell
        books[k] = row
    assert shown.book is not None
    for k in range(0, len(whole), 7):
        assert np.array_equal(shown.book[k, :3], books[k], equal_nan=True)
    assert abs(float(np.nanmedian(shown.mid_ticks)) - MID_TICKS) < 500
    assert describe(shown)["rows"] == len(shown)
