"""Numbers of agents' settings: what can be drawn is allowed, quantities are whole, amounts fit their unit."""

from __future__ import annotations

import math
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, ValidationError

from agents.background.hawkes import Hawkes
from agents.makers.market_maker import MarketMaker
from agents.rules.momentum import Momentum
from agents.rules.noise import Noise
from agents.rules.value import Value
from agents.rules.zero_intelligence import ZeroIntelligence
from sim.distributions import Distribution, Lots, NonNegative, Number, Positive, Settings, draw, whole_fields


class Sample(Settings):
    """One setting of each kind."""

    size_lots: Lots = 1
    wait_s: Positive = 1.0
    offset_ticks: Number = 0.0
    weight: NonNegative = 0.0
    share: Annotated[float, Field(ge=0, le=1)] | Distribution = 0.5


@pytest.mark.parametrize(
    "wrong",
    [
        {"normal": (1.0, math.nan)},
        {"normal": (math.inf, 1.0)},
        {"normal": (1.0, -1.0)},
        {"uniform": (math.nan, 1.0)},
        {"uniform": (2.0, 1.0)},
        {"lognormal": (math.inf, 1.0)},
        {"lognormal": (1.0, 30.0)},
        {"lognormal": (0.0, 1.0)},
        {"exponential": -1.0},
        {"exponential": math.nan},
        {"choice": (1.0, math.inf)},
        {"choice": ()},
        {"normal": (0.0, 1.0), "min": math.nan},
        {"normal": (0.0, 1.0), "min": 2.0, "max": 1.0},
        {"normal": (0.0, 1.0), "min": math.inf},
        {"uniform": (0.0, 1.0), "choice": (1.0,)},
        {},
    ],
)
def test_a_distribution_of_what_is_no_number_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Distribution(**wrong)


@pytest.mark.parametrize(
    ("name", "distribution", "allowed"),
    [
        ("wait_s", Distribution(normal=(10.0, 5.0)), "draws above 0 only, such as with min"),
        ("wait_s", Distribution(uniform=(0.0, 5.0)), "draws above 0 only"),
        ("weight", Distribution(normal=(10.0, 5.0)), "draws at least 0 only"),
        ("share", Distribution(exponential=0.1), "draws at most 1 only"),
        ("size_lots", Distribution(uniform=(0.5, 3.0)), "draws at least 1 only, such as with min = 1"),
        ("size_lots", Distribution(lognormal=(10.0, 1.0)), "draws at least 1 only, such as with min = 1"),
        ("size_lots", Distribution(uniform=(1.0, 1e12)), "draws up to"),
        ("offset_ticks", Distribution(choice=(0.0, 1e10)), "draws up to"),
    ],
)
def test_a_distribution_that_could_draw_what_its_setting_forbids_is_refused(
    name: str, distribution: Distribution, allowed: str
) -> None:
    with pytest.raises(ValidationError, match=allowed):
        Sample(**{name: distribution})


@pytest.mark.parametrize(
    "right",
    [
        {"wait_s": Distribution(normal=(10.0, 5.0), min=0.1)},
        {"wait_s": Distribution(exponential=3.0)},
        {"weight": Distribution(uniform=(0.0, 0.002))},
        {"share": Distribution(exponential=0.1, max=1.0)},
        {"size_lots": Distribution(lognormal=(10.0, 1.0), min=1)},
        {"offset_ticks": Distribution(normal=(0.0, 50.0))},
    ],
)
def test_a_distribution_within_the_bounds_is_taken(right: dict[str, Any]) -> None:
    assert Sample(**right)


@given(st.integers(0, 2**63), st.floats(1.0, 5.0), st.floats(0.0, 10.0))
def test_a_drawn_quantity_is_whole_and_never_0(key: int, low: float, width: float) -> None:
    spread = Distribution(uniform=(low, low + width))
    assert Sample(size_lots=spread).size_lots == spread
    lots = draw(spread, key, 0, is_whole=True)
    assert lots == math.floor(draw(spread, key, 0)) >= 1  # rounded down, as docs and docstring say


def test_the_fields_that_are_whole_are_known_by_their_type() -> None:
    assert whole_fields(Sample) == {"size_lots"}
    assert {"size_lots", "max_distance_ticks"} <= whole_fields(ZeroIntelligence)
    assert "interval_s" not in whole_fields(ZeroIntelligence)


@pytest.mark.parametrize(
    ("name", "value"), [("wait_s", 1e12), ("offset_ticks", -1e11), ("size_lots", 2**31), ("weight", 1e301)]
)
def test_an_amount_that_no_message_or_clock_can_hold_is_refused(name: str, value: float) -> None:
    with pytest.raises(ValidationError, match="at most"):
        Sample(**{name: value})


@pytest.mark.parametrize(
    ("kind", "name"), [(ZeroIntelligence, "size_lots"), (ZeroIntelligence, "max_distance_ticks"),
                       (MarketMaker, "min_size_lots")],
)  # fmt: skip
def test_a_part_of_a_lot_or_tick_is_refused_and_a_whole_float_taken(kind: type[Settings], name: str) -> None:
    for wrong in (0.5, 2.5, 0, -1):
        with pytest.raises(ValidationError):
            kind(**{name: wrong})
    assert getattr(kind(**{name: 2.0}), name) == 2


@pytest.mark.parametrize("kind", [Noise, Value, Momentum, Hawkes])
def test_a_size_without_spread_is_whole_and_a_median_need_not_be(kind: type[Settings]) -> None:
    for wrong in (0.5, 2.5):
        with pytest.raises(ValidationError, match=r"size_lots = .*a whole number of lots"):
            kind(size_lots=wrong, size_sigma=0.0)
    assert kind(size_lots=2.0, size_sigma=0.0)
    assert kind(size_lots=37.15, size_sigma=0.9)
