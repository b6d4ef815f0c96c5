"""What the preview of a change shows: the last quarter by both wordings, and what this one pulls towards."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from comity.apps.agreements import queries
from comity.apps.agreements.preview.figures import QUARTER, Counted, Preview, PreviewRow, previews, touched_kpis
from comity.apps.agreements.text.titles import readable_titles
from comity.apps.books.results import NotComputedYet
from comity.apps.parties.member_context import MemberContext
from comity.apps.refusal import Refused
from comity.core.agreements import signing
from comity.core.agreements.changes import Proposal
from comity.core.agreements.kpi import Kpi
from comity.core.agreements.pulls import Pull, new_pulls, pulls
from comity.core.agreements.text import Chain, text, with_change
from comity.core.calendars import Cut
from comity.core.levels import SHARE
from comity.review.draw import charts
from comity.review.i18n.words import DASH, NO_BREAK, Words
from comity.review.views.rounding import shown_scale

_NEVER = 9999  # the year of a draft without a first day
_CUT = Cut.MONTH
# Of which it is said what did not happen sooner or better because a sentence was worded otherwise.
_ANSWERED = frozenset({"service_level", "abandonment", "wait_mean", "wait_p90"})
_RESOLVED = frozenset({"sla_attainment", "time_to_resolve", "backlog", "reopen", "repeat_contact"})


@dataclass(frozen=True, slots=True)
class WordingRow:
    """A period by both wordings, as finished text; `chart` None in the table of all periods."""

    period: str
    before: str
    after: str
    differs: str
    met: tuple[str, str]
    chart: charts.Chart | None
    is_sum: bool = False


@dataclass(frozen=True, slots=True)
class WordingPreview:
    """What one KPI came to by both wordings.

    :ivar rows: of the last quarter, the quarter itself last where its months can be pooled
    :ivar periods: of the last twelve
    :ivar said: sentences on what is and what is not otherwise
    :ivar pulls: what this wording pulls towards and the one in force does not; `other_pulls` what both do
    """

    kpi: str
    title: str
    is_new: bool
    head: charts.Chart | None
    rows: tuple[WordingRow, ...]
    periods: tuple[WordingRow, ...]
    said: tuple[str, ...]
    pulls: tuple[str, ...]
    other_pulls: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Previews:
    """The previews of a change.

    :ivar pending: when they were asked for, while a worker computes them; None: they are there
    :ivar needs_day: whether a draft edits a KPI and has no first day yet, without which nothing can be counted
    """

    rows: tuple[WordingPreview, ...] = ()
    pending: datetime | None = None
    needs_day: bool = False


def preview(
    member: MemberContext, shown: Proposal, now: signing.Situation, words: Words, only: str | None = None
) -> Previews:
    """Return what each edit of a KPI would have meant over the last closed periods, or that it is being computed.

    :param only: the clause that is asked for; None: each that the reader may read
    """
    day = shown.change.span.first_day
    if day.year >= _NEVER:
        first = replace(shown.change, span=replace(shown.change.span, first_day=now.today, end=None))
        return Previews(needs_day=bool(touched_kpis(first, now.chain)))
    before = _before(shown, now.chain)
    after = text(with_change(before, shown.change), day)
    both = (text(before, day), after)
    closed = {one.id for read in both for one in read.clauses if not one.removed and not queries.may_read(member, one)}
    readable = {one.id for one in after.clauses if not one.removed} - closed
    pairs = [pair for pair in touched_kpis(shown.change, before) if pair[1].id in readable]
    titles, pending = readable_titles(member, after, words, both), None
    try:
        found = previews(member, pairs) if pairs else []
    except NotComputedYet as error:
        found = [Preview(new.id, "", (), _CUT) for _, new in pairs]
        pending = None if error.failed else error.since
    except Refused:  # too many figures asked for within an hour: that keeps nobody from reading, nor from signing
        return Previews()
    views = [
        _view(one, old, new, titles, words)
        for one, (old, new) in zip(found, pairs, strict=True)
        if only is None or one.kpi == only
    ]
    return Previews(tuple(views), pending if views else None)


def _before(shown: Proposal, chain: Chain) -> Chain:
    """The chain as it was before a change: of an agreed one, which is in it, those that had been agreed then."""
    own = next((entry.place for entry in chain if entry.change.number == shown.change.number), None)
    return chain if own is None else [entry for entry in chain if entry.place < own]


def _view(one: Preview, old: Kpi | None, new: Kpi, titles: dict[str, str], words: Words) -> WordingPreview:
    fresh = new_pulls(old, new)
    last = list(one.rows[-QUARTER:])
    quarter = last if one.quarter is None else [*last, one.quarter]
    head, drawn = None, [None] * len(quarter)
    if quarter:
        head, drawn = _charts(one, quarter, old, new, words)  # type: ignore[assignment]
    rows = [_row(row, one, words, chart, is_sum=row is one.quarter) for row, chart in zip(quarter, drawn, strict=True)]
    return WordingPreview(
        one.kpi,
        titles.get(one.kpi, one.kpi),
        old is None,
        head,
        tuple(rows),
        tuple(_row(row, one, words, None) for row in one.rows),
        tuple(_said(one, old, new, words)),
        tuple(_pull_text(pull, new, words, old) for pull in fresh),
        tuple(_pull_text(pull, new, words) for pull in pulls(new) if pull not in fresh),
    )


def _charts(
    one: Preview, rows: Sequence[PreviewRow], old: Kpi | None, new: Kpi, words: Words
) -> tuple[charts.Chart, list[charts.Chart]]:
    scale = shown_scale(one.unit)

    def value(counted: Counted | None) -> float | None:
        return None if counted is None else counted.value * scale

    def sentence(row: PreviewRow) -> str:
        return words(
            "preview.row",
            period=_name(row, one, words),
            before=_figure(row.before, one, words),
            after=_figure(row.after, one, words),
        )

    targets = [None if kpi is None or kpi.target is None or not rows else kpi.target * scale for kpi in (old, new)]
    return charts.wordings(
        [(value(row.before), value(row.after), sentence(row)) for row in rows],
        targets[1],
        lambda tick: words.level(tick, one.unit, "", 0 if float(tick).is_integer() else 1),
        None if targets[0] == targets[1] else targets[0],
    )


def _name(row: PreviewRow, one: Preview, words: Words) -> str:
    """Return a period, which wraps between its words: its column is narrow on a phone."""
    return (
        words("preview.three_months")
        if row is one.quarter
        else words.period(row.period, one.cut).replace(NO_BREAK, " ")
    )


def _figure(counted: Counted | None, one: Preview, words: Words) -> str:
    return DASH if counted is None else words.figure(counted.value, one.unit)


def _row(
    row: PreviewRow, one: Preview, words: Words, chart: charts.Chart | None, *, is_sum: bool = False
) -> WordingRow:
    def met(counted: Counted | None) -> str:
        return (
            "" if counted is None or counted.met is None else words(f"agreement.{'met' if counted.met else 'missed'}")
        )

    differs = DASH
    if row.before is not None and row.after is not None:
        # Of the rounded figures, so that the difference is that of what stands beside it.
        scale, places = shown_scale(one.unit), 1
        shown = [Decimal(f"{counted.value * scale:.{places}f}") for counted in (row.before, row.after)]
        differs = words.change(float(shown[1] - shown[0]), one.unit, "", places)
    return WordingRow(
        _name(row, one, words),
        _figure(row.before, one, words),
        _figure(row.after, one, words),
        differs,
        (met(row.before), met(row.after)),
        chart,
        is_sum,
    )


def _said(one: Preview, old: Kpi | None, new: Kpi, words: Words) -> list[str]:
    """What the two wordings count of the same records: how many of how many, and that nothing else is otherwise."""
    whole = one.quarter
    if old is None or not one.rows or whole is None or whole.before is None or whole.after is None:
        return [] if old is None or not one.rows else [words(_nothing_key(new))]
    said = []
    counts = one.unit == SHARE and None not in (whole.before.num, whole.before.den, whole.after.num, whole.after.den)
    if counts and whole.before.den != whole.after.den:
        said.append(
            words(
                "preview.counted", before=words.number(whole.before.den or 0), after=words.number(whole.after.den or 0)
            )
        )
    said.append(words(_nothing_key(new)))
    if counts and new.measure in _ANSWERED and new.measure != "abandonment":
        same = whole.before.num == whole.after.num
        key = "preview.in_time_same" if same else "preview.in_time"
        values = {"before": words.number(whole.before.num or 0), "after": words.number(whole.after.num or 0)}
        said.append(words(key, **values))
    if old.target is not None and new.target is not None and old.target != new.target:
        told = [_target(target * shown_scale(one.unit), one, words) for target in (old.target, new.target)]
        said.append(words("preview.targets", before=told[0], after=told[1]))
    for key, met in (("preview.both_meet", True), ("preview.both_miss", False)):
        named = [words.period(row.period, one.cut) for row in one.rows[-QUARTER:] if _alike(row, met=met)]
        if named:
            said.append(words(key, periods=words.listed(named)))
    for key, met in (("preview.would_meet", True), ("preview.would_miss", False)):
        named = [words.period(row.period, one.cut) for row in one.rows[-QUARTER:] if _differs(row, met=met)]
        if named:
            said.append(words(key, periods=words.listed(named)))
    return said


def _differs(row: PreviewRow, *, met: bool) -> bool:
    """Whether the new wording alone meets the target, or alone misses it."""
    if row.before is None or row.after is None or row.before.met is None:
        return False
    return row.before.met is not met and row.after.met is met


def _alike(row: PreviewRow, *, met: bool) -> bool:
    """Whether both wordings meet their targets, or both miss them."""
    return row.before is not None and row.after is not None and row.before.met is met and row.after.met is met


def _target(value: float, one: Preview, words: Words) -> str:
    """A target in shown units with the decimals that it has, up to two."""
    places = next((places for places in (0, 1) if round(value, places) == round(value, 2)), 2)
    return words.level(value, one.unit, "", places)


def _nothing_key(kpi: Kpi) -> str:
    if kpi.measure in _ANSWERED:
        return "preview.nothing_sooner"
    return "preview.nothing_resolved" if kpi.measure in _RESOLVED else "preview.nothing_else"


def _pull_text(pull: Pull, kpi: Kpi, words: Words, old: Kpi | None = None) -> str:
    """A pull as a sentence: the figure reads higher, or lower, when …; and by how much the text in force had it."""
    said = words(f"pull.{pull.kind.value}", better=words(f"pull.reads_{kpi.better}"), size=_size(pull, words))
    had = next((one for one in (() if old is None else pulls(old)) if one.kind is pull.kind), None)
    key = f"pull.{pull.kind.value}_now"
    return f"{said} {words(key, size=_size(had, words))}" if had is not None and words.has(key) else said


def _size(pull: Pull, words: Words) -> str:
    return "" if pull.size is None else words.number(pull.size, 0 if float(pull.size).is_integer() else 1)
