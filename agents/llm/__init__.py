"""LLM investors: a closed decision, backends with record and replay, personas with memory, a small model of our own."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

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

_HOME = {
    "PERSONAS": "persona",
    "Backend": "protocol",
    "Decision": "decision",
    "Desk": "desk",
    "HttpBackend": "backends.http",
    "HttpSettings": "settings",
    "Investor": "investor",
    "InvestorSettings": "investor_settings",
    "LocalBackend": "backends.local",
    "LocalSettings": "settings",
    "NewsItem": "observation",
    "Observation": "observation",
    "OrderIdea": "decision",
    "Persona": "persona",
    "Recorder": "backends.record",
    "Reflection": "decision",
    "Replay": "backends.record",
    "Reply": "protocol",
    "Request": "protocol",
    "Scripted": "backends.scripted",
    "ScriptedSettings": "settings",
    "observation_text": "observation",
    "open_backend": "backends",
    "rule_decision": "rules",
}
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


def __getattr__(name: str) -> Any:
    """Return a public name from the module that defines it."""
    if name not in _HOME:
        raise AttributeError(f"module 'agents.llm' has no attribute {name!r}")
    return getattr(import_module(f"agents.llm.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    """List the public names."""
    return __all__
