"""Whether the domain of a mail's sender answers for it: by its own signature (DKIM), or as our mail server says (SPF).

A signature counts where its domain is that of From (relaxed alignment, RFC 7489, 3.1.1), it covers the whole body, and
it covers From, To, Date and Message-ID: else the mail could be sent again to another address, or as another mail. SPF
cannot be worked out after the fact; it counts only as the mail server that the room names has written it
(RFC 8601), in the topmost such header, for whoever sent the mail can have written those below.
"""

import logging
from collections.abc import Callable, Iterator
from email import message_from_bytes
from email.policy import compat32
from enum import StrEnum
from functools import lru_cache

import authres
import dkim
from authheaders.dmarc_lookup import get_org_domain
from authres.core import AuthResError
from dkim.util import InvalidTagValueList, parse_tag_value

# Gives the text of a DNS record by its name, None where there is none.
Lookup = Callable[..., bytes | None]
_TO_BE_SIGNED = frozenset({b"from", b"to", b"date", b"message-id"})
_MAX_SIGNATURES = 5
_DNS_TIMEOUT_S = 3
_QUIET = logging.getLogger(f"{__name__}.dkim")
_QUIET.setLevel(logging.CRITICAL)  # what a stranger's signature lacks is no concern of the log


class Proof(StrEnum):
    """Whether the domain of From answers for a mail."""

    GIVEN = "given"
    NONE = "none"
    PART = "part"  # a signature of the domain that leaves part of the mail out
    LATER = "later"  # DNS does not answer now


def prove_sender(raw: bytes, sender: str, server: str, lookup: Lookup | None = None) -> Proof:
    """Return whether the domain of a mail's sender answers for it.

    :param sender: the address of From
    :param server: the name by which our own mail server signs its results; empty: SPF counts never
    :param lookup: instead of DNS
    """
    domain = sender.rpartition("@")[2]
    if server and _passes_spf(raw, domain, server):
        return Proof.GIVEN
    proofs = set(_signatures(raw, domain, lookup or _look_up))
    return next((one for one in (Proof.GIVEN, Proof.LATER, Proof.PART) if one in proofs), Proof.NONE)


def _signatures(raw: bytes, domain: str, lookup: Lookup) -> Iterator[Proof]:
    """Yield what each signature of a mail proves."""
    try:
        mail = dkim.DKIM(raw, logger=_QUIET, timeout=_DNS_TIMEOUT_S)
    except dkim.DKIMException:
        return
    values = [value for name, value in mail.headers if name.lower() == b"dkim-signature"]
    for number, value in enumerate(values[:_MAX_SIGNATURES]):
        yield _signature(mail, number, value, domain, lookup)


def _signature(mail: dkim.DKIM, number: int, value: bytes, domain: str, lookup: Lookup) -> Proof:
    try:
        tags = parse_tag_value(value)
    except InvalidTagValueList:
        return Proof.NONE
    if not _is_aligned(tags.get(b"d", b"").decode("ascii", "replace"), domain):
        return Proof.NONE
    try:
        is_valid = mail.verify(number, dnsfunc=lookup)
    except TimeoutError:  # DNS did not answer, which says nothing about the signature
        return Proof.LATER
    except (dkim.DKIMException, ValueError, KeyError, IndexError, TypeError):  # however it is malformed
        return Proof.NONE
    covered = {name.strip().lower() for name in tags.get(b"h", b"").split(b":")}
    if not is_valid:
        return Proof.NONE
    return Proof.PART if b"l" in tags or not covered >= _TO_BE_SIGNED else Proof.GIVEN


def _look_up(name: bytes, timeout: int = _DNS_TIMEOUT_S) -> bytes | None:
    """Look up a text record in DNS.

    :raises TimeoutError: where no name server answers
    """
    from dns import exception, resolver  # noqa: PLC0415 - only where a mailbox is read

    try:
        answers = resolver.resolve(name.decode("ascii"), "TXT", lifetime=timeout)
    except (resolver.NXDOMAIN, resolver.NoAnswer):
        return None
    except UnicodeDecodeError:
        return None
    except (exception.DNSException, OSError) as error:
        raise TimeoutError from error
    return next((b"".join(answer.strings) for answer in answers), None)


def _passes_spf(raw: bytes, domain: str, server: str) -> bool:
    """Whether our own mail server says that SPF passed for the domain."""
    headers = message_from_bytes(raw, policy=compat32).get_all("Authentication-Results", [])
    for value in headers:
        try:
            results = authres.AuthenticationResultsHeader.parse(
                f"Authentication-Results: {' '.join(str(value).split())}"
            )
        except (AuthResError, ValueError, TypeError, IndexError):
            continue
        if str(results.authserv_id).lower() != server.lower():
            continue
        # The topmost of our server's: it adds its own above whatever the mail had.
        return any(
            one.method == "spf" and one.result == "pass" and _is_aligned(_mail_from(one), domain)
            for one in results.results
        )
    return False


def _mail_from(result: authres.AuthenticationResult) -> str:
    """Return the domain that SPF passed for: of the envelope's sender, not of the server that greeted."""
    return next(
        (
            str(one.value).rpartition("@")[2].strip("<>").lower()
            for one in result.properties
            if (one.type, one.name) == ("smtp", "mailfrom")
        ),
        "",
    )


def _is_aligned(one: str, other: str) -> bool:
    """Whether two domains belong to the same organisation."""
    one, other = one.lower().rstrip("."), other.lower().rstrip(".")
    return bool(one) and (one == other or (_organisation(one) == _organisation(other) and "." in _organisation(one)))


@lru_cache(maxsize=1024)
def _organisation(domain: str) -> str:
    """Return the organisational domain, by the list of public suffixes."""
    return str(get_org_domain(domain) or domain)
