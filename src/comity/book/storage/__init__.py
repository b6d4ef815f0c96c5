"""How a book lies on disk, and how its files change."""
