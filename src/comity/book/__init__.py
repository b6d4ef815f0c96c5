"""The records on disk: what a book holds, how records come in, and the grouped aggregates over them."""
