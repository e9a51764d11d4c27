"""`outcry train flow`: a learned order-flow generator from recorded days."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lob.errors import InputError
from scenarios.cli._options import (
    LotOption,
    MappingOption,
    ResumeOption,
    SymbolOption,
    TickOption,
    ZoneOption,
    read_options,
    side_table,
)
from scenarios.cli._tables import CsvOption, JsonOption, console_beside, told_to_programs

__all__ = ["command"]


def command(
    data: Annotated[list[Path], typer.Option(help="What `outcry realism` reads; once for each stock.")],
    name: Annotated[list[str] | None, typer.Option(help="Name of each stock. Default: from the files.")] = None,
    config: Annotated[Path | None, typer.Option(help="TOML file of settings; see agents/flow/training.py.")] = None,
    changes: Annotated[
        list[str] | None, typer.Option("--set", metavar="A=B", help="A setting of the training.")
    ] = None,
    train_until: Annotated[str, typer.Option(help="Time of day at which training data ends.")] = "14:00",
    validate_until: Annotated[str, typer.Option(help="Time of day at which validation data ends.")] = "15:00",
    out: Annotated[Path, typer.Option(help="Folder.")] = Path("runs/flow"),
    levels: Annotated[int, typer.Option(min=2, help="Levels of a simulated tape's book to learn from.")] = 10,
    tick_size: TickOption = None,
    lot_size: LotOption = None,
    symbol: SymbolOption = None,
    mapping: MappingOption = None,
    zone: ZoneOption = None,
    rounds: Annotated[int, typer.Option(min=0, help="Rounds of closed-loop matching after training.")] = 24,
    resume: ResumeOption = False,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
) -> None:
    """Train a learned order flow: minutes to an hour on a laptop. What comes after --validate-until is never looked at.

    Leaves flow.safetensors (in a scenario: kind = "learned_flow", flow = "path"), training.json, training.png and a
    checkpoint from which --resume goes on.

    Examples:
        outcry train flow --data runs/first_market --train-until 09:50 --validate-until 10:00
        outcry train flow --data runs/first_market --data runs/mine --train-until 09:50 --validate-until 10:00
    """
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    try:
        from scenarios.training.flow import FlowData, read_config, train_flow

        settings = read_config(config, changes or [])
    except ImportError as error:
        raise InputError(f'train flow: {error.name} is missing; install the extra "learn" (README)') from None
    console = console_beside(as_json, as_csv)
    names = list(name or [path.stem.replace("LOBSTER_SampleFile_", "").split("_")[0] for path in data])
    if len(names) != len(data) or len(set(names)) != len(names):
        raise InputError(f"--name {', '.join(names)}: allowed: as many different names as --data")
    reading = read_options(tick_size, lot_size, symbol, mapping, zone)
    columns = (TextColumn("{task.completed:.0f} of {task.total:.0f} s"), BarColumn(), TimeElapsedColumn(),
               TextColumn("nats an order {task.fields[nats]}"))  # fmt: skip
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=settings.seconds, nats="")

        def tell(row: dict[str, float]) -> None:
            bar.update(task, completed=row["seconds"], nats=f"{row['total']:.3f}")
            if not console.is_terminal:  # a bar leaves nothing in a file
                console.print(f"{row['seconds']:.0f} of {settings.seconds:.0f} s, step {row['step']:.0f}: "
                              f"{row['total']:.3f} nats an order on held-out time", soft_wrap=True)  # fmt: skip

        path, trained = train_flow(
            FlowData(data, names, train_until, validate_until, levels, reading), settings, out, rounds=rounds,
            resume=resume,
            on_progress=tell,
            on_round=lambda number, stock, distance: console.print(
                f"Closed loop of {stock}, round {number + 1} of {rounds}: off by {distance:.3f}"
            ),
        )  # fmt: skip
    document = {"history": trained.history, "best": trained.best, "weights": path, "folder": out}
    if told_to_programs(as_json, as_csv, document, trained.history):
        return
    rows = [
        [f"{row['seconds']:.0f}", f"{row['step']:.0f}", f"{row['training']:.3f}", f"{row['total']:.3f}"]
        for row in trained.history[:: max(len(trained.history) // 12, 1)]
    ]
    console.print(side_table(["Seconds", "Step", "Training", "Validation"], rows))
    console.print(f"Best: {trained.best:.3f} nats an order on held-out time")
    console.print(f"Weights: {path}", soft_wrap=True)
    console.print(f"Picture: {out / 'training.png'}", soft_wrap=True)
