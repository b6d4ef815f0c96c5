"""From an open book to a Review: which period, which figures can be made, how sure they are, what is missing."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from comity.book.errors import UnusableFileError
from comity.book.lateness import lateness_in, undelivered_in
from comity.book.reading.coverage import Coverage, Uncovered
from comity.book.reading.daily_contacts import daily_contacts
from comity.book.reading.open import Book
from comity.book.statistics.record_choice import choices_in_force
from comity.book.statistics.uncounted import same_respondent
from comity.core.agreements.kpi import RECORDS
from comity.core.calendars import Against, Calendar, named
from comity.core.readings.reading import Reading
from comity.core.values import Comparison, Period
from comity.review.headline_override import read_override
from comity.review.levels import BuiltLevels, build_levels
from comity.review.limits import MOST_PERIODS, limits_before
from comity.review.missing import missing_figure, missing_tables, naming
from comity.review.model import Delivery, Level, Limits, Missing, Origin, ReadingPoint, Review
from comity.review.periods import longest_whole, telling, whole_months
from comity.review.readings import ReadingPart, ReadingSpec, reading_specs

_TAIL = 0.025
_DAY = timedelta(days=1)


class NoReviewError(UnusableFileError):
    """A book from which no review can be made: one sentence with the next step."""


@dataclass(frozen=True, slots=True)
class _PeriodChoice:
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
class _BuiltReadings:
    """One kind of reading: those formed, their histories, and what is missing."""

    readings: tuple[Reading, ...]
    stats: tuple[object, ...]
    histories: Mapping[tuple[str, str | None], tuple[ReadingPoint, ...]]
    missing: tuple[Missing, ...]


def build_review(book: Book, *, period: str | None = None, against: Against | None = None, now: datetime) -> Review:
    """Make the review of one period of a book, as its viewer may see it.

    :param period: 2026, 2026-Q2, 2026-05 or 2026-W23; None: the last whole one, of the longest cut that the records
        tell of
    :param against: what it is held against; None: as the book says
    :param now: the moment of asking; nothing dated later counts
    :raises comity.core.calendars.UnknownPeriodError: for a period that cannot be read
    :raises NoReviewError: for a book without records, or too short for one period
    """
    today = now.astimezone(ZoneInfo(book.definition.timezone)).date()
    coverage = Coverage(book, today)
    if book.has("contacts"):
        daily_contacts(book, "contacts")  # by queue, as `undelivered_in` needs them: days alone would be a second scan
    specs = reading_specs()
    choice = _choose_periods(book, coverage, specs, period, against, today)
    book.asked = (choice.period, choice.reference)
    levels = build_levels(book, coverage, choice.calendar, choice.period)
    parts = [(spec, part) for spec in specs for part in spec.parts(book)]
    formed = [_build_readings(book, coverage, spec, part, choice) for spec, part in parts]
    count = sum(len(one.readings) for one in formed)
    readings = tuple(
        _with_firmness(spec, reading, stats, count)
        for (spec, _part), one in zip(parts, formed, strict=True)
        for reading, stats in zip(one.readings, one.stats, strict=True)
    )
    histories = {key: points for one in formed for key, points in one.histories.items()}
    lacking = [*levels.missing, *(item for one in formed for item in one.missing)]
    origins = _origins(book)
    return Review(
        book=book.definition.name,
        currency=book.definition.currency,
        timezone=book.definition.timezone,
        parties={side: party.name for side, party in book.definition.parties.items()},
        viewer_side=book.viewer.side,
        period=choice.period,
        reference=choice.reference,
        name=choice.calendar.name(choice.period),
        reference_name=choice.calendar.name(choice.reference),
        cut=choice.calendar.cut,
        against=choice.against,
        made_on=today,
        levels=levels.levels,
        paid=levels.paid,
        readings=readings,
        missing=tuple(lacking),
        whole_months=() if levels.levels or readings else whole_months(book, coverage, _groups(book, specs)),
        origins=origins,
        lateness=tuple(dataclasses.asdict(one) for one in lateness_in(book, coverage, now)),
        undelivered=tuple(
            dataclasses.asdict(one) for one in undelivered_in(book, coverage, (choice.reference, choice.period))
        ),
        histories=histories,
        history_limits=_limits(histories, choice.period),
        headline_override=read_override(book.folder, choice.calendar.name(choice.period), choice.against),
        digest=_digest(book, choice, levels, readings),
    )


def _choose_periods(  # noqa: PLR0913 - what is asked, and of what
    book: Book,
    coverage: Coverage,
    specs: Sequence[ReadingSpec],
    period: str | None,
    against: Against | None,
    today: date,
) -> _PeriodChoice:
    how = against or book.definition.against
    if not list(book):
        raise NoReviewError("the book holds no records yet; bring some in with `comity import`", file=book.folder)
    if period is not None:
        calendar, chosen = named(period, book.definition.month_starts_on)
    else:
        calendar = book.definition.calendar()
        tables = _groups(book, specs)
        ends = {names: end for names in tables if (end := coverage.horizon(names)) is not None}
        # Answers come in waves: where other tables tell how far the records go, surveys do not.
        horizons = [end for names, end in ends.items() if names != ("surveys",)] or list(ends.values())
        first = coverage.first_day([name for names in tables for name in names])
        if not horizons or first is None:
            msg = "no table tells of a period; name one with --period, or import contacts or surveys"
            raise NoReviewError(msg, file=book.folder)
        whole = longest_whole(calendar, first, max(horizons), telling(coverage, tables))
        if whole is None:
            msg = f"the records, {first} to {max(horizons) - _DAY}, hold no whole week yet; import more of them"
            raise NoReviewError(msg, file=book.folder)
        calendar, chosen = whole
    return _PeriodChoice(calendar, chosen, calendar.against(chosen, how), how, today)


def _groups(book: Book, specs: Sequence[ReadingSpec]) -> tuple[tuple[str, ...], ...]:
    """The tables that tell of periods, in the groups in which figures need them."""
    return tuple(dict.fromkeys([*(spec.tables(book) for spec in specs), ("contacts",), ("intervals",)]))


# Readings ---------------------------------------------------------------------------------------------------


def _build_readings(
    book: Book, coverage: Coverage, spec: ReadingSpec, part: ReadingPart, choice: _PeriodChoice
) -> _BuiltReadings:
    tables = part.tables
    if not book.has(*tables):
        return _BuiltReadings((), (), {}, (missing_tables(book, spec.id, tables),))
    if spec.measure is not None and not any(kpi.measure == spec.measure for kpi in book.definition.kpis):
        return _BuiltReadings((), (), {}, (Missing(spec.id, ("kpi",), "both", "no_kpi"),))
    horizon = coverage.horizon(tables)
    if horizon is None:
        return _BuiltReadings((), (), {}, (missing_tables(book, spec.id, tables),))
    comparison_asked = Comparison(choice.period, choice.reference, horizon)
    lacking = coverage.lacking(tables, (choice.period, choice.reference), horizon)
    if lacking:
        return _BuiltReadings((), (), {}, (_uncovered(book, spec.id, choice.calendar, lacking),))
    other = Comparison(choice.period, choice.other, horizon)
    past = _past_comparisons(coverage, tables, choice, horizon)
    if coverage.lacking(tables, (choice.other,), horizon):
        other = comparison_asked
    gathered = part.gather(book, list(dict.fromkeys([comparison_asked, other, *past])))
    pairs = [(stats, spec.read(stats)) for stats in gathered[comparison_asked]]
    readings = [reading for _, reading in pairs if reading is not None]
    elsewhere = {} if other == comparison_asked else _by_key(spec, gathered[other])
    points: dict[tuple[str, str | None], list[ReadingPoint]] = {}
    for comparison in past:
        for key, reading in _by_key(spec, gathered[comparison]).items():
            points.setdefault(key, []).append(_point(reading, comparison.period))
    few = spec.people_of is not None and bool(pairs)
    unformed = () if readings else _unformed(book, spec, part, choice.period, few=few)
    return _BuiltReadings(
        tuple(
            _with_records(book, part, _with_other(reading, elsewhere.get((reading.id, reading.variant)), choice))
            for reading in readings
        ),
        tuple(stats for stats, reading in pairs if reading is not None),
        {(r.id, r.variant): tuple(points.get((r.id, r.variant), ())) for r in readings},
        unformed,
    )


def _unformed(book: Book, spec: ReadingSpec, part: ReadingPart, period: Period, *, few: bool) -> tuple[Missing, ...]:
    """Why the tables that are there, and cover both periods, give no reading."""
    choices = [choice for kpi, choice in choices_in_force(book, spec.measure or "").items() if kpi in part.kpis]
    if choices and all(choice.beside_answers for choice in choices):
        return (Missing(spec.id, part.tables, "both", "other_records"),)
    one = missing_figure(book, spec.id, part.tables, "too_small" if few else "nothing_counts")
    return (naming(one, same_respondent(book, period)) if spec.people_of == "surveys" else one,)


def _past_comparisons(
    coverage: Coverage, tables: Sequence[str], choice: _PeriodChoice, horizon: date
) -> list[Comparison]:
    """Every covered period up to the one under review, each against the one before."""
    first = coverage.first_day(tables)
    if first is None:
        return []
    periods = [period for period in choice.calendar.between(first, horizon) if period.end <= choice.period.end]
    return [
        Comparison(period, before, horizon)
        for before, period in pairwise(periods[-MOST_PERIODS:])
        if not coverage.lacking(tables, (before, period), horizon)
    ]


def _by_key(spec: ReadingSpec, gathered: Sequence[object]) -> dict[tuple[str, str | None], Reading]:
    read = (spec.read(stats) for stats in gathered)
    return {(reading.id, reading.variant): reading for reading in read if reading is not None}


def _point(reading: Reading, period: Period) -> ReadingPoint:
    like_for_like = reading.like_for_like
    return ReadingPoint(
        period,
        reading.headline.change,
        None if like_for_like is None else like_for_like.change,
        None if like_for_like is None else like_for_like.se,
        reading.z,
    )


def _with_other(reading: Reading, other: Reading | None, choice: _PeriodChoice) -> Reading:
    if other is None:
        return reading
    comparison = {
        "verdict": other.verdict.value,
        "as_reported": other.headline.change,
        "like_for_like": None if other.like_for_like is None else other.like_for_like.change,
    }
    return dataclasses.replace(reading, also={**reading.also, choice.other_name: comparison})


def _with_records(book: Book, part: ReadingPart, reading: Reading) -> Reading:
    """Which records a reading was counted from, where the book holds others that could be meant."""
    if not part.kpis or not book.has(*RECORDS):
        return reading
    return dataclasses.replace(reading, also={**reading.also, "counted_from": part.tables[0]})


def _with_firmness(spec: ReadingSpec, reading: Reading, stats: object, count: int) -> Reading:
    """Firm: the verdict is the same when the error is shared among all readings of the page."""
    strict = spec.read(stats, _TAIL / count)
    return dataclasses.replace(reading, firm=strict is not None and strict.verdict is reading.verdict)


def _limits(
    histories: Mapping[tuple[str, str | None], tuple[ReadingPoint, ...]],
    judged: Period,
) -> dict[tuple[str, str | None], Limits]:
    limits = {
        key: limits_before(judged, ((point.period, point.like_for_like) for point in points))
        for key, points in histories.items()
    }
    return {key: value for key, value in limits.items() if value is not None}


# What is missing ----------------------------------------------------------------------------------------------


def _uncovered(book: Book, reading: str, calendar: Calendar, lacking: Sequence[Uncovered]) -> Missing:
    tables = tuple(dict.fromkeys(one.table for one in lacking))
    periods = ", ".join(dict.fromkeys(calendar.name(one.period) for one in lacking))
    return missing_figure(book, reading, tables, "not_covered", {"period": periods})


# Where it came from -------------------------------------------------------------------------------------------


def _origins(book: Book) -> tuple[Origin, ...]:
    from comity.book.reading.origins import origins  # noqa: PLC0415 - late, for a quick cold start

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


def _digest(book: Book, choice: _PeriodChoice, levels: BuiltLevels, readings: Sequence[Reading]) -> str:
    """SHA-256 over the figures to 9 digits; the order in which an engine adds may stir the last ones."""
    figures = {
        "book": book.definition.name,
        "as": book.viewer.side,
        "period": [str(choice.period.start), str(choice.period.end), str(choice.reference.start)],
        "levels": [_of_level(one) for one in levels.levels],
        "paid": None if levels.paid is None else [_short(value or 0.0) for value in levels.paid.amounts.values()],
        "readings": [
            [one.id, one.variant, one.verdict, *([part.id, _short(part.value)] for part in one.parts)]
            for one in readings
        ],
    }
    return hashlib.sha256(json.dumps(figures, sort_keys=True).encode()).hexdigest()


def _of_level(level: Level) -> list[object]:
    """What the digest has of a level; of the days only where these are not all of the period."""
    found: list[object] = [level.kpi, _short(level.value), _short(level.num), _short(level.den)]
    if level.days is not None:
        found.append([str(level.days.start), str(level.days.end)])
    if level.relieved is not None:
        found.append(["relieved", *(str(days.start) for days in level.relieved.days), level.relieved.held])
    return [*found, *(_of_level(one) for one in level.earlier)]


def _short(value: float) -> str:
    return f"{value + 0.0:.9g}"
