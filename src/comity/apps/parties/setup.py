"""Set-up links: how the first person gets an account in a room where nobody is yet who could invite.

A link is signed with the room's secret key and kept nowhere. It is good for a day and for one account: one without
an address as long as the room has no account at all, one with an address as long as that address has none.
"""

from collections.abc import Collection

from allauth.account.adapter import get_adapter
from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.core import signing
from django.db import connection
from django.urls import reverse

from comity.apps.parties.identity_providers import only_provider
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


def password_reset_link(email: str) -> str | None:
    """A link with which the owner of an account chooses a new password, as a mail would have it.

    For whoever runs the room: an account may belong to several relationships, so no lead of one makes it.

    :returns: None for an address without an account, or one that its organisation alone signs in
    """
    person = Person.objects.filter(email__iexact=email, is_active=True).first()
    if person is None or only_provider(person.email) is not None:
        return None
    key = f"{user_pk_to_url_str(person)}-{default_token_generator.make_token(person)}"
    return str(get_adapter().get_reset_password_from_key_url(key))


def wait_for_others() -> None:
    """Within this transaction, let nobody else make the first account."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
