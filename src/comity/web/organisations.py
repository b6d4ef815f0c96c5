"""Organisations whose people sign in with what their own firm has: as `sign-in.toml` in the data folder says.

Each names the domains of its mail addresses, and is believed about those addresses alone: one organisation's sign-in
lets nobody in as somebody of another.

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
import tomllib
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

FILE = "sign-in.toml"
_BOTH = {"id": str, "name": str, "domains": list}
_OPENID = {"server": str, "client_id": str, "secret": str}
_SAML = {"entity_id": str, "sso_url": str, "certificate": str}
_MAY = {"only": bool, "origins": list}


class UnusableSignInError(ValueError):
    """A `sign-in.toml` that cannot be used: one sentence that names the place and the next step."""


@dataclass(frozen=True, slots=True)
class Organisation:
    """One organisation's own sign-in.

    :ivar only: whether its people have no other way in
    :ivar origins: where a browser is sent from our form, which the policy of our pages has to allow
    :ivar app: as allauth has it
    """

    id: str
    name: str
    domains: tuple[str, ...]
    only: bool
    origins: tuple[str, ...]
    protocol: str
    app: dict[str, Any]


def read(folder: Path) -> tuple[Organisation, ...]:
    """What the file says; nothing where there is none.

    :raises UnusableSignInError: for one that cannot be used
    """
    file = folder / FILE
    if not file.is_file():
        return ()
    try:
        said = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UnusableSignInError(f"{file}: cannot be read as TOML ({error})") from None
    entries = said.get("organisation")
    if said.keys() - {"organisation"} or not isinstance(entries, list):
        raise UnusableSignInError(f"{file}: holds [[organisation]] entries and nothing else")
    found = tuple(_organisation(f"{file}, organisation {number}", one) for number, one in enumerate(entries, 1))
    known: dict[str, str] = {}
    for one in found:
        for name in (one.id, *one.domains):
            if name in known:
                raise UnusableSignInError(f"{file}: {name!r} is of both {known[name]!r} and {one.name!r}")
            known[name] = one.name
    return found


def _organisation(place: str, said: dict[str, Any]) -> Organisation:
    saml = "entity_id" in said
    needed = _BOTH | (_SAML if saml else _OPENID)
    for name, kind in needed.items():
        if not isinstance(said.get(name), kind) or not said[name]:
            raise UnusableSignInError(f"{place}: {name} is needed")
    for name in said.keys() - needed.keys():
        if name not in _MAY or not isinstance(said[name], _MAY[name]):
            raise UnusableSignInError(f"{place}: {name} = {said[name]!r} is not known here")
    if not re.fullmatch(r"[a-z0-9-]{1,40}", said["id"]):
        raise UnusableSignInError(f"{place}: id = {said['id']!r}; small letters, digits and hyphens only")
    address = said["sso_url" if saml else "server"]
    parts = urlsplit(address)
    if parts.scheme != "https" and parts.hostname not in {"localhost", "127.0.0.1"}:
        raise UnusableSignInError(f"{place}: {address!r} is no https address")
    if saml and find_spec("onelogin") is None:
        raise UnusableSignInError(f"{place}: SAML needs more than the room: pip install 'comity[saml]'")
    domains = tuple(str(one).lower().removeprefix("@") for one in said["domains"])
    common = {"name": said["name"], "provider_id": said["id"]}
    app = _saml(common, said, domains) if saml else _openid(common, said, domains)
    return Organisation(
        id=said["id"],
        name=said["name"],
        domains=domains,
        only=said.get("only", False),
        origins=(f"{parts.scheme}://{parts.netloc}", *said.get("origins", ())),
        protocol="saml" if saml else "openid_connect",
        app=app,
    )


def _openid(common: dict[str, Any], said: dict[str, Any], domains: tuple[str, ...]) -> dict[str, Any]:
    told = {"server_url": said["server"], "verified_email": list(domains), "oauth_pkce_enabled": True}
    return common | {"client_id": said["client_id"], "secret": said["secret"], "settings": told}


def _saml(common: dict[str, Any], said: dict[str, Any], domains: tuple[str, ...]) -> dict[str, Any]:
    provider = {"entity_id": said["entity_id"], "sso_url": said["sso_url"], "x509cert": said["certificate"]}
    safe = {"reject_idp_initiated_sso": True, "strict": True, "want_assertion_signed": True}
    told = {"idp": provider, "advanced": safe, "verified_email": list(domains)}
    return common | {"client_id": said["id"], "settings": told}
