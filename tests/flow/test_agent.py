"""The learned flow in a market: reads what it was trained on, answers to others, and is the same in every run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agents import Metaorder
from agents.flow import memory as rooms
from agents.flow import tables
from agents.flow.agent import LearnedFlow, policy
from agents.flow.codes import N_ORDER_CODES
from agents.flow.memory import FLOW
from agents.flow.weights import SHIPPED, FlowWeights, header_and_payload
from lob.errors import InputError
from lob.rules import Instrument
from sim.fundamental import ConstantValue
from sim.hash import TapeHash
from sim.market import Market
from sim.metrics.flow import visible_flow_of_tape
from sim.opened import memory_of
from sim.settings import Listing, Population, Session
from tests.flow.small import small_tokenizer, small_weights
from tests.sim.markets import zero_intelligence_traders

OPEN_NS, SECOND_NS = 36_000_000_000_000, 1_000_000_000
MID = 10_000


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A file of untrained weights."""
    path = tmp_path_factory.mktemp("weights") / "small.safetensors"
    small_weights().save(path)
    return str(path)


def market(weights: str, *others: Population, seconds: int = 40, seed: int = 1, **settings: Any) -> Market:
    """A market in which the learned flow trades first."""
    stock = Instrument(n_prices=4 * MID, reference_ticks=MID, max_orders=8192)
    flow = Population("flow", 1, policy, LearnedFlow(flow=weights, stock="ONE", **{"block": 4, **settings}))
    session = Session(OPEN_NS, OPEN_NS + seconds * SECOND_NS)
    return Market([Listing(stock, ConstantValue(float(MID)))], [flow, *others], session, seed=seed)


def memory(world: Market) -> Any:
    """The flow's memory."""
    return memory_of(world.world, 0, FLOW)


def tape_of(world: Market) -> np.ndarray[Any, Any]:
    """All rows of a run to the end."""
    parts: list[np.ndarray[Any, Any]] = []
    world.run(sinks=[lambda rows: parts.append(rows.copy())])
    return np.concatenate(parts)


def hash_of(world: Market) -> str:
    """Tape hash of a run to the end."""
    digest = TapeHash()
    world.run(sinks=[digest])
    return digest.hexdigest()


def test_what_the_flow_reads_in_the_market_is_what_the_tokenizer_reads_from_the_tape(weights: str) -> None:
    world, tokenizer = market(weights, seconds=160), small_tokenizer()
    levels = 10
    seen, parts = [], []
    for k in range(1, 320):
        world.run(OPEN_NS + k * SECOND_NS // 2, sinks=[lambda rows: parts.append(rows.copy())])
        now = memory(world)
        seen.append((int(now.n_pushed), int(now.last_ns), int(now.last_order), int(now.last_detail)))
    tape = np.concatenate(parts)
    tokens = tokenizer.encode(visible_flow_of_tape(tape, levels), "ONE")
    at = {int(t): k for k, t in enumerate(tokens.time_ns)}
    compared = [(at[time], order, detail) for _, time, order, detail in seen if time in at]
    assert len(compared) > 150
    same = [tokens.order[k] == order for k, order, _ in compared]
    # An order beyond the recorded levels is none of the recording's, but the flow sees it.
    assert np.mean(same) > 0.97
    details = [tokens.detail[k] == detail for (k, order, detail), ok in zip(compared, same, strict=True) if ok]
    assert np.mean(details) > 0.9  # ages of orders that a recording has not seen born are unknown to it


@pytest.mark.parametrize("settings", [{}, {"block": 1}, {"steps": 3}, {"volatility": "high", "drift": "low"}], ids=str)
def test_the_same_seed_is_the_same_tape_whatever_the_chunks(weights: str, settings: dict[str, Any]) -> None:
    whole = hash_of(market(weights, **settings))
    digest, world = TapeHash(), market(weights, **settings)
    for k in range(1, 41):
        world.run(OPEN_NS + k * SECOND_NS, sinks=[digest])
    assert digest.hexdigest() == whole != hash_of(market(weights, seed=2, **settings))


def test_a_fork_in_mid_day_goes_on_as_the_market_does(weights: str) -> None:
    world = market(weights, steps=2)
    world.run(OPEN_NS + 20 * SECOND_NS, sinks=[])
    fork = world.fork()
    assert tape_of(world).tobytes() == tape_of(fork).tobytes()


def test_a_placebo_leaves_the_tape_as_it_is_and_a_metaorder_does_not(weights: str) -> None:
    order = Metaorder("buy", 400, algo="twap", start_s=5, duration_s=30)
    nobody = tape_of(market(weights))
    placebo = tape_of(market(weights, order.placebo().population()))
    assert nobody.tobytes() == placebo.tobytes()
    treated = tape_of(market(weights, order.population()))
    began = treated["time_ns"][treated["parent_id"] == order.parent_id].min()
    assert nobody[nobody["time_ns"] < began].tobytes() == treated[treated["time_ns"] < began].tobytes()
    assert nobody.tobytes() != treated.tobytes()


def test_without_heed_others_are_seen_in_the_book_only(weights: str) -> None:
    assert hash_of(market(weights, heed=0.0)) == hash_of(market(weights))  # alone, there is nobody to heed
    crowd = zero_intelligence_traders(10, interval_s=0.5)
    hashes = {hash_of(market(weights, crowd, heed=heed)) for heed in (0.0, 0.5, 1.0)}
    assert len(hashes) == 3
    placebo = Metaorder("buy", 400, algo="twap", start_s=5, duration_s=30).placebo().population()
    assert hash_of(market(weights, placebo, heed=0.5)) == hash_of(market(weights, heed=0.5))


def test_another_agents_trade_drops_the_block_and_nothing_else_does(weights: str) -> None:
    alone = market(weights)
    tape_of(alone)
    undisturbed = memory(alone)
    per_block = undisturbed.n_sent / undisturbed.n_blocks
    assert per_block == pytest.approx(4, abs=0.2)
    busy = market(weights, zero_intelligence_traders(10, interval_s=0.5))
    tape_of(busy)
    assert memory(busy).n_sent / memory(busy).n_blocks < 0.8 * per_block


def test_the_book_keeps_both_sides_and_orders_are_never_rejected(weights: str) -> None:
    rows = tape_of(market(weights, seconds=120))
    assert (rows["kind"] != 6).all()
    flow = visible_flow_of_tape(rows, 10)
    assert np.isfinite(flow.mid_ticks[200:]).all()
    assert (flow.ask_ticks[200:] > flow.bid_ticks[200:]).all()
    deleted = flow.kind == 3
    assert deleted.mean() > 0.05 and (flow.kind == 4).any()


def test_a_swept_side_is_laid_anew_and_counted(weights: str) -> None:
    order = Metaorder("buy", 100_000, algo="twap", start_s=5, duration_s=1, settings={"n_slices": 1})
    world = market(weights, order.population())
    rows = tape_of(world)
    after = rows[rows["time_ns"] > OPEN_NS + 10 * SECOND_NS]
    assert len(after) > 100 and memory(world).n_guarded >= 1
    assert (after["ask_ticks"] > 0).mean() > 0.95


def test_bad_settings_are_refused(weights: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no third of a distribution; allowed: any, low, middle, high"):
        LearnedFlow(volatility="huge")
    with pytest.raises(InputError, match="stock XYZ: not in this model"):
        policy.block(LearnedFlow(flow=weights, stock="XYZ", block=4))
    with pytest.raises(InputError, match="no such file"):
        policy.block(LearnedFlow(flow=str(tmp_path / "none.safetensors")))
    with pytest.raises(ValueError, match="trained for up to 4"):
        policy.block(LearnedFlow(flow=weights, stock="ONE", block=8))


def test_recorded_books_favour_neither_side() -> None:
    h, w = header_and_payload(FlowWeights.load(SHIPPED).block(0))
    recorded = [np.mean([tables.book_cell(h, w, k, side, 9, 1) for k in range(24)]) for side in (0, 1)]
    drawn = [np.mean([tables.book_cell(h, w, k, side, 9, 1) for k in range(48)]) for side in (0, 1)]
    assert abs(recorded[0] / recorded[1] - 1) > 0.1 and drawn[0] == pytest.approx(drawn[1], rel=1e-9)
    found = np.bincount([tables.drawn_book(u) for u in (np.arange(4_800) + 0.5) / 4_800], minlength=48)
    assert (found == 100).all()
    assert all(tables.book_spread(h, w, k) == tables.book_spread(h, w, k + 24) >= 1 for k in range(24))


def test_the_rooms_of_the_flows_memory_do_not_overlap_and_fill_it() -> None:
    """Compiled code does not check bounds: what the network's parts need must be what the population asks for."""
    h, _ = header_and_payload(FlowWeights.load(SHIPPED).block(0))
    cells = rooms.cells_needed(h)
    m = np.zeros(2 * (cells - rooms.FLOW_CELLS), np.float32)
    parts = [rooms.history_of(h, m, 0), rooms.history_of(h, m, 1), rooms.block_of(h, m), rooms.state_of(h, m),
             rooms.layer_of(h, m), rooms.scratch_of(h, m), rooms.draft_state_of(h, m),
             rooms.kept_layer_of(h, m)]  # fmt: skip
    for k, part in enumerate(parts):
        assert (part == 0).all()
        part[:] = k + 1
    assert sum(map(len, parts)) <= len(m) <= sum(map(len, parts)) + 1
    assert len(rooms.scratch_of(h, m)) >= max(h.n_details, h.n_delays, N_ORDER_CODES) + h.head
    assert len(rooms.context_of(h, m, 1)) == h.width and (rooms.context_of(h, m, 1) == 2).all()
