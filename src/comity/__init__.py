"""Comity: the record that a services customer and its provider can both stand on."""

__version__ = "0.1.0"
