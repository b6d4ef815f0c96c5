"""`sign-in.toml`: what organisations have, and what is wrong in it, in one sentence that names the place."""

import pytest

from comity.web.organisations import UnusableSignInError, read

OPENID = """
[[organisation]]
id = "northwind"
name = "Northwind Energy"
domains = ["@Northwind.example", "nw.example"]
server = "https://login.northwind.example/realm"
client_id = "comity"
secret = "word"
"""


def said(tmp_path, text):
    (tmp_path / "sign-in.toml").write_text(text, encoding="utf-8")
    return read(tmp_path)


def test_without_the_file_there_are_none(tmp_path):
    assert read(tmp_path) == ()


def test_what_is_said_is_what_allauth_is_told(tmp_path):
    (one,) = said(tmp_path, OPENID)
    assert (one.protocol, one.domains, one.only) == ("openid_connect", ("northwind.example", "nw.example"), False)
    assert one.origins == ("https://login.northwind.example",)
    assert one.app["settings"]["verified_email"] == ["northwind.example", "nw.example"]


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
        ("[[organisation]]", "[[organisation", "cannot be read as TOML"),
    ],
)
def test_what_cannot_be_used_is_said(tmp_path, change, to, why):
    with pytest.raises(UnusableSignInError, match=why):
        said(tmp_path, OPENID.replace(change, to))


def test_a_domain_is_of_one_organisation(tmp_path):
    other = OPENID.replace("northwind", "other", 1).replace("Northwind Energy", "Other")
    with pytest.raises(UnusableSignInError, match=r"'northwind.example' is of both 'Northwind Energy' and 'Other'"):
        said(tmp_path, OPENID + other)
