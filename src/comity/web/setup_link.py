"""Print a set-up link: `python -m comity.web.setup_link [EMAIL]`; without one only for an empty room."""

import sys

import django


def main() -> None:
    """Print the link, or nothing where the room has accounts and no email address is given."""
    django.setup()
    from django.conf import settings  # noqa: PLC0415 - reads the environment

    from comity.apps.parties.setup import room_is_empty, setup_path  # noqa: PLC0415 - needs the apps

    email = "".join(sys.argv[1:2])
    if email or room_is_empty():
        sys.stdout.write(f"{settings.ADDRESS}{setup_path(email)}\n")


if __name__ == "__main__":
    main()
