"""Pages of the agreement, a module a subject."""
