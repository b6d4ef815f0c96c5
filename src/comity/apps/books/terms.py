"""How time and money are counted: zone, currency and the day on which months begin, changed until a period is final.

Until somebody of the other side has joined, the side that began changes them alone. From then on one side proposes and
the other agrees, even where all of the other's people have left since: what they relied on is not one side's alone. A
zone is changed in a book without records only: local times of files were read by it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import tomlkit

from comity.apps.audit.models import Event, SubjectType
from comity.apps.audit.operations import audit
from comity.apps.books.models import Hold, TermsStep
from comity.apps.books.operations import TERMS_TASK, find_actor, refuse_unusable
from comity.apps.books.queries import NoBookError, book_folder, definition, has_book, last_terms_step
from comity.apps.books.refusals import Code
from comity.apps.outbox.operations import defer
from comity.apps.outbox.queries import has_pending
from comity.apps.parties.member_context import MemberContext, acting_as
from comity.apps.parties.queries import has_ever_joined
from comity.apps.parties.rate_limits import check_rate_limit
from comity.apps.parties.rights import Action
from comity.apps.refusal import Refused
from comity.book.definition import FILE, Definition, read_definition
from comity.book.importing.current import current_table
from comity.book.storage.atomic import write_text
from comity.book.storage.commit import book_lock
from comity.book.tables import EVERY_TABLE
from comity.core.values import Side


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms of a book."""

    timezone: str
    currency: str
    month_starts_on: int


@dataclass(frozen=True, slots=True)
class OpenTerms:
    """Terms that a side proposed and nobody answered yet."""

    step: TermsStep
    terms: Terms


def terms_of(known: Definition) -> Terms:
    """Return the terms that a book says."""
    return Terms(known.timezone, known.currency, known.month_starts_on)


def open_proposal(member: MemberContext) -> OpenTerms | None:
    """Return what is proposed and neither agreed to, declined nor withdrawn."""
    last = last_terms_step(member)
    if last is None or last.change != TermsStep.Change.PROPOSED:
        return None
    return OpenTerms(last, _terms_in(last))


def is_alone(member: MemberContext) -> bool:
    """Whether nobody of the other side has ever joined."""
    return member.side is not None and not has_ever_joined(member, member.side.other)


def is_final(member: MemberContext) -> bool:
    """Whether both sides confirmed a period, whose figures were counted by the terms."""
    return Hold.objects.filter(relationship=member.relationship).exists()


def may_change(member: MemberContext) -> bool:
    """Whether a member may change the terms, or propose to: alone whoever brings records, else who agrees."""
    if member.side is None or is_final(member):
        return False
    return member.may(Action.BRING if is_alone(member) else Action.AGREE)


def has_records(folder: Path) -> bool:
    """Whether a book holds an import, or rows of the room."""
    return any(current_table(folder, table).deliveries for table in EVERY_TABLE.values())


def change_terms(member: MemberContext, terms: Terms) -> None:
    """Change the terms alone while the other side has never joined; else propose the change to it.

    :raises Refused: without the right, once a period is final, for terms that are no change or that no book can have,
        for another zone where there are records, and while a change is proposed or being written
    """
    side = _changing_side(member)
    if terms == terms_of(definition(member)):
        raise Refused(Code.SAME_TERMS)
    if open_proposal(member) is not None or has_pending(member, [TERMS_TASK]):
        raise Refused(Code.NOT_NOW)
    folder = book_folder(member.relationship.pk)
    _check_zone(folder, terms)
    with _written(folder, terms):
        pass
    if is_alone(member):
        _add_step(member, TermsStep.Change.CHANGED, terms)
        audit(member, Event.TERMS_CHANGED, SubjectType.BOOK, said_terms(terms), shared=True)
        _defer_write(member, side)
        return
    check_rate_limit(member.membership.person, "reply times")
    _add_step(member, TermsStep.Change.PROPOSED, terms)
    audit(member, Event.TERMS_PROPOSED, SubjectType.BOOK, said_terms(terms), shared=True)


def answer_terms(member: MemberContext, seen: UUID, *, agrees: bool) -> None:
    """Agree to the other side's proposal or decline it; the own side's proposal is withdrawn by declining it.

    :param seen: the proposal that the person was shown
    :raises Refused: without the right, where the proposal was answered or another one stands, for agreeing to one's
        own, and, for agreeing, as `change_terms`
    """
    side, proposal = _changing_side(member, ends=not agrees), open_proposal(member)
    if proposal is None or proposal.step.pk != seen:
        raise Refused(Code.NOT_NOW)
    is_own = proposal.step.side == side
    if not agrees:
        _add_step(member, TermsStep.Change.WITHDRAWN if is_own else TermsStep.Change.DECLINED, proposal.terms)
        event = Event.TERMS_WITHDRAWN if is_own else Event.TERMS_DECLINED
        audit(member, event, SubjectType.BOOK, said_terms(proposal.terms), shared=True)
        return
    if is_own:
        raise Refused(Code.NOT_YOURS)
    _check_zone(book_folder(member.relationship.pk), proposal.terms)
    _add_step(member, TermsStep.Change.AGREED, proposal.terms)
    audit(member, Event.TERMS_CHANGED, SubjectType.BOOK, said_terms(proposal.terms), shared=True)
    _defer_write(member, side)


def write_terms(person: UUID, relationship: UUID, side: Side) -> None:
    """Write the terms that count into the book, for the task; the same twice is one.

    Where records have come in between, or a period has become final, the book stays, and the log says so.

    :raises BusyBookError: during an import
    """
    actor, folder = find_actor(person, relationship, lambda member: member.side == side), book_folder(relationship)
    counting = (TermsStep.Change.CHANGED, TermsStep.Change.AGREED)
    with acting_as(actor, relationship) as member, book_lock(folder):
        step = TermsStep.objects.filter(relationship=member.relationship, change__in=counting).last()
        if step is None or _terms_in(step) == terms_of(read_definition(folder)):
            return
        terms = _terms_in(step)
        moves_records = terms.timezone != read_definition(folder).timezone and has_records(folder)
        if moves_records or is_final(member):
            audit(member, Event.TERMS_FAILED, SubjectType.BOOK, said_terms(terms), shared=True)
            return
        with _written(folder, terms) as text:
            write_text(folder / FILE, text)


def _changing_side(member: MemberContext, *, ends: bool = False) -> Side:
    if not has_book(member):
        raise NoBookError
    if member.side is None or not member.may(Action.BRING if is_alone(member) else Action.AGREE):
        raise Refused(Code.NOT_YOURS)
    if not ends and is_final(member):
        raise Refused(Code.TERMS_FINAL)
    return member.side


def _check_zone(folder: Path, terms: Terms) -> None:
    if terms.timezone != read_definition(folder).timezone and has_records(folder):
        raise Refused(Code.ZONE_OF_RECORDS)


@contextmanager
def _written(folder: Path, terms: Terms) -> Iterator[str]:
    """Give the text of `book.toml` with these terms, all else as people wrote it.

    :raises Refused: where no book can be read so
    """
    document = tomlkit.parse((folder / FILE).read_text(encoding="utf-8"))
    document["book"].update(said_terms(terms) | {"month_starts_on": terms.month_starts_on})
    text = tomlkit.dumps(document)
    with TemporaryDirectory() as work, refuse_unusable(Code.UNUSABLE_TERMS):
        write_text(Path(work) / FILE, text)
        read_definition(Path(work))
    yield text


def _add_step(member: MemberContext, change: TermsStep.Change, terms: Terms) -> None:
    TermsStep.objects.create(
        relationship=member.relationship,
        side=member.side.value if member.side else "",
        person=member.membership.person,
        change=change,
        timezone=terms.timezone,
        currency=terms.currency,
        month_starts_on=terms.month_starts_on,
    )


def _terms_in(step: TermsStep) -> Terms:
    return Terms(step.timezone, step.currency, step.month_starts_on)


def said_terms(terms: Terms) -> dict[str, str]:
    """Return the terms as texts, by their names."""
    return {"timezone": terms.timezone, "currency": terms.currency, "month_starts_on": str(terms.month_starts_on)}


def _defer_write(member: MemberContext, side: Side) -> None:
    relationship, person = member.relationship.pk, str(member.membership.person_id)
    defer(TERMS_TASK, relationship=relationship, lock=f"{TERMS_TASK} {relationship}", person=person, side=side.value)
