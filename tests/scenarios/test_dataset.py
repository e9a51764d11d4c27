"""Generated days for learning: whole days in parts, windows of events with the truth about each, and a card."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from lob.errors import InputError
from lob.types import EventKind
from scenarios.data import FileOptions, OrderFlowDataset, generate
from scenarios.data.dataset import FEATURES, features_of
from scenarios.data.splits import split_of_days
from scenarios.many_runs.execution import Execution
from tests.scenarios.texts import SMALL, written

torch = pytest.importorskip("torch")
SPLIT = {"train": 0.6, "validation": 0.2, "test": 0.2}
MORE = SMALL + '[[population]]\nname = "noise"\nkind = "noise"\ncount = 20\nsettings = { interval_s = 5.0 }\n'


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    path = written(folder, MORE)
    generate(path, folder / "out", days=5, files=FileOptions(split=SPLIT), execution=Execution("serial"))
    return folder / "out"


def test_days_are_split_in_order_of_time(made: Path) -> None:
    manifest = pl.read_parquet(made / "results" / "*.parquet").sort("date")
    assert manifest["split"].to_list() == ["train", "train", "train", "validation", "test"]
    assert split_of_days(10, {"a": 0.7, "b": 0.3}) == ["a"] * 7 + ["b"] * 3
    for split, words in (({"a": 0.9}, "add up to 0.9"), ({"a": 1.2, "b": -0.2}, "share above 0")):
        with pytest.raises(InputError, match=words):
            FileOptions(split=split)
    with pytest.raises(InputError, match="b would have none of 2 days"):
        split_of_days(2, {"a": 0.9, "b": 0.1})


def test_windows_hold_the_events_and_targets_the_truth(made: Path) -> None:
    data = OrderFlowDataset(made, "train", length=20, stride=7)
    assert len(data.days) == 3 and data.classes == ("zero", "noise")
    tape = pl.read_parquet(made / "tape" / "seed=1" / f"date={data.days[1][1]}" / "part-*.parquet")
    kinds = [int(k) for k in (EventKind.ADD, EventKind.CANCEL, EventKind.REDUCE, EventKind.EXECUTE)]
    rows = tape.filter(pl.col("kind").is_in(kinds))
    first = (len(features_of(OrderFlowDataset(made, "train")._rows(0))) - 20) // 7 + 1
    window, target = data[first + 3]
    assert window.shape == (20, len(FEATURES)) and window.dtype == torch.float32 and torch.isfinite(window).all()
    part = rows[21 : 21 + 20]
    assert window[:, FEATURES.index("side")].tolist() == part["side"].to_list()
    assert window[:, FEATURES.index("is_execute")].tolist() == (part["kind"] == EventKind.EXECUTE).to_list()
    agent = int(part["agent"][-1])
    assert int(target) == (0 if agent < 50 else 1)


def test_the_move_of_the_midpoint_is_that_of_the_tape(made: Path) -> None:
    data = OrderFlowDataset(made, "test", target="mid_move", horizon=5)
    rows = data._rows(0)
    mid = ((rows["bid_ticks"] + rows["ask_ticks"]) / 2).to_numpy()
    k = len(data) - 1
    _, target = data[k]
    at = k + 99
    assert int(target) == int(np.sign(mid[at + 5] - mid[at])) + 1
    assert {int(data[j][1]) for j in range(0, len(data), 50)} <= {0, 1, 2}


def test_a_loader_gives_batches_in_any_order(made: Path) -> None:
    data = OrderFlowDataset(made, length=10, days_kept=1)
    loader = torch.utils.data.DataLoader(data, batch_size=32, shuffle=True, generator=torch.Generator().manual_seed(1))
    windows, targets = next(iter(loader))
    assert windows.shape == (32, 10, len(FEATURES)) and set(targets.tolist()) <= {-1, 0, 1}
    with pytest.raises(IndexError):
        data[len(data)]


def test_what_is_not_there_is_one_line(made: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="allowed: test, train, validation"):
        OrderFlowDataset(made, "tets")
    with pytest.raises(InputError, match="target = 'who'; allowed: population, mid_move"):
        OrderFlowDataset(made, target="who")
    with pytest.raises(InputError, match="holds no generate study"):
        OrderFlowDataset(tmp_path)


def test_the_card_says_what_it_is_and_whose(made: Path) -> None:
    text = (made / "CARD.md").read_text()
    for words in ("5: seeds 1", "train 3 days, validation 1 days, test 1 days", "Licence", "Limits", "outcry generate"):
        assert words in text
    assert "Recordings" not in text
