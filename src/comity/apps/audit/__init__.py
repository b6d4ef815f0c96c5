"""The log: what was done and read in a relationship, as typed events; sentences are made when they are read."""
