"""Training a learning agent in a scenario: folder, algorithms, evaluation on untouched seeds, checkpoints, weights.

policy.safetensors   the best policy so far with its card, ready for `weights =` in a scenario
training.json        settings, learning curve, evaluations
checkpoint.*         what a training goes on from
learning_curve.png   its picture
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from lob.errors import InputError
from scenarios.training.rl_algorithms import check_numbers, prepared
from scenarios.training.rl_setup import (
    ALGORITHMS,
    CHECKPOINTS,
    FIRST_EVALUATION_SEED,
    PICTURE,
    SUMMARY,
    WEIGHTS,
    RlTraining,
    summary_of,
)
from scenarios.training.rl_watch import Watch
from sim.files.atomic import write_error
from sim.files.claim import FOLDER, OVERWRITE, RESUME, is_empty, locked

__all__ = ["ALGORITHMS", "FIRST_EVALUATION_SEED", "RlTraining", "train_rl"]


def train_rl(
    training: RlTraining,
    folder: str | Path,
    *,
    resume: bool = False,
    overwrite: bool = False,
    on_progress: Callable[[int, str], None] | None = None,
) -> dict[str, Any]:
    """Train a policy; return the content of training.json.

    Args:
        training: what and how.
        folder: where everything is written.
        resume: go on from the checkpoint in the folder.
        overwrite: replace a training in the folder.
        on_progress: called with the decisions so far and a line about the last evaluation.

    Raises:
        InputError: if an option is wrong, or the folder holds something else.
    """
    with locked(Path(folder)):
        return _train_in(Path(folder), training, resume, overwrite, on_progress)


def _train_in(
    place: Path,
    training: RlTraining,
    resume: bool,
    overwrite: bool,
    on_progress: Callable[[int, str], None] | None,
) -> dict[str, Any]:
    check_numbers(training)
    _check_folder(place, resume, overwrite)
    watch = Watch(training, place, on_progress or (lambda steps, line: None))
    if resume:
        watch.restore()
    run = prepared(watch, resume)  # tells all mistakes, so that no folder is touched for them
    try:
        place.mkdir(parents=True, exist_ok=True)
        for name in () if resume else (WEIGHTS, PICTURE, *CHECKPOINTS, SUMMARY):
            (place / name).unlink(missing_ok=True)
    except OSError as error:
        raise write_error(place, error) from None
    watch.measure_baselines()
    watch.write()
    run()
    if not watch.evaluations:
        raise InputError(f"total_steps = {training.total_steps}: nothing was learnt; allowed: at least one update")
    found = summary_of(place)
    assert found is not None
    return found


def _check_folder(place: Path, resume: bool, overwrite: bool) -> None:
    """Refuse a place that holds anything but a training, and one that holds a training unless it may go or go on."""
    if place.exists() and not place.is_dir():
        raise InputError(f"{place}: a file; allowed: a folder")
    saved = summary_of(place)
    if resume:
        return
    if saved is not None and not overwrite:
        raise InputError(f"{place}: holds a training; allowed: ", RESUME, ", ", OVERWRITE, ", or another ", FOLDER)
    if saved is None and place.exists() and not is_empty(place):
        raise InputError(f"{place}: holds files that are no training; allowed: a new or empty folder")
