"""Whole episodes as something to learn from: made by one task each, in this process or in many others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from agents.rl.ppo import Agent, Rollout, Sampler, empty_rollout

__all__ = ["joined", "whole_episodes"]


def whole_episodes(envs: Any, agent: Agent, seed: int, most_steps: int = 1_000_000) -> Rollout:
    """Return one whole episode of each market, with seeds from `seed` on; it also draws the actions."""
    sampler = Sampler(envs, False, seed)
    rows: list[Rollout] = []
    over = np.zeros(envs.num_envs, bool)
    with torch.random.fork_rng(devices=[]):  # a training in this process draws on as it would have done
        torch.manual_seed(seed)
        while not over.all() and len(rows) < most_steps:
            r = empty_rollout(envs, agent, 1, sampler.n_state)
            r.valid[0] = ~over
            sampler.step(agent, r, 0)
            if rows:
                rows[-1].next_values[0] = np.where(rows[-1].done[0], rows[-1].next_values[0], r.values[0])
            over |= r.done[0]
            rows.append(r)
    return _stacked(rows, 0)


def joined(parts: Sequence[Rollout]) -> Rollout:
    """Return the learners of several rollouts side by side; shorter ones are filled up with steps that do not count."""
    longest = max(len(part.done) for part in parts)
    return _stacked([_filled(part, longest) for part in parts], 1)


_ARRAYS = ("seen", "states", "actions", "logs", "rewards", "values", "next_values", "done", "valid")


def _stacked(parts: Sequence[Rollout], axis: int) -> Rollout:
    arrays = {name: np.concatenate([getattr(part, name) for part in parts], axis=axis) for name in _ARRAYS}
    return Rollout(**arrays, finished=[value for part in parts for value in part.finished])


def _filled(part: Rollout, length: int) -> Rollout:
    missing = length - len(part.done)
    arrays = {}
    for name in _ARRAYS:
        array = getattr(part, name)
        arrays[name] = np.concatenate([array, np.zeros((missing, *array.shape[1:]), array.dtype)])
    arrays["done"][length - missing :] = True
    return Rollout(**arrays, finished=part.finished)
