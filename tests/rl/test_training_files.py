"""Trainings and what lies about them: wrong files, damaged checkpoints, other people's folders, wrong settings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from agents.rl import load_network, save_network
from agents.rl.network import LAYERS, Network
from lob.errors import InputError
from scenarios.build.market import build_market
from scenarios.training.rl import RlTraining, train_rl
from tests.rl.test_training import small
from tests.rl.worlds import random_network, scenario_with

NETWORK = random_network("market_making")


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def short(folder: Path, algo: str = "ppo-single-file", **more: Any) -> RlTraining:
    numbers = {"ppo-single-file": {"n_steps": 25}, "ppo": {"n_steps": 25, "batch_size": 50},
               "dqn": {"learning_starts": 50}}[algo]  # fmt: skip
    return small(folder, **{"algo": algo, "algo_settings": numbers, "total_steps": 200, "evaluations": 1, **more})


# ---- weights ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"task": None}, "without a description of ours"),
        ({"task": None, "outcry_flow": "{}"}, "the weights of a learned order flow"),
        ({"features": "{"}, "metadata are damaged"),
        ({"features": '{"spread": 1}'}, "metadata are damaged"),
        ({"card": "[1]"}, "metadata are damaged"),
        ({"format_version": "2"}, "weights of format 2; this version reads 1"),
        ({"b1": np.zeros((4, 4))}, r"b1 has shape \(4, 4\)"),
        ({"w1": np.zeros(4)}, r"w1 has shape \(4,\)"),
        ({"b3": np.zeros(0)}, r"b3 has shape \(0,\)"),
        ({"log_std": np.zeros(3)}, r"log_std has shape \(3,\)"),
        ({"w2": None}, "lacks w2"),
    ],
)
def test_weights_that_are_not_of_a_learning_agent_are_told_by_what_they_are(
    change: dict[str, Any], words: str, tmp_path: Path
) -> None:
    arrays = dict(zip(LAYERS, NETWORK.layers, strict=True))
    metadata = {"format_version": "1", "task": NETWORK.task, "features": json.dumps(NETWORK.features), "card": "{}"}
    for name, value in change.items():
        into: dict[str, Any] = arrays if name in (*LAYERS, "log_std") else metadata
        if value is None:
            del into[name]
        else:
            into[name] = value
    path = tmp_path / "net.safetensors"
    save_file({k: np.ascontiguousarray(v, np.float32) for k, v in arrays.items()}, path, metadata)
    with pytest.raises(InputError, match=words) as told:
        load_network(path)
    assert str(path) in str(told.value) and "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"PK\x03\x04rest", "a zip archive, as stable-baselines3"),
        (b"GGUFrest", "a GGUF model"),
        (b"", "empty"),
        (b"\xff" * 64, "not a weights file"),
    ],
)
def test_files_that_hold_no_weights_are_told_by_what_they_are(data: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / "policy.safetensors"
    path.write_bytes(data)
    with pytest.raises(InputError, match=words):
        load_network(path)
    with pytest.raises(InputError, match="a folder"):
        load_network(tmp_path)
    with pytest.raises(InputError, match="no file"):
        load_network(tmp_path / "missing")


def test_weights_trained_in_other_units_need_them_given(tmp_path: Path) -> None:
    trained = Network(NETWORK.task, NETWORK.features, NETWORK.layers)
    trained.card["agent_settings"] = {"price_scale_ticks": 2.5, "size_scale_lots": 50.0}
    file = scenario_with(tmp_path, "market_making", trained)
    build_market(file, seed=1)  # given: 4 ticks, on purpose
    text = Path(file).read_text()
    Path(file).write_text(text.replace("price_scale_ticks = 4.0\n", ""))
    with pytest.raises(InputError, match=r"trained with price_scale_ticks = 2.5, .*allowed: price_scale_ticks = 2.5"):
        build_market(file, seed=1)
    save_network(tmp_path / "net.safetensors", NETWORK)  # nothing is known of its units
    build_market(file, seed=1)


def test_shipped_policies_see_quantities_in_the_units_they_were_trained_in(tmp_path: Path) -> None:
    for kind, lots in (("rl_maker", 50.0), ("rl_execution", 5.0)):
        file = tmp_path / f"{kind}.toml"
        text = Path(scenario_with(tmp_path, "directional", random_network("directional"))).read_text()
        file.write_text(
            text.split('[[population]]\nname = "learner"')[0] + f'[[population]]\nname = "l"\nkind = "{kind}"\n'
        )
        settings: Any = build_market(str(file), seed=1).world.populations[-1].settings
        assert (settings.price_scale_ticks, settings.size_scale_lots) == (20.0, lots)


# ---- folders ------------------------------------------------------------------------------------------------------


def test_a_folder_of_other_files_is_left_alone(tmp_path: Path) -> None:
    place = tmp_path / "mine"
    place.mkdir()
    (place / "policy.safetensors").write_bytes(b"my own")
    (place / "training.json").write_text('["notes"]')
    before = contents(place)
    for overwrite in (False, True):
        with pytest.raises(InputError, match="holds files that are no training"):
            train_rl(short(tmp_path), place, overwrite=overwrite)
    with pytest.raises(InputError, match="no training to resume"):
        train_rl(short(tmp_path), place, resume=True)
    assert contents(place) == before
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="file: a file; allowed: a folder"):
        train_rl(short(tmp_path), tmp_path / "file")


@pytest.mark.parametrize(
    ("algo", "more", "words"),
    [
        ("dqn", {"settings": {"menu": False}}, "needs a menu of actions"),
        ("ppo", {"algo_settings": {"batch_size": "large"}}, "stable-baselines3 refuses it"),
        ("ppo", {"algo_settings": {"n_steps": 0}}, "stable-baselines3 refuses it"),
        ("ppo-single-file", {"algo_settings": {"gamma": 1.5}}, "gamma"),
        ("ppo-single-file", {"reward": "no_module:f"}, "no module no_module"),
        ("ppo-single-file", {"latency": {"kind": "constant", "delay": 1}}, "unknown key"),
    ],
)
def test_a_wrong_setting_leaves_an_older_training_and_an_empty_place_as_they_were(
    algo: str, more: dict[str, Any], words: str, tmp_path: Path
) -> None:
    older = tmp_path / "older"
    older.mkdir()
    parts: dict[str, Any] = {"format_version": 1, "training": {}, "history": [], "evaluations": [], "baselines": {}}
    (older / "training.json").write_text(json.dumps({**parts, "seconds": 1.0}))
    (older / "policy.safetensors").write_bytes(b"trained for a week")
    before = contents(older)
    if "settings" in more:
        more = {"settings": {**small(tmp_path).settings, **more["settings"]}}
    for place in (older, tmp_path / "new"):
        with pytest.raises(InputError, match=words) as told:
            train_rl(short(tmp_path, algo, **more), place, overwrite=True)
        assert "\n" not in str(told.value)
    assert contents(older) == before and not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("algo", "name"), [("ppo-single-file", "checkpoint.pt"), ("ppo", "checkpoint.zip"), ("dqn", "checkpoint.zip")]
)
def test_a_damaged_checkpoint_is_told_and_one_that_is_missing_begins_anew(algo: str, name: str, tmp_path: Path) -> None:
    training, place = short(tmp_path, algo), tmp_path / "run"
    found = train_rl(training, place)
    kept = contents(place)
    for data in (b"", b"PK\x03\x04", b"nonsense", kept[name][: len(kept[name]) // 2]):
        (place / name).write_bytes(data)
        with pytest.raises(InputError, match="checkpoint") as told:
            train_rl(training, place, resume=True)
        assert "\n" not in str(told.value)
    if algo == "ppo-single-file":
        torch.save({"settings": [1]}, place / name)
        with pytest.raises(InputError, match="not a checkpoint"):
            train_rl(training, place, resume=True)
    (place / name).unlink()
    again = train_rl(training, place, resume=True)
    assert again["evaluations"] == found["evaluations"] and again["history"] == found["history"]
    assert not list(place.glob("*.tmp")) and not list(place.glob("*.part*"))


def test_a_reward_and_a_latency_of_ones_own_train_in_other_processes_too(tmp_path: Path) -> None:
    (tmp_path / "my_training_reward.py").write_text(
        "def reward(before, after, over):\n    return after['cash_ticks'] - before['cash_ticks']\n"
    )
    own: dict[str, Any] = {"reward": "my_training_reward:reward", "latency": {"kind": "constant", "delay_ms": 1.0}}
    found = {}
    for executor in ("serial", "process"):
        training = short(tmp_path, n_envs=20, total_steps=1000, executor=executor, workers=2, **own)
        found[executor] = train_rl(training, tmp_path / executor)["history"]
        card = load_network(tmp_path / executor / "policy.safetensors").card
        assert card["reward"] == "my_training_reward:reward"
    assert found["serial"] == found["process"]
