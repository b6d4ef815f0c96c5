"""How many examples a property test tries: few in the gate, which runs often, and many in `make test-long`."""

from hypothesis import settings

GATE, LONG = 3, 10  # a third of what a test says, and ten times that


def examples(number: int) -> int:
    """A third of what a test says, two at least, or ten times as many where the profile is `long`."""
    return number * LONG if settings.get_current_profile_name() == "long" else max(number // GATE, 2)
