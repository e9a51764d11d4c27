"""`outcry facts`: the stylised facts of recordings and runs, one column each."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scenarios.cli._options import (
    LotOption,
    MappingOption,
    SymbolOption,
    TickOption,
    ZoneOption,
    read_options,
    side_table,
    wide_console,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scenarios.facts import MarketFacts

__all__ = ["command"]


def command(
    context: typer.Context,
    places: Annotated[
        list[Path], typer.Argument(metavar="FILE|RUN", help="Recordings (docs/recordings.md), run folders, days.")
    ],
    window: Annotated[
        str | None, typer.Option(metavar="HH:MM-HH:MM", help="Part of every day to look at. Default: all of it.")
    ] = None,
    tick_size: TickOption = None,
    lot_size: LotOption = None,
    symbol: SymbolOption = None,
    mapping: MappingOption = None,
    zone: ZoneOption = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for facts.html, facts.json, facts.csv and the pictures.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, curves included, instead of the table.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, a row for each fact and source.")] = False,
) -> None:  # fmt: skip
    """Show the stylised facts of order flow, real or simulated: returns, memory, book, orders, impact.

    Several places stand side by side. Days of one place are put together.

    Examples:
        outcry facts runs/first_market
        outcry facts runs/first_market runs/mine --out facts
    """
    import json

    from rich.console import Console

    from lob.errors import Argument, InputError
    from scenarios.data.flows import read_flows
    from scenarios.facts.folder import facts_record, is_facts, save_facts
    from scenarios.facts.market_facts import facts_of
    from scenarios.facts.panels import MOST_SOURCES
    from scenarios.facts.table import facts_frame
    from sim.files.claim import claimed

    if as_json and as_csv:
        raise InputError(Argument("as_json", True), " and ", Argument("as_csv", True), ": allowed: one of them")
    if len(places) > MOST_SOURCES:
        raise InputError(f"{len(places)} places; allowed: at most {MOST_SOURCES}, since each has a colour")
    if out is not None:
        context.with_resource(claimed(out, "facts page", is_facts))
    sources: list[MarketFacts] = []
    errors = Console(stderr=True, highlight=False, markup=False)
    reading = read_options(tick_size, lot_size, symbol, mapping, zone)
    with errors.status("reading") as status:
        for place in places:
            status.update(f"reading {place.name}")
            read = read_flows(place, None, Argument("places"), reading=reading)
            if window is not None:
                read = read.part(window, "--window")
            status.update(f"measuring {place.name}")
            sources.append(facts_of(read, _free_name(read.name, [source.name for source in sources])))
            del read  # a day with its book is large
        if out is not None:
            status.update("drawing")
            save_facts(out, sources)
    if as_json:
        print(json.dumps(facts_record(sources), indent=1, allow_nan=False))
    elif as_csv:
        print(facts_frame(sources).write_csv(), end="")
    else:
        _print_table(sources)
    told = wide_console() if not (as_json or as_csv) else errors
    if out is not None:
        told.print(f"Page: {out / 'facts.html'}", soft_wrap=True)
    elif not (as_json or as_csv):
        told.print("With --out FOLDER also a page with pictures, JSON and CSV.")


def _free_name(name: str, taken: Sequence[str]) -> str:
    """Return a name that no other column has."""
    free, k = name, 2
    while free in taken:
        free, k = f"{name} ({k})", k + 1
    return free


def _print_table(sources: Sequence[MarketFacts]) -> None:
    from scenarios.facts.market_facts import FACTS
    from scenarios.facts.table import label, reasons, topic_rows

    console = wide_console()
    lines: list[list[str]] = []
    titles = []
    for title, rows in topic_rows(sources).items():
        titles.append(len(lines))
        lines.append([title, *([""] * len(sources))])
        lines += [[f"  {label(FACTS[name])}", *cells] for name, cells in rows]
    console.width = max(console.width, 60 + sum(max(24, len(source.name) + 2) for source in sources))
    console.print(side_table(["Fact", *[source.name for source in sources]], lines, grey=titles))
    for source in sources:
        for line in (*(f"{source.name}: {note}" for note in source.notes), *reasons(source)):
            console.print(line, soft_wrap=True)
