"""The record of a relationship: both sides' word over one digest, and a chain of what they agreed on."""
