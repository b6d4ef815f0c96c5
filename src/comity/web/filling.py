"""Fills an empty room with the demo: `python -m comity.web.filling BOOK`."""

import sys
from pathlib import Path

import django


def main() -> None:
    """Load it."""
    django.setup()
    from comity.web.demo import load  # noqa: PLC0415 - needs the apps

    load(Path(sys.argv[1]))


if __name__ == "__main__":
    main()
