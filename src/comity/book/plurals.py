"""Counts in sentences."""


def plural(number: int, one: str, many: str) -> str:
    """A count with its words: `1 row says`, `1,200 rows say`."""
    return f"{number:,} {one if number == 1 else many}"
