"""Journeys in a browser. A package, so that pytest closes their room and browser with the last of them."""
