"""The page of a change: what it alters, how far it is, what was said about it."""
