"""Each mistake in a scenario ends in one line: the file, the dotted path, the value, what is allowed."""

from __future__ import annotations

from pathlib import Path

import pytest

from lob.errors import InputError
from tests.scenarios.texts import SMALL, built


def complaint(folder: Path, text: str, *overrides: str) -> str:
    with pytest.raises(InputError) as caught:
        built(folder, text, *overrides)
    line = str(caught.value)
    assert "\n" not in line
    return line


def changed(old: str, new: str) -> str:
    assert old in SMALL
    return SMALL.replace(old, new)


def test_an_unknown_key_is_reported_with_the_nearest_known_one(tmp_path: Path) -> None:
    line = complaint(tmp_path, changed("count = 50", "conut = 50"))
    assert line.startswith(
        f"{tmp_path}/small.toml: population.zero.conut: unknown key (did you mean count?); allowed: "
    )


def test_an_unknown_table_is_reported_with_the_known_ones(tmp_path: Path) -> None:
    assert "popluation: unknown key (did you mean population?)" in complaint(tmp_path, "[popluation]\nx = 1\n")


def test_an_unknown_setting_is_reported_with_the_settings_of_the_kind(tmp_path: Path) -> None:
    line = complaint(tmp_path, changed("interval_s", "intervall_s"))
    assert "population.zero.settings.intervall_s: unknown key (did you mean interval_s?)" in line
    assert "market_share" in line


def test_an_unknown_kind_is_reported_with_the_nearest_known_name(tmp_path: Path) -> None:
    line = complaint(tmp_path, changed('"zero_intelligence"', '"zero_inteligence"'))
    assert 'population.zero.kind = "zero_inteligence" (did you mean zero_intelligence?); allowed: ' in line


def test_an_unknown_kind_of_trader_is_reported_with_the_known_ones(tmp_path: Path) -> None:
    line = complaint(tmp_path, SMALL + '[[trader]]\nname = "t"\nkind = "twpa"\n')
    assert 'trader.t.kind = "twpa" (did you mean twap?); allowed: llm, rl, twap' in line


def test_an_unknown_kind_of_latency_is_reported(tmp_path: Path) -> None:
    line = complaint(tmp_path, changed("count = 50", 'latency = { kind = "constat", delay_us = 1 }'))
    assert 'population.zero.latency.kind = "constat" (did you mean constant?)' in line


def test_a_negative_count_is_refused(tmp_path: Path) -> None:
    line = complaint(tmp_path, changed("count = 50", "count = -3"))
    assert "population.zero.count = -3; allowed: at least 1" in line


def test_a_count_with_a_fraction_is_refused(tmp_path: Path) -> None:
    assert "count = 3.5; allowed: a whole number" in complaint(tmp_path, changed("count = 50", "count = 3.5"))


def test_a_number_in_quotes_is_refused(tmp_path: Path) -> None:
    assert 'count = "50"; allowed: a whole number' in complaint(tmp_path, changed("= 50", '= "50"'))


def test_a_unit_written_into_the_value_is_refused_with_the_unit_of_the_field(tmp_path: Path) -> None:
    line = complaint(tmp_path, changed("interval_s = 2.0", 'interval_s = "2 min"'))
    assert 'population.zero.settings.interval_s = "2 min"; allowed: a number' in line
    assert "(in seconds)" in line


def test_a_wrong_unit_in_the_name_is_an_unknown_key(tmp_path: Path) -> None:
    line = complaint(tmp_path, changed("count = 50", 'latency = { kind = "constant", delay_min = 1 }'))
    assert "population.zero.latency.delay_min: unknown key" in line


def test_a_latency_in_two_units_is_refused(tmp_path: Path) -> None:
    line = complaint(tmp_path, changed("count = 50", 'latency = { kind = "constant", delay_us = 1, delay_ns = 1 }'))
    assert "allowed: exactly one of delay_ns, delay_us, delay_ms" in line


def test_a_distribution_with_a_wrong_name_is_refused(tmp_path: Path) -> None:
    line = complaint(tmp_path, changed("2.0", "{ unifrom = [1.0, 2.0] }"))
    assert "population.zero.settings.interval_s.unifrom: unknown key (did you mean uniform?)" in line


def test_a_distribution_with_reversed_bounds_is_refused(tmp_path: Path) -> None:
    assert "low <= high" in complaint(tmp_path, changed("2.0", "{ uniform = [2.0, 1.0] }"))


def test_a_session_that_ends_too_late_on_the_next_day_is_refused(tmp_path: Path) -> None:
    line = complaint(tmp_path, changed("open = 09:30:00\nclose = 09:40:00", "open = 15:30:00\nclose = 15:10:00"))
    assert "session.close = 15:10:00; allowed: a time before 15:00:00 of the next day" in line


def test_a_time_that_is_a_number_is_refused(tmp_path: Path) -> None:
    assert "session.open = 34200; allowed: a time such as" in complaint(tmp_path, changed("09:30:00", "34200"))


def test_a_halt_that_ends_before_it_starts_is_refused(tmp_path: Path) -> None:
    text = SMALL + '[[event]]\nkind = "halt"\nat = 09:35:00\nuntil = 09:34:00\n'
    assert "event[0].until = 09:34:00" in complaint(tmp_path, text)


@pytest.mark.parametrize(
    ("event", "wanted"),
    [
        ("lasts_s = 60.0", "event[0].at = None; allowed: either `at` and `until`, or `when` and `lasts_s`"),
        ("when = { falls_bp = 50 }", "event[0].lasts_s = None; allowed: above 0, since there is `when`"),
        ("when = { falls_bp = 50 }\nat = 09:34:00", "allowed: either `at` and `until`, or `when` and `lasts_s`"),
        ("at = 09:34:00\nuntil = 09:35:00\ntimes = 3", "event[0].times = 3; allowed: 1: with `at` it comes once"),
        (
            "when = { within_s = 9 }\nlasts_s = 9",
            "event[0].when.falls_bp = None; allowed: one of falls_ticks, falls_bp",
        ),
        ("when = { falls_bp = 9, spread_bp = 9 }\nlasts_s = 9", "spread_bp = 9.0; allowed: nothing: falls_bp is"),
        ("when = { spread_bp = 9, within_s = 9 }\nlasts_s = 9", "event[0].when.within_s = 9.0; allowed: nothing"),
        ("when = { drops = 9 }\nlasts_s = 9", "event[0].when.drops"),
    ],
)
def test_a_circuit_breaker_that_says_too_much_or_too_little_is_refused(tmp_path: Path, event: str, wanted: str) -> None:
    assert wanted in complaint(tmp_path, f'{SMALL}[[event]]\nkind = "halt"\n{event}\n')


def test_an_event_outside_the_session_is_refused(tmp_path: Path) -> None:
    text = SMALL + '[[event]]\nkind = "news"\nat = 12:00:00\nvalue = 1.0\n'
    assert "event[0].at = 12:00:00; allowed: a time within the session" in complaint(tmp_path, text)


def test_a_reference_price_off_the_tick_range_is_refused(tmp_path: Path) -> None:
    text = changed("reference_ticks = 10_000", "reference_ticks = 10_000\nmin_price_ticks = 20_000")
    assert "instrument.ABC.reference_ticks = 10000; allowed: 20000 to " in complaint(tmp_path, text)


def test_a_fundamental_value_off_the_tick_range_is_refused(tmp_path: Path) -> None:
    text = changed("reference_ticks = 10_000", 'fundamental = { kind = "ou", mean_ticks = 1e9 }')
    assert "instrument.ABC.fundamental.mean_ticks = 1000000000.0; allowed: " in complaint(tmp_path, text)


def test_a_fundamental_file_in_money_instead_of_ticks_is_refused(tmp_path: Path) -> None:
    (tmp_path / "value.csv").write_text("time_ns,value_ticks\n0,0.5\n")
    text = changed("reference_ticks = 10_000", 'fundamental = { kind = "file", path = "value.csv" }')
    assert "instrument.ABC.fundamental.path: value_ticks from 0.5" in complaint(tmp_path, text)


def test_a_fundamental_file_that_is_missing_is_named(tmp_path: Path) -> None:
    text = changed("reference_ticks = 10_000", 'fundamental = { kind = "file", path = "value.csv" }')
    line = complaint(tmp_path, text)
    assert "instrument.ABC.fundamental.path" in line and f"{tmp_path}/value.csv: not found" in line


def test_two_populations_of_one_name_are_refused(tmp_path: Path) -> None:
    text = SMALL + '[[population]]\nname = "zero"\nkind = "zero_intelligence"\n'
    assert 'population[1].name = "zero"; allowed: a name that population[0]' in complaint(tmp_path, text)


def test_a_population_in_an_unknown_instrument_is_refused(tmp_path: Path) -> None:
    text = changed("count = 50", 'symbol = "XYZ"')
    assert 'population.zero.symbol = "XYZ"; allowed: one of ABC' in complaint(tmp_path, text)


def test_a_missing_key_is_named(tmp_path: Path) -> None:
    assert "population.a.kind is missing" in complaint(tmp_path, '[[population]]\nname = "a"\n')


def test_a_schema_version_of_the_future_is_refused(tmp_path: Path) -> None:
    assert "schema_version = 2; allowed: 1" in complaint(tmp_path, "schema_version = 2")


def test_a_mistake_in_the_toml_is_reported_with_its_line(tmp_path: Path) -> None:
    assert "not valid TOML: " in complaint(tmp_path, "[session]\nopen = \n")
    assert "line 2" in complaint(tmp_path, "[session]\nopen = \n")


def test_settings_that_a_trader_does_not_take_are_refused(tmp_path: Path) -> None:
    text = SMALL + '[[trader]]\nname = "t"\nkind = "twap"\nsettings = { quantity = 3 }\n'
    line = complaint(tmp_path, text)
    assert "trader.t.settings.quantity: unknown key (did you mean quantity_lots?); allowed: side, quantity_lots" in line
    line = complaint(tmp_path, text.replace("quantity = 3", "quantity_lots = 0"))
    assert line.endswith("trader.t.settings.quantity_lots = 0; allowed: at least 1 (in lots)")


def test_a_module_that_does_not_exist_is_named(tmp_path: Path) -> None:
    line = complaint(tmp_path, changed('"zero_intelligence"', '"no_such_module:MINE"'))
    assert "no module no_such_module" in line


def test_a_name_that_is_no_policy_is_refused(tmp_path: Path) -> None:
    line = complaint(tmp_path, changed('"zero_intelligence"', '"json:dumps"'))
    assert 'kind = "json:dumps": is a function; allowed: a sim.policy.Policy object' in line


def test_a_scenario_that_does_not_exist_is_reported_with_the_nearest_name() -> None:
    from scenarios.schema.load import find_scenario

    with pytest.raises(InputError, match=r"no such file \(did you mean first_market\?\); library: "):
        find_scenario("frist_market")


def test_an_override_of_a_row_that_does_not_exist_is_reported(tmp_path: Path) -> None:
    line = complaint(tmp_path, SMALL, "population.zeros.count=5")
    assert "overrides=population.zeros.count=5: no row zeros (did you mean zero?)" in line


def test_an_override_without_a_value_is_reported(tmp_path: Path) -> None:
    assert "overrides=seed: not understood" in complaint(tmp_path, SMALL, "seed")
