"""A draft: edits, two saves merged, remarks and suggestions."""
