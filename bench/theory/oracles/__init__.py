"""Exact results that the simulator must reproduce: pure mathematics, one file for each source."""
