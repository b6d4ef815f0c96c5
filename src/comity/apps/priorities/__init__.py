"""Priorities: each side orders the KPIs by itself under seal, both are opened at once, one joint order is settled."""
