"""A first text of the agreement, from a template or a list of KPIs."""
