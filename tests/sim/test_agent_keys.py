"""Keys made all at once are those that hashlib gives one by one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import sim.agent_keys
from sim.agent_keys import agent_keys
from sim.rng import agent_key


@pytest.fixture(autouse=True, scope="module")
def compiled() -> None:
    """As in a process that has asked for many keys."""
    sim.agent_keys._made = sim.agent_keys.WORTH_COMPILING


@given(st.integers(0, 2**63 - 1), st.text(max_size=60), st.sampled_from([1, 9, 10, 11, 100, 101, 1234]))
def test_keys_are_those_of_hashlib(seed: int, name: str, count: int) -> None:
    name = name.encode("utf-8", "ignore").decode()
    assert agent_keys(seed, name, count).tolist() == [agent_key(seed, name, k) for k in range(count)]


@pytest.mark.parametrize("length", [105, 106, 107, 108, 200])
def test_a_name_that_fills_the_block_or_more(length: int) -> None:
    assert agent_keys(3, "n" * length, 12).tolist() == [agent_key(3, "n" * length, k) for k in range(12)]
