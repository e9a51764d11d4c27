"""LLM investors: a closed decision, backends with record and replay, personas with memory, a small model of our own."""

from typing import TYPE_CHECKING

from lob.lazy import lazy_names

if TYPE_CHECKING:
    from agents.llm.backends import open_backend
    from agents.llm.backends.http import HttpBackend
    from agents.llm.backends.local import LocalBackend
    from agents.llm.backends.record import Recorder, Replay
    from agents.llm.backends.scripted import Scripted
    from agents.llm.decision import Decision, OrderIdea, Reflection
    from agents.llm.desk import Desk
    from agents.llm.investor import Investor
    from agents.llm.investor_settings import InvestorSettings
    from agents.llm.observation import NewsItem, Observation, observation_text
    from agents.llm.persona import PERSONAS, Persona
    from agents.llm.protocol import Backend, Reply, Request
    from agents.llm.rules import rule_decision
    from agents.llm.settings import HttpSettings, LocalSettings, ScriptedSettings

__all__ = [
    "PERSONAS",
    "Backend",
    "Decision",
    "Desk",
    "HttpBackend",
    "HttpSettings",
    "Investor",
    "InvestorSettings",
    "LocalBackend",
    "LocalSettings",
    "NewsItem",
    "Observation",
    "OrderIdea",
    "Persona",
    "Recorder",
    "Reflection",
    "Replay",
    "Reply",
    "Request",
    "Scripted",
    "ScriptedSettings",
    "observation_text",
    "open_backend",
    "rule_decision",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "backends": "open_backend",
        "backends.http": "HttpBackend",
        "backends.local": "LocalBackend",
        "backends.record": "Recorder Replay",
        "backends.scripted": "Scripted",
        "decision": "Decision OrderIdea Reflection",
        "desk": "Desk",
        "investor": "Investor",
        "investor_settings": "InvestorSettings",
        "observation": "NewsItem Observation observation_text",
        "persona": "PERSONAS Persona",
        "protocol": "Backend Reply Request",
        "rules": "rule_decision",
        "settings": "HttpSettings LocalSettings ScriptedSettings",
    },
)
