"""The settings of the mailbox: each mistake is one sentence with the next step."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from comity.apps.mailbox.addresses import LONGEST_NAME
from comity.apps.mailbox.imap import Mailbox
from comity.web import environment


def test_a_mailbox_is_read_from_its_address():
    assert environment.mailbox("M", "imaps://me%40x:p%3A@mail.example.org/Comity%20in") == Mailbox(
        "mail.example.org", 993, "me@x", "p:", "Comity in", "tls"
    )
    assert environment.mailbox("M", "imap+starttls://me:p@mail.example.org:1143") == Mailbox(
        "mail.example.org", 1143, "me", "p", "INBOX", "starttls"
    )
    assert environment.mailbox("M", "") is None


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("pop3://me:p@mail.example.org", "has to look like imaps://"),
        ("imaps://mail.example.org", "names no user and password"),
        ("imap://me:p@mail.example.org", "in the clear"),
        ("imaps://me:p@mail.example.org:x", "no number from 1 to 65535"),
    ],
)
def test_another_mailbox_is_refused_with_a_sentence(url, says):
    with pytest.raises(ImproperlyConfigured, match=says):
        environment.mailbox("COMITY_MAILBOX", url)


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("", "has to be the address"),
        ("comity", "has to be the address"),
        ("comity+x@example.org", "has to be the address"),
        ("Comity <comity@example.org>", "has to be the address"),
        ("collaboration-room@example.org", "more than 16 characters"),
    ],
)
def test_another_address_is_refused_with_a_sentence(address, says):
    with pytest.raises(ImproperlyConfigured, match=says):
        environment.mailbox_address("COMITY_MAILBOX_ADDRESS", address, is_read=True)


def test_an_address_fits_the_64_characters_before_its_at():
    """RFC 5321, 4.5.3.1.1."""
    assert LONGEST_NAME == environment.LONGEST_MAILBOX_NAME
    assert environment.mailbox_address("A", "sixteen-letters0@example.org", is_read=True)
    assert environment.mailbox_address("A", "whatever", is_read=False) == ""


def test_the_name_of_a_server_is_a_host_name():
    assert environment.host_name("H", "mx.example.org") == "mx.example.org"
    with pytest.raises(ImproperlyConfigured, match="Authentication-Results"):
        environment.host_name("H", "mx example")
