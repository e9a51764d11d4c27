"""Tokens say what happened: classes hold what belongs to them, values drawn from a class lie in it, and back again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.flow import codes
from agents.flow.codes import DELETE, MARKET, N_DEEP, N_IMPROVE, N_LOCAL, N_TARGETS, NEW, PARTIAL
from agents.flow.tokenizer import Tokenizer
from lob.errors import InputError
from sim.metrics.flow import FlowKind
from tests.flow.small import market_flow, small_tokenizer


@given(st.integers(1, 400), st.floats(1.5, 60.0))
def test_a_depth_lies_in_the_range_of_its_class(depth: int, scale: float) -> None:
    k = codes.deep_bin(float(depth), scale)
    low, high = codes.deep_range(k, scale)
    assert low <= depth and (depth <= high or k == N_DEEP - 1)


@given(st.integers(2, 200), st.integers(1, 199), st.sampled_from([1, -1]))
def test_orders_inside_the_spread_are_classed_by_the_share_they_close(spread: int, closed: int, side: int) -> None:
    if closed >= spread:
        return
    code = codes.order_code(NEW, side, float(-closed), float(spread), 20.0)
    assert (code < N_LOCAL) == (side > 0)
    local = codes.local_code(code)
    assert 0 <= local < N_IMPROVE
    if closed == spread - 1 and spread > 2:
        assert local == N_IMPROVE - 1
    elif closed == 1:
        assert local == 0
    else:
        assert local == 1 + min(3, int(4 * closed / spread))


def test_kinds_and_sides_have_codes_of_their_own() -> None:
    kinds = (NEW, DELETE, PARTIAL, MARKET)
    found = {codes.order_code(kind, side, 0.0, 10.0, 10.0) for kind in kinds for side in (1, -1)}
    assert len(found) == 8 and max(found) < codes.N_ORDER_CODES


def test_a_deletions_target_is_told_by_age_and_size() -> None:
    ages = [codes.target_class(age, 50.0, 100.0) for age in (0.0, 5e-3, 1.0, 60.0, 300.0, 1e6, -1.0)]
    assert ages == [0, 4, 16, 28, 32, 32, 36]
    sizes = [codes.target_class(0.0, lots, 100.0) for lots in (1.0, 99.0, 100.0, 101.0, 300.0, 301.0)]
    assert sizes == [0, 0, 1, 2, 2, 3]
    assert codes.target_class(-1.0, 1e9, 100.0) == N_TARGETS - 1


def test_a_flow_in_tokens_has_the_events_of_a_plain_look() -> None:
    flow, tokenizer = market_flow(1).visible(), small_tokenizer()
    tokens = tokenizer.encode(market_flow(1), "ONE")
    kinds, sides, lots, times = [], [], [], []
    k = 1
    while k < len(flow):
        kind, side, total, time = int(flow.kind[k]), int(flow.side[k]), int(flow.size_lots[k]), flow.time_ns[k]
        quoted = np.isfinite(flow.bid_ticks[k - 1] + flow.ask_ticks[k - 1])
        while (
            kind == FlowKind.EXECUTE and k + 1 < len(flow) and flow.kind[k + 1] == kind
            and flow.side[k + 1] == side and flow.time_ns[k + 1] == time
        ):  # fmt: skip
            k += 1
            total += int(flow.size_lots[k])
        if quoted:
            kinds.append(kind)
            sides.append(-side if kind == FlowKind.EXECUTE else side)
            lots.append(total)
            times.append(time)
        k += 1
    local = tokens.order % N_LOCAL
    mine = np.select([local < DELETE, local < PARTIAL, local == PARTIAL], [1, 3, 2], 4)
    assert mine.tolist() == kinds
    assert np.where(tokens.order < N_LOCAL, 1, -1).tolist() == sides
    assert tokens.time_ns.tolist() == times
    sized = np.isin(mine, (1, 4)) & (tokens.detail < tokenizer.n_sizes)
    assert (tokens.detail[sized] == tokenizer.size_class(np.array(lots)[sized])).all()
    whole = (mine == 4) & (tokens.detail == tokenizer.n_sizes)
    assert whole.any() and (tokens.detail[mine == 3] > tokenizer.n_sizes).all()
    seconds = np.diff(times) / 1e9
    assert (tokens.delay[1:] == tokenizer.delay_class(seconds)).all()


def test_values_inside_a_class_belong_to_it() -> None:
    tokenizer = small_tokenizer()
    for stock in tokenizer.stocks:
        for k, row in enumerate(stock.size):
            assert (tokenizer.size_class(row) == k).all()
        for k, row in enumerate(stock.delay[1:], 1):
            assert (np.abs(tokenizer.delay_class(10**row) - k) <= 1).all() and (np.diff(row) >= 0).all()
        occupied = stock.depth[:N_IMPROVE]
        assert ((occupied > 0) & (occupied <= 1)).all()


def test_mirrored_features_are_those_of_the_mirrored_market() -> None:
    flow = market_flow(1)
    assert flow.book is not None
    top = 2.0 * np.nanmean(flow.mid_ticks).round()
    mirror = replace(
        flow, side=-flow.side, price_ticks=top - flow.price_ticks, bid_ticks=top - flow.ask_ticks,
        ask_ticks=top - flow.bid_ticks, bid_lots=flow.ask_lots, ask_lots=flow.bid_lots,
        book=np.concatenate([top - flow.book[:, :, 2:3], flow.book[:, :, 3:4], top - flow.book[:, :, 0:1],
                             flow.book[:, :, 1:2]], axis=2),
    )  # fmt: skip
    one, other = (small_tokenizer().encode(f, 0) for f in (flow, mirror))
    assert (other.order == (one.order + N_LOCAL) % codes.N_ORDER_CODES).all()
    assert (other.detail == one.detail).all() and (other.delay == one.delay).all()
    mirrored_code = one.features[:, list(codes.MIRROR)] * np.array(codes.MIRROR_SIGN)
    assert other.features == pytest.approx(mirrored_code, abs=1e-9)


def test_a_tokenizer_comes_back_from_its_arrays() -> None:
    tokenizer = small_tokenizer()
    again = Tokenizer.from_arrays(tokenizer.arrays(), tokenizer.text())
    one, other = (t.encode(market_flow(2), "TWO") for t in (tokenizer, again))
    for name in ("order", "detail"):
        assert (getattr(one, name) == getattr(other, name)).all()
    assert (one.delay != other.delay).mean() < 1e-3  # classes' ends are stored as float32


def test_bad_flows_are_refused() -> None:
    flow = market_flow(1)
    with pytest.raises(InputError, match="X: 50 events; allowed: at least 2000"):
        Tokenizer.fit([flow.take(slice(0, 50))], ["X"])
    with pytest.raises(InputError, match="X: flow without its book"):
        Tokenizer.fit([replace(flow, book=None)], ["X"])
    with pytest.raises(InputError, match="stock XYZ: not in this model; allowed: ONE, TWO"):
        small_tokenizer().encode(flow, "XYZ")
