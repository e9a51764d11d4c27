"""Generated data: each day is a run that anybody can make again, labels say who did what, nothing is half there."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from lob.errors import InputError, RunError
from lob.lobster import read_day
from lob.replay import replay
from scenarios.data import generation
from scenarios.data.generation import FORMATS, day_seed
from sim.formats import read_dbn, read_hftbacktest
from sim.hash import hash_tape
from sim.writer import scan_tape
from tests.scenarios.texts import SMALL, built, written
from tests.studies import generate

TEXT = (
    SMALL.replace("09:40:00", "09:33:00")
    + """
[[population]]
name = "metaorder"
kind = "twap"
settings = { quantity_lots = 30, n_slices = 5, start_s = 30.0, duration_s = 60.0, parent_id = 7 }

[[instrument]]
name = "SECOND"

[[population]]
name = "others"
kind = "zero_intelligence"
count = 20
symbol = "SECOND"
settings = { interval_s = 2.0 }

[[event]]
kind = "halt"
at = 09:31:00
until = 09:31:20

[[event]]
name = "earnings"
kind = "news"
at = 09:32:00
value = 12
symbol = "SECOND"
"""
)


def make(tmp_path: Path, out: str = "out", **options: Any) -> generation.Generated:
    return generate(written(tmp_path, TEXT), tmp_path / out, **options)


def test_each_day_is_the_run_of_its_seed_on_a_weekday_of_its_own(tmp_path: Path) -> None:
    found = make(tmp_path, days=6, seeds=[3, 4])
    rows = found.manifest
    assert len(rows) == 6 * 2 * 2 and set(rows["status"]) == {"done"}
    dates = rows.filter((pl.col("seed") == 3) & (pl.col("symbol") == "ABC"))["date"].to_list()
    assert dates == ["2024-01-02", "2024-01-03", "2024-01-04", "2024-01-05", "2024-01-08", "2024-01-09"]
    one = rows.filter((pl.col("seed") == 4) & (pl.col("date") == "2024-01-04")).row(0, named=True)
    assert one["run_seed"] == day_seed(4, 2) == 40_002
    market = built(tmp_path, TEXT).market(one["run_seed"])
    market.run()
    folder = found.folder / "tape" / "seed=4" / "date=2024-01-04"
    assert hash_tape(folder) == one["tape_hash"]
    assert scan_tape(folder).select(pl.len()).collect().item() == len(market.tape)
    both = rows.filter((pl.col("seed") == 4) & (pl.col("date") == "2024-01-04"))
    assert both["n_rows"].sum() == len(market.tape)
    lazy = pl.scan_parquet(found.folder / "tape" / "**" / "*.parquet", hive_partitioning=True)
    counts = lazy.group_by("seed", "date").len().collect()
    assert len(counts) == 12 and counts["len"].sum() == rows["n_rows"].sum()


def test_all_formats_of_all_instruments_are_there_and_readable(tmp_path: Path) -> None:
    pytest.importorskip("databento_dbn")
    found = make(tmp_path, formats=FORMATS, levels=50)
    for row in found.manifest.rows(named=True):
        assert all((found.folder / name).is_file() for name in row["files"])
        assert row["bytes"] == sum((found.folder / name).stat().st_size for name in row["files"])
        mine = [found.folder / name for name in row["files"] if f"/{row['symbol']}_" in name]
        messages = next(p for p in mine if "message" in p.name)
        day = read_day(messages, next(p for p in mine if "orderbook" in p.name))
        assert replay(day).agreement == 1.0 and (day.messages["type"] == 4).sum() == row["n_trades"]
        assert (read_dbn(next(p for p in mine if p.suffix == ".dbn"))["action"] == b"T").sum() == row["n_trades"]
        events = read_hftbacktest(next(p for p in mine if p.suffix == ".npz"))
        assert ((events["ev"] & 0xFF) == 2).sum() == row["n_trades"]
    assert not list(found.folder.rglob("*.tmp"))


def test_labels_name_the_population_of_every_order_the_metaorder_and_the_events(tmp_path: Path) -> None:
    found = make(tmp_path, seeds=[5])
    where = Path("seed=5") / "date=2024-01-02"
    orders = pl.read_parquet(found.folder / "labels" / where / "orders-*.parquet")
    tape = scan_tape(found.folder / "tape" / where).collect()
    traded = tape.filter(pl.col("kind") == "execute")
    known = set(orders.select("symbol", "order_id").rows())
    names = ["ABC", "SECOND"]
    for row in traded.rows(named=True):
        assert (names[row["symbol"]], row["order_id"]) in known
        assert (names[row["symbol"]], row["contra_order_id"]) in known
    assert set(orders["population"]) == {"zero", "metaorder", "others"}
    metaorder = orders.filter(pl.col("parent_id") == 7)
    assert len(metaorder) >= 3 and set(metaorder["population"]) == {"metaorder"} and set(metaorder["symbol"]) == {"ABC"}
    assert set(orders.filter(pl.col("population") == "others")["symbol"]) == {"SECOND"}
    assert orders.filter(pl.col("population") == "others")["index"].max() < 20
    events = pl.read_parquet(found.folder / "labels" / where / "events.parquet")
    news = events.filter(pl.col("kind") == "news").row(0, named=True)
    assert (news["name"], news["symbol"], news["detail"]) == ("earnings", "SECOND", "12")
    phases = events.filter((pl.col("kind") == "phase") & (pl.col("symbol") == "ABC"))["detail"].to_list()
    assert phases == ["continuous", "halted", "continuous", "closed"]
    without = make(tmp_path, "bare", labels=False)
    assert not (without.folder / "labels").exists()


def test_results_do_not_depend_on_the_executor(tmp_path: Path) -> None:
    one = make(tmp_path, "one", days=2, formats=("parquet", "lobster"))
    two = make(tmp_path, "two", days=2, formats=("parquet", "lobster"), executor="process", workers=2)
    assert one.manifest.equals(two.manifest)
    for path in sorted(
        p for p in one.folder.rglob("*") if p.suffix in (".csv", ".parquet") and "results" not in p.parts
    ):
        assert path.read_bytes() == (two.folder / path.relative_to(one.folder)).read_bytes()


def test_a_stopped_generation_goes_on_and_a_failed_day_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = make(tmp_path, "whole", days=4)
    task = generation._Task.__call__

    def sometimes(self: Any, day: Any) -> Any:
        if day.date == "2024-01-03":
            raise RunError("capacity exceeded")
        return task(self, day)

    monkeypatch.setattr(generation._Task, "__call__", sometimes)
    some = make(tmp_path, "parts", days=3)
    assert some.failed["error"].to_list() == ["capacity exceeded"] and len(some.manifest) == 5
    monkeypatch.undo()
    made: list[str] = []

    def counted(self: Any, day: Any) -> Any:
        made.append(day.date)
        return task(self, day)

    monkeypatch.setattr(generation._Task, "__call__", counted)
    rest = make(tmp_path, "parts", days=4, resume=True)
    assert made == ["2024-01-03", "2024-01-05"] and len(rest.failed) == 0
    assert rest.manifest.drop("error").equals(whole.manifest.drop("error"))
    with pytest.raises(InputError, match="another study"):
        make(tmp_path, "parts", days=4, formats=("lobster",), resume=True)
    replaced = make(tmp_path, "parts", days=1, formats=("lobster",), overwrite=True)
    assert not (replaced.folder / "tape").exists() and len(replaced.manifest) == 2


def test_a_day_that_breaks_off_leaves_nothing_half_written(tmp_path: Path) -> None:
    text = TEXT.replace('[[instrument]]\nname = "ABC"', '[[instrument]]\nname = "ABC"\nmax_orders = 30', 1)
    with pytest.raises(RunError, match=r"none of 1 days could be made.*max_orders"):
        generate(written(tmp_path, text), tmp_path / "out", formats=("parquet", "lobster"))
    left = [p.name for p in (tmp_path / "out").rglob("*") if p.is_file()]
    assert not [name for name in left if name.endswith((".csv", ".tmp")) or "orders" in name]
    shutil.rmtree(tmp_path / "out")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"formats": ("csv",)}, "format csv: no such format; allowed: parquet, lobster, dbn, itch, hftbacktest"),
        ({"formats": ()}, "a format"),
        ({"days": 0}, "1 to 9999 days"),
        ({"levels": 0}, "1 to 200 levels"),
        ({"seeds": [1, 1]}, "none twice"),
        ({"seeds": [-1]}, "from 0 to"),
        ({"formats": ("lobster",), "overrides": ("instrument.ABC.tick_size=1e-5",)}, "multiples of 0.0001"),
        ({"executor": "slurm"}, "process, ray, serial"),
    ],
)
def test_bad_input_is_one_line_before_anything_is_written(tmp_path: Path, options: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError) as error:
        make(tmp_path, **options)
    assert words in str(error.value) and "\n" not in str(error.value)
    assert not (tmp_path / "out").exists()
