"""What a person chooses for themselves: time zone, colours, saved views; and when they were last here."""
