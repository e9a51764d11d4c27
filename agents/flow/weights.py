"""Trained generators as files, and as the one flat block that the compiled network reads."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from agents.flow.codes import MOST_CLASSES
from agents.flow.tokenizer import TABLES, StockTables, Tokenizer
from lob.errors import InputError
from sim.files.kinds import what_it_is
from sim.opened import cells_of

if TYPE_CHECKING:
    from agents.flow.model import FlowModel

__all__ = ["HEADER", "SHIPPED", "FlowWeights", "header_and_payload"]

Floats = np.ndarray[Any, np.dtype[np.float32]]
FORMAT_VERSION = 3
SHIPPED = Path(__file__).parent / "shipped" / "nasdaq_2012.safetensors"
"""The generator that comes with the package; its card stands beside it."""

_SIZES = ("width", "heads", "layers", "block_layers", "window", "block", "head", "n_details", "n_delays", "n_stocks")
_LAYER = ("qkv", "out", "up", "down")
_PARTS = (
    "order", "detail", "delay", "book", "stock", "layers", "start", "spread", "position", "volatility", "drift",
    "block_layers", "first", "first_bias", "draft", "cell_in", "cell_state", "cell_in_bias", "cell_state_bias", "merge",
    "merge_bias", "to_delay", "to_delay_bias", "given_delay", "to_order", "to_order_bias", "given_order", "to_detail",
    "to_detail_bias", "sign_memory", "size_low", "delay_low", *(f"table_{name}" for name in TABLES),
)  # fmt: skip
HEADER: np.dtype[Any] = np.dtype(
    [
        *((name, "<i8") for name in _SIZES),
        ("scale_ticks", "<f8"),
        ("scale_lots", "<f8"),
        *((name, "<i8") for name in ("stock_index", "n_sizes", "levels", "volatility", "drift")),
        *((f"at_{part}", "<i8") for part in _PARTS),
    ]
)
"""Header of the block: sizes of the network, what the chosen stock is like, the conditions asked for (0 to 3, 0: any),
and where each part begins in the float32 payload that follows."""


@dataclass(frozen=True)
class FlowWeights:
    """A trained generator: sizes, vocabulary and arrays.

    Attributes:
        config: sizes of the network; see FlowConfig.
        tokenizer: its vocabulary.
        arrays: parameters by their names in the model, float32.
        card: what it was trained on, scores, limits.
    """

    config: dict[str, int]
    tokenizer: Tokenizer
    arrays: dict[str, Floats]
    card: dict[str, Any]

    @staticmethod
    def of(model: FlowModel, tokenizer: Tokenizer, card: dict[str, Any] | None = None) -> FlowWeights:
        """Return the weights of a trained model."""
        arrays = {name: np.ascontiguousarray(p.detach().float().cpu().numpy()) for name, p in model.named_parameters()}
        return FlowWeights({k: int(v) for k, v in asdict(model.config).items()}, tokenizer, arrays, card or {})

    def model(self) -> FlowModel:
        """Return the torch model, in evaluation mode."""
        import torch

        from agents.flow.model import FlowConfig, FlowModel

        model = FlowModel(FlowConfig(**self.config))
        own = {name: a for name, a in self.arrays.items() if not name.startswith("closed_loop.")}
        model.load_state_dict({name: torch.from_numpy(a.copy()) for name, a in own.items()})
        return model.eval()

    def save(self, path: Path) -> None:
        """Write a safetensors file."""
        from safetensors.numpy import save

        from sim.files.atomic import write_atomically

        text = {"format_version": str(FORMAT_VERSION), "config": json.dumps(self.config),
                "stocks": self.tokenizer.text(), "card": json.dumps(self.card)}  # fmt: skip
        data = save({**self.arrays, **self.tokenizer.arrays()}, metadata={"outcry_flow": json.dumps(text)})
        write_atomically(path, data)

    @staticmethod
    def load(path: Path | str) -> FlowWeights:
        """Return what a file holds.

        Raises:
            InputError: if it is missing, corrupt, of another version, or does not fit together.
        """
        from safetensors import SafetensorError, safe_open

        place = Path(path)
        if not place.is_file():
            raise InputError(
                f"flow = {place}: no such file; allowed: a safetensors file that `outcry train flow` wrote"
            )
        try:
            with safe_open(place, framework="np") as file:
                text = json.loads((file.metadata() or {}).get("outcry_flow", "{}"))
                arrays = {name: np.asarray(file.get_tensor(name), np.float32) for name in file.keys()}  # noqa: SIM118
        except (SafetensorError, OSError, ValueError, TypeError) as error:
            kind = what_it_is(place)
            raise InputError(f"flow = {place}: corrupt or no safetensors file (is {kind}; {error})") from None
        if not isinstance(text, dict) or not text:
            kind = what_it_is(place)
            raise InputError(f"flow = {place}: is {kind}; allowed: the weights of a learned flow (outcry train flow)")
        if text.get("format_version") != str(FORMAT_VERSION):
            raise InputError(f"flow = {place}: format version {text.get('format_version')}; allowed: {FORMAT_VERSION}")
        bad = [name for name, array in arrays.items() if not np.isfinite(array).all()]
        if bad:
            raise InputError(f"flow = {place}: {bad[0]} holds values that are no numbers; the file is damaged")
        try:
            tables = {name: a for name, a in arrays.items() if name.startswith("tokenizer.")}
            tokenizer = Tokenizer.from_arrays(tables, text["stocks"])
            own = {name: a for name, a in arrays.items() if name not in tables}
            weights = FlowWeights(json.loads(text["config"]), tokenizer, own, json.loads(text["card"]))
            weights.block(0)
        except (KeyError, ValueError, TypeError) as error:
            raise InputError(f"flow = {place}: its parts do not fit together ({error})") from None
        return weights

    def block(self, stock: int) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Return header and payload for a stock as one float64 array; the payload is float32, two to a cell.

        Matrices are stored input by output, so that compiled code adds up rows.
        """
        c, a, table = self.config, self.arrays, self.tokenizer.stocks[stock]
        parts = {name: value.ravel() for name, value in self._parts(stock, table).items()}
        if max(c["n_details"], c["n_delays"]) > MOST_CLASSES:
            raise ValueError(f"more than {MOST_CLASSES} classes of details or delays")
        if a["to_order.weight"].shape[1] != c["head"] or a["order.weight"].shape[1] != c["width"]:
            raise ValueError("sizes of the arrays are not those of the configuration")
        header = np.zeros(1, HEADER)
        for name in _SIZES:
            header[name] = c[name]
        header["scale_ticks"], header["scale_lots"] = table.scale_ticks, table.scale_lots
        header["stock_index"], header["n_sizes"] = stock, self.tokenizer.n_sizes
        header["levels"] = int((table.books[:, 0, :, 1] > 0).sum(axis=1).max())
        position, pieces = 0, []
        for name in _PARTS:
            piece = parts[name]
            header[f"at_{name}"] = position
            padded = np.zeros(-(-len(piece) // 16) * 16, np.float32)
            padded[: len(piece)] = piece
            pieces.append(padded)
            position += len(padded)
        return np.concatenate([header.view(np.float64), np.concatenate(pieces).view(np.float64)])

    def _parts(self, stock: int, table: StockTables) -> dict[str, Floats]:
        a = self.arrays

        def layers(prefix: str, n: int) -> Floats:
            return np.concatenate([a[f"{prefix}.{k}.{m}.weight"].T.ravel() for k in range(n) for m in _LAYER])

        plain = ("order", "detail", "delay", "stock", "position", "volatility", "drift", "draft", "given_delay",
                 "given_order")  # fmt: skip
        found: dict[str, Any] = {name: a[f"{name}.weight"] for name in plain}
        for name in ("book", "start", "spread", "first", "merge", "to_delay", "to_order", "to_detail"):
            found[name] = a[f"{name}.weight"].T
        for name in ("first", "merge", "to_delay", "to_order", "to_detail"):
            found[f"{name}_bias"] = a[f"{name}.bias"]
        for name in ("delay", "order", "detail"):  # what closed_loop.py has learned, if it has been at work
            shift = a.get(f"closed_loop.{stock}.{name}")
            if shift is not None:
                found[f"to_{name}_bias"] = found[f"to_{name}_bias"] + shift
        found["sign_memory"] = a.get(f"closed_loop.{stock}.sign_memory", np.zeros(1))
        found["layers"] = layers("layers", self.config["layers"])
        found["block_layers"] = layers("block_layers", self.config["block_layers"])
        found["cell_in"], found["cell_state"] = a["cell.weight_ih"].T, a["cell.weight_hh"].T
        found["cell_in_bias"], found["cell_state_bias"] = a["cell.bias_ih"], a["cell.bias_hh"]
        found["size_low"] = self.tokenizer.size_low
        found["delay_low"] = np.maximum(self.tokenizer.delay_low, -99.0)
        for name in TABLES:
            found[f"table_{name}"] = np.asarray(getattr(table, name), np.float32)
        return {name: np.ascontiguousarray(value, np.float32) for name, value in found.items()}


def header_and_payload(block: np.ndarray[Any, Any]) -> tuple[Any, Floats]:
    """Split what `FlowWeights.block` returns: the header as a record (of the array's own bytes), and the payload."""
    cells = cells_of(HEADER)
    return block[:cells].view(HEADER).view(np.recarray)[0], block[cells:].view(np.float32)
