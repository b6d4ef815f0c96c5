"""`python -m comity`, where the command itself is not on the path."""

from comity.cli import main

main()
