"""The compiled network gives the numbers of the torch model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from agents.flow import network, products
from agents.flow.codes import MARKET, N_FEATURES, N_LOCAL, N_ORDER_CODES, PARTIAL, SIGN_FEATURE
from agents.flow.model import BlockBatch
from agents.flow.weights import FlowWeights, header_and_payload
from lob.errors import InputError
from tests.flow.small import small_weights

N_EVENTS, K = 40, 4


def parts(weights: FlowWeights, stock: int) -> tuple[np.ndarray, np.ndarray]:
    """Header and payload."""
    return header_and_payload(weights.block(stock))


def sequence(weights: FlowWeights, n: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Random codes that an order can have, and features."""
    rng = np.random.default_rng(seed)
    mask = weights.model().detail_mask.numpy()
    order = rng.integers(0, N_ORDER_CODES, n)
    detail = np.array([rng.choice(np.flatnonzero(mask[o % N_LOCAL] == 0)) for o in order])
    delay = rng.integers(0, weights.config["n_delays"], n)
    return order, detail, delay, rng.normal(0, 1, (n, N_FEATURES)).astype(np.float32)


def torch_context(weights: FlowWeights, stock: int, n: int, seed: int) -> torch.Tensor:
    """Context vectors after each event."""
    order, detail, delay, book = sequence(weights, n, seed)
    with torch.no_grad():
        return weights.model().history(*(torch.from_numpy(x)[None] for x in (order, detail, delay, book)),
                                       torch.tensor([stock]))[0]  # fmt: skip


def compiled_contexts(weights: FlowWeights, stock: int, n: int, seed: int) -> np.ndarray:
    """The same, event by event."""
    h, w = parts(weights, stock)
    memory = np.zeros(network.context_room(h), np.float32)
    at = weights.config["layers"] * weights.config["window"] * 2 * weights.config["width"]
    found = []
    for k, (order, detail, delay, book) in enumerate(zip(*sequence(weights, n, seed), strict=True)):
        network.push_event(h, w, memory, k, int(order), int(detail), int(delay), book)
        found.append(memory[at : at + weights.config["width"]].copy())
    return np.array(found)


@pytest.mark.parametrize("stock", [0, 1])
def test_the_history_is_that_of_the_model_also_beyond_its_window(stock: int) -> None:
    weights = small_weights()
    expected = torch_context(weights, stock, N_EVENTS, 1).numpy()
    assert compiled_contexts(weights, stock, N_EVENTS, 1) == pytest.approx(expected, abs=2e-4)


def test_likelihoods_along_a_block_are_those_of_the_model() -> None:
    weights = small_weights()
    config, model = weights.config, weights.model()
    h, w = parts(weights, 1)
    rng = np.random.default_rng(3)
    context = torch_context(weights, 1, 20, 2)[-1]
    order, detail, delay, book = sequence(weights, K, 5)
    for trial in range(12):
        known = rng.random(K) < 0.4
        draft, leaves = trial % 2, trial // 2 % 2 == 1
        undecided = known & leaves
        volatility, drift = int(rng.integers(4)), int(rng.integers(4))
        batch = BlockBatch(
            *(torch.from_numpy(x)[None] for x in (order, detail, delay, known, undecided, ~known, book)),
            torch.tensor([draft == 1]), torch.tensor([leaves]), torch.tensor([1]), torch.tensor([volatility]),
            torch.tensor([drift]),
        )  # fmt: skip
        with torch.no_grad():
            expected = [x[0].numpy() for x in model.nats(context[None], batch)]
        room = np.zeros(network.block_room(h), np.float32)
        given = np.where(undecided, config["n_details"], detail)
        codes = [np.where(known, x, -1).astype(float) for x in (order, given, delay)]
        told = np.full(K, config["n_details"]) if draft and leaves else detail
        network.denoise(h, w, room, context.numpy(), K, *codes, volatility, drift, 1.0)
        n = config["width"]
        state, y = np.zeros(n, np.float32), np.zeros(config["head"], np.float32)
        scratch = np.zeros(8 * n + 200, np.float32)
        network.first_state(h, w, context.numpy(), state)
        for k in range(K):
            before = (int(order[k - 1]), int(told[k - 1]), int(delay[k - 1])) if k else (0, 0, 0)
            seen = book[0] if draft else book[k]
            network.head_state(h, w, state, k, *before, seen, draft, room[(k + 1) * n : (k + 2) * n], y, scratch)
            alone = bool(undecided[k]) and not draft  # only the detail is drawn
            if known[k] and not alone:
                continue
            mine = []
            for draw, give, code, size in (
                (network.head_delay, None, delay[k], config["n_delays"]),
                (network.head_order, network.give_order, order[k], N_ORDER_CODES),
                (network.head_detail, None, detail[k], config["n_details"]),
            ):
                allowed = np.ones(size)
                if draw is network.head_detail:
                    allowed = (model.detail_mask[order[k] % N_LOCAL].numpy() == 0).astype(float)
                kept = y.copy()
                if draw is network.head_order:
                    draw(h, w, y, book[k], allowed, 0.5, scratch)
                else:
                    draw(h, w, y, allowed, 0.5, scratch)
                mine.append(-np.log(scratch[int(code)] / scratch[:size].sum()))
                if draw is network.head_delay:
                    y[:] = kept
                    network.give_delay(h, w, y, int(code))
                elif give is not None:
                    give(h, w, y, int(code))
            if order[k] % N_LOCAL == PARTIAL:
                mine[2] = 0.0
            if alone:
                mine[:2] = [0.0, 0.0]
            assert mine == pytest.approx([x[k] for x in expected], abs=2e-3)


@pytest.mark.parametrize("lean", [0.0, 0.7])
def test_draws_have_the_probabilities_of_the_softmax_and_obey_the_mask(lean: float) -> None:
    """Market orders lean to the side of those before them by the sign memory times the average of their signs."""
    weights = small_weights()
    weights = replace(weights, arrays={**weights.arrays, "closed_loop.0.sign_memory": np.float32([lean])})
    h, w = parts(weights, 0)
    rng = np.random.default_rng(0)
    y = rng.normal(0, 1, weights.config["head"]).astype(np.float32)
    allowed = (rng.random(N_ORDER_CODES) < 0.3).astype(float)
    allowed[[MARKET, N_LOCAL + MARKET]] = 1
    book = np.zeros(N_FEATURES, np.float32)
    book[SIGN_FEATURE] = -0.8
    scratch = np.zeros(400, np.float32)
    u = (np.arange(20_000) + 0.5) / 20_000
    drawn = np.array([network.head_order(h, w, y, book, allowed, x, scratch) for x in u])
    shares = np.bincount(drawn, minlength=N_ORDER_CODES) / len(drawn)
    logits = np.maximum(y, 0) @ weights.arrays["to_order.weight"].T + weights.arrays["to_order.bias"]
    logits[MARKET] -= 0.8 * lean
    logits[N_LOCAL + MARKET] += 0.8 * lean
    expected = np.where(allowed > 0, np.exp(logits - logits.max()), 0)
    assert shares == pytest.approx(expected / expected.sum(), abs=2e-4)
    assert network.head_order(h, w, y, book, np.zeros(N_ORDER_CODES), 0.5, scratch) == -1


def test_the_exponential_is_numpys() -> None:
    x = -np.geomspace(1e-12, 86, 2000)
    assert [products.exp_fast(v) for v in x] == pytest.approx(np.exp(x), rel=1e-8)
    assert products.exp_fast(0.0) == 1.0 and products.exp_fast(-100.0) == 0.0


def test_weights_come_back_from_their_file(tmp_path: Path) -> None:
    weights = small_weights()
    weights.save(tmp_path / "w.safetensors")
    again = FlowWeights.load(tmp_path / "w.safetensors")
    assert again.config == weights.config and again.card == weights.card
    for stock in (0, 1):
        assert again.block(stock) == pytest.approx(weights.block(stock), rel=1e-6)


def test_a_bad_weights_file_is_refused_in_one_line(tmp_path: Path) -> None:
    weights = small_weights()
    path = tmp_path / "w.safetensors"
    with pytest.raises(InputError, match="no such file; allowed: a safetensors file"):
        FlowWeights.load(path)
    weights.save(path)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(InputError, match="corrupt"):
        FlowWeights.load(path)
    path.write_bytes(data.replace(b'format_version\\": \\"3', b'format_version\\": \\"7'))
    with pytest.raises(InputError, match="format version 7; allowed: 3"):
        FlowWeights.load(path)
    broken = {**weights.arrays, "start.weight": np.full_like(weights.arrays["start.weight"], np.nan)}
    replace(weights, arrays=broken).save(path)
    with pytest.raises(InputError, match=r"start\.weight holds values that are no numbers"):
        FlowWeights.load(path)
    replace(weights, config={**weights.config, "width": 32}).save(path)
    with pytest.raises(InputError, match="do not fit together"):
        FlowWeights.load(path)
