"""The days of a term: its end, the last days for notice and for options; told 90, 60 and 30 days before."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from django.db import connection

from comity.apps.agreements import queries
from comity.apps.agreements.early_start.carrying_out import side_hours
from comity.apps.parties.mailing import mail_side, page_path
from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.rights import Action
from comity.core.agreements.clauses import Clause
from comity.core.agreements.kinds import EVERYBODY, Kind
from comity.core.agreements.signing import Situation
from comity.core.agreements.term import REMINDER_DAYS, Term, TermDay, last_day_for_notice, reminders, term_end, term_of
from comity.core.agreements.text import text
from comity.core.values import Side
from comity.review.i18n.words import Words

MAIL = "term_day"


@dataclass(frozen=True, slots=True)
class ComingDay:
    """A day of the term that comes within 90 days, for one side.

    :ivar ends: when the agreement ends as known today
    :ivar renews_months: for how long it goes on by itself; None: it ends
    :ivar what: of an option
    """

    of: TermDay
    side: Side
    day: date
    ends: date
    renews_months: int | None
    what: str = ""


def term_clause(member: MemberContext, now: Situation) -> Clause | None:
    """Return the term clause in force; None where there is none, or the member may not read it."""
    clauses = text(now.chain, now.today).of(Kind.TERM)
    return clauses[0] if clauses and queries.may_read(member, clauses[0]) else None


def coming_days(clause: Clause, now: Situation) -> Iterator[ComingDay]:
    """Yield the days of a term that come within 90 days, for each side that they concern.

    Notice is received by the other side, so that the last day for it is that side's last working day.
    """
    term = term_of(clause)
    ends = term_end(term, now.today).ends
    horizon = now.today + timedelta(days=max(REMINDER_DAYS))
    for side in Side:
        days = [(TermDay.END, ends, "")]
        if term.notice_months is not None:
            last = last_day_for_notice(ends, term.notice_months, side_hours(now, side.other))
            days.append((TermDay.NOTICE, last, ""))
        days += [(TermDay.OPTION, day, what) for what, whose, day in _options(clause) if whose in {side, None}]
        for of, day, what in days:
            if now.today <= day <= horizon:
                yield ComingDay(of, side, day, ends, term.renews_months, what)


def _options(clause: Clause) -> Iterator[tuple[str, Side | None, date]]:
    """Yield what each option is, whose (None: both sides'), and its last day."""
    options = clause.fields.get("options")
    for option in options if isinstance(options, list) else []:
        if isinstance(option, dict) and "by" in option:
            whose = str(option.get("whose", ""))
            yield (
                str(option["what"]),
                Side(whose) if whose in set(Side) else None,
                date.fromisoformat(str(option["by"])),
            )


def remind_of_term(member: MemberContext, now: Situation) -> None:
    """Remind both sides of each day of the term that is 90, 60 or 30 days away, once: in the log, and by mail.

    A clause that is not for everybody is shown on Today to those who read it, and is in no log and no mail.

    :param member: a lead, of either side: the event is nobody's
    """
    clause = term_clause(member, now)
    seen_by = None if clause is None else clause.fields.get("seen_by")
    if clause is None or (isinstance(seen_by, list) and EVERYBODY not in seen_by):
        return
    term = term_of(clause)
    for of, day, what, before in _reached(term, now.today):
        with connection.cursor() as cursor:
            cursor.execute("SELECT comity_audit_term(%s, %s, %s, %s)", [of.value, day, before, what])
            (is_new,) = cursor.fetchone()
        if is_new:
            _mail(member, of, day, what)


def _reached(term: Term, today: date) -> list[tuple[TermDay, date, str, int]]:
    """Return the days that are to come and of which a reminder is due: each with its latest reminder."""
    reached: dict[tuple[TermDay, date, str], int] = {}
    for reminder in reminders(term, term_end(term, today).ends):
        if reminder.on <= today <= reminder.day:
            key = (reminder.of, reminder.day, reminder.what)
            reached[key] = min(reminder.before, reached.get(key, reminder.before))
    return [(*key, before) for key, before in reached.items()]


def _mail(member: MemberContext, of: TermDay, day: date, what: str) -> None:
    for side in Side:
        mail_side(
            member, side, Action.AGREE, MAIL, page_path(member, "agreement"),
            what=lambda words: day_name(of, what, words), day=lambda words: words.day(day),
        )  # fmt: skip


def day_name(of: TermDay, what: str, words: Words) -> str:
    """Return what a day of the term is, in the reader's words."""
    return words(f"term_day.{of.value}", what=what)
