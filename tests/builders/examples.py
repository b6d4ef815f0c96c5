"""How many examples a property test tries: in the gate as many as its time allows, in `make test-long` ten times."""

from hypothesis import settings

LONG = 10


def examples(number: int) -> int:
    """As many as a test says for the gate, or ten times that where the profile is `long`."""
    return number * LONG if settings.get_current_profile_name() == "long" else number
