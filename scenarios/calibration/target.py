"""The recorded flow that a scenario is fitted to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lob.errors import Argument, InputError
from scenarios.data.flows import read_flows
from scenarios.schema.load import load_scenario
from sim.formats.reading import ReadOptions
from sim.metrics import OrderFlow

__all__ = ["read_target", "within_session"]


def read_target(
    place: Path,
    orderbook: Path | None,
    scenario: str,
    overrides: Sequence[str],
    what: str | Argument = "target",
    reading: ReadOptions = ReadOptions(),
) -> OrderFlow:
    """Return the flow to fit, in the ticks of the scenario's instrument.

    Args:
        place: as for `read_flows`.
        orderbook: LOBSTER's book file if `place` is a message file.
        scenario: file or library name.
        overrides: of the scenario.
        what: what a message calls the place.
        reading: what is to be said about a recording.

    Raises:
        InputError: if it cannot be read, or counts in other ticks.
    """
    tick_size = load_scenario(scenario, overrides).scenario.instrument[0].tick_size
    source = read_flows(place, orderbook, what, levels=0, tick_size=tick_size, reading=reading)
    if abs(source.tick_size - tick_size) > 1e-9 * tick_size:  # nan, an unknown tick, passes
        raise InputError(
            what, f" {place}: its tick is {source.tick_size:g}; allowed: {tick_size:g}, the scenario's tick_size"
        )
    return source.flow


def within_session(flow: OrderFlow, scenario: str, overrides: Sequence[str]) -> OrderFlow:
    """Return the part of a flow that lies within the scenario's session."""
    session = load_scenario(scenario, overrides).scenario.session
    return flow.window(session.open_ns, session.close_ns)
