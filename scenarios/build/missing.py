"""What a machine lacks to run the same as another: files of a scenario, a user's modules, this version of Outcry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lob.errors import OutcryError
from scenarios.build.variant import Variant
from sim.versions import changed_versions, versions

__all__ = ["MissingHere"]


@dataclass(frozen=True)
class MissingHere:
    """Made on one machine and called on others: says what is not there or not the same.

    Attributes:
        expected: variants with their configuration hashes, one for each set of files.
        versions: of Outcry and what it stands on.
    """

    expected: tuple[tuple[Variant, str], ...]
    versions: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, variants: Sequence[Variant]) -> MissingHere:
        """Return the check that these variants run elsewhere as they do here.

        Variants of a study share their files most often, and building one reads them all, so of those that name the
        same files and modules only one is asked for.
        """
        chosen: dict[object, Variant] = {}
        for variant in dict.fromkeys(variants):
            built = variant.built
            modules = {row.kind for row in (*built.scenario.population, *built.scenario.trader) if ":" in row.kind}
            chosen.setdefault((built.stamps, frozenset(modules), variant.path), variant)
        expected = tuple((variant, variant.built.config_hash(0)) for variant in chosen.values())
        return cls(expected, tuple(versions().items()))

    def __call__(self) -> str | None:
        """Return in one line what this machine lacks; None if it lacks nothing."""
        other = changed_versions(dict(self.versions), "where the study began", "here")
        if other:
            return f"other versions: {other}"
        for variant, config_hash in self.expected:
            try:
                here = variant.built.config_hash(0)
            except OutcryError as error:
                return str(error)
            except Exception as error:
                return f"{variant.path}: {type(error).__name__}: {error}"
            if here != config_hash:
                return f"{variant.path}: its files or modules are not those of the study"
        return None
