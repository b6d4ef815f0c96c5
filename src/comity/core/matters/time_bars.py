"""Until when a matter can be raised: days from its event, or from knowing of it, as a `clock` clause says.

A late one is marked, or cannot be raised. Without a clause for the kind, or without the day that it counts from,
nothing is barred: a side that does not say when it knew cannot be held to it by a guess.

That one is late is let pass, unless the answering side objects to it with its first answer, or within 14 days of
receipt where it does not answer before. An answer *under reserve* gives no right up, and so lets nothing pass; the days
go on. Source: "Time bars" of the matters' specification; what an answer under reserve does, the mark itself says.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from comity.core.matters.history import Mark
from comity.core.matters.transitions import Move

FORMAL = "formal_notice"  # by which a matter has to be raised, in a row of the clause
OBJECT_WITHIN = timedelta(days=14)
ANSWERS = frozenset({Move.AGREE, Move.COUNTER, Move.DECLINE})  # acknowledging, asking back, commenting answer nothing


class Since(StrEnum):
    """From which day a bar counts."""

    EVENT = "event_on"
    AWARE = "aware_on"


class Late(StrEnum):
    """What follows where it is over."""

    MARKED = "marked"
    BARRED = "barred"


@dataclass(frozen=True, slots=True)
class TimeBar:
    """Until when matters of a kind can be raised.

    :ivar days: of the calendar, from the day that it counts from; that many days later it can still be raised
    :ivar formal: whether only a formal notice is in time
    """

    days: int
    since: Since = Since.EVENT
    late: Late = Late.MARKED
    formal: bool = False


def time_bar(rows: object, kind: str) -> TimeBar | None:
    """Return the bar of a kind; None where none is agreed.

    :param rows: the field `time_bars` of a clause of kind `clock`
    """
    listed: list[object] = rows if isinstance(rows, list) else []
    found = [one for one in listed if isinstance(one, dict)]
    row = next((one for one in found if one.get("matter") == kind), None)
    if row is None:
        return None
    since, late = row.get("from") or Since.EVENT, row.get("late") or Late.MARKED
    return TimeBar(int(str(row["days"])), Since(str(since)), Late(str(late)), row.get("given_as") == FORMAL)


def lateness(
    bar: TimeBar, raised_on: date, event_on: date | None, aware_on: date | None, *, formal: bool = False
) -> Late | None:
    """Return what follows from the day on which a matter is raised; None where it is in time.

    Whoever knew of an event that nobody dated knew of it when they say.

    :param formal: whether it is raised as a formal notice; what is not, and has to be, is never in time
    """
    start = (aware_on or event_on) if bar.since is Since.AWARE else event_on
    if start is None or (raised_on <= start + timedelta(days=bar.days) and (formal or not bar.formal)):
        return None
    return bar.late


class Passed(StrEnum):
    """What became of it that a matter was raised late."""

    OPEN = "open"  # the answering side may still object
    OBJECTED = "objected"
    LET_PASS = "let_pass"  # noqa: S105 - no password


@dataclass(frozen=True, slots=True)
class Said:
    """A step of the answering side, as far as it concerns that a matter is late.

    :ivar objects: whether it objects to it, alone or with an answer
    """

    at: datetime
    move: Move
    objects: bool = False
    mark: str = ""


def passed(received_at: datetime, said: Iterable[Said], now: datetime) -> Passed:
    """Return what became of the lateness of a matter.

    :param said: the answering side's steps, in their order
    """
    until = received_at + OBJECT_WITHIN
    for one in said:
        if one.at > until:
            break
        if one.objects:
            return Passed.OBJECTED
        if one.move in ANSWERS and one.mark != Mark.UNDER_RESERVE:
            return Passed.LET_PASS
    return Passed.OPEN if now <= until else Passed.LET_PASS
