"""`comity stamp`: have a time authority sign that a record's last digest existed at a moment (RFC 3161).

Whoever runs the room and one side together could make the chain again and say that it was always so. A stamp of a
neutral authority, taken when a period is frozen, shows that its entry existed then. Nothing of the record leaves this
machine but the SHA-256 of one digest, and that only where --url asks for it: else the request is a file to be carried.
"""

import http.client
import urllib.error
import urllib.request
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from comity.cli.review import refuse

_LARGEST = 1024 * 1024  # of a reply; those of authorities have some kilobytes
_PATIENCE_S = 30
_QUERY, _REPLY = "application/timestamp-query", "application/timestamp-reply"


class StampError(ValueError):
    """A stamp that does not prove what it is taken for."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("stamp")(stamp)


def stamp(
    file: Annotated[Path, typer.Argument(help="A record.json, downloaded from the room.", show_default=False)],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Output file for the request, or for the stamp with --url.")
    ],
    url: Annotated[
        str | None,
        typer.Option(help="Send the request to this time authority and keep its reply.", show_default=False),
    ] = None,
) -> None:
    """Request a time stamp for a record's last digest; `comity verify --stamp` checks it later, without a network.

    Without --url the request is written to a file. Send it to an authority with any HTTP client as
    application/timestamp-query, and keep the reply.
    """
    from comity.core import chain  # noqa: PLC0415 - late, for a quick cold start

    library = needed()
    try:
        head = chain.verify(chain.parse_record(file.read_text(encoding="utf-8")))
    except OSError as error:
        raise refuse(f"{file} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise refuse(f"{file} cannot be stamped: {error}") from None
    request = (
        library.TimestampRequestBuilder()
        .data(head.encode())
        .hash_algorithm(library.HashAlgorithm.SHA256)
        .cert_request(cert_request=True)
        .nonce(nonce=True)
        .build()
        .as_bytes()
    )
    written = request if url is None else _reply(library, request, url)
    try:
        output.write_bytes(written)
    except OSError as error:
        raise refuse(f"{output} cannot be written: {error.strerror}") from None
    what = f"a request for a time stamp ({_QUERY})" if url is None else "the authority's stamp"
    typer.echo(f"{output}: {what} of the digest {head}")


def stamped(reply: Path, authority: Path, digests: list[str]) -> tuple[str, datetime]:
    """The digest that a stamp is of, and the moment that the authority signed.

    :param reply: the authority's reply, as a file
    :param authority: its certificates in PEM; those that sign themselves are trusted, the others lead to them
    :param digests: those that it may be of
    :raises StampError: for a stamp of something else, of another authority, or that is none
    """
    library = needed()
    from cryptography import x509  # noqa: PLC0415 - late, for a quick cold start

    try:
        certificates = x509.load_pem_x509_certificates(authority.read_bytes())
    except (OSError, ValueError):
        raise StampError(f"{authority} contains no PEM certificates") from None
    roots = [one for one in certificates if one.issuer == one.subject]
    if not roots:
        raise StampError(f"{authority} contains no self-signed certificate; add the authority's root")
    others = [one for one in certificates if one not in roots]
    verifier = library.VerifierBuilder(roots=roots, intermediates=others).build()
    try:
        answer = library.decode_timestamp_response(reply.read_bytes())
        said = bytes(answer.tst_info.message_imprint.message)
    except OSError as error:
        raise StampError(f"{reply} cannot be read: {error.strerror}") from None
    except ValueError:
        raise StampError(f"{reply} is not a reply of a time authority") from None
    reason = "it is of none of these entries"
    for digest in digests:
        try:
            verifier.verify_message(answer, digest.encode())
        except (library.VerificationError, ValueError) as error:
            reason = reason if _is_of(said, digest) is False else str(error)
        else:
            return digest, answer.tst_info.gen_time
    raise StampError(f"{reply} is not valid: {reason}")


def needed() -> Any:  # noqa: ANN401 - a module that is not always there
    """The library, or one line that says how to get it."""
    try:
        import rfc3161_client  # noqa: PLC0415 - an optional part
    except ModuleNotFoundError:
        raise refuse("time stamps need another library: pip install 'comity[stamp]'") from None
    return rfc3161_client


def _is_of(said: bytes, digest: str) -> bool:
    """Whether the hash that an authority signed is one of this digest."""
    import hashlib  # noqa: PLC0415 - late, as above

    return said in {hashlib.new(name, digest.encode()).digest() for name in ("sha256", "sha384", "sha512")}


def _reply(library: Any, request: bytes, url: str) -> bytes:  # noqa: ANN401 - as above
    """What an authority answers to a request."""
    if not url.startswith(("https://", "http://")):
        raise refuse(f"{url} is not the address of a time authority; it must begin with https:// or http://")
    asked = urllib.request.Request(url, request, {"Content-Type": _QUERY, "Accept": _REPLY})  # noqa: S310 - see above
    try:
        with urllib.request.urlopen(asked, timeout=_PATIENCE_S) as answer:  # noqa: S310 - as above
            told: bytes = answer.read(_LARGEST)
    except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
        raise refuse(f"{url} gave no stamp: {error}") from None
    try:
        status = library.PKIStatus(library.decode_timestamp_response(told).status)
    except ValueError:
        raise refuse(f"{url} gave no stamp: its answer is not a reply of a time authority") from None
    if status is not library.PKIStatus.GRANTED:
        raise refuse(f"{url} gave no stamp: it answered {status.name}")
    return told
