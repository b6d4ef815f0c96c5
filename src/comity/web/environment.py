"""Parsing of environment variables; an invalid value is one sentence with the next step."""

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    pkcs12,
)
from django.core.exceptions import ImproperlyConfigured

from comity.apps.mailbox.imap import Mailbox

# Options of PostgreSQL's own client library that an address may carry; another would be ignored in silence.
_OPTIONS = frozenset(
    {
        *("sslmode", "sslrootcert", "sslcert", "sslkey", "sslcrl", "sslcompression", "sslnegotiation"),
        *("ssl_min_protocol_version", "channel_binding", "require_auth", "gssencmode", "target_session_attrs"),
        *("connect_timeout", "keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count", "passfile"),
    }
)
_SECURE = {"smtp": (False, False), "smtp+starttls": (True, False), "smtps": (False, True)}
# Kinds of mailbox: how its connection is kept secret, and the usual port.
_MAILBOXES = {"imaps": ("tls", 993), "imap+starttls": ("starttls", 143), "imap": ("none", 143)}
LONGEST_MAILBOX_NAME = 16  # of the 64 characters before an @, a + and a reply code take 48
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


def mailbox(name: str, url: str) -> Mailbox | None:
    """Return the mailbox of `imaps://user:password@mail.example.org/INBOX`; None where none is named.

    :raises ImproperlyConfigured: for another kind of URL, one without user and password, and for a password that would
        cross a network in the clear
    """
    if not url:
        return None
    parts = urlsplit(url)
    if parts.scheme not in _MAILBOXES or not parts.hostname:
        raise ImproperlyConfigured(f"{name} has to look like imaps://user:password@mail.example.org/INBOX")
    if not parts.username or not parts.password:
        raise ImproperlyConfigured(f"{name} names no user and password: imaps://user:password@mail.example.org/INBOX")
    security, port = _MAILBOXES[parts.scheme]
    if security == "none" and parts.hostname not in {"localhost", "127.0.0.1", "::1"}:
        raise ImproperlyConfigured(f"{name} would send a password in the clear; write imaps:// or imap+starttls://")
    return Mailbox(
        parts.hostname,
        _port(name, url) or port,
        unquote(parts.username),
        unquote(parts.password),
        unquote(parts.path.strip("/")) or "INBOX",
        security,
    )


def mailbox_address(name: str, address: str, *, is_read: bool) -> str:
    """Return the address of the mailbox, to which reply codes are added after a +; empty where none is read.

    :raises ImproperlyConfigured: for a mailbox without an address, for none of mail, and for one too long for a code
    """
    if not is_read:
        return ""
    local, _, domain = address.partition("@")
    if not local or "." not in domain or "@" in domain or not address.isascii() or set(address) & set(' +<>,;"()'):
        raise ImproperlyConfigured(f"{name} has to be the address of the mailbox, such as comity@example.org")
    if len(local) > LONGEST_MAILBOX_NAME:
        raise ImproperlyConfigured(
            f"{name} has more than {LONGEST_MAILBOX_NAME} characters before its @; reply addresses would be too long"
        )
    return address


def host_name(name: str, value: str) -> str:
    """Return a name of a mail server as it signs its results, or an empty text.

    :raises ImproperlyConfigured: for what is no host name
    """
    if value and not re.fullmatch(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?", value):
        raise ImproperlyConfigured(
            f"{name} has to be the name that your mail server writes first in Authentication-Results"
        )
    return value


@dataclass(frozen=True, slots=True)
class SealFile:
    """With what files are sealed, read when the room starts. All in DER.

    :ivar others: certificates that lead from it to an authority
    """

    key: bytes
    certificate: bytes
    others: tuple[bytes, ...]


def seal_file(name: str, path: str, passphrase: str) -> SealFile | None:
    """Return a certificate and its key from a PKCS#12 or PEM file; None where no file is named.

    :param name: of the variable that names the file
    :raises ImproperlyConfigured: for a file without one, that cannot be read, or that the passphrase does not open
    """
    if not path:
        return None
    content, opened_by = _file(name, path), passphrase.encode() or None
    try:
        if b"-----BEGIN" in content:
            key: PrivateKeyTypes | None = load_pem_private_key(content, opened_by)
            certificates = x509.load_pem_x509_certificates(content)
        else:
            key, first, more = pkcs12.load_key_and_certificates(content, opened_by)
            certificates = [*([] if first is None else [first]), *more]
    except (ValueError, TypeError) as error:
        raise ImproperlyConfigured(
            f"{name} names {path}, which {name}_PASSPHRASE does not open, or which is no PKCS#12 or PEM file ({error})"
        ) from None
    if key is None:
        raise ImproperlyConfigured(f"{name} names {path}, which holds no private key")
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    own = [
        one
        for one in certificates
        if one.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) == public
    ]
    if not own:
        raise ImproperlyConfigured(f"{name} names {path}, which holds no certificate of its private key")
    return SealFile(
        key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),
        own[0].public_bytes(Encoding.DER),
        tuple(one.public_bytes(Encoding.DER) for one in certificates if one is not own[0]),
    )


def certificates_file(name: str, path: str) -> Path | None:
    """Return a file of certificates in PEM; None where none is named.

    :raises ImproperlyConfigured: for a file that holds none, or that cannot be read
    """
    if not path:
        return None
    try:
        x509.load_pem_x509_certificates(_file(name, path))
    except ValueError:
        raise ImproperlyConfigured(f"{name} names {path}, which holds no certificates in PEM") from None
    return Path(path).absolute()


def web_address(name: str, url: str) -> str:
    """Return an address of the web, or an empty text.

    :raises ImproperlyConfigured: for another kind of URL
    """
    parts = urlsplit(url)
    if url and (parts.scheme not in {"https", "http"} or not parts.hostname):
        raise ImproperlyConfigured(f"{name} has to begin with https:// or http://")
    return url


def _file(name: str, path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ImproperlyConfigured(f"{name} names {path}, which cannot be read: {error.strerror}") from None


def _port(name: str, url: str) -> int | None:
    try:
        return urlsplit(url).port
    except ValueError:
        raise ImproperlyConfigured(f"{name} names a port that is no number from 1 to 65535") from None
