"""The diffusion of one order: noise schedule, training loss, and the two ways back from noise."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from scenarios.baselines.trades.network import Denoiser
from scenarios.baselines.trades.scaling import FEATURES, Scale
from scenarios.baselines.trades.settings import TradesConfig

__all__ = ["Diffusion", "LevelSampler"]

Singles = np.ndarray[Any, np.dtype[np.float32]]
Floats = np.ndarray[Any, np.dtype[np.float64]]


class Diffusion:
    """Gaussian diffusion with the cosine schedule (Nichol and Dhariwal 2021, eq. 17) and a learned variance (eq. 15).

    Args:
        config: the settings.
        scale: gives the range that the repaired sampler keeps to.
    """

    def __init__(self, config: TradesConfig, scale: Scale) -> None:
        steps = config.diffusion_steps
        angle = (np.arange(steps + 1) / steps + 0.008) / 1.008 * math.pi / 2
        kept = np.cos(angle) ** 2
        betas = np.clip(1 - kept[1:] / kept[:-1], 0.0, 0.999)
        total = np.cumprod(1 - betas)
        before = np.concatenate([[1.0], total[:-1]])
        posterior = betas * (1 - before) / (1 - total)
        posterior[0] = posterior[1]  # the last step back is exact; its variance would have no logarithm
        self._config = config
        self._grid = config.step_grid()
        self._total = total
        self.total = torch.tensor(total, dtype=torch.float32)
        self.betas = torch.tensor(betas, dtype=torch.float32)
        self._log_beta = torch.tensor(np.log(betas), dtype=torch.float32)
        self._log_posterior = torch.tensor(np.log(posterior), dtype=torch.float32)
        self._from_clean = torch.tensor(np.sqrt(before) * betas / (1 - total), dtype=torch.float32)
        self._from_noisy = torch.tensor(np.sqrt(1 - betas) * (1 - before) / (1 - total), dtype=torch.float32)
        self._low, self._high = torch.tensor(scale.low), torch.tensor(scale.high)

    def loss(
        self, denoiser: Denoiser, clean: Tensor, orders: Tensor, books: Tensor, level: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return the hybrid loss of each window, shape (batch,), and its part from the noise alone.

        The squared error of the noise plus `vlb_weight` times the variational bound in bits, whose gradient reaches
        the variance only (Nichol and Dhariwal 2021, eq. 16).

        Args:
            denoiser: the network.
            clean: the orders to learn, shape (batch, FEATURES).
            orders: as the network takes them.
            books: as the network takes them.
            level: as the network takes them.
        """
        noise = torch.randn_like(clean)
        total = self.total[level][:, None]
        noisy = total.sqrt() * clean + (1 - total).sqrt() * noise
        guess, weight = denoiser(noisy, orders, books, level)
        simple = ((guess - noise) ** 2).mean(dim=1)
        log_variance = self._log_variance(weight, level)
        true_mean = self._from_clean[level][:, None] * clean + self._from_noisy[level][:, None] * noisy
        gap = (true_mean - self._mean_back(noisy, guess.detach(), level)) ** 2
        true_log = self._log_posterior[level][:, None]
        kl = 0.5 * (log_variance - true_log - 1 + torch.exp(true_log - log_variance) + gap * torch.exp(-log_variance))
        likelihood = 0.5 * (log_variance + math.log(2 * math.pi) + gap * torch.exp(-log_variance))
        bound = torch.where(level[:, None] == 0, likelihood, kl).mean(dim=1) / math.log(2)
        return simple + self._config.vlb_weight * bound, simple

    def draw(self, denoiser: Denoiser, orders: Singles, books: Singles, rng: np.random.Generator) -> Singles:
        """Return the scaled features of one new order, shape (FEATURES,).

        Args:
            denoiser: the network, in evaluation mode.
            orders: one window, shape (sequence, FEATURES).
            books: its books, shape (sequence, levels * 4).
            rng: the only source of randomness.
        """
        with torch.inference_mode():
            window = torch.from_numpy(orders)[None], torch.from_numpy(books)[None]
            x = self._normal(rng)
            back = self._ddpm(denoiser, x, window, rng) if self._config.sampler == "ddpm" else None
            result: Singles = (self._ddim(denoiser, x, window, rng) if back is None else back)[0].numpy()
        return result

    @staticmethod
    def _normal(rng: np.random.Generator) -> Tensor:
        return torch.from_numpy(rng.standard_normal((1, FEATURES), dtype=np.float32))

    def _ddim(self, denoiser: Denoiser, x: Tensor, window: tuple[Tensor, Tensor], rng: np.random.Generator) -> Tensor:
        """Go back along the grid (Song, Meng and Ermon 2021, eqs. 12 and 16)."""
        # As published, the last step back stops at the lowest noise level instead of at the clean order.
        last = 1.0 if self._config.repaired else float(self._total[0])
        after = [float(self._total[k]) for k in self._grid[1:]] + [last]
        for level, next_total in zip(self._grid, after, strict=True):
            total = float(self._total[level])
            noise, _ = denoiser(x, *window, torch.tensor([level]))
            clean = (x - math.sqrt(1 - total) * noise) / math.sqrt(total)
            if self._config.repaired:
                # At the highest levels hardly any signal is left to divide by: an error there would become huge.
                clean = clean.clamp(self._low, self._high)
                noise = (x - math.sqrt(total) * clean) / math.sqrt(1 - total)
            sigma = self._config.noise_share * math.sqrt(
                (1 - next_total) / (1 - total) * max(1 - total / next_total, 0.0)
            )
            x = math.sqrt(next_total) * clean + math.sqrt(1 - next_total - sigma**2) * noise
            if sigma:
                x = x + sigma * self._normal(rng)
        return x

    def _ddpm(self, denoiser: Denoiser, x: Tensor, window: tuple[Tensor, Tensor], rng: np.random.Generator) -> Tensor:
        """Go back through every level with the learned variance (Ho, Jain and Abbeel 2020, algorithm 2)."""
        for step in reversed(range(self._config.diffusion_steps)):
            level = torch.tensor([step])
            noise, weight = denoiser(x, *window, level)
            if self._config.repaired:
                total = self.total[step]
                clean = ((x - (1 - total).sqrt() * noise) / total.sqrt()).clamp(self._low, self._high)
                mean = self._from_clean[step] * clean + self._from_noisy[step] * x
            else:
                mean = self._mean_back(x, noise, level)
            spread = torch.exp(0.5 * self._log_variance(weight, level)) if step else torch.zeros_like(x)
            x = mean + spread * self._normal(rng)
        return x

    def _mean_back(self, noisy: Tensor, noise: Tensor, level: Tensor) -> Tensor:
        beta, total = self.betas[level][:, None], self.total[level][:, None]
        return (noisy - beta / (1 - total).sqrt() * noise) / (1 - beta).sqrt()

    def _log_variance(self, weight: Tensor, level: Tensor) -> Tensor:
        share = (weight.clamp(-1, 1) + 1) / 2
        return share * self._log_beta[level][:, None] + (1 - share) * self._log_posterior[level][:, None]


class LevelSampler:
    """Draws noise levels in proportion to the root mean square of their recent losses (Nichol and Dhariwal 2021, 3.3).

    Args:
        levels: number of noise levels.
        rng: source of randomness.
    """

    _KEPT = 10
    _UNIFORM_SHARE = 0.001

    def __init__(self, levels: int, rng: np.random.Generator) -> None:
        self._losses = np.zeros((levels, self._KEPT))
        self._seen = np.zeros(levels, np.int64)
        self._rng = rng

    def draw(self, count: int) -> tuple[Tensor, Tensor]:
        """Return levels, shape (count,), and the factors that make their losses' mean unbiased."""
        levels = len(self._seen)
        chances = np.full(levels, 1 / levels)
        if (self._seen >= self._KEPT).all():
            chances = np.sqrt((self._losses**2).mean(axis=1))
            chances = (1 - self._UNIFORM_SHARE) * chances / chances.sum() + self._UNIFORM_SHARE / levels
        drawn = self._rng.choice(levels, count, p=chances)
        factors = 1 / (levels * chances[drawn])
        return torch.from_numpy(drawn), torch.from_numpy(factors.astype(np.float32))

    def record(self, levels: Tensor, losses: Tensor) -> None:
        """Remember the losses, shape (count,), of drawn levels."""
        for level, loss in zip(levels.tolist(), losses.tolist(), strict=True):
            self._losses[level, self._seen[level] % self._KEPT] = loss
            self._seen[level] += 1
