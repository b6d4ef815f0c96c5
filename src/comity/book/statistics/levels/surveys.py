"""Survey levels: top-two-box or mean (csat, ces), promoters less detractors (nps); units are accounts."""

from collections.abc import Iterator
from dataclasses import dataclass

import ibis
from ibis import _

from comity.book.reading.open import Book
from comity.book.statistics.levels.asking import MANY, LevelQuestion, NoLevel, no_level
from comity.book.statistics.levels.folding import by_period
from comity.core.agreements.kpi import EVERYTHING, MEASURES, Kpi
from comity.core.levels import LevelStats, Moments, Sampled
from comity.core.values import Period

NEEDS = ("surveys",)
ANSWERED_WITHIN_DAYS = 30  # an answer later than this is not a response to the invitation
_PROMOTERS, _DETRACTORS = 9, 6  # of 0 to 10
_BOXES = 3.0  # a scale with fewer points has no two best boxes beside others: its best one counts


@dataclass(frozen=True, slots=True)
class _Sums:
    """One period's answers, as summed in the engine."""

    moments: Moments
    answers: int
    respondents: int
    best: int  # answers in the best box
    level: float  # sum of the answers, up being better
    one_scale: bool


def gather(book: Book, asked: LevelQuestion) -> Iterator[tuple[Period, LevelStats | NoLevel]]:
    """The level of one survey KPI in each of its periods."""
    kpi = asked.kpi
    if not book.has(*NEEDS):
        yield from ((period, no_level(book, kpi, NEEDS)) for period in asked.periods)
        return
    answers = _answers(book, kpi)
    found = _summed(answers, asked)
    rates = _response_rates(answers, asked)
    for number, period in enumerate(asked.periods):
        sums = found.get(number)
        if sums is None:
            yield period, no_level(book, kpi, NEEDS, "nothing_counts")
        elif sums.respondents < MANY:
            yield period, no_level(book, kpi, NEEDS, "too_small")
        elif MEASURES[kpi.measure].on_scale and kpi.formula == "mean" and not sums.one_scale:
            yield period, no_level(book, kpi, NEEDS, "mixed_scales")  # a mean over two scales means nothing
        else:
            also: dict[str, object] = {"answers": sums.answers, "response_rate": rates.get(number)}
            if MEASURES[kpi.measure].on_scale and sums.one_scale:
                also |= {"mean": sums.level / sums.answers, "top_box": sums.best / sums.answers}
            yield period, LevelStats(kpi, period, sums.moments, Sampled.PEOPLE, also=also)


def _answers(book: Book, kpi: Kpi) -> ibis.Table:
    """Invitations within the KPI's scope; `points` below the best answer, `up` with up being better."""
    surveys = book.table("surveys")
    named = kpi.instrument or kpi.measure
    surveys = surveys.filter(_.audience == "customer", _.instrument == named)
    if kpi.queues != EVERYTHING:
        queue = surveys.queue.substitute(kpi.queue_map) if kpi.queue_map else surveys.queue
        surveys = surveys.filter(queue.isin(kpi.queues))
    if kpi.channels != EVERYTHING:
        surveys = surveys.filter(_.channel.isin(kpi.channels))
    low, high = ibis.least(_.scale_min, _.scale_max), ibis.greatest(_.scale_min, _.scale_max)
    if kpi.measure == "nps":
        surveys = surveys.filter(low == 0, high == 10)  # noqa: PLR2004 - the only scale that it is defined on
    return surveys.mutate(
        unit=ibis.coalesce(_.account_id, _.respondent_id),
        points=(_.scale_max - _.score).abs(),
        width=high - low,
        # A reversed scale is mirrored at its middle.
        up=ibis.ifelse(_.scale_min > _.scale_max, low + high - _.score, _.score),
    ).mutate(best=_.points < 1)


def _numerator(kpi: Kpi) -> ibis.Deferred:
    """What one answer adds to the numerator."""
    if kpi.measure == "nps":
        return ibis.ifelse(_.up >= _PROMOTERS, 100.0, ibis.ifelse(_.up <= _DETRACTORS, -100.0, 0.0))
    if kpi.formula == "mean":
        return _.up
    return ibis.ifelse((_.points <= 1) & (_.width + 1 >= _BOXES) | _.best, 1.0, 0.0)


def _summed(answers: ibis.Table, asked: LevelQuestion) -> dict[int, _Sums]:
    given = answers.filter(_.score.notnull() & _.answered_on.notnull()).mutate(x=_numerator(asked.kpi))
    people = (
        by_period(given, "answered_on", asked.periods, asked.left_out)
        .group_by("period", "unit", "respondent_id")
        .aggregate(
            a=_.x.sum(),
            o=_.count(),
            best=_.best.sum(),
            level=_.up.sum(),
            low=_.scale_min.min(),
            high=_.scale_min.max(),
            top_low=_.scale_max.min(),
            top_high=_.scale_max.max(),
        )
    )
    units = people.group_by("period", "unit").aggregate(
        a=_.a.sum(),
        o=_.o.sum(),
        respondents=_.count(),
        best=_.best.sum(),
        level=_.level.sum(),
        low=_.low.min(),
        high=_.high.max(),
        top_low=_.top_low.min(),
        top_high=_.top_high.max(),
    )
    sums = (
        units.mutate(o=_.o.cast("float64"))
        .group_by("period")
        .aggregate(
            units=_.count(),
            num=_.a.sum(),
            den=_.o.sum(),
            num2=(_.a * _.a).sum(),
            cross=(_.a * _.o).sum(),
            den2=(_.o * _.o).sum(),
            respondents=_.respondents.sum(),
            best=_.best.sum(),
            level=_.level.sum(),
            one_scale=(_.low.min() == _.high.max()) & (_.top_low.min() == _.top_high.max()),
        )
    )
    return {
        row["period"]: _Sums(
            Moments(row["units"], row["num"], row["den"], row["num2"], row["cross"], row["den2"]),
            int(row["den"]),
            row["respondents"],
            row["best"],
            row["level"],
            one_scale=row["one_scale"],
        )
        for row in sums.to_pyarrow().to_pylist()
    }


def _response_rates(answers: ibis.Table, asked: LevelQuestion) -> dict[int, float]:
    """Of those asked in each period, the share that answered within 30 days."""
    in_time = (_.answered_on <= _.asked_on + ibis.interval(days=ANSWERED_WITHIN_DAYS)) & _.score.notnull()
    invited = by_period(answers.mutate(in_time=in_time.fill_null(False)), "asked_on", asked.periods, asked.left_out)
    rows = invited.group_by("period").aggregate(asked=_.count(), answered=_.in_time.sum()).to_pyarrow().to_pylist()
    return {row["period"]: row["answered"] / row["asked"] for row in rows}
