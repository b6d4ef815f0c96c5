"""The Today page: what waits for whom, in panels that each app registers."""
