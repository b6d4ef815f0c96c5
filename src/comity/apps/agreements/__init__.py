"""The agreement: one text both sides stand on, drafted, proposed, countered and signed as changes."""
