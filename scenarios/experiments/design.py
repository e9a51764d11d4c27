"""From what a user asks to a checked experiment: arms, quantities, times. Mistakes are told before anything runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from agents.metaorder import Metaorder
from lob.errors import InputError, RunError
from lob.units import SECOND_NS
from scenarios.build.variant import Variant
from scenarios.experiments.observe import Window
from scenarios.experiments.pairs import Arm, Branch, PairTask
from scenarios.experiments.protocol import ImpactProtocol
from scenarios.experiments.treatment import (
    Tables,
    Treatment,
    apply_treatment,
    at_participation,
    mirrored,
    placebo,
    without_metaorder,
    worked_population,
)
from scenarios.many_runs.execution import Execution
from scenarios.many_runs.map_runs import Failed
from scenarios.schema.times import clock, time_of_day_ns
from scenarios.schema.toml_text import toml_text
from sim.settings import Session

__all__ = ["ARMS", "Design", "design_of", "in_window", "pilot_volume", "window_of"]

ARMS = ("control", "treated", "placebo", "mirrored")
N_PILOTS = 20
"""Control runs from which the volume that a participation refers to is taken."""
MOST_LEVELS = 50
MOST_S = 86_400.0


@dataclass(frozen=True)
class Design:
    """A checked experiment: what `impact` makes of its arguments."""

    task: PairTask
    participation: tuple[float, ...]
    identity: dict[str, Any]


def design_of(
    scenario: str | Path,
    treatment: Treatment,
    participation: tuple[float, ...],
    arms: tuple[str, ...],
    overrides: Sequence[str],
    protocol: ImpactProtocol,
    execution: Execution,
) -> Design:
    """Return the checked experiment; the arguments are those of `impact`.

    Raises:
        InputError: about the first thing that is wrong.
    """
    unknown = [name for name in arms if name not in ARMS]
    if unknown:
        raise InputError(f"arms: {unknown[0]!r}; allowed: {', '.join(ARMS)}")
    arms = tuple(dict.fromkeys(("control", "treated", *arms)))
    _check_participation(participation, treatment)
    control = Variant.read(scenario, overrides)
    if isinstance(treatment, Metaorder):
        control = Variant(control.path, without_metaorder(control.tables))
    built = control.built
    window = window_of(built.session, treatment, protocol)
    branch = _branch(control, window, protocol)
    if isinstance(treatment, Metaorder):
        treatment = in_window(treatment, window, built.session)
    chosen, volume = [Arm("control", 0, control)], 0.0
    orders: list[Treatment] = [treatment]
    if isinstance(treatment, Metaorder) and participation:
        volume = pilot_volume(control, window, execution)
        orders = [at_participation(treatment, share, volume) for share in participation]
    for level, order in enumerate(orders, start=1):
        chosen += _arms_of(control, apply_treatment(control.tables, order), level, arms)
    for arm in chosen[1:]:
        # Built here, so that a mistake is one line before anything has run.
        other = arm.variant.built
        if (other.session, len(other.listings)) != (built.session, len(built.listings)):
            raise InputError(f"treatment: arm {arm.name} has another session or other instruments than the control")
    identity = {
        "kind": "impact",
        "scenario": built.name,
        "seed": built.scenario.seed,
        "config_hash": built.config_hash(0),
        "arms": [arm.as_data() for arm in chosen[1:]],
        "window": asdict(window),
        "participation": list(participation),
        "volume_lots": volume,
        "branch": asdict(branch) if branch is not None else None,
        "shared_stream": protocol.shared_stream,
    }
    task = PairTask(tuple(chosen), window, branch, protocol.n_structure, shared_stream=protocol.shared_stream)
    return Design(task, participation, identity)


def _check_participation(participation: tuple[float, ...], treatment: Treatment) -> None:
    if len(participation) > MOST_LEVELS or len(set(participation)) != len(participation):
        raise InputError(f"participation: {len(participation)} shares; allowed: at most {MOST_LEVELS}, none twice")
    for share in participation:
        if not 0 < share < 1:
            raise InputError(f"participation = {share:g}; allowed: above 0 and below 1")
    if participation and not isinstance(treatment, Metaorder):
        raise InputError("participation: only a Metaorder has a quantity to be chosen")


def in_window(order: Metaorder, window: Window, session: Session) -> Metaorder:
    """Return the metaorder with the window's start and length."""
    return replace(
        order,
        start_s=(window.start_ns - session.open_ns) / SECOND_NS,
        duration_s=(window.end_ns - window.start_ns) / SECOND_NS,
    )


def _branch(control: Variant, window: Window, protocol: ImpactProtocol) -> Branch | None:
    """Return where the pairs leave their shared history, if they have one."""
    if protocol.branch is None:
        return None
    built = control.built
    at = _time(protocol.branch, "branch", built.session)
    if not built.session.open_ns < at <= window.start_ns:
        raise InputError(f"branch {protocol.branch}: allowed: after the open and not after the treatment's start")
    if built.scenario.trader:
        raise InputError(
            f"branch: {control.path} has traders in Python ({built.scenario.trader[0].name}), whose state cannot be "
            "given another future; without a branch they can be used"
        )
    return Branch(at, built.scenario.seed if protocol.history_seed is None else protocol.history_seed)


def _arms_of(control: Variant, treated: Tables, level: int, arms: tuple[str, ...]) -> list[Arm]:
    """Return the arms of one treated market: itself, its placebo, its mirror image."""
    found = []
    makers: dict[str, Callable[[Tables, Tables], Tables | None]] = {
        "treated": lambda before, after: after,
        "placebo": placebo,
        "mirrored": mirrored,
    }
    worked = worked_population(control.tables, treated)
    side = int(worked["settings"].get("side", 1)) if worked is not None else 1
    quantity = int(worked["settings"]["quantity_lots"]) if worked is not None else 0
    name = str(worked["name"]) if worked is not None else None
    for arm, make in makers.items():
        # One placebo will do: without a quantity all levels are the same.
        if arm not in arms or (arm == "placebo" and level > 1):
            continue
        tables = make(control.tables, treated)
        if tables is None:
            raise InputError(
                f"{control.path}: arm {arm} needs a treatment with a population that works a quantity_lots"
            )
        found.append(
            Arm(
                arm, level, Variant.of_text(control.path, toml_text(tables)), name,
                -side if arm == "mirrored" else side, 0 if arm == "placebo" else quantity,
            )
        )  # fmt: skip
    return found


def _time(text: str, what: str, session: Session) -> int:
    told = "not a time; allowed: a time of day of the exchange, without an offset, such as 10:30:00"
    return session.ns(time_of_day_ns(text, f"{what} {text}", told))


def window_of(session: Session, treatment: Treatment, protocol: ImpactProtocol) -> Window:
    """Return when a treatment works and how long is looked; raise InputError if that is not within the session."""
    open_ns, close_ns = session.open_ns, session.close_ns
    start, horizon_s, after_s = protocol.start, protocol.horizon_s, protocol.after_s
    own = isinstance(treatment, Metaorder)
    for name, seconds in (("horizon", horizon_s), ("after", after_s)):
        if seconds is not None and not 0 <= seconds <= MOST_S:
            raise InputError(f"{name} = {seconds:g} s; allowed: 0 to {MOST_S:,.0f} s, within the session")
    if start is not None:
        start_ns = _time(start, "start", session)
    else:
        start_ns = open_ns + round(treatment.start_s * SECOND_NS) if isinstance(treatment, Metaorder) else open_ns
    if horizon_s is not None:
        horizon_ns = round(horizon_s * SECOND_NS)
    else:
        horizon_ns = round(treatment.duration_s * SECOND_NS) if isinstance(treatment, Metaorder) else 0
        horizon_ns = horizon_ns if own else (close_ns - start_ns) // 2
    after_ns = horizon_ns if after_s is None else round(after_s * SECOND_NS)
    if not open_ns <= start_ns < close_ns:
        raise InputError(
            f"start {clock(start_ns)}: outside the session; allowed: {clock(open_ns)} to {clock(close_ns)}"
        )
    if horizon_ns < SECOND_NS:
        raise InputError(f"horizon {horizon_ns / 1e9:g} s: allowed: at least 1 s")
    end_ns = start_ns + horizon_ns
    if end_ns >= close_ns:
        raise InputError(
            f"horizon {horizon_ns / 1e9:g} s: from {clock(start_ns)} the treatment would end at {clock(end_ns)}; "
            f"allowed: an end before the close at {clock(close_ns)}"
        )
    if after_s is not None and end_ns + after_ns > close_ns:
        raise InputError(
            f"after {after_s:g} s: beyond the close at {clock(close_ns)}; allowed: up to "
            f"{(close_ns - end_ns) / 1e9:g} s after {clock(end_ns)}"
        )
    return Window(start_ns, end_ns, min(close_ns, end_ns + after_ns))


def pilot_volume(control: Variant, window: Window, execution: Execution) -> float:
    """Return the mean volume of control runs during the treatment's time, the base of a participation."""
    task = PairTask((Arm("control", 0, control),), replace(window, until_ns=window.end_ns))
    seed = int(control.built.scenario.seed)
    volumes = {}
    jobs = [(k, (seed + k) % 2**63) for k in range(N_PILOTS)]
    for k, rows in execution.map(task, jobs, [control]):
        if isinstance(rows, Failed):
            raise RunError(f"{control.path}: a run without the treatment failed: {rows.reason}")
        volumes[k] = rows[0]["window_volume_lots"]
    volume = float(np.mean([volumes[k] for k in sorted(volumes)]))
    if volume <= 0:
        raise InputError(f"participation: nothing is traded in {control.path} during the treatment")
    return volume
