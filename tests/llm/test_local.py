"""The small model: always of the schema, the same reply in any batch, in character, and trained the same each time."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agents.llm import Desk, LocalBackend, LocalSettings, Request
from agents.llm.model.corpus import example, situation
from agents.llm.model.decode import LANES
from agents.llm.model.evaluate import compare_backend
from agents.llm.model.files import SHIPPED, load_model, save_model
from agents.llm.model.train import TrainSettings, train
from agents.llm.observation import observation_text
from agents.llm.prompt import messages_of
from agents.llm.tone import BAD, GOOD, tone
from lob.errors import InputError
from tests.llm.parts import investors
from tests.sim.markets import market_of, zero_intelligence_traders


@pytest.fixture(scope="module")
def local() -> LocalBackend:
    return LocalBackend()


def requests(model: str, count: int, seed: int = 5, **fields: Any) -> list[Request]:
    g = np.random.default_rng(seed)
    return [
        Request(model, messages_of("", observation_text(*situation(g))), "decision", 1000 + k, **fields)
        for k in range(count)
    ]


def test_a_reply_does_not_depend_on_the_batch_the_lane_or_the_order(local: LocalBackend) -> None:
    asked = requests(local.model, 2 * LANES + 5)
    whole = local._decoder.complete(asked)
    for batch in (1, 3, LANES):
        assert local._decoder.complete(asked[:40], batch) == whole[:40]
    assert local._decoder.complete(asked[::-1])[::-1] == whole
    assert [local._decoder.complete([one])[0] for one in asked[:10]] == whole[:10]


def test_every_lane_gives_the_same_scores_to_the_bit(local: LocalBackend) -> None:
    (asked,) = requests(local.model, 1)
    replies = local._decoder.complete([asked] * LANES)
    assert len(set(replies)) == 1


def test_every_reply_is_of_the_schema_even_at_a_high_temperature_and_for_strange_texts(local: LocalBackend) -> None:
    strange = [
        Request(local.model, (("user", text),), "decision", k, temperature=2.0)
        for k, text in enumerate(["", "x" * 200, "<end><decide>", '{"view":"up"}', "Kurs fällt 🙂 \x00", "ignore all"])
    ]
    reflections = [Request(local.model, one.messages, "reflection", k) for k, one in enumerate(requests("m", 20))]
    asked = [*strange, *requests(local.model, 60, temperature=2.0), *reflections]
    answers = Desk(local).answer([(one,) for one in asked])
    assert all(reply.failure is None and content is not None for ((reply, content),) in answers)
    assert all(reply.prompt_tokens > 0 and reply.reply_tokens >= 5 for ((reply, _),) in answers)


def test_seed_and_temperature_decide_the_draws(local: LocalBackend) -> None:
    (one,) = requests(local.model, 1)
    hot = [Request(one.model, one.messages, "decision", seed, temperature=2.0) for seed in range(12)]
    assert len({reply.text for reply in local.complete(hot)}) > 1
    cold = [Request(one.model, one.messages, "decision", seed, temperature=0.0) for seed in range(12)]
    assert len({reply.text for reply in local.complete(cold)}) == 1


def test_a_reply_that_reaches_its_budget_is_a_failure_not_half_a_decision(local: LocalBackend) -> None:
    replies = local.complete(requests(local.model, 4, max_reply_tokens=3))
    assert {reply.failure for reply in replies} == {"cut_off"}


def test_a_prompt_beyond_the_context_is_one_line(local: LocalBackend) -> None:
    long = Request(local.model, (("user", "word " * 600),), "decision", 1)
    with pytest.raises(InputError, match=r"prompt of \d+ tokens .* context of 512; lower max_prompt_tokens") as caught:
        local.complete([long])
    assert "\n" not in str(caught.value)


def test_personas_act_in_character(local: LocalBackend) -> None:
    g = np.random.default_rng(77)
    found = compare_backend(local, [situation(g) for _ in range(900)], seed=77)
    assert found.n_valid == found.n
    for style, row in found.by_style.items():
        assert row.distance < 0.15, style
    assert found.by_style["maker"].n_same_action / found.by_style["maker"].n > 0.9
    # Chance alone would give about a third.
    for style in ("value", "momentum", "contrarian", "news"):
        row = found.by_style[style]
        assert row.n_same_action / row.n > 0.6, style


def test_investors_with_the_small_model_trade_the_same_in_parts_and_twice() -> None:
    tapes = []
    for batch in (32, 2):
        backend = LocalBackend(LocalSettings(batch=batch))
        market = market_of([zero_intelligence_traders(30), investors(backend, count=8)], seconds=40)
        market.run()
        tapes.append(market.tape.tobytes())
        assert sum(trader.counts["n_decisions"] for trader in market.traders.values()) > 30  # type: ignore[attr-defined]
    assert tapes[0] == tapes[1]


def test_the_shipped_model_is_small_and_has_a_card() -> None:
    assert sum(path.stat().st_size for path in SHIPPED.iterdir()) <= 8 * 2**20
    model, _, name = load_model(SHIPPED)
    assert 1_000_000 <= sum(p.numel() for p in model.parameters()) <= 5_000_000
    assert name.startswith("outcry-small-")
    card = (SHIPPED / "CARD.md").read_text()
    assert "no evidence about how large language models behave" in card


def test_training_is_reproducible_learns_and_leaves_global_randomness_alone(tmp_path: Path) -> None:
    import torch

    settings = TrainSettings(steps=12, batch=4, n_tokens=600, tokenizer_examples=200)
    before = torch.get_rng_state()
    first, second = train(settings), train(settings)
    assert torch.equal(before, torch.get_rng_state())
    for left, right in zip(first.model.parameters(), second.model.parameters(), strict=True):
        assert torch.equal(left, right)
    assert first.losses[-1] < first.losses[0]
    save_model(tmp_path / "m", first.model, first.tokenizer, "# card\n")
    backend = LocalBackend(LocalSettings(weights=str(tmp_path / "m")))
    answers = Desk(backend).answer([(one,) for one in requests(backend.model, 30)])
    # Hardly trained, and still nothing outside the schema.
    assert all(content is not None or reply.failure == "cut_off" for ((reply, content),) in answers)
    assert any(content is not None for ((_, content),) in answers)


@pytest.mark.parametrize("broken", ["model.safetensors", "tokenizer.json", "config.json"])
def test_a_damaged_model_is_one_line(tmp_path: Path, broken: str) -> None:
    folder = tmp_path / "m"
    shutil.copytree(SHIPPED, folder)
    (folder / broken).write_bytes((folder / broken).read_bytes()[:100])
    with pytest.raises(InputError, match=r"backend\.weights") as caught:
        LocalBackend(LocalSettings(weights=str(folder)))
    assert "\n" not in str(caught.value)
    shutil.copy(SHIPPED / broken, folder / broken)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "prompt_version": "0"}))
    with pytest.raises(InputError, match="prompt_version '0'; this version reads"):
        LocalBackend(LocalSettings(weights=str(folder)))


def test_examples_teach_every_word_of_tone() -> None:
    g = np.random.default_rng(3)
    text = " ".join(example(g)[1].lower() for _ in range(4000))
    missing = [word for word in (*GOOD, *BAD) if word not in text]
    assert not missing
    assert tone("Record profit, strong growth") == 1 and tone("Fraud probe") == -1 and tone("Quarterly report") == 0


def outcry(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "scenarios.cli", *arguments], capture_output=True, text=True, timeout=300
    )


def test_the_command_trains_a_model_that_a_scenario_can_use(tmp_path: Path) -> None:
    out = tmp_path / "model"
    done = outcry("train", "llm", "--steps", "3", "--batch", "2", "--check", "12", "--out", str(out))
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in out.iterdir()) == [
        "CARD.md",
        "config.json",
        "model.safetensors",
        "tokenizer.json",
    ]
    assert "6 made-up observations" in (out / "CARD.md").read_text()
    assert LocalBackend(LocalSettings(weights=str(out))).model.startswith("outcry-small-")
    (tmp_path / "file").write_text("")
    refused = outcry("train", "llm", "--out", str(tmp_path / "file"))
    assert refused.returncode == 2
    assert refused.stderr.strip().splitlines()[-1].endswith("is a file; allowed: a folder, which may be new")
