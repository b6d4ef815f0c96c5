"""What the files of other systems are, each read into rows of text under the source's own headers."""
