"""A book as one viewer may see it."""
