"""`outcry orders` on runs and recordings: what it says, what it leaves, and what is refused."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import polars as pl
import pytest

from lob.types import EventKind
from scenarios import run_scenario
from scenarios.orders import analyse_orders, orders_page
from scenarios.orders.groups import AT_BEST, INSIDE
from sim.writer import read_tape
from tests.cli.inside import inside
from tests.scenarios.texts import SMALL, built
from tests.studies import generate


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run, "small"."""
    folder = tmp_path_factory.mktemp("orders")
    run_scenario(built(folder, SMALL + "[record]\npicture = false\n"), folder / "small", seed=1)
    return folder


def done(folder: Path, *arguments: str) -> str:
    status, out, err = inside(folder, "orders", *arguments)
    assert status == 0, err
    return out


def test_every_order_and_every_fill_of_a_run_is_counted_once(folder: Path) -> None:
    found, rows = analyse_orders(folder / "small"), read_tape(folder / "small" / "tape")
    assert found.n_orders == (rows["kind"] == EventKind.ADD).sum()
    executed = rows[rows["kind"] == EventKind.EXECUTE]
    assert found.n_fills == len(executed)
    summary = json.loads((folder / "small" / "summary.json").read_text())
    assert {row["name"] for row in summary["populations"]} >= set(
        found.fills.filter(pl.col("group") == "population")["label"]
    )
    # Lots of all that rested, and of all that took, are those that were traded.
    by_name = found.markouts.filter((pl.col("after_s") == 0) & (pl.col("population") != "all"))
    for who in ("rests", "takes"):
        assert by_name.filter(pl.col("who") == who)["lots"].sum() <= executed["qty_lots"].sum()
    assert by_name.filter(pl.col("who") == "takes")["fills"].sum() > 0.9 * len(executed)


def test_an_order_nearer_to_the_other_side_is_filled_sooner(folder: Path) -> None:
    fills = analyse_orders(folder / "small").fills
    left = fills.filter((pl.col("question") == "left") & (pl.col("within_s") == 10.0))
    value = dict(left.filter(pl.col("group") == "distance").select("label", "value").rows())
    assert value[INSIDE] > value[AT_BEST] > value[list(value)[-1]]
    assert left.select((pl.col("low") <= pl.col("value")) & (pl.col("value") <= pl.col("high"))).to_series().all()
    # Who only looks at withdrawn orders as unfilled finds no more fills than there would have been.
    went = fills.filter((pl.col("question") == "went") & (pl.col("within_s") == 10.0))
    assert (went["value"] <= left["value"] + 1e-12).all()


def test_the_answer_comes_first_and_the_folder_holds_a_page(folder: Path) -> None:
    out = done(folder, "small", "--out", "found", "--within", "0.5,5")
    assert out.startswith("If it is left in the book, an order at the best is filled within 5 s with probability ")
    assert out.splitlines()[-1] == f"Picture: {Path('found') / 'orders.png'}"
    names = {"orders.json", "fills.parquet", "markouts.parquet", "orders.png", "report.html"}
    assert {path.name for path in (folder / "found").iterdir()} == names
    png = (folder / "found" / "orders.png").read_bytes()
    assert struct.unpack(">II", png[16:24]) >= (900, 600)
    page = (folder / "found" / "report.html").read_text("utf-8")
    assert page.index('class="answer"') < page.index("<img ") < page.index("<details>") and 'src="http' not in page
    found = analyse_orders(folder / "small", [0.5, 5.0])
    assert orders_page(found, png) == page
    assert pl.read_parquet(folder / "found" / "fills.parquet").equals(found.fills)


def test_programs_get_one_document(folder: Path) -> None:
    document = json.loads(done(folder, "small", "--json"))
    assert document["questions"].keys() == {"left", "went", "before_move", "median"}
    assert len(document["fills"]) == len(done(folder, "small", "--csv").splitlines()) - 1


def test_what_stood_in_the_book_before_a_window_is_known(folder: Path) -> None:
    whole = analyse_orders(folder / "small")
    out = json.loads(done(folder, "small", "--json", "--window", "09:33-09:35"))
    assert 0 < out["n_orders"] < whole.n_orders and out["days"][0]["from"] == "09:33:00"
    assert not out["notes"]


def test_generated_days_are_put_together(tmp_path: Path) -> None:
    from tests.scenarios.texts import written

    generate(written(tmp_path), tmp_path / "days", days=2, seeds=[1], formats=["parquet", "lobster"])
    found = analyse_orders(tmp_path / "days")
    assert len(found.days) == 2 and sum(day["orders"] for day in found.days) == found.n_orders
    # From LOBSTER's files of ten levels, orders within them have the same places in the queue.
    shown = analyse_orders(tmp_path / "days" / "lobster")
    assert shown.n_fills == found.n_fills and 0.5 < shown.n_orders / found.n_orders <= 1
    asked = (pl.col("group") == "queue") & (pl.col("question") == "before_move")
    of_all, of_shown = found.fills.filter(asked), shown.fills.filter(asked)
    assert of_all["orders"].to_list() == of_shown["orders"].to_list()
    # The record ends with the last event, which may be one beyond the levels.
    assert of_all["value"].to_list() == pytest.approx(of_shown["value"].to_list(), abs=1e-3)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nothing",), "nothing: no such file or folder"),
        (("small", "--within", "5,1"), "up to 6 rising times above 0 s"),
        (("small", "--within", "soon"), "allowed: numbers with commas between"),
        (("small", "--window", "23:00-23:30"), "nothing happens between these times"),
        (("small", "--symbol", "XYZ"), "XYZ: allowed: ABC"),
        (("small", "--confidence", "1.5"), "from 0.5 to below 1"),
        ((".",), "no tape/, Parquet parts or recordings"),
    ],
)
def test_bad_input_is_one_line(folder: Path, arguments: tuple[str, ...], words: str) -> None:
    status, out, err = inside(folder, "orders", *arguments)
    assert status == 2 and out == "" and err.count("\n") == 1 and words in err, err
