"""A PDF that came back signed: whether it is the one that was taken out, with signatures added and nothing else.

The file is a stranger's: it is read by a process of its own, with little memory and time, that opens no other file and
no connection. It counts only where

- it begins with the very bytes that were taken out, so that its pages are those that the digest is of;
- what was added leaves these as they are: a signature and its field, certificates, time stamps. Other pages, other
  words over the old ones, script, a password are refused, and so is a second document behind the first;
- a visible signature stands in the frame on the last sheet, so that it covers no text;
- at least one signature is in it, and each fits the bytes that it is over.

What a signature says of its signer is told as it was found. Whether the signer's certificate leads to an authority
that this room trusts is one word of it; whether it was revoked is not asked, as nothing goes out.
"""

import contextlib
import hashlib
import io
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

FRAME = (51, 66, 544, 230)  # on the last sheet: left, bottom, right, top in points
_TOLERANCE = 8  # of a signature that somebody draws by hand, in points
MAX_BYTES = 10 * 1024 * 1024  # of a file that comes back; signatures with all their certificates have some 100 kB
_PATIENCE_S = 60
_MEMORY = 1024 * 1024 * 1024
_CPU_S = 30
_MOST_SIGNATURES = 20
_DEEPEST = 50  # of what stands in one object
_LONGEST_NAME = 200
# What could act, fetch, or hold another file. No signature has any of it.
_ACTIVE_KEYS = frozenset(
    {"/JS", "/AA", "/A", "/OpenAction", "/XFA", "/EF", "/AF", "/EmbeddedFiles", "/JavaScript", "/RichMediaContent"}
)
_ACTIVE_KINDS = frozenset(
    {
        *("/JavaScript", "/Launch", "/SubmitForm", "/ImportData", "/ResetForm", "/URI", "/GoToR", "/GoToE", "/Hide"),
        *("/Named", "/Rendition", "/Movie", "/Sound", "/RichMedia", "/Screen", "/FileAttachment", "/EmbeddedFile"),
    }
)
_KINDS = ("/S", "/Type", "/Subtype")  # keys whose name says what a dictionary is
_SAID = ("/Title", "/Subject", "/Keywords", "/Author")  # of the file, which our own pages say too


class Fault(StrEnum):
    """Why a file does not count."""

    TOO_LARGE = "too_large"
    NOT_PDF = "not_pdf"
    OTHER = "other"  # not the file that was taken out
    NOT_SIGNED = "not_signed"
    ENCRYPTED = "encrypted"
    ACTIVE = "active"  # script, or what else acts
    ALTERED = "altered"  # more was added than a signature
    COVERS = "covers"  # a visible signature stands over the text
    BROKEN = "broken"  # a signature does not fit the file
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class FoundSignature:
    """A signature as it was found in a file.

    :ivar signer: the name in its certificate
    :ivar issuer: whoever gave the certificate
    :ivar trusted: whether the certificate leads to an authority that the room trusts
    :ivar said_at: the moment that the signer's own clock said, as ISO; empty for none
    :ivar stamped_at: the moment that a time authority said, as ISO; empty for none
    :ivar valid_until: of the certificate, as ISO
    """

    signer: str
    organisation: str
    issuer: str
    trusted: bool
    said_at: str
    stamped_at: str
    valid_until: str


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found: why the file does not count, or its signatures."""

    fault: Fault | None
    signatures: tuple[FoundSignature, ...] = ()


def check(content: bytes, size: int, digest: str, roots: Path | None = None) -> Checked:
    """Check a file that came back, in a process of its own.

    :param size: of the file that was taken out
    :param digest: its SHA-256
    :param roots: certificates in PEM of the authorities that the room trusts; None: it trusts none
    """
    fault = _first_look(content, size, digest)
    return Checked(fault) if fault is not None else _in_own_process(content, size, roots)


def read_signatures(content: bytes, roots: Path | None, came_at: datetime) -> Checked:
    """Read the signatures of a file that was checked when it came, in a process of its own.

    :param came_at: the moment by which certificates are judged: they may have run out since
    """
    return _in_own_process(content, 0, roots, came_at)


def _in_own_process(content: bytes, size: int, roots: Path | None, came_at: datetime | None = None) -> Checked:
    trusted = b"" if roots is None else roots.read_bytes()
    asked = json.dumps({"size": size, "roots": len(trusted), "at": _iso(came_at)}).encode() + b"\n"
    try:
        done = subprocess.run(  # noqa: S603 - our own program
            [sys.executable, "-P", "-B", "-m", __spec__.name],
            input=asked + trusted + content,
            capture_output=True,
            check=False,
            timeout=_PATIENCE_S,
            env={},
            cwd="/",
        )
        told = json.loads(done.stdout)
    except (subprocess.TimeoutExpired, ValueError):
        return Checked(Fault.UNREADABLE)
    fault = Fault(told["fault"]) if told["fault"] else None
    return Checked(fault, tuple(FoundSignature(**one) for one in told["signatures"]))


def _first_look(content: bytes, size: int, digest: str) -> Fault | None:
    """Return what needs no reader of PDF to be seen."""
    if len(content) > MAX_BYTES:
        return Fault.TOO_LARGE
    if not content.startswith(b"%PDF-"):
        return Fault.NOT_PDF
    if hashlib.sha256(content[:size]).hexdigest() != digest:
        return Fault.OTHER
    return Fault.NOT_SIGNED if len(content) == size else None


def inspect(content: bytes, size: int, roots: bytes = b"", came_at: datetime | None = None) -> Checked:
    """Read a file that begins with what was taken out; within the process that may be lost by it.

    :param size: of what was taken out; 0: what was added to it is not looked at again
    :param came_at: the moment by which certificates are judged; None: now
    """
    from pyhanko.pdf_utils.misc import PdfError  # noqa: PLC0415 - heavy, and of this process alone
    from pyhanko.pdf_utils.reader import PdfFileReader  # noqa: PLC0415 - as above

    try:
        reader = PdfFileReader(io.BytesIO(content), strict=True)
        if reader.encrypted:
            return Checked(Fault.ENCRYPTED)
        fault = _what_was_added(PdfFileReader(io.BytesIO(content[:size]), strict=True), reader) if size else None
        return Checked(fault) if fault is not None else _signatures(reader, roots, came_at)
    except (PdfError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError, MemoryError):
        return Checked(Fault.UNREADABLE)
    except Exception:  # noqa: BLE001 - whatever a reader of others' files raises, this file is none that counts
        return Checked(Fault.UNREADABLE)


def _what_was_added(first: Any, reader: Any) -> Fault | None:  # noqa: ANN401 - pyHanko's
    from pyhanko.sign.diff_analysis import (  # noqa: PLC0415 - as above
        DEFAULT_DIFF_POLICY,
        ModificationLevel,
        SuspiciousModification,
    )

    base = first.xrefs.total_revisions
    if reader.xrefs.total_revisions <= base or reader.xrefs.hybrid_xrefs_present:
        return Fault.ALTERED
    # What was added has to lead back to what was taken out: else it is another document behind the first.
    places = [[one.xrefs.get_startxref_for_revision(at) for at in range(base)] for one in (first, reader)]
    if places[0] != places[1]:
        return Fault.ALTERED
    added = {
        reference
        for revision in range(base, reader.xrefs.total_revisions)
        for reference in reader.xrefs.explicit_refs_in_revision(revision)
    }
    for reference in added:
        before = None if first.xrefs.get_historical_ref(reference, base - 1) is None else first.get_object(reference)
        if _acts(reader.get_object(reference), before):
            return Fault.ACTIVE
    result = DEFAULT_DIFF_POLICY.review_file(reader, base_revision=base - 1)
    if isinstance(result, SuspiciousModification) or result.modification_level > ModificationLevel.FORM_FILLING:
        return Fault.ALTERED
    if _said(first) != _said(reader):
        return Fault.ALTERED
    return _covers(first, reader)


def _acts(value: Any, before: Any, depth: int = 0) -> bool:  # noqa: ANN401 - as above
    """Whether an object has what could act, other than it had when it was taken out (our own embedded file).

    What it refers to is an object of its own, and is looked at by itself.
    """
    from pyhanko.pdf_utils import generic  # noqa: PLC0415 - as above

    if depth > _DEEPEST:
        return True
    if isinstance(value, generic.ArrayObject):
        return any(_acts(value.raw_get(at), None, depth + 1) for at in range(len(value)))
    if not isinstance(value, generic.DictionaryObject):
        return False
    old: Any = before if isinstance(before, generic.DictionaryObject) else {}
    for key in value:
        inner, known = value.raw_get(key), old.raw_get(key) if key in old else None
        is_new = known is None or repr(known) != repr(inner)
        if is_new and (str(key) in _ACTIVE_KEYS or (str(key) in _KINDS and str(inner) in _ACTIVE_KINDS)):
            return True
        if _acts(inner, known, depth + 1):
            return True
    return False


def _said(reader: Any) -> list[str]:  # noqa: ANN401 - as above
    info = reader.trailer_view.get("/Info", {})
    info = info.get_object() if hasattr(info, "get_object") else info
    return [str(info.get(name, "")) for name in _SAID]


def _covers(first: Any, reader: Any) -> Fault | None:  # noqa: ANN401 - as above
    """Return a fault where something new is to be seen elsewhere than in the frame on the last sheet."""
    before, now = list(_pages(first)), list(_pages(reader))
    if len(before) != len(now):
        return Fault.ALTERED
    for number, (old, new) in enumerate(zip(before, now, strict=True), 1):
        known = set(_annotations(old))
        for name, one in _annotations(new).items():
            place = None if name in known else _place(one)
            if place is not None and (number < len(now) or not _is_framed(place)):
                return Fault.COVERS
    return None


def _annotations(page: Any) -> dict[str, Any]:  # noqa: ANN401 - as above
    """Return what stands on a sheet beside its text, by its reference: in which order does not matter."""
    if "/Annots" not in page:
        return {}
    annotations = page["/Annots"]
    return {repr(annotations.raw_get(at)): annotations[at] for at in range(len(annotations))}


def _place(annotation: Any) -> tuple[float, float, float, float] | None:  # noqa: ANN401 - as above
    """Return where something stands on its sheet; None for what is not seen."""
    across, up, other_across, other_up = (float(one) for one in annotation.get("/Rect", (0, 0, 0, 0)))
    if across == other_across or up == other_up:
        return None
    return min(across, other_across), min(up, other_up), max(across, other_across), max(up, other_up)


def _is_framed(place: tuple[float, float, float, float]) -> bool:
    left, bottom, right, top = FRAME
    return (
        place[0] >= left - _TOLERANCE
        and place[1] >= bottom - _TOLERANCE
        and place[2] <= right + _TOLERANCE
        and place[3] <= top + _TOLERANCE
    )


def _pages(reader: Any) -> Iterator[Any]:  # noqa: ANN401 - as above
    count = int(reader.root["/Pages"]["/Count"])
    for number in range(count):
        yield reader.find_page_for_modification(number)[0].get_object()


def _signatures(reader: Any, roots: bytes, came_at: datetime | None) -> Checked:  # noqa: ANN401 - as above
    from pyhanko.keys import load_certs_from_pemder_data  # noqa: PLC0415 - as above
    from pyhanko.sign.validation import validate_pdf_signature  # noqa: PLC0415 - as above
    from pyhanko.sign.validation.errors import SignatureValidationError  # noqa: PLC0415 - as above
    from pyhanko.sign.validation.status import SignatureCoverageLevel  # noqa: PLC0415 - as above
    from pyhanko_certvalidator import ValidationContext  # noqa: PLC0415 - as above

    embedded = reader.embedded_regular_signatures
    if not embedded:
        return Checked(Fault.NOT_SIGNED)
    if len(embedded) > _MOST_SIGNATURES:
        return Checked(Fault.ALTERED)
    found = []
    for one in embedded:
        context = ValidationContext(
            trust_roots=list(load_certs_from_pemder_data(roots)) if roots else [], allow_fetching=False, moment=came_at
        )
        try:
            status = validate_pdf_signature(one, context)
        except SignatureValidationError:
            return Checked(Fault.BROKEN)
        covers = status.coverage is not None and status.coverage >= SignatureCoverageLevel.ENTIRE_REVISION
        if not (status.intact and status.valid and covers):
            return Checked(Fault.BROKEN)
        stamp = status.timestamp_validity
        stamped = stamp.timestamp if stamp is not None and stamp.intact and stamp.valid else None
        subject, certificate = status.signing_cert.subject.native, status.signing_cert
        found.append(
            FoundSignature(
                _name(subject, "common_name") or _name(subject, "surname") or certificate.subject.human_friendly,
                _name(subject, "organization_name"),
                _name(certificate.issuer.native, "common_name") or certificate.issuer.human_friendly[:_LONGEST_NAME],
                bool(status.trusted),
                _iso(status.signer_reported_dt),
                _iso(stamped),
                _iso(certificate.not_valid_after),
            )
        )
    return Checked(None, tuple(found))


def _name(names: Any, part: str) -> str:  # noqa: ANN401 - as above
    value = names.get(part, "")
    return str(value[0] if isinstance(value, list) else value)[:_LONGEST_NAME]


def _iso(at: datetime | None) -> str:
    return "" if at is None else (at if at.tzinfo else at.replace(tzinfo=UTC)).isoformat()


def main() -> None:
    """Read a question and a file from standard input, and write what was found to standard output."""
    _lock_in()
    asked = json.loads(sys.stdin.buffer.readline())
    roots = sys.stdin.buffer.read(asked["roots"])
    came_at = datetime.fromisoformat(asked["at"]) if asked["at"] else None
    found = inspect(sys.stdin.buffer.read(MAX_BYTES), asked["size"], roots, came_at)
    signatures = [asdict(one) for one in found.signatures]
    sys.stdout.write(json.dumps({"fault": found.fault, "signatures": signatures}))


def _lock_in() -> None:
    """Limit memory, time and files of this process."""
    with contextlib.suppress(ImportError):  # a system without them
        import resource  # noqa: PLC0415 - see above

        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (_CPU_S, _CPU_S))
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    main()
