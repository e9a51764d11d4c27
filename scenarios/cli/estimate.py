"""`outcry estimate`: what an order will cost, from the results of an experiment."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from lob.errors import InputError
from scenarios.cli._options import ConfidenceOption, interval_text, numbers, side_table
from scenarios.cli._tables import CsvOption, JsonOption, console_beside, told_to_programs

__all__ = ["command"]


def command(
    result: Annotated[Path, typer.Argument(metavar="RESULT", help="Folder of `outcry impact` or `outcry compare`.")],
    quantity: Annotated[str, typer.Option(help="Lots, one or several, as in 500,1000.")],
    confidence: ConfidenceOption = 0.95,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
) -> None:
    """Estimate before the trade what an order costs: mean with interval, its parts, and the risk of one execution.

    Nothing is run. Between the quantities of the experiment costs are interpolated; beyond them, up to four times, the
    square-root law of impact is assumed.

    Examples:
        outcry estimate runs/first_market-impact --quantity 500
        outcry estimate runs/first_market-impact --quantity 300,600 --json
    """
    from scenarios.experiments.bootstrap import check_confidence
    from scenarios.experiments.comparison_result import ComparisonResult
    from scenarios.experiments.pretrade import estimate_costs
    from scenarios.experiments.result import ImpactResult

    check_confidence(confidence)
    lots = numbers(quantity, "--quantity")
    if any(q != int(q) or q < 1 for q in lots):
        raise InputError(f"--quantity {quantity}: allowed: whole numbers of lots, at least 1")
    console = console_beside(as_json, as_csv)
    kind = _kind(result)
    experiment: Any = ComparisonResult.load(result) if kind == "compare" else ImpactResult.load(result)
    found = estimate_costs(experiment, [int(q) for q in lots], confidence=confidence)
    rows = [
        {
            "algorithm": one.algorithm, "quantity_lots": one.quantity_lots, "participation": one.participation,
            "cost_bps": one.cost.value, "cost_low_bps": one.cost.low, "cost_high_bps": one.cost.high,
            "spread_bps": one.spread_bps, "impact_bps": one.impact_bps, "opportunity_bps": one.opportunity_bps,
            "risk_bps": one.risk_bps, "worlds_05_bps": one.low_bps, "worlds_95_bps": one.high_bps, "basis": one.basis,
            "worlds": one.n_worlds,
        }
        for one in found
    ]  # fmt: skip
    if told_to_programs(as_json, as_csv, {"estimates": rows, "confidence": confidence, "folder": result}, rows):
        return
    for one in found:
        cost = f"{one.cost.value:.3g} bp {interval_text(one.cost.low, one.cost.high)}".strip()
        console.print(
            f"{one.quantity_lots:,} lots by {one.algorithm} ({one.participation:.1%} of the volume) will cost {cost}; "
            f"one execution, the market's own move included, {one.low_bps:.3g} to {one.high_bps:.3g} bp in 9 of 10 "
            "worlds.", style="bold", soft_wrap=True,
        )  # fmt: skip
    head = ["Order", "Cost [bp]", "", "Spread", "Impact", "Missed", "Risk (sd)", "Basis", "Worlds"]
    lines = [
        [f"{one.algorithm}, {one.quantity_lots:,} lots", f"{one.cost.value:.3g}",
         interval_text(one.cost.low, one.cost.high), f"{one.spread_bps:.3g}", f"{one.impact_bps:.3g}",
         f"{one.opportunity_bps:.3g}", f"{one.risk_bps:.3g}", one.basis, str(one.n_worlds)]
        for one in found
    ]  # fmt: skip
    console.print(side_table(head, lines))
    console.print("Cost: what the order itself causes; intervals of its mean over worlds (BCa bootstrap)")


def _kind(folder: Path) -> str:
    """Return what kind of study a folder holds."""
    from scenarios.many_runs.result_set import read_manifest

    manifest = read_manifest(folder)
    kind = str(manifest["identity"].get("kind")) if manifest is not None else "no study"
    if kind not in ("impact", "compare"):
        raise InputError(f"{folder}: holds {kind}; allowed: a folder of `outcry impact` or `outcry compare`")
    return kind
