"""A trained TRADES model: generating orders one at a time, saving and loading."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save

from scenarios.baselines.trades.book import LoopBook
from scenarios.baselines.trades.diffusion import Diffusion
from scenarios.baselines.trades.history import History
from scenarios.baselines.trades.network import Denoiser
from scenarios.baselines.trades.orders import ASK, BID
from scenarios.baselines.trades.placing import LoopEvent, place, usable
from scenarios.baselines.trades.scaling import Scale, raw_books
from scenarios.baselines.trades.settings import TradesConfig
from sim.files.atomic import write_atomically

__all__ = ["TradesModel", "one_thread"]

_WEIGHTS, _SETTINGS = "trades.safetensors", "trades.json"


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute on one thread, which is faster at these sizes, and give the others back afterwards."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


class TradesModel:
    """The denoiser with its settings and scale.

    Attributes:
        config: the settings.
        scale: means and standard deviations of the training data.
        denoiser: the network, in evaluation mode.
        draws: orders drawn from noise so far.
        bent: orders that had to be bent into usable ones, see TradesConfig.max_redraws.
    """

    def __init__(self, config: TradesConfig, scale: Scale, denoiser: Denoiser | None = None) -> None:
        self.config = config
        self.scale = scale
        self.denoiser = (denoiser or Denoiser(config)).eval()
        self.draws = 0
        self.bent = 0
        self._diffusion = Diffusion(config, scale)

    @property
    def n_parameters(self) -> int:
        """Number of weights."""
        return sum(weights.numel() for weights in self.denoiser.parameters())

    def generate(self, history: History, book: LoopBook, n: int, rng: np.random.Generator) -> Iterator[list[LoopEvent]]:
        """Generate orders one at a time and carry each out before the next is drawn.

        Between two orders the caller may change the book, and push what it did to the history.

        Args:
            history: the orders and books before; it grows by every event.
            book: the book; it changes with every order.
            n: number of orders.
            rng: the only source of randomness.

        Yields:
            What each order did to the book; several events if it executed against several orders.
        """
        for _ in range(n):
            events = self._next(history, book, rng)
            for event in events:
                history.push(event.order, event.before)
            yield events

    def _next(self, history: History, book: LoopBook, rng: np.random.Generator) -> list[LoopEvent]:
        now = book.snapshot()
        orders, books = history.window(now, self.scale)
        touch = raw_books(now, self.config)[0]
        mid = float(touch[ASK] + touch[BID]) / 2
        for _ in range(self.config.max_redraws + 1):
            features = self._diffusion.draw(self.denoiser, orders, books, rng)
            self.draws += 1
            order = self.scale.order(features, mid, self.config)
            events = place(book, order, self.config)
            if events:
                return events
        self.bent += 1
        return place(book, usable(book, order), self.config)

    def save(self, folder: Path | str) -> None:
        """Write weights (safetensors) and settings (JSON) into a folder, which is made if need be."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / _WEIGHTS, save(self.denoiser.state_dict()))
        text = json.dumps({"config": asdict(self.config), "scale": asdict(self.scale)}, indent=2)
        write_atomically(folder / _SETTINGS, f"{text}\n".encode())

    @classmethod
    def load(cls, folder: Path | str) -> TradesModel:
        """Return the model that `save` wrote.

        Raises:
            FileNotFoundError: if one of the two files is missing.
            ValueError: if the settings are out of range.
        """
        folder = Path(folder)
        data = json.loads((folder / _SETTINGS).read_text(encoding="utf-8"))
        scale = Scale(**{name: tuple(values) for name, values in data["scale"].items()})
        model = cls(TradesConfig(**data["config"]), scale)
        model.denoiser.load_state_dict(load_file(folder / _WEIGHTS))
        return model
