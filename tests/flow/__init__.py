"""The learned order-flow generator."""
