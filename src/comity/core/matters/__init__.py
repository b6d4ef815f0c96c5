"""Matters, the requests of one side to the other: a table of kinds and a table of transitions, as pure functions."""
