"""Operations on KPIs: a side proposes a set, the other agrees to exactly that, and a job writes it into the book."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import tomlkit
from tomlkit import TOMLDocument
from tomlkit.items import AoT

from comity.apps.audit.models import Event, SubjectType
from comity.apps.audit.operations import audit
from comity.apps.books.operations import find_actor
from comity.apps.books.queries import NoBookError, book_folder, definition, has_book
from comity.apps.kpis import queries
from comity.apps.kpis.refusals import Code
from comity.apps.kpis.terms import Terms, wordings
from comity.apps.outbox.operations import defer
from comity.apps.parties.mailing import mail_side, page_path
from comity.apps.parties.member_context import MemberContext, acting_as
from comity.apps.parties.rate_limits import check_rate_limit
from comity.apps.parties.rights import Action
from comity.apps.record import operations as record
from comity.apps.record.models import Consent, ConsentSubject, Entry, EntryKind
from comity.apps.refusal import Refused
from comity.book.definition import FILE, AgreedDelivery, UnusableBookError, kpi_keys, read_definition
from comity.book.storage.atomic import write_text
from comity.book.storage.commit import book_lock
from comity.core import chain
from comity.core.agreements.kpi import Kpi
from comity.core.calendars import Calendar, Cut
from comity.core.values import Side

WRITE_TASK = queries.WRITE_TASK
MAX_KPIS = 40


def _agreeing_side(member: MemberContext) -> Side:
    """Return the side that the member may agree for.

    :raises Refused: for those who may not
    """
    if member.side is None or not member.may(Action.AGREE):
        raise Refused(Code.NOT_YOURS)
    return member.side


def propose(member: MemberContext, terms: Terms, seen: str) -> Consent:
    """Propose a set of KPIs; it is in force once the other side has agreed to it.

    It replaces whatever is proposed: what one side proposed is kept, and can be agreed to no more. While the other
    side has nobody in the room, figures are computed by the set at once, marked as not agreed.

    :param seen: digest of the other side's proposal that the person was shown; empty where there was none
    :raises Refused: for those who may not, for a set that no book can hold, for a first day in a frozen period, for
        what is proposed already, where the other side has proposed meanwhile, and beyond the rate limit
    """
    side = _agreeing_side(member)
    if not has_book(member):
        raise NoBookError
    check_rate_limit(member.membership.person, "KPIs")
    record.lock_relationship(member)
    _check_agreement(member)
    _validate(member, terms)
    content, subject = terms.content(), queries.next_subject(member)
    waiting = queries.proposal(member)
    if waiting is not None and waiting.side != side and waiting.digest != seen:
        raise Refused(Code.CHANGED)
    if waiting is not None and waiting.digest == chain.digest_of(content):
        raise Refused(Code.SAME)
    for consent in record.void_other_consents(ConsentSubject.KPIS, subject, content):
        record.mark_void_reported(consent)  # the mail below says so
    record.give_consent(member, ConsentSubject.KPIS, subject, content)
    audit(member, Event.KPIS_PROPOSED, SubjectType.RECORD, {"side": side.value}, shared=True)
    mail_side(
        member, side.other, Action.AGREE, "kpis_proposed", page_path(member, "kpis"),
        party=lambda words: member.party(words)(side),
    )  # fmt: skip
    proposal = queries.proposal(member)
    assert proposal is not None
    if not queries.has_people(member, side.other):
        _defer_write(member, 0, content)
    return proposal


def withdraw(member: MemberContext, digest: str) -> None:
    """Withdraw the set that the own side has proposed, until the other side agrees or answers with a set of its own.

    It stays readable as withdrawn, and can be agreed to no more. Where the other side had nobody in the room, so that
    figures count by it as not agreed, they count as before it.

    :param digest: of the proposal that the person was shown
    :raises Refused: for those who may not, where the own side proposes nothing, or another set, by now, and beyond the
        rate limit
    """
    side = _agreeing_side(member)
    check_rate_limit(member.membership.person, "KPIs")
    record.lock_relationship(member)
    _check_agreement(member)
    proposal = queries.proposal(member)
    if proposal is None or proposal.side != side:
        raise Refused(Code.NOTHING_TO_WITHDRAW)
    if proposal.digest != digest:
        raise Refused(Code.CHANGED)
    void_content = {queries.WITHDRAWN_BY: side.value, "digest": proposal.digest}
    for consent in record.void_other_consents(ConsentSubject.KPIS, proposal.subject, void_content):
        record.mark_void_reported(consent)  # the mail below says so
    audit(member, Event.KPIS_WITHDRAWN, SubjectType.RECORD, {"side": side.value}, shared=True)
    mail_side(
        member, side.other, Action.AGREE, "kpis_withdrawn", page_path(member, "kpis"),
        party=lambda words: member.party(words)(side),
    )  # fmt: skip
    if not queries.agreed_terms(member):
        _defer_write(member, 0, {})


def _check_agreement(member: MemberContext) -> None:
    """Check that KPIs are not in the agreement, which alone changes them from then on.

    :raises Refused: where they are
    """
    if queries.is_in_agreement(member):
        raise Refused(Code.IN_AGREEMENT)


def _validate(member: MemberContext, terms: Terms) -> None:
    """Validate a set against the book and the frozen periods.

    :raises Refused: naming what is invalid
    """
    if not terms.kpis:
        raise Refused(Code.NONE_CHOSEN)
    try:
        is_whole = Terms.from_content(terms.content()) == terms
    except UnusableBookError as error:
        raise Refused(Code.UNUSABLE, why=error.called("")) from None
    if not is_whole or len(terms.kpis) > MAX_KPIS:
        raise Refused(Code.NONE_CHOSEN)
    if len({kpi.id for kpi in terms.kpis}) < len(terms.kpis):
        raise Refused(Code.NONE_CHOSEN)
    calendar = Calendar(Cut.MONTH, definition(member).month_starts_on)
    if calendar.containing(terms.valid_from).start != terms.valid_from:
        raise Refused(Code.START)
    _check_start(member, terms)


def _check_start(member: MemberContext, terms: Terms) -> None:
    """Check that a set holds from a day that no frozen period covers.

    :raises Refused: where it does not
    """
    if terms.valid_from < queries.earliest_start(member):
        raise Refused(Code.CLOSED)


def agree(member: MemberContext, digest: str) -> Entry:
    """Agree to the other side's set: from its first day on, figures count by it.

    :param digest: of the proposal that the person was shown
    :raises Refused: for those who may not, where nothing, or another set, is proposed by now, where a period that it
        would change has been frozen since, and while a change of the agreement waits for a signature
    """
    side = _agreeing_side(member)
    record.lock_relationship(member)
    _check_agreement(member)
    proposal = queries.proposal(member)
    if proposal is None or proposal.side == side:
        raise Refused(Code.NO_PROPOSAL)
    if proposal.digest != digest:
        raise Refused(Code.CHANGED)
    if any(waits(member) for waits in queries.waiting_changes):
        raise Refused(Code.CHANGE_WAITS)
    _check_start(member, Terms.from_content(proposal.content))
    record.give_consent(member, ConsentSubject.KPIS, proposal.subject, proposal.content)
    entry = record.add_agreed_entry(member, EntryKind.KPIS, ConsentSubject.KPIS, proposal.subject, proposal.content)
    audit(member, Event.KPIS_AGREED, SubjectType.RECORD, {"side": side.other.value}, shared=True)
    record.mail_chain_head(member, entry, "head_kpis", page_path(member, "kpis"), {})
    _defer_write(member, entry.number, {})
    return entry


def _defer_write(member: MemberContext, entry: int, content: Mapping[str, Any]) -> None:
    """Defer the job that brings the book to an entry of the record, or to a proposal (0); they run in order."""
    relationship = member.relationship.pk
    defer(
        WRITE_TASK, relationship=relationship, lock=f"{WRITE_TASK} {relationship}",
        person=str(member.membership.person_id), side=str(member.side), entry=entry, content=dict(content),
    )  # fmt: skip


def write_now(person: UUID, relationship: UUID, side: Side, entry: int, content: Mapping[str, Any]) -> None:
    """Write what was agreed into the book, for the task; nothing where the book is there already, or further.

    :param entry: the record's entry that the book is brought to; 0: the proposal in `content`, while nothing is agreed,
        or nothing where it is withdrawn
    :raises comity.book.storage.commit.BusyBookError: during an import
    """
    with acting_as(find_actor(person, relationship, lambda member: member.side == side), relationship) as member:
        folder = book_folder(relationship)
        with book_lock(folder):
            known = read_definition(folder).kpis
            position = max((kpi.entry or 0 for kpi in known), default=0)
            agreed = queries.agreed_terms(member)
            if entry:
                if position >= entry:
                    return
                _write(folder, wordings(agreed), agreed[-1].terms, is_agreed=True)
            elif agreed or position:
                return
            elif not content:
                if all(kpi.agreed for kpi in known):
                    return
                _write_without_tried(folder, known)
            else:
                terms = Terms.from_content(content)
                kpis = [replace(kpi, valid_from=terms.valid_from, agreed=False) for kpi in terms.kpis]
                if list(known) == kpis:
                    return
                _write(folder, kpis, terms, is_agreed=False)
        event, data = (Event.KPIS_WRITTEN, {"number": entry}) if entry else (Event.KPIS_TRIED, {"side": side.value})
        audit(member, event, SubjectType.BOOK, data, shared=True)


def _write(folder: Path, kpis: Sequence[Kpi], terms: Terms, *, is_agreed: bool) -> None:
    """Set `[[kpi]]` and `[review]`, and what was agreed about deliveries, with all else as people wrote it.

    A wording that people wrote holds up to the first agreed one. Who delivers what decides who may add rows to a
    table, so that one side's proposal leaves it as it is.
    """
    path = folder / FILE
    document = tomlkit.parse(path.read_text(encoding="utf-8"))
    first = min(kpi.valid_from for kpi in kpis)
    kept = [one for one in read_definition(folder).kpis if one.entry is None and one.agreed and one.valid_from < first]
    ended = [replace(one, valid_to=min(one.valid_to or first, first)) for one in kept]
    array = tomlkit.aot()
    for kpi in (*ended, *kpis):
        array.append(tomlkit.item(kpi_keys(kpi)))
    document["kpi"] = array
    review = document.setdefault("review", tomlkit.table())
    review["period"] = terms.cut.value
    if is_agreed:
        _write_sources(document, terms.deliveries)
    text = tomlkit.dumps(document)
    with tempfile.TemporaryDirectory() as work:  # what cannot be read again is not written
        (Path(work) / FILE).write_text(text, encoding="utf-8")
        read_definition(Path(work))
    write_text(path, text)


def _write_without_tried(folder: Path, known: Sequence[Kpi]) -> None:
    """Take a withdrawn set, which counted as not agreed, out of `[[kpi]]`.

    What people had written, and the set had ended on its first day, holds on from that day.
    """
    tried = {kpi.valid_from for kpi in known if not kpi.agreed}
    kept = [replace(one, valid_to=None) if one.valid_to in tried else one for one in known if one.agreed]
    path = folder / FILE
    document = tomlkit.parse(path.read_text(encoding="utf-8"))
    array = tomlkit.aot()
    for kpi in kept:
        array.append(tomlkit.item(kpi_keys(kpi)))
    if kept:
        document["kpi"] = array
    else:
        del document["kpi"]
    write_text(path, tomlkit.dumps(document))


def _write_sources(document: TOMLDocument, deliveries: Sequence[AgreedDelivery]) -> None:
    """Set who delivers which table by when; where the command line fetches a file from stays as it is."""
    before = document.get("source", [])
    array: AoT = tomlkit.aot()
    for one in deliveries:
        keys = {"table": one.table, "by": one.by.value} | ({"due": one.due} if one.due else {})
        known: Mapping[str, Any] = next(
            (other for other in before if (other["table"], other["by"]) == (one.table, one.by.value)), {}
        )
        array.append(tomlkit.item(keys | {name: str(known[name]) for name in ("path", "as") if name in known}))
    if "source" in document:
        del document["source"]
    if deliveries:
        document["source"] = array
