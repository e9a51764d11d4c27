"""How real a simulated order flow looks: every score beside the noise floor of the real data."""

from scenarios.realism.reference import Reference
from scenarios.realism.scorecard import Scorecard, scorecard

__all__ = ["Reference", "Scorecard", "scorecard"]
