"""What can be said of learners when a batch or an environment is made, once for all that take it.

learner          name of the population; default: the only one that is a learning agent's
features         names of the observed features; default: the task's
reward           name of the reward, or a function (agents.rl.custom); default: the task's
reward_settings  numbers in the reward, as RewardSettings or by name
observation      a function that makes the observation (agents.rl.custom) of the features (default then: all) and facts
task             what the learner does, if it is no task of agents.rl.tasks; default: what `make_market` says in its
                 attribute `learning_task`, if it has one
warm_starts      0: every episode begins at the open. k: only the seeds 0 to k - 1 are run from the open to the first
                 decision, once; an episode of seed s has the past of seed s modulo k, and from there draws of its own
keep_tape        keep all rows of every episode in memory, for `tape`
threads          markets are shared out among so many threads; the result does not depend on it
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypedDict

if TYPE_CHECKING:
    from agents.rl.custom import Observation, RewardFunction
    from agents.rl.rewards import RewardSettings
    from agents.rl.task import Task

__all__ = ["BatchOptions", "LearnerOptions", "check_options", "option_names"]


class LearnerOptions(TypedDict, total=False):
    """Keywords of environments; the module says what each means."""

    learner: str | None
    features: Sequence[str] | None
    reward: str | RewardFunction | None
    reward_settings: RewardSettings | Mapping[str, Any] | None
    observation: Observation | None
    task: Task | None
    warm_starts: int
    keep_tape: bool


class BatchOptions(LearnerOptions, total=False):
    """Keywords of what holds several markets."""

    threads: int


def check_options(options: Mapping[str, Any], allowed: type[Any]) -> None:
    """Refuse keywords that are none, as Python does where they stand in a function's own line.

    Raises:
        TypeError: that names them.
    """
    known = allowed.__annotations__ if allowed is LearnerOptions else {**LearnerOptions.__annotations__, "threads": int}
    unknown = [name for name in options if name not in known]
    if unknown:
        raise TypeError(f"unexpected keyword argument {unknown[0]!r}; allowed: {', '.join(known)}")


def option_names(kind: type[Any]) -> list[str]:
    """Return the keywords of an environment's constructor, those of its learners included."""
    names = [name for name, one in inspect.signature(kind).parameters.items() if one.kind is not one.VAR_KEYWORD]
    learners = [*LearnerOptions.__annotations__]
    return [*names, *(name for name in learners if name not in names)]
