"""What time alone brings about: changes that lapse, days of the term."""
