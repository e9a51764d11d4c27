"""Episodes that begin at a morning run before: the same past, a future of their own, whichever market they run in."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

from agents.rl.batch import MarketBatch
from lob.errors import InputError
from scenarios.environments import MarketFactory

SETTINGS = {"step_s": 5.0, "start_s": 60.0, "duration_s": 120.0, "quantity_lots": 200}


def batch(n: int, **options: Any) -> MarketBatch:
    return MarketBatch(MarketFactory("rmsc", "execution", SETTINGS), n, **options)


def episode(of: MarketBatch, m: int, steps: int = 20) -> tuple[bytes, bytes]:
    """What is seen at the first decision, and all that follows."""
    first, seen = of.facts[m].tobytes() + of.observations[m].tobytes(), []
    for _ in range(steps):
        of.actions[:] = 0
        of.step()
        seen.append(of.facts[m].copy())
    return first, np.concatenate(seen).tobytes()


def test_an_episode_depends_on_its_seed_alone() -> None:
    found = set()
    for m, n, before in ((0, 1, ()), (2, 3, (4, 9)), (1, 2, (7,))):
        one = batch(n, warm_starts=2, threads=min(2, n))
        for k in range(n):
            for seed in (*before, 6 + k):
                one.reset(k, seed)
        one.reset(m, 5)
        found.add(episode(one, m))
    assert len(found) == 1


def test_seeds_share_a_past_and_no_future() -> None:
    one = batch(1, warm_starts=2)
    found = {}
    for seed in (1, 3, 2, 5):
        one.reset(0, seed)
        assert one.seeds == [seed]
        found[seed] = episode(one, 0)
    assert found[1][0] == found[3][0] == found[5][0] != found[2][0]
    assert len({future for _, future in found.values()}) == 4


def test_the_past_is_that_of_an_episode_from_the_open() -> None:
    cold, warm = batch(1), batch(1, warm_starts=3)
    cold.reset(0, 2)
    for seed in (2, 8):
        warm.reset(0, seed)
        assert warm.facts.tobytes() == cold.facts.tobytes()
        assert warm.observations.tobytes() == cold.observations.tobytes()


def test_a_copy_in_mid_episode_goes_on_as_the_original() -> None:
    one = batch(2, warm_starts=1)
    for m in range(2):
        one.reset(m, m)
    other = copy.deepcopy(one)
    assert episode(one, 1, 5) == episode(other, 1, 5)
    for each in (one, other):
        each.reset(1, 9)
    assert episode(one, 1) == episode(other, 1)


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(InputError, match="keep_tape: not with warm_starts"):
        batch(1, warm_starts=2, keep_tape=True)
    with pytest.raises(InputError, match="warm_starts = -1"):
        batch(1, warm_starts=-1)
    with pytest.raises(InputError, match="Python traders"):
        MarketBatch(MarketFactory("first_market", "execution", SETTINGS), 1, warm_starts=2)
