"""Scenario files and what is done with them: schema, build, run, command line, library."""
