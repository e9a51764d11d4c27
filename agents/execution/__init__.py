"""Execution algorithms: how a metaorder is worked; one compiled policy each, the file's name is the kind."""
