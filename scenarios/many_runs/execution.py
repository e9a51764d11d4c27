"""How a study is carried out: by what, in how many processes, where its results go. It changes no number."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from scenarios.build.missing import MissingHere
from scenarios.many_runs.map_runs import Failed, check_executor, map_runs
from scenarios.many_runs.result_set import ResultSet

if TYPE_CHECKING:
    from scenarios.build.variant import Variant

__all__ = ["Execution"]

J = TypeVar("J")
R = TypeVar("R")


@dataclass(frozen=True)
class Execution:
    """How a study of many runs is carried out.

    Attributes:
        executor: "process", "ray" or "serial"; see `map_runs`.
        workers: number of processes; default: one for each core, or all of the cluster.
        out: folder for the results; None: memory only.
        resume: go on with the study in `out`: finished runs are not repeated, failed ones are tried again.
        overwrite: replace it.
        on_progress: called with the finished and all runs (pairs, days).

    Raises:
        InputError: if the executor or the number of workers cannot be used.
    """

    executor: str = "process"
    workers: int | None = None
    out: Path | str | None = None
    resume: bool = False
    overwrite: bool = False
    on_progress: Callable[[int, int], None] | None = None

    def __post_init__(self) -> None:
        """Check what can be checked before anything is run."""
        check_executor(self.executor, self.workers)

    @property
    def folder(self) -> Path | None:
        """Where the results go; None: memory only."""
        return Path(self.out) if self.out is not None else None

    def store(self, identity: dict[str, Any], key: Sequence[str], study: dict[str, Any] | None = None) -> ResultSet:
        """Open the study's folder; see `ResultSet`."""
        return ResultSet(self.folder, identity, key, study=study, resume=self.resume, overwrite=self.overwrite)

    def map(
        self, task: Callable[[J], R], jobs: Sequence[J], variants: Sequence[Variant]
    ) -> Iterator[tuple[int, R | Failed]]:
        """Yield (position of the job, result or Failed) as they come; see `map_runs`.

        Args:
            task: see `map_runs`.
            jobs: plain data.
            variants: what the jobs run; every machine must have their files, the user's modules and this Outcry.
        """
        missing = MissingHere.of(variants) if self.executor == "ray" else None
        return map_runs(task, jobs, executor=self.executor, workers=self.workers, missing=missing)

    def map_and_tell(
        self, task: Callable[[J], R], jobs: Sequence[J], variants: Sequence[Variant], done: tuple[int, int]
    ) -> Iterator[tuple[int, R | Failed]]:
        """Do what `map` does and call `on_progress`: `done` is how many, of how many, were finished before."""
        n_done, n_all = done
        tell = self.on_progress or (lambda done, total: None)
        tell(n_done, n_all)
        for k, found in enumerate(self.map(task, jobs, variants), start=1):
            yield found
            tell(n_done + k, n_all)
