"""What a result is shown as: `plot` draws it, `report` writes its page, `save` leaves its tables and pictures.

Results are plain data and know nothing of pictures and pages; each kind of result is registered here.
"""

from __future__ import annotations

from functools import singledispatch
from pathlib import Path
from typing import Any

from scenarios.experiments.attribution_result import Attribution
from scenarios.experiments.comparison_result import ComparisonResult
from scenarios.experiments.result import ImpactResult
from scenarios.experiments.sweep_result import SweepResult
from sim.files.atomic import write_atomically, write_parquet

__all__ = ["plot", "report", "save"]


def plot(result: ImpactResult | SweepResult | Attribution | ComparisonResult, path: Path | str | None = None) -> bytes:
    """Return the picture of a result as PNG; with a path, also write it there.

    Raises:
        TypeError: if it is no result of an experiment.
    """
    picture = _picture(result)
    if path is not None:
        write_atomically(Path(path), picture)
    return picture


def report(result: ImpactResult | SweepResult | Attribution | ComparisonResult, path: Path | str) -> Path:
    """Write the report of a result as one self-contained HTML file and return its path.

    Raises:
        TypeError: if it is no result of an experiment.
    """
    write_atomically(Path(path), _page(result).encode())
    return Path(path)


def save(result: ImpactResult | SweepResult | Attribution | ComparisonResult, folder: Path | str) -> None:
    """Write a result's tables, picture and report into a folder that is there.

    All leave report.html. An ImpactResult also leaves estimates.parquet, paths.parquet, structure.parquet and
    impact.png; a SweepResult runs.parquet, table.parquet and sweep.png; an Attribution attribution.parquet and
    attribution.png; a ComparisonResult runs.parquet, table.parquet and compare.png.

    Raises:
        TypeError: if it is no result of an experiment.
    """
    _save(result, Path(folder))


# ---- kinds of results -------------------------------------------------------------------------------------------
# Pictures are imported late: who only wants numbers does not wait for matplotlib.

_KINDS = "ImpactResult, SweepResult, Attribution, ComparisonResult"


@singledispatch
def _picture(result: Any) -> bytes:
    raise TypeError(f"a {type(result).__name__} has no picture; allowed: {_KINDS}")


@singledispatch
def _page(result: Any) -> str:
    raise TypeError(f"a {type(result).__name__} has no report; allowed: {_KINDS}")


@singledispatch
def _save(result: Any, folder: Path) -> None:
    raise TypeError(f"a {type(result).__name__} cannot be saved; allowed: {_KINDS}")


@_picture.register
def _(result: ImpactResult) -> bytes:
    from scenarios.experiments.plot_impact import draw_impact

    return draw_impact(result)


@_page.register
def _(result: ImpactResult) -> str:
    from scenarios.experiments.report_impact import impact_page

    return impact_page(result)


@_save.register
def _(result: ImpactResult, folder: Path) -> None:
    for name in ("estimates", "paths", "structure"):
        write_parquet(folder / f"{name}.parquet", getattr(result, name))
    plot(result, folder / "impact.png")
    report(result, folder / "report.html")


@_picture.register
def _(result: SweepResult) -> bytes:
    from scenarios.experiments.plot_sweep import draw_sweep

    return draw_sweep(result)


@_page.register
def _(result: SweepResult) -> str:
    from scenarios.experiments.report_sweep import sweep_page

    return sweep_page(result)


@_save.register
def _(result: SweepResult, folder: Path) -> None:
    for name in ("runs", "table"):
        write_parquet(folder / f"{name}.parquet", getattr(result, name))
    plot(result, folder / "sweep.png")
    report(result, folder / "report.html")


@_picture.register
def _(result: Attribution) -> bytes:
    from scenarios.experiments.plot_attribution import draw_attribution

    return draw_attribution(result)


@_page.register
def _(result: Attribution) -> str:
    from scenarios.experiments.report_attribution import attribution_page

    return attribution_page(result)


@_save.register
def _(result: Attribution, folder: Path) -> None:
    write_parquet(folder / "attribution.parquet", result.table)
    plot(result, folder / "attribution.png")
    report(result, folder / "report.html")


@_picture.register
def _(result: ComparisonResult) -> bytes:
    from scenarios.experiments.plot_comparison import draw_comparison

    return draw_comparison(result)


@_page.register
def _(result: ComparisonResult) -> str:
    from scenarios.experiments.report_comparison import comparison_page

    return comparison_page(result)


@_save.register
def _(result: ComparisonResult, folder: Path) -> None:
    for name in ("runs", "table"):
        write_parquet(folder / f"{name}.parquet", getattr(result, name))
    plot(result, folder / "compare.png")
    report(result, folder / "report.html")
