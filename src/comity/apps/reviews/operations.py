"""Closing a period: each side's word, and, with both, the figures frozen into the record."""

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils import timezone

from comity.apps.books.operations import hold
from comity.apps.books.queries import definition, zone
from comity.apps.matters.operations import A_DAY, hours
from comity.apps.matters.queries import REMINDED_BEFORE
from comity.apps.parties.mailing import page, spoken, tell, tell_one
from comity.apps.parties.operations import note
from comity.apps.parties.rights import Action
from comity.apps.parties.viewing import Standing
from comity.apps.reviews import queries
from comity.apps.reviews.models import ByMail, Confirmation, Entry, Kept
from comity.apps.wording import words_for
from comity.book.lateness import last_due
from comity.core import chain
from comity.core.clocks import due
from comity.core.values import Side
from comity.review.faces import headline, render
from comity.review.faces.contract import plain
from comity.review.faces.level_rows import LevelRow, level_row
from comity.review.review import Review


class NotAllowedError(ValueError):
    """A word that is not this person's to give, or given already; the text names the sentence."""


def confirm(standing: Standing, review: Review, period: str) -> Entry | None:
    """Give a side's word for a period; with both, its figures are frozen. What is disputed keeps both values.

    :param review: the joint review of the period, as it is now
    :raises NotAllowedError: for those on neither side or without the right, and for a side that has spoken
    """
    side = standing.side
    if side is None or not standing.may(Action.CONFIRM):
        raise NotAllowedError("not_yours")
    if not review.levels or review.period.end > timezone.now().date():
        raise NotAllowedError("nothing_yet")
    period = queries.name_of(standing, review)  # 2026q2 and 2026-Q2 are one period
    with transaction.atomic():
        # One at a time: the last of both freezes.
        type(standing.relationship).objects.select_for_update().get(pk=standing.relationship.pk)
        known = queries.confirmations(standing, period)
        if side.value in known:
            raise NotAllowedError("confirmed_already")
        Confirmation.objects.create(
            relationship=standing.relationship, period=period, side=side.value, person=standing.membership.person
        )
        note(standing, "confirmed", period, crosses=True)
        if side.other.value not in known:
            return None
        return _kept(standing, Kept.FROZEN, period, _figures(standing, review, period))


def hear_silence(standing: Standing, here: str) -> None:
    """Where one side has confirmed a period and the other not answered: remind it, and later take silence for its word.

    The reply clock counts from the one side's word; nothing is taken for said before a reminder went out.
    """
    for word in queries.unanswered(standing):
        side = Side(word.side).other
        end = due(hours(here), word.at.astimezone(UTC), A_DAY * standing.relationship.reply_days)
        now = timezone.now()
        if word.reminded_at is None and now >= end - REMINDED_BEFORE:
            Confirmation.objects.filter(pk=word.pk).update(reminded_at=now)
            _remind(standing, side, word.period, end.date())
        elif word.reminded_at is not None and now >= max(end, word.reminded_at + REMINDED_BEFORE / 3):
            review = queries.review(standing, word.period, joint=True)
            Confirmation.objects.create(
                relationship=standing.relationship, period=word.period, side=side.value, deemed=True
            )
            _kept(standing, Kept.FROZEN, word.period, _figures(standing, review, word.period))


def by_mail(standing: Standing, due: str, form: str, *, joint: bool) -> ByMail:
    """Have the review by mail from now on, when it is due; instead of what was wished before."""
    said = {"due": due, "form": form, "joint": joint, "since": timezone.now(), "sent_at": None}
    made, _ = ByMail.objects.update_or_create(
        relationship=standing.relationship, person=standing.membership.person, defaults=said
    )
    return made


def no_mail(standing: Standing) -> None:
    """Have it no more."""
    ByMail.objects.filter(relationship=standing.relationship, person=standing.membership.person).delete()


def send(standing: Standing, now: datetime) -> bool:
    """Send the review to whoever stands there, if it is due and was not sent; whether it was.

    It is made as they may see it, at that moment and not before: who has lost a right since sees less.
    """
    wish = queries.wish(standing)
    if wish is None or not standing.may(Action.READ):
        return False
    here = now.astimezone(ZoneInfo(zone(standing)))
    due = last_due(wish.due, here)
    if due is None or due <= (wish.sent_at or wish.since):
        return False
    joint = wish.joint or standing.viewer.side is None
    made = queries.review(standing, None, joint=joint)
    words = words_for(spoken(standing.membership.person.language))
    calendar = definition(standing).calendar(made.cut)
    name = calendar.name(made.period)
    files = []
    if wish.form:
        files.append((f"review-{name}.{wish.form}", render(made, wish.form, words.language), queries.FILES[wish.form]))
    said = {
        "relationship": str(standing.relationship),
        "period": words.period(made.period, calendar.cut),
        "headline": headline.plain(headline.told(made, words)),
        "levels": "\n".join(_level(level_row(one, made, words)) for one in made.levels),
    }
    tell_one(standing, "by_mail", f"{page(standing, 'review')}?period={name}", files, **said)
    wish.sent_at = now
    wish.save(update_fields=["sent_at"])
    return True


def _level(row: LevelRow) -> str:
    """A level in a line."""
    return f"{row.name}: {row.value} ({row.target}; {row.met})"


def _remind(standing: Standing, side: Side, period: str, day: date) -> None:
    address = f"{page(standing, 'review')}?period={period}"
    tell(standing, side, Action.CONFIRM, "silence", address, period=lambda _: period, day=lambda words: words.day(day))


def restate(standing: Standing, review: Review, period: str, reason: str) -> Entry:
    """Set what the records say now beside what was frozen, with the reason; the frozen figures stay.

    :raises NotAllowedError: where nothing is frozen, nothing has changed, no reason is given, or the right is missing
    """
    if standing.side is None or not standing.may(Action.CONFIRM):
        raise NotAllowedError("not_yours")
    if not reason.strip():
        raise NotAllowedError("reason")
    period = queries.name_of(standing, review)  # 2026q2 and 2026-Q2 are one period
    with transaction.atomic():
        type(standing.relationship).objects.select_for_update().get(pk=standing.relationship.pk)
        last = queries.record(standing, period).last()
        if last is None:
            raise NotAllowedError("not_frozen")
        now = _figures(standing, review, period)
        if now["figures"] == last.content["figures"]:
            raise NotAllowedError("same_figures")
        note(standing, "restated", period, crosses=True)
        return _kept(standing, Kept.RESTATED, period, now | {"reason": reason.strip(), "by": standing.side.value})


def _kept(standing: Standing, kind: Kept, period: str, content: dict[str, Any]) -> Entry:
    last = queries.record(standing).last()
    content = {"kind": kind.value, "relationship": str(standing.relationship.pk), "period": period} | content
    if kind is Kept.FROZEN:
        hold(standing, period)
    link = chain.linked(
        1 if last is None else last.number + 1, content, chain.BEGINNING if last is None else last.digest
    )
    made = Entry.objects.create(
        relationship=standing.relationship,
        number=link.number,
        kind=kind,
        period=period,
        content=content,
        previous=link.previous,
        digest=link.digest,
    )
    # The head goes to both sides: with it, nobody who runs the room can begin another record unseen.
    address = f"{page(standing, 'review')}?period={period}"
    for side in Side:
        tell(
            standing,
            side,
            Action.CONFIRM,
            f"head_{kind}",
            address,
            period=lambda _: period,
            number=lambda _: str(made.number),
            digest=lambda _: made.digest,
        )
    return made


def _figures(standing: Standing, review: Review, period: str) -> dict[str, Any]:
    """The levels of the joint review: the value by the agreed formula, each side's own, and what is disputed.

    Figures are text with twelve digits, so that they read back as they were written.
    """
    disputed = queries.disputed(standing, period)
    return {
        "digest": review.digest,
        "figures": {
            level.kpi: {
                "measure": level.measure,
                "unit": level.unit,
                "value": _text(level.value),
                "num": _text(level.num),
                "den": _text(level.den),
                "target": _text(level.target),
                "met": level.met,
                "reported": {side.value: _text(level.reported.get(side)) for side in Side},
                "definition": plain(level.definition),
                "disputed": [str(one.pk) for one in disputed.get(level.kpi, ())],
            }
            for level in review.levels
        },
    }


def _text(value: float | None) -> str | None:
    return None if value is None else f"{value:.12g}"
