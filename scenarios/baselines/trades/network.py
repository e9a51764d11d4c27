"""The denoiser of TRADES: a transformer over past orders, the books before them, and one noisy order at the end."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from scenarios.baselines.trades.scaling import FEATURES
from scenarios.baselines.trades.settings import TradesConfig

__all__ = ["Denoiser"]


def _waves(rows: int, width: int) -> Tensor:
    """Return sinusoidal embeddings, shape (rows, width) (Vaswani et al. 2017, section 3.5)."""
    half = (width + 1) // 2
    rates = torch.exp(-math.log(10_000.0) * torch.arange(half) / half)
    angles = torch.arange(rows)[:, None] * rates[None, :]
    return torch.cat([angles.sin(), angles.cos()], dim=1)[:, :width]


class _Attention(nn.Module):
    def __init__(self, config: TradesConfig) -> None:
        super().__init__()
        self._heads, self._is_full = config.heads, config.repaired
        self.project = nn.Linear(config.width, 3 * config.width)
        self.out = nn.Linear(config.width, config.width)

    def forward(self, x: Tensor) -> Tensor:
        batch, length, width = x.shape
        parts = self.project(x).view(batch, length, 3, self._heads, width // self._heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        if self._is_full:
            mixed = functional.scaled_dot_product_attention(query, key, value)
        else:
            # As published: each position gets its own value, times the weight it gives itself. The matrix is computed
            # and everything off its diagonal is lost, so that only the heads see more than one position.
            weights = torch.softmax(query @ key.transpose(-1, -2) / math.sqrt(query.shape[-1]), dim=-1)
            mixed = weights.diagonal(dim1=-2, dim2=-1)[..., None] * value
        joined: Tensor = self.out(mixed.transpose(1, 2).reshape(batch, length, width))
        return joined


class _Layer(nn.Module):
    def __init__(self, config: TradesConfig) -> None:
        super().__init__()
        width, hidden = config.width, config.feedforward_ratio * config.width
        self.attention = _Attention(config)
        self.norms = nn.ModuleList([nn.LayerNorm(width), nn.LayerNorm(width)])
        self.feed = nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, width))
        self.drop = nn.Dropout(config.dropout)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.drop(self.attention(self.norms[0](x)))
        y: Tensor = x + self.drop(self.feed(self.norms[1](x)))
        return y


class Denoiser(nn.Module):
    """Predicts the noise in an order and the variance of the step back.

    Orders and snapshots are projected to `augment_dim` each and laid side by side. Sinusoidal embeddings of position
    and noise level are added, the layers follow, and two heads read noise and variance from all positions laid flat.
    """

    def __init__(self, config: TradesConfig) -> None:
        super().__init__()
        half, width = config.augment_dim, config.width
        self._is_flat = config.flat_heads
        self.orders = nn.Sequential(nn.Linear(FEATURES, half), nn.GELU(), nn.Linear(half, half))
        self.books = nn.Sequential(nn.Linear(4 * config.levels, half), nn.GELU(), nn.Linear(half, half))
        self.register_buffer("positions", _waves(config.sequence, width), persistent=False)
        self.register_buffer("noise_levels", _waves(config.diffusion_steps, width), persistent=False)
        self.norm = nn.LayerNorm(width)
        self.layers = nn.ModuleList([_Layer(config) for _ in range(config.layers)])
        read = width * config.sequence if config.flat_heads else width
        self.noise_head, self.variance_head = nn.Linear(read, width), nn.Linear(read, width)
        self.noise_out, self.variance_out = nn.Linear(width, FEATURES), nn.Linear(width, FEATURES)

    def forward(self, noisy: Tensor, orders: Tensor, books: Tensor, level: Tensor) -> tuple[Tensor, Tensor]:
        """Return the noise in `noisy` and the variance's interpolation weight, both shape (batch, FEATURES).

        Args:
            noisy: the order to come, with noise, shape (batch, FEATURES).
            orders: scaled orders, shape (batch, sequence, FEATURES); the last row is not looked at.
            books: scaled books before them, shape (batch, sequence, levels * 4).
            level: noise levels, int64, shape (batch,), 0 the cleanest.
        """
        rows = torch.cat([orders[:, :-1], noisy[:, None]], dim=1)
        x = torch.cat([self.orders(rows), self.books(books)], dim=-1)
        x = self.norm(x + self.positions + self.noise_levels[level][:, None])  # type: ignore[index, operator]
        for layer in self.layers:
            x = layer(x)
        x = x.flatten(1) if self._is_flat else x[:, -1]
        return self.noise_out(self.noise_head(x)), self.variance_out(self.variance_head(x))
