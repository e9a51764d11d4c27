"""The spaces of all environments, and the check of what comes in as an action."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from gymnasium import spaces

from agents.rl._checks import checked_actions, numbers_of
from agents.rl.batch import Batch
from agents.rl.features import LIMIT
from lob.errors import InputError

__all__ = ["action_space", "checked_action", "checked_actions", "info_of", "observation_space"]


def observation_space(batch: Batch) -> spaces.Box:
    """Return the space of one learner's observation: the named features, each within +-10, or a user's own numbers."""
    reach = LIMIT if batch.observation is None else np.inf
    return spaces.Box(-reach, reach, (batch.observations.shape[-1],), np.float32)


def action_space(batch: Batch) -> spaces.Space[Any]:
    """Return the space of one learner's action: an entry of the task's menu, or numbers in -1..1."""
    if batch.n_continuous:
        return spaces.Box(-1.0, 1.0, (batch.n_continuous,), np.float32)
    return spaces.Discrete(batch.n_actions)


def checked_action(batch: Batch, action: Any) -> Any:
    """Return one learner's action, an int or an array; one number may also come as an array of shape (1,).

    Raises:
        InputError: if it is not in the action space.
    """
    allowed = "numbers in -1..1" if batch.n_continuous else f"0 to {batch.n_actions - 1}"
    values = numbers_of("action", action, allowed)
    if batch.n_continuous:
        values = values.reshape(1) if batch.n_continuous == 1 and values.shape == () else values
        if values.shape != (batch.n_continuous,):
            raise InputError(f"action: shape {values.shape}; allowed: ({batch.n_continuous},)")
        if not np.isfinite(values).all():
            raise InputError(f"action = {values}: not finite; allowed: numbers in -1..1")
        if np.abs(values).max() > 1.0:
            raise InputError(f"action = {values}: out of range; allowed: numbers in -1..1")
        return values
    if values.shape not in ((), (1,)):
        raise InputError(f"action: shape {values.shape}; allowed: one number, 0 to {batch.n_actions - 1}")
    entry = float(values.item())
    if not math.isfinite(entry):
        raise InputError(f"action = {action}: not finite; allowed: 0 to {batch.n_actions - 1}")
    if entry != int(entry) or not 0 <= entry < batch.n_actions:
        raise InputError(f"action = {action}: out of range; allowed: whole numbers 0 to {batch.n_actions - 1}, "
                         f"{', '.join(f'{k} {name}' for k, name in enumerate(batch.task.menu))}")  # fmt: skip
    return int(entry)


def info_of(batch: Batch, m: int, rank: int, pnl: float, penalty: float) -> dict[str, Any]:
    """Return what one learner is told besides its observation: components of the reward and plain facts."""
    facts = batch.facts[m, rank].tolist()
    return {
        "pnl": pnl,
        "penalty": penalty,
        "time_s": facts[0],
        "mid_ticks": facts[1],
        "position_lots": int(facts[2]),
        "cash_ticks": facts[3],
        "executed_lots": int(facts[4]),
        "volume_lots": int(facts[5]),
        "start_mid_ticks": facts[6],
        "n_messages": int(facts[7]),
    }
