"""The small model of our own: a tiny transformer that has learnt the rules of agents/llm/rules.py from text alone."""
