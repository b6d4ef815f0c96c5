"""Readings, one module each: from sufficient statistics to parts, standard errors and a verdict."""
