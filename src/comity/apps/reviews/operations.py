"""Closing a period: each side's word, and, with both, the figures frozen into the record."""

from typing import Any

from django.db import transaction

from comity.apps.parties.operations import note
from comity.apps.parties.rights import Action
from comity.apps.parties.viewing import Standing
from comity.apps.reviews import queries
from comity.apps.reviews.models import Confirmation, Entry, Kept
from comity.core import chain
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
