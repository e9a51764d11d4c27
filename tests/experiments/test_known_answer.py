"""A market whose true impact is set by hand: the intervals of an experiment must cover it as often as they say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from scenarios.experiments.bootstrap import bootstrap
from tests.studies import impact

TICKS_PER_LOT = 2.0
N_COINS, SHARE = 40, 0.7
TRUE_TICKS = TICKS_PER_LOT * N_COINS * (2 * SHARE - 1)
REPETITIONS, PAIRS = 200, 15

# One maker, whose quotes rise by TICKS_PER_LOT for every lot that anybody has bought, and noise around it.
MARKET = f"""
[session]
open = 10:00:00
close = 10:02:00

[[instrument]]
name = "ABC"
reference_ticks = 10_000
n_prices = 4_096
max_orders = 512

[[population]]
name = "maker"
kind = "linear_book"
settings = {{ refresh_on_fill = true, level_lots = 50, n_levels = 5, permanent_ticks_per_lot = {TICKS_PER_LOT} }}

[[population]]
name = "noise"
kind = "gaussian_noise"
count = 3
settings = {{ period_s = 20.0, sd_lots = 5.0 }}
"""

# Each of these buys one lot with probability SHARE, else sells one, at a random time of the second half minute.
COINS = """
from pydantic import Field

from sim import Policy, Settings, Wake, decision
from sim.policy import indices, send_market, uniform


class Coin(Settings):
    share: float = 0.7


P = indices(Coin)
START = int(Wake.START)


@decision
def decide(view, agent, out):
    if view.reason & START:
        return int((30.0 + 25.0 * uniform(agent, 0)) * 1e9)
    send_market(out, 1 if uniform(agent, 1) < agent.params[P.share] else -1, 1)
    return 0


policy = Policy(Coin, decide)
"""


@pytest.mark.slow
def test_intervals_cover_the_true_impact_in_90_to_99_of_100_experiments(tmp_path: Path) -> None:
    (tmp_path / "market.toml").write_text(MARKET)
    (tmp_path / "coins_of_known_answer.py").write_text(COINS)
    row = {"name": "coins", "kind": "coins_of_known_answer:policy", "count": N_COINS, "settings": {"share": SHARE}}
    found = impact(
        tmp_path / "market.toml", {"population": [row]}, pairs=REPETITIONS * PAIRS, start="10:00:30", horizon_s=30,
        after_s=5, n_structure=0, executor="process", workers=2,
    )  # fmt: skip
    assert not found.failures
    data = found.paired()
    effects = (data.m1 - data.m0)[:, -1]
    # The effect differs between pairs, as the coins fall, and only through them: whole multiples of two lots' ticks.
    net_lots = effects / TICKS_PER_LOT
    assert (net_lots == np.round(net_lots)).all() and (net_lots % 2 == 0).all()
    assert effects.std() == pytest.approx(TICKS_PER_LOT * (4 * N_COINS * SHARE * (1 - SHARE)) ** 0.5, rel=0.1)
    assert abs(effects.mean() - TRUE_TICKS) < 4 * effects.std() / len(effects) ** 0.5
    truth_bps = TRUE_TICKS * np.mean(1e4 / data.m0[:, 0])
    intervals = [bootstrap(part[:, None])[0] for part in data.impact_bps[:, -1].reshape(REPETITIONS, PAIRS)]
    covered = np.mean([i.low <= truth_bps <= i.high for i in intervals])
    assert 0.90 <= covered <= 0.99
    # The same question asked without pairs is answered less well: noise moves both worlds.
    assert found.value("variance_reduction_late")["value"] > 2
    assert found.runs.filter(pl.col("arm") == "control")["pair"].n_unique() == REPETITIONS * PAIRS
