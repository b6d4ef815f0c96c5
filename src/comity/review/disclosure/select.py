"""Which figures about people can be shown side by side without isolating the answers of 1 to 4 of them.

A room shows many figures about the same answers: levels of several KPIs over all or some queues, over every period,
as both sides share them and as one side sees them with its own rows; and readings, which say of two periods how those
changed who answered in both. `core.disclosure_control` judges them together, as linear equations over a period's
answers:

- a level, and the response rate beside it: the sum over the answers (the invitations) in its scope;
- a reading: the sums over all answers of its scale in both periods; and, where it compares the same people, the means
  of those who stayed, left, fell silent, were new or came back, each as far as it is shown.

A reading's equation joins two periods. Each period's part of it is judged as if it were published alone, which
overstates what can be worked out, and keeps periods apart. A reading whose parts tell too much is shown without them.
Of figures that cannot be shown together the larger level
stays, a level before a reading, the earlier reading before the later, and the joint figure before a side's own: so it
does not depend on which review is asked for, a later period takes nothing away from an earlier one, and what one side
keeps to itself changes nothing of what the other sees.

Not judged, and so not covered: figures that somebody noted before the records or the definition changed; readings over
cells of queue, channel and segment, beyond the limits that they have themselves; those who fell silent apart from those
who were not asked; loyalty and top boxes, which have limits of their own; what `core.disclosure_control` leaves out.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from ibis import _

from comity.book.reading.coverage import Coverage
from comity.book.reading.open import Book
from comity.book.statistics.levels import surveys
from comity.book.statistics.levels.asking import level_questions, level_stretches, relieved_days
from comity.book.statistics.levels.folding import by_period
from comity.book.statistics.membership import with_membership
from comity.book.statistics.respondents import Frame, answers, framed, invitations, paired, respondents
from comity.book.statistics.workings import Workings
from comity.book.storage.layout import OWN_COLUMNS, table_files
from comity.core.agreements.kpi import MEASURES, Kpi
from comity.core.calendars import Against, Calendar
from comity.core.disclosure_control import FEWEST, Published, Weight
from comity.core.readings.satisfaction import READING, is_touch_design
from comity.core.values import Comparison, Period, Side
from comity.review.readings import people_tables

_DATED = ("contacts", "intervals", "surveys", "invoices")
_MOST_PERIODS = 400
_MOST_FIGURES = 62  # in one period, as bits of a number
_LATER, _EARLIER = (0, 1), (2, 3)  # places of a period in comparisons: with the one before, with a year before
_STAYED, _LEFT, _SILENT = 1, 2, 3  # of those who answered in the earlier period
_NEW, _BACK = 2, 3  # of those who answered in the later one
_ANSWERED, _ASKED = "answered", "asked"

LevelKey = tuple[str, Period]
ReadingKey = tuple[str, str | None, Period, Period]
Rows = list[list[Weight]]


@dataclass(frozen=True, slots=True)
class Disclosure:
    """The figures about people that may be shown.

    :ivar levels: by KPI and days: a period, or the stretch of it over which the KPI counts alike
    :ivar readings: by id, variant, period and the period it is compared with; a reading that is not judged here is
        not among them
    :ivar rates: the response rates beside these levels and readings
    :ivar parts: the readings that may be shown with their parts, and with how many people are behind these
    """

    levels: frozenset[LevelKey]
    readings: frozenset[ReadingKey]
    rates: frozenset[LevelKey | ReadingKey]
    parts: frozenset[ReadingKey]


def has_private_people(book: Book) -> bool:
    """Whether a side's own figures about people may differ from the joint ones: it keeps some of these tables back."""
    tables = people_tables()
    for private in book.definition.private.values():
        named = {*private.tables, *(table for table, _column in private.columns), *(row.table for row in private.rows)}
        if named & tables:
            return True
    own = [book.folder / "private" / side.value for side in Side]
    return any(table_files(place, f"{name}{end}") for place in own for name in tables for end in ("", OWN_COLUMNS))


def select_joint(book: Book, now: datetime) -> Disclosure:
    """Choose the joint figures that may be shown.

    :param book: opened for what both sides share
    """
    scope = _Scope.of([book], now)
    view = _people_view(book, scope)
    periods = _periods(scope, view.answered, None), _periods(scope, view.asked, None)
    chosen = _publish(scope, view, 0, *periods)
    staff = {key for key, _people in _attrition_groups(book, scope)}
    return replace(chosen, levels=chosen.levels | staff)


def select_own(own: Book, shared: Book, joint: Disclosure, now: datetime) -> Disclosure:
    """Choose the figures of one side's own view that may be shown to somebody who sees the joint ones as well.

    :param joint: what `select_joint` gives for the shared book
    """
    scope = _Scope.of([shared, own], now)
    views = [_people_view(shared, scope), _people_view(own, scope)]
    periods = (
        _periods(scope, views[0].answered, views[1].answered),
        _periods(scope, views[0].asked, views[1].asked),
    )
    _publish(scope, views[0], 0, *periods, only=joint)
    chosen = _publish(scope, views[1], 1, *periods)
    shared_groups = dict(_attrition_groups(shared, scope))
    staff = set()
    for key, sets in _attrition_groups(own, scope):
        differences = [mine ^ theirs for mine, theirs in zip(sets, shared_groups.get(key, sets), strict=True)]
        if not any(0 < len(people) < FEWEST for people in differences):
            staff.add(key)
    return replace(chosen, levels=chosen.levels | staff)


# What is asked of a book ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Scope:
    """The periods of the book, the comparisons between them, and the number of each figure.

    :ivar comparisons: by the numbers of the earlier and the later period, and whether they follow each other
    :ivar bits: KPIs and scales, as far as they are seen
    """

    periods: tuple[Period, ...]
    comparisons: tuple[tuple[int, int, bool], ...]
    bits: dict[tuple[str, str], int] = field(default_factory=dict)

    @classmethod
    def of(cls, books: Sequence[Book], now: datetime) -> "_Scope":
        """Every period from the first day that one of the books tells of up to today's."""
        definition = books[0].definition
        today = now.astimezone(ZoneInfo(definition.timezone)).date()
        firsts = [day for book in books if (day := Coverage(book, today).first_day(_DATED)) is not None]
        calendar = definition.calendar()
        periods = _periods_between(calendar, min(firsts, default=today), today)
        numbers = {period: number for number, period in enumerate(periods)}
        comparisons = []
        for number, period in enumerate(periods):
            befores = [calendar.against(period, how) for how in (Against.PREVIOUS, Against.YEAR_BEFORE)]
            comparisons += [
                (numbers[before], number, follows)
                for follows, before in zip((True, False), befores, strict=True)
                if before in numbers and (follows or before != befores[0])
            ]
        return cls(periods, tuple(comparisons))

    def bit(self, kind: str, name: str) -> int | None:
        """The number of a KPI or a scale; None for one too many."""
        number = self.bits.setdefault((kind, name), len(self.bits))
        return number if number < _MOST_FIGURES else None


def _periods_between(calendar: Calendar, first: date, last: date) -> tuple[Period, ...]:
    periods = [calendar.containing(last)]
    while periods[-1].start > first and len(periods) < _MOST_PERIODS:
        periods.append(calendar.before(periods[-1]))
    return tuple(reversed(periods))


@dataclass(frozen=True, slots=True)
class _Counts:
    """How many people of a scale are in each group of a comparison."""

    stayed: int = 0
    left: int = 0
    silent: int = 0
    new: int = 0
    back: int = 0

    @property
    def before(self) -> int:
        """Who answered in the earlier period."""
        return self.stayed + self.left + self.silent

    @property
    def after(self) -> int:
        """Who answered in the later one."""
        return self.stayed + self.new + self.back


@dataclass(frozen=True, slots=True)
class _PeopleView:
    """What one viewer's book holds about people.

    :ivar answered: a row an answer and period: period, unit (the answer itself), person, mask (of its figures),
        answers (how many the person gave on that scale in the period), codes (the person's group in the comparisons)
    :ivar asked: a row an invitation and period; as above, without answers and codes
    :ivar levels: number of the period, KPI, its days and bit of each level
    :ivar pairs: by the number of the comparison and the scale
    """

    answered: pa.Table
    asked: pa.Table
    levels: tuple[tuple[int, str, Period, int], ...]
    pairs: Mapping[tuple[int, str], _Counts]


_MEMBERS = pa.schema(
    [("period", pa.int64()), ("response_id", pa.string()), ("person", pa.string()), ("bit", pa.int64())]
)
_CODES = pa.schema(
    [
        ("period", pa.int64()),
        ("scale", pa.int64()),
        ("person", pa.string()),
        ("answers", pa.int64()),
        ("codes", pa.int64()),
    ]
)


def _people_view(book: Book, scope: _Scope) -> _PeopleView:
    levels: list[tuple[int, str, Period, int]] = []
    members: dict[str, list[pa.Table]] = {_ANSWERED: [_MEMBERS.empty_table()], _ASKED: [_MEMBERS.empty_table()]}
    codes = pa.schema([("period", pa.int64()), ("response_id", pa.string()), *list(_CODES)[3:]]).empty_table()
    pairs: dict[tuple[int, str], _Counts] = {}
    if book.has("surveys"):
        for period, kpi, days, bit, found in _kpi_rows(book, scope):
            levels.append((period, kpi, days, bit))
            for kind, table in found.items():
                members[kind].append(table)
        with Workings(book) as workings:
            comparisons = _comparisons(scope)
            scales = framed(workings, comparisons) if comparisons else None
            if scales is not None:
                codes, pairs = _scale_rows(workings, scales, scope, members)
    units = _units(book)
    answered = _masked(members[_ANSWERED], units, _ANSWERED)
    answered = answered.join(codes, ["period", "response_id"], join_type="left outer")
    columns = {name: pc.fill_null(answered[name], 0) for name in ("answers", "codes")}
    answered = pa.table({name: answered[name] for name in ("period", "unit", "person", "mask")} | columns)
    asked_for = _masked(members[_ASKED], units, _ASKED).select(["period", "unit", "person", "mask"])
    return _PeopleView(answered, asked_for, tuple(levels), pairs)


def _comparisons(scope: _Scope) -> list[Comparison]:
    periods = scope.periods
    return [Comparison(periods[after], periods[before], periods[-1].end) for before, after, _ in scope.comparisons]


def _kpi_rows(book: Book, scope: _Scope) -> Iterator[tuple[int, str, Period, int, dict[str, pa.Table]]]:
    """Each KPI's level in each period, and once for each wording the answers and the invitations in its scope.

    The level of a stretch of a period, before the KPI was worded otherwise, is a figure of its own.
    """
    places = _stretch_places(book, scope)
    for one in level_questions(book, scope.periods):
        if MEASURES[one.kpi.measure].people_of != "surveys":
            continue
        rows = surveys._answers(book, one.kpi)  # noqa: SLF001 - the very rows that the level counts
        given = rows.filter(_.score.notnull() & _.answered_on.notnull())
        groups: dict[tuple[int, tuple[Period, ...]], list[Period]] = {}
        for days in one.periods:
            left_out = _left_out(book, one.kpi, days, given)
            groups.setdefault((places[one.kpi.id, days][1], left_out), []).append(days)
        for (place, left_out), periods in groups.items():
            bit = scope.bit("kpi", one.kpi.id if place == 0 else f"{one.kpi.id} {place}")
            if bit is None:
                continue
            at = pa.array([places[one.kpi.id, days][0] for days in periods], pa.int64())
            members = {}
            for kind, table, day in ((_ANSWERED, given, "answered_on"), (_ASKED, rows, "asked_on")):
                held = by_period(table, day, periods, left_out)
                held = held.select("period", "response_id", "respondent_id").to_pyarrow()
                members[kind] = _member(at.take(held["period"]), held, bit)
            for days in periods:
                yield places[one.kpi.id, days][0], one.kpi.id, days, bit, members
                members = {}


def _left_out(book: Book, kpi: Kpi, days: Period, given: ibis.Table) -> tuple[Period, ...]:
    """The days of relief that a level leaves out; none where no answer would be left, since it counts them then."""
    left_out = tuple(relief.days for relief in relieved_days(book, kpi, days))
    if left_out and not by_period(given, "answered_on", [days], left_out).count().to_pyarrow().as_py():
        return ()
    return left_out


def _stretch_places(book: Book, scope: _Scope) -> dict[tuple[str, Period], tuple[int, int]]:
    """By KPI and stretch: the number of its period, and which it is in this from the end, 0 for the last."""
    places: dict[tuple[str, Period], tuple[int, int]] = {}
    for number, period in enumerate(scope.periods):
        counts: dict[str, int] = {}
        for kpi, days in level_stretches(book, period):
            places[kpi.id, days] = (number, counts.get(kpi.id, 0))
            counts[kpi.id] = counts.get(kpi.id, 0) + 1
    return places


def _scale_rows(
    workings: Workings, scales: Frame, scope: _Scope, members: dict[str, list[pa.Table]]
) -> tuple[pa.Table, dict[tuple[int, str], _Counts]]:
    """Add what readings count to the members; how often and in which groups each answer's person answered."""
    order = dict.fromkeys(number for before, after, _follows in scope.comparisons for number in (before, after))
    at = pa.array(list(order), pa.int64())  # the frame numbers periods in the order in which they are first compared
    bits = [scope.bit("scale", scale.name) for scale in scales.scales]
    given = answers(workings, scales).select("period", "scale", "response_id", "respondent_id").to_pyarrow()
    rows = invitations(workings, scales).join(scales.days, [("asked_on", "day")])
    invited = rows.select("period", "scale", "response_id", "respondent_id").to_pyarrow()
    for number, bit in enumerate(bits):
        for kind, table in ((_ANSWERED, given), (_ASKED, invited)):
            held = table.filter(pc.equal(table["scale"], number))
            if bit is not None:
                members[kind].append(_member(at.take(held["period"]), held, bit))
    people = respondents(workings, scales)
    pairs = with_membership(workings, scales, paired(scales, people))
    groups = pairs.select(
        "comparison",
        "scale",
        *("stayed", "left", "new"),
        person=pairs.respondent_id,
        before=pairs.y0.notnull(),
        after=pairs.y1.notnull(),
        answers0=pairs.answers0.fill_null(0).cast("int64"),
        answers1=pairs.answers1.fill_null(0).cast("int64"),
    ).to_pyarrow()
    codes, counts = _group_codes(groups, scope, [scale.name for scale in scales.scales])
    given = given.set_column(0, "period", at.take(given["period"])).rename_columns(
        ["period", "scale", "response_id", "person"]
    )
    given = given.set_column(1, "scale", given["scale"].cast(pa.int64()))
    joined = given.join(codes, ["period", "scale", "person"], join_type="inner")
    return joined.select(["period", "response_id", "answers", "codes"]), counts


def _group_codes(
    groups: pa.Table, scope: _Scope, names: Sequence[str]
) -> tuple[pa.Table, dict[tuple[int, str], _Counts]]:
    """Each person's group in every comparison of a period, in two bits each; and how many people each group has."""
    column = {name: groups[name].to_numpy() for name in groups.column_names if name != "person"}
    before, after = column["before"].astype(bool), column["after"].astype(bool)
    earlier = np.where(column["stayed"], _STAYED, np.where(column["left"], _LEFT, _SILENT))
    later = np.where(column["stayed"], _STAYED, np.where(column["new"], _NEW, _BACK))
    compared = np.array(scope.comparisons, dtype=np.int64).reshape(-1, 3)[column["comparison"]]
    distance = 1 - compared[:, 2]  # 0: they follow each other
    parts = []
    for answered, group, place, period, own in (
        (before, earlier, _EARLIER[0] + distance, compared[:, 0], column["answers0"]),
        (after, later, _LATER[0] + distance, compared[:, 1], column["answers1"]),
    ):
        parts.append(
            pa.table(
                {
                    "period": period[answered],
                    "scale": column["scale"][answered].astype(np.int64),
                    "person": groups["person"].filter(pa.array(answered)),
                    "answers": own[answered],
                    "codes": (group << (2 * place))[answered],
                },
                schema=_CODES,
            )
        )
    codes = (
        pa.concat_tables(parts)
        .group_by(["period", "scale", "person"])
        .aggregate([("answers", "max"), ("codes", "sum")])
    )
    counts: dict[tuple[int, str], _Counts] = {}
    for number, name in enumerate(names):
        own = column["scale"] == number
        for comparison in np.unique(column["comparison"][own]).tolist():
            here = own & (column["comparison"] == comparison)
            first, last = earlier[here & before], later[here & after]
            counts[comparison, name] = _Counts(
                stayed=int((first == _STAYED).sum()),
                left=int((first == _LEFT).sum()),
                silent=int((first == _SILENT).sum()),
                new=int((last == _NEW).sum()),
                back=int((last == _BACK).sum()),
            )
    return codes.rename_columns({"answers_max": "answers", "codes_sum": "codes"}), counts


def _member(periods: pa.Array, rows: pa.Table, bit: int) -> pa.Table:
    columns = [
        periods,
        rows["response_id"],
        pc.coalesce(rows["respondent_id"], rows["response_id"]),
        pa.array(np.full(rows.num_rows, 1 << bit)),
    ]
    return pa.table(columns, schema=_MEMBERS)


def _masked(members: Sequence[pa.Table], units: pa.Table, kind: str) -> pa.Table:
    rows = pa.concat_tables(members).group_by(["period", "response_id", "person"]).aggregate([("bit", "sum")])
    rows = rows.rename_columns({"bit_sum": "mask"})
    return rows.join(units.select(["response_id", kind]), "response_id").rename_columns({kind: "unit"})


def _units(book: Book) -> pa.Table:
    """What is published of a row, by its key: the score; whether and when it was answered.

    Rows of two views with the same key and score are the same answer; with another score they are two.
    """
    if not book.has("surveys"):
        return pa.table({name: pa.array([], pa.string()) for name in ("response_id", _ANSWERED, _ASKED)})
    rows = book.table("surveys")

    def text(value: ibis.Value) -> ibis.Value:
        return ibis.coalesce(value.cast("string"), "")

    return rows.select(
        "response_id",
        **{
            _ANSWERED: rows.response_id + "|" + text(rows.score),
            _ASKED: rows.response_id + "|" + text(rows.answered_on),
        },
    ).to_pyarrow()


# What may be shown ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Period:
    """The atoms of one period and what is published of them; masks, answers and codes by view (joint, own)."""

    people: tuple[frozenset[str], ...]
    masks: tuple[tuple[int, ...], ...]
    answers: tuple[tuple[int, ...], ...]
    codes: tuple[tuple[int, ...], ...]
    published: Published

    def sums(self, view: int, bit: int) -> list[Weight]:
        """The row of a sum over answers."""
        return [mask >> bit & 1 for mask in self.masks[view]]

    def means(self, view: int, bit: int, place: int, groups: Iterable[int]) -> list[Weight]:
        """The row of a sum over people's means, of those in some groups of a comparison."""
        wanted = set(groups)
        return [
            Fraction(1, count) if mask >> bit & 1 and count and (code >> 2 * place & 3) in wanted else 0
            for mask, count, code in zip(self.masks[view], self.answers[view], self.codes[view], strict=True)
        ]

    def count(self, view: int, bit: int) -> int:
        """How many people are behind a sum."""
        behind = (one for one, mask in zip(self.people, self.masks[view], strict=True) if mask >> bit & 1)
        return len(frozenset().union(*behind))


_NOBODY = _Period((), ((), ()), ((), ()), ((), ()), Published([]))


def _periods(scope: _Scope, joint: pa.Table, own: pa.Table | None) -> list[_Period]:
    """The atoms of each period: people with equal figures in both views."""
    names = [name for name in ("mask", "answers", "codes") if name in joint.column_names]
    if own is None:
        rows, columns = joint, names
    else:
        rows = joint.join(own, ["period", "unit"], join_type="full outer", right_suffix="_own")
        columns = [*names, *(f"{name}_own" for name in names)]
        filled = {name: pc.fill_null(rows[name], 0) for name in columns}
        person = pc.coalesce(rows["person"], rows["person_own"])
        rows = pa.table({"period": rows["period"], "person": person} | filled)
    atoms = rows.group_by(["period", *columns]).aggregate([("person", "distinct")])
    atoms = atoms.sort_by([("period", "ascending"), *((name, "ascending") for name in columns)])
    rows_by_period: dict[int, list[dict[str, Any]]] = {}
    for row in atoms.to_pylist():
        rows_by_period.setdefault(row["period"], []).append(row)
    return [
        _period(rows_by_period[number]) if number in rows_by_period else _NOBODY for number in range(len(scope.periods))
    ]


def _period(rows: Sequence[Mapping[str, Any]]) -> _Period:
    def by_view(name: str) -> tuple[tuple[int, ...], ...]:
        return tuple(tuple(int(row.get(f"{name}{end}", 0)) for row in rows) for end in ("", "_own"))

    people = tuple(frozenset(row["person_distinct"]) for row in rows)
    return _Period(people, by_view("mask"), by_view("answers"), by_view("codes"), Published(people))


_Figure = tuple[str, LevelKey | ReadingKey, list[tuple[_Period, Rows]]]
_LEVEL, _READING, _RATE, _PARTS = "levels", "readings", "rates", "parts"


def _publish(  # noqa: PLR0913 - one view of one book, and what is published so far
    scope: _Scope,
    view: _PeopleView,
    at: int,
    answered: Sequence[_Period],
    asked_for: Sequence[_Period],
    *,
    only: Disclosure | None = None,
) -> Disclosure:
    """Publish what isolates nobody, levels before readings; and with `only`, just what that names."""
    figures = list(_figures(scope, view, at, answered, asked_for))
    chosen: dict[str, set[LevelKey | ReadingKey]] = {_LEVEL: set(), _READING: set(), _RATE: set(), _PARTS: set()}
    if only is not None:
        for kind, key, parts in figures:
            if key in getattr(only, kind):
                for period, rows in parts:
                    period.published.publish(rows)
        return only
    tight = _crowded(figures)
    for kind, key, parts in figures:
        if kind == _PARTS and key not in chosen[_READING]:
            continue
        if all(id(period) not in tight or period.published.isolated_by(rows) is None for period, rows in parts):
            chosen[kind].add(key)
            for period, rows in parts:
                period.published.publish(rows)
    return Disclosure(*(frozenset(chosen[kind]) for kind in (_LEVEL, _READING, _RATE, _PARTS)))  # type: ignore[arg-type]  # by kind


def _crowded(figures: Iterable[_Figure]) -> set[int]:
    """The periods, by identity, that cannot show everything: the figures of these are judged one by one."""
    together: dict[int, tuple[_Period, Rows]] = {}
    for _kind, _key, parts in figures:
        for period, rows in parts:
            together.setdefault(id(period), (period, []))[1].extend(rows)
    return {number for number, (period, rows) in together.items() if period.published.isolated_by(rows) is not None}


def _figures(
    scope: _Scope, view: _PeopleView, at: int, answered: Sequence[_Period], asked_for: Sequence[_Period]
) -> Iterator[_Figure]:
    """Every figure of a view in the order of their precedence, with its rows in the periods that it is about."""
    sized = [(answered[number].count(at, bit), number, kpi, days, bit) for number, kpi, days, bit in view.levels]
    for size, number, kpi, days, level_bit in sorted(sized, key=lambda item: (item[1], -item[0], item[4])):
        if size >= FEWEST:
            key = (kpi, days)
            yield _LEVEL, key, [(answered[number], [answered[number].sums(at, level_bit)])]
            yield _RATE, key, [(asked_for[number], [asked_for[number].sums(at, level_bit)])]
    for number, (before, after, follows) in enumerate(scope.comparisons):
        for kind, name in sorted(scope.bits):
            counts = view.pairs.get((number, name)) if kind == "scale" else None
            bit = scope.bit(kind, name)
            if counts is None or bit is None or min(counts.before, counts.after) < FEWEST:
                continue
            reading = (READING, name, scope.periods[after], scope.periods[before])
            sides = (
                (
                    answered[before],
                    _EARLIER[not follows],
                    _groups_shown(counts, (_LEFT, _SILENT), (counts.left, counts.silent)),
                ),
                (answered[after], _LATER[not follows], _groups_shown(counts, (_NEW, _BACK), (counts.new, counts.back))),
            )
            same = [(_STAYED,)] if _compares_people(counts) else []
            yield (
                _READING,
                reading,
                [
                    (
                        side_period,
                        [side_period.sums(at, bit), *(side_period.means(at, bit, place, groups) for groups in same)],
                    )
                    for side_period, place, _ in sides
                ],
            )
            yield (
                _PARTS,
                reading,
                [
                    (side_period, [side_period.means(at, bit, place, groups) for groups in shown])
                    for side_period, place, shown in sides
                ],
            )
            yield (
                _RATE,
                reading,
                [(period, [period.sums(at, bit)]) for period in (asked_for[before], asked_for[after])],
            )


def _compares_people(counts: _Counts) -> bool:
    """Whether a reading says how the mean of those who stayed changed, as `core.readings.satisfaction` decides it."""
    return not is_touch_design(counts.stayed, counts.after) and not _too_few(counts.stayed)


def _groups_shown(counts: _Counts, groups: tuple[int, int], sizes: tuple[int, int]) -> list[tuple[int, ...]]:
    """The groups of one period whose means follow from a reading's parts: few people only together with others."""
    pairs = ((counts.left, counts.silent), (counts.new, counts.back))
    if not _compares_people(counts) or any(_too_few(sum(pair)) for pair in pairs if any(map(_too_few, pair))):
        return []  # not even together: the reading has no such parts
    everybody = (_STAYED, *groups)  # the mean of people, beside that of answers
    return [everybody] if any(map(_too_few, sizes)) else [everybody, *((group,) for group in groups)]


def _too_few(people: int) -> bool:
    return 0 < people < FEWEST


# Employees --------------------------------------------------------------------------------------------------------


def _attrition_groups(book: Book, scope: _Scope) -> Iterator[tuple[LevelKey, tuple[frozenset[str], frozenset[str]]]]:
    """Behind each attrition: who was employed in the period, and who of them left."""
    kpis = [
        question
        for question in level_questions(book, scope.periods)
        if MEASURES[question.kpi.measure].people_of == "staff"
    ]
    if not kpis:
        return
    rows = []
    if book.has("staff"):
        staff = book.table("staff")
        rows = staff.select(staff.columns[0], "hired_on", "left_on").to_pyarrow().to_pylist()
    for asked_kpi in kpis:
        for period in asked_kpi.periods:
            employees, left_employees = set(), set()
            for row in rows:
                who, hired, left = row.values()
                if (hired is None or hired < period.end) and (left is None or left >= period.start):
                    employees.add(f"{who}|{hired}")
                    if left is not None and left < period.end:
                        left_employees.add(f"{who}|{hired}")
            yield (asked_kpi.kpi.id, period), (frozenset(employees), frozenset(left_employees))
