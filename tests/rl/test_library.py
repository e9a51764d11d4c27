"""Every registered id with its defaults is a market in which something happens, in every scenario of the library."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from agents.rl._stepping import FACT
from scenarios.environments import ENVIRONMENTS, make_env
from scenarios.schema.load import library

MOST_STEPS = 800
RARELY = ["trader.investors.count=2", "trader.investors.settings.interval_s=3600.0"]
FEWER_QUESTIONS = {"llm_investors": RARELY, "rumour": [*RARELY, "trader.insiders.settings.interval_s=3600.0"]}
"""The language model takes most of the time; what it says does not matter here."""


@pytest.mark.slow
@pytest.mark.parametrize("scenario", sorted(library()))
def test_a_random_policy_trades_in_every_scenario_whatever_its_task(scenario: str) -> None:
    for task in ENVIRONMENTS.values():
        env = make_env(scenario=scenario, task=task, overrides=FEWER_QUESTIONS.get(scenario, []))
        _, info = env.reset(seed=1)
        rng, fills = np.random.default_rng(1), 0
        for _ in range(MOST_STEPS):
            before = info["executed_lots"]
            _, _, terminated, truncated, info = env.step(rng.integers(env.batch.n_actions))
            fills += info["executed_lots"] > before
            if fills == 3 or terminated or truncated:
                break
        assert fills == 3, (task, info, env.batch.settings)
        assert env.batch.facts[0, 0, FACT.executed_lots] > 0


def test_the_makers_menu_reaches_the_touch_where_the_spread_is_narrow() -> None:
    # With one unit of 20 ticks for every market, the tightest quote of the menu stood five ticks from the midpoint.
    env = make_env(scenario="first_market", task="market_making", settings={"start_s": 300.0, "duration_s": 200.0})
    assert 1.0 <= env.batch.settings.price_scale_ticks <= 4.0
    env.reset(seed=1)
    for _ in range(200):
        _, _, over, _, info = env.step(0)
        if over:
            break
    assert info["executed_lots"] > 50


def test_units_follow_the_scenario_and_what_is_given_stays() -> None:
    def settings(scenario: str = "first_market", **given: Any) -> Any:
        return make_env(scenario=scenario, task="market_making", **given).batch.settings

    assert settings().price_scale_ticks == 1.0  # its makers keep the spread at one tick
    assert settings("flash_crash").price_scale_ticks == 3.0
    assert settings(settings={"price_scale_ticks": 7.0}).price_scale_ticks == 7.0
    given = settings(settings={"price_scale_ticks": 7.0, "size_scale_lots": 3.0, "start_s": 60.0})
    assert (given.price_scale_ticks, given.size_scale_lots, given.start_s) == (7.0, 3.0, 60.0)
    short = make_env(scenario="llm_investors", task="directional").batch.settings
    assert short.start_s == 900.0  # half of a session of 30 minutes, not its close
