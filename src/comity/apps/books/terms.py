"""How a book counts: zone, currency, first day of months, days of service, and who answers for what.

Until somebody of the other side has joined, the side that began changes them alone. From then on one side proposes and
the other agrees, even where all of the other's people have left since: what they relied on is not one side's alone. A
zone is changed in a book without records only: local times of files were read by it. Once a period is final, what its
figures were counted by stays; who answers for what moves no figure, and may be agreed at any time.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

import tomlkit

from comity.apps.audit.models import Event, SubjectType
from comity.apps.audit.operations import audit
from comity.apps.books.models import Hold, TermsStep
from comity.apps.books.operations import TERMS_TASK, find_actor, refuse_unusable
from comity.apps.books.queries import (
    Answers,
    NoBookError,
    Terms,
    book_folder,
    definition,
    has_book,
    last_terms_step,
    terms_of,
)
from comity.apps.books.refusals import Code
from comity.apps.outbox.operations import defer
from comity.apps.outbox.queries import has_pending
from comity.apps.parties.member_context import MemberContext, acting_as
from comity.apps.parties.queries import has_ever_joined
from comity.apps.parties.rate_limits import check_rate_limit
from comity.apps.parties.rights import Action
from comity.apps.refusal import Refused
from comity.book.definition import FILE, read_definition
from comity.book.importing.current import current_table
from comity.book.storage.atomic import write_text
from comity.book.storage.commit import book_lock
from comity.book.tables import EVERY_TABLE
from comity.core.values import Side
from comity.review.i18n.words import DASH


@dataclass(frozen=True, slots=True)
class OpenTerms:
    """Terms that a side proposed and nobody answered yet."""

    step: TermsStep
    terms: Terms


def moves_figures(terms: Terms, others: Terms) -> bool:
    """Whether figures count otherwise by one of two terms: all but who answers for what may move one."""
    return replace(terms, answers=Answers(queues=terms.answers.queues)) != replace(
        others, answers=Answers(queues=others.answers.queues)
    )


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
    if member.side is None:
        return False
    return member.may(Action.BRING if is_alone(member) else Action.AGREE)


def has_records(folder: Path) -> bool:
    """Whether a book holds an import, or rows of the room."""
    return any(current_table(folder, table).deliveries for table in EVERY_TABLE.values())


def change_terms(member: MemberContext, terms: Terms) -> None:
    """Change the terms alone while the other side has never joined; else propose the change to it.

    :raises Refused: without the right, once a period is final for what moves figures, for terms that are no change or
        that no book can have, for another zone where there are records, and while a change is proposed or being written
    """
    side = _changing_side(member)
    if terms == terms_of(definition(member)):
        raise Refused(Code.SAME_TERMS)
    _check_final(member, terms)
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
    side, proposal = _changing_side(member), open_proposal(member)
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
    _check_final(member, proposal.terms)
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
        terms, now = _terms_in(step), terms_of(read_definition(folder))
        moves_records = terms.timezone != now.timezone and has_records(folder)
        if moves_records or (is_final(member) and moves_figures(terms, now)):
            audit(member, Event.TERMS_FAILED, SubjectType.BOOK, said_terms(terms), shared=True)
            return
        with _written(folder, terms) as text:
            write_text(folder / FILE, text)


def _changing_side(member: MemberContext) -> Side:
    if not has_book(member):
        raise NoBookError
    if member.side is None or not member.may(Action.BRING if is_alone(member) else Action.AGREE):
        raise Refused(Code.NOT_YOURS)
    return member.side


def _check_final(member: MemberContext, terms: Terms) -> None:
    if is_final(member) and moves_figures(terms, terms_of(definition(member))):
        raise Refused(Code.TERMS_FINAL)


def _check_zone(folder: Path, terms: Terms) -> None:
    if terms.timezone != read_definition(folder).timezone and has_records(folder):
        raise Refused(Code.ZONE_OF_RECORDS)


@contextmanager
def _written(folder: Path, terms: Terms) -> Iterator[str]:
    """Give the text of `book.toml` with these terms, all else as people wrote it.

    :raises Refused: where no book can be read so
    """
    document = tomlkit.parse((folder / FILE).read_text(encoding="utf-8"))
    book: Any = document["book"]
    book.update({"timezone": terms.timezone, "currency": terms.currency, "month_starts_on": terms.month_starts_on})
    _write(book, "country", terms.country)
    answers = terms.answers.content()
    for section, key, value in (
        ("opening", "days", list(terms.open_days)),
        ("paid", "answers_for", answers["paid"]),
        ("paid", "queues", answers["queues"]),
        ("attribution", "answers_for", answers["causes"]),
    ):
        if value or key in document.get(section, {}):
            _write(document.setdefault(section, {}), key, _inline(value))
    text = tomlkit.dumps(document)
    with TemporaryDirectory() as work, refuse_unusable(Code.UNUSABLE_TERMS):
        write_text(Path(work) / FILE, text)
        read_definition(Path(work))
    yield text


def _write(section: Any, key: str, value: object) -> None:  # noqa: ANN401 - a section of TOML
    """Write a key of a section, or take it out where nothing is said."""
    if value:
        section[key] = value
    elif key in section:
        del section[key]


def _inline(value: object) -> object:
    """Return pairs on one line, as people write them."""
    if not isinstance(value, dict) or not value:
        return value
    table = tomlkit.inline_table()
    table.update(value)
    return table


def _add_step(member: MemberContext, change: TermsStep.Change, terms: Terms) -> None:
    TermsStep.objects.create(
        relationship=member.relationship,
        side=member.side.value if member.side else "",
        person=member.membership.person,
        change=change,
        timezone=terms.timezone,
        currency=terms.currency,
        month_starts_on=terms.month_starts_on,
        country=terms.country,
        open_days=" ".join(terms.open_days),
        answers=terms.answers.content(),
    )


def _terms_in(step: TermsStep) -> Terms:
    answers = Answers.from_content(step.answers)
    days = tuple(step.open_days.split())
    return Terms(step.timezone, step.currency, step.month_starts_on, step.country, days, answers)


def said_terms(terms: Terms) -> dict[str, Any]:
    """Return the terms by their names, as the log keeps them."""
    return {
        "timezone": terms.timezone,
        "currency": terms.currency,
        "month_starts_on": str(terms.month_starts_on),
        "country": terms.country or DASH,
        "open_days": " ".join(terms.open_days) or DASH,
        "parts": str(len(terms.answers.paid) + len(terms.answers.causes)),
        "answers": terms.answers.content(),
    }


def _defer_write(member: MemberContext, side: Side) -> None:
    relationship, person = member.relationship.pk, str(member.membership.person_id)
    defer(TERMS_TASK, relationship=relationship, lock=f"{TERMS_TASK} {relationship}", person=person, side=side.value)
