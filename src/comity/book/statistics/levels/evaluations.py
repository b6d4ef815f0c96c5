"""Quality: of what could have gone wrong in the contacts that somebody marked, what did not; or the mean marks."""

from collections.abc import Iterator

import ibis
from ibis import _

from comity.book.reading.open import Book
from comity.book.statistics.levels.asking import MANY, LevelQuestion, NoLevel, no_level
from comity.book.statistics.levels.folding import Daily
from comity.book.statistics.scope import in_queues
from comity.core.levels import LevelStats, Sampled
from comity.core.values import Period

NEEDS = ("evaluations",)


def gather(book: Book, asked: LevelQuestion) -> Iterator[tuple[Period, LevelStats | NoLevel]]:
    """1 - errors / opportunities, pooled (`errors`), or the mean place of the marks on their scale (`mean`).

    Critical errors stand apart: the share of evaluations with any, of those that say. Fewer than five evaluations are
    not shown: they are of few people.
    """
    kpi = asked.kpi
    if not book.has(*NEEDS):
        yield from ((period, no_level(book, kpi, NEEDS)) for period in asked.periods)
        return
    table = book.table("evaluations").filter(_.evaluated_on >= asked.start, _.evaluated_on < asked.end)
    table = in_queues(table, kpi)
    by_score = kpi.formula == "mean"
    place = (_.score - _.scale_min) / (_.scale_max - _.scale_min)
    told = place.notnull() if by_score else _.errors.notnull() & (_.opportunities > 0)
    good = place if by_score else (_.opportunities - _.errors).cast("float64")
    whole = ibis.literal(1.0) if by_score else _.opportunities.cast("float64")
    sums = table.group_by("evaluated_on").aggregate(
        num=good.sum(where=told),
        den=ibis.ifelse(told, whole, 0.0).sum(),
        evaluations=told.sum(),
        critical=(_.critical_errors > 0).sum(),
        says_critical=_.critical_errors.count(),
        disputed=_.disputed.sum(),
    )
    daily = Daily.of(sums.to_pyarrow(), "evaluated_on").without(asked.left_out)
    for period in asked.periods:
        count = round(daily.total("evaluations", period))
        if not count:
            yield period, no_level(book, kpi, NEEDS, "nothing_counts")
        elif count < MANY:
            yield period, no_level(book, kpi, NEEDS, "too_small")
        else:
            also: dict[str, object] = {"evaluations": count}
            if says := daily.total("says_critical", period):
                also["critical_rate"] = daily.total("critical", period) / says
            if disputed := round(daily.total("disputed", period)):
                also["disputed"] = disputed
            yield period, LevelStats(kpi, period, daily.weekly("num", "den", period), Sampled.WEEKS, also=also)
