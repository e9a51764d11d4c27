"""Who is who in a market: traders are numbered first, and everybody finds a group by its name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lob.types import EventKind, Reject
from scenarios.build.market import build, build_market
from scenarios.data.labels import Labels
from scenarios.run.scenario import run_scenario
from scenarios.schema.load import load_scenario
from sim.records import ScheduledKind
from sim.settings import Scheduled
from tests.scenarios.texts import built, written

MIXED = """
[session]
open = 09:30:00
close = 09:33:00

[[population]]
name = "first"
kind = "zero_intelligence"
count = 7
settings = { interval_s = 1.0 }

[[population]]
name = "second"
kind = "zero_intelligence"
count = 5
settings = { interval_s = 1.0 }

[[trader]]
name = "worker"
kind = "twap"
count = 2
settings = { side = "buy", quantity_lots = 20, duration_s = 60.0 }

[[event]]
kind = "kill"
at = 09:31:00
population = "NAME"
"""
AT_NS = (9 * 3600 + 31 * 60) * 10**9


def test_every_group_is_found_by_name_where_the_market_has_it(tmp_path: Path) -> None:
    parts = built(tmp_path, MIXED.replace("NAME", "first"))
    assert [place.name for place in parts.groups] == ["worker", "first", "second"]
    first = parts.group("first")
    assert (first.kind, first.position, first.first_agent, first.count) == ("zero_intelligence", 1, 2, 7)
    assert parts.group("worker").kind == "twap" and parts.group("second").agents == slice(9, 14)
    rows = parts.market().world.population_rows
    assert rows["first"].tolist() == [place.first_agent for place in parts.groups]
    assert parts.n_agents == 14
    with pytest.raises(KeyError):
        parts.group("nobody")


@pytest.mark.parametrize("name", ["first", "second", "worker"])
def test_a_kill_switch_hits_the_group_it_names(tmp_path: Path, name: str) -> None:
    text = MIXED.replace("NAME", name)
    parts = built(tmp_path, text)
    (kill,) = [entry for entry in parts.schedule if isinstance(entry, Scheduled) and entry.kind == ScheduledKind.KILL]
    assert parts.populations[int(kill.value)].name == name
    market = build_market(written(tmp_path, text))
    market.run()
    tape = market.tape
    refused = tape[(tape["kind"] == EventKind.REJECT) & (tape["reason"] == Reject.RISK_KILL_SWITCH)]
    mine = parts.group(name).agents
    assert len(refused) and ((refused["agent"] >= mine.start) & (refused["agent"] < mine.stop)).all()
    added = tape[(tape["kind"] == EventKind.ADD) & (tape["time_ns"] > AT_NS + 10)]
    assert not ((added["agent"] >= mine.start) & (added["agent"] < mine.stop)).any()


def test_the_summary_names_the_kind_of_each_group(tmp_path: Path) -> None:
    summary = run_scenario(built(tmp_path, MIXED.replace("NAME", "second")), tmp_path / "run").summary
    kinds = {row["name"]: row["kind"] for row in summary["populations"]}
    assert kinds == {"worker": "twap", "first": "zero_intelligence", "second": "zero_intelligence"}
    agents = {row["name"]: row["n_agents"] for row in summary["populations"]}
    assert agents == {"worker": 2, "first": 7, "second": 5}


def test_a_label_of_a_kill_is_of_the_groups_own_instrument(tmp_path: Path) -> None:
    text = MIXED.replace("NAME", "second") + '[[instrument]]\nname = "A"\n[[instrument]]\nname = "B"\n'
    text = text.replace('name = "second"', 'name = "second"\nsymbol = "B"')
    labels = Labels(build(load_scenario(str(written(tmp_path, text)))), tmp_path / "labels")
    labels(np.empty(0, built(tmp_path, text).market().tape.dtype))
    paths = labels.close()
    import polars as pl

    events = pl.read_parquet(next(path for path in paths if path.name == "events.parquet"))
    assert events.filter(pl.col("kind") == "kill")["symbol"].to_list() == ["B"]
