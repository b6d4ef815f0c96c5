"""Closing a period: each side confirms figures, and the figures that both confirmed are frozen into the record."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from functools import partial
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.core.cache import cache
from django.db import transaction
from django.utils import timezone

from comity.apps.audit.models import Event, SubjectType
from comity.apps.audit.operations import audit
from comity.apps.books.operations import prevent_undo
from comity.apps.books.queries import NoBookError, definition, zone
from comity.apps.i18n import words_for
from comity.apps.parties.mailing import mail_member, mail_side, page_path, supported_language
from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.models import Membership, Role
from comity.apps.parties.rights import Action
from comity.apps.record import operations as record
from comity.apps.record import queries as words_given
from comity.apps.record.models import Consent, ConsentSubject, Entry, VoidReason
from comity.apps.refusal import Refused
from comity.apps.replies import operations as replies
from comity.apps.replies import queries as reply_times
from comity.apps.replies.reminders import members_with_right, send_reminder
from comity.apps.reviews import queries
from comity.apps.reviews.figures import Figures, Moved, moved, settled
from comity.apps.reviews.models import ByMail
from comity.apps.reviews.refusals import Code
from comity.apps.reviews.sentences import moved_lines
from comity.book.definition import UnusableBookError
from comity.book.lateness import last_due
from comity.core import chain
from comity.core.values import Side
from comity.review.build import NoReviewError
from comity.review.i18n.words import Words
from comity.review.model import Review
from comity.review.render import render
from comity.review.views import headline
from comity.review.views.level import LevelRow, level_row

_NOTICE_EVERY_S = 86_400
_FIRST = 20  # differences that a sentence lists


class FiguresMovedError(Refused):
    """The figures are not those that the person was shown, so that nothing was confirmed.

    :ivar member: where the person stands
    :ivar digest: of the figures as they are now
    :ivar figures: the same in full
    :ivar moved: what differs from what the person was shown; empty where that is not known
    """

    keeps_changes = True  # what became void by the same differences

    def __init__(self, member: MemberContext, digest: str, figures: Figures, moved: list[Moved]) -> None:
        """Keep what is shown to the person."""
        super().__init__(Code.FIGURES_MOVED)
        self.member, self.digest, self.figures, self.moved = member, digest, figures, moved

    def sentence(self, words: Words) -> str:
        """The sentence, and what moved."""
        lines = moved_lines(self.moved[:_FIRST], words, self.member.party(words))
        return " ".join([self.title(words), *(f"{line}." for line in lines)])

    @property
    def details(self) -> Mapping[str, Any]:
        """The figures of now, their digest, and what moved."""
        return {"figures": self.digest, "shown": self.figures, "moved": [asdict(one) for one in self.moved]}


def confirm(
    member: MemberContext, review: Review, period: str, digest: str, shown: Mapping[str, Any] | None = None
) -> Entry | None:
    """Confirm the figures of a period for a side; where both sides have confirmed the same, they are frozen.

    What is disputed keeps both values. Where the other side has confirmed other figures than those of now, its
    confirmation becomes void, and both sides are told what moved.

    :param review: the joint review of the period, as it is now
    :param digest: of the figures that the person was shown
    :param shown: these figures in full, where they are at hand, to say what moved
    :raises Refused: for those on neither side or without the right, and for a side that has confirmed
    :raises FiguresMovedError: where the figures are no longer those that the person was shown
    """
    side = member.side
    if side is None or not member.may(Action.CONFIRM):
        raise Refused(Code.NOT_YOURS)
    if not review.levels or review.period.end > timezone.now().date():
        raise Refused(Code.NOTHING_YET)
    period = queries.name_of(member, review)  # 2026q2 and 2026-Q2 are one period
    entry = None
    with transaction.atomic():
        record.lock_relationship(member)  # the last of both freezes
        if queries.entries(member, period).exists():
            raise Refused(Code.CONFIRMED_ALREADY)
        figures = queries.figures(member, review, period)
        now = chain.digest_of(figures)
        known = queries.confirmations(member, period)
        if side.value in known and known[side.value].digest == now:
            raise Refused(Code.CONFIRMED_ALREADY)
        _void(member, period, figures)
        if digest == now:
            both = record.give_consent(member, ConsentSubject.PERIOD, period, figures)
            audit(member, Event.PERIOD_CONFIRMED, SubjectType.PERIOD, {"period": period}, shared=True)
            entry = _freeze(member, review, period, figures) if both else None
    if digest != now:  # after what became void is kept
        told = shown if shown is not None and _has_digest(shown, digest) else None
        raise FiguresMovedError(member, now, figures, [] if told is None else moved(told, figures))
    return entry


def hear_silence(member: MemberContext, here: str) -> None:
    """Look after periods that one side has confirmed and the other has not: void, remind, give notice, hear silence.

    The reply is due by the calendar of the side that answers. Where both sides let silence count (`replies`), a
    notice follows that names a day; the silence is a word once that day is over, as the database checks again.
    """
    for word in words_given.unreported_void_consents(member, ConsentSubject.PERIOD):
        _apart(partial(_tell_void, member, word), word)
    for word in words_given.unanswered_consents(member, ConsentSubject.PERIOD):
        _apart(partial(_hear, member, word, here), word)


def _apart(work: Callable[[], None], word: Consent) -> None:
    """Do it in a transaction of its own; what goes wrong with one period keeps no other waiting."""
    try:
        with transaction.atomic():
            work()
    except (NoBookError, NoReviewError, UnusableBookError):
        return  # without figures nothing is heard
    except Exception:
        logging.getLogger(__name__).exception("the periodic job failed for confirmation %s", word.pk)


def _hear(member: MemberContext, word: Consent, here: str) -> None:
    review = queries.review(member.joint(), word.subject)
    figures = queries.figures(member, review, word.subject)
    if chain.digest_of(figures) != word.digest:
        _void(member, word.subject, figures)
        return
    side, now = Side(word.side).other, timezone.now()
    due = reply_times.reply_due(member.relationship, side, word.at, here)
    if now < due - reply_times.REMINDER_LEAD_TIME:
        return
    people = members_with_right(member, side, Action.CONFIRM)
    if not _was_reminded(word, people):
        _remind(member, people, word, due.astimezone(ZoneInfo(here)).date())
    since = reply_times.silence_since(member)
    if since is None or since > word.at or now < due:
        return
    notice = reply_times.last_notice(word)
    if notice is None or not replies.is_notice_valid(notice, [str(one.person_id) for one in people]):
        _give_notice(member, people, word, due, here)
    elif now >= notice.until:
        record.call_function("comity_deem_consent", ConsentSubject.PERIOD, word.subject, chain.canonical(figures))
        _freeze(member, review, word.subject, figures)


def _was_reminded(word: Consent, people: Sequence[Membership]) -> bool:
    """Whether somebody was who may still answer."""
    return word.reminded_at is not None and any(str(one.person_id) in word.reminded_to for one in people)


def _give_notice(member: MemberContext, people: Sequence[Membership], word: Consent, due: datetime, here: str) -> None:
    """Say that the period is treated as confirmed on a day unless answered; it counts where two got it, a lead too.

    Tried once a day: somebody whose mail is never taken must not fill the others' mailboxes.
    """
    if len(people) < replies.MIN_REACHED or not any(one.role == Role.LEAD for one in people):
        return
    if not cache.add(f"notice:{word.pk}", True, _NOTICE_EVERY_S):
        return
    until = reply_times.earliest_notice_end(member.relationship, Side(word.side).other, here)
    period, address = word.subject, f"{page_path(member, 'review')}?period={word.subject}"
    day = until.astimezone(ZoneInfo(here)).date()
    taken = send_reminder(people, "silence", address, period=lambda _: period, day=lambda words: words.day(day))
    leads = {one.person_id for one in people if one.role == Role.LEAD}
    if len(taken) >= replies.MIN_REACHED and not leads.isdisjoint(taken):
        at = timezone.now()
        replies.give_notice(word, due, until, {str(person): at for person in taken})
    else:
        logging.getLogger(__name__).warning("a notice reached too few people of %s", word.pk)


def _void(member: MemberContext, period: str, figures: Figures) -> None:
    """Make void whatever was confirmed of an open period with other figures than these, and tell both sides."""
    for word in record.void_other_consents(ConsentSubject.PERIOD, period, figures):
        _tell_void(member, word)


def _tell_void(member: MemberContext, word: Consent) -> None:
    """Tell both sides that a confirmation is void, and what moved."""
    differs = moved(word.content, word.void_content) if word.void_reason == VoidReason.CHANGED else []

    def why(words: Words) -> str:
        lines = [f"- {line}" for line in moved_lines(differs, words, member.party(words))]
        return "\n".join([words(f"closing.void_{word.void_reason}"), *lines])

    for side in Side:
        mail_side(
            member,
            side,
            Action.CONFIRM,
            "void",
            f"{page_path(member, 'review')}?period={word.subject}",
            period=lambda _: word.subject,
            party=lambda words: member.party(words)(word.side),
            why=why,
        )
    record.mark_void_reported(word)


def _has_digest(shown: Mapping[str, Any], digest: str) -> bool:
    """Whether what a person says they were shown has the digest that they say it has."""
    try:
        return chain.digest_of(shown) == digest
    except (ValueError, TypeError, RecursionError):
        return False


def by_mail(member: MemberContext, due: str, form: str, *, joint: bool) -> ByMail:
    """Have the review by mail from now on, when it is due; instead of what was wished before."""
    said = {"due": due, "form": form, "joint": joint, "since": timezone.now(), "sent_at": None}
    made, _ = ByMail.objects.update_or_create(
        relationship=member.relationship, person=member.membership.person, defaults=said
    )
    return made


def no_mail(member: MemberContext) -> None:
    """Have it no more."""
    ByMail.objects.filter(relationship=member.relationship, person=member.membership.person).delete()


def send(member: MemberContext, now: datetime) -> bool:
    """Send the review to whoever stands there, if it is due and was not sent; whether it was.

    It is made as they may see it, at that moment and not before: who has lost a right since sees less.
    """
    wish = queries.wish(member)
    if wish is None or not member.may(Action.READ):
        return False
    here = now.astimezone(ZoneInfo(zone(member)))
    due = last_due(wish.due, here)
    if due is None or due <= (wish.sent_at or wish.since):
        return False
    made = queries.review(member.joint() if wish.joint else member, None)
    words = words_for(supported_language(member.membership.person.language))
    calendar = definition(member).calendar(made.cut)
    name = calendar.name(made.period)
    files = []
    if wish.form:
        files.append((f"review-{name}.{wish.form}", render(made, wish.form, words.language), queries.FILES[wish.form]))
    said: dict[str, Any] = {
        "relationship": str(member.relationship),
        "period": words.period(made.period, calendar.cut),
        "headline": headline.plain_text(headline.headline_phrases(made, words)),
        "levels": "\n".join(_level(level_row(one, made, words)) for one in made.levels),
    }
    mail_member(member, "by_mail", f"{page_path(member, 'review')}?period={name}", files, **said)
    wish.sent_at = now
    wish.save(update_fields=["sent_at"])
    return True


def _level(row: LevelRow) -> str:
    """A level in a line."""
    return f"{row.name}: {row.value} ({row.target}; {row.met})"


def _remind(member: MemberContext, people: Sequence[Membership], word: Consent, day: date) -> None:
    """Remind a side; recorded only where the mail server took the reminder of at least one who may confirm."""
    address = f"{page_path(member, 'review')}?period={word.subject}"
    period = word.subject
    told = send_reminder(people, "confirm_by", address, period=lambda _: period, day=lambda words: words.day(day))
    if told:
        record.mark_reminded(word, told)


def restate(member: MemberContext, review: Review, period: str, reason: str) -> Entry:
    """Add to the record what the figures of a frozen period are now, with the reason; the frozen figures stay.

    :raises Refused: where nothing is frozen, nothing has changed, no reason is given, or the right is missing
    """
    if member.side is None or not member.may(Action.CONFIRM):
        raise Refused(Code.NOT_YOURS)
    if not reason.strip():
        raise Refused(Code.REASON)
    period = queries.name_of(member, review)  # 2026q2 and 2026-Q2 are one period
    with transaction.atomic():
        record.lock_relationship(member)
        last = queries.entries(member, period).last()
        if last is None:
            raise Refused(Code.NOT_FROZEN)
        now = settled(queries.figures(member, review, period), last.content["figures"])
        if not moved(last.content["figures"], now):
            raise Refused(Code.SAME_FIGURES)
        audit(member, Event.PERIOD_RESTATED, SubjectType.PERIOD, {"period": period}, shared=True)
        number = record.call_function("comity_restate", period, review.digest, chain.canonical(now), reason.strip())
        return _kept(member, number)


def _freeze(member: MemberContext, review: Review, period: str, figures: Figures) -> Entry:
    """Add the figures that both sides confirmed to the record, and keep their records from being taken back."""
    prevent_undo(member, period)
    return _kept(member, record.call_function("comity_freeze", period, review.digest, chain.canonical(figures)))


def _kept(member: MemberContext, number: UUID) -> Entry:
    """The entry that was added, its head sent to both sides."""
    made = record.verified_entry(member, number)
    address = f"{page_path(member, 'review')}?period={made.subject}"
    record.mail_chain_head(member, made, f"head_{made.kind}", address, {"period": lambda _: made.subject})
    return made
