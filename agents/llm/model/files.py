"""The small model on disk: weights, tokenizer, sizes and card in one folder."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from agents.llm.model.transformer import Shape, Transformer
from agents.llm.prompt import PROMPT_VERSION
from lob.errors import InputError

__all__ = ["SHIPPED", "load_model", "save_model"]

SHIPPED = Path(__file__).resolve().parent.parent / "weights"
WEIGHTS, TOKENIZER, CONFIG, CARD = "model.safetensors", "tokenizer.json", "config.json", "CARD.md"
FORMAT_VERSION = 1


def save_model(folder: Path, model: Transformer, tokenizer: Any, card: str) -> None:
    """Write a model as half-precision safetensors with its tokenizer, sizes and card."""
    from safetensors.torch import save

    from sim.files.atomic import write_atomically

    folder.mkdir(parents=True, exist_ok=True)
    config = {"format_version": FORMAT_VERSION, "prompt_version": PROMPT_VERSION, "shape": asdict(model.shape)}
    write_atomically(folder / WEIGHTS, save({k: v.half().contiguous() for k, v in model.state_dict().items()}))
    write_atomically(folder / TOKENIZER, tokenizer.to_str().encode())
    write_atomically(folder / CARD, card.encode())
    write_atomically(folder / CONFIG, (json.dumps(config, indent=1) + "\n").encode())


def load_model(folder: Path) -> tuple[Transformer, Any, str]:
    """Return the model, its tokenizer and its name, which holds a hash of both.

    Raises:
        InputError: if the folder holds no model, or one of another format or prompt version.
    """
    from safetensors.torch import load
    from tokenizers import Tokenizer

    try:
        config = json.loads((folder / CONFIG).read_text("utf-8"))
        weights, words = (folder / WEIGHTS).read_bytes(), (folder / TOKENIZER).read_text("utf-8")
    except (OSError, ValueError) as error:
        raise InputError(
            f"backend.weights = {str(folder)!r}: no model there ({error}); allowed: a folder of outcry train llm"
        ) from None
    for name, known in (("format_version", FORMAT_VERSION), ("prompt_version", PROMPT_VERSION)):
        if config.get(name) != known:
            raise InputError(
                f"backend.weights = {str(folder)!r}: {name} {config.get(name)!r}; this version reads {known}"
            )
    try:
        # Made without drawing weights that are replaced at once: the global generator stays as it was.
        with torch.device("meta"):
            model = Transformer(Shape(**config["shape"]))
        model.load_state_dict({k: v.float() for k, v in load(weights).items()}, assign=True)
        tokenizer = Tokenizer.from_str(words)
    except Exception as error:
        line = " ".join(str(error).split())[:150]
        raise InputError(f"backend.weights = {str(folder)!r}: the model is damaged ({line})") from None
    digest = hashlib.sha256(weights + words.encode()).hexdigest()[:12]
    return model.eval(), tokenizer, f"outcry-small-{digest}"
