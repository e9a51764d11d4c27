"""What commands that work metaorders share: the order from the options, its usual start, modules beside a treatment."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lob.errors import InputError

if TYPE_CHECKING:
    from agents.metaorder import Metaorder

__all__ = ["SideOption", "default_start", "metaorder", "search_beside"]

SideOption = Annotated[str, typer.Option(help="buy or sell.")]


def metaorder(algo: str, side: str, quantity: int, changes: Sequence[str], folder: Path) -> Metaorder:
    """Return the metaorder of some options.

    Args:
        algo: an algorithm, or a user's own as "my_module:MY_POLICY".
        side: "buy" or "sell".
        quantity: lots.
        changes: of --algo-set.
        folder: of the scenario, beside which a user's module may lie.

    Raises:
        InputError: about the first thing that is wrong.
    """
    from agents.metaorder import Metaorder
    from scenarios.build.kinds import find_policy
    from scenarios.schema.pairs import pairs

    settings = pairs(list(changes), "algo_settings", "NAME=VALUE, as in passive=true")
    if side not in ("buy", "sell"):
        raise InputError(f"--side {side}: allowed: buy, sell")
    if ":" in algo:
        find_policy(algo, folder, "--algo")  # imported from beside the scenario or the working directory
    return Metaorder("buy" if side == "buy" else "sell", quantity, algo, settings=settings)


def default_start(scenario: str, overrides: Sequence[str]) -> str:
    """Return the time a quarter into the session, on a whole minute."""
    from lob.units import DAY_NS, MINUTE_NS
    from scenarios.schema.load import load_scenario
    from scenarios.schema.times import clock

    session = load_scenario(scenario, overrides).scenario.session
    first, last = session.open_ns, session.close_ns
    start = first + (last - first) // 4
    whole = start - start % MINUTE_NS
    return clock((whole if whole > first else start) % DAY_NS)


def search_beside(path: Path) -> None:
    """Let modules that a treatment names be found beside its file, in worker processes too."""
    from scenarios.build.own_code import SEARCH_PATH

    before = os.environ.get(SEARCH_PATH)
    os.environ[SEARCH_PATH] = os.pathsep.join(filter(None, [before, str(path.resolve().parent)]))
