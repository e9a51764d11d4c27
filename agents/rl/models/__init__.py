"""Worlds of formulas instead of a book, in which the best policy is known: checks on anything that claims to learn.

They share observations, actions, rewards, spaces and environments with the markets: a ModelBatch stands where a
MarketBatch does.
"""
