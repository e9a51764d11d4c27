"""`outcry train llm`: train the small language model that answers investors offline."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scenarios.cli._tables import CsvOption, JsonOption, console_beside, told_to_programs

__all__ = ["command"]


def command(
    context: typer.Context,
    out: Annotated[Path, typer.Option(help="Folder for weights, tokenizer and card.")] = Path("llm-model"),
    steps: Annotated[int, typer.Option(min=1, help="Batches.")] = 3000,
    batch: Annotated[int, typer.Option(min=1, help="Examples in a batch.")] = 24,
    seed: Annotated[int, typer.Option(min=0, help="Of weights and examples.")] = 1,
    check: Annotated[int, typer.Option(min=1, help="Unseen examples to compare with the rules.")] = 3000,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
) -> None:
    """Train a small transformer on what the personas' rules decide, from text to decision; one thread, some minutes.

    Leaves a folder for `backend = { kind = "local", weights = "FOLDER" }`, with a card that says what it is.

    Examples:
        outcry train llm --out my-model
        outcry train llm --steps 6000 --seed 2 --out larger
    """
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from lob.errors import InputError
    from sim.files.claim import claimed, has_json

    if out.exists() and not out.is_dir():
        raise InputError(f"--out {out}: is a file; allowed: a folder, which may be new")
    try:
        from agents.llm.model.card import card_text
        from agents.llm.model.evaluate import compare
        from agents.llm.model.files import save_model
        from agents.llm.model.train import TrainSettings, train
    except ImportError as error:
        raise InputError(f'train llm: {error.name} is missing; pip install "outcry-sim[llm]"') from None

    console = console_beside(as_json, as_csv, wide=False)
    context.with_resource(claimed(out, "small model", lambda place: has_json(place / "config.json", "prompt_version")))
    settings = TrainSettings(steps=steps, batch=batch, seed=seed)
    columns = (TextColumn("{task.completed} of {task.total} steps"), BarColumn(),
               TextColumn("loss {task.fields[loss]}"), TimeElapsedColumn())  # fmt: skip
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=steps, loss="")
        trained = train(settings, lambda step, loss: bar.update(task, completed=step, loss=f"{loss:.3f}"))
    with console.status("comparing with the rules"):
        found = compare(trained.model, trained.tokenizer, check, seed=seed + 10_000)
    card = card_text(settings, trained, found)
    save_model(out, trained.model, trained.tokenizer, card)
    styles = [{"style": style, "agreement": row.agreement} for style, row in found.by_style.items()]
    document = {"losses": [trained.losses[0], trained.losses[-1]], "seconds": trained.seconds, "styles": styles}
    if told_to_programs(as_json, as_csv, {**document, "folder": out}, styles):
        return
    console.print(
        f"Loss {trained.losses[0]:.3f} to {trained.losses[-1]:.3f} per reply token in {trained.seconds:.0f} s"
    )
    for style, row in found.by_style.items():
        console.print(f"{style:<11} {row.agreement:6.1%} the rule's very decision")
    console.print(f"Model: {out}", soft_wrap=True)
