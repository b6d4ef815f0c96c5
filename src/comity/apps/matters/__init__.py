"""What each side asks of the other, step by step: disputes, claims and actions so far; later kinds join them."""
