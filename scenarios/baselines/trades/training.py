"""Training of TRADES on one recorded or simulated order flow, for a given time."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from lob.recording import Recording
from scenarios.baselines.trades.diffusion import Diffusion, LevelSampler
from scenarios.baselines.trades.model import TradesModel, one_thread
from scenarios.baselines.trades.network import Denoiser
from scenarios.baselines.trades.orders import OrderTable, order_table
from scenarios.baselines.trades.scaling import fit_scale, raw_books, raw_orders
from scenarios.baselines.trades.settings import TradesConfig
from sim.metrics.flow import OrderFlow

__all__ = ["train"]


def train(
    flow_or_arrays: OrderFlow | Recording | OrderTable,
    config: TradesConfig,
    *,
    seconds: float,
    seed: int,
    progress: Callable[[int, float], None] | None = None,
    max_steps: int | None = None,
) -> TradesModel:
    """Return a model trained for some time on one thread.

    Each window of `sequence` orders is one example: all but the last condition the last. Adam on the hybrid loss, noise
    levels by importance, an exponential average of the weights for generation, as in Berti et al. (2025).

    Args:
        flow_or_arrays: what to learn from; only the past that the model may see.
        config: the settings.
        seconds: wall time; at least one step is taken.
        seed: of weights, windows and noise. Equal seeds give equal models after equally many steps.
        progress: called after each step with the steps done and the mean squared error of the noise over all levels.
        max_steps: stop after so many steps if the time is not over before.

    Raises:
        ValueError: if the flow has no book, too few levels or too few orders.
    """
    table = flow_or_arrays if isinstance(flow_or_arrays, OrderTable) else order_table(flow_or_arrays, config)
    if len(table) < config.sequence:
        raise ValueError(f"training: {len(table)} orders; one window needs {config.sequence}")
    orders, books = raw_orders(table, config), raw_books(table.before, config)
    scale = fit_scale(orders, books, config)
    rng = np.random.default_rng(seed)
    with one_thread(), torch.random.fork_rng():
        torch.manual_seed(seed)
        denoiser = Denoiser(config).train()
        average = {name: weights.detach().clone() for name, weights in denoiser.named_parameters()}
        diffusion, sampler = Diffusion(config, scale), LevelSampler(config.diffusion_steps, rng)
        adam = torch.optim.Adam(denoiser.parameters(), lr=config.learning_rate)
        lags = np.arange(-config.sequence + 1, 1)
        end, step = time.perf_counter() + seconds, 0
        while step == 0 or (time.perf_counter() < end and (max_steps is None or step < max_steps)):
            rows = rng.integers(config.sequence - 1, len(table), config.batch)[:, None] + lags
            window, snapshots = (torch.from_numpy(x) for x in scale.window(orders[rows], books[rows], config))
            level, factor = sampler.draw(config.batch)
            loss, simple = diffusion.loss(denoiser, window[:, -1], window, snapshots, level)
            adam.zero_grad()
            (loss * factor).mean().backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(denoiser.parameters(), 1.0)
            adam.step()
            sampler.record(level, loss.detach())
            step += 1
            # Early on, the average of so few steps would still be mostly the weights of the start.
            decay = min(config.ema_decay, step / (step + 9))
            with torch.no_grad():
                for name, weights in denoiser.named_parameters():
                    average[name].lerp_(weights, 1 - decay)
            if progress is not None:
                progress(step, float((simple.detach() * factor).mean()))
        denoiser.load_state_dict(average)
    return TradesModel(config, scale, denoiser)
