"""Investors that ask a language model: kind = "llm" of a scenario's [[trader]]."""

from __future__ import annotations

from agents.llm.investor import Investor

__all__ = ["trader"]

trader = Investor
