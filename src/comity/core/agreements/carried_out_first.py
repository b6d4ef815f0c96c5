"""A proposed change that is carried out before it is signed: who asked, who accepted, by when it has to be settled.

One side asks for it, from a day on; the other accepts, under reserve if it says so, or does not. The text in force does
not change, and figures and money go on counting by it; beside them stand those by the text asked for (`asked_text`). It
has to be agreed or taken back within ten working days of the acceptance, at closing time of the side that asked.

Decisions where the specification leaves room: nothing is asked for, nor accepted from, a day that is over, since it
would not have been carried out because of the request; the side that asked takes it back at any time, the one that
accepted may stop once the ten days are over; a change that ends without being agreed ends this too; a new revision does
not, since what is carried out is the revision that was asked for. What was taken back counts up to that day.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from comity.core.agreements.changes import Proposal
from comity.core.agreements.measured import CarriedOutFirst
from comity.core.agreements.signing import UNDECIDED, State
from comity.core.agreements.text import Chain, Text, text, with_change
from comity.core.business_hours import Hours, closing
from comity.core.values import Side

SETTLED_WITHIN_DAYS = 10  # working days


class FirstState(StrEnum):
    """Where a request stands."""

    NOT_ASKED = "not_asked"
    ASKED = "asked"
    CARRIED_OUT = "carried_out"  # accepted, and neither agreed nor taken back
    DECLINED = "declined"
    TAKEN_BACK = "taken_back"
    AGREED = "agreed"
    ENDED = "ended"  # the change was declined or withdrawn, or has lapsed


class FirstKind(StrEnum):
    """What a step does."""

    ASK = "ask"
    ACCEPT = "accept"
    DECLINE = "decline"
    TAKE_BACK = "take_back"


class FirstRefusal(StrEnum):
    """Why a step cannot be taken."""

    NOT_NOW = "not_now"  # no such step as the request, or the change, stands
    NOT_YOURS = "not_yours"  # it is the other side's step
    PAST = "past"  # the day is over
    OLD_REVISION = "old_revision"
    REASON = "reason"


@dataclass(frozen=True, slots=True)
class FirstStep:
    """What somebody did with a request.

    :ivar revision: of the change, that the person saw
    :ivar first_day: of `ASK`, from when it is to be carried out
    """

    kind: FirstKind
    at: datetime
    side: Side
    person: str
    revision: int
    first_day: date | None = None
    under_reserve: bool = False
    reason: str = ""


_LEADS: Mapping[FirstKind, FirstState] = {
    FirstKind.ASK: FirstState.ASKED,
    FirstKind.ACCEPT: FirstState.CARRIED_OUT,
    FirstKind.DECLINE: FirstState.DECLINED,
    FirstKind.TAKE_BACK: FirstState.TAKEN_BACK,
}
_WAITS = (FirstState.ASKED, FirstState.CARRIED_OUT)


def first_state(steps: Sequence[FirstStep], of_change: State) -> FirstState:
    """Return where a request stands; `of_change` is where its change stands."""
    if not steps:
        return FirstState.NOT_ASKED
    last = _LEADS[steps[-1].kind]
    if last not in _WAITS or of_change in UNDECIDED:
        return last
    agreed = last is FirstState.CARRIED_OUT and of_change is State.AGREED
    return FirstState.AGREED if agreed else FirstState.ENDED


def first_refusal(  # noqa: PLR0913 - a step and what it is judged by
    steps: Sequence[FirstStep], step: FirstStep, of_change: State, revision: int, now: datetime, hours: Hours
) -> FirstRefusal | None:
    """Return why a step cannot be taken; None where it can.

    :param revision: the last one of the change
    :param hours: working hours of the side that asked
    """
    current = first_state(steps, of_change)
    if of_change not in UNDECIDED or (current in _WAITS) != (step.kind is not FirstKind.ASK):
        return FirstRefusal.NOT_NOW
    return _REFUSALS[step.kind](steps, step, revision, now, hours)


def settled_by(steps: Sequence[FirstStep], hours: Hours) -> datetime | None:
    """Return until when what is carried out has to be agreed or taken back; None where nothing is.

    :param hours: working hours of the side that asked
    :raises comity.core.business_hours.NeverDueError: for a calendar without working days
    """
    if not steps or steps[-1].kind is not FirstKind.ACCEPT:
        return None
    return closing(hours, steps[-1].at, SETTLED_WITHIN_DAYS)


def carried_out_first(steps: Sequence[FirstStep]) -> CarriedOutFirst | None:
    """Return what is measured of the request that was accepted last; None where none was."""
    accepted = [at for at, step in enumerate(steps) if step.kind is FirstKind.ACCEPT]
    if not accepted:
        return None
    asked = next(step for step in reversed(steps[: accepted[-1]]) if step.kind is FirstKind.ASK)
    stopped_at = next((step.at for step in steps[accepted[-1] :] if step.kind is FirstKind.TAKE_BACK), None)
    under_reserve = steps[accepted[-1]].under_reserve
    return CarriedOutFirst(asked.at, asked.first_day or asked.at.date(), under_reserve, stopped_at)


def asked_text(chain: Chain, asked_for: Proposal, first_day: date, day: date) -> Text:
    """Return the text of a day as it would be with a revision in force from the day asked for.

    :param asked_for: the revision that was asked for
    """
    change = asked_for.change
    asked = replace(change, span=replace(change.span, first_day=first_day))
    return text(with_change(chain, asked), day)


def _refusal_of_ask(
    _: Sequence[FirstStep], step: FirstStep, revision: int, now: datetime, hours: Hours
) -> FirstRefusal | None:
    if step.revision != revision:
        return FirstRefusal.OLD_REVISION
    return FirstRefusal.PAST if _is_over(step.first_day, now, hours) else None


def _is_over(day: date | None, now: datetime, hours: Hours) -> bool:
    return day is None or day < now.astimezone(ZoneInfo(hours.zone)).date()


def _refusal_of_answer(
    steps: Sequence[FirstStep], step: FirstStep, revision: int, now: datetime, hours: Hours
) -> FirstRefusal | None:
    if steps[-1].kind is not FirstKind.ASK:
        return FirstRefusal.NOT_NOW
    if steps[-1].side is step.side:
        return FirstRefusal.NOT_YOURS
    if step.kind is FirstKind.DECLINE:
        return None if step.reason.strip() else FirstRefusal.REASON
    if not step.revision == steps[-1].revision == revision:
        return FirstRefusal.OLD_REVISION
    return FirstRefusal.PAST if _is_over(steps[-1].first_day, now, hours) else None


def _refusal_of_taking_back(
    steps: Sequence[FirstStep], step: FirstStep, _revision: int, now: datetime, hours: Hours
) -> FirstRefusal | None:
    asked = next(one for one in reversed(steps) if one.kind is FirstKind.ASK)
    if asked.side is step.side:
        return None
    due = settled_by(steps, hours)
    return None if due is not None and now > due else FirstRefusal.NOT_YOURS


_REFUSALS: Mapping[FirstKind, Callable[[Sequence[FirstStep], FirstStep, int, datetime, Hours], FirstRefusal | None]] = {
    FirstKind.ASK: _refusal_of_ask,
    FirstKind.ACCEPT: _refusal_of_answer,
    FirstKind.DECLINE: _refusal_of_answer,
    FirstKind.TAKE_BACK: _refusal_of_taking_back,
}
