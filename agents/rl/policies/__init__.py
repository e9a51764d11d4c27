"""Learning agents: each file is a task, with its actions, its settings and its compiled policy."""
