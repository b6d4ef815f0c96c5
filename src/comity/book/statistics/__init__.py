"""One file per reading: the grouped aggregates behind its figures, as Ibis expressions."""
