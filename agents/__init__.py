"""Everything that decides: rule policies, execution, RL, LLM and the learned order flow."""
