"""The world: clock and event kernel, latency, randomness, fundamental value, accounts, risk gate, tape."""
