"""Matters: what one side asks of the other, as a table of kinds and a table of moves; pure functions."""
