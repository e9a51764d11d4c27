"""TRADES trains, generates, and comes back from disk; its network is the published one, or the repaired one."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.flow_trades.flows import settings, toy_flow

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from scenarios.baselines.trades import TradesConfig, TradesModel, closed_loop, train  # noqa: E402
from scenarios.baselines.trades.diffusion import Diffusion, LevelSampler  # noqa: E402
from scenarios.baselines.trades.network import Denoiser  # noqa: E402
from scenarios.baselines.trades.scaling import FEATURES, Scale  # noqa: E402


def small_model(repaired: bool, **changes: Any) -> TradesModel:
    return train(toy_flow(400), settings(repaired, **changes), seconds=60, seed=1, max_steps=30)


def wide_scale() -> Scale:
    return Scale((0.0,) * 8, (1.0,) * 8, (0.0, 0.0), (1.0, 1.0), (-9.0,) * 8, (9.0,) * 8)


def test_importing_the_package_does_not_load_torch() -> None:
    code = (
        "import sys, scenarios.baselines.trades as t\n"
        "t.TradesConfig, t.History, t.LoopBook\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_published_network_has_ten_million_weights_most_of_them_in_two_flat_heads() -> None:
    denoiser = Denoiser(TradesConfig(False))
    heads = sum(p.numel() for name, p in denoiser.named_parameters() if "head" in name)
    assert sum(p.numel() for p in denoiser.parameters()) == pytest.approx(10.0e6, rel=0.01)
    assert heads == pytest.approx(8.4e6, rel=0.01)


@pytest.mark.parametrize("repaired", [False, True])
def test_only_repaired_attention_carries_something_from_one_position_to_another(repaired: bool) -> None:
    attention = Denoiser(settings(repaired)).layers[0].attention
    with torch.no_grad():
        width = attention.out.in_features
        # Equal queries and keys: every weight is the same, whatever the input.
        attention.project.weight[: 2 * width] = 0
        attention.project.bias[: 2 * width] = 0
        x = torch.randn(1, 5, width)
        changed = x.clone()
        changed[0, 0] += 1
        apart = (attention(x) - attention(changed)).abs().amax(dim=-1)[0]
    assert apart[0] > 1e-3
    assert bool((apart[1:] > 1e-3).all()) == repaired


@pytest.mark.parametrize("sampler", ["ddim", "ddpm"])
def test_a_perfect_denoiser_leads_the_repaired_sampler_to_the_order(sampler: Any) -> None:
    config = settings(repaired=True, sampler=sampler)
    diffusion, target = Diffusion(config, wide_scale()), torch.linspace(-1, 1, FEATURES)[None]

    def perfect(noisy: Any, _orders: Any, _books: Any, level: Any) -> Any:
        total = diffusion.total[level][:, None]
        return (noisy - total.sqrt() * target) / (1 - total).sqrt(), torch.zeros_like(noisy)

    empty = np.zeros((12, FEATURES), np.float32), np.zeros((12, 16), np.float32)
    drawn = diffusion.draw(perfect, *empty, np.random.default_rng(0))  # type: ignore[arg-type]
    assert np.allclose(drawn, target[0], atol=1e-3)


def test_one_published_step_hardly_leaves_the_noise() -> None:
    config = settings(repaired=False)
    diffusion = Diffusion(config, wide_scale())
    noise = np.random.default_rng(0).standard_normal((1, FEATURES), dtype=np.float32)
    silent = lambda noisy, *_: (torch.zeros_like(noisy), torch.zeros_like(noisy))  # noqa: E731
    empty = np.zeros((12, FEATURES), np.float32), np.zeros((12, 16), np.float32)
    assert np.allclose(diffusion.draw(silent, *empty, np.random.default_rng(0)), noise[0], atol=0.01)  # type: ignore[arg-type]


def test_noise_levels_with_larger_losses_are_drawn_more_often_and_weigh_less() -> None:
    sampler = LevelSampler(4, np.random.default_rng(0))
    losses = torch.tensor([1.0, 1.0, 1.0, 5.0])
    for _ in range(10):
        sampler.record(torch.arange(4), losses)
    levels, factors = sampler.draw(4000)
    counts = np.bincount(levels.numpy(), minlength=4)
    assert counts[3] / 4000 == pytest.approx(5 / 8, abs=0.04)
    assert float((losses[levels] * factors).mean()) == pytest.approx(2.0, abs=0.01), "the mean stays unbiased"


@pytest.mark.parametrize("repaired", [False, True])
def test_training_lowers_the_loss_and_a_seed_gives_one_model(repaired: bool) -> None:
    threads, losses = torch.get_num_threads(), []
    config = settings(repaired, flat_heads=not repaired, learning_rate=5e-3)
    flow = toy_flow(400)

    def run(seed: int, steps: int) -> TradesModel:
        losses.clear()
        watch = lambda _, loss: losses.append(loss)  # noqa: E731
        return train(flow, config, seconds=60, seed=seed, progress=watch, max_steps=steps)

    run(1, 150)
    assert len(losses) == 150 and np.mean(losses[-20:]) < 0.8 * np.mean(losses[:5])
    weights = [run(seed, 5).denoiser.noise_out.weight for seed in (1, 1, 2)]
    assert torch.equal(weights[0], weights[1]) and not torch.equal(weights[0], weights[2])
    assert torch.get_num_threads() == threads


@pytest.mark.parametrize("changes", [{}, {"sampler": "ddpm", "diffusion_steps": 10}, {"sampling_steps": 3, "eta": 0.5}])
@pytest.mark.parametrize("repaired", [False, True])
def test_a_closed_loop_is_a_valid_order_flow_and_repeats_itself(repaired: bool, changes: dict[str, Any]) -> None:
    model, start = small_model(repaired, **changes), toy_flow(200, seed=9)
    runs = [closed_loop(model, start, 150, seed) for seed in (4, 4, 5)]
    flow = runs[0].flow
    assert flow.book is not None and flow.book.shape[1:] == (4, 4)
    assert runs[0].orders_per_s > 0 and runs[0].draws_per_order >= 1
    assert (np.diff(flow.time_ns) >= 0).all() and flow.time_ns[0] >= start.time_ns[-1]
    assert (flow.size_lots > 0).all() and not (flow.ask_ticks <= flow.bid_ticks).any()
    assert np.array_equal(flow.price_ticks, runs[1].flow.price_ticks)
    assert np.array_equal(flow.time_ns, runs[1].flow.time_ns)
    assert not np.array_equal(flow.time_ns[:50], runs[2].flow.time_ns[:50])


def test_the_loop_starts_from_the_last_recorded_book() -> None:
    from scenarios.baselines.trades.recording import book_after

    start = toy_flow(300, seed=7)
    assert start.book is not None
    book = book_after(start, 4)
    assert np.array_equal(book.snapshot(), start.book[-1], equal_nan=True)
    known = {int(i) for i in start.order_id[start.kind == 1]}
    assert any(i in known for side in (1, -1) for price in book.prices(side) for i in book.queue(side, price))


def test_orders_that_are_never_usable_are_bent_after_enough_redraws() -> None:
    model = small_model(repaired=True, max_redraws=2)
    object.__setattr__(model.scale, "mean", (*model.scale.mean[:4], -1e6, *model.scale.mean[5:]))
    result = closed_loop(model, toy_flow(200), 5, seed=0)
    assert result.bent_share == 1 and result.draws_per_order == 3


def test_a_saved_model_generates_what_the_model_generates(tmp_path: Path) -> None:
    model = small_model(repaired=True)
    model.save(tmp_path / "model")
    loaded = TradesModel.load(tmp_path / "model")
    assert loaded.config == model.config and loaded.scale == model.scale
    flows = [closed_loop(each, toy_flow(200), 40, seed=3).flow for each in (model, loaded)]
    assert np.array_equal(flows[0].price_ticks, flows[1].price_ticks)
    assert np.array_equal(flows[0].time_ns, flows[1].time_ns)


def test_a_loop_needs_orders_and_a_book() -> None:
    model = SimpleNamespace(config=settings(repaired=True))
    with pytest.raises(ValueError, match="n_orders = 0"):
        closed_loop(model, toy_flow(200), 0, seed=0)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="one window needs"):
        closed_loop(model, toy_flow(10), 5, seed=0)  # type: ignore[arg-type]
