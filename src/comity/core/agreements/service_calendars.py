"""The days of service that a text holds, each over the days on which the clause reads so.

A clause of kind `calendar` names opening hours of the service by weekday, days with other hours, and free days of each
side. Readings count days by them: which weekdays are open, and which days are a class apart (holidays).

Decisions where the specification leaves room:

- A clause without any opening hours says nothing of the weekdays, and one without any free or short day nothing of the
  holidays: for these, what the book says of itself goes on.
- A weekday into which the hours of the day before run on is a day of service too.
- Free days are of a side's office, and short days of the service: all of them are holidays, as a class of day; without
  service are short days without hours, and free days of the provider on which the service has no short hours.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from comity.core.agreements.changes import AddClause
from comity.core.agreements.fields import Value
from comity.core.agreements.kinds import WEEKDAYS, Kind
from comity.core.agreements.text import Chain, stretches
from comity.core.agreements.wordings import deciding_entry
from comity.core.values import Side


@dataclass(frozen=True, slots=True)
class ServiceCalendar:
    """Days of service as a clause names them.

    :ivar valid_to: the first day on which it reads otherwise; None: without end
    :ivar weekdays: those with service, 0 is Monday; None: it says nothing of them
    :ivar holidays: days that are a class apart; None: it says nothing of them
    :ivar closed: those of them without service
    :ivar opened: those of them with service, on whichever weekday
    :ivar change: number of the change by which it reads so
    """

    valid_from: date
    valid_to: date | None = None
    weekdays: frozenset[int] | None = None
    holidays: frozenset[date] | None = None
    closed: frozenset[date] = field(default=frozenset())
    opened: frozenset[date] = field(default=frozenset())
    change: int | None = None

    def holds_on(self, day: date) -> bool:
        """Whether the clause reads so on a day."""
        return self.valid_from <= day and (self.valid_to is None or day < self.valid_to)


def service_calendars(chain: Chain) -> tuple[ServiceCalendar, ...]:
    """Return what the calendar clauses of a text say of the days of service, each wording over its days."""
    clauses = dict.fromkeys(
        edit.clause
        for entry in sorted(chain, key=lambda entry: entry.place)
        for edit in entry.change.edits
        if isinstance(edit, AddClause) and edit.kind is Kind.CALENDAR
    )
    found = []
    for clause in clauses:
        for stretch in stretches(chain, clause):
            if stretch.fields is None:
                continue
            entry = deciding_entry(chain, clause, stretch.first_day, None)
            end = None if stretch.last_day is None else stretch.last_day + timedelta(days=1)
            found.append(
                _calendar(stretch.fields, stretch.first_day, end, None if entry is None else entry.change.number)
            )
    return tuple(sorted(found, key=lambda one: one.valid_from))


def _calendar(fields: Mapping[str, Value], first: date, end: date | None, change: int | None) -> ServiceCalendar:
    weekdays: set[int] = set()
    for at, name in enumerate(WEEKDAYS):
        for span in _records(fields.get(f"open_{name}")):
            weekdays |= {at, (at + 1) % len(WEEKDAYS)} if _runs_on(span) else {at}
    short = {_day(item): bool(_records(item.get("hours"))) for item in _records(fields.get("short_days"))}
    free = {side: {_day(item) for item in _records(fields.get(f"{side}_free_days"))} for side in Side}
    opened = frozenset(day for day, has_hours in short.items() if has_hours)
    holidays = frozenset(short).union(*free.values())
    return ServiceCalendar(
        first,
        end,
        frozenset(weekdays) or None,
        holidays or None,
        (holidays - opened) - (free[Side.CUSTOMER] - free[Side.PROVIDER] - frozenset(short)),
        opened,
        change,
    )


def _runs_on(span: Mapping[str, object]) -> bool:
    """Whether a span goes on after midnight."""
    opens, closes = str(span["opens"]), str(span["closes"])
    return closes <= opens and closes not in {"24:00", "00:00"}


def _day(item: Mapping[str, object]) -> date:
    return date.fromisoformat(str(item["day"]))


def _records(value: object) -> list[dict[str, object]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list | tuple) else []
