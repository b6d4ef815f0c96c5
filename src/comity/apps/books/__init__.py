"""Bringing records in, where they came from, what was set aside, and who may see which table."""
