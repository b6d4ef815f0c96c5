"""What each edit of a KPI would have meant, before it is signed."""
