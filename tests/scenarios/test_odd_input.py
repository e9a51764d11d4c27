"""Odd files, texts and numbers end in one line that says what is wrong, or mean what they say."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lob.errors import InputError
from scenarios.build.market import build, checked_seed
from scenarios.cli._console import moment, warnings_of
from scenarios.cli._options import numbers, seed_list
from scenarios.schema.load import load_scenario, source_of
from scenarios.schema.times import duration_s
from scenarios.schema.toml_text import toml_text
from sim.settings import Session
from tests.scenarios.texts import SMALL, built, written


def complaint(folder: Path, text: str, *overrides: str) -> str:
    with pytest.raises(InputError) as caught:
        built(folder, text, *overrides)
    return one_line(caught.value)


def one_line(error: Exception) -> str:
    assert str(error).isprintable(), str(error)
    return str(error)


# ---- times --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("offset", ["-05:00", "+00:00", "Z"])
@pytest.mark.parametrize("place", ["open", "close", "at"])
def test_a_utc_offset_is_refused_wherever_a_time_stands(tmp_path: Path, offset: str, place: str) -> None:
    text = SMALL + '[[event]]\nkind = "halt"\nat = 09:31:00\nuntil = 09:32:00\n'
    time = {"open": "09:30:00", "close": "09:40:00", "at": "09:31:00"}[place]
    line = complaint(tmp_path, text.replace(f"{place} = {time}", f'{place} = "{time}{offset}"'))
    assert f'{place} = "{time}{offset}"; allowed: a time of the exchange\'s own clock, without a UTC offset' in line


@pytest.mark.parametrize(
    "text", ["09:31:00-05:00", "\uff11\uff12:00", "noon", "25:00", "2024-01-01T09:31:00", "", "09:31\0"]
)
def test_until_is_a_plain_time_of_day(text: str) -> None:
    with pytest.raises(InputError, match="--until"):
        moment(text, Session())


def test_times_and_numbers_are_written_in_ascii() -> None:
    for wrong in ("\uff11\uff12s", "1e3s", "-5m", "1_000s", "inf", "9" * 400):
        with pytest.raises(InputError):
            duration_s(wrong, "--start")
    for wrong in ("\uff11,2", "nan", "1,inf", "", "1,,2"):
        with pytest.raises(InputError):
            numbers(wrong, "--level")
    assert duration_s("1.5h", "--start") == 5400 and numbers("0.01,5", "--level") == (0.01, 5.0)


# ---- seeds --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["1..99999999999", "1..2,0..9999999999999999999", "\uff19..\uff11\uff12", "-1",
                                  "1...3", "a", "5..3", "9223372036854775808", "1" * 5000, ""])  # fmt: skip
def test_seeds_that_cannot_be_are_refused_before_a_list_is_made(text: str) -> None:
    with pytest.raises(InputError, match=r"--seeds .*(allowed|empty)") as caught:
        seed_list(text)
    assert len(one_line(caught.value)) < 200


def test_seeds_are_numbers_and_ranges() -> None:
    assert seed_list("1..3, 7,9223372036854775807") == [1, 2, 3, 7, 2**63 - 1]


@pytest.mark.parametrize("seed", [-1, 2**63, 2**64, 10**4000, 1.0, "1", True, None])
def test_a_seed_out_of_range_is_refused_with_the_range(seed: Any) -> None:
    with pytest.raises(InputError, match="allowed: a whole number from 0 to 9223372036854775807"):
        checked_seed(seed)


def test_a_market_takes_any_whole_number_as_seed_and_refuses_others(tmp_path: Path) -> None:
    parts = built(tmp_path)
    assert parts.market(np.int64(5)).seed == parts.market(5).seed  # type: ignore[arg-type]
    assert parts.config_hash(np.uint8(5)) == parts.config_hash(5)  # type: ignore[arg-type]
    for wrong in (2**63, 2**64, -1):
        with pytest.raises(InputError, match="allowed: a whole number from 0"):
            parts.market(wrong)


# ---- texts and numbers of a scenario --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a\\u0000b", "a\\nb", "\\u001b[31mred", "a\\u202eb", "a\\u0007"])
def test_a_name_with_control_characters_is_refused_and_not_printed(tmp_path: Path, name: str) -> None:
    for old in ('name = "ABC"', 'name = "zero"'):
        line = complaint(tmp_path, SMALL.replace(old, f'name = "{name}"'))
        assert line.endswith("allowed: a text without control characters")


@pytest.mark.parametrize("name", ["Ünï", "A/B", "東京", "A B", "a'b\\\"c", "<b>"])
def test_any_other_name_is_kept(tmp_path: Path, name: str) -> None:
    parts = built(tmp_path, SMALL.replace('name = "ABC"', f'name = "{name}"'))
    again = source_of({**parts.scenario.model_dump()}, tmp_path / "x.toml").scenario
    assert again.instrument[0].name == parts.scenario.instrument[0].name


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        ("count = 50", f"count = {'1' * 5000}", "not valid TOML"),
        ("count = 50", f"settings2 = {'[' * 5000}", "nested too deeply"),
        ("count = 50", f"{'a.' * 5000}b = 1", "nested too deeply"),
        ("[session]", f"seed = {2**63}\n[session]", f"seed = {2**63}; allowed: below {2**63}"),
        ("[session]", f"seed = {2**64}\n[session]", f"seed = {2**64}; allowed: "),
        ("[session]", f"seed = {10**400}\n[session]", "seed = 1000"),
        ("reference_ticks = 10_000", "tick_size = 1e308", "tick_size = 1e+308; allowed: at most 1000000000"),
        ("reference_ticks = 10_000", "tick_size = 1e-300", ".ABC.tick_size = 1e-300; allowed: at least 1e-12"),
        ("reference_ticks = 10_000", "reference_ticks = 10_000_000_000", "allowed: at most 1073741824"),
        ("reference_ticks = 10_000", "reference_ticks = 1_073_741_824", "n_prices = 65536; allowed: at most 32769"),
        ("reference_ticks = 10_000", "taker_fee_bps = 0.000004", "taker_fee_bps = 4e-06; allowed: steps of 0.00001"),
        ("reference_ticks = 10_000", "taker_fee_bps = nan", "taker_fee_bps"),
        ("reference_ticks = 10_000", 'fundamental = { kind = "ou", sigma_ticks_per_sqrt_s = 1e300 }', "at most 10737"),
        ("reference_ticks = 10_000", 'fundamental = { kind = "ou", kappa_per_s = inf }', "allowed: "),
        ("count = 50", 'latency = { kind = "constant", delay_ms = 1e300 }', "delay_ms = 1e+300; allowed: at most"),
        ("count = 50", 'latency = { kind = "constant", delay_ms = 1e10 }', "delay_ms = 10000000000.0; allowed: "),
        ("interval_s = 2.0", "interval_s = 1e300", "interval_s = 1e+300; allowed: at most 1e+08"),
        ("interval_s = 2.0", "interval_s = nan", "interval_s = nan; allowed: a finite number"),
        ("interval_s = 2.0", "interval_s = { normal = [5.0, nan] }", "normal of finite numbers"),
        ("interval_s = 2.0", "interval_s = { normal = [5.0, 3.0] }", "allowed: draws above 0 only, such as with min"),
        ("interval_s = 2.0", "size_lots = 0.5", "size_lots = 0.5; allowed: a whole number or a distribution (in lots"),
        ("interval_s = 2.0", "size_lots = 2.5", "size_lots = 2.5; allowed: a whole number or a distribution (in lots"),
        ("interval_s = 2.0", "size_lots = { uniform = [0.2, 3.0] }", "draws at least 1 only, such as with min = 1"),
        ("count = 50", "limits = { max_position_lots = 10.5 }", "max_position_lots = 10.5; allowed: a whole number"),
    ],
)  # fmt: skip
def test_a_number_that_cannot_work_is_refused_at_load(tmp_path: Path, old: str, new: str, wanted: str) -> None:
    assert wanted in complaint(tmp_path, SMALL.replace(old, new, 1))


@pytest.mark.parametrize(
    "event",
    [
        'kind = "halt"\nlasts_s = 1e308\nwhen = { falls_bp = 50 }',
        'kind = "halt"\nlasts_s = 60\nwhen = { falls_ticks = 1e308 }',
        'kind = "halt"\nlasts_s = 60\ntimes = 100000000000000000000\nwhen = { falls_bp = 50 }',
        'kind = "news"\nat = 09:31:00\nvalue = 1e308',
        'kind = "bulletin"\nat = 09:31:00\ntext = "x\\u0000"',
        'kind = "bulletin"\nat = 09:31:00\ntext = "x"\nheard_by = [{ trader = "t", delay_s = 1e308 }]',
    ],
)
def test_an_event_that_cannot_work_is_refused_at_load(tmp_path: Path, event: str) -> None:
    assert "event[0]." in complaint(tmp_path, f"{SMALL}[[event]]\n{event}\n")


def test_a_whole_number_may_be_written_with_a_point(tmp_path: Path) -> None:
    text = (
        SMALL.replace("count = 50", "count = 50.0").replace("10_000", "10_000.0").replace("2.0", "2, size_lots = 3.0")
    )
    parts = built(tmp_path, text)
    assert parts.populations[0].count == 50 and parts.listings[0].instrument.reference_ticks == 10_000
    assert parts.scenario.population[0].settings["size_lots"] == 3


def test_a_long_path_survives_in_the_run_folders_scenario(tmp_path: Path) -> None:
    folder = tmp_path / ("long-" * 20)
    folder.mkdir()
    (folder / "value.csv").write_text("time_ns,value_ticks\n0,10000\n")
    text = SMALL.replace(
        "reference_ticks = 10_000", f'fundamental = {{ kind = "file", path = "{folder.name}/value.csv" }}'
    )
    parts = built(tmp_path, text)
    again = build(load_scenario(str(written(tmp_path, toml_text(parts.scenario.model_dump()), "again.toml"))))
    assert again.content == parts.content


@pytest.mark.parametrize(
    "override",
    ["population.²=1", "population[9999999999999]=1", "population.zero.count=" + "1" * 5000, "seed=1\nname='x'", "=",
     "a", "population.zero.count=" + "[" * 5000, "population.zero.name='\udcff'", "description=\udcff",
     "population.\0=1", "seed.x=1", "population.zero.count.x=1"],
)  # fmt: skip
def test_an_override_that_means_nothing_is_one_line(tmp_path: Path, override: str) -> None:
    assert len(complaint(tmp_path, SMALL, override)) < 400


# ---- files --------------------------------------------------------------------------------------------------------


def test_what_is_no_scenario_file_is_told_by_what_it_is(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (run / "summary.json").write_text("{}")
    (run / "scenario.toml").write_text(SMALL)
    with pytest.raises(InputError, match=r"is a run folder; allowed: a TOML file, such as .*run/scenario\.toml"):
        load_scenario(str(run))
    os.mkfifo(tmp_path / "pipe.toml")
    with pytest.raises(InputError, match="is no regular file"):
        load_scenario(str(tmp_path / "pipe.toml"))
    latin = 'description = "caf\xe9"'.encode("latin-1")
    contents = {"latin.toml": latin, "utf16.toml": SMALL.encode("utf-16"), "book.zip": b"PK\x03\x04\xff"}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match="not a text") as caught:
            load_scenario(str(tmp_path / name))
        one_line(caught.value)
    for path in ("x" * 5000, "a\0b", str(tmp_path / "no" / "such.toml"), "\udcff.toml"):
        with pytest.raises(InputError) as caught:
            load_scenario(path)
        one_line(caught.value)


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.toml"
    with path.open("wb") as file:
        file.truncate(10**11)
    with pytest.raises(InputError, match="100,000,000,000 bytes; allowed: a scenario of up to"):
        load_scenario(str(path))


def test_an_archive_that_would_fill_the_memory_is_not_unpacked(tmp_path: Path) -> None:
    from sim.files.kinds import check_archive

    path = tmp_path / "day.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("message.csv", "1,1\n")
    check_archive(path)
    # The size that the directory at the archive's end promises, which zipfile never reads beyond.
    data = bytearray(path.read_bytes())
    at = data.index(b"PK\x01\x02") + 24
    data[at : at + 4] = (0xFFFFFFF0).to_bytes(4, "little")
    path.write_bytes(data * 1)
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w") as archive:
        for k in range(5):
            info = zipfile.ZipInfo(f"{k}.csv")
            archive.writestr(info, b"")
            archive.filelist[-1].file_size = 0xFFFFFFF0
    with pytest.raises(InputError, match=r"bomb\.zip: would unpack to 20 GiB; allowed: 16 GiB"):
        check_archive(tmp_path / "bomb.zip")
    text = SMALL.replace('"zero_intelligence"', '"replay"').replace("interval_s = 2.0", 'message = "bomb.zip"')
    assert "bomb.zip: would unpack to 20 GiB" in complaint(tmp_path, text)


# ---- said loudly --------------------------------------------------------------------------------------------------


def test_a_group_of_which_no_order_was_accepted_is_named_at_the_end() -> None:
    rows = [{"name": "good", "n_orders": 5, "n_rejects": 9}, {"name": "bad", "n_orders": 0, "n_rejects": 7},
            {"name": "idle", "n_orders": 0, "n_rejects": 0}]  # fmt: skip
    (line,) = warnings_of({"populations": rows, "rejects": {"qty_out_of_range": 16}})
    assert line.startswith("no order of bad was accepted: all of its 7 messages were rejected")
    assert "qty_out_of_range" in line
    assert warnings_of({"populations": rows[::2], "rejects": {"risk_quantity": 9}}) == []


# ---- anything -----------------------------------------------------------------------------------------------------

FULL = (
    SMALL
    + """
[[population]]
name = "noise"
kind = "noise"
latency = { kind = "lognormal", median_us = 40.0, sigma = 0.5 }
limits = { max_order_lots = 50 }
settings = { interval_s = { lognormal = [30.0, 0.5], max = 60.0 }, size_sigma = 0.7 }
[[trader]]
name = "worker"
kind = "twap"
settings = { side = "buy", quantity_lots = 20, duration_s = 60.0 }
[[event]]
kind = "halt"
when = { falls_bp = 50.0, within_s = 60.0 }
lasts_s = 30.0
[[event]]
kind = "bulletin"
at = 09:31:00
text = "something"
heard_by = [{ trader = "worker", delay_s = 1.0 }]
[[event]]
kind = "kill"
at = 09:35:00
population = "noise"
[[calibrate]]
name = "x"
set = ["population.noise.settings.interval_s"]
low = 1.0
high = 2.0
"""
)
TEXTS = ["", "nan", "ABC", "noise", "1e400", "09:31:00+01:00", "\uff12", "\0", "a:b", "../../x", "os:system"]
PAIR = st.lists(st.floats(), min_size=2, max_size=2)
VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.sampled_from(TEXTS),
    st.sampled_from([2**63, -(2**64), 10**30]), st.lists(st.floats(), max_size=3),
    st.dictionaries(st.text(max_size=5), st.integers(), max_size=2), st.fixed_dictionaries({"uniform": PAIR}),
    st.fixed_dictionaries({"normal": PAIR, "min": st.floats()}),
    st.fixed_dictionaries({"choice": st.lists(st.floats(), max_size=3)}),
)  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, part in inner for place in places(part, (*path, key)))]


@settings(max_examples=200)
@given(st.data())
def test_no_change_of_a_scenario_ends_in_anything_but_one_line(data: st.DataObject) -> None:
    import copy
    import tomllib

    tables = copy.deepcopy(tomllib.loads(FULL))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.sampled_from(places(tables)[1:]))
        at: Any = tables
        for key in place[:-1]:
            at = at[key]
        match data.draw(st.sampled_from(["value", "value", "value", "drop", "key"])):
            case "value":
                at[place[-1]] = data.draw(VALUES)
            case "drop":
                del at[place[-1]]
            case "key" if isinstance(at, dict):
                at[data.draw(st.text(max_size=8))] = data.draw(VALUES)
    try:
        parts = build(source_of(tables, Path("mutated.toml")))
        parts.config_hash(1)
        toml_text(parts.scenario.model_dump())
    except InputError as error:
        one_line(error)


@settings(max_examples=200, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_no_damage_to_a_file_ends_in_anything_but_one_line(tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "damaged.toml"
    content = bytearray(FULL.encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        end = at + data.draw(st.integers(0, 12))
        content[at:end] = data.draw(
            st.one_of(st.binary(max_size=8), st.text(max_size=6).map(lambda t: t.encode("utf-8", "replace")))
        )
    path.write_bytes(content)
    try:
        build(load_scenario(str(path)))
    except InputError as error:
        one_line(error)
