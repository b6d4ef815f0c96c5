"""One file per reading: from sufficient statistics to parts, errors and a verdict."""
