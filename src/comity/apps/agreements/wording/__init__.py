"""Values and numbers of a signed text as a person reads them."""
