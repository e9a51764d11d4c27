"""What is done to a market in one arm of an experiment and not in the other, as a change of the scenario's tables."""

from __future__ import annotations

import copy
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from agents.metaorder import Metaorder
from lob.errors import InputError

__all__ = [
    "METAORDER",
    "Tables",
    "Treatment",
    "apply_treatment",
    "at_participation",
    "mirrored",
    "placebo",
    "without_metaorder",
    "worked_population",
]

Tables = dict[str, Any]
Treatment = Metaorder | str | Mapping[str, Any] | Callable[[Tables], Tables]
"""A metaorder; a scenario fragment (TOML text or tables) that is laid over the scenario; or a function from the
scenario's tables to those of the treated market."""
METAORDER = "metaorder"
"""Name of the population that a metaorder becomes; a scenario's own population of that name is replaced."""
_LISTS = ("population", "trader", "event", "instrument")


def apply_treatment(tables: Tables, treatment: Treatment) -> Tables:
    """Return the tables of the treated market; the tables given stay as they are.

    Raises:
        InputError: if a fragment is not TOML, or a function returns no tables.
    """
    if isinstance(treatment, Metaorder):
        fragment: Any = {"population": [metaorder_row(treatment)]}
    elif isinstance(treatment, str):
        try:
            fragment = tomllib.loads(treatment)
        except tomllib.TOMLDecodeError as error:
            raise InputError(f"treatment: not valid TOML: {error}") from None
    elif isinstance(treatment, Mapping):
        fragment = treatment
    else:
        changed = treatment(copy.deepcopy(tables))
        if not isinstance(changed, dict):
            raise InputError(f"treatment: the function returned {type(changed).__name__}; allowed: the tables, a dict")
        return changed
    merged = copy.deepcopy(tables)
    _lay_over(merged, copy.deepcopy(dict(fragment)))
    return merged


def metaorder_row(order: Metaorder) -> Tables:
    """Return the population table of a metaorder."""
    settings = {
        "side": 1 if order.side == "buy" else -1,
        "quantity_lots": order.quantity_lots,
        "start_s": float(order.start_s),
        "duration_s": float(order.duration_s),
        "parent_id": order.parent_id,
        **order.settings,
    }
    return {"name": METAORDER, "kind": order.algo, "count": 1, "settings": settings}


def without_metaorder(tables: Tables) -> Tables:
    """Return the tables without the population that a metaorder would replace."""
    kept = copy.deepcopy(tables)
    if "population" in kept:
        kept["population"] = [row for row in kept["population"] if row.get("name") != METAORDER]
    return kept


def _lay_over(tables: Tables, fragment: Tables) -> None:
    """Put a fragment over tables in place: rows with a known name are changed, others added, values replaced."""
    for key, value in fragment.items():
        if key in _LISTS and isinstance(value, list):
            rows = tables.setdefault(key, [])
            for row in value:
                same = [r for r in rows if isinstance(row, dict) and row.get("name") and r.get("name") == row["name"]]
                if same:
                    _lay_over(same[0], row)
                else:
                    rows.append(row)
        elif isinstance(value, dict) and isinstance(tables.get(key), dict):
            _lay_over(tables[key], value)
        else:
            tables[key] = value


def _worked_populations(control: Tables, treated: Tables) -> list[Tables]:
    """Return the treated market's populations that work a quantity and are not in the control market like that."""
    before = list(control.get("population", []))
    rows = [row for row in treated.get("population", []) if row not in before]
    return [row for row in rows if "quantity_lots" in row.get("settings", {})]


def worked_population(control: Tables, treated: Tables) -> Tables | None:
    """Return the table of the (first) population that works a quantity in the treated market only."""
    rows = _worked_populations(control, treated)
    return rows[0] if rows else None


def placebo(control: Tables, treated: Tables) -> Tables | None:
    """Return the treated market with quantity 0; None if the treatment works no quantity."""
    changed = copy.deepcopy(treated)
    rows = _worked_populations(control, changed)
    for row in rows:
        row["settings"]["quantity_lots"] = 0
    return changed if rows else None


def mirrored(control: Tables, treated: Tables) -> Tables | None:
    """Return the treated market with buying and selling exchanged; None if the treatment works no quantity."""
    changed = copy.deepcopy(treated)
    rows = [row for row in _worked_populations(control, changed) if row["settings"].get("side") in (1, -1)]
    for row in rows:
        row["settings"]["side"] = -row["settings"]["side"]
    return changed if rows else None


def at_participation(order: Metaorder, share: float, volume_lots: float) -> Metaorder:
    """Return the metaorder with a quantity of a share of the volume that others trade in its time.

    An algorithm that takes a rate of participation is given the share as its rate too.
    """
    quantity = max(1, round(share * volume_lots))
    settings = dict(order.settings)
    if "participation_rate" in type(order.algorithm_settings()).model_fields:
        settings["participation_rate"] = share
    return replace(order, quantity_lots=quantity, settings=settings)
