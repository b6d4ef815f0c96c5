"""The record of a relationship: both sides' consents to one digest, and a hash chain of what they agreed on."""
