"""Identity providers of organisations (OpenID Connect or SAML), as `sign-in.toml` in the data folder lists them.

Each names the domains of its mail addresses and is trusted for those alone, so that the provider of one organisation
signs nobody in as a person of another.

    [[organisation]]
    id = "northwind"                        # stands in the address that its sign-in sends people back to
    name = "Northwind Energy"               # on the button
    domains = ["northwind.example"]
    only = true                             # these people have no password here
    server = "https://login.northwind.example"
    client_id = "comity"
    secret = "..."

or, in place of the last three, for one that speaks SAML and no OpenID Connect:

    entity_id = "https://login.northwind.example/saml"
    sso_url = "https://login.northwind.example/saml/sso"
    certificate = "MII..."
"""

import re
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from comity.book.errors import UnusableFileError
from comity.book.toml import TomlReader

SIGN_IN_FILE = "sign-in.toml"
_COMMON_KEYS = {"id": str, "name": str, "domains": list}
_OPENID_KEYS = {"server": str, "client_id": str, "secret": str}
_SAML_KEYS = {"entity_id": str, "sso_url": str, "certificate": str}
_OPTIONAL_KEYS = {"only": bool, "origins": list}


class UnusableSignInError(UnusableFileError):
    """A `sign-in.toml` that cannot be used: one sentence that names the place and the next step."""


class _Reader(TomlReader):
    error = UnusableSignInError


@dataclass(frozen=True, slots=True)
class IdentityProvider:
    """One organisation's identity provider.

    :ivar domains: of the mail addresses that it is trusted for, in lower case
    :ivar only: whether its people can sign in by no other way
    :ivar origins: where our form redirects to, for `form-action` of the content security policy
    :ivar protocol: allauth's name of the protocol, `saml` or `openid_connect`
    :ivar app: allauth's `APPS` entry
    """

    id: str
    name: str
    domains: tuple[str, ...]
    only: bool
    origins: tuple[str, ...]
    protocol: str
    app: dict[str, Any]


def read_identity_providers(folder: Path) -> tuple[IdentityProvider, ...]:
    """Read `sign-in.toml` in a folder; without the file there are no providers.

    :raises UnusableSignInError: for a file that cannot be used, naming the place
    """
    file = folder / SIGN_IN_FILE
    if not file.is_file():
        return ()
    document = _Reader(file).read()
    entries = document.get("organisation")
    if document.keys() - {"organisation"} or not isinstance(entries, list):
        raise UnusableSignInError(f"{file}: holds [[organisation]] entries and nothing else")
    providers = tuple(
        _parse_provider(f"{file}, organisation {number}", provider) for number, provider in enumerate(entries, 1)
    )
    owners: dict[str, str] = {}
    for provider in providers:
        for name in (provider.id, *provider.domains):
            if name in owners:
                raise UnusableSignInError(f"{file}: {name!r} is of both {owners[name]!r} and {provider.name!r}")
            owners[name] = provider.name
    return providers


def _parse_provider(place: str, entry: dict[str, Any]) -> IdentityProvider:
    saml = "entity_id" in entry
    needed = _COMMON_KEYS | (_SAML_KEYS if saml else _OPENID_KEYS)
    for name, kind in needed.items():
        if not isinstance(entry.get(name), kind) or not entry[name]:
            raise UnusableSignInError(f"{place}: {name} is needed")
    for name in entry.keys() - needed.keys():
        if name not in _OPTIONAL_KEYS or not isinstance(entry[name], _OPTIONAL_KEYS[name]):
            raise UnusableSignInError(f"{place}: {name} = {entry[name]!r} is not known here")
    if not re.fullmatch(r"[a-z0-9-]{1,40}", entry["id"]):
        raise UnusableSignInError(f"{place}: id = {entry['id']!r}; small letters, digits and hyphens only")
    address = entry["sso_url" if saml else "server"]
    parts = urlsplit(address)
    if parts.scheme != "https" and parts.hostname not in {"localhost", "127.0.0.1"}:
        raise UnusableSignInError(f"{place}: {address!r} is no https address")
    if saml and find_spec("onelogin") is None:
        raise UnusableSignInError(f"{place}: SAML needs more than the room: pip install 'comity[saml]'")
    domains = tuple(str(one).lower().removeprefix("@") for one in entry["domains"])
    common = {"name": entry["name"], "provider_id": entry["id"]}
    app = _saml_app(common, entry, domains) if saml else _openid_app(common, entry, domains)
    return IdentityProvider(
        id=entry["id"],
        name=entry["name"],
        domains=domains,
        only=entry.get("only", False),
        origins=(f"{parts.scheme}://{parts.netloc}", *entry.get("origins", ())),
        protocol="saml" if saml else "openid_connect",
        app=app,
    )


def _openid_app(common: dict[str, Any], entry: dict[str, Any], domains: tuple[str, ...]) -> dict[str, Any]:
    settings = {"server_url": entry["server"], "verified_email": list(domains), "oauth_pkce_enabled": True}
    return common | {"client_id": entry["client_id"], "secret": entry["secret"], "settings": settings}


def _saml_app(common: dict[str, Any], entry: dict[str, Any], domains: tuple[str, ...]) -> dict[str, Any]:
    provider = {"entity_id": entry["entity_id"], "sso_url": entry["sso_url"], "x509cert": entry["certificate"]}
    security = {"reject_idp_initiated_sso": True, "strict": True, "want_assertion_signed": True}
    settings = {"idp": provider, "advanced": security, "verified_email": list(domains)}
    return common | {"client_id": entry["id"], "settings": settings}
