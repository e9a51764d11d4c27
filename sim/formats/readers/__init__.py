"""Readers of recordings, a module for each format; see sim.formats.reading."""
