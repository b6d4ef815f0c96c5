"""Signatures outside the room, and the evidence of every signature."""
