"""What waits for whom: the page that each app puts something on."""
