"""From an open book to a Review: which period, which figures can be made, how sure they are, what is missing."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from comity.book.coverage import EDGE, Coverage, Uncovered
from comity.book.lateness import lateness_in
from comity.book.opening import Book
from comity.core.calendars import Against, Calendar, named
from comity.core.limits import natural_limits
from comity.core.readings.reading import Reading
from comity.core.values import Comparison, Period
from comity.review.kinds import LATER, Kind, kinds
from comity.review.lacking import absent, held_by, missing
from comity.review.levelling import Levelled, levelled
from comity.review.review import Delivery, Limits, Missing, Origin, ReadingPoint, Review
from comity.review.wording import read_wording

MOST_PERIODS = 120  # a history longer than this is cut at its beginning
FEWEST_FOR_LIMITS = 6  # earlier periods; fewer moving ranges say little
_TAIL = 0.025
_DAY = timedelta(days=1)


class NoReviewError(Exception):
    """A book from which no review can be made: one sentence with the next step."""


@dataclass(frozen=True, slots=True)
class _Frame:
    """The period under review, what it is held against, and how both were chosen."""

    calendar: Calendar
    period: Period
    reference: Period
    against: Against
    today: date

    @property
    def other(self) -> Period:
        """The period that it is not held against: a year before, or the one before."""
        how = Against.YEAR_BEFORE if self.against is Against.PREVIOUS else Against.PREVIOUS
        return self.calendar.against(self.period, how)

    @property
    def other_name(self) -> str:
        """The key under which the other comparison stands in `also`."""
        return "year_before" if self.against is Against.PREVIOUS else "previous"


@dataclass(frozen=True, slots=True)
class _Formed:
    """One kind of reading: those formed, their histories, and what is missing."""

    readings: tuple[Reading, ...]
    stats: tuple[object, ...]
    histories: Mapping[tuple[str, str | None], tuple[ReadingPoint, ...]]
    missing: tuple[Missing, ...]


def compose(book: Book, *, period: str | None = None, against: Against | None = None, now: datetime) -> Review:
    """Make the review of one period of a book, as its viewer may see it.

    :param period: 2026, 2026-Q2, 2026-05 or 2026-W23; None: the last whole one that the records reach
    :param against: what it is held against; None: as the book says
    :param now: the moment of asking; nothing dated later counts
    :raises comity.core.calendars.UnknownPeriodError: for a period that cannot be read
    :raises NoReviewError: for a book without records, or too short for one period
    """
    today = now.astimezone(ZoneInfo(book.definition.timezone)).date()
    coverage = Coverage(book, today)
    known = kinds()
    frame = _frame(book, coverage, known, period, against, today)
    levels = levelled(book, coverage, frame.calendar, frame.period)
    formed = [_formed(book, coverage, kind, frame) for kind in known]
    count = sum(len(one.readings) for one in formed)
    readings = tuple(
        _firm(kind, reading, stats, count)
        for kind, one in zip(known, formed, strict=True)
        for reading, stats in zip(one.readings, one.stats, strict=True)
    )
    histories = {key: points for one in formed for key, points in one.histories.items()}
    lacking = [*levels.missing, *(item for one in formed for item in one.missing), *_later(book)]
    origins = _origins(book)
    return Review(
        book=book.definition.name,
        currency=book.definition.currency,
        timezone=book.definition.timezone,
        parties={side: party.name for side, party in book.definition.parties.items()},
        whose=book.viewer.side,
        period=frame.period,
        reference=frame.reference,
        name=frame.calendar.name(frame.period),
        reference_name=frame.calendar.name(frame.reference),
        cut=frame.calendar.cut,
        against=frame.against,
        made_on=today,
        levels=levels.levels,
        paid=levels.paid,
        readings=readings,
        missing=tuple(lacking),
        origins=origins,
        lateness=tuple(dataclasses.asdict(one) for one in lateness_in(book, coverage, origins, now)),
        histories=histories,
        history_limits=_limits(histories, frame.period),
        wording=read_wording(book.folder, frame.calendar.name(frame.period), frame.against),
        digest=_digest(book, frame, levels, readings),
    )


def _frame(  # noqa: PLR0913 - what is asked, and of what
    book: Book,
    coverage: Coverage,
    known: Sequence[Kind],
    period: str | None,
    against: Against | None,
    today: date,
) -> _Frame:
    held = against or book.definition.against
    if not list(book):
        raise NoReviewError(f"{book.folder}: the book holds no records yet; bring some in with `comity import`")
    if period is not None:
        calendar, asked = named(period, book.definition.month_starts_on)
    else:
        calendar = book.definition.calendar()
        tables = {kind.tables(book) for kind in known} | {("contacts",), ("intervals",)}
        horizons = [end for end in (coverage.horizon(names) for names in tables) if end is not None]
        first = coverage.first_day([name for names in tables for name in names])
        if not horizons or first is None:
            msg = f"{book.folder}: no table tells of a period; name one with --period, or import contacts or surveys"
            raise NoReviewError(msg)
        asked = calendar.last_ending_by(max(horizons))
        if asked.start + EDGE <= first:
            msg = (
                f"{book.folder}: the records, {first} to {max(horizons) - _DAY}, hold no whole {calendar.cut.value}; "
                "choose a shorter one with --period, such as 2026-05 or 2026-W23"
            )
            raise NoReviewError(msg)
    return _Frame(calendar, asked, calendar.against(asked, held), held, today)


# Readings ---------------------------------------------------------------------------------------------------


def _formed(book: Book, coverage: Coverage, kind: Kind, frame: _Frame) -> _Formed:
    tables = kind.tables(book)
    if not book.has(*tables):
        return _Formed((), (), {}, (absent(book, kind.id, tables),))
    if kind.measure is not None and not any(kpi.measure == kind.measure for kpi in book.definition.kpis):
        return _Formed((), (), {}, (Missing(kind.id, ("kpi",), "both", "no_kpi"),))
    horizon = coverage.horizon(tables)
    if horizon is None:
        return _Formed((), (), {}, (absent(book, kind.id, tables),))
    asked = Comparison(frame.period, frame.reference, horizon)
    lacking = coverage.lacking(tables, (frame.period, frame.reference), horizon)
    if lacking:
        return _Formed((), (), {}, (_uncovered(book, kind.id, frame.calendar, lacking),))
    other = Comparison(frame.period, frame.other, horizon)
    past = _past(coverage, tables, frame, horizon)
    if coverage.lacking(tables, (frame.other,), horizon):
        other = asked
    gathered = kind.gather(book, list(dict.fromkeys([asked, other, *past])))
    found = [(stats, kind.read(stats)) for stats in gathered[asked]]
    readings = [reading for _, reading in found if reading is not None]
    elsewhere = {} if other == asked else _by_key(kind, gathered[other])
    points: dict[tuple[str, str | None], list[ReadingPoint]] = {}
    for comparison in past:
        for key, reading in _by_key(kind, gathered[comparison]).items():
            points.setdefault(key, []).append(_point(reading, comparison.period))
    few = kind.people and bool(found)
    none = () if readings else (missing(book, kind.id, tables, "too_small" if few else "nothing_counts"),)
    return _Formed(
        tuple(_with_other(reading, elsewhere.get((reading.id, reading.variant)), frame) for reading in readings),
        tuple(stats for stats, reading in found if reading is not None),
        {(r.id, r.variant): tuple(points.get((r.id, r.variant), ())) for r in readings},
        none,
    )


def _past(coverage: Coverage, tables: Sequence[str], frame: _Frame, horizon: date) -> list[Comparison]:
    """Every covered period up to the one under review, each against the one before."""
    first = coverage.first_day(tables)
    if first is None:
        return []
    periods = [period for period in frame.calendar.between(first, horizon) if period.end <= frame.period.end]
    return [
        Comparison(period, before, horizon)
        for before, period in pairwise(periods[-MOST_PERIODS:])
        if not coverage.lacking(tables, (before, period), horizon)
    ]


def _by_key(kind: Kind, gathered: Sequence[object]) -> dict[tuple[str, str | None], Reading]:
    read = (kind.read(stats) for stats in gathered)
    return {(reading.id, reading.variant): reading for reading in read if reading is not None}


def _point(reading: Reading, period: Period) -> ReadingPoint:
    own = reading.like_for_like
    return ReadingPoint(
        period,
        reading.headline.change,
        None if own is None else own.change,
        None if own is None else own.se,
        reading.z,
    )


def _with_other(reading: Reading, other: Reading | None, frame: _Frame) -> Reading:
    if other is None:
        return reading
    told = {
        "verdict": other.verdict.value,
        "as_reported": other.headline.change,
        "like_for_like": None if other.like_for_like is None else other.like_for_like.change,
    }
    return dataclasses.replace(reading, also={**reading.also, frame.other_name: told})


def _firm(kind: Kind, reading: Reading, stats: object, count: int) -> Reading:
    """Firm: the verdict is the same when the error is shared among all readings of the page."""
    strict = kind.read(stats, _TAIL / count)
    return dataclasses.replace(reading, firm=strict is not None and strict.verdict is reading.verdict)


def _limits(
    histories: Mapping[tuple[str, str | None], tuple[ReadingPoint, ...]],
    judged: Period,
) -> dict[tuple[str, str | None], Limits]:
    found = {}
    for key, points in histories.items():
        past = [(point.period, point.like_for_like) for point in points if point.period.end <= judged.start]
        run = [(period, value) for period, value in past if value is not None]
        if len(run) >= FEWEST_FOR_LIMITS:
            limits = natural_limits([value for _, value in run])
            found[key] = Limits(limits.centre, limits.lower, limits.upper, run[0][0], run[-1][0], len(run))
    return found


# What is missing ----------------------------------------------------------------------------------------------


def _uncovered(book: Book, reading: str, calendar: Calendar, lacking: Sequence[Uncovered]) -> Missing:
    tables = tuple(dict.fromkeys(one.table for one in lacking))
    periods = ", ".join(dict.fromkeys(calendar.name(one.period) for one in lacking))
    return missing(book, reading, tables, "not_covered", {"period": periods})


def _later(book: Book) -> list[Missing]:
    found = []
    for later in LATER:
        if book.has(*later.needs):
            found.append(Missing(later.id, (), held_by(book, later.needs), "later"))
        else:
            found.append(absent(book, later.id, later.needs))
    return found


# Where it came from -------------------------------------------------------------------------------------------


def _origins(book: Book) -> tuple[Origin, ...]:
    from comity.book.importing.provenance import origins  # noqa: PLC0415 - late, for a quick cold start

    return tuple(
        Origin(
            origin.table,
            origin.rows,
            origin.rejected,
            origin.files,
            tuple(
                Delivery(
                    file=one.file,
                    digest=one.digest,
                    at=one.at,
                    by=one.by,
                    mapping=one.mapping,
                    new=one.new,
                    updated=one.updated,
                    withdrawn=one.withdrawn,
                    rejected=one.rejected,
                    collapsed=one.collapsed,
                    superseded=one.superseded,
                )
                for one in origin.deliveries
            ),
        )
        for origin in origins(book)
    )


def _digest(book: Book, frame: _Frame, levels: Levelled, readings: Sequence[Reading]) -> str:
    """SHA-256 over the figures to 9 digits; the order in which an engine adds may stir the last ones."""
    figures = {
        "book": book.definition.name,
        "as": book.viewer.side,
        "period": [str(frame.period.start), str(frame.period.end), str(frame.reference.start)],
        "levels": [[one.kpi, _short(one.value), _short(one.num), _short(one.den)] for one in levels.levels],
        "paid": None if levels.paid is None else [_short(value) for value in levels.paid.amounts.values()],
        "readings": [
            [one.id, one.variant, one.verdict, *([part.id, _short(part.value)] for part in one.parts)]
            for one in readings
        ],
    }
    return hashlib.sha256(json.dumps(figures, sort_keys=True).encode()).hexdigest()


def _short(value: float) -> str:
    return f"{value + 0.0:.9g}"
