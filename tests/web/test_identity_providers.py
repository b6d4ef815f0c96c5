"""`sign-in.toml`: identity providers that are read from it, and the message with the place for invalid entries."""

import pytest

from comity.web.identity_providers import UnusableSignInError, read_identity_providers

OPENID = """
[[organisation]]
id = "northwind"
name = "Northwind Energy"
domains = ["@Northwind.example", "nw.example"]
server = "https://login.northwind.example/realm"
client_id = "comity"
secret = "word"
"""


def read_text(tmp_path, text):
    (tmp_path / "sign-in.toml").write_text(text, encoding="utf-8")
    return read_identity_providers(tmp_path)


def test_no_identity_providers_without_the_file(tmp_path):
    assert read_identity_providers(tmp_path) == ()


def test_openid_entry_becomes_an_allauth_app(tmp_path):
    (provider,) = read_text(tmp_path, OPENID)
    assert (provider.protocol, provider.domains, provider.only) == (
        "openid_connect",
        ("northwind.example", "nw.example"),
        False,
    )
    assert provider.origins == ("https://login.northwind.example",)
    assert provider.app["settings"]["verified_email"] == ["northwind.example", "nw.example"]


@pytest.mark.parametrize(
    ("change", "to", "why"),
    [
        ('id = "northwind"', 'id = "North wind"', "organisation 1: id = 'North wind'"),
        ('client_id = "comity"', "", "organisation 1: client_id is needed"),
        ('secret = "word"', 'secret = ""', "organisation 1: secret is needed"),
        ("https://login", "http://login", "is no https address"),
        ('secret = "word"', 'secret = "word"\nonly = "yes"', "only = 'yes' is not known here"),
        ('secret = "word"', 'secret = "word"\ncolour = 1', "colour = 1 is not known here"),
        ("[[organisation]]", "[organisation]", "holds \\[\\[organisation\\]\\] entries"),
        ("[[organisation]]", "[[organisation", "Expected"),
    ],
)
def test_invalid_sign_in_file_is_refused_with_the_place(tmp_path, change, to, why):
    with pytest.raises(UnusableSignInError, match=why):
        read_text(tmp_path, OPENID.replace(change, to))


def test_domain_of_two_organisations_is_refused(tmp_path):
    other = OPENID.replace("northwind", "other", 1).replace("Northwind Energy", "Other")
    with pytest.raises(UnusableSignInError, match=r"'northwind.example' is of both 'Northwind Energy' and 'Other'"):
        read_text(tmp_path, OPENID + other)
