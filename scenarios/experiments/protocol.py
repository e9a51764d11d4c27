"""What an impact experiment may be told beyond treatment and arms: its times, its seeds, the statistics asked for."""

from __future__ import annotations

from dataclasses import dataclass

from lob.errors import InputError
from scenarios.experiments.bootstrap import check_confidence
from scenarios.experiments.sequential import StoppingRule

__all__ = ["ImpactProtocol"]


@dataclass(frozen=True)
class ImpactProtocol:
    """When an experiment on impact looks, which worlds its pairs are, and what is estimated; each part has a default.

    Attributes:
        start: time of day "HH:MM:SS" at which the treatment begins; default: the Metaorder's, else the open: a change
            of the scenario works from there on.
        horizon_s: length of the treatment in seconds; default: the Metaorder's, else half of what is left.
        after_s: seconds that are watched after it; default: as long as the treatment.
        branch: time of day up to which all pairs share the one history of `history_seed`; after it each pair has a
            future of its own. Default: each pair is a world of its own from the open.
        history_seed: default: the scenario's seed.
        first_seed: pair k has seed first_seed + k; default: the scenario's seed.
        shared_stream: for contrast, draw all random numbers from one stream; see sim.Market.
        confidence: of all intervals.
        stop: end before all pairs are run when the interval of an estimate is narrow enough.
        n_structure: of the first so many control runs the statistics of order flow are taken.

    Raises:
        InputError: if a value cannot be meant whatever the scenario.
    """

    start: str | None = None
    horizon_s: float | None = None
    after_s: float | None = None
    branch: str | None = None
    history_seed: int | None = None
    first_seed: int | None = None
    shared_stream: bool = False
    confidence: float = 0.95
    stop: StoppingRule | None = None
    n_structure: int = 20

    def __post_init__(self) -> None:
        """Check what can be checked without the scenario."""
        check_confidence(self.confidence)
        if self.history_seed is not None and not 0 <= self.history_seed < 2**63:
            raise InputError(f"history_seed = {self.history_seed}; allowed: whole numbers from 0 to 2^63 - 1")
        if self.history_seed is not None and self.branch is None:
            raise InputError("history_seed: only with branch, the time at which the pairs leave the shared history")
