"""Order flow of a whole market as one agent: statistical models, and recorded days; one compiled policy each."""
