"""Every word and every number as the reader's language has them; imports nothing else of the review."""
