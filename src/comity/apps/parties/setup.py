"""Set-up links: how the first person gets an account in a room where nobody is yet who could invite.

A link is signed with the room's secret key and kept nowhere. It is good for a day and for one account: one without
an address as long as the room has no account at all, one with an address as long as that address has none.
"""

from collections.abc import Collection

from django.core import signing
from django.db import connection
from django.urls import reverse

from comity.apps.parties.models import Person

VALID_S = 86_400
_SALT = "comity.setup"
_LOCK = 7_240_114  # of PostgreSQL, held while the first account is made


def setup_path(email: str = "") -> str:
    """The path of a new set-up link.

    :param email: the address that the account is for; empty: whichever is given, in a room without accounts
    """
    return reverse("set_up", args=[signing.dumps({"email": email}, salt=_SALT)])


def read_setup_link(token: str) -> str | None:
    """The address that a link is for, empty where it names none; None where it is no link or has expired."""
    try:
        content = signing.loads(token, salt=_SALT, max_age=VALID_S)
    except signing.BadSignature:  # one that has expired too
        return None
    return str(content["email"])


def admitted_address(token: str, addresses: Collection[str]) -> str | None:
    """The one of these verified addresses for which a link makes an account now; None where it makes none.

    Waits for whoever makes the first account meanwhile.
    """
    email = read_setup_link(token)
    if email is None:
        return None
    wait_for_others()
    if is_used(email):
        return None
    return next((one for one in addresses if not email or one.lower() == email.lower()), None)


def is_used(email: str) -> bool:
    """Whether the account that a link is for has been made."""
    return Person.objects.filter(email__iexact=email).exists() if email else not room_is_empty()


def room_is_empty() -> bool:
    """Whether nobody has an account yet."""
    return not Person.objects.exists()


def wait_for_others() -> None:
    """Within this transaction, let nobody else make the first account."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
