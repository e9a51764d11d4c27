"""A Python trader's settings are the typed arguments of its constructor: checked before anything runs or is made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agents.rules import zero_intelligence
from lob.errors import InputError
from lob.rules import Instrument
from scenarios.build.json_schema import scenario_schema
from scenarios.build.market import Built
from sim.fundamental import ConstantValue
from sim.market import Market
from sim.settings import Listing, Population, Session
from sim.trader import Trader, TraderView
from sim.trader_settings import settings_model
from tests.scenarios.texts import SMALL, built

OWN = """
from __future__ import annotations
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal
from pydantic import Field
from sim.trader import Trader

MADE = []

class Mine(Trader):
    def __init__(self, lots: Annotated[int, Field(ge=1)], side: Literal["buy", "sell"] = "buy", index: int = -1,
                 weights: tuple[float, ...] = (), note=None, path: Path = Path("x")) -> None:
        MADE.append(self)
        if lots == 13:
            raise ValueError("13 brings bad luck")
        self.seen = (lots, side, index, weights, note, path)

    def on_wake(self, view):
        return None
"""


def with_settings(folder: Path, settings: str, name: str = "typed_trader") -> Built:
    (folder / f"{name}.py").write_text(OWN)
    return built(folder, SMALL + f'[[trader]]\nname = "t"\nkind = "{name}:Mine"\ncount = 2\nsettings = {settings}\n')


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ("{}", "trader.t.settings.lots is missing; it must be given"),
        ("{ lots = 0 }", "trader.t.settings.lots = 0; allowed: at least 1"),
        ("{ lots = '3' }", 'trader.t.settings.lots = "3"; allowed: a whole number'),
        ("{ lots = 1, side = 'bid' }", "trader.t.settings.side = \"bid\"; allowed: 'buy' or 'sell'"),
        (
            "{ lots = 1, lot = 2 }",
            "trader.t.settings.lot: unknown key (did you mean lots?); allowed: lots, side, index",
        ),
    ],
)
def test_a_wrong_setting_is_told_with_key_value_and_what_is_allowed(tmp_path: Path, settings: str, told: str) -> None:
    with pytest.raises(InputError) as caught:
        with_settings(tmp_path, settings)
    assert told in str(caught.value)


def test_settings_come_with_the_types_of_the_constructor(tmp_path: Path) -> None:
    parts = with_settings(tmp_path, '{ lots = 3.0, weights = [1, 2.5], note = { a = [1] }, path = "y" }')
    first, second = (trader for trader in parts.market().traders.values())
    assert first.seen == (3, "buy", 0, (1.0, 2.5), {"a": [1]}, Path("y"))  # type: ignore[attr-defined]
    assert second.seen[2] == 1  # type: ignore[attr-defined]


def test_what_only_the_constructor_knows_is_told_in_the_same_way(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"trader\.t\.settings: Mine refused them \(13 brings bad luck\)"):
        with_settings(tmp_path, "{ lots = 13 }").market()


def test_no_trader_is_made_only_to_be_asked() -> None:
    made: list[int] = []

    class Counted(Trader):
        def on_wake(self, view: TraderView) -> float | None:
            return None

    def make(index: int) -> Trader:
        made.append(index)
        return Counted()

    crowd = zero_intelligence.policy
    groups = [Population("t", 3, trader=make), Population("crowd", 5, crowd, crowd.settings())]
    stock = Listing(Instrument(n_prices=1000, reference_ticks=500), ConstantValue(500.0))
    market = Market([stock], groups, Session(0, 10**9))
    market.run()

    assert made == [0, 1, 2]
    market.fork()
    assert made == [0, 1, 2] * 2


def test_a_class_may_say_itself_what_its_settings_are() -> None:
    from agents.llm.investor import Investor
    from agents.llm.investor_settings import InvestorSettings

    assert settings_model(Investor) is InvestorSettings

    class Open(Trader):
        def __init__(self, lots: int = 1, **more: Any) -> None: ...

    class Odd(Trader):
        def __init__(self, table: Missing = None, where: Any = 3) -> None: ...  # type: ignore[name-defined]  # noqa: F821

    class Named(Trader):
        def __init__(self, copy: int = 1, _own: int = 2, wrong: Trader | None = None) -> None: ...

    assert settings_model(Named).model_validate({"copy": 3, "_own": 4, "wrong": 5})
    with pytest.raises(ValueError, match="copy"):
        settings_model(Named).model_validate({"copy": "x"})
    assert settings_model(Open).model_validate({"lots": 2, "x": [1]}).model_extra == {"x": [1]}
    assert settings_model(Odd).model_validate({"table": object()})
    assert not settings_model(Trader).model_fields


def test_the_schema_knows_the_settings_of_traders() -> None:
    schema = scenario_schema()
    kinds = [rule["if"]["properties"]["kind"]["const"] for rule in schema["$defs"]["TraderTable"]["allOf"]]
    assert kinds == ["llm", "rl", "twap"]
    assert schema["$defs"]["TwapTraderSettings"]["properties"]["quantity_lots"]["minimum"] == 1
    assert "personas" in schema["$defs"]["InvestorSettings"]["properties"]
    assert schema["$defs"]["PopulationTable"]["allOf"]


@pytest.mark.parametrize("table", ['"hunter22"', '{ kind = "openai", base_url = "http://a:hunter22@host" }',
                                   '{ kind = "openai", api_key = "hunter22" }'])  # fmt: skip
def test_a_key_in_the_wrong_place_is_not_shown(tmp_path: Path, table: str) -> None:
    with pytest.raises(InputError, match=r"trader\.t\.settings.backend") as caught:
        built(tmp_path, SMALL + f'[[trader]]\nname = "t"\nkind = "llm"\nsettings = {{ backend = {table} }}\n')
    assert "hunter22" not in str(caught.value)
