"""Sweeps: every combination once, the numbers of single runs, paired differences, nothing lost, nothing repeated."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from lob.errors import InputError, RunError
from scenarios.experiments import plot
from scenarios.experiments import variants as runs_module
from scenarios.experiments.outcomes import OUTCOMES, FinishedRun
from sim.hash import TapeHash
from tests.scenarios.texts import SMALL, built, written
from tests.studies import sweep

GRID = {"population.zero.count": [30, 60], "population.zero.settings.market_share": [0.1, 0.2]}
Runs = pl.DataFrame


def _values(frame: Runs) -> list[tuple[Any, ...]]:
    return frame.sort("variant", "seed").select("variant", "seed", "tape_hash", "volume_lots").rows()


def test_every_combination_is_run_once_for_every_seed_and_equals_a_single_run(tmp_path: Path) -> None:
    path = written(tmp_path)
    found = sweep(path, GRID, [1, 2, 3])
    assert found.runs.select(pl.struct("variant", "seed").n_unique()).item() == len(found.runs) == 12
    assert [tuple(cell.values()) for cell in found.cells] == [(30, 0.1), (30, 0.2), (60, 0.1), (60, 0.2)]
    overrides = ("population.zero.count=60", "population.zero.settings.market_share=0.1")
    market = built(tmp_path, SMALL, *overrides).market(2)
    market.run()
    row = found.runs.filter((pl.col("variant") == 2) & (pl.col("seed") == 2)).row(0, named=True)
    hashed = TapeHash()
    hashed(market.tape)
    assert row["tape_hash"] == hashed.hexdigest()
    assert row["volume_lots"] == market.tape["qty_lots"][market.tape["kind"] == 5].sum()


def test_differences_are_taken_seed_by_seed(tmp_path: Path) -> None:
    found = sweep(written(tmp_path), {"population.zero.count": [30, 60]}, range(1, 9))
    wide = {k: found.runs.filter(pl.col("variant") == k).sort("seed")["n_trades"].to_numpy() for k in (0, 1)}
    row = found.table.filter((pl.col("variant") == 1) & (pl.col("outcome") == "n_trades")).row(0, named=True)
    assert row["difference"] == pytest.approx((wide[1] - wide[0]).mean())
    assert row["difference_low"] < row["difference"] < row["difference_high"]
    assert row["mean"] == pytest.approx(wide[1].mean())
    first = found.table.filter((pl.col("variant") == 0) & (pl.col("outcome") == "n_trades")).row(0, named=True)
    assert (first["difference"], first["difference_low"], first["difference_high"]) == (0.0, 0.0, 0.0)


def test_the_numbers_do_not_depend_on_the_executor(tmp_path: Path) -> None:
    path = written(tmp_path)
    one, two = (sweep(path, GRID, [1, 2], executor=name, workers=2) for name in ("serial", "process"))
    assert one.runs.equals(two.runs)
    assert one.table.equals(two.table)


def test_a_sweep_goes_on_where_it_was_and_repeats_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path)
    whole = sweep(path, GRID, range(1, 6), out=tmp_path / "whole")
    sweep(path, GRID, range(1, 3), out=tmp_path / "parts")
    made: list[int] = []
    task = runs_module._Task.__call__

    def counted(self: Any, job: Any) -> Any:
        made.append(job.seed)
        return task(self, job)

    monkeypatch.setattr(runs_module._Task, "__call__", counted)
    with pytest.raises(InputError, match="holds a study already"):
        sweep(path, GRID, range(1, 6), out=tmp_path / "parts")
    rest = sweep(path, GRID, range(1, 6), out=tmp_path / "parts", resume=True)
    assert sorted(set(made)) == [3, 4, 5] and len(made) == 12
    assert _values(rest.runs) == _values(whole.runs)
    assert rest.table.equals(whole.table)
    with pytest.raises(InputError, match="grid"):
        sweep(path, {"population.zero.count": [30]}, [1], out=tmp_path / "parts", resume=True)


KILLER = '''
import os
import signal
from pathlib import Path

from sim import Trader


class Killer(Trader):
    """Kills its process in one world, as long as a file says so."""

    def __init__(self, flag: str, above: int) -> None:
        self.flag, self.above = flag, above

    def state(self) -> dict:
        return {}

    def on_wake(self, view):
        if Path(self.flag).exists() and view.uniform(0) > 0.8:
            os.kill(os.getpid(), signal.SIGKILL)
        return None
'''


def test_a_killed_worker_costs_its_own_run_only_and_a_later_resume_makes_it(tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    flag.touch()
    (tmp_path / "killer_of_tests.py").write_text(KILLER)
    text = SMALL + (
        f'\n[[trader]]\nname = "killer"\nkind = "killer_of_tests:Killer"\nsettings = {{ flag = "{flag}", above = 0 }}\n'
    )
    path = written(tmp_path, text)
    found = sweep(path, {}, range(1, 13), outcomes=["volume"], executor="process", workers=2, out=tmp_path / "out")
    failed = found.failed["seed"].to_list()
    assert 0 < len(failed) < 12
    assert all("its process died" in reason for reason in found.failed["error"])
    assert sorted(found.runs["seed"].to_list()) == list(range(1, 13))
    flag.unlink()
    again = sweep(
        path, {}, range(1, 13), outcomes=["volume"], executor="process", workers=2, out=tmp_path / "out", resume=True
    )
    assert len(again.failed) == 0 and sorted(again.runs["seed"].to_list()) == list(range(1, 13))
    before, after = (frame.runs.filter(~pl.col("seed").is_in(failed)) for frame in (found, again))
    assert _values(before) == _values(after)


def test_a_full_disk_is_one_error_and_what_was_written_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from scenarios.many_runs import result_set

    path, out = written(tmp_path), tmp_path / "out"
    write, parts = result_set.write_parquet, [0]

    def full(target: Path, data: Any) -> None:
        if target.suffix == ".parquet":
            parts[0] += 1
            if parts[0] > 3:
                raise RunError(f"{target}: no space left on device")
        write(target, data)

    monkeypatch.setattr(result_set, "write_parquet", full)
    monkeypatch.setattr(result_set, "FLUSH_S", 0.0)
    with pytest.raises(RunError, match="no space left"):
        sweep(path, {}, range(1, 9), out=out)
    assert len(list((out / "results").glob("part-*.parquet"))) == 3
    monkeypatch.undo()
    found = sweep(path, {}, range(1, 9), out=out, resume=True)
    assert _values(found.runs) == _values(sweep(path, {}, range(1, 9)).runs)


@pytest.mark.parametrize(
    ("grid", "seeds", "more", "words"),
    [
        ({"population.zero.cuont": [1]}, [1], {}, "unknown key (did you mean count?)"),
        ({"population.nobody.count": [1]}, [1], {}, "no row nobody"),
        ({"population.zero.count": [10, -1]}, [1], {}, "at least 1"),
        ({}, [], {}, "seeds: allowed: at least one"),
        ({}, [1, 1], {}, "none twice"),
        ({}, [-1], {}, "from 0 to"),
        ({}, range(10**12), {}, "1,000,000,000,000 seeds"),
        ({"population.zero.count": range(1, 10**6)}, [1], {}, "settings; allowed: at most 10,000"),
        ({f"population.zero.settings.{x}": range(1, 101) for x in "abc"}, [1], {}, "1,000,000 settings"),
        ({"population.zero.count": []}, [1], {}, "no values"),
        ({"population.zero.count": "123"}, [1], {}, "a list of values"),
        ({"population.zero.settings.interval_s": [float("nan")]}, [1], {}, "finite"),
        ({}, [1], {"confidence": float("nan")}, "confidence = nan"),
        ({}, [1], {"confidence": 0.0}, "from 0.5"),
        ({}, [1], {"outcomes": ["max_drawdwn"]}, "did you mean max_drawdown?"),
        ({}, [1], {"executor": "threads"}, "process, ray, serial"),
        ({}, [1], {"workers": 0}, "at least 1"),
    ],
)
def test_bad_input_is_told_before_anything_is_run_or_written(
    tmp_path: Path, grid: dict[str, Any], seeds: list[int], more: dict[str, Any], words: str
) -> None:
    with pytest.raises(InputError) as error:
        sweep(written(tmp_path), grid, seeds, out=tmp_path / "out", **{"executor": "serial", **more})
    assert words in str(error.value) and "\n" not in str(error.value)
    assert not (tmp_path / "out" / "results").exists() or not list((tmp_path / "out" / "results").iterdir())


def test_numbers_of_numpy_are_numbers(tmp_path: Path) -> None:
    grid = {"population.zero.count": np.arange(30, 32), "population.zero.settings.market_share": np.array([0.1])}
    found = sweep(written(tmp_path), grid, np.arange(1, 3), outcomes=["volume"])
    assert found.cells[1] == {"population.zero.count": 31, "population.zero.settings.market_share": 0.1}


def test_one_run_that_is_left_is_a_result_without_intervals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    task = runs_module._Task.__call__

    def one_only(self: Any, job: Any) -> Any:
        if (job.number, job.seed) != (1, 2):
            raise RunError("capacity exceeded")
        return task(self, job)

    monkeypatch.setattr(runs_module._Task, "__call__", one_only)
    found = sweep(written(tmp_path), {"population.zero.count": [30, 60]}, [1, 2])
    row = found.table.filter((pl.col("variant") == 1) & (pl.col("outcome") == "volume")).row(0, named=True)
    assert row["mean"] > 0 and np.isnan(row["low"]) and np.isnan(row["difference"])
    assert plot(found).startswith(b"\x89PNG") and len(found.failed) == 3


def test_all_runs_failing_is_an_error_that_names_the_first_reason(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"none of 2 runs could be made.*max_orders"):
        sweep(written(tmp_path), {"instrument.ABC.max_orders": [1]}, [1, 2])


# ---- outcomes -----------------------------------------------------------------------------------------------------


def test_outcomes_equal_their_plain_definitions(tmp_path: Path) -> None:
    parts = built(tmp_path)
    market = parts.market(5)
    market.run()
    start, end = market.session.open_ns + 10**11, market.session.open_ns + 4 * 10**11
    run = FinishedRun(market.tape, market, parts, start, end)
    mids: list[tuple[int, float]] = []
    spread_time = depth_time = known_ns = 0.0
    last_ns, spread, depth, mid = market.session.open_ns, float("nan"), 0.0, float("nan")
    for row in [*market.tape, None]:
        now = end if row is None else min(max(int(row["time_ns"]), start), end)
        held = now - max(last_ns, start)
        if held > 0:
            depth_time += depth * held
            if spread == spread:
                spread_time += spread * held
                known_ns += held
        last_ns = now
        if row is None or int(row["time_ns"]) > end:
            break
        two_sided = row["bid_ticks"] > 0 and row["ask_ticks"] > 0
        spread = float(row["ask_ticks"] - row["bid_ticks"]) if two_sided else float("nan")
        mid = (int(row["bid_ticks"]) + int(row["ask_ticks"])) / 2 if two_sided else mid
        depth = float(row["bid_lots"] + row["ask_lots"])
        mids.append((int(row["time_ns"]), mid))
    inside = [m for t, m in mids if start <= t <= end]
    inside = [[m for t, m in mids if t < start][-1], *inside]
    worst = max(1 - inside[j] / max(inside[: j + 1]) for j in range(len(inside)))
    assert OUTCOMES["max_drawdown"].of(run) == pytest.approx(1e4 * worst)
    assert OUTCOMES["mean_spread"].of(run) == pytest.approx(spread_time / known_ns)
    assert OUTCOMES["mean_depth"].of(run) == pytest.approx(depth_time / (end - start))
    rows = market.tape[(market.tape["time_ns"] >= start) & (market.tape["time_ns"] <= end)]
    assert OUTCOMES["volume"].of(run) == rows["qty_lots"][rows["kind"] == 5].sum()
    assert OUTCOMES["price_change"].of(run) == pytest.approx(1e4 * (inside[-1] / inside[0] - 1))
    # The fundamental of this market is constant.
    grid = run.touch.mid_at(run.grid_ns)
    assert OUTCOMES["pricing_error"].of(run) == pytest.approx(np.sqrt(np.mean((grid - 10_000) ** 2)))


AUCTION = """
[session]
open = 09:30:00
close = 09:35:00

[[instrument]]
name = "ABC"
reference_ticks = 100
n_prices = 201
min_price_ticks = 1

[[population]]
name = "buyers"
kind = "zi_c"
count = 20
settings = { side = 1, value_ticks = { uniform = [60.0, 160.0] }, low_ticks = 1.0, high_ticks = 201.0 }

[[population]]
name = "sellers"
kind = "zi_c"
count = 20
settings = { side = -1, value_ticks = { uniform = [40.0, 140.0] }, low_ticks = 1.0, high_ticks = 201.0 }
"""


def test_welfare_is_measured_where_there_are_private_values_and_only_there(tmp_path: Path) -> None:
    parts = built(tmp_path, AUCTION)
    market = parts.market(3)
    market.run()
    run = FinishedRun(market.tape, market, parts, market.session.open_ns, market.session.close_ns)
    value = market.world.agents["params"][:, 1]
    traded = market.world.accounts["position_lots"][:, 0] != 0
    buyers = np.arange(40) < 20
    realised = value[traded & buyers].sum() - value[traded & ~buyers].sum()
    demand, supply = np.sort(value[buyers])[::-1], np.sort(value[~buyers])
    best = np.maximum(demand - supply, 0).sum()
    assert OUTCOMES["allocative_efficiency"].of(run) == pytest.approx(realised / best)
    assert 0.8 < realised / best <= 1
    plain = built(tmp_path)
    other = plain.market(1)
    assert np.isnan(OUTCOMES["allocative_efficiency"].of(FinishedRun(other.tape, other, plain, 0, 1)))


def test_outcomes_of_a_market_without_any_row_are_defined_or_nan(tmp_path: Path) -> None:
    parts = built(tmp_path)
    market = parts.market(1)
    run = FinishedRun(market.tape, market, parts, market.session.open_ns, market.session.close_ns)
    with np.errstate(all="ignore"):
        found = {name: outcome.of(run) for name, outcome in OUTCOMES.items()}
    assert found["max_drawdown"] == found["max_rise"] == found["volume"] == found["n_trades"] == 0.0
    assert np.isnan(found["mean_spread"]) and np.isnan(found["price_change"])


def test_a_stopped_process_group_leaves_no_half_part(tmp_path: Path) -> None:
    """A sweep that is killed outright leaves only whole parts, and goes on from them."""
    import subprocess
    import sys
    import time

    path, out = written(tmp_path), tmp_path / "out"
    code = (
        "from scenarios.many_runs import result_set\nresult_set.FLUSH_S = 0.0\n"
        "from scenarios import Execution, sweep\n"
        f"sweep({str(path)!r}, {{}}, range(1, 400), execution=Execution('serial', out={str(out)!r}))\n"
    )
    root = Path(__file__).resolve().parents[2]
    process = subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(root)})
    deadline = time.monotonic() + 120
    while len(list(out.glob("results/part-*.parquet"))) < 5:
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    n_before = len(list(out.glob("results/part-*.parquet")))
    found = sweep(path, {}, range(1, n_before + 4), out=out, resume=True)
    assert sorted(found.runs["seed"].to_list()) == list(range(1, n_before + 4))
