"""What a task is: a compiled policy, taken apart so that somebody else can choose its actions."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from typing import Any

from lob.errors import InputError
from sim.policy import Policy

__all__ = ["Task", "find_task", "task_of", "tasks"]


@dataclass(frozen=True)
class Task:
    """A task for a learning agent.

    Attributes:
        name: such as "execution".
        policy: the compiled policy, in which a network chooses; its settings are a subclass of LearnerSettings.
        observe: compiled; fills the features and says whether a decision is due.
        act: compiled; does what the action cells say and returns the delay until the next wake-up.
        features: names of the default observation.
        menu: what each discrete action means.
        reward: name of the default reward.
        largest_lots: the largest position of some settings; with the price scale it is the unit of rewards.
        continuous: number of continuous actions under some settings; 0: the menu.
        baselines: menu entries that make a simple policy when always taken, by its name.
    """

    name: str
    policy: Policy
    observe: Any
    act: Any
    features: tuple[str, ...]
    menu: tuple[str, ...]
    reward: str
    largest_lots: Callable[[Any], int]
    continuous: Callable[[Any], int] = lambda settings: 0
    baselines: Mapping[str, int] = field(default_factory=dict)

    def __deepcopy__(self, memo: Any) -> Task:
        """Return itself: nothing in it ever changes."""
        return self

    def __reduce__(self) -> Any:
        """Send one of the package's tasks by its name; another needs parts that can be sent."""
        if tasks().get(self.name) is self:
            return find_task, (self.name,)
        return Task, tuple(getattr(self, part.name) for part in fields(self))


@cache
def tasks() -> dict[str, Task]:
    """Return all tasks by name: one for each file of agents/rl/policies."""
    package = importlib.import_module("agents.rl.policies")
    names = [m.name for m in pkgutil.iter_modules(package.__path__) if not m.name.startswith("_")]
    found = [importlib.import_module(f"agents.rl.policies.{name}").task for name in sorted(names)]
    return {task.name: task for task in found}


def find_task(name: str) -> Task:
    """Return a task by name.

    Raises:
        InputError: if there is none of this name.
    """
    if name not in tasks():
        raise InputError(f"task {name}: no such task; allowed: {', '.join(tasks())}, or my_module:TASK")
    return tasks()[name]


def task_of(policy: Policy | None) -> Task | None:
    """Return the task that a policy belongs to, None if it is not a learning agent's."""
    return next((task for task in tasks().values() if task.policy is policy), None)
