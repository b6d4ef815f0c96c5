"""Whole numbers as addresses and forms have them: people and programs may write anything there."""

_LONGEST = 9  # digits that fit a number of the database


def whole_number(written: str) -> int | None:
    """Return the whole number that a text is, below zero too; None for anything else, and for more than nine digits."""
    digits = written.removeprefix("-")
    return int(written) if digits.isascii() and digits.isdigit() and len(digits) <= _LONGEST else None
