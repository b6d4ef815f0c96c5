"""Organisations, relationships, people and their side: who is who, and who may see what."""
