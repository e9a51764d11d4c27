"""Real recordings beside the project: skipped where there are none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.replay import data_folder
from lob.recording import NEW, RESTATED
from lob.replay import replay
from scenarios.data.flows import read_flows
from sim.formats import read_recording, with_book


def sample(name: str) -> Path:
    path = data_folder() / name
    if not path.exists():
        pytest.skip(f"no {name} in {data_folder()}")
    return path


def test_a_snapshot_of_a_future_is_a_book_that_is_not_crossed() -> None:
    pytest.importorskip("databento_dbn")
    day = read_recording(sample("esh4-glbx-mdp3-20231224.mbo.dbn.zst"))
    assert (day.name, day.tick_size, day.lot_size, len(day.messages)) == ("ESH4 2023-12-24", 0.25, 1.0, 8725)
    assert (day.messages["type"] == NEW).all() and (day.messages["flags"] == RESTATED).all()
    ask, _, bid, _ = with_book(day, 10).book[-1, 0]
    assert (ask, bid) == (19198, 19196)
    found = replay(day)
    assert found.counts["crossed"] == found.counts["outside"] == 0


def test_the_trades_of_a_crypto_exchange_take_the_head_of_the_queue() -> None:
    day = read_recording(sample("bitstamp_btcusd_2015-05-01_orders.csv"))
    found = replay(day)
    assert found.counts["executions"] == 563 and found.counts["executions_at_head"] >= 560
    assert day.tick_size == 0.01
    flow = read_flows(sample("bitstamp_btcusd_2015-05-01_orders.csv"), None, "x").flow
    assert (flow.ask_ticks > flow.bid_ticks)[100:].mean() > 0.999 and len(flow) > 10_000


@pytest.mark.parametrize(("name", "head", "executions"), [("GOOG", 7761, 7765), ("AMZN", 8966, 8974)])
def test_lobster_days_replay_as_ever(name: str, head: int, executions: int) -> None:
    levels = {"GOOG": 10, "AMZN": 5}[name]
    day = read_recording(sample(f"LOBSTER_SampleFile_{name}_2012-06-21_{levels}.zip"))
    found = replay(day)
    assert found.agreement == 1.0
    assert (found.counts["executions_at_head"], found.counts["executions"]) == (head, executions)
    assert day.book.dtype == np.int32 and day.date == "2012-06-21"
