"""`outcry orders`: how likely, how soon and for what orders are filled, in a run or a recording."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scenarios.cli._options import (
    ConfidenceOption,
    LotOption,
    MappingOption,
    SymbolOption,
    TickOption,
    ZoneOption,
    numbers,
    read_options,
    side_table,
)
from scenarios.cli._tables import CsvOption, JsonOption, console_beside, told_to_programs

__all__ = ["command"]


def command(
    context: typer.Context,
    place: Annotated[Path, typer.Argument(metavar="FILE|RUN", help="A run folder, generated days, or a recording.")],
    within: Annotated[str, typer.Option(help="Times since submission in seconds.")] = "1,10,60",
    window: Annotated[
        str | None, typer.Option(metavar="HH:MM-HH:MM", help="Part of every day to look at. Default: all of it.")
    ] = None,
    confidence: ConfidenceOption = 0.95,
    tick_size: TickOption = None,
    lot_size: LotOption = None,
    symbol: SymbolOption = None,
    mapping: MappingOption = None,
    zone: ZoneOption = None,
    out: Annotated[Path | None, typer.Option(help="Folder for report.html, the picture and the tables.")] = None,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
) -> None:  # fmt: skip
    """Show what happens to orders: fills by distance, place in the queue and population, and markouts.

    Probabilities are for an order that is left in the book, and as it went. With --out FOLDER also a page.

    Examples:
        outcry orders runs/first_market
        outcry orders runs/first_market --within 0.5,5 --out orders
    """
    from rich.console import Console

    from lob.errors import Argument
    from scenarios.orders.analytics import analyse_orders
    from scenarios.orders.folder import is_orders, save_orders
    from scenarios.orders.source import read_orders
    from scenarios.orders.table import fill_tables, markout_table
    from sim.files.claim import claimed

    times = numbers(within, "--within")
    if out is not None:
        context.with_resource(claimed(out, "analysis of orders", is_orders))
    console = console_beside(as_json, as_csv)
    with Console(stderr=True).status(f"reading {place.name}") as status:
        reading = read_options(tick_size, lot_size, symbol, mapping, zone)
        source = read_orders(place, Argument("place"), reading, window)
        status.update(f"following the orders of {place.name}")
        found = analyse_orders(source, times, confidence=confidence)
        if out is not None:
            status.update("drawing")
            save_orders(out, found)
    if told_to_programs(as_json, as_csv, found.record(), found.fills):
        return
    console.print(found.answer, style="bold", soft_wrap=True)
    for _, head, rows in fill_tables(found):
        console.print()
        console.print(side_table(head, rows))
    if len(found.markouts):
        console.print()
        console.print(side_table(*markout_table(found)))
    for note in found.notes:
        console.print(note, soft_wrap=True)
    console.print(f"{found.n_orders:,} orders, {found.n_fills:,} fills; intervals in brackets (jackknife over time)")
    if out is not None:
        console.print(f"Report: {out / 'report.html'}", soft_wrap=True)
        console.print(f"Picture: {out / 'orders.png'}", soft_wrap=True)
    else:
        console.print("With --out FOLDER also a page with the picture.")
