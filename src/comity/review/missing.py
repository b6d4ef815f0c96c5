"""What lacks: which tables, why, the side that holds them or would, and what can be done about it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum

from comity.book.definition_keys import DATED_TABLES
from comity.book.reading.open import Book
from comity.book.statistics.uncounted import Lacks, Uncounted
from comity.book.tables import TABLES
from comity.review.model import Missing, Review


def missing_tables(book: Book, reading: str, tables: Sequence[str]) -> Missing:
    """The word for what needs tables that are not there, or that the other side keeps to itself."""
    gone = [name for name in tables if not book.has(name)]
    hidden = [name for name in gone if _hidden(book, name)]
    return Missing(reading, tuple(gone or tables), held_by(book, hidden or gone), "private" if hidden else "no_table")


def missing_figure(
    book: Book, reading: str, tables: Sequence[str], why: str, detail: Mapping[str, object] | None = None
) -> Missing:
    """The word for what cannot be made of tables that are there."""
    return Missing(reading, tuple(tables), held_by(book, tables), why, detail or {})


def naming(missing: Missing, found: Uncounted | None) -> Missing:
    """The same with what the records that are there name, or have alike, in place of what is counted."""
    if found is None:
        return missing
    detail = {"rows": found.rows, "wanted": found.wanted, "named": found.named}
    return replace(missing, why=found.lacks.value, detail=detail)


def held_by(book: Book, tables: Sequence[str]) -> str:
    """The side that holds the tables, by the book's own word before what is usual; `both` where they differ."""
    holders = set()
    for name in tables:
        owner = book.definition.private_owner(name)
        holders.add(owner.value if owner is not None else TABLES[name].held_by if name in TABLES else "both")
    return holders.pop() if len(holders) == 1 else "both"


def _hidden(book: Book, table: str) -> bool:
    owner = book.definition.private_owner(table)
    return owner is not None and not book.viewer.opens(owner)


class MissingList(StrEnum):
    """Which of the lists of what is missing something stands in."""

    BRING = "bring"  # somebody can bring it, or say what lacks
    PRIVATE = "private"  # a side keeps it to itself, or it is withheld for the sake of few people
    LATER = "later"  # no version reads it yet, whoever brings it


class Cure(StrEnum):
    """What can be done about something that is missing; each is a sentence of the words."""

    IMPORT = "import"
    IMPORT_PERIODS = "import_periods"
    SAY_COMPLETE = "say_complete"
    WAIT = "wait"
    AGREED_PERIOD = "agreed_period"
    WHOLE_MONTHS = "whole_months"
    ONE_SCALE = "one_scale"
    NAME_RECORDS = "name_records"
    DEFINE = "define"
    SEE_RECORDS = "see_records"
    IMPORT_CALLERS = "import_callers"
    MATCH_VALUES = "match_values"
    MATCH_RESPONDENTS = "match_respondents"
    SHARE = "share"
    LONGER = "longer"


@dataclass(frozen=True, slots=True)
class Remedy:
    """What can be done about something that is missing.

    :ivar periods: of the tables, those that the records do not cover, by name
    :ivar day: from which the period can be reviewed, or up to which the book may say that its records are whole
    """

    cure: Cure
    tables: tuple[str, ...] = ()
    periods: tuple[str, ...] = ()
    day: date | None = None


_WITHHELD = frozenset({"other_cut", "few_apart", "as_shared", "too_small", "private"})
_CURES: Mapping[str, Cure] = {
    "no_table": Cure.IMPORT,
    "no_forecast": Cure.IMPORT,
    "no_schedule": Cure.IMPORT,
    "other_cut": Cure.AGREED_PERIOD,
    "not_months": Cure.WHOLE_MONTHS,
    "mixed_scales": Cure.ONE_SCALE,
    "no_kpi": Cure.DEFINE,
    "other_records": Cure.NAME_RECORDS,
    "nothing_counts": Cure.SEE_RECORDS,
    "no_callers": Cure.IMPORT_CALLERS,
    **dict.fromkeys(Lacks, Cure.MATCH_VALUES),
    Lacks.RESPONDENT: Cure.MATCH_RESPONDENTS,
    "private": Cure.SHARE,
    "too_small": Cure.LONGER,
}


def list_of(missing: Missing) -> MissingList:
    """The list in which something stands that is missing."""
    if missing.why == "later":
        return MissingList.LATER
    return MissingList.PRIVATE if missing.why in _WITHHELD else MissingList.BRING


def remedy(missing: Missing, review: Review) -> Remedy | None:
    """What can be done about something that is missing from a review; None where there is nothing to be done."""
    if missing.why in {"not_covered", "half_covered", "window_open"}:
        return _remedy_of_gap(missing, review)
    cure = _CURES.get(missing.why)
    return None if cure is None else Remedy(cure, missing.needs)


def whole_by_word(missing: Missing, review: Review) -> tuple[tuple[str, date], ...]:
    """The tables that may be whole though their last days have no row, each with the last day of the period."""
    one = remedy(missing, review)
    if one is None or one.cure is not Cure.SAY_COMPLETE or one.day is None:
        return ()
    return tuple((table, one.day - timedelta(days=1)) for table in one.tables if table in DATED_TABLES)


def _remedy_of_gap(missing: Missing, review: Review) -> Remedy:
    """Records that end too early may be whole all the same, where their last row lies before the period's end."""
    over = review.period.end <= review.made_on
    told = missing.detail.get("period")
    periods = tuple(str(told).split(", ")) if told else (review.name,)
    early = "first" in missing.detail or review.name not in periods
    until = missing.detail.get("until")
    if missing.why == "window_open":
        return Remedy(Cure.WAIT, missing.needs, day=until if isinstance(until, date) else None)
    if not over:
        return Remedy(Cure.WAIT, missing.needs, day=review.period.end)
    return Remedy(
        Cure.IMPORT_PERIODS if early else Cure.SAY_COMPLETE,
        missing.needs,
        periods,
        None if early else review.period.end,
    )
