"""The transformer: decoder only, pre-norm, learned positions, tied embeddings (Radford et al. 2019).

`forward` is for training. For decoding, `prefill` runs one prompt alone and `step` moves a fixed number of lanes on
by one token; both always see the same shapes for the same request, so that a reply cannot depend on what else is
decoded.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["Shape", "Transformer"]


@dataclass(frozen=True)
class Shape:
    """Sizes of the network."""

    n_tokens: int
    width: int = 176
    n_layers: int = 3
    n_heads: int = 4
    context: int = 512


class _Block(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        d = shape.width
        self.n_heads = shape.n_heads
        self.norm_1, self.norm_2 = nn.LayerNorm(d), nn.LayerNorm(d)
        self.qkv, self.out = nn.Linear(d, 3 * d), nn.Linear(d, d)
        self.up, self.down = nn.Linear(d, 4 * d), nn.Linear(4 * d, d)

    def heads(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return queries, keys, values, each (batch, heads, time, width / heads)."""
        b, t, d = x.shape
        parts = self.qkv(self.norm_1(x)).view(b, t, 3, self.n_heads, d // self.n_heads)
        q, k, v = parts.permute(2, 0, 3, 1, 4)
        return q, k, v

    def finish(self, x: Tensor, attended: Tensor) -> Tensor:
        """Add the attention's result and the feed-forward part."""
        b, _, t, _ = attended.shape
        x = x + self.out(attended.transpose(1, 2).reshape(b, t, -1))
        return x + self.down(F.gelu(self.up(self.norm_2(x)), approximate="tanh"))


class Transformer(nn.Module):
    """See the module."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.tokens = nn.Embedding(shape.n_tokens, shape.width)
        self.positions = nn.Embedding(shape.context, shape.width)
        self.blocks: list[_Block] = nn.ModuleList(_Block(shape) for _ in range(shape.n_layers))  # type: ignore[assignment]
        self.norm = nn.LayerNorm(shape.width)
        for name, p in self.named_parameters():
            if p.dim() > 1:
                scale = 0.02 / math.sqrt(2 * shape.n_layers) if name.endswith(("out.weight", "down.weight")) else 0.02
                nn.init.normal_(p, std=scale)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return the last hidden states, (batch, time, width), of right-padded tokens (batch, time)."""
        x = self.tokens(tokens) + self.positions.weight[: tokens.shape[1]]
        for block in self.blocks:
            q, k, v = block.heads(x)
            x = block.finish(x, F.scaled_dot_product_attention(q, k, v, is_causal=True))
        out: Tensor = self.norm(x)
        return out

    def logits(self, hidden: Tensor) -> Tensor:
        """Return scores of the next token."""
        return hidden @ self.tokens.weight.T

    def new_cache(self, lanes: int) -> Tensor:
        """Return an empty cache: (layers, 2, lanes, heads, context, width / heads)."""
        s = self.shape
        return torch.zeros(s.n_layers, 2, lanes, s.n_heads, s.context, s.width // s.n_heads)

    def prefill(self, tokens: list[int], cache: Tensor, lane: int) -> None:
        """Run a prompt (without its last token) alone, and put its keys and values into a lane of the cache."""
        x = self.tokens(torch.tensor([tokens])) + self.positions.weight[: len(tokens)]
        for n, block in enumerate(self.blocks):
            q, k, v = block.heads(x)
            cache[n, 0, lane, :, : len(tokens)], cache[n, 1, lane, :, : len(tokens)] = k[0], v[0]
            x = block.finish(x, F.scaled_dot_product_attention(q, k, v, is_causal=True))

    def step(self, tokens: Tensor, at: Tensor, cache: Tensor) -> Tensor:
        """Move every lane on by one token; return the scores of the next one, (lanes, n_tokens).

        Args:
            tokens: (lanes,) the token at each lane's position.
            at: (lanes,) the positions.
            cache: from `new_cache`; the new keys and values are added.
        """
        lanes = torch.arange(len(tokens))
        x = (self.tokens(tokens) + self.positions(at))[:, None]
        hidden = torch.arange(self.shape.context)[None, :] > at[:, None]
        bias = torch.zeros(hidden.shape).masked_fill_(hidden, float("-inf"))[:, None, None]
        for n, block in enumerate(self.blocks):
            q, k, v = block.heads(x)
            cache[n, 0, lanes, :, at], cache[n, 1, lanes, :, at] = k[:, :, 0], v[:, :, 0]
            scores = (q @ cache[n, 0].transpose(-1, -2)) / math.sqrt(q.shape[-1]) + bias
            x = block.finish(x, torch.softmax(scores, -1) @ cache[n, 1])
        return self.logits(self.norm(x)[:, 0])
