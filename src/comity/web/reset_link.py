"""Print a link to choose a new password: `python -m comity.web.reset_link EMAIL`."""

import sys

import django


def main() -> None:
    """Print the link; end with a sentence on stderr where the address can have none."""
    django.setup()
    from comity.apps.parties.setup import NoPasswordError, password_reset_link  # noqa: PLC0415 - needs the apps

    try:
        sys.stdout.write(f"{password_reset_link(sys.argv[1])}\n")
    except NoPasswordError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
