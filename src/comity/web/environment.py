"""Parsing of environment variables; an invalid value is one sentence with the next step."""

from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

# Options of PostgreSQL's own client library that an address may carry; another would be ignored in silence.
_OPTIONS = frozenset(
    {
        *("sslmode", "sslrootcert", "sslcert", "sslkey", "sslcrl", "sslcompression", "sslnegotiation"),
        *("ssl_min_protocol_version", "channel_binding", "require_auth", "gssencmode", "target_session_attrs"),
        *("connect_timeout", "keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count", "passfile"),
    }
)
_SECURE = {"smtp": (False, False), "smtp+starttls": (True, False), "smtps": (False, True)}
_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}


def whole_number(name: str, value: str) -> int:
    """Parse a whole number from 0 on.

    :raises ImproperlyConfigured: for anything else
    """
    if not value.isascii() or not value.isdigit():
        raise ImproperlyConfigured(f"{name} is {value!r}; it has to be a whole number, such as 1")
    return int(value)


def database(name: str, url: str, options: str) -> dict[str, object]:
    """Return Django's database settings from `postgresql://role:password@host:port/name?sslmode=verify-full`.

    :param options: libpq `options` that are set on each connection in addition to the URL's own
    :raises ImproperlyConfigured: for another kind of URL, and for an option that libpq does not know
    """
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"} or not parts.path.strip("/"):
        raise ImproperlyConfigured(f"{name} has to look like postgresql://role:password@host:5432/database")
    given = dict(parse_qsl(parts.query, keep_blank_values=True))
    unknown = sorted(given.keys() - _OPTIONS)
    if unknown:
        known = ", ".join(sorted(_OPTIONS))
        raise ImproperlyConfigured(f"{name} has the option {unknown[0]!r}, which is none; those known are: {known}")
    return {
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": str(_port(name, url) or ""),
        "OPTIONS": {"options": options, **given},
    }


def mail_server(name: str, url: str) -> dict[str, object]:
    """Return Django's settings of a mail server from `smtp+starttls://user:password@host:587`.

    :raises ImproperlyConfigured: for another kind of URL
    """
    parts = urlsplit(url)
    if parts.scheme not in _SECURE or not parts.hostname:
        raise ImproperlyConfigured(
            f"{name} has to look like smtp+starttls://user:password@mail.example.org:587 (or smtps://, smtp://)"
        )
    starttls, tls = _SECURE[parts.scheme]
    return {
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": _port(name, url) or _PORTS[parts.scheme],
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_TLS": starttls,
        "EMAIL_USE_SSL": tls,
    }


def _port(name: str, url: str) -> int | None:
    try:
        return urlsplit(url).port
    except ValueError:
        raise ImproperlyConfigured(f"{name} names a port that is no number from 1 to 65535") from None
