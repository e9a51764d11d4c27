"""The learned order-flow generator as background traffic; it is described in agents/flow."""

from agents.flow.agent import LearnedFlow, policy

__all__ = ["LearnedFlow", "policy"]
