"""Personas: who an investor is."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["PERSONAS", "STYLES", "Persona", "Style"]

Style = Literal["value", "momentum", "contrarian", "news", "maker", "noise"]
STYLES: tuple[Style, ...] = ("value", "momentum", "contrarian", "news", "maker", "noise")


class Persona(BaseModel):
    """An investor's character.

    Attributes:
        style: what it looks at.
        risk_appetite: 1 (timid) to 5 (bold).
        horizon_s: how far it looks ahead and back, in seconds.
        capital_ticks: its capital in ticks x lots; with the risk appetite it limits the position.
        note: more about it in words, for models that can read; counts against the token budget.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    style: Style
    risk_appetite: Annotated[int, Field(ge=1, le=5)] = 3
    horizon_s: Annotated[float, Field(gt=0, le=86_400)] = 300.0
    capital_ticks: Annotated[float, Field(gt=0, le=1e15)] = 2_000_000.0
    note: Annotated[str, Field(max_length=500)] = ""

    def max_position_lots(self, price_ticks: float) -> int:
        """Largest absolute position: the share risk_appetite/5 of the capital, at a price."""
        return int(self.capital_ticks * self.risk_appetite / 5 / max(1.0, price_ticks))


PERSONAS: dict[str, Persona] = {
    "value_patient": Persona(style="value", risk_appetite=2, horizon_s=1800),
    "value_bold": Persona(style="value", risk_appetite=4, horizon_s=600),
    "trend_follower": Persona(style="momentum", risk_appetite=4, horizon_s=300),
    "trend_cautious": Persona(style="momentum", risk_appetite=2, horizon_s=600),
    "contrarian": Persona(style="contrarian", risk_appetite=3, horizon_s=300),
    "news_fast": Persona(style="news", risk_appetite=5, horizon_s=300),
    "news_sceptic": Persona(style="news", risk_appetite=2, horizon_s=600),
    "liquidity_provider": Persona(style="maker", risk_appetite=3, horizon_s=60),
    "liquidity_timid": Persona(style="maker", risk_appetite=1, horizon_s=60),
    "retail": Persona(style="noise", risk_appetite=1, horizon_s=900),
}
"""The personas that a scenario can name."""
