"""What an import does to the figures that both sides count by: before it is imported, and told to both afterwards.

A side may import what is its own without the other; that a figure of a month that is not final moves by it, or is
counted from another table, neither side is to find out by itself.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from comity.apps.audit.models import Event
from comity.apps.audit.operations import audit
from comity.apps.books import operations, results
from comity.apps.books.models import Delivery, Stage
from comity.apps.books.queries import NoBookError, definition, is_final, open_member_book, zone
from comity.apps.books.results import Question
from comity.apps.parties.member_context import MemberContext, acting_as
from comity.book.definition import UnusableBookError
from comity.book.errors import UnusableFileError
from comity.review.import_effect import (
    MOVING,
    ImportEffect,
    MonthLevel,
    effect_json,
    effect_of_json,
    effects_of,
    level_json,
    level_of_json,
    month_levels,
)

COMPUTE_EFFECT = "books.import_effect"  # the task
_BEFORE, _EFFECTS = "levels_before", "effects"  # of a delivery's outcome


def may_move_figures(member: MemberContext, delivery: Delivery) -> bool:
    """Whether a checked file feeds a table that agreed figures may be counted from."""
    if delivery.corrects or delivery.outcome.get("table") is None:
        return False
    try:
        return bool(definition(member).kpis) and bool(operations.tables_of(delivery) & MOVING)
    except (NoBookError, UnusableFileError):
        return False


def supposed_effects(member: MemberContext, delivery: Delivery) -> tuple[ImportEffect, ...]:
    """Return what importing a checked file would do to the joint figures of months that are not final.

    :raises comity.apps.books.results.NotComputedYet: in a request, where it has not been computed from these records
    """
    viewer = member.joint()
    text = f"{delivery.mapping}\n{delivery.text}\n{bool(delivery.outcome.get('again'))}"
    terms = (("delivery", str(delivery.pk)), ("mapping", sha256(text.encode()).hexdigest()))

    def compute() -> tuple[ImportEffect, ...]:
        if delivery.stage != Stage.LOOKED:
            return ()
        before = _levels(viewer)
        if not before:
            return ()
        try:
            with operations.supposed_import(member, delivery) as supposed:
                return effects_of(before, _levels(viewer, supposed))
        except (UnusableFileError, OSError):  # its check says what is wrong with it
            return ()

    return results.computed(viewer, Question(COMPUTE_EFFECT, terms), compute)


def told_effects(delivery: Delivery) -> tuple[ImportEffect, ...]:
    """Return what an import did to the joint figures, as it was measured then."""
    return tuple(effect_of_json(one) for one in delivery.outcome.get(_EFFECTS, ()))


@contextmanager
def telling_effects(person: UUID, relationship: UUID, number: UUID) -> Iterator[None]:
    """Measure the joint figures before and after a job that changes the records, and tell both sides what moved.

    What was measured before is kept with the delivery, so that a job that is tried again tells it all the same.
    """
    with acting_as(person, relationship) as member:
        delivery = Delivery.objects.get(pk=number)
        if _BEFORE not in delivery.outcome and _may_move(member, delivery):
            levels = [level_json(one) for one in _levels(member.joint())]
            if levels:
                _save(delivery, delivery.outcome | {_BEFORE: levels})
    yield
    with acting_as(person, relationship) as member:
        delivery = Delivery.objects.select_related("person").get(pk=number)
        before = delivery.outcome.get(_BEFORE)
        if before is None or delivery.stage == Stage.BRINGING:
            return
        outcome = {name: value for name, value in delivery.outcome.items() if name not in {_BEFORE, _EFFECTS}}
        moved: tuple[ImportEffect, ...] = ()
        if delivery.stage in {Stage.BROUGHT, Stage.UNDONE} and not delivery.private:
            moved = effects_of([level_of_json(one) for one in before], _levels(member.joint()))
        if moved:
            outcome[_EFFECTS] = [effect_json(one) for one in moved]
            audit_data: dict[str, Any] = {"name": delivery.name, "table": outcome["table"], "figures": len(moved)}
            audit(member, Event.FIGURES_MOVED, delivery, audit_data, shared=True)
        _save(delivery, outcome)


def _may_move(member: MemberContext, delivery: Delivery) -> bool:
    if delivery.corrects:
        return delivery.corrects["table"] in MOVING and bool(definition(member).kpis)
    return may_move_figures(member, delivery)


def _save(delivery: Delivery, outcome: dict[str, Any]) -> None:
    delivery.outcome = outcome
    delivery.save(update_fields=["outcome"])


def _levels(viewer: MemberContext, folder: Path | None = None) -> tuple[MonthLevel, ...]:
    """Measure the joint figures of the months that are not final, of the book or of a copy of it."""
    today = datetime.now(ZoneInfo(zone(viewer))).date()
    try:
        return month_levels(partial(open_member_book, viewer, folder), today, partial(is_final, viewer))
    except (NoBookError, UnusableBookError):
        return ()
