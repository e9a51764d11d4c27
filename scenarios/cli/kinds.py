"""`outcry kinds`: everything a scenario and an experiment can name."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from scenarios.cli._tables import CsvOption, JsonOption, console_beside, told_to_programs

__all__ = ["command"]

_HEADINGS = {
    "population": 'Populations: compiled agents, [[population]] kind = "..."',
    "algorithm": "Execution algorithms: a metaorder's, as --algo or as a population",
    "trader": 'Python traders: [[trader]] kind = "..."',
    "event": 'Events: [[event]] kind = "..."',
    "outcome": "Outcomes: figures of a run, --outcomes of sweep and attribute",
}


def command(
    name: Annotated[str | None, typer.Argument(help="A kind or outcome, or your own as my_module:NAME.")] = None,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
) -> None:
    """Show what there is to put into a scenario; with a NAME its settings, and a text to paste.

    Examples:
        outcry kinds
        outcry kinds market_maker
    """
    from dataclasses import asdict

    from scenarios.build.described import describe, described
    from scenarios.experiments.outcomes import OUTCOMES

    console = console_beside(as_json, as_csv)
    outcomes = [
        {"name": one.column, "group": "outcome", "purpose": one.meaning, "unit": one.unit}
        for _, one in sorted(OUTCOMES.items())
    ]
    if name is None:
        rows: list[dict[str, Any]] = [
            {"name": one.name, "group": one.group, "purpose": one.purpose, "unit": ""} for one in described()
        ] + outcomes
        if not told_to_programs(as_json, as_csv, {"kinds": rows}, rows):
            _list(console, rows)
        return
    of_name = [row for row in outcomes if name in (row["name"], row["name"].removesuffix(f"_{row['unit']}"))]
    if of_name:
        row = of_name[0]
        if not told_to_programs(as_json, as_csv, row, of_name):
            console.print(f"{row['name']} (outcome): {row['purpose']}.", soft_wrap=True)
            console.print(f"\n    outcry sweep first_market --grid population.maker.count=1,2 --outcomes {row['name']}")
        return
    found = describe(name)
    settings = [{"group": one.group, **asdict(setting)} for one in found for setting in one.settings]
    if not told_to_programs(as_json, as_csv, {"kinds": [asdict(one) for one in found]}, settings):
        for one in found:
            _show(console, one)


def _list(console: Any, rows: list[dict[str, Any]]) -> None:
    import textwrap

    width = max(len(row["name"]) for row in rows) + 2
    room = max(40, console.width - width)
    for group, heading in _HEADINGS.items():
        console.print(f"\n{heading}", style="bold", soft_wrap=True)
        for row in (row for row in rows if row["group"] == group):
            lines = textwrap.wrap(row["purpose"], room) or [""]
            console.print(f"{row['name']:<{width}}{lines[0]}", soft_wrap=True)
            for line in lines[1:]:
                console.print(" " * width + line, soft_wrap=True)
    console.print("\n`outcry kinds NAME` shows settings, units, defaults and a text to paste.", soft_wrap=True)


def _show(console: Any, one: Any) -> None:
    from rich.table import Table

    console.print(f"{one.name} ({one.group})", style="bold")
    console.print(one.about)
    if one.settings:
        table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
        for heading in ("Setting", "Unit", "Default", "Allowed", "Meaning"):
            table.add_column(heading, overflow="fold", no_wrap=heading in ("Setting", "Unit"))
        for each in one.settings:
            default = each.default if len(each.default) <= 60 else f"{each.default[:56]} ..."
            table.add_row(each.name, each.unit, default, each.allowed, each.meaning)
        console.print()
        console.print(table)
    console.print("\nTo paste:\n")
    print(one.snippet)
