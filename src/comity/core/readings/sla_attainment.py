"""Deadlines kept: whether more was resolved by its due time in the same queues, or only other things fell due."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from comity.core.agreements import Kpi
from comity.core.readings.cells import Cells
from comity.core.readings.reading import Reading
from comity.core.readings.service_level import Judged, judged, queues_rule, reading, told_elsewise
from comity.core.readings.verdict import Verdict

ID = "sla_attainment"


@dataclass(frozen=True, slots=True)
class Three:
    """Good of judged by queue and week; rows are the same queues throughout.

    `before` and `after` are counted by the wording on the last day of the period under review, `before_own` by that
    of the period held against.
    """

    before_own: Cells
    before: Cells
    after: Cells


@dataclass(frozen=True, slots=True)
class Stats:
    """What one KPI's reading is made of.

    `kpi` is the wording on the last day of the period under review. `open_late` counts, before and after, what was
    due and never resolved. `unjudged` holds, before and after, the share of contacts without a due time that the
    source did not judge either; None where due times are known. `elsewise` holds, by what is taken
    out, the same with `nothing` left out, and without the `claimed` exclusions too.
    """

    kpi: Kpi
    counted: Three
    open_late: tuple[int, int] = (0, 0)
    unjudged: tuple[float, float] | None = None
    elsewise: Mapping[str, Three] = field(default_factory=dict)


def read(stats: Stats, alpha: float = 0.025) -> Reading | None:
    """Read the change of the share of contacts that were resolved by their due time.

    :param alpha: the upper tail of the intervals
    :returns: the reading, in shares; None where no contact counts in one of the periods
    """
    told = _judged(stats.counted, stats.kpi, alpha)
    if told is None:
        return None
    rule = queues_rule(told, stats.kpi.material)
    also: dict[str, object] = {}
    if any(stats.open_late):
        also["open_late"] = {"before": stats.open_late[0], "after": stats.open_late[1]}
    if stats.unjudged is not None:
        before, after = stats.unjudged
        also["unjudged"] = {"before": before, "after": after}
        if rule is None and abs(after - before) > stats.kpi.material and told.verdict is not Verdict.UNCLEAR:
            rule = "unjudged"
    also |= told_elsewise({name: _judged(other, stats.kpi, alpha) for name, other in stats.elsewise.items()})
    counts = {"before": stats.counted.before_own.size, "after": stats.counted.after.size}
    return reading(ID, stats.kpi, told, rule, counts, also)


def _judged(three: Three, kpi: Kpi, alpha: float) -> Judged | None:
    return judged(
        (three.before_own, three.after),
        three.before,
        (three.before, three.after),
        material=kpi.material,
        alpha=alpha,
        exclusion=False,
    )
