"""Print a link to choose a new password: `python -m comity.web.reset_link EMAIL`."""

import sys

import django


def main() -> None:
    """Print the link; end with a sentence on stderr where the address can have none."""
    django.setup()
    from comity.apps.parties.setup import password_reset_link  # noqa: PLC0415 - needs the apps

    email = sys.argv[1]
    link = password_reset_link(email)
    if link is None:
        sys.exit(f"{email} has no account here with a password; a lead can invite its owner, or: comity invite {email}")
    sys.stdout.write(f"{link}\n")


if __name__ == "__main__":
    main()
