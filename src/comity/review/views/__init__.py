"""What a page shows of a review, as finished text: every format lays out the same views."""
