"""Training of the generator: held-out time for validation, moving average of the weights, early stop, resumable."""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from agents.flow.codes import MIRROR, MIRROR_SIGN, N_LOCAL, N_ORDER_CODES
from agents.flow.memory import BLOCK_MAX
from agents.flow.model import BlockBatch, FlowConfig, FlowModel
from agents.flow.tokenizer import Tokenizer, Tokens
from lob.errors import InputError, RunError
from sim.files.atomic import whole_file, write_atomically

__all__ = ["Trained", "TrainingConfig", "blocks_after", "train", "validation_nats"]

REGIME_EVENTS = 500
CHECKPOINT = "checkpoint.pt"
CHECKPOINT_VERSION = 3


@dataclass(frozen=True)
class TrainingConfig:
    """How to train.

    Attributes:
        width, layers, block_layers, window, block: sizes of the network; see FlowConfig.
        seconds: budget of wall time.
        batch: sequences in a step.
        length: events of a sequence.
        learning_rate: peak of a schedule that warms up and falls to a tenth as a cosine of the budget.
        dropout: share dropped.
        weight_decay: of AdamW.
        noise: standard deviation of noise on the features in training. In closed loop the model meets books that it
            made itself and that no recording holds; noise makes it lean on them less.
        forget: share of the history's orders that are hidden in training, for the same reason: a loop that leans on
            long runs of its own orders can talk itself into bursts that no recording holds.
        ema: decay of the moving average of the weights, a step.
        evaluate_s: seconds between evaluations.
        patience: evaluations without improvement before an early stop.
        seed: of initial weights and batches.
        device: "cpu" or "cuda" (bfloat16 there).
    """

    width: int = 64
    layers: int = 3
    block_layers: int = 2
    window: int = 128
    block: int = 8
    seconds: float = 1200.0
    batch: int = 16
    length: int = 256
    learning_rate: float = 2e-3
    dropout: float = 0.05
    weight_decay: float = 0.05
    noise: float = 0.1
    forget: float = 0.2
    ema: float = 0.998
    evaluate_s: float = 45.0
    patience: int = 6
    seed: int = 1
    device: str = "cpu"

    def __post_init__(self) -> None:
        """Check what would fail later; raise InputError."""
        allowed = {
            "width": (self.width % FlowConfig.heads == 0, f"a multiple of {FlowConfig.heads}"),
            "block": (self.block <= BLOCK_MAX, f"up to {BLOCK_MAX}"),
            "length": (32 + 2 * self.block <= self.length <= 512, f"{32 + 2 * self.block} to 512"),
            "dropout": (0 <= self.dropout < 1, "0 to below 1"),
            "forget": (0 <= self.forget < 1, "0 to below 1"),
            "noise": (self.noise >= 0, "0 or more"),
            "weight_decay": (self.weight_decay >= 0, "0 or more"),
            "device": (self.device in ("cpu", "cuda"), "cpu or cuda"),
        }
        for name, (good, text) in allowed.items():
            if not good:
                raise InputError(f"configuration: {name} = {getattr(self, name)}; allowed: {text}")


@dataclass(frozen=True)
class Trained:
    """What training gave.

    Attributes:
        model: with the best moving average.
        history: rows of step, seconds, training and validation nats an order.
        best: lowest validation nats an order.
    """

    model: FlowModel
    history: list[dict[str, float]]
    best: float


def _conditions(tokens: Tokens) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Third of the volatility and of the drift over the next events, 1 to 3; 0 where there are too few."""
    moves = tokens.features[:, 9] - 0.9 * np.concatenate([[0.0], tokens.features[:-1, 9]])
    total = np.concatenate([[0.0], np.cumsum(moves)])
    size = np.concatenate([[0.0], np.cumsum(np.abs(moves))])
    n = max(len(tokens) - REGIME_EVENTS, 0)
    found = []
    for path in (size, total):
        change = path[REGIME_EVENTS : REGIME_EVENTS + n] - path[:n]
        regime = np.zeros(len(tokens), np.int64)
        if n:
            regime[:n] = 1 + np.searchsorted(np.quantile(change, [1 / 3, 2 / 3]), change, side="right")
        found.append(regime)
    return found[0], found[1]


class _Data:
    """Tokens of several stocks as tensors, and batches of random stretches of them."""

    def __init__(self, parts: Sequence[Tokens], device: str) -> None:
        self.columns = []
        for tokens in parts:
            volatility, drift = _conditions(tokens)
            codes = np.stack([tokens.order, tokens.detail, tokens.delay, volatility, drift], axis=1)
            self.columns.append((torch.from_numpy(codes).long().to(device),
                                 torch.from_numpy(tokens.features).float().to(device), tokens.stock))  # fmt: skip
        self.device = device

    def stretches(self, n: int, length: int, rng: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        sizes = torch.tensor([len(codes) - length for codes, _, _ in self.columns], dtype=torch.float)
        which = torch.multinomial(sizes, n, replacement=True, generator=rng)
        codes, features, stock = [], [], []
        for k in which.tolist():
            c, f, s = self.columns[k]
            at = int(torch.randint(len(c) - length + 1, (1,), generator=rng))
            codes.append(c[at : at + length])
            features.append(f[at : at + length])
            stock.append(s)
        return torch.stack(codes), torch.stack(features), torch.tensor(stock, device=self.device)


def blocks_after(codes: Tensor, features: Tensor, stock: Tensor, starts: Tensor, block: int) -> BlockBatch:
    """Cut blocks that begin after events `starts` of every sequence; nothing is known, all is chosen.

    Args:
        codes: order, detail, delay, volatility, drift, shape (B, T, 5).
        features: live book after each event, (B, T, F).
        stock: (B,).
        starts: positions in the sequences.
        block: K.
    """
    at = starts[:, None] + 1 + torch.arange(block, device=codes.device)  # (S, K)
    c = codes[:, at].flatten(0, 1)  # (B S, K, 5)
    f = features[:, at - 1].flatten(0, 1)
    n = len(c)
    conditions = codes[:, starts + 1].flatten(0, 1)
    everything = torch.ones(n, block, dtype=torch.bool, device=codes.device)
    no_block = torch.zeros(n, dtype=torch.bool, device=codes.device)
    return BlockBatch(
        c[..., 0], c[..., 1], c[..., 2], ~everything, ~everything, everything, f, no_block, no_block,
        stock.repeat_interleave(len(starts)), conditions[:, 3], conditions[:, 4],
    )  # fmt: skip


def _mask(batch: BlockBatch, rng: torch.Generator) -> BlockBatch:
    """Choose what is known, what is drawn, and whether that is a draft, as the sampler will meet them."""
    n, length = batch.order.shape
    device = batch.order.device

    def uniform(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=rng).to(device)

    share = uniform(n, 1) * (uniform(n, 1) < 0.5)  # half of the blocks start with nothing known
    known = uniform(n, length) < share
    is_draft = uniform(n) < 0.35
    some = uniform(n, length) < (0.1 + 0.6 * uniform(n, 1))
    chosen = ~known & (~is_draft[:, None] | some)
    leaves_detail = uniform(n) < 0.7  # else as in a gap that is filled between orders known in full
    keep = uniform(n) < 0.4
    return replace(
        batch, known=known, undecided=known & leaves_detail[:, None], chosen=chosen, is_draft=is_draft,
        leaves_detail=leaves_detail,
        volatility=torch.where(keep, batch.volatility, 0), drift=torch.where(uniform(n) < 0.4, batch.drift, 0),
    )  # fmt: skip


def validation_nats(model: FlowModel, parts: Sequence[Tokens], block: int, most: int = 40_000) -> dict[str, float]:
    """Return nats an order of unseen flow in one step (exact): total, delay, order, detail.

    Args:
        model: in evaluation mode.
        parts: tokens.
        block: K.
        most: events of each part that are looked at.
    """
    sums, count = np.zeros(3), 0
    length = 256
    with torch.no_grad():
        for tokens in parts:
            data = _Data([tokens], "cpu")
            codes, features, stock = data.columns[0]
            n = min(len(codes), most) // length
            if n == 0:
                continue
            c, f = codes[: n * length].view(n, length, -1), features[: n * length].view(n, length, -1)
            for a in range(0, n, 16):
                cc, ff = c[a : a + 16].to(model.bias.device), f[a : a + 16].to(model.bias.device)
                s = torch.full((len(cc),), stock, device=cc.device)
                context = model.history(cc[..., 0], cc[..., 1], cc[..., 2], ff, s)
                starts = torch.arange(63, length - block - 1, block, device=cc.device)
                batch = blocks_after(cc, ff, s, starts, block)
                batch = replace(batch, volatility=torch.zeros_like(batch.stock), drift=torch.zeros_like(batch.stock))
                found = model.nats(context[:, starts].flatten(0, 1), batch)
                sums += [float(part.sum()) for part in found]
                count += batch.order.numel()
    delay, order, detail = (float(x) / max(count, 1) for x in sums)
    return {"total": delay + order + detail, "delay": delay, "order": order, "detail": detail}


def train(
    tokenizer: Tokenizer,
    training: Sequence[Tokens],
    validation: Sequence[Tokens],
    config: TrainingConfig,
    *,
    folder: Path | None = None,
    resume: bool = False,
    on_progress: Callable[[dict[str, float]], None] | None = None,
) -> Trained:
    """Train a generator.

    Args:
        tokenizer: fitted to the training time.
        training: tokens to train on, by stock.
        validation: tokens of later time.
        config: see TrainingConfig.
        folder: where checkpoints go, after each evaluation; None: nowhere.
        resume: go on from the checkpoint in the folder.
        on_progress: called after each evaluation with the row of the history.

    Raises:
        InputError: if there is too little data, or the checkpoint is of another configuration.
        RunError: if the loss is no number any more; the checkpoint then holds the last good state.
    """
    _check_lengths(training, validation, config)
    torch.manual_seed(config.seed)
    rng = torch.Generator().manual_seed(config.seed)
    sizes = FlowConfig(tokenizer.n_details, tokenizer.n_delays, len(tokenizer.stocks), config.width,
                       layers=config.layers, block_layers=config.block_layers, window=config.window,
                       block=config.block)  # fmt: skip
    model = FlowModel(sizes, config.dropout).to(config.device)
    average = FlowModel(sizes).to(config.device).eval()
    average.load_state_dict(model.state_dict())
    best_state = {k: v.clone() for k, v in average.state_dict().items()}
    optimiser = torch.optim.AdamW(model.parameters(), config.learning_rate, weight_decay=config.weight_decay)
    data = _Data(training, config.device)
    history: list[dict[str, float]] = []
    step, spent, best, stale = 0, 0.0, math.inf, 0
    if resume:
        state = _checkpoint(folder, config, tokenizer)
        model.load_state_dict(state["model"])
        average.load_state_dict(state["average"])
        optimiser.load_state_dict(state["optimiser"])
        rng.set_state(state["rng"])
        best_state, history = state["best_state"], state["history"]
        step, spent, best, stale = state["step"], state["spent"], state["best"], state["stale"]
    begin, evaluated, losses = time.monotonic() - spent, spent, []
    while spent < config.seconds and stale < config.patience:
        for group in optimiser.param_groups:
            group["lr"] = _learning_rate(config, step, spent / config.seconds)
        loss = _loss(model, data, config, rng)
        _check_finite(loss.item(), step, folder)
        _descend(model, optimiser, loss)
        losses.append(loss.item())
        step += 1
        _blend(average, model, min(config.ema, step / (step + 20)))
        spent = time.monotonic() - begin
        if spent - evaluated > config.evaluate_s or spent >= config.seconds:
            nats = validation_nats(average, validation, config.block)
            evaluated = spent = time.monotonic() - begin
            row = {"step": float(step), "seconds": spent, "training": float(np.mean(losses)), **nats}
            history.append(row)
            losses = []
            if nats["total"] < best:
                best, stale = nats["total"], 0
                best_state = {k: v.clone() for k, v in average.state_dict().items()}
            else:
                stale += 1
            if folder is not None:
                _save(folder, {
                    "version": CHECKPOINT_VERSION, "config": asdict(config), "model": model.state_dict(),
                    "average": average.state_dict(), "optimiser": optimiser.state_dict(), "rng": rng.get_state(),
                    "best_state": best_state, "history": history, "step": step, "spent": spent, "best": best,
                    "stale": stale, "data": _fingerprint(tokenizer),
                })  # fmt: skip
            if on_progress is not None:
                on_progress(row)
    average.load_state_dict(best_state)
    return Trained(average.cpu(), history, best)


def _check_lengths(training: Sequence[Tokens], validation: Sequence[Tokens], config: TrainingConfig) -> None:
    for tokens, name in [*((t, "training") for t in training), *((t, "validation") for t in validation)]:
        if len(tokens) < 2 * config.length:
            raise InputError(f"{name} data: {len(tokens)} orders; allowed: at least {2 * config.length}")


def _check_finite(loss: float, step: int, folder: Path | None) -> None:
    if not math.isfinite(loss):
        where = "nowhere, no folder was given" if folder is None else folder / CHECKPOINT
        raise RunError(f"training: the loss is {loss} at step {step}; the last good state is {where}")


def _learning_rate(config: TrainingConfig, step: int, share: float) -> float:
    """Rate after a warm-up of 50 steps: a half cosine over the time, down to a tenth."""
    return config.learning_rate * min(1.0, (step + 1) / 50) * (0.1 + 0.45 * (1 + math.cos(math.pi * share)))


def _descend(model: FlowModel, optimiser: torch.optim.Optimizer, loss: Tensor) -> None:
    """One step down the gradient, which is cut to length 1."""
    optimiser.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimiser.step()


def _blend(average: FlowModel, model: FlowModel, decay: float) -> None:
    """Move the moving average of the weights towards the model's."""
    with torch.no_grad():
        for mine, theirs in zip(average.parameters(), model.parameters(), strict=True):
            mine.lerp_(theirs, 1 - decay)


def _loss(model: FlowModel, data: _Data, config: TrainingConfig, rng: torch.Generator) -> Tensor:
    """Mean nats of a random batch, an order that is drawn."""
    codes, features, stock = _mirrored(*data.stretches(config.batch, config.length, rng), rng)
    noisy = features + config.noise * torch.randn(features.shape, generator=rng).to(features.device)
    with torch.autocast(config.device, torch.bfloat16, enabled=config.device == "cuda"):
        hidden = torch.rand(codes.shape[:2], generator=rng).to(codes.device) < config.forget
        context = model.history(codes[..., 0], codes[..., 1], codes[..., 2], noisy, stock, hidden)
        shift = int(torch.randint(config.block, (1,), generator=rng))
        starts = torch.arange(23 + shift, config.length - config.block - 1, config.block, device=codes.device)
        batch = blocks_after(codes, noisy, stock, starts, config.block)
        batch = _mask(batch, rng)
        delay, order, detail = model.nats(context[:, starts].flatten(0, 1), batch)
    return (delay + order + detail).sum() / batch.chosen.sum().clamp(min=1)


def _mirrored(codes: Tensor, features: Tensor, stock: Tensor, rng: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Exchange buyers and sellers in half of the sequences: the market's laws are taken to be the same for both."""
    flip = torch.rand(len(codes), generator=rng).to(codes.device) < 0.5
    other = codes.clone()
    other[..., 0] = (codes[..., 0] + N_LOCAL) % N_ORDER_CODES
    other[..., 4] = torch.where(codes[..., 4] > 0, 4 - codes[..., 4], 0)
    turned = features[..., list(MIRROR)] * torch.tensor(MIRROR_SIGN, device=features.device, dtype=features.dtype)
    return (torch.where(flip[:, None, None], other, codes), torch.where(flip[:, None, None], turned, features), stock)


def _save(folder: Path, state: dict[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    # The history first: by it the folder is known as a training's.
    write_atomically(folder / "history.json", json.dumps(state["history"], indent=1).encode())
    with whole_file(folder / CHECKPOINT) as file:
        torch.save(state, file)


def _fingerprint(tokenizer: Tokenizer) -> str:
    """What tells one set of training data from another: the tables that were fitted to it."""
    return hashlib.sha256(b"".join(a.tobytes() for a in tokenizer.arrays().values())).hexdigest()


def _checkpoint(folder: Path | None, config: TrainingConfig, tokenizer: Tokenizer) -> dict[str, Any]:
    if folder is None or not (folder / CHECKPOINT).is_file():
        raise InputError(f"resume: no {CHECKPOINT} in {folder}; allowed: a folder in which training was interrupted")
    try:
        state: dict[str, Any] = torch.load(folder / CHECKPOINT, weights_only=True)
    except Exception as error:
        raise InputError(f"{folder / CHECKPOINT}: not a readable checkpoint ({type(error).__name__})") from None
    if state.get("version") != CHECKPOINT_VERSION:
        raise InputError(
            f"{folder / CHECKPOINT}: version {state.get('version')}; allowed: version {CHECKPOINT_VERSION}"
        )
    if state["data"] != _fingerprint(tokenizer):
        raise InputError(f"resume: {folder / CHECKPOINT} is of other data; allowed: the same data, or another folder")
    budget = {"seconds", "patience", "evaluate_s"}
    changed = [k for k, v in asdict(config).items() if state["config"].get(k) != v and k not in budget]
    if changed:
        raise InputError(f"resume: {', '.join(changed)} differ from the checkpoint's; allowed: the same configuration")
    return state
