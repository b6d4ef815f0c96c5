"""How both sides change their agreement, counted by side."""
