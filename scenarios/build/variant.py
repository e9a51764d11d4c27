"""A scenario, changed or as it is in its file, with its text and its built form kept: what studies compare and run."""

from __future__ import annotations

import tomllib
import uuid
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from scenarios.build.market import Built, build
from scenarios.build.own_code import code_digest, search_places, search_there
from scenarios.schema.load import find_scenario, read_tables, source_of
from scenarios.schema.toml_text import toml_text

__all__ = ["Variant", "built_once"]

MOST_KEPT = 256
_PROCESS = uuid.uuid4().hex
"""Tells this process from those that it sends variants to."""
_kept: dict[Variant, tuple[str, Built]] = {}
"""Built forms of this process with the hash of the user's code in them, the one that was asked for last at the end."""


@dataclass(frozen=True, eq=False)
class Variant:
    """A scenario as tables. Variants travel to other processes as text; each process builds a text once.

    Attributes:
        path: the scenario's file, for messages, relative paths and modules beside it.
        tables: the scenario, not yet checked; not to be changed.

    Example:
        >>> Variant.read("first_market", ["seed=7"]).built.scenario.seed
        7
    """

    path: Path
    tables: dict[str, Any]

    @classmethod
    def read(cls, scenario: str | Path, overrides: Sequence[str] = ()) -> Variant:
        """Return a scenario file or library name after overrides like `population.noise.count=50`.

        Raises:
            InputError: if there is no such file, it is no TOML, or an override names no place in it.
        """
        path = find_scenario(str(scenario))
        return cls(path, read_tables(path, overrides))

    @staticmethod
    def of_text(path: Path, text: str) -> Variant:
        """Return the variant of a text in TOML, the same one whenever this process asks for it."""
        return _of_text(path, text)

    @cached_property
    def text(self) -> str:
        """The scenario as TOML."""
        return toml_text(self.tables)

    @property
    def built(self) -> Built:
        """The checked parts, built again only if the code or the files that the scenario names have changed.

        Raises:
            InputError: about the first thing that is wrong with the tables.
        """
        found = _kept.pop(self, None)
        if found is None or not found[1].is_current or found[0] != _own_code(found[1], self.path.parent):
            built = build(source_of(self.tables, self.path))
            found = (_own_code(built, self.path.parent), built)
        _kept[self] = found
        if len(_kept) > MOST_KEPT:
            del _kept[next(iter(_kept))]
        return found[1]

    def __reduce__(self) -> Any:
        """Pickle the text: tables may hold what a user's function put there, and a process keeps what it built."""
        # A relative path means another file to a worker that lives on from a study in another working directory.
        return _sent_text, (self.path.absolute(), self.text, _PROCESS, search_places())


def _sent_text(path: Path, text: str, process: str, places: tuple[str, ...]) -> Variant:
    """Return the variant of a text that another process may have sent, whose modules are looked for where it looks."""
    if process != _PROCESS:
        search_there(places)
    return _of_text(path, text)


@lru_cache(maxsize=MOST_KEPT)
def _of_text(path: Path, text: str) -> Variant:
    variant = Variant(path, tomllib.loads(text))
    vars(variant)["text"] = text  # as it was given: the property has nothing to make
    return variant


def _own_code(built: Built, folder: Path) -> str:
    kinds = [row.kind for row in (*built.scenario.population, *built.scenario.trader)]
    return code_digest({kind.partition(":")[0] for kind in kinds if ":" in kind}, folder)


def built_once(text: str, path: str) -> Built:
    """Return the checked parts of a scenario that is given as text; deprecated."""
    warnings.warn(
        "scenarios.build.built_once(text, path) is now Variant.of_text(Path(path), text).built; the old name goes in "
        "0.3",
        DeprecationWarning,
        stacklevel=2,
    )
    return _of_text(Path(path), text).built
