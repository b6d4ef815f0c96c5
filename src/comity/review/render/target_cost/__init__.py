"""What a target costs, as JSON and in a terminal. A format translates; it computes nothing."""
