"""What a market is made of, in a few words a part, so that a snapshot of another one is refused by name."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from sim.distributions import file_fields
from sim.settings import Conditional, Listing, Population, Scheduled, Session, as_grid
from sim.world import World

__all__ = ["difference", "fingerprint"]

Definition = tuple[tuple[Listing, ...], tuple[Population, ...], Session, tuple[Scheduled | Conditional, ...], int]


def fingerprint(world: World, definition: Definition, max_in_flight: int, shared_stream: bool) -> dict[str, str]:
    """Return each part of a market's definition as a word or as a hash.

    Files count by their content, not by their place, and Python traders by their class: what else makes one differ from
    another is inside of its constructor, where nobody can look.
    """
    listings, _, session, schedule, seed = definition
    return {
        "instruments": _hash(_listing(each, session, seed) for each in listings),
        "populations": _hash(_population(world, p, each) for p, each in enumerate(world.populations)),
        "session": f"{session.open_ns} to {session.close_ns} ns",
        "schedule": _hash(map(repr, schedule)),
        "seed": str(seed),
        "max_in_flight": str(max_in_flight),
        "shared_stream": str(bool(shared_stream)),
    }


def difference(there: Mapping[str, str], here: Mapping[str, str]) -> str | None:
    """Name the first part in which two fingerprints differ, in words; None if they are the same."""
    for name, value in here.items():
        if there.get(name) != value:
            return f"{name} {there.get(name, 'unknown')} there, {value} here"
    return None


def _listing(listing: Listing, session: Session, seed: int) -> str:
    name = listing.instrument.name
    path = as_grid(listing.fundamental.grid(seed, name, session.open_ns, session.close_ns))
    plain = (
        listing.instrument, listing.tick_size, listing.lot_size, listing.maker_fee_ppm, listing.taker_fee_ppm,
        listing.price_step_ticks, listing.venue,
    )  # fmt: skip
    return f"{plain!r} {hashlib.sha256(path.tobytes()).hexdigest()}"


def _population(world: World, p: int, population: Population) -> str:
    row = world.population_rows[p]
    block = world.block_of(p).tobytes()
    settings = population.settings
    if population.policy is not None:
        made_by = f"policy {population.policy.decide.__qualname__}"
    else:
        assert population.trader is not None
        made_by = f"trader {type(population.trader(0)).__qualname__}"
    plain: Sequence[Any] = (
        population.name, population.count, made_by, population.symbol, population.watch, population.latency,
        population.reaction_ns, population.limits, population.bulletins, population.firm, population.lead_percent,
        int(row["needs"]), int(row["wakes_on"]),
        settings.model_dump_json(exclude=set(file_fields(type(settings)))) if settings is not None else "",
    )  # fmt: skip
    return f"{plain!r} {hashlib.sha256(block).hexdigest()}"


def _hash(parts: Any) -> str:
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:16]
