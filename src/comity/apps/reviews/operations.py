"""Closing of periods: each side confirms figures, those that both confirmed are frozen; and the review by mail."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from django.core.cache import cache
from django.db import connection, transaction
from django.utils import timezone

from comity.apps.audit.models import Event, SubjectType
from comity.apps.audit.operations import announce, audit
from comity.apps.books import results
from comity.apps.books.operations import prevent_undo
from comity.apps.books.queries import NoBookError, definition, zone
from comity.apps.i18n import spoken_period, words_for
from comity.apps.kpis.queries import is_being_applied
from comity.apps.matters.models import Matter
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
from comity.apps.reviews.figures import FigureChange, Figures, figure_changes, keep_unchanged_digits
from comity.apps.reviews.logos import shown_logos
from comity.apps.reviews.models import ByMail
from comity.apps.reviews.proceedings import printed
from comity.apps.reviews.refusals import Code
from comity.apps.reviews.sentences import figure_change_lines
from comity.book.definition import UnusableBookError
from comity.book.lateness import last_due
from comity.core import chain
from comity.core.values import Side
from comity.review.build import NoReviewError
from comity.review.i18n.words import Words
from comity.review.model import Review
from comity.review.render import render
from comity.review.views import headline
from comity.review.views.level import LevelRow, level_row, stretched

_NOTICE_INTERVAL_S = 86_400
_SHOWN_CHANGES = 20  # differences that a sentence lists


class FiguresMovedError(Refused):
    """The figures have changed since the person was shown them, so that nothing was confirmed.

    :ivar member: where the person stands
    :ivar digest: of the figures as they are now
    :ivar figures: the same in full
    :ivar moved: what differs from what the person was shown; empty where that is not known
    """

    keeps_changes = True  # what became void by the same differences

    def __init__(self, member: MemberContext, digest: str, figures: Figures, moved: list[FigureChange]) -> None:
        """Keep what the refusal shows."""
        super().__init__(Code.FIGURES_MOVED)
        self.member, self.digest, self.figures, self.moved = member, digest, figures, moved

    def sentence(self, words: Words) -> str:
        """Return the sentence and the changes."""
        lines = figure_change_lines(self.moved[:_SHOWN_CHANGES], words, self.member.party(words))
        return " ".join([self.title(words), *(f"{line}." for line in lines)])

    @property
    def details(self) -> Mapping[str, Any]:
        """Return the current figures, their digest, and the changes."""
        return {"figures": self.digest, "shown": self.figures, "moved": [asdict(one) for one in self.moved]}


class DisputeWaitsError(Refused):
    """An accepted dispute about the period is still to be carried out, so that nobody confirms it yet."""

    def __init__(self, dispute: Matter) -> None:
        """Keep the dispute that is due first."""
        super().__init__(Code.DISPUTE_WAITS)
        self.dispute = dispute

    def title(self, words: Words) -> str:
        """Return the sentence with the title of the dispute and its day."""
        day = words.day(self.dispute.due_on) if self.dispute.due_on else ""
        return words(self.message, title=self.dispute.title, day=day)


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
    :raises Refused: also while KPIs that both sides agreed to are not in the book yet
    :raises DisputeWaitsError: while an accepted dispute about the period is still to be carried out
    :raises FiguresMovedError: where the figures are no longer those that the person was shown
    """
    side = member.side
    if side is None or not member.may(Action.CONFIRM):
        raise Refused(Code.NOT_YOURS)
    if not review.levels or review.period.end > timezone.now().date():
        raise Refused(Code.NOTHING_YET)
    if not queries.is_agreed(member, review):
        raise Refused(Code.NOT_AGREED)
    period = queries.period_name(member, review)  # 2026q2 and 2026-Q2 are one period
    entry = None
    with transaction.atomic():
        record.lock_relationship(member)  # the last of both freezes
        if queries.entries(member, period).exists():
            raise Refused(Code.CONFIRMED_ALREADY)
        if is_being_applied(member):
            raise Refused(Code.BEING_APPLIED)
        for dispute in queries.disputes_to_carry_out(member, review.period):
            raise DisputeWaitsError(dispute)
        figures = queries.figures(member, review, period)
        current_digest = chain.digest_of(figures)
        confirmations = queries.confirmations(member, period)
        if side.value in confirmations and confirmations[side.value].digest == current_digest:
            raise Refused(Code.CONFIRMED_ALREADY)
        _void_other_confirmations(member, period, figures)
        if digest == current_digest:
            is_mutual = record.give_consent(member, ConsentSubject.PERIOD, period, figures)
            audit(member, Event.PERIOD_CONFIRMED, SubjectType.PERIOD, {"period": period}, shared=True)
            entry = _freeze(member, review, period, figures) if is_mutual else None
    if digest != current_digest:  # after what became void is kept
        shown_figures = shown if shown is not None and _has_digest(shown, digest) else None
        raise FiguresMovedError(
            member, current_digest, figures, [] if shown_figures is None else figure_changes(shown_figures, figures)
        )
    return entry


def tell_of_whole_period(member: MemberContext) -> None:
    """Add to the log, once, that the latest whole period can be confirmed; the mails to both sides follow from that.

    Nothing is computed here: where the joint review is not there yet, its job is deferred, and the next run of the
    clock tells. A shorter period than the agreed one is not told of, nor one that waits for a dispute.

    :param member: a lead of the relationship
    """
    joint, question = member.joint(), queries.review_question(None)
    review: Review | None = results.current_result(joint, question)
    if review is None:
        results.request_result(joint, question)
        return
    if review.cut != definition(member).cut or review.period.end > timezone.now().date() or not review.levels:
        return
    if not queries.is_agreed(member, review) or queries.disputes_to_carry_out(member, review.period):
        return
    name = queries.period_name(member, review)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT comity_audit_whole(%s)", [name])
        (is_new,) = cursor.fetchone()
        if is_new:
            announce(member, Event.PERIOD_WHOLE, period=name)


def follow_up_unanswered(member: MemberContext, zone_name: str) -> None:
    """Follow up periods that one side alone has confirmed: void, remind, give notice, or count silence as consent.

    The reply is due by the calendar of the side that answers. Where both sides let silence count (`replies`), a
    notice follows that names a day; the silence is a word once that day is over, as the database checks again.
    """
    for consent in words_given.unreported_void_consents(member, ConsentSubject.PERIOD):
        _in_own_transaction(partial(_mail_void, member, consent), consent)
    for consent in words_given.unanswered_consents(member, ConsentSubject.PERIOD):
        _in_own_transaction(partial(_follow_up, member, consent, zone_name), consent)


def _in_own_transaction(work: Callable[[], None], consent: Consent) -> None:
    """Run work on a confirmation in its own transaction, and log an error, so that it does not stop the others."""
    try:
        with transaction.atomic():
            work()
    except (NoBookError, NoReviewError, UnusableBookError):
        return  # without figures there is nothing to follow up
    except Exception:
        logging.getLogger(__name__).exception("the periodic job failed for confirmation %s", consent.pk)


def _follow_up(member: MemberContext, consent: Consent, zone_name: str) -> None:
    review = queries.review(member.joint(), consent.subject)
    figures = queries.figures(member, review, consent.subject)
    if chain.digest_of(figures) != consent.digest:
        _void_other_confirmations(member, consent.subject, figures)
        return
    if is_being_applied(member) or queries.disputes_to_carry_out(member, review.period):
        return  # nobody may confirm yet, and nobody's silence counts
    side, now = Side(consent.side).other, timezone.now()
    due = reply_times.reply_due(member.relationship, side, consent.at, zone_name)
    if now < due - reply_times.REMINDER_LEAD_TIME:
        return
    people = members_with_right(member, side, Action.CONFIRM)
    if not _was_reminded(consent, people):
        _remind(member, people, consent, due.astimezone(ZoneInfo(zone_name)).date())
    silence_counts_since = reply_times.silence_since(member)
    if silence_counts_since is None or silence_counts_since > consent.at or now < due:
        return
    notice = reply_times.last_notice(consent)
    if notice is None or not replies.is_notice_valid(notice, [str(one.person_id) for one in people]):
        _give_notice(member, people, consent, due, zone_name)
    elif now >= notice.until and reply_times.was_heard(notice.until):
        record.call_function("comity_deem_consent", ConsentSubject.PERIOD, consent.subject, chain.canonical(figures))
        _freeze(member, review, consent.subject, figures)


def _was_reminded(consent: Consent, people: Sequence[Membership]) -> bool:
    """Whether at least one of the people who may answer now was reminded."""
    return consent.reminded_at is not None and any(str(one.person_id) in consent.reminded_to for one in people)


def _give_notice(
    member: MemberContext, people: Sequence[Membership], consent: Consent, due: datetime, zone_name: str
) -> None:
    """Give notice that the period counts as confirmed from a day on; valid once two people got it, one of them a lead.

    Tried once a day, so that an address that accepts no mail does not fill the others' mailboxes.
    """
    if len(people) < replies.MIN_REACHED or not any(one.role == Role.LEAD for one in people):
        return
    if not cache.add(f"notice:{consent.pk}", True, _NOTICE_INTERVAL_S):
        return
    until = reply_times.earliest_notice_end(member.relationship, Side(consent.side).other, zone_name)
    period, address = consent.subject, f"{page_path(member, 'review')}?period={consent.subject}"
    day = until.astimezone(ZoneInfo(zone_name)).date()
    reached_people = send_reminder(
        people,
        "silence",
        address,
        period=lambda words: spoken_period(period, words),
        day=lambda words: words.day(day),
    )
    leads = {one.person_id for one in people if one.role == Role.LEAD}
    if len(reached_people) >= replies.MIN_REACHED and not leads.isdisjoint(reached_people):
        at = timezone.now()
        replies.give_notice(consent, due, until, {str(person): at for person in reached_people})
    else:
        logging.getLogger(__name__).warning("a notice reached too few people of %s", consent.pk)


def _void_other_confirmations(member: MemberContext, period: str, figures: Figures) -> None:
    """Void the confirmations of an open period with other figures than these, and mail both sides."""
    for consent in record.void_other_consents(ConsentSubject.PERIOD, period, figures):
        _mail_void(member, consent)


def _mail_void(member: MemberContext, consent: Consent) -> None:
    """Mail both sides that a confirmation is void, and what changed."""
    changes = figure_changes(consent.content, consent.void_content) if consent.void_reason == VoidReason.CHANGED else []

    def why(words: Words) -> str:
        lines = [f"- {line}" for line in figure_change_lines(changes, words, member.party(words))]
        return "\n".join([words(f"closing.void_{consent.void_reason}"), *lines])

    for side in Side:
        mail_side(
            member,
            side,
            Action.CONFIRM,
            "void",
            f"{page_path(member, 'review')}?period={consent.subject}",
            period=lambda words: spoken_period(consent.subject, words),
            party=lambda words: member.party(words)(consent.side),
            why=why,
        )
    record.mark_void_reported(consent)


def _has_digest(shown: Mapping[str, Any], digest: str) -> bool:
    """Whether figures from a request have the digest that the request names."""
    try:
        return chain.digest_of(shown) == digest
    except (ValueError, TypeError, RecursionError):
        return False


def subscribe_to_mail(member: MemberContext, due: str, form: str, *, joint: bool) -> ByMail:
    """Create or replace the member's subscription to the review by mail."""
    fields = {"due": due, "form": form, "joint": joint, "since": timezone.now(), "sent_at": None}
    subscription, _ = ByMail.objects.update_or_create(
        relationship=member.relationship, person=member.membership.person, defaults=fields
    )
    return subscription


def unsubscribe_from_mail(member: MemberContext) -> None:
    """Delete the member's subscription."""
    ByMail.objects.filter(relationship=member.relationship, person=member.membership.person).delete()


def mail_review_if_due(member: MemberContext, now: datetime) -> bool:
    """Mail the review to the member where it is due; return whether it was.

    It is rendered with the rights that the member has now, which may be fewer than when they subscribed.
    """
    subscription = queries.mail_subscription(member)
    if subscription is None or not member.may(Action.READ):
        return False
    local_now = now.astimezone(ZoneInfo(zone(member)))
    due = last_due(subscription.due, local_now)
    if due is None or due <= (subscription.sent_at or subscription.since):
        return False
    viewing_member = member.joint() if subscription.joint else member
    review = queries.shown_review(viewing_member, None)
    words = words_for(supported_language(member.membership.person.language))
    calendar = definition(member).calendar(review.cut)
    name = calendar.name(review.period)
    files, done = [], printed(viewing_member, review, words.language)
    if subscription.form:
        files.append(
            (
                queries.file_name(name, subscription.form),
                render(review, subscription.form, words.language, proceedings=done, logos=shown_logos(member)),
                queries.CONTENT_TYPES[subscription.form],
            )
        )
    placeholders: dict[str, Any] = {
        "period": words.period(review.period, calendar.cut),
        "headline": headline.plain_text(headline.headline_phrases(review, words, done)),
        "levels": "\n".join(_level_line(level_row(one, review, words)) for one in stretched(review.levels)),
    }
    mail_member(member, "by_mail", f"{page_path(member, 'review')}?period={name}", files, **placeholders)
    subscription.sent_at = now
    subscription.save(update_fields=["sent_at"])
    return True


def _level_line(row: LevelRow) -> str:
    """Return a level in one line."""
    return f"{row.name}: {row.value} ({row.target}; {row.met})"


def _remind(member: MemberContext, people: Sequence[Membership], consent: Consent, day: date) -> None:
    """Remind a side; recorded only where the mail server accepted the reminder of at least one who may confirm."""
    address = f"{page_path(member, 'review')}?period={consent.subject}"
    period = consent.subject
    reminded_people = send_reminder(
        people,
        "confirm_by",
        address,
        period=lambda words: spoken_period(period, words),
        day=lambda words: words.day(day),
    )
    if reminded_people:
        record.mark_reminded(consent, reminded_people)


def restate(member: MemberContext, review: Review, period: str, reason: str) -> Entry:
    """Add the current figures of a frozen period to the record, with a reason; the frozen figures stay.

    :raises Refused: where nothing is frozen, nothing has changed, no reason is given, or the right is missing
    """
    if member.side is None or not member.may(Action.CONFIRM):
        raise Refused(Code.NOT_YOURS)
    if not reason.strip():
        raise Refused(Code.REASON)
    period = queries.period_name(member, review)  # 2026q2 and 2026-Q2 are one period
    with transaction.atomic():
        record.lock_relationship(member)
        last_entry = queries.entries(member, period).last()
        if last_entry is None:
            raise Refused(Code.NOT_FROZEN)
        current_figures = keep_unchanged_digits(queries.figures(member, review, period), last_entry.content["figures"])
        if not figure_changes(last_entry.content["figures"], current_figures):
            raise Refused(Code.SAME_FIGURES)
        audit(member, Event.PERIOD_RESTATED, SubjectType.PERIOD, {"period": period}, shared=True)
        number = record.call_function(
            "comity_restate", period, review.digest, chain.canonical(current_figures), reason.strip()
        )
        return record.verified_entry(member, number)


def _freeze(member: MemberContext, review: Review, period: str, figures: Figures) -> Entry:
    """Add the figures that both sides confirmed to the record, and keep their imports from being undone."""
    prevent_undo(member, period)
    number = record.call_function("comity_freeze", period, review.digest, chain.canonical(figures))
    announce(member, Event.PERIOD_FROZEN, period=period)
    return record.verified_entry(member, number)
