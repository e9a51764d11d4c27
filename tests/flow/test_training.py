"""Training lowers the loss on held-out time, resumes where it stopped, and stops at the last good state."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from agents.flow import training as subject
from agents.flow.tokenizer import Tokenizer
from agents.flow.training import CHECKPOINT, TrainingConfig, train, validation_nats
from lob.errors import InputError, RunError
from sim.metrics.flow import OrderFlow
from tests.flow.small import market_flow, small_tokenizer

CONFIG = TrainingConfig(width=16, layers=1, block_layers=1, window=16, block=4, seconds=6, batch=4, length=64,
                        evaluate_s=1.5)  # fmt: skip


def parts() -> tuple[list, list]:
    """Tokens to train on and later ones."""
    flow: OrderFlow = market_flow(1)
    split = int(flow.time_ns[0] + 0.8 * (flow.time_ns[-1] - flow.time_ns[0]))
    tokens = small_tokenizer().encode(flow, "ONE")
    return [tokens.window(0, split)], [
        tokens.window(split, int(tokens.time_ns[np.searchsorted(tokens.time_ns, split) + 600]))
    ]


def test_training_lowers_the_loss_of_held_out_time_and_resumes(tmp_path: Path) -> None:
    early, late = parts()
    untrained = train(small_tokenizer(), early, late, replace(CONFIG, seconds=1e-9), folder=None)
    start = validation_nats(untrained.model, late, 4)["total"]
    first = train(small_tokenizer(), early, late, CONFIG, folder=tmp_path)
    assert first.best < start
    assert [row["total"] for row in first.history] == pytest.approx(
        [row["delay"] + row["order"] + row["detail"] for row in first.history]
    )
    longer = replace(CONFIG, seconds=first.history[-1]["seconds"] + 3)
    second = train(small_tokenizer(), early, late, longer, folder=tmp_path, resume=True)
    assert second.history[: len(first.history)] == first.history and len(second.history) > len(first.history)
    with pytest.raises(InputError, match="batch differ from the checkpoint's"):
        train(small_tokenizer(), early, late, replace(CONFIG, batch=5), folder=tmp_path, resume=True)


def test_a_loss_that_is_no_number_stops_with_the_last_good_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    early, late = parts()
    train(small_tokenizer(), early, late, replace(CONFIG, seconds=2), folder=tmp_path)
    good = (tmp_path / CHECKPOINT).read_bytes()
    original = subject._loss
    monkeypatch.setattr(subject, "_loss", lambda *a: original(*a) * float("nan"))
    with pytest.raises(RunError, match=r"the loss is nan at step \d+; the last good state is .*checkpoint\.pt"):
        train(small_tokenizer(), early, late, replace(CONFIG, seconds=1000), folder=tmp_path, resume=True)
    assert (tmp_path / CHECKPOINT).read_bytes() == good


def test_bad_input_is_refused(tmp_path: Path) -> None:
    early, late = parts()
    for name, value in (("width", 30), ("block", 32), ("length", 24), ("dropout", -1.0), ("device", "abacus")):
        with pytest.raises(InputError, match=f"configuration: {name} = {value}; allowed: "):
            replace(CONFIG, **{name: value})
    train(small_tokenizer(), early, late, replace(CONFIG, seconds=1), folder=tmp_path / "other")
    with pytest.raises(InputError, match="is of other data"):
        other = Tokenizer.fit([market_flow(2)], ["ONE"])
        train(other, early, late, CONFIG, folder=tmp_path / "other", resume=True)
    with pytest.raises(InputError, match="training data: 30 orders; allowed: at least 128"):
        few = early[0].window(0, int(early[0].time_ns[30]))
        train(small_tokenizer(), [few], late, CONFIG)
    with pytest.raises(InputError, match=r"resume: no checkpoint\.pt"):
        train(small_tokenizer(), early, late, CONFIG, folder=tmp_path, resume=True)
    (tmp_path / CHECKPOINT).write_bytes(b"nonsense")
    with pytest.raises(InputError, match="not a readable checkpoint"):
        train(small_tokenizer(), early, late, CONFIG, folder=tmp_path, resume=True)
    import torch

    torch.save({"version": 99}, tmp_path / CHECKPOINT)
    with pytest.raises(InputError, match="version 99; allowed: version 3"):
        train(small_tokenizer(), early, late, CONFIG, folder=tmp_path, resume=True)
