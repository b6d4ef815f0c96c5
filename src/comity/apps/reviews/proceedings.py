"""What was done about a period in the room, for the formats that show it: confirmations, matters, causes of misses."""

import math
from collections.abc import Iterable
from datetime import UTC, datetime, time
from uuid import UUID

from django.db.models import Q, QuerySet
from django.urls import reverse

from comity.apps.agreements import queries as agreements
from comity.apps.books import results
from comity.apps.i18n import words_for
from comity.apps.matters.models import Matter, Step
from comity.apps.matters.sentences import figure_mark, matter_title
from comity.apps.parties.member_context import MemberContext
from comity.apps.record import queries as record
from comity.apps.record.models import Consent, ConsentSubject, Entry
from comity.apps.reviews import comments, queries
from comity.core.matters.kinds import Kind
from comity.core.matters.transitions import GRANTED, NOT_UPHELD, OPEN, Move, Party, State, waits_for
from comity.core.values import Period, Side
from comity.review.attribution import MEASURE, Attribution
from comity.review.i18n.words import Words
from comity.review.model import Review
from comity.review.proceedings import AskedMatter, Confirmation, Proceedings

_SAME = 1e-6  # of a share: what is confirmed is written with twelve digits
_TO_DO = (Kind.ACTION, Kind.DECISION, Kind.CORRECTION)
_PROPOSED = (Kind.PROPOSAL, Kind.OFFER)
_AGREED_TO = (*GRANTED, State.DONE, State.CONFIRMED, State.LET_OFF, State.BROKEN)
_MOST_MATTERS = 400  # of the printed ones; the list of matters has them all


def missed_service_levels(review: Review) -> list[str]:
    """Return the KPIs of a review whose miss can be attributed."""
    return [one.kpi for one in review.levels if one.measure == MEASURE and one.met is False]


def known_causes(member: MemberContext, review: Review, name: str) -> dict[str, Attribution]:
    """Return what has been attributed of the missed service levels; nothing is computed for it."""
    causes = {
        kpi: results.earlier_result(member, queries.attribution_question(kpi, name))
        for kpi in missed_service_levels(review)
    }
    return {kpi: made for kpi, made in causes.items() if made is not None}


def is_cause_of(made: Attribution, value: float, target: float | None) -> bool:
    """Whether a level was shared out that came to this value against this target, and no other one."""
    shared = made.shared
    if shared is None or target is None:
        return shared is None
    return math.isclose(shared.observed, value, abs_tol=_SAME) and math.isclose(shared.target, target, abs_tol=_SAME)


def proceedings(  # noqa: PLR0913 - what a page has looked up already
    member: MemberContext,
    review: Review,
    name: str,
    language: str,
    *,
    confirmations: dict[str, Consent],
    entries: list[Entry],
    is_open: bool,
    matters: Iterable[Matter],
    changes: Iterable[AskedMatter] = (),
) -> Proceedings:
    """Return what was done about a period.

    :param member: with the view of the review
    :param changes: signed changes of the agreement, which a paper shows
    :param is_open: whether the period can be confirmed now
    """
    words = words_for(language)
    frozen = next((one for one in entries if one.kind == "frozen"), None)
    causes = f"{reverse('attribution', args=[member.relationship.pk])}?kpi={{kpi}}&period={name}"
    known = known_causes(member, review, name)
    levels = {one.kpi: one for one in review.levels}
    other = tuple(
        kpi
        for kpi, made in known.items()
        if frozen is not None and not is_cause_of(made, levels[kpi].value, levels[kpi].target)
    )
    given = (
        [_given(one) for one in frozen.content.get("words", [])]
        if frozen is not None
        else [
            Confirmation(Side(side), "" if one.deemed else one.name, one.at.date())
            for side, one in sorted(confirmations.items())
        ]
    )
    return Proceedings(
        confirmations=tuple(given),
        to_confirm=tuple(side for side in Side if is_open and review.levels and side.value not in confirmations),
        final_on=None if frozen is None else frozen.at.date(),
        entry=None if not entries else (entries[-1].number, entries[-1].digest),
        restated=any(one.kind != "frozen" for one in entries),
        matters=(*changes, *(_asked(member, one, words) for one in matters)),
        causes={kpi: made for kpi, made in known.items() if kpi not in other},
        causes_url=causes,
        other_causes=other,
        comments=comments.current(comments.versions(member, name)),
    )


def printed(member: MemberContext, review: Review, language: str) -> Proceedings:
    """Return what was done about a review's period, for a file: all matters of the period, decided ones too."""
    name = queries.period_name(member, review)
    closing = queries.closing(member, review.period, name, on_page=False)
    return proceedings(
        member,
        review,
        name,
        language,
        confirmations=closing.words,
        entries=list(queries.entries(member, name)),
        is_open=closing.is_open and not closing.waits_for,
        matters=_of_period(member, review, name),
        changes=_signed_changes(member, review.period, words_for(language)),
    )


def _of_period(member: MemberContext, review: Review, name: str) -> list[Matter]:
    """Return disputes of a period's figures, claims about its days, and what was decided, agreed or to be done in it.

    That is actions, decisions and corrections raised or due in it, decisions answered in it, and proposals and offers
    agreed to in it.
    """
    period = review.period
    first, end = (datetime.combine(day, time.min, UTC) for day in (period.start, period.end))
    about = (
        Q(kind=Kind.DISPUTE, period=name)
        | Q(kind=Kind.CLAIM, from_day__lt=period.end, to_day__gte=period.start)
        | Q(kind__in=_TO_DO, raised_at__gte=first, raised_at__lt=end)
        | Q(kind__in=_TO_DO, due_on__gte=period.start, due_on__lt=period.end)
        | Q(kind=Kind.DECISION, pk__in=_moved(member, first, end, Move.AGREE, Move.DECLINE))
        | Q(kind__in=_PROPOSED, state__in=_AGREED_TO, pk__in=_moved(member, first, end, Move.AGREE))
    )
    found = Matter.objects.filter(about, relationship=member.relationship).exclude(state=State.WITHDRAWN)
    return list(found.order_by("raised_at", "pk")[:_MOST_MATTERS])


def _moved(member: MemberContext, first: datetime, end: datetime, *moves: Move) -> "QuerySet[Step, UUID]":
    """Return the ids of the matters in which one of these moves was made within a time."""
    steps = Step.objects.filter(relationship=member.relationship, at__gte=first, at__lt=end, move__in=moves)
    return steps.values_list("matter_id", flat=True)


def _signed_changes(member: MemberContext, period: Period, words: Words) -> list[AskedMatter]:
    """Return the changes of the agreement that were signed in a period, or hold from a day of it.

    Without their titles and clauses, which not everybody who has a paper may read.
    """
    first_days = {one.place: one.change.span.first_day for one in agreements.recorded(member)}
    found = []
    for entry in record.entries(member, ConsentSubject.AGREEMENT):
        day = first_days.get(entry.number)
        if day is None or not any(period.start <= one < period.end for one in (entry.at.date(), day)):
            continue
        found.append(
            AskedMatter(
                kind="change",
                title=words("board.change_title", number=entry.subject),
                asks=Side(entry.content["content"]["says"]["proposed_by"]),
                state=words("board.change_signed", day=words.day(entry.at.date())),
                by=day,
                is_open=False,
            )
        )
    return found


def _asked(member: MemberContext, matter: Matter, words: Words) -> AskedMatter:
    turn = waits_for(State(matter.state))
    to_move = None if turn is None else Side(matter.asks if turn is Party.ASKS else matter.answers)
    return AskedMatter(
        kind=matter.kind,
        title=matter_title(member, matter, words),
        asks=Side(matter.asks),
        state=words(f"state.{matter.word(matter.state)}"),
        to_move=to_move,
        by=matter.reply_by.date() if matter.reply_by is not None else matter.due_on,
        kpi=matter.kpi,
        is_open=matter.state in OPEN,
        url=reverse("matter", args=[member.relationship.pk, matter.pk]),
        disputes=matter.kind == Kind.DISPUTE and matter.state not in NOT_UPHELD,
        value=None if matter.value is None else float(matter.value),
        mark=figure_mark(member, matter, words) if _marks_a_figure(matter) else "",
    )


def _marks_a_figure(matter: Matter) -> bool:
    """Whether a matter is said beside its figure: a dispute that is upheld or open, a claim that waits."""
    if matter.kind == Kind.DISPUTE:
        return matter.state not in NOT_UPHELD
    return matter.kind == Kind.CLAIM and matter.state in OPEN


def _given(word: dict[str, object]) -> Confirmation:
    """Return a confirmation as the record holds it."""
    on = datetime.fromisoformat(str(word["at"])).date()
    return Confirmation(Side(str(word["side"])), "" if word.get("by_silence") else str(word.get("name", "")), on)
