"""`outcry train rl`: a learning agent in a scenario."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from lob.errors import InputError
from scenarios.cli._options import OverridesOption, OverwriteOption, ResumeOption, seed_list, side_table
from scenarios.cli._tables import CsvOption, JsonOption, console_beside, told_to_programs

__all__ = ["command"]


def command(
    task: Annotated[str, typer.Option(help="execution, market_making, directional, or my_module:TASK.")] = "execution",
    scenario: Annotated[str, typer.Option(help="A scenario file, or a name from `outcry scenarios`.")] = "rmsc",
    algo: Annotated[str, typer.Option(help="ppo or dqn (stable-baselines3), or ppo-single-file.")] = "ppo",
    steps: Annotated[int, typer.Option(min=1, help="Decisions to learn from.")] = 500_000,
    envs: Annotated[int, typer.Option(min=1, help="Markets side by side.")] = 64,
    seed: Annotated[str, typer.Option(help="Of the training; several, as in 1..5, train one policy each.")] = "1",
    agent: Annotated[
        list[str] | None, typer.Option("--agent", metavar="A=B", help="A setting of the learning agent.")
    ] = None,
    latency: Annotated[
        list[str] | None,
        typer.Option("--latency", metavar="A=B", help="Of the agent's messages, as kind=constant and delay_us=50."),
    ] = None,
    reward: Annotated[
        str | None, typer.Option(help="Name of the reward, or my_module:FUNCTION. Default: the task's.")
    ] = None,
    reward_set: Annotated[
        list[str] | None, typer.Option("--reward-set", metavar="A=B", help="A number in the reward.")
    ] = None,
    features: Annotated[str | None, typer.Option(help="Names with commas between. Default: the task's.")] = None,
    algo_settings: Annotated[
        list[str] | None, typer.Option("--algo-set", metavar="A=B", help="A setting of the algorithm.")
    ] = None,
    evaluations: Annotated[int, typer.Option(min=1, help="How often to evaluate on untouched seeds.")] = 10,
    evaluation_seeds: Annotated[int, typer.Option(min=2, help="Episodes of each evaluation.")] = 64,
    overrides: OverridesOption = None,
    executor: Annotated[
        str | None,
        typer.Option(help="process, ray or serial: whole episodes in other processes (ppo-single-file only)."),
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes for --executor.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder. Default: runs/TASK-SCENARIO-ALGO.")] = None,
    resume: ResumeOption = False,
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
) -> None:
    """Train an agent to execute, to make a market or to trade, inside any scenario.

    Leaves policy.safetensors (put it into a scenario as `weights`), training.json, learning_curve.png and a checkpoint.

    Examples:
        outcry train rl --task execution --scenario rmsc --steps 200000
        outcry train rl --task market_making --scenario rmsc --algo dqn --seed 1..3 --out runs/makers
    """
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    from scenarios.schema.load import find_scenario
    from scenarios.schema.pairs import pairs
    from scenarios.training.rl import RlTraining, train_rl

    console = console_beside(as_json, as_csv)
    seeds = seed_list(seed, "--seed")
    base = out if out is not None else Path("runs") / f"{task.replace(':', '-')}-{find_scenario(scenario).stem}-{algo}"
    rows: list[list[str]] = []
    table: list[dict[str, Any]] = []
    for one in seeds:
        training = RlTraining(
            scenario, task, algo, pairs(agent or [], "agent"), tuple(overrides or ()), reward,
            pairs(reward_set or [], "reward_set"), tuple(features.split(",")) if features else None, steps, envs,
            one, evaluations, evaluation_seeds, pairs(algo_settings or [], "algo_settings"),
            executor, workers, pairs(latency or [], "latency"),
        )  # fmt: skip
        folder = base if len(seeds) == 1 else base / f"seed-{one}"
        columns = (TextColumn("{task.completed:.0f} of {task.total:.0f} decisions {task.description}"), BarColumn(),
                   TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn())  # fmt: skip
        with Progress(*columns, console=console, transient=True) as bar:
            shown = bar.add_task("", total=steps)

            def show(done: int, line: str, shown: Any = shown, bar: Progress = bar) -> None:
                bar.update(shown, completed=done, description=line or None)

            try:
                found = train_rl(training, folder, resume=resume, overwrite=overwrite, on_progress=show)
            except ImportError as error:
                raise InputError(f'train rl: {error.name} is missing; install the extra "rl" (README)') from None
        best = max(found["evaluations"], key=lambda row: row["mean"])
        table.append({"seed": one, **best, "seconds": found["seconds"]})
        rows.append([f"seed {one}", f"{best['mean']:.4g}", f"({best['low']:.4g}, {best['high']:.4g})",
                     f"{best['steps']:,.0f}", f"{found['seconds']:.0f} s"])  # fmt: skip
    document = {"best": table, "baselines": found["baselines"], "folder": base}
    if told_to_programs(as_json, as_csv, document, table):
        return
    rows += [[name, f"{value:.4g}", "", "", ""] for name, value in found["baselines"].items()]
    header = ["Return on untouched seeds", "Mean", "", "Decisions", "Time"]
    console.print(side_table(header, rows))
    console.print(f"Folder: {base}", soft_wrap=True)
