"""Investors in scenario files: news for those who hear it, run folders with accounts, traces and pictures, resuming."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from lob.errors import InputError, RunError
from lob.units import SECOND_NS
from scenarios.run.scenario import run_scenario
from sim.writer import scan_tape
from tests.llm.parts import decision, order
from tests.scenarios.texts import SMALL, built

REPLIES = [
    decision(order()),
    decision(order(side="sell")),
    decision(order(kind="market", time_in_force="ioc"), cancel_open_orders=True),
    decision(),
    "not a decision",
]
INVESTORS = f"""
[[trader]]
name = "readers"
kind = "llm"
count = 3
latency = {{ kind = "constant", delay_ms = 5 }}

[trader.settings]
personas = ["news_fast", "value_bold", {{ style = "maker", risk_appetite = 2, note = "Likes round prices" }}]
first_s = 10.0
interval_s = 20.0
backend = {{ kind = "scripted", replies = {json.dumps(REPLIES)}, prompt_price = 2.0, reply_price = 8.0 }}

[[event]]
name = "offer"
kind = "bulletin"
topic = "rumour"
at = 09:33:00
text = "Takeover offer agreed"
value = 50
is_true = false

[[event]]
name = "profit"
kind = "bulletin"
topic = "earnings"
at = 09:35:00
text = "Record profit"
value = 30
"""
TEXT = SMALL + INVESTORS


def test_a_run_leaves_traces_accounts_and_a_picture(tmp_path: Path) -> None:
    outcome = run_scenario(built(tmp_path, TEXT), tmp_path / "run")
    table = pl.read_parquet(tmp_path / "run" / "decisions.parquet")
    figures = outcome.summary["decisions"]
    (group,) = figures["by_population"]
    assert group["name"] == "readers"
    assert group["n_decisions"] == len(table) > 80
    assert group["fallbacks"] == {"no_json": int((table["failure"] == "no_json").sum())}
    assert group["n_fallbacks"] + sum(group["actions"].values()) == group["n_decisions"]
    assert group["model_share"] == pytest.approx(1 - group["n_fallbacks"] / group["n_decisions"])
    assert figures["n_by_models"] == group["n_decisions"] - group["n_fallbacks"]
    assert figures["n_decisions"] == outcome.summary["decisions"]["n_decisions"] > group["n_decisions"]
    assert figures["model_share"] == figures["n_by_models"] / figures["n_decisions"]
    assert 1.0 < group["mean_thinking_s"] < 4.0
    assert {"view", "reply", "risk_revision", "orders", "filled_lots", "fill_price_ticks"} <= set(table.columns)
    assert (tmp_path / "run" / "decisions.png").stat().st_size > 20_000
    assert tmp_path / "run" / "decisions.png" in outcome.pictures
    # Fills are those of the tape.
    tape = scan_tape(tmp_path / "run" / "tape").collect()
    accounts = pl.read_parquet(tmp_path / "run" / "accounts.parquet").filter(pl.col("population") == "readers")
    assert table["filled_lots"].sum() == accounts["bought_lots"].sum() + accounts["sold_lots"].sum() > 0
    first = table.filter(pl.col("filled_lots") > 0).row(0, named=True)
    own = tape.filter(
        (pl.col("kind") == "execute")
        & ((pl.col("parent_id") == first["parent_id"]) | (pl.col("contra_parent_id") == first["parent_id"]))
    )
    mean = (own["price_ticks"] * own["qty_lots"]).sum() / own["qty_lots"].sum()
    assert first["fill_price_ticks"] == pytest.approx(mean)


def test_a_run_without_models_says_so_and_leaves_no_traces(tmp_path: Path) -> None:
    outcome = run_scenario(built(tmp_path), tmp_path / "run")
    assert outcome.summary["decisions"]["model_share"] == 0
    assert outcome.summary["decisions"]["by_population"] == []
    assert not list((tmp_path / "run").glob("decisions*"))


def test_a_stopped_run_goes_on_to_the_same_tape_and_traces(tmp_path: Path) -> None:
    scenario = built(tmp_path, TEXT)
    whole = run_scenario(scenario, tmp_path / "whole")
    stop_ns = scenario.session.open_ns + 250 * SECOND_NS
    part = run_scenario(scenario, tmp_path / "part", until_ns=stop_ns)
    assert part.summary["session"]["reached"] == "09:34:10"
    assert list((tmp_path / "part" / "decisions").glob("part-*.parquet"))
    resumed = run_scenario(scenario, tmp_path / "part", resume=True)
    assert resumed.summary["tape_hash"] == whole.summary["tape_hash"]
    left, right = (
        {k: v for k, v in o.summary["decisions"]["by_population"][0].items() if k != "mean_wall_s"}
        for o in (whole, resumed)
    )
    assert left == right
    tables = [pl.read_parquet(tmp_path / name / "decisions.parquet") for name in ("whole", "part")]
    assert tables[0].equals(tables[1])
    assert not (tmp_path / "part" / "decisions").exists()


def texts_seen(tmp_path: Path, text: str, *overrides: str) -> dict[float, Any]:
    """Views of the first reader by seconds after the open."""
    run = built(tmp_path, text, *overrides)
    market = run.market()
    market.run()
    rows = market.traders[0].take_traces()  # type: ignore[attr-defined]
    return {round((row["time_ns"] - run.session.open_ns) / SECOND_NS, 3): row["view"] for row in rows}


def test_news_is_learnt_at_the_events_time_or_at_ones_own(tmp_path: Path) -> None:
    seen = texts_seen(tmp_path, TEXT)
    assert "<<<Takeover offer agreed>>>" in seen[180.0] and "0 s ago, rumour" in seen[180.0]
    assert "<<<Record profit>>>" in seen[300.0]
    late = texts_seen(tmp_path, TEXT, 'event.offer.heard_by=[{trader = "readers", delay_s = 35.5}]')
    assert "; news none;" in late[190.0] and "<<<Takeover offer agreed>>>" in late[215.5]
    secret = texts_seen(tmp_path, TEXT, "event.offer.public=false")
    assert not any("Takeover" in view for view in secret.values())
    off = texts_seen(tmp_path, TEXT, "event.offer.enabled=false")
    assert not any("Takeover" in view for view in off.values())


def test_true_news_moves_the_value_and_a_rumour_does_not(tmp_path: Path) -> None:
    values = {}
    for name, override in (("false", []), ("true", ["event.offer.is_true=true"])):
        listing = built(tmp_path, TEXT, *override).listings[0]
        open_ns = 34_200 * SECOND_NS
        grid = listing.fundamental.grid(1, "ABC", open_ns, open_ns + 600 * SECOND_NS)
        values[name] = [float(grid[round(s * len(grid) / 600)]) for s in (170, 190, 310)]
    before, after, later = values["false"]
    assert after == before and later == before + 30
    assert values["true"] == [before, before + 50, before + 80]


def test_rule_traders_hear_the_number_of_public_news_only(tmp_path: Path) -> None:
    readers = """
[[population]]
name = "fast"
kind = "news_trader"
count = 5
settings = { interval_s = 1.0 }
"""
    orders = []
    for override in ([], ["event.offer.public=false", "event.profit.public=false"]):
        market = built(tmp_path, SMALL + readers + INVESTORS, *override).market()
        market.run()
        orders.append(int(market.world.accounts["n_orders"][-5:].sum()))
    assert orders[0] > 0 == orders[1]


@pytest.mark.parametrize(
    ("override", "message"),
    [
        (
            'event.offer.heard_by=[{trader = "zero"}]',
            r"event\.offer\.heard_by\[0\].trader.*zero.*allowed: a \[\[trader\]\]: readers",
        ),
        ('event.offer.topic="gossip"', r"topic"),
        ('event.offer.text=""', r"text"),
        (
            "trader.readers.settings.interval=5",
            r"trader\.readers\.settings.interval: unknown key \(did you mean interval_s\?\); allowed: personas",
        ),
        ('trader.readers.settings.personas=["shy"]', r"'shy'; allowed: value_patient"),
        (
            'trader.readers.settings.backend.kind="oracle"',
            r"backend.kind = \"oracle\"; allowed: local, openai, scripted",
        ),
        ('trader.readers.settings.backend={kind="local", weights="/nowhere"}', r"backend.weights: /nowhere: not found"),
        ('trader.readers.settings.backend.replay="/nowhere"', r"record /nowhere: no such file"),
    ],
)
def test_a_mistake_in_the_file_is_told_before_the_run(tmp_path: Path, override: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        built(tmp_path, TEXT, override)
    assert "\n" not in str(caught.value)


def test_a_failure_in_mid_run_leaves_all_that_was_there(tmp_path: Path) -> None:
    record = tmp_path / "replies.sqlite"
    whole = built(tmp_path, TEXT, f'trader.readers.settings.backend.record="{record}"')
    outcome = run_scenario(whole, tmp_path / "whole")
    replayed = built(tmp_path, TEXT, f'trader.readers.settings.backend.replay="{record}"')
    again = run_scenario(replayed, tmp_path / "again")
    assert again.summary["tape_hash"] == outcome.summary["tape_hash"]
    assert again.summary["config_hash"] == outcome.summary["config_hash"]
    other = tmp_path / "other"
    with pytest.raises(RunError, match="no reply to the decision"):
        run_scenario(replayed, other, seed=99)
    summary = json.loads((other / "summary.json").read_text())
    assert summary["status"] == "failed" and "no reply to the decision" in summary["error"]
    assert scan_tape(other / "tape").collect().height > 0


def decisions_of(folder: Path) -> pl.DataFrame:
    return pl.read_parquet(folder / "decisions.parquet").drop("wall_s", strict=False)


def test_decisions_between_two_checkpoints_of_one_instant_are_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import scenarios.run.scenario
    from scenarios.run.decisions import DecisionLog

    text = TEXT + "[record]\ncheckpoint_s = 1000.0\npicture = false\n"
    run_scenario(built(tmp_path, text), tmp_path / "whole")
    whole = decisions_of(tmp_path / "whole")
    real = DecisionLog.flush

    def one_at_a_time(self: DecisionLog) -> None:
        """As if a checkpoint had come after each decision, though time had not gone on."""
        waiting = [(trader, trader.take_traces()) for trader in self.traders.values()]
        for trader, rows in waiting:
            for row in rows:
                trader.traces = [row]
                real(self)
        real(self)

    monkeypatch.setattr(DecisionLog, "flush", one_at_a_time)
    assert scenarios.run.scenario.DecisionLog is DecisionLog
    run_scenario(built(tmp_path, text), tmp_path / "run")
    assert decisions_of(tmp_path / "run").equals(whole)
    assert not (tmp_path / "run" / "decisions").exists()


def test_a_run_killed_when_its_decisions_were_joined_and_its_summary_not_yet_written_loses_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import scenarios.run.scenario

    text = TEXT + "[record]\ncheckpoint_s = 0.001\npicture = false\n"
    run_scenario(built(tmp_path, text), tmp_path / "whole")
    real = scenarios.run.scenario.write_summary

    class Killed(BaseException):
        pass

    def killed(folder: Path, summary: Any) -> None:
        if summary["status"] == "complete":
            raise Killed
        real(folder, summary)

    checkpoint = scenarios.run.scenario._Run.checkpoint

    def early(self: Any) -> None:
        if self.market.time_ns < self.market.session.open_ns + 300 * SECOND_NS:
            checkpoint(self)

    monkeypatch.setattr(scenarios.run.scenario, "CHECKPOINT_COST", 0)
    monkeypatch.setattr(scenarios.run.scenario._Run, "checkpoint", early)
    monkeypatch.setattr(scenarios.run.scenario, "write_summary", killed)
    with pytest.raises(Killed):
        run_scenario(built(tmp_path, text), tmp_path / "run")
    monkeypatch.setattr(scenarios.run.scenario, "write_summary", real)
    run_scenario(built(tmp_path, text), tmp_path / "run", resume=True)
    assert decisions_of(tmp_path / "run").equals(decisions_of(tmp_path / "whole"))
    assert not (tmp_path / "run" / "decisions").exists() and not (tmp_path / "run" / "snapshot.bin").exists()


KILL = """
[[event]]
kind = "kill"
at = 09:35:00
population = "readers"
"""


def test_a_decision_that_comes_back_after_the_kill_switch_is_counted(tmp_path: Path) -> None:
    text = TEXT.replace("first_s = 10.0", "first_s = 10.0\nthinking_median_s = 12.0\nthinking_sigma = 0.0") + KILL
    outcome = run_scenario(built(tmp_path, text), tmp_path / "run")
    table = pl.read_parquet(tmp_path / "run" / "decisions.parquet")
    killed_ns = (9 * 3600 + 35 * 60) * SECOND_NS
    late = table.filter(pl.col("time_ns") + 12 * SECOND_NS >= killed_ns)
    assert table.filter("after_kill").equals(late)
    thought_about = late.filter(pl.col("time_ns") < killed_ns)
    assert thought_about.height > 0, "the switch must come while somebody thinks"
    assert late["filled_lots"].sum() == 0, "the kill switch stops what they would send"
    (group,) = outcome.summary["decisions"]["by_population"]
    assert group["n_after_kill"] == late.height
    assert f"readers: {late.height} decisions came back after the kill switch" in outcome.notes
    before = run_scenario(built(tmp_path, TEXT), tmp_path / "before")
    assert before.summary["decisions"]["by_population"][0]["n_after_kill"] == 0


def test_holds_for_want_of_a_reply_are_told_at_the_end(tmp_path: Path) -> None:
    some = run_scenario(built(tmp_path, TEXT), tmp_path / "some")
    (group,) = some.summary["decisions"]["by_population"]
    n, total = group["n_fallbacks"], group["n_decisions"]
    assert f"readers: {n} of {total} decisions are holds for want of a usable reply (no_json {n})" in some.notes
    none = built(
        tmp_path, TEXT, 'trader.readers.settings.backend.replies=["no"]', "trader.readers.settings.interval_s=200.0"
    )
    outcome = run_scenario(none, tmp_path / "none")
    assert any(note.startswith("WARNING: readers: not one of ") and "no_json" in note for note in outcome.notes)


def test_asking_again_for_failures_is_no_other_run(tmp_path: Path) -> None:
    path = f'"{tmp_path / "replies.sqlite"}"'
    hashes = [
        built(tmp_path, TEXT, f"trader.readers.settings.backend.record={path}", *more).config_hash(1)
        for more in ([], ["trader.readers.settings.backend.retry_failures=true"])
    ]
    assert hashes[0] == hashes[1]
