"""KPIs, the review's rhythm and delivery days: one side proposes, the other agrees to exactly that."""
