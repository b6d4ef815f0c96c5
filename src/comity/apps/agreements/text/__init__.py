"""The text of a day: its page, its paper, and the seal on its files."""
