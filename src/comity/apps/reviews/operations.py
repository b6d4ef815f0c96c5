"""Closing a period: each side's word, and, with both, the figures frozen into the record."""

from datetime import UTC, date
from typing import Any

from django.db import transaction
from django.utils import timezone

from comity.apps.books.operations import hold
from comity.apps.matters.operations import A_DAY, hours
from comity.apps.matters.queries import REMINDED_BEFORE
from comity.apps.parties.mailing import page, tell
from comity.apps.parties.operations import note
from comity.apps.parties.rights import Action
from comity.apps.parties.viewing import Standing
from comity.apps.reviews import queries
from comity.apps.reviews.models import Confirmation, Entry, Kept
from comity.core import chain
from comity.core.clocks import due
from comity.core.values import Side
from comity.review.faces.contract import plain
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


def hear_silence(standing: Standing, zone: str) -> None:
    """Where one side has confirmed a period and the other not answered: remind it, and later take silence for its word.

    The reply clock counts from the one side's word; nothing is taken for said before a reminder went out.
    """
    for word in queries.unanswered(standing):
        side = Side(word.side).other
        end = due(hours(zone), word.at.astimezone(UTC), A_DAY * standing.relationship.reply_days)
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
    return Entry.objects.create(
        relationship=standing.relationship,
        number=link.number,
        kind=kind,
        period=period,
        content=content,
        previous=link.previous,
        digest=link.digest,
    )


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
