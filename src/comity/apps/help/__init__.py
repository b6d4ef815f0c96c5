"""Glossary and concepts as pages of the room, from the same files as the documentation."""
