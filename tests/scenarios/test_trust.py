"""What a scenario from somewhere else may do: run no code that the user refused, send no key that he did not allow."""

from __future__ import annotations

import os
import pickle
import zipfile
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agents.llm.keys import allow_keys, check_key
from agents.llm.settings import HttpSettings
from agents.rl import load_network, shipped_weights
from agents.rl.deep import DeepNetwork, load_deep, save_deep
from agents.rl.task import find_task
from agents.rl.trader import LearnedTrader
from lob.errors import InputError
from scenarios.build.market import build
from scenarios.schema.load import load_scenario
from tests.scenarios.texts import SMALL, written

SHIPPED = shipped_weights("execution")


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OUTCRY_NO_CODE", "OUTCRY_KEY_ENVS", "OPENAI_BASE_URL", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OUTCRY_KEY_ENVS", "")  # so that what a test allows is forgotten after it


# ---- code ---------------------------------------------------------------------------------------------------------


def test_no_code_refuses_a_module_and_takes_the_librarys_kinds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "evil_module.py").write_text("open('was_run', 'w').close()\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OUTCRY_NO_CODE", "1")
    assert build(load_scenario(str(written(tmp_path))))
    for text in (
        SMALL.replace('"zero_intelligence"', '"evil_module:MINE"').replace("interval_s = 2.0", ""),
        SMALL + '[[trader]]\nname = "t"\nkind = "evil_module:Mine"\n',
    ):
        with pytest.raises(InputError, match=r"would run the file of evil_module; .*since OUTCRY_NO_CODE is set"):
            build(load_scenario(str(written(tmp_path, text))))
    assert not (tmp_path / "was_run").exists()


class _Evil:
    def __init__(self, marker: str) -> None:
        self.marker = marker

    def __reduce__(self) -> Any:
        return os.mkdir, (self.marker,)


def evil_model(folder: Path) -> Path:
    """A file as stable-baselines3 writes them, whose loading makes a folder."""
    import base64
    import json

    code = base64.b64encode(pickle.dumps(_Evil(str(folder / "was_run")))).decode()
    path = folder / "model.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("data", json.dumps({"policy_class": {":type:": "x", ":serialized:": code}}))
        archive.writestr("_stable_baselines3_version", "2.4.0")
    return path


def with_model(folder: Path, path: Path, more: str = "") -> Any:
    text = SMALL + f'[[trader]]\nname = "t"\nkind = "rl"\nsettings = {{ task = "execution", model = "{path}"{more} }}\n'
    return build(load_scenario(str(written(folder, text))))


def test_a_pickled_model_is_not_opened_without_trust(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = evil_model(tmp_path)
    with pytest.raises(InputError, match=r"loading one runs code .*trust = true"):
        with_model(tmp_path, path)
    monkeypatch.setenv("OUTCRY_NO_CODE", "1")
    with pytest.raises(InputError, match="since OUTCRY_NO_CODE is set"):
        with_model(tmp_path, path, ", trust = true")
    assert not (tmp_path / "was_run").exists()


def test_trust_is_said_aloud(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("stable_baselines3")
    path = evil_model(tmp_path)
    with pytest.raises(InputError, match="not a saved ppo model"):
        with_model(tmp_path, path, ", trust = true")
    assert capsys.readouterr().err.count(f"warning: trust = true: loading {path} runs the code") == 1


# ---- policies as plain arrays -------------------------------------------------------------------------------------


def test_the_weights_of_outcry_train_decide_the_same_in_a_python_trader() -> None:
    network, deep = load_network(SHIPPED), load_deep(SHIPPED)
    observations = np.random.default_rng(1).normal(size=(200, len(network.features)))
    assert [deep.action(row) for row in observations] == network.actions(observations).tolist()
    assert LearnedTrader("execution", SHIPPED)


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_a_policy_of_any_depth_is_the_same_after_writing(tmp_path: Path, activation: str) -> None:
    rng = np.random.default_rng(2)
    sizes = [5, 128, 96, 64, 2]
    layers = tuple(
        a.astype(np.float32).astype(np.float64)
        for m, n in pairwise(sizes)
        for a in (rng.normal(size=(m, n)), rng.normal(size=n))
    )
    network = DeepNetwork("execution", tuple("abcde"), layers, activation, is_continuous=True)
    save_deep(tmp_path / "deep.safetensors", network)
    again = load_deep(tmp_path / "deep.safetensors")
    assert again.features == network.features and again.activation == activation and again.is_continuous
    x = rng.normal(size=5)
    assert (again.action(x) == network.action(x)).all()


def test_a_saved_model_of_stable_baselines3_becomes_plain_arrays(tmp_path: Path) -> None:
    sb3 = pytest.importorskip("stable_baselines3")
    import gymnasium

    from agents.rl.sb3 import save_policy

    features = find_task("execution").features

    class Spaces(gymnasium.Env):  # type: ignore[type-arg]
        observation_space = gymnasium.spaces.Box(-10, 10, (len(features),), np.float32)
        action_space = gymnasium.spaces.Discrete(6)

    model = sb3.PPO("MlpPolicy", Spaces(), policy_kwargs={"net_arch": [128, 128, 128]}, n_steps=8, batch_size=8, seed=1)
    save_policy(model, tmp_path / "large.safetensors", "execution", features)
    network = load_deep(tmp_path / "large.safetensors")
    observations = np.random.default_rng(3).uniform(-3, 3, (100, len(features))).astype(np.float32)
    theirs = model.predict(observations, deterministic=True)[0]
    assert [network.action(row) for row in observations] == theirs.tolist()


# ---- files of the wrong kind --------------------------------------------------------------------------------------


def test_a_file_of_the_wrong_kind_is_told_by_what_it_is(tmp_path: Path) -> None:
    from agents.flow.weights import FlowWeights

    flow = next(Path("agents/flow/shipped").glob("*.safetensors"), None)
    jpeg = tmp_path / "picture.toml"
    jpeg.write_bytes(b"\xff\xd8\xff\xe0" + bytes(range(256)))
    for load in (load_deep, load_network, FlowWeights.load):
        with pytest.raises(InputError, match="is a JPEG picture"):
            load(jpeg)
    with pytest.raises(InputError, match=r"not a text \(a JPEG picture\)"):
        load_scenario(str(jpeg))
    with pytest.raises(InputError, match=r"weights of a policy for execution .*learned flow"):
        FlowWeights.load(SHIPPED)
    assert flow is not None
    for load in (load_deep, load_network):
        with pytest.raises(InputError, match="the weights of a learned order flow"):
            load(flow)
    with pytest.raises(InputError, match="trained for the task execution; allowed: market_making"):
        LearnedTrader("market_making", SHIPPED)


# ---- keys ---------------------------------------------------------------------------------------------------------

EVIL = "https://collector.example/v1"


@pytest.mark.parametrize("name", ["OPENAI_API_KEY", "AWS_SECRET_ACCESS_KEY", "HOME"])
def test_a_scenario_sends_no_key_to_a_server_of_its_own_choice(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "secret")
    settings = HttpSettings(kind="openai", model="m", base_url=EVIL, key_env=name)
    with pytest.raises(
        InputError, match=f"would send this key to .collector.example.; .*after OUTCRY_KEY_ENVS={name}, if"
    ) as caught:
        settings.resolved()
    assert "secret" not in str(caught.value)
    allow_keys([name])
    assert settings.resolved().base_url == EVIL


def test_a_variable_that_is_no_key_is_not_sent_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_PASSWORD", "secret")
    for url in ("https://api.openai.com/v1", "http://127.0.0.1:8000/v1", EVIL):
        with pytest.raises(InputError):
            check_key("DATABASE_PASSWORD", url)


@pytest.mark.parametrize(
    ("url", "is_allowed"),
    [
        ("https://api.openai.com/v1", True),
        ("https://mine.example:8443/v1", True),  # the user's own OPENAI_BASE_URL
        ("http://localhost:8000/v1", True),
        ("http://127.0.0.1:8000/v1", True),
        ("http://api.openai.com/v1", False),  # readable on its way
        ("https://api.openai.com.evil.example/v1", False),
        ("https://api.openai.com@evil.example/v1", False),
        ("http://127.0.0.1.evil.example/v1", False),
        ("http://localhost.evil.example/v1", False),
        ("https://mine.example/v1", False),  # another port than the user's
        ("https://[::1/v1", False),
    ],
)
def test_a_key_goes_to_the_users_own_servers_only(url: str, is_allowed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "https://mine.example:8443/v1")
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    if is_allowed:
        check_key("OPENAI_API_KEY", url)
    else:
        with pytest.raises(InputError):
            check_key("OPENAI_API_KEY", url)


def test_a_key_that_is_not_set_is_nobodys_loss() -> None:
    check_key("NO_SUCH_KEY", EVIL)
