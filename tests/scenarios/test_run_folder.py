"""A run leaves a folder that says all about it, and never destroys another run by accident."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from lob.errors import InputError, RunError
from lob.types import EventKind
from scenarios.run.scenario import Watch, run_scenario
from scenarios.schema.load import load_scenario
from sim.files import atomic
from sim.hash import TapeHash, hash_tape
from sim.market import Market
from sim.writer import ParquetTape, read_tape
from tests.scenarios.texts import SMALL, built


def summary_of(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "summary.json").read_text())
    return found


def stop_after(n_looks: int) -> Callable[[], bool]:
    looks = iter(range(n_looks))
    return lambda: next(looks, None) is None


def test_a_run_leaves_tape_accounts_summary_scenario_and_picture(tmp_path: Path) -> None:
    run = tmp_path / "run"
    outcome = run_scenario(built(tmp_path), run)
    names = {"tape", "accounts.parquet", "summary.json", "scenario.toml", "market.png", "report.html"}
    assert {path.name for path in run.iterdir()} == names
    assert outcome.pictures == [run / "market.png"]
    page = (run / "report.html").read_text("utf-8")
    assert page.index('class="answer"') < page.index("<img ") < page.index("<details>") and 'src="http' not in page
    summary = summary_of(run)
    assert summary["status"] == "complete" and summary["seed"] == 1
    assert summary["tape_hash"] == hash_tape(run / "tape")
    assert set(summary["versions"]) >= {"outcry-sim", "python", "numpy", "numba"}
    tape = read_tape(run / "tape")
    assert summary["n_rows"] == len(tape)
    assert summary["instruments"][0]["n_trades"] == (tape["kind"] == EventKind.EXECUTE).sum()


def test_accounts_conserve_cash_and_shares(tmp_path: Path) -> None:
    text = SMALL.replace('name = "ABC"', 'name = "ABC"\nmaker_fee_bps = -0.2\ntaker_fee_bps = 0.5')
    outcome = run_scenario(built(tmp_path, text), tmp_path / "run")
    accounts = pl.read_parquet(tmp_path / "run" / "accounts.parquet")
    assert len(accounts) == 50 and accounts["index"].to_list() == list(range(50))
    assert accounts["position_lots"].sum() == 0
    assert accounts["cash"].sum() == pytest.approx(0, abs=1e-6)
    assert accounts["fees"].sum() == pytest.approx(accounts["turnover"].sum() / 2 * 0.3e-4)
    assert accounts["pnl"].sum() == pytest.approx(-accounts["fees"].sum())
    assert accounts["n_orders"].sum() == outcome.summary["n_orders"]
    ratios = accounts["fill_ratio"].drop_nulls()
    assert ((ratios >= 0) & (ratios <= 1)).all()


def test_the_hash_does_not_depend_on_slices_buffers_or_the_tape_being_kept(tmp_path: Path) -> None:
    parts = built(tmp_path)
    direct = TapeHash()
    Market(parts.listings, parts.populations, parts.session, seed=1, tape_rows=333).run(sinks=[direct])
    kept = run_scenario(parts, tmp_path / "a")
    unkept = run_scenario(built(tmp_path, SMALL, "record.tape=false", "record.picture=false"), tmp_path / "b")
    assert kept.summary["tape_hash"] == unkept.summary["tape_hash"] == direct.hexdigest()
    assert not (tmp_path / "b" / "market.png").exists() and not (tmp_path / "b" / "tape").exists()


def test_another_seed_is_another_tape(tmp_path: Path) -> None:
    hashes = {run_scenario(built(tmp_path), tmp_path / str(s), seed=s).summary["tape_hash"] for s in (1, 2)}
    assert len(hashes) == 2


def test_the_scenario_in_the_folder_runs_to_the_same_tape(tmp_path: Path) -> None:
    from scenarios.build.market import build

    first = run_scenario(built(tmp_path, SMALL, "population.zero.count=20"), tmp_path / "a", seed=5)
    again = run_scenario(build(load_scenario(str(tmp_path / "a" / "scenario.toml"))), tmp_path / "b")
    assert again.summary["tape_hash"] == first.summary["tape_hash"]
    assert again.summary["config_hash"] == first.summary["config_hash"]


def test_the_same_run_may_be_repeated_in_its_folder(tmp_path: Path) -> None:
    first = run_scenario(built(tmp_path), tmp_path / "run")
    second = run_scenario(built(tmp_path), tmp_path / "run")
    assert first.summary["tape_hash"] == second.summary["tape_hash"]


def test_another_run_is_replaced_only_on_request(tmp_path: Path) -> None:
    run_scenario(built(tmp_path), tmp_path / "run")
    with pytest.raises(InputError, match="another scenario or seed; allowed: overwrite=True, or another folder"):
        run_scenario(built(tmp_path), tmp_path / "run", seed=2)
    assert run_scenario(built(tmp_path), tmp_path / "run", seed=2, overwrite=True).summary["seed"] == 2


def test_an_unfinished_run_is_not_started_over_without_request(tmp_path: Path) -> None:
    run_scenario(built(tmp_path), tmp_path / "run", watch=Watch(stop=stop_after(20)))
    with pytest.raises(InputError, match=r"not complete \(stopped\); allowed: resume=True to go on, overwrite=True"):
        run_scenario(built(tmp_path), tmp_path / "run")


def test_a_tape_that_no_run_wrote_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "run" / "tape").mkdir(parents=True)
    (tmp_path / "run" / "tape" / "part-00000.parquet").write_text("someone else's")
    with pytest.raises(InputError, match="holds files that are no run"):
        run_scenario(built(tmp_path), tmp_path / "run", overwrite=True)


ONE_SIDED = """
[[population]]
name = "zero"
kind = "zero_intelligence"
count = 1
limits = { max_order_lots = 1 }
settings = { size_lots = 5.0 }
"""


@pytest.mark.parametrize("text", ["", "[[instrument]]\n[[instrument]]\nname = 'B'\n", ONE_SIDED, SMALL])
@pytest.mark.parametrize("close", ["09:30:00.000001", "09:41:00"])
def test_every_market_has_a_picture_even_an_empty_or_a_very_short_one(tmp_path: Path, text: str, close: str) -> None:
    outcome = run_scenario(built(tmp_path, text, f"session.close={close}"), tmp_path / "run")
    assert len(outcome.pictures) == max(1, text.count("[[instrument]]"))
    assert all(path.stat().st_size > 1000 for path in outcome.pictures)


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_folder_with_other_files_is_left_alone(tmp_path: Path, overwrite: bool) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.tex").write_text("years of work")
    with pytest.raises(InputError, match="holds files that are no run"):
        run_scenario(built(tmp_path), tmp_path / "run", overwrite=overwrite)
    assert (tmp_path / "run" / "thesis.tex").exists()


def test_a_file_in_the_place_of_the_folder_is_reported(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("")
    with pytest.raises(InputError, match=r"run: a file; allowed: a folder"):
        run_scenario(built(tmp_path), tmp_path / "run")


@pytest.mark.parametrize("n_looks", [1, 60, 150])
def test_a_stopped_run_resumes_to_the_tape_of_an_undisturbed_one(tmp_path: Path, n_looks: int) -> None:
    whole = run_scenario(built(tmp_path), tmp_path / "whole")
    stopped = run_scenario(built(tmp_path), tmp_path / "run", watch=Watch(stop=stop_after(n_looks)))
    assert stopped.summary["status"] == "stopped"
    assert hash_tape(tmp_path / "run" / "tape") == stopped.summary["tape_hash"] != whole.summary["tape_hash"]
    resumed = run_scenario(built(tmp_path), tmp_path / "run", resume=True)
    different = {"wall_s", "compile_s", "name"}
    for key in set(whole.summary) - different:
        assert resumed.summary[key] == whole.summary[key], key
    assert hash_tape(tmp_path / "run" / "tape") == whole.summary["tape_hash"]
    accounts = [pl.read_parquet(tmp_path / run / "accounts.parquet") for run in ("whole", "run")]
    assert accounts[0].equals(accounts[1])
    assert (tmp_path / "whole" / "market.png").read_bytes() == (tmp_path / "run" / "market.png").read_bytes()
    assert not (tmp_path / "run" / "snapshot.bin").exists()


def test_a_run_to_a_time_goes_on_later(tmp_path: Path) -> None:
    whole = run_scenario(built(tmp_path), tmp_path / "whole")
    middle_ns = (built(tmp_path).session.open_ns + built(tmp_path).session.close_ns) // 2
    part = run_scenario(built(tmp_path), tmp_path / "run", until_ns=middle_ns)
    assert part.summary["status"] == "complete" and part.summary["session"]["reached"] == "09:35:00"
    assert (read_tape(tmp_path / "run" / "tape")["time_ns"] <= middle_ns).all()
    resumed = run_scenario(built(tmp_path), tmp_path / "run", resume=True)
    assert resumed.summary["tape_hash"] == whole.summary["tape_hash"]


def test_python_traders_resume_with_their_state(tmp_path: Path) -> None:
    text = SMALL + '[[trader]]\nname = "t"\nkind = "twap"\nsettings = { quantity_lots = 40, duration_s = 400.0 }\n'
    whole = run_scenario(built(tmp_path, text), tmp_path / "whole")
    run_scenario(built(tmp_path, text), tmp_path / "run", watch=Watch(stop=stop_after(100)))
    resumed = run_scenario(built(tmp_path, text), tmp_path / "run", resume=True)
    assert resumed.summary["tape_hash"] == whole.summary["tape_hash"]


def test_a_complete_run_has_nothing_to_resume(tmp_path: Path) -> None:
    run_scenario(built(tmp_path), tmp_path / "run")
    assert run_scenario(built(tmp_path), tmp_path / "run", resume=True).already_complete


def test_resume_refuses_another_scenario(tmp_path: Path) -> None:
    run_scenario(built(tmp_path), tmp_path / "run", watch=Watch(stop=stop_after(50)))
    with pytest.raises(InputError, match="resume=True needs the same scenario, seed and overrides"):
        run_scenario(built(tmp_path, SMALL, "population.zero.count=51"), tmp_path / "run", resume=True)


def test_resume_tells_of_a_damaged_snapshot_and_of_a_tape_that_is_not_its_own(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run_scenario(built(tmp_path), run, watch=Watch(stop=stop_after(50)))
    snapshot = (run / "snapshot.bin").read_bytes()
    (run / "snapshot.bin").write_bytes(snapshot[:-100])
    with pytest.raises(InputError, match=r"snapshot\.bin: damaged"):
        run_scenario(built(tmp_path), run, resume=True)
    (run / "snapshot.bin").write_bytes(snapshot)
    (run / "tape" / "part-00000.parquet").unlink()
    with pytest.raises(RunError, match="not the rows that the snapshot belongs to"):
        run_scenario(built(tmp_path), run, resume=True)


def test_exceeding_a_capacity_stops_the_run_with_a_readable_tape_up_to_there(tmp_path: Path) -> None:
    text = SMALL.replace('name = "ABC"', 'name = "ABC"\nmax_orders = 40')
    with pytest.raises(RunError, match="the book is full; raise the instrument's max_orders"):
        run_scenario(built(tmp_path, text), tmp_path / "run")
    summary = summary_of(tmp_path / "run")
    assert summary["status"] == "failed" and "max_orders" in summary["error"]
    tape = read_tape(tmp_path / "run" / "tape")
    assert len(tape) > 40 and hash_tape(tmp_path / "run" / "tape") == summary["tape_hash"]
    assert np.isin(tape["kind"][-1:], [EventKind.REJECT]).all()


def test_a_disk_that_fills_up_leaves_a_run_that_resumes_when_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import errno
    import os

    text = SMALL + "[record]\ncheckpoint_s = 1e-6\n"
    whole = run_scenario(built(tmp_path, text), tmp_path / "whole")
    real, calls = os.fsync, iter(range(40))

    def fills_up(descriptor: int) -> None:
        if next(calls, None) is None:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(descriptor)

    monkeypatch.setattr("scenarios.run.scenario.CHECKPOINT_COST", 0)
    monkeypatch.setattr(os, "fsync", fills_up)
    with pytest.raises(RunError, match="the disk is full"):
        run_scenario(built(tmp_path, text), tmp_path / "run")
    monkeypatch.undo()
    assert not list((tmp_path / "run").rglob("*.tmp"))
    assert len(read_tape(tmp_path / "run" / "tape")) > 0
    resumed = run_scenario(built(tmp_path, text), tmp_path / "run", resume=True)
    assert any(note.startswith("resumed at") for note in resumed.notes)
    assert resumed.summary["tape_hash"] == whole.summary["tape_hash"]


def test_a_trader_that_declares_no_state_runs_but_cannot_be_resumed(tmp_path: Path) -> None:
    (tmp_path / "forgetful.py").write_text(
        "from sim.trader import Trader\n"
        "class Forgetful(Trader):\n"
        "    def __init__(self):\n        self.seen = 0\n"
        "    def on_wake(self, view):\n        self.seen += 1\n"
    )
    text = SMALL + '[[trader]]\nname = "t"\nkind = "forgetful:Forgetful"\n[record]\ncheckpoint_s = 0.001\n'
    outcome = run_scenario(built(tmp_path, text), tmp_path / "run")
    assert outcome.summary["status"] == "complete"
    assert any("this run cannot be resumed: trader Forgetful" in note for note in outcome.notes)


def test_a_run_that_ends_within_its_first_second_is_resumed_and_not_taken_for_complete(tmp_path: Path) -> None:
    changes = ("session.close=09:30:00.9", "population.zero.settings.interval_s=0.01", "record.picture=false")
    whole = run_scenario(built(tmp_path, SMALL, *changes), tmp_path / "whole")
    parts = built(tmp_path, SMALL, *changes)
    part = run_scenario(parts, tmp_path / "run", until_ns=parts.session.open_ns + 500_000_000)
    assert part.summary["session"] == {"open": "09:30:00", "close": "09:30:00.9", "reached": "09:30:00.5"}
    resumed = run_scenario(parts, tmp_path / "run", resume=True)
    assert not resumed.already_complete
    assert resumed.summary["tape_hash"] == whole.summary["tape_hash"] != part.summary["tape_hash"]


def test_a_failed_run_tells_of_the_rows_that_are_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk is full when a part is due, and has room again when the summary is written."""
    monkeypatch.setattr(ParquetTape.__init__, "__defaults__", (500, 0))
    real, fails = atomic.whole_file, iter([True])

    def fills_up(path: Path) -> Any:
        if path.name == "part-00003.parquet" and next(fails, False):
            raise RunError(f"{path}: the disk is full")
        return real(path)

    monkeypatch.setattr(atomic, "whole_file", fills_up)
    with pytest.raises(RunError, match="the disk is full"):
        run_scenario(built(tmp_path, SMALL, "record.picture=false"), tmp_path / "run")
    summary, tape = summary_of(tmp_path / "run"), read_tape(tmp_path / "run" / "tape")
    assert summary["status"] == "failed" and summary["n_rows"] == len(tape) >= 2000
    assert summary["tape_hash"] == hash_tape(tmp_path / "run" / "tape")
    assert (tape["sequence"] == np.arange(1, len(tape) + 1)).all()


SLOW = """
import time
from sim.records import Wake
from sim.trader import Trader

class Slow(Trader):
    # Buys one lot at the bid every twenty seconds, after long thought.
    def on_wake(self, view):
        if Wake.START not in view.reason:
            time.sleep(0.02)
            view.limit("buy", view.best_bid_ticks or view.last_ticks, 1)
        return 20.0
"""


def test_at_every_checkpoint_the_rows_on_disk_are_those_of_the_state_without_a_gap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import shutil

    import scenarios.run.scenario
    import sim.market

    monkeypatch.setattr(scenarios.run.scenario, "CHECKPOINT_COST", 0)
    monkeypatch.setattr(sim.market, "LOOK_S", 0.0)
    (tmp_path / "slow.py").write_text(SLOW)
    text = SMALL.replace("close = 09:40:00", "close = 09:32:00")
    text += '[[trader]]\nname = "slow"\nkind = "slow:Slow"\n[record]\ncheckpoint_s = 0.0001\npicture = false\n'
    kept: list[Path] = []
    n_points = 0
    real = scenarios.run.scenario.save_checkpoint

    def keep(folder: Path, point: Any, snapshot: Any) -> None:
        nonlocal n_points
        real(folder, point, snapshot)
        n_points += 1
        if n_points % 7:
            return  # to read all parts each time would take minutes
        tape = read_tape(folder / "tape")
        assert len(tape) == point.n_rows and (tape["sequence"] == np.arange(1, len(tape) + 1)).all()
        kept.append(tmp_path / f"killed-{len(kept)}")
        shutil.copytree(folder, kept[-1])  # what a kill right now would leave

    monkeypatch.setattr(scenarios.run.scenario, "save_checkpoint", keep)
    whole = run_scenario(built(tmp_path, text), tmp_path / "whole")
    monkeypatch.setattr(scenarios.run.scenario, "save_checkpoint", real)
    assert len(kept) > 5  # how many there are depends on the machine's speed
    for folder in kept[1:40:8]:
        resumed = run_scenario(built(tmp_path, text), folder, resume=True)
        assert resumed.summary["tape_hash"] == whole.summary["tape_hash"] == hash_tape(folder / "tape")


def test_the_figures_are_told_before_the_picture_is_drawn(tmp_path: Path) -> None:
    seen: list[tuple[str, bool]] = []

    def told(summary: dict[str, Any], notes: list[str]) -> None:
        seen.append((summary["tape_hash"], (tmp_path / "run" / "market.png").exists()))

    outcome = run_scenario(built(tmp_path), tmp_path / "run", watch=Watch(told=told))
    assert seen == [(outcome.summary["tape_hash"], False)] and outcome.pictures[0].exists()


def test_the_old_keywords_of_a_run_work_and_warn(tmp_path: Path) -> None:
    with pytest.warns(DeprecationWarning, match=r"watch=Watch\(stop=\.\.\.\)"):
        outcome = run_scenario(built(tmp_path), tmp_path / "run", stop=stop_after(20))
    assert outcome.summary["status"] == "stopped"
    with pytest.raises(TypeError, match="unexpected keyword argument 'stopp'"):
        run_scenario(built(tmp_path), tmp_path / "run", stopp=stop_after(20))
