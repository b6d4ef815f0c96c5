"""A change signed elsewhere: taken out as a PDF by who will sign it, brought back signed, kept for both sides.

Nobody signs for another: what comes back counts as the signature of the person who took it out, in whose name the file
is made. What the signature in the file says of its signer stands beside, as it was found.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import date, timedelta

from django.conf import settings
from django.utils import timezone

from comity.apps.agreements import operations, queries
from comity.apps.agreements.models import Change, SignedFile, TakenOut
from comity.apps.agreements.refusals import Code
from comity.apps.agreements.signing import signed_pdf
from comity.apps.agreements.signing.signed_pdf import FoundSignature
from comity.apps.agreements.signing.to_sign import ToSign, document, to_sign_pdf
from comity.apps.agreements.text.papers import Reader
from comity.apps.books import queries as books
from comity.apps.bounded import Bounded
from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.rate_limits import check_rate_limit
from comity.apps.record import operations as record
from comity.apps.refusal import Refused
from comity.core.agreements import signing
from comity.core.agreements.authority import SignedBy
from comity.core.agreements.kinds import Means
from comity.core.agreements.signing import StepKind
from comity.core.agreements.text import text, with_change
from comity.core.values import Side
from comity.review.i18n.words import Words

_NO_FILE_YET = "0" * 64
_read_files: Bounded[tuple[FoundSignature, ...]] = Bounded(128)  # by digest, moment, and the trusted


def take_out(member: MemberContext, change: Change, sentences: Mapping[str, str], words: Words) -> tuple[str, bytes]:
    """Return the name and the content of a PDF to be signed, and note that this person was shown what it says.

    :param sentences: language -> digest of the sentences that are shown
    :raises Refused: for who may not sign in this way, and where nobody could sign it as it stands
    :raises comity.review.render.errors.PdfUnavailableError: where the system library pango is missing
    """
    if member.side is None:
        raise Refused(Code.NOT_YOURS)
    check_rate_limit(member.membership.person, "copies")
    asked = _to_sign(member, change, sentences)
    content, digest = to_sign_pdf(asked, reader_of(member, words)), document(asked)["digest"]
    # The file takes a moment to be laid out, which nobody waits for; what it says has to hold still when it is noted.
    if operations.show_for_signature(member, change, sentences, words.language) != digest:
        raise Refused(Code.CHANGED)
    TakenOut.objects.create(
        change=change, relationship=member.relationship, side=member.side, person=member.membership.person,
        revision=asked.revision.number, digest=digest, sentences=dict(sentences), retroactive=asked.retroactive,
        size=len(content), sha256=hashlib.sha256(content).hexdigest(),
    )  # fmt: skip
    return f"change-{change.number}-to-sign.pdf", content


def _to_sign(member: MemberContext, change: Change, sentences: Mapping[str, str]) -> ToSign:
    """Return what a member would sign elsewhere.

    :raises Refused: where the signature would be refused
    """
    now = queries.situation(member)
    state = queries.change_state(member, change, now)
    if state.last is None or member.side is None:
        raise Refused(Code.NOT_PROPOSED)
    of = queries.situation_for(state.steps, now)
    signer, side = queries.signer_of(member.membership), member.side
    asked = ToSign(state.steps, of, str(member.relationship.pk), side, signer, sentences, timezone.now())
    if not may_read_signed(member, state, of):
        raise Refused(Code.NOT_READABLE)
    if Means.PDF not in signing.means_open_to(state.steps, signer, side, of):
        raise Refused(Code.MEANS)
    digest = document(asked)["digest"]
    opened = signing.Step(
        StepKind.OPEN, of.now, side, signer.person, state.last.number, digest, sentences=dict(sentences),
        person_id=signer.person_id,
    )  # fmt: skip
    signed = signing.Step(
        StepKind.SIGN, of.now, side, signer.person, state.last.number, digest, signer=signer, means=SignedBy.PDF,
        retroactive=asked.retroactive, sentences=dict(sentences), file=_NO_FILE_YET,
        person_id=signer.person_id,
    )  # fmt: skip
    why = signing.refusal([*state.steps, opened], signed, of)
    if why is not None:
        raise Refused(Code(why.value))
    return asked


def reader_of(member: MemberContext, words: Words, seal: str = "") -> Reader:
    """Return a member as the reader of a paper."""
    parties = {side: member.relationship.organisation(side).name for side in Side}
    return Reader(words, parties, books.zone(member), lambda clause: queries.may_read(member, clause), seal)


def may_read_signed(member: MemberContext, state: queries.ChangeState, now: signing.Situation) -> bool:
    """Return whether a member reads every clause of which the signed document has a digest, however it was worded.

    The digest of a clause is no secret's cover: whoever knows how such clauses read could try all prices.
    """
    if state.last is None:
        return False
    change = state.last.proposal.change
    steps, of = queries.as_decided(state, now)
    entries, signed = with_change(of.chain, change), signing.what_is_signed(steps, of)
    named = set(signed["as_agreed"]).union(*signed["contingent"].values())
    days = {change.span.first_day, *(entry.change.span.first_day for entry in entries)}
    last = date.max - timedelta(days=1)
    return all(
        queries.may_read(member, clause)
        for day in days
        for clause in text(entries, min(day, last)).clauses
        if clause.id in named and not clause.removed
    )


def bring_back(member: MemberContext, change: Change, content: bytes) -> bool:
    """Take a signed file in as this person's signature; return whether both sides have signed and it is agreed.

    :param content: at most one byte more than `signed_pdf.MAX_BYTES`
    :raises Refused: for a file that does not count, and wherever the signature is refused
    """
    if member.side is None:
        raise Refused(Code.NOT_YOURS)
    check_rate_limit(member.membership.person, "uploads")
    taken = _taken_out(member, change, content)
    checked = signed_pdf.check(content, taken.size, taken.sha256, settings.TRUSTED)
    if checked.fault is not None:
        raise Refused(Code(f"pdf_{checked.fault.value}"))
    record.lock_relationship(member)
    file = SignedFile.objects.create(
        change=change, relationship=member.relationship, side=member.side, person=member.membership.person,
        taken_out=taken, size=len(content), sha256=hashlib.sha256(content).hexdigest(), content=content,
        found=[asdict(one) for one in checked.signatures],
    )  # fmt: skip
    return operations.sign(
        member, change, taken.digest, taken.sentences, retroactive=taken.retroactive, means=SignedBy.PDF,
        file=file.sha256,
    )  # fmt: skip


def found_in(file: SignedFile) -> tuple[FoundSignature, ...] | None:
    """Return the signatures in a file as the file has them, whatever its row says; None where it cannot be read now.

    Whether a certificate leads to a trusted authority is judged by the moment at which the file came, which the
    database knows; where the row says that it did not, it stays so.
    """
    found = _read(file)
    if found is None:
        return None
    said = file.found if len(file.found) == len(found) else [{} for _ in found]
    return tuple(
        replace(one, trusted=one.trusted and row.get("trusted") is True) for one, row in zip(found, said, strict=True)
    )


def _read(file: SignedFile) -> tuple[FoundSignature, ...] | None:
    """Read a file, once in a process: it takes a process of its own. What cannot be read now is not kept as such."""
    roots = settings.TRUSTED
    key = (file.sha256, file.at, 0 if roots is None else roots.stat().st_mtime_ns)
    known = _read_files.get(key)
    if known is None:
        checked = signed_pdf.read_signatures(bytes(file.content), roots, file.at)
        if checked.fault is not None:
            return None
        known = checked.signatures
        _read_files.keep(key, known)
    return known


def _taken_out(member: MemberContext, change: Change, content: bytes) -> TakenOut:
    """Return what this person took out and a file begins with.

    :raises Refused: where it begins with nothing of theirs
    """
    if len(content) > signed_pdf.MAX_BYTES:
        raise Refused(Code.PDF_TOO_LARGE)
    if not content.startswith(b"%PDF-"):
        raise Refused(Code.PDF_NOT_PDF)
    rows = TakenOut.objects.filter(change=change, relationship=member.relationship, person=member.membership.person)
    for row in rows:
        if hashlib.sha256(content[: row.size]).hexdigest() == row.sha256:
            return row
    raise Refused(Code.PDF_OTHER)
