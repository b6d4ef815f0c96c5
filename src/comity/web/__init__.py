"""The shared room as one Django project: its database, settings, addresses, base pages and styles."""
