"""A change that is carried out before it is signed."""
