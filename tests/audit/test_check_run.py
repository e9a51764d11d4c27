"""`outcry check` on run folders: sound ones pass; a file that says what the tape does not is found and named."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from lob.errors import InputError
from scenarios.build.market import build
from scenarios.check import check_run
from scenarios.run.scenario import run_scenario
from scenarios.schema.load import load_scenario
from scenarios.schema.times import time_ns
from tests.scenarios.texts import SMALL, written

FEES = """
[[instrument]]
name = "ABC"
reference_ticks = 10_000
maker_fee_bps = -0.2
taker_fee_bps = 0.3
"""
EVENTS = """
limits = { max_open_orders = 40 }

[[event]]
kind = "halt"
at = 09:35:00
until = 09:36:00

[[event]]
kind = "news"
at = 09:33:00
value = 3.0

[record]
picture = false
checkpoint_s = 1e6
"""
TEXT = (
    SMALL.replace(SMALL[SMALL.index("[[instrument]]") : SMALL.index("[[population]]")], FEES.lstrip() + "\n") + EVENTS
)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder of a small market with fees, a halt and news."""
    folder = tmp_path_factory.mktemp("run")
    run_scenario(build(load_scenario(str(written(folder, TEXT)))), folder / "run")
    return folder / "run"


def test_a_run_as_it_was_left_is_sound_and_every_check_looked_at_something(run: Path) -> None:
    report = check_run(run)
    assert report.is_sound and report.findings == ()
    assert report.n_rows > 2000 and report.instruments == ("ABC",)
    assert all(line.n_examined > 0 for line in report.lines if line.check != "rejects")


def test_a_run_that_was_stopped_half_way_is_checked_as_far_as_it_came(tmp_path: Path) -> None:
    built = build(load_scenario(str(written(tmp_path, TEXT))))
    run_scenario(built, tmp_path / "run", until_ns=time_ns(built.scenario.session.open) + 330 * 10**9)
    report = check_run(tmp_path / "run")
    assert (report.is_sound and report.status == "complete") or report.status == "stopped"
    assert all(line.n_faults == 0 for line in report.lines)


def test_a_run_still_under_way_is_checked_without_what_its_end_would_leave(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "run")
    summary = json.loads((run / "summary.json").read_text())
    (tmp_path / "run/summary.json").write_text(
        json.dumps({key: summary[key] for key in ("name", "seed", "config_hash")} | {"status": "running"})
    )
    report = check_run(tmp_path / "run")
    assert report.is_sound
    left_out = {line.check for line in report.lines if line.n_faults is None}
    assert left_out == {"hash", "counts", "accounts", "conserved", "fees"}


def _summary(change: Callable[[dict[str, Any]], None]) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        summary = json.loads((folder / "summary.json").read_text())
        change(summary)
        (folder / "summary.json").write_text(json.dumps(summary))

    return damage


def _accounts(change: Callable[[pl.DataFrame], pl.DataFrame]) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        path = folder / "accounts.parquet"
        change(pl.read_parquet(path)).write_parquet(path)

    return damage


def _one_more(column: str, by: float = 1) -> Callable[[Path], None]:
    """The seventh agent's value is a little more."""
    first = pl.int_range(pl.len()) == 7
    return _accounts(
        lambda table: table.with_columns(pl.when(first).then(pl.col(column) + by).otherwise(pl.col(column)))
    )


def _scenario(old: str, new: str) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        text = (folder / "scenario.toml").read_text()
        assert old in text
        (folder / "scenario.toml").write_text(text.replace(old, new))

    return damage


def _tape(change: Callable[[pl.DataFrame], pl.DataFrame]) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        path = folder / "tape/part-00000.parquet"
        change(pl.read_parquet(path)).write_parquet(path)

    return damage


@pytest.mark.parametrize(
    ("damage", "check", "words"),
    [
        (_summary(lambda s: s.update(tape_hash="0" * 64)), "hash", "tape_hash"),
        (_summary(lambda s: s.update(n_rows=s["n_rows"] + 1)), "counts", "n_rows"),
        (_summary(lambda s: s.update(n_messages=s["n_messages"] - 1)), "counts", "n_messages"),
        (_summary(lambda s: s["rows_by_kind"].update(add=1)), "counts", "rows_by_kind"),
        (_summary(lambda s: s["rejects"].update(collar=1)), "counts", "rejects"),
        (_summary(lambda s: s["instruments"][0].update(n_trades=1)), "counts", "n_trades of ABC"),
        (_summary(lambda s: s["instruments"][0].update(close=1.0)), "counts", "close of ABC"),
        (_summary(lambda s: s["populations"][0].update(kind="value")), "counts", "kind of zero"),
        (_summary(lambda s: s["populations"][0].update(n_fills=3)), "counts", "n_fills of zero"),
        (_summary(lambda s: s["populations"][0].update(turnover=3.0)), "counts", "turnover of zero"),
        (_one_more("position_lots"), "accounts", "position_lots of agent 7"),
        (_one_more("position_lots"), "conserved", "shares of all agents"),
        (_one_more("cash", 0.01), "accounts", "cash of agent 7"),
        (_one_more("cash", 0.01), "conserved", "cash of all agents"),
        (_one_more("pnl", 0.01), "accounts", "pnl of agent 7"),
        (_one_more("fees", 0.0001), "fees", "fees of agent 7"),
        (_one_more("n_fills"), "accounts", "n_fills of agent 7"),
        (_one_more("ordered_lots"), "accounts", "ordered_lots of agent 7"),
        (_accounts(lambda table: table[:-1]), "accounts", "rows of agent 49"),
        (_accounts(lambda table: pl.concat([table, table[:1]])), "accounts", "rows of agent 0"),
        (_accounts(lambda table: table.with_columns(population=pl.lit("others"))), "accounts", "population of agent 0"),
        (_scenario("taker_fee_bps = 0.3", "taker_fee_bps = 0.31"), "fees", "fees of"),
        (_scenario("09:35:00", "09:34:00"), "schedule", "rows of the venue"),
        (_scenario("09:33:00", "09:33:01"), "schedule", "rows of the venue"),
        (_scenario("max_open_orders = 40", "max_open_orders = 1"), "limits", "max_open_orders"),
        (_tape(lambda rows: rows[:-50]), "hash", "tape_hash"),
        (_tape(lambda rows: rows.with_columns(ask_lots=pl.col("ask_lots") + 1)), "touch", "ask_lots"),
    ],
)
def test_a_file_that_does_not_fit_the_tape_is_found(
    damage: Callable[[Path], None], check: str, words: str, run: Path, tmp_path: Path
) -> None:
    shutil.copytree(run, tmp_path / "run")
    damage(tmp_path / "run")
    report = check_run(tmp_path / "run")
    assert not report.is_sound
    assert any(finding.check == check and words in finding.what for finding in report.findings), report.findings


def test_fees_are_the_rates_of_what_was_traded_exactly(run: Path) -> None:
    rows = pl.read_parquet(run / "tape/part-00000.parquet").filter(pl.col("kind") == 5)
    traded = (rows["price_ticks"].cast(pl.Int64) * rows["qty_lots"]).sum()
    fees = pl.read_parquet(run / "accounts.parquet")["fees"].sum()
    assert fees == pytest.approx(0.01 * traded * (0.3 - 0.2) / 10_000, rel=1e-12)


def test_what_is_no_run_is_told_in_one_line(run: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"not a run folder; allowed: a folder that `outcry run` wrote"):
        check_run(tmp_path)
    shutil.copytree(run, tmp_path / "run")
    (tmp_path / "run/accounts.parquet").write_text("agent,cash")
    with pytest.raises(InputError, match=r"accounts.parquet: not a readable table of accounts"):
        check_run(tmp_path / "run")
    (tmp_path / "run/tape/part-00000.parquet").write_bytes(b"PAR1")
    with pytest.raises(InputError, match=r"part-00000.parquet: not a readable part"):
        check_run(tmp_path / "run")
    (tmp_path / "run/tape/part-00000.parquet").unlink()
    with pytest.raises(InputError, match=r"tape: holds no rows yet"):
        check_run(tmp_path / "run")
