"""The first run: four steps from an empty room to a first review, as a list on Today until they are done."""
