"""Days of which the room asks the side that served whether it had been told.

A nightly job looks for days whose volume lay outside the band round the locked forecast, with no event and no change of
the agreement over them. "No" becomes an `untold` matter, which the other side can answer with *you had*: both stand.
"""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from uuid import UUID

from django.db import connection, transaction
from django.db.models import QuerySet

from comity.apps.agreements import queries as agreements
from comity.apps.books.queries import has_book, open_member_book
from comity.apps.i18n import language, words_for
from comity.apps.matters import queries
from comity.apps.matters.models import Matter, ToldQuestion
from comity.apps.matters.operations import NewMatter, raise_matter
from comity.apps.matters.refusals import Code
from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.reading_ahead import Place, read_ahead, rows_in
from comity.apps.parties.rights import Action
from comity.apps.refusal import Refused
from comity.book.reading.open import Book
from comity.book.statistics.day_volumes import day_volumes, explained_by_events
from comity.core.agreements.kpi import in_force
from comity.core.matters.kinds import Kind, Untold
from comity.core.matters.transitions import State
from comity.core.matters.untold import DayVolume, Explained, Said, to_ask, told_range
from comity.core.values import Side
from comity.review.i18n.words import Words

LOOKED_BACK = timedelta(days=60)  # older days are history: nobody remembers whether they had been told
_QUEUE_LENGTH = 80  # characters of a queue that a question holds
SERVES = Side.PROVIDER  # the side that carries volume out


def ask(member: MemberContext) -> int:
    """Ask about the days that nothing explains, each once; return how many are new."""
    if not has_book(member):
        return 0
    today = queries.today(member)
    with transaction.atomic():
        with open_member_book(member.joint()) as book:
            volumes, events = _volumes(book, today - LOOKED_BACK, today), list(explained_by_events(book))
        known = ToldQuestion.objects.filter(relationship=member.relationship)
        asked = set(known.values_list("day", "queue"))
        new: dict[tuple[date, str], DayVolume] = {}
        for one in to_ask(volumes, [*events, *_changes(member)]):
            place = (one.day, one.queue[:_QUEUE_LENGTH])
            if place not in asked:
                new.setdefault(place, one)
        ToldQuestion.objects.bulk_create(
            [
                ToldQuestion(
                    relationship=member.relationship,
                    side=SERVES,
                    day=day,
                    queue=queue,
                    locked=one.locked,
                    offered=one.offered,
                    band=one.band,
                )
                for (day, queue), one in new.items()
            ]
        )
    return len(new)


def _volumes(book: Book, start: date, end: date) -> list[DayVolume]:
    agreed, last = book.definition.kpis, end - timedelta(days=1)
    kpis = [in_force(agreed, one, last) for one in dict.fromkeys(kpi.id for kpi in agreed)]
    return [volume for kpi in kpis if kpi is not None for volume in day_volumes(book, kpi, start, end)]


def _changes(member: MemberContext) -> Iterator[Explained]:
    """Yield the days over which a change lies: a permanent one says why its first day was other."""
    for entry in agreements.chain(member):
        span = entry.change.span
        last = span.first_day if span.end is None else span.last_day
        yield Explained(span.first_day, last)


def open_questions(member: MemberContext) -> list[ToldQuestion]:
    """List the days that nobody has answered for, the earliest first."""
    return rows_in(member, _open_questions)


def read_ahead_questions(members: Sequence[MemberContext]) -> None:
    """Read the days that nobody has answered for, of several relationships at once."""
    read_ahead(members, _open_questions)


def _open_questions(where: Place) -> QuerySet[ToldQuestion]:
    return ToldQuestion.objects.filter(relationship=where, told=None).order_by("day", "queue")


def told(member: MemberContext) -> tuple[int, int, int]:
    """Return of how many days the side that served was told, at least and at most, of how many it answered for."""
    days = ToldQuestion.objects.filter(relationship=member.relationship).select_related("matter")
    return told_range(Said(one.told, State(one.matter.state) if one.matter else None) for one in days)


def question_line(question: ToldQuestion, words: Words) -> str:
    """Say what was other on a day: in which queue, how many contacts came, and how many were locked."""
    return words(
        "told.line" if question.queue else "told.line_all",
        day=words.day(question.day, year=True),
        queue=question.queue,
        offered=words.number(round(question.offered)),
        locked=words.number(round(question.locked)),
    )


def may_answer(member: MemberContext) -> bool:
    """Whether the member answers for the side that served."""
    return member.side is SERVES and member.may(Action.ANSWER)


@transaction.atomic
def answer(member: MemberContext, number: UUID, *, was_told: bool, zone: str) -> Matter | None:
    """Answer whether the own side had been told of a day; "no" raises a matter, which is returned.

    :raises Refused: for a day of the other side, without the right, and for one that is answered
    """
    question = ToldQuestion.objects.filter(relationship=member.relationship, pk=number).first()
    if question is None or not may_answer(member):
        raise Refused(Code.NOT_YOURS)
    if question.told is not None:
        raise Refused(Code.NOT_NOW)
    matter = None
    if not was_told:
        line = question_line(question, words_for(language()))
        new = NewMatter(
            Kind.UNTOLD, line[:160], line, queue=question.queue, from_day=question.day, untold=Untold.THAT.value
        )
        matter = raise_matter(member, new, zone)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT comity_answer_told(%s, %s, %s)", [question.pk, was_told, None if matter is None else matter.pk]
        )
    return matter
