"""`outcry realism`: how real a simulated order flow looks beside recorded data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scenarios.cli._options import (
    LotOption,
    MappingOption,
    SymbolOption,
    TickOption,
    ZoneOption,
    read_options,
    side_table,
)
from scenarios.cli._tables import CsvOption, JsonOption, console_beside, told_to_programs

__all__ = ["command"]


def command(
    context: typer.Context,
    simulated: Annotated[
        Path, typer.Argument(help="A run folder, generated days, a tape's folder, or a recording (docs/recordings.md).")
    ],
    against: Annotated[Path, typer.Option(help="The same of real data.")],
    orderbook: Annotated[
        Path | None, typer.Option(help="LOBSTER orderbook file of the first, if not in a zip.")
    ] = None,
    against_orderbook: Annotated[Path | None, typer.Option(help="And of the second.")] = None,
    window: Annotated[str | None, typer.Option(metavar="HH:MM-HH:MM", help="Part of the first to use.")] = None,
    against_window: Annotated[str | None, typer.Option(metavar="HH:MM-HH:MM", help="Part of the second.")] = None,
    floor_window: Annotated[
        str | None,
        typer.Option(metavar="HH:MM-HH:MM", help="Part of the second whose distance to it is the noise floor. "
                     "Default: half against half."),
    ] = None,
    tick_size: TickOption = None,
    lot_size: LotOption = None,
    symbol: SymbolOption = None,
    mapping: MappingOption = None,
    zone: ZoneOption = None,
    models: Annotated[
        bool, typer.Option(help="Also train the discriminator and the predictor (extras realism and learn).")
    ] = True,
    out: Annotated[Path | None, typer.Option(help="Folder. Default: runs/NAME-realism.")] = None,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
) -> None:  # fmt: skip
    """Score order flow: every distribution, impact curve and stylised fact beside the noise floor of the real data.

    Leaves realism.json, distances.parquet, facts.parquet, and realism.html, one self-contained page with pictures.

    Examples:
        outcry realism runs/first_market --against runs/mine --no-models
        outcry realism runs/mine --against runs/first_market --no-models --out realism
    """
    from scenarios.data.flows import part_of, read_flows
    from scenarios.realism import scorecard
    from scenarios.realism.folder import is_scorecard, save_scorecard
    from scenarios.realism.inputs import check_comparable, check_extras
    from scenarios.realism.page import answer_of_scorecard, model_sentences
    from sim.files.claim import claimed

    if models:
        check_extras()
    console = console_beside(as_json, as_csv)
    with console.status("reading") as status:
        reading = read_options(tick_size, lot_size, symbol, mapping, zone)
        real = read_flows(against, against_orderbook, "--against", reading=reading)
        levels = real.flow.book.shape[1] if real.flow.book is not None else 10
        mine = read_flows(simulated, orderbook, "SIMULATED", levels, reading=reading)
        check_comparable(mine, real)
        target = real.part(against_window, "--against-window") if against_window else real
        other = part_of(real.flow, floor_window, "--floor-window") if floor_window else None
        judged = mine.part(window, "--window") if window else mine
        folder = out if out is not None else Path("runs") / f"{simulated.resolve().stem}-realism"
        context.with_resource(claimed(folder, "scorecard", is_scorecard))
        card = scorecard(judged.flows, target.flow, other, models=models, on_step=status.update)
        status.update("drawing")
        save_scorecard(
            folder, card, {"simulated": (simulated, judged.name), "against": (against, target.name)},
            {"simulated": window, "against": against_window, "floor": floor_window},
        )  # fmt: skip
    told = answer_of_scorecard(card, judged.name, target.name)
    document = {
        "answer": told, "distances": card.distances, "facts": card.facts, "mean_l1": card.mean_l1,
        "mean_l1_over_floor": card.mean_l1_over_floor, "verdicts": card.verdicts(), "models": model_sentences(card),
        "notes": dict.fromkeys((*mine.notes, *real.notes)).keys(), "folder": folder,
    }  # fmt: skip
    if told_to_programs(as_json, as_csv, document, card.distances):
        return
    console.print(told, style="bold", soft_wrap=True)
    rows = [
        [r["name"], f"{r['l1']:.3f}", f"{r['floor']:.3f}", f"{r['ratio']:.2f}", r["verdict"]]
        for r in card.distances.rows(named=True)
    ]
    console.print(side_table(["Distribution", "Distance", "Floor", "Distance/floor", "Verdict"], rows))
    rows = [
        [r["name"], f"{r['simulated']:.4g}", f"{r['real']:.4g}", f"{r['floor']:.3g}", f"{r['ratio']:.2f}", r["verdict"]]
        for r in card.facts.rows(named=True)
    ]
    console.print(side_table(["Stylised fact", "Simulated", "Real", "Floor", "Gap/floor", "Verdict"], rows))
    for text in model_sentences(card):
        console.print(text)
    for note in dict.fromkeys((*mine.notes, *real.notes)):
        console.print(note, soft_wrap=True)
    console.print(f"Page: {folder / 'realism.html'}", soft_wrap=True)
