"""The network: a causal transformer over the history of orders, and a block denoiser that makes the next K of them.

History. Every event is one token: embeddings of its three codes plus a projection of the live book after it. A causal
transformer with a sliding window and linear position biases (ALiBi, Press et al. 2022) turns it into a context vector.

Block. The next K orders start out masked. A denoiser with attention in both directions sees the context and those
orders of the block that are known, and gives a vector for each position: masked (absorbing) diffusion over whole orders
in random order (Austin et al. 2021, D3PM; Sahoo et al. 2024, MDLM). Independent draws of the positions would lose the
memory of signs and the clustering of times, so a small recurrent head walks through the block in time order and draws
delay, order and detail one after the other, each given the draws before it. In the last of the S steps the head also
sees the live book at each order's own turn, so that an order answers to what the ones before it did. Drafts say what
comes and when; how large it is and which order it takes out is decided at its own turn, too.

Everything is relu, softmax and sigmoid on a few thousand numbers: network.py repeats it without torch.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from agents.flow.codes import DELETE, MARKET, N_FEATURES, N_LOCAL, N_ORDER_CODES, N_TARGETS, PARTIAL

__all__ = ["N_REGIMES", "BlockBatch", "FlowConfig", "FlowModel"]

N_REGIMES = 4
"""A condition is 0 (none) or a third of its distribution in training: 1 low, 2 middle, 3 high."""


@dataclass(frozen=True)
class FlowConfig:
    """Sizes of the network.

    Attributes:
        width: of all vectors; a multiple of `heads`.
        heads: attention heads.
        layers: of the causal transformer.
        block_layers: of the denoiser.
        window: events that a token of the history attends to.
        block: largest K.
        head: width of the head's last layer.
        n_details, n_delays, n_stocks: sizes of the vocabulary, from the tokenizer.
    """

    n_details: int
    n_delays: int
    n_stocks: int
    width: int = 64
    heads: int = 4
    layers: int = 3
    block_layers: int = 2
    window: int = 128
    block: int = 8
    head: int = 96


@dataclass
class BlockBatch:
    """Blocks to be denoised; N blocks of K positions.

    Attributes:
        order, detail, delay: true codes, long, (N, K).
        known: bool, (N, K): the order is given.
        undecided: bool, (N, K): it is given but for its detail, which is drawn at its turn; only where known.
        chosen: bool, (N, K): the order is drawn in this step; never known.
        features: live book before each order, (N, K, F).
        is_draft: bool, (N,): the step draws orders ahead of time, without the live book.
        leaves_detail: bool, (N,): a draft draws orders without their details.
        stock: long, (N,).
        volatility, drift: conditions, long, (N,).
    """

    order: Tensor
    detail: Tensor
    delay: Tensor
    known: Tensor
    undecided: Tensor
    chosen: Tensor
    features: Tensor
    is_draft: Tensor
    leaves_detail: Tensor
    stock: Tensor
    volatility: Tensor
    drift: Tensor


def _norm(x: Tensor) -> Tensor:
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6)


class _Layer(nn.Module):
    """Attention and a two-layer perceptron with squared relu, both before normalised inputs."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.up = nn.Linear(width, 2 * width, bias=False)
        self.down = nn.Linear(2 * width, width, bias=False)

    def forward(self, x: Tensor, bias: Tensor | None) -> Tensor:
        """Return x after the layer; bias (heads, T, T) is added to the scores."""
        n, length, width = x.shape
        q, k, v = self.qkv(_norm(x)).view(n, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        mixed = nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=bias)
        x = x + nn.functional.dropout(
            self.out(mixed.transpose(1, 2).reshape(n, length, width)), self.dropout, self.training
        )
        return x + nn.functional.dropout(self.down(torch.relu(self.up(_norm(x))).square()), self.dropout, self.training)


class FlowModel(nn.Module):
    """The generator's network; see the module."""

    detail_mask: Tensor
    bias: Tensor

    def __init__(self, config: FlowConfig, dropout: float = 0.0) -> None:
        super().__init__()
        self.config = c = config
        d = c.width
        self.order, self.detail, self.delay = (
            nn.Embedding(n, d) for n in (N_ORDER_CODES + 1, c.n_details + 1, c.n_delays)
        )  # the last order code is the mask, the last detail that of an order whose detail is not drawn yet
        self.book = nn.Linear(N_FEATURES, d, bias=False)
        self.stock = nn.Embedding(c.n_stocks, d)
        self.layers = nn.ModuleList(_Layer(d, c.heads, dropout) for _ in range(c.layers))
        self.start = nn.Linear(d, d, bias=False)
        self.spread = nn.Linear(d, d, bias=False)
        self.position = nn.Embedding(c.block, d)
        self.volatility, self.drift = nn.Embedding(N_REGIMES, d), nn.Embedding(N_REGIMES, d)
        self.block_layers = nn.ModuleList(_Layer(d, c.heads, dropout) for _ in range(c.block_layers))
        self.first = nn.Linear(d, d)
        self.draft = nn.Embedding(2, d)
        self.cell = nn.GRUCell(d, d)
        self.merge = nn.Linear(2 * d, c.head)
        self.to_delay = nn.Linear(c.head, c.n_delays)
        self.given_delay = nn.Embedding(c.n_delays, c.head)
        self.to_order = nn.Linear(c.head, N_ORDER_CODES)
        self.given_order = nn.Embedding(N_ORDER_CODES, c.head)
        self.to_detail = nn.Linear(c.head, c.n_details)
        for module in self.modules():
            if isinstance(module, nn.Embedding):
                nn.init.normal_(module.weight, std=0.3)
        self.register_buffer("detail_mask", _detail_mask(c.n_details), persistent=False)
        self.register_buffer("bias", _window_bias(512, c.window, c.heads), persistent=False)

    def events(self, order: Tensor, detail: Tensor, delay: Tensor) -> Tensor:
        """Embed known orders."""
        return self.order(order) + self.detail(detail) + self.delay(delay)

    def history(
        self,
        order: Tensor,
        detail: Tensor,
        delay: Tensor,
        features: Tensor,
        stock: Tensor,
        hidden: Tensor | None = None,
    ) -> Tensor:
        """Return the context after each event, (B, T, width).

        Args:
            order: codes, (B, T).
            detail: codes, (B, T).
            delay: codes, (B, T).
            features: live book after each event, (B, T, F).
            stock: (B,).
            hidden: bool, (B, T): events of which only the book is shown.
        """
        events = self.events(order, detail, delay)
        if hidden is not None:
            masked = self.order(torch.tensor(N_ORDER_CODES, device=order.device))
            events = torch.where(hidden[..., None], masked, events)
        x = events + self.book(features) + self.stock(stock)[:, None]
        length = x.shape[1]
        bias = self.bias[:, :length, :length]
        if length > self.bias.shape[1]:
            bias = _window_bias(length, self.config.window, self.config.heads).to(x.device)
        for layer in self.layers:
            x = layer(x, bias)
        return _norm(x)

    def denoise(self, context: Tensor, batch: BlockBatch) -> Tensor:
        """Return a vector for each position of the blocks, (N, K, width); context is (N, width)."""
        length = batch.order.shape[1]
        masked = self.order(torch.tensor(N_ORDER_CODES, device=context.device))
        detail = torch.where(batch.undecided, self.config.n_details, batch.detail)
        known = self.events(batch.order, detail, batch.delay)
        x = torch.where(batch.known[..., None], known, masked) + self.position.weight[:length]
        condition = self.stock(batch.stock) + self.volatility(batch.volatility) + self.drift(batch.drift)
        x = x + self.spread(context)[:, None]
        x = torch.cat([(self.start(context) + condition)[:, None], x], dim=1)
        for layer in self.block_layers:
            x = layer(x, None)
        return _norm(x)[:, 1:]

    def nats(self, context: Tensor, batch: BlockBatch) -> tuple[Tensor, Tensor, Tensor]:
        """Return minus the log likelihood of delay, order and detail of the chosen positions, each (N, K), else 0.

        Details also count where they alone are drawn.
        """
        vectors = self.denoise(context, batch)
        n, length = batch.order.shape
        masked = self.order(torch.tensor(N_ORDER_CODES, device=context.device))
        left_out = (batch.is_draft & batch.leaves_detail)[:, None]
        detail = torch.where(left_out, self.config.n_details, batch.detail)
        seen = torch.where((batch.known | batch.chosen)[..., None],
                           self.events(batch.order, detail, batch.delay), masked)  # fmt: skip
        before = torch.cat([torch.zeros_like(seen[:, :1]), seen[:, :-1]], dim=1)
        live = torch.where(batch.is_draft[:, None, None], batch.features[:, :1], batch.features)
        inputs = before + self.book(live) + self.draft(batch.is_draft.long())[:, None]
        state, states = torch.tanh(self.first(context)), []
        for k in range(length):
            state = self.cell(inputs[:, k], state)
            states.append(state)
        y = self.merge(torch.cat([torch.stack(states, dim=1), vectors], dim=-1))
        entropy = nn.functional.cross_entropy
        at = (batch.chosen | (batch.undecided & ~batch.is_draft[:, None])).flatten()
        y, chosen = y.flatten(0, 1)[at], batch.chosen.flatten()[at]
        order, detail, delay = (t.flatten()[at] for t in (batch.order, batch.detail, batch.delay))
        parts = [torch.where(chosen, entropy(self.to_delay(torch.relu(y)), delay, reduction="none"), 0.0)]
        y = y + self.given_delay(delay)
        parts.append(torch.where(chosen, entropy(self.to_order(torch.relu(y)), order, reduction="none"), 0.0))
        y = y + self.given_order(order)
        local = order % N_LOCAL
        logits = self.to_detail(torch.relu(y)) + self.detail_mask[local]
        parts.append(torch.where(local == PARTIAL, 0.0, entropy(logits, detail, reduction="none")))
        found = []
        for part in parts:
            full = torch.zeros(n * length, dtype=part.dtype, device=part.device)
            found.append(full.masked_scatter(at, part).view(n, length))
        return found[0], found[1], found[2]


def _window_bias(length: int, window: int, heads: int) -> Tensor:
    """Score biases, (heads, length, length): minus a slope times the distance; minus infinity outside of the window."""
    distance = torch.arange(length)[:, None] - torch.arange(length)[None]
    slopes = 2.0 ** (-8.0 * (torch.arange(heads) + 1) / heads)
    bias = -slopes[:, None, None] * distance
    return bias.masked_fill((distance < 0) | (distance >= window), float("-inf"))


def _detail_mask(n_details: int) -> Tensor:
    """What details an order can have, (N_LOCAL, n_details): 0 or minus infinity."""
    n_sizes = n_details - 1 - N_TARGETS
    mask = torch.full((N_LOCAL, n_details), float("-inf"))
    mask[:DELETE, :n_sizes] = 0
    mask[DELETE:PARTIAL, n_sizes + 1 :] = 0
    mask[PARTIAL, 0] = 0
    mask[MARKET, : n_sizes + 1] = 0
    return mask
