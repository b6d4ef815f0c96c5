"""Simulated partnerships with a known truth, against which readings are evaluated."""
