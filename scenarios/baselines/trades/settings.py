"""Settings of TRADES: which variant, how large a network, how it is trained and sampled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["TradesConfig"]

_REPAIRED_STEPS = 20
_HIGHEST_SHARE = 0.93


@dataclass(frozen=True)
class TradesConfig:
    """One variant of TRADES; the defaults are the published sizes (10.0 M parameters, 8.4 M of them in two heads).

    What `repaired` decides:

    | | as published (False) | repaired (True) |
    |---|---|---|
    | attention | only the diagonal of the attention matrix reaches the output | the whole matrix |
    | DDIM steps by default | 1, on a grid that starts far below the noise it is given | 20, from nearly all noise |
    | eta by default | 0 | 1, which makes up for few steps |
    | a predicted order | as it is | kept to the range of the training data |
    | depth of a submission | against the touch after it, clipped at 0 | against the touch before it, signed |
    | prices | z-scored as they are | ticks from the mid before the order that is generated |
    | cancels | the nearest order of either side where the price is empty | of the side asked for |

    Attributes:
        repaired: the variant.
        sequence: orders in a window, the generated one included; each comes with the book before it.
        levels: book levels on each side, as the input has them.
        augment_dim: width to which orders, and likewise snapshots, are projected; the network is twice as wide.
        layers: transformer layers.
        heads: attention heads.
        feedforward_ratio: hidden width of a layer's feed-forward part over the network's width.
        dropout: in training.
        flat_heads: read noise and variance from all positions laid flat, as published; else from the last position.
        log_scale: z-score log10 of times and sizes rather than these heavy-tailed numbers themselves; not published.
        diffusion_steps: noise levels in training.
        sampler: "ddim", or "ddpm", which passes through every noise level.
        sampling_steps: DDIM steps; 0 for the variant's default.
        eta: noise that a DDIM step adds, from 0 for none to 1 for as much as DDPM (Song, Meng and Ermon 2021, eq. 16);
            None for the variant's default.
        vlb_weight: weight of the variational bound, which trains the variance (Nichol and Dhariwal 2021, eq. 16).
        ema_decay: of the average of the weights that is kept for generation.
        batch: windows in a training step.
        learning_rate: of Adam.
        max_redraws: unusable orders in a row that are drawn again before the last one is bent into a usable one.
    """

    repaired: bool
    sequence: int = 256
    levels: int = 10
    augment_dim: int = 64
    layers: int = 8
    heads: int = 1
    feedforward_ratio: int = 4
    dropout: float = 0.1
    flat_heads: bool = True
    log_scale: bool = False
    diffusion_steps: int = 100
    sampler: Literal["ddim", "ddpm"] = "ddim"
    sampling_steps: int = 0
    eta: float | None = None
    vlb_weight: float = 0.01
    ema_decay: float = 0.999
    batch: int = 256
    learning_rate: float = 1e-3
    max_redraws: int = 50

    def __post_init__(self) -> None:
        """Check every field; raise ValueError with the field, its value and what is allowed."""
        bounds = {
            "sequence": (2, 65_536),
            "levels": (1, 1_000),
            "augment_dim": (1, 65_536),
            "layers": (1, 1_000),
            "heads": (1, 1_000),
            "feedforward_ratio": (1, 64),
            "dropout": (0.0, 0.99),
            "diffusion_steps": (4, 100_000),
            "sampling_steps": (0, self.diffusion_steps),
            "vlb_weight": (0.0, 1e6),
            "ema_decay": (0.0, 0.999999),
            "batch": (1, 1_000_000),
            "learning_rate": (1e-9, 10.0),
            "max_redraws": (0, 1_000_000),
        }
        for field, (low, high) in bounds.items():
            value = getattr(self, field)
            if not low <= value <= high:
                raise ValueError(f"TRADES settings: {field} = {value}; allowed: {low} to {high}")
        if not 0 <= self.noise_share <= 1:
            raise ValueError(f"TRADES settings: eta = {self.eta}; allowed: 0 to 1, or None")
        if self.sampler not in ("ddim", "ddpm"):
            raise ValueError(f"TRADES settings: sampler = {self.sampler!r}; allowed: 'ddim', 'ddpm'")
        if self.width % self.heads:
            raise ValueError(f"TRADES settings: heads = {self.heads}; allowed: divisors of {self.width}")

    @property
    def width(self) -> int:
        """Features of a position inside the network: those of an order and those of a snapshot."""
        return 2 * self.augment_dim

    @property
    def n_steps(self) -> int:
        """Network passes for one draw of an order."""
        if self.sampler == "ddpm":
            return self.diffusion_steps
        return self.sampling_steps or (min(_REPAIRED_STEPS, self.diffusion_steps) if self.repaired else 1)

    @property
    def noise_share(self) -> float:
        """The eta in use."""
        return float(self.repaired) if self.eta is None else self.eta

    def step_grid(self) -> list[int]:
        """Return the noise levels that DDIM passes through, the noisiest first.

        The published grid is 1 + k T/S for k = 0..S-1. It ends T/S short of the noise from which a draw starts, so that
        with one step the network is told that pure noise is an almost clean order. The repaired grid spans the levels
        up to 0.93 T, where 1% of the variance is signal: above, a small error of the noise is a huge one of the order.
        """
        steps = self.n_steps
        if not self.repaired:
            last = self.diffusion_steps - 1
            return [min(1 + k * self.diffusion_steps // steps, last) for k in reversed(range(steps))]
        top = int(_HIGHEST_SHARE * self.diffusion_steps)
        if steps == 1:
            return [top]
        return sorted({round(top * k / (steps - 1)) for k in range(steps)}, reverse=True)
