"""What is wrong with order flow that somebody names is said in one line: what, where, what is allowed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lob.errors import InputError
from scenarios.data.flows import FlowSource, read_flows
from scenarios.realism.inputs import check_comparable
from tests.cli.test_commands import one_line, outcry
from tests.scenarios.texts import written
from tests.studies import generate

Lines = list[str]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a day in LOBSTER's format and as a tape."""
    folder = tmp_path_factory.mktemp("made")
    generate(str(written(folder)), folder / "out", formats=("lobster", "parquet"))
    return folder / "out"


def pair(folder: Path) -> tuple[Path, Path]:
    """Message and book file."""
    message = next(folder.rglob("*_message_*.csv"))
    return message, message.with_name(message.name.replace("_message_", "_orderbook_"))


def changed(made: Path, folder: Path, message: Callable[[Lines], Lines], book: Callable[[Lines], Lines]) -> Path:
    """Copies of both files with their lines changed; the path of the message file."""
    names = [folder / path.name for path in pair(made)]
    for name, path, change in zip(names, pair(made), (message, book), strict=True):
        lines = change(path.read_text().splitlines())
        name.write_text("".join(line + "\n" for line in lines))
    return names[0]


def same(lines: Lines) -> Lines:
    return lines


def columns(line: str, **values: str) -> str:
    """A message line with some of its columns replaced."""
    names = ("time", "type", "id", "size", "price", "direction")
    return ",".join(values.get(name, old) for name, old in zip(names, line.split(","), strict=True))


CASES: dict[str, tuple[Callable[[Lines], Lines], Callable[[Lines], Lines], str]] = {
    "missing column": (lambda m: [line.rsplit(",", 1)[0] for line in m], same, "5 columns; a message file has 6"),
    "unsorted times": (
        lambda m: [m[0], m[5], *m[1:5], *m[6:]], same, "line 3: time goes backwards; allowed: ascending times",
    ),
    "negative size": (
        lambda m: [*m[:3], columns(m[3], size="-5"), *m[4:]], same, "line 4: size = -5; allowed: above 0",
    ),
    "book of other length": (same, lambda b: b[:-1], "one row for each message is needed"),
    "book of another day": (same, lambda b: [b[0]] * len(b), "its orderbook file does not match"),
    "empty day": (lambda m: [], lambda b: [], "the file is empty"),
    "mixed tick sizes": (
        lambda m: [*m[:9], columns(m[9], price=str(int(m[9].split(",")[4]) + 50)), *m[10:]], same,
        "line 10: price",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_bad_file_is_named_with_what_is_allowed(case: str, made: Path, tmp_path: Path) -> None:
    message, book, words = CASES[case]
    path = changed(made, tmp_path, message, book)
    with pytest.raises(InputError) as caught:
        read_flows(path, pair(tmp_path)[1], "SIMULATED")
    assert words in str(caught.value) and str(path.parent) in str(caught.value) and "\n" not in str(caught.value)


def test_the_command_says_it_in_one_line_and_leaves_nothing(made: Path, tmp_path: Path) -> None:
    message, book, words = CASES["unsorted times"]
    path = changed(made, tmp_path, message, book)
    args = ("realism", str(path), "--orderbook", str(pair(tmp_path)[1]), "--against", str(made), "--no-models")
    _, err = outcry(tmp_path, *args, status=2)
    assert words in one_line(err)
    assert not (tmp_path / "runs").exists()


def test_a_place_without_order_flow_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file or folder"):
        read_flows(tmp_path / "nothing", None, "--against")
    with pytest.raises(InputError, match="no tape/, Parquet parts or recordings"):
        read_flows(tmp_path, None, "--against")


def test_a_part_in_which_nothing_happens_is_refused(made: Path) -> None:
    source = read_flows(made, None, "--against")
    for text, words in (("12:00", "two times"), ("12:00-11:00", "later"), ("03:00-04:00", "nothing happens")):
        with pytest.raises(InputError, match=words):
            source.part(text, "--window")


def test_all_forms_of_the_same_day_hold_the_same_flow(made: Path) -> None:
    tape, files = read_flows(made, None, "x"), read_flows(made / "lobster", None, "x")
    named = read_flows(*pair(made), "x")
    parts = read_flows(next((made / "tape").rglob("*.parquet")).parent, None, "x")
    assert len(tape.flow) == len(files.flow) == len(named.flow) == len(parts.flow) > 100
    for other in (files, named):
        assert (tape.flow.time_ns == other.flow.time_ns).all()
        assert (tape.flow.price_ticks == other.flow.price_ticks).all()


def test_flows_of_different_ticks_or_levels_are_not_compared(made: Path) -> None:
    one, few = read_flows(made, None, "x"), read_flows(made, None, "x", levels=4)
    with pytest.raises(InputError, match=r"tick sizes differ: 0\.01 in .*, 0\.05 in other; allowed: one tick size"):
        check_comparable(one, FlowSource(one.flows, "other", 0.05))
    with pytest.raises(InputError, match=r"records 10 levels, .* 4; allowed: as many levels in both"):
        check_comparable(one, few)
    check_comparable(one, FlowSource(one.flows, "unknown tick", float("nan")))


def test_several_generated_days_are_several_flows(tmp_path: Path) -> None:
    generate(str(written(tmp_path)), tmp_path / "out", days=2, formats=("parquet",))
    assert len(read_flows(tmp_path / "out", None, "x").flows) == 2
    outcry(tmp_path, "realism", "--help")
