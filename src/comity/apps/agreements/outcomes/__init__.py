"""What an agreed change was to bring, and what came."""
