"""Train what trades or makes order flow; each command is a file of its own in this folder."""
