"""Training a learned flow from recorded or simulated data: splits by time, a folder with weights, picture, card."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lob.errors import Argument, InputError
from lob.units import HOUR_NS, SECOND_NS
from scenarios.data.flows import FlowSource, read_flows
from scenarios.schema.pairs import pairs, parse_toml
from scenarios.schema.times import time_of_day_ns
from sim.files.atomic import write_atomically
from sim.files.claim import claimed
from sim.formats.reading import ReadOptions
from sim.versions import versions

if TYPE_CHECKING:
    from agents.flow.training import Trained, TrainingConfig

__all__ = ["FlowData", "read_config", "train_flow"]

WEIGHTS = "flow.safetensors"


def read_config(path: Path | None, changes: Sequence[str]) -> TrainingConfig:
    """Return the configuration of a TOML file with changes "name=value" applied.

    Raises:
        InputError: for an unknown name or a value of another type.
    """
    from agents.flow.training import TrainingConfig

    values: dict[str, Any] = {}
    if path is not None:
        try:
            values = parse_toml(path.read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise InputError(Argument("config", path), f": not a readable TOML file ({error})") from None
    values |= pairs(changes, "changes")
    known = {field.name: field.default for field in fields(TrainingConfig)}
    for name, value in values.items():
        if name not in known:
            raise InputError(f"configuration: no setting {name}; allowed: {', '.join(known)}")
        kind = type(known[name])
        if kind is float and isinstance(value, int):
            values[name] = float(value)
        elif type(value) is not kind:
            raise InputError(f"configuration: {name} = {value!r}; allowed: a value like {known[name]!r}")
        if isinstance(value, int | float) and name not in ("dropout", "weight_decay", "noise", "forget") and value <= 0:
            raise InputError(f"configuration: {name} = {value}; allowed: above 0")
    return TrainingConfig(**values)


@dataclass(frozen=True)
class FlowData:
    """What a flow learns from.

    Attributes:
        places: recordings or folders that `outcry realism` reads too, one for each stock; of several days in one
            place the first is used.
        names: of the stocks.
        train_until: time of day at which training data ends and validation data begins.
        validate_until: time of day at which that ends; what comes after is not looked at.
        levels: of a simulated tape's book that count as recorded, and of recordings without a book.
        reading: what is to be said about recordings.
    """

    places: Sequence[Path]
    names: Sequence[str]
    train_until: str = "14:00"
    validate_until: str = "15:00"
    levels: int = 10
    reading: ReadOptions = ReadOptions()

    def times_ns(self) -> tuple[int, int]:
        """Return the ends of training and of validation data; raise InputError if these are none."""
        until, end = Argument("train_until", self.train_until), Argument("validate_until", self.validate_until)
        split_ns, end_ns = time_of_day_ns(self.train_until, until), time_of_day_ns(self.validate_until, end)
        if split_ns >= end_ns:
            raise InputError(end, ": must be later than ", until)
        return split_ns, end_ns

    def read(self) -> list[FlowSource]:
        """Return what stands at the places; raise InputError if it cannot be read, or counts in several ticks."""
        sources = [
            read_flows(place, None, Argument("data"), levels=self.levels, reading=self.reading) for place in self.places
        ]
        if len({source.tick_size for source in sources if source.tick_size == source.tick_size}) > 1:
            sizes = ", ".join(f"{s.tick_size:g} in {s.name}" for s in sources)
            raise InputError(
                Argument("data"), f": tick sizes differ: {sizes}; allowed: one tick size, since depths are in ticks"
            )
        return sources


def _takes_older_form(function: Callable[..., tuple[Path, Trained]]) -> Callable[..., tuple[Path, Trained]]:
    """Let `train_flow(places, names, config, folder, train_until=...)` of 0.1 go on working, with a warning."""

    @wraps(function)
    def run(data: FlowData | Sequence[Path], *rest: Any, **options: Any) -> tuple[Path, Trained]:
        if isinstance(data, FlowData):
            return function(data, *rest, **options)
        told = "train_flow(data, names, ...) is now train_flow(FlowData(data, names), ...); the old form goes in 0.3"
        warnings.warn(told, DeprecationWarning, stacklevel=2)
        names, rest = (rest[0], rest[1:]) if rest else (options.pop("names"), ())
        of_data = {name: options.pop(name) for name in ("train_until", "validate_until", "levels") if name in options}
        return function(FlowData(data, names, **of_data), *rest, **options)

    return run


@_takes_older_form
def train_flow(
    data: FlowData,
    config: TrainingConfig,
    folder: Path,
    *,
    rounds: int = 24,
    resume: bool = False,
    on_progress: Callable[[dict[str, float]], None] | None = None,
    on_round: Callable[[int, str, float], None] | None = None,
) -> tuple[Path, Trained]:
    """Train a generator and leave flow.safetensors, training.json and training.png in a folder.

    Args:
        data: recorded or simulated.
        config: see TrainingConfig.
        folder: where everything goes, checkpoints too.
        rounds: of rollouts after the training that make the closed loop look as recorded in the large, see
            agents/flow/closed_loop.py; 0: none.
        resume: go on from the checkpoint in the folder.
        on_progress: called with each row of the history.
        on_round: called after each of the rounds with its number, the stock and the distance of what is matched.

    Raises:
        InputError: for bad data or configuration, in words, or if the folder holds something else.
    """
    with claimed(folder, "training of a flow", _is_training):
        return _train(data, config, folder, rounds, resume, on_progress, on_round)


def _is_training(folder: Path) -> bool:
    """Whether a folder holds what a training leaves: its card, or the history beside its checkpoint."""
    for name, key in (("training.json", "validation_nats"), ("history.json", "step")):
        try:
            found = json.loads((folder / name).read_text("utf-8"))
        except (OSError, ValueError):
            continue
        first = found[0] if isinstance(found, list) and found else found
        if isinstance(first, dict) and key in first:
            return True
    return False


def _train(
    data: FlowData,
    config: TrainingConfig,
    folder: Path,
    rounds: int,
    resume: bool,
    on_progress: Callable[[dict[str, float]], None] | None,
    on_round: Callable[[int, str, float], None] | None,
) -> tuple[Path, Trained]:
    from agents.flow.closed_loop import MatchPlan, match_totals
    from agents.flow.tokenizer import Tokenizer
    from agents.flow.training import train
    from agents.flow.weights import FlowWeights
    from scenarios.training.plot_flow import draw_training

    split, end = data.times_ns()
    sources = data.read()
    flows = [source.flow for source in sources]
    early = [flow.window(0, split) for flow in flows]
    tokenizer = Tokenizer.fit(early, data.names)
    tokens = [tokenizer.encode(flow.window(0, end), k) for k, flow in enumerate(flows)]
    trained = train(
        tokenizer,
        [part.window(0, split) for part in tokens],
        [part.window(split, end) for part in tokens],
        config,
        folder=folder,
        resume=resume,
        on_progress=on_progress,
    )
    card = {
        "data": [source.name for source in sources],
        "train_until": data.train_until,
        "validate_until": data.validate_until,
        "orders": sum(len(part.window(0, split)) for part in tokens),
        "parameters": sum(p.numel() for p in trained.model.parameters()),
        "validation_nats": round(trained.best, 4),
        "config": asdict(config),
        "licence": "of whoever trained it, as far as the terms of the recordings allow",
        "versions": versions(),
    }
    weights = FlowWeights.of(trained.model, tokenizer, card)
    weights.save(folder / WEIGHTS)
    if rounds > 0:
        # The opening hour is unlike the rest, and rollouts of an hour each do not begin in it.
        settled = [flow.window(int(flow.time_ns[0]) + HOUR_NS, split) for flow in early]
        recorded = [part if len(part) >= config.length else whole for part, whole in zip(settled, early, strict=True)]
        weights = match_totals(
            weights,
            recorded,
            plan=MatchPlan(
                rounds=rounds,
                seconds=min(3600, int(recorded[0].time_ns[-1] - recorded[0].time_ns[0]) // SECOND_NS),
                open_ns=int(recorded[0].time_ns[0]),
            ),
            reference_ticks=[int(np.nanmedian(flow.mid_ticks)) for flow in early],
            on_round=on_round,
        )
    weights.save(folder / WEIGHTS)
    write_atomically(
        folder / "training.json", (json.dumps({**card, "history": trained.history}, indent=1) + "\n").encode()
    )
    write_atomically(folder / "training.png", draw_training(trained.history))
    return folder / WEIGHTS, trained
