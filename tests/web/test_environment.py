"""Environment variables: valid values, and the error message for invalid ones."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from comity.web.environment import database, mail_server, whole_number


def test_database_url_options_reach_libpq():
    found = database("DATABASE_URL", "postgresql://a%40b:p%2Fw@db.example:5433/comity?sslmode=verify-full", "-c x=y")
    assert found == {
        "NAME": "comity",
        "USER": "a@b",
        "PASSWORD": "p/w",
        "HOST": "db.example",
        "PORT": "5433",
        "OPTIONS": {"options": "-c x=y", "sslmode": "verify-full"},
    }


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("postgresql://u@h/db?sslmod=verify-full", "option 'sslmod', which is none"),
        ("postgresql://u@h/db?options=-crole%3Dpostgres", "option 'options', which is none"),
        ("mysql://u@h/db", "has to look like postgresql://"),
        ("postgresql://u@h/", "has to look like postgresql://"),
        ("postgresql://u@h:port/db", "a port that is no number"),
    ],
)
def test_database_url_that_is_invalid_is_refused(url, message):
    with pytest.raises(ImproperlyConfigured, match="DATABASE_URL") as error:
        database("DATABASE_URL", url, "")
    assert message in str(error.value)


@pytest.mark.parametrize("value", ["one", "-1", "1.5", "", "\u0661"])
def test_whole_number_refuses_other_values_by_variable_name(value):
    with pytest.raises(ImproperlyConfigured, match=r"COMITY_PROXIES is .* a whole number"):
        whole_number("COMITY_PROXIES", value)


@pytest.mark.parametrize(
    ("url", "port", "starttls", "tls"),
    [
        ("smtp://localhost", 25, False, False),
        ("smtp+starttls://u:p@mail.example", 587, True, False),
        ("smtps://u:p@mail.example:4650", 4650, False, True),
    ],
)
def test_mail_server_url_sets_port_and_encryption(url, port, starttls, tls):
    found = mail_server("COMITY_MAIL_SERVER", url)
    assert (found["EMAIL_PORT"], found["EMAIL_USE_TLS"], found["EMAIL_USE_SSL"]) == (port, starttls, tls)


@pytest.mark.parametrize("url", ["mail.example:25", "https://mail.example", "smtp://", "smtp://h:0x1"])
def test_mail_server_url_that_is_invalid_is_refused(url):
    with pytest.raises(ImproperlyConfigured, match="COMITY_MAIL_SERVER"):
        mail_server("COMITY_MAIL_SERVER", url)
