"""Fitting a scenario's parameters to the moments of recorded order flow."""

from typing import TYPE_CHECKING

from lob.lazy import lazy_names

if TYPE_CHECKING:
    from scenarios.calibration.fitting import Fit, Problem, calibrate, problem_of, scales
    from scenarios.calibration.plot_moments import draw_moments

__all__ = ["Fit", "Problem", "calibrate", "draw_moments", "problem_of", "scales"]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "fitting": "Fit Problem calibrate problem_of scales",
        "plot_moments": "draw_moments",
    },
)
