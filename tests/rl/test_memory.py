"""Features are found by name: no order of a catalogue, of a record or of a file means anything."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from agents.rl import load_network, save_network
from agents.rl.features import FEATURES
from agents.rl.memory import BLOCK, LEARNER, WEIGHTS, feature_cells
from agents.rl.policies import rl_directional
from lob.errors import InputError
from tests.rl.worlds import AGENT, SIZES, factory, random_network


def filled() -> np.ndarray:
    """A memory in which each feature holds its number in the catalogue."""
    memory = np.full(1, -1.0).repeat(LEARNER.itemsize // 8).view(LEARNER)
    for k, name in enumerate(FEATURES):
        if name.startswith("trade_") and name != "trade_imbalance":
            _, number, kind = name.split("_")
            memory[f"trade_{kind}"][0, int(number)] = k
        else:
            memory[name] = k
    return memory


def test_every_feature_has_a_cell_of_its_own_whatever_the_order_asked_for() -> None:
    cells, names = filled().view(np.float64), list(FEATURES)
    rng = np.random.default_rng(1)
    for _ in range(20):
        some = list(rng.permutation(names)[: rng.integers(1, len(names) + 1)])
        assert cells[feature_cells(some)].tolist() == [names.index(name) for name in some]
    action = LEARNER.fields["action"]  # type: ignore[index]
    assert action[1] == 0 and not {0, 1} & set(feature_cells(names))


def test_an_observation_in_another_order_is_the_same_numbers_in_that_order(tmp_path: Path) -> None:
    from agents.rl import MarketEnv

    names = list(FEATURES)
    shuffled = list(np.random.default_rng(2).permutation(names))
    one, other = (MarketEnv(factory(tmp_path, "directional"), features=order) for order in (names, shuffled))
    seen, (again, _) = one.reset(seed=3)[0], other.reset(seed=3)
    for action in (2, 0, 1, 2):
        assert dict(zip(names, seen, strict=True)) == dict(zip(shuffled, again, strict=True))
        seen, again = one.step(action)[0], other.step(action)[0]


def test_weights_are_read_by_the_names_on_them_and_refuse_another_order(tmp_path: Path) -> None:
    network = random_network("directional")
    path = str(tmp_path / "policy.safetensors")
    save_network(path, network)
    settings = {**AGENT, **SIZES["directional"], "weights": path}
    block = rl_directional._block(rl_directional.RlDirectional.model_validate(settings))
    head = block[:WEIGHTS].view(BLOCK)[0]
    assert head["selected"][: len(network.features)].tolist() == feature_cells(load_network(path).features)
    turned = {**settings, "features": network.features[::-1]}
    with pytest.raises(InputError, match="the settings name others"):
        rl_directional._block(rl_directional.RlDirectional.model_validate(turned))
