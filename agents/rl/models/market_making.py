"""The world of Avellaneda and Stoikov (2008): a Brownian midpoint, and quotes at distance d filled at rate A exp(-k d).

In discrete time: in each step each quote is filled with probability 1 - exp(-A exp(-k d) dt), then the midpoint moves
by a normal step. Quotes are the entries of the market-making menu, or continuous distances. Inventories are bounded.
Because only time and inventory matter, the best policy, and the exact value of any other, follow by dynamic
programming.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import int64, uint64

from agents.rl._stepping import FACT
from agents.rl.models._batch import ModelBatch, ModelSizes
from agents.rl.policies.rl_maker import DISTANCES
from agents.rl.rewards import RewardSettings
from lob.compiled import kernel
from lob.errors import InputError
from sim.rng import normal_quantile, raw_uniform

__all__ = ["MakerModel", "MakerModelBatch", "best_policy", "value_of"]

Floats = np.ndarray[Any, np.dtype[np.float64]]
START_TICKS = 10_000.0
FEATURES = ("time_left", "inventory")


@dataclass(frozen=True)
class MakerModel:
    """Numbers of the model; the defaults are those of Avellaneda and Stoikov's section 3.3, 1 unit of price = 1 tick.

    Attributes:
        fill_rate_per_s: A.
        k_per_tick: k.
        sigma_ticks_per_sqrt_s: volatility of the midpoint.
        duration_s, step_s: length of an episode and of a step.
        max_quotes: largest inventory; at it, one side does not quote.
        price_scale_ticks: unit of the menu's distances and of rewards.
    """

    fill_rate_per_s: float = 140.0
    k_per_tick: float = 1.5
    sigma_ticks_per_sqrt_s: float = 2.0
    duration_s: float = 1.0
    step_s: float = 0.005
    max_quotes: int = 10
    price_scale_ticks: float = 1.0

    def __post_init__(self) -> None:
        """Check all numbers; raise InputError."""
        for name in ("fill_rate_per_s", "k_per_tick", "duration_s", "step_s", "price_scale_ticks"):
            if not getattr(self, name) > 0.0:
                raise InputError(f"model {name} = {getattr(self, name)}; allowed: above 0")
        if self.max_quotes < 1:
            raise InputError(f"model max_quotes = {self.max_quotes}; allowed: at least 1")

    @property
    def n_steps(self) -> int:
        """Steps of an episode."""
        return round(self.duration_s / self.step_s)

    def fill_probability(self, distance_ticks: Any) -> Any:
        """Probability that a quote at a distance is filled within a step."""
        rate = self.fill_rate_per_s * np.exp(-self.k_per_tick * distance_ticks)
        return -np.expm1(-rate * self.step_s)


@kernel
def is_filled(u: float, distance: float, rate: float, k: float, step_s: float) -> bool:
    """Whether a quote at a distance is filled within a step, given a uniform draw; a negative distance: no quote."""
    return distance >= 0.0 and u < -math.expm1(-rate * math.exp(-k * distance) * step_s)


@kernel
def move_rows(
    facts: Any, keys: Any, steps: Any, quotes: Any, rate: float, k: float, sigma_step: float, step_s: float, most: float
) -> None:
    """One step of each run; `quotes` holds the distances of bid and ask in ticks (negative: no quote)."""
    for i in range(len(facts)):
        key, first = uint64(keys[i]), int64(4) * int64(steps[i])
        mid, position = facts[i, FACT.mid_ticks], facts[i, FACT.position_lots]
        bid, ask = quotes[i, 0], quotes[i, 1]
        if position < most and is_filled(raw_uniform(key, first), bid, rate, k, step_s):
            facts[i, FACT.cash_ticks] -= mid - bid
            facts[i, FACT.position_lots] += 1.0
            facts[i, FACT.executed_lots] += 1.0
        if position > -most and is_filled(raw_uniform(key, first + 1), ask, rate, k, step_s):
            facts[i, FACT.cash_ticks] += mid + ask
            facts[i, FACT.position_lots] -= 1.0
            facts[i, FACT.executed_lots] += 1.0
        facts[i, FACT.mid_ticks] = mid + sigma_step * normal_quantile(raw_uniform(key, first + 2))


class MakerModelBatch(ModelBatch):
    """n runs of the model.

    Args:
        n: runs.
        model: its numbers.
        reward: name of the reward; `pnl` for exponential utility by a risk-averse algorithm.
        reward_settings: numbers in the reward.
        continuous: two distances of 0 to `widest_scales` price scales instead of the menu.
        widest_scales: largest continuous distance.
    """

    def __init__(
        self,
        n: int = 1,
        model: MakerModel | None = None,
        reward: str = "inventory_penalised",
        reward_settings: RewardSettings | None = None,
        *,
        continuous: bool = False,
        widest_scales: float = 3.0,
    ) -> None:
        self.model = model or MakerModel()
        self._widest = widest_scales
        sizes = ModelSizes(
            self.model.price_scale_ticks, self.model.max_quotes, self.model.duration_s, self.model.step_s,
            n_continuous=2 if continuous else 0,
        )  # fmt: skip
        super().__init__(n, "market_making", FEATURES, reward, reward_settings, sizes)

    def _begin(self, m: int) -> None:
        self.facts[m, 0, FACT.mid_ticks] = self.facts[m, 0, FACT.start_mid_ticks] = START_TICKS

    def distances(self) -> Floats:
        """Return the distances of bid and ask that the actions stand for, shape (n, 2), in ticks; -1: no quote."""
        scale = self.model.price_scale_ticks
        if self.n_continuous:
            return np.asarray(0.5 * self._widest * scale * (self.actions[:, 0] + 1.0))
        return menu_distances(scale)[self.actions[:, 0, 0].astype(np.int64)]

    def _move(self) -> None:
        model = self.model
        move_rows(
            self.facts[:, 0], self._keys, self._steps, self.distances(), model.fill_rate_per_s,
            model.k_per_tick, model.sigma_ticks_per_sqrt_s * np.sqrt(model.step_s), model.step_s,
            float(model.max_quotes),
        )  # fmt: skip

    def _observe(self) -> None:
        self.observations[:, 0, 0] = 1.0 - self._steps / self.n_steps
        self.observations[:, 0, 1] = self.facts[:, 0, FACT.position_lots] / self.model.max_quotes


def menu_distances(scale: float) -> Floats:
    """Return the distances of the menu's entries, shape (entries, 2); -1: no quote."""
    pairs = [(bid * scale, ask * scale) for bid in DISTANCES for ask in DISTANCES]
    return np.array([*pairs, (-1.0, -1.0)])


# ---- what is best -------------------------------------------------------------------------------------------------


def _outcomes(model: MakerModel, distances: Floats, inventory: int) -> tuple[Floats, Floats, Floats]:
    """Return probability, gain in ticks and new inventory of the four outcomes of a step, each (actions, 4)."""
    quoted = distances >= 0.0
    chance = np.where(quoted, model.fill_probability(np.maximum(distances, 0.0)), 0.0)
    chance[:, 0] *= inventory < model.max_quotes
    chance[:, 1] *= inventory > -model.max_quotes
    bid, ask = chance[:, 0], chance[:, 1]
    probability = np.stack([(1 - bid) * (1 - ask), bid * (1 - ask), (1 - bid) * ask, bid * ask], 1)
    gain = distances[:, :1] * np.array([0, 1, 0, 1]) + distances[:, 1:] * np.array([0, 0, 1, 1])
    change = np.broadcast_to(np.array([0, 1, -1, 0]), probability.shape)
    return probability, np.where(probability > 0.0, gain, 0.0), inventory + change


def _sweep(
    model: MakerModel, settings: RewardSettings, distances: Floats, risk_aversion: float, chosen: Floats | None
) -> tuple[Floats, np.ndarray[Any, Any]]:
    """Backward induction; `chosen` (steps, inventories, actions) are a policy's probabilities, None: the best.

    Risk aversion 0: expected sum of inventory-penalised rewards; above: entropic value of the profit.
    """
    most, scale = model.max_quotes, model.price_scale_ticks * model.max_quotes
    q = np.arange(-most, most + 1)
    value = np.zeros(len(q)) if risk_aversion > 0.0 else -settings.alpha * (q / most) ** 2
    best = np.zeros((model.n_steps, len(q)), np.int64)
    tables = [_outcomes(model, distances, int(i)) for i in q]
    sigma_step = model.sigma_ticks_per_sqrt_s * np.sqrt(model.step_s)
    for t in range(model.n_steps - 1, -1, -1):
        new = np.empty(len(q))
        for row, i in enumerate(q):
            probability, gain, after = tables[row]
            at = np.clip(after + most, 0, 2 * most)
            if risk_aversion > 0.0:
                # exp(-a (gain + q' dS)) has mean exp(-a gain + a^2 q'^2 sigma^2 dt / 2) over the normal move dS.
                moved = 0.5 * (risk_aversion * after * sigma_step / scale) ** 2
                terms = np.expm1(-risk_aversion * (gain / scale + value[at]) + moved)
                each = -np.log1p((probability * terms).sum(1)) / risk_aversion
            else:
                running = settings.phi_per_s * (i / most) ** 2 * model.step_s
                each = (probability * (gain / scale + value[at])).sum(1) - running
            best[t, row] = int(np.argmax(each))
            if chosen is None:
                new[row] = each[best[t, row]]
            elif risk_aversion > 0.0:
                new[row] = -np.log1p((chosen[t, row] * np.expm1(-risk_aversion * each)).sum()) / risk_aversion
            else:
                new[row] = (chosen[t, row] * each).sum()
        value = new
    return value, best


def best_policy(
    model: MakerModel, settings: RewardSettings | None = None, *, risk_aversion: float = 0.0
) -> tuple[float, np.ndarray[Any, Any]]:
    """Return the largest value that the menu allows, from no inventory, and the best entry (steps, inventories).

    Args:
        model: the model.
        settings: phi and alpha of the inventory-penalised reward; not used with risk aversion.
        risk_aversion: above 0: the value is -ln E exp(-risk_aversion x profit) / risk_aversion, profit in reward units.
    """
    value, best = _sweep(
        model, settings or RewardSettings(), menu_distances(model.price_scale_ticks), risk_aversion, None
    )
    return float(value[model.max_quotes]), best


def value_of(
    model: MakerModel,
    probabilities: Floats,
    settings: RewardSettings | None = None,
    *,
    risk_aversion: float = 0.0,
) -> float:
    """Return the exact value of a policy over the menu, from no inventory.

    Args:
        model: the model.
        probabilities: shape (steps, inventories, entries), of each entry at each step and inventory.
        settings: as for `best_policy`.
        risk_aversion: as for `best_policy`.
    """
    value, _ = _sweep(
        model, settings or RewardSettings(), menu_distances(model.price_scale_ticks), risk_aversion, probabilities
    )
    return float(value[model.max_quotes])


def policy_observations(model: MakerModel) -> Floats:
    """Return the observation at every step and inventory, shape (steps, inventories, 2)."""
    q = np.arange(-model.max_quotes, model.max_quotes + 1) / model.max_quotes
    left = 1.0 - np.arange(model.n_steps) / model.n_steps
    return np.stack(np.broadcast_arrays(left[:, None], q[None, :]), axis=-1)
