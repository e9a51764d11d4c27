"""Agents written in plain Python; a file's `trader` is the class, its name the kind."""
