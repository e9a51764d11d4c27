"""Market makers: one compiled policy each; the file's name is the kind."""
