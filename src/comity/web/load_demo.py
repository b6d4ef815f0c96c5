"""Load the demo into an empty room: `python -m comity.web.load_demo BOOK`."""

import sys
from pathlib import Path

import django


def main() -> None:
    """Load the demo from the book named on the command line."""
    django.setup()
    from comity.web.demo import load_demo  # noqa: PLC0415 - needs the apps

    load_demo(Path(sys.argv[1]))


if __name__ == "__main__":
    main()
