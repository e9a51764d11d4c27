"""Learning agents with networks of any size: kind = "rl" of a scenario's [[trader]]."""

from __future__ import annotations

from agents.rl.trader import LearnedTrader

__all__ = ["trader"]

trader = LearnedTrader
