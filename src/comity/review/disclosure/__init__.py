"""Which figures about few people may be shown, and the review without the others."""
