"""What must be alike before two flows are compared."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from lob.errors import Argument, InputError

if TYPE_CHECKING:
    from scenarios.data.flows import FlowSource

__all__ = ["check_comparable", "check_extras"]

NEEDED = {"sklearn": "realism", "arch": "realism", "powerlaw": "realism", "torch": "learn"}


def check_extras() -> None:
    """Raise InputError unless the libraries of the trained scores are there."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        extras = ",".join(sorted({NEEDED[name] for name in missing}))
        raise InputError(
            Argument("models", True),
            f" needs {', '.join(missing)}; allowed: pip install 'outcry-sim[{extras}]', or ",
            Argument("models", False),
        )


def check_comparable(simulated: FlowSource, real: FlowSource) -> None:
    """Raise InputError if the two flows count in different ticks or record different numbers of levels."""
    one, other = simulated.tick_size, real.tick_size
    if abs(one - other) > 1e-12:  # nan, an unknown tick, passes
        raise InputError(
            f"tick sizes differ: {one:g} in {simulated.name}, {other:g} in {real.name}; allowed: one tick size, since "
            "spreads and depths are compared in ticks (",
            Argument("tick_size"),
            " says that of LOBSTER files)",
        )
    levels = [s.flow.book.shape[1] for s in (simulated, real) if s.flow.book is not None]
    if len(set(levels)) > 1:
        raise InputError(
            f"{simulated.name} records {levels[0]} levels, {real.name} {levels[1]}; allowed: as many levels in both, "
            "since only events at recorded levels are in the files"
        )
