"""Reading of SLA attainment: whether more was resolved by its due time in the same queues, or the mix changed."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from comity.core.agreements.kpi import Kpi
from comity.core.readings.decomposition import Cells
from comity.core.readings.reading import Reading
from comity.core.readings.service_level import JudgedRate, build_reading, exclusion_effects, judge_rate, queues_rule
from comity.core.readings.verdict import Verdict

ID = "sla_attainment"


@dataclass(frozen=True, slots=True)
class KpiCells:
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
    source did not judge either; None where due times are known. `by_exclusion` holds, by what is taken
    out, the same with `nothing` left out, and without the `claimed` exclusions too. `beside` holds, before and after,
    how many promises were `paused` and `cancelled`, and of how many the source's verdict is `contradicted`.
    """

    kpi: Kpi
    counted: KpiCells
    open_late: tuple[int, int] = (0, 0)
    unjudged: tuple[float, float] | None = None
    by_exclusion: Mapping[str, KpiCells] = field(default_factory=dict)
    beside: Mapping[str, tuple[int, int]] = field(default_factory=dict)


def read(stats: Stats, alpha: float = 0.025) -> Reading | None:
    """Read the change of the share of contacts that were resolved by their due time.

    :param alpha: the upper tail of the intervals
    :returns: the reading, in shares; None where no contact counts in one of the periods
    """
    judged = _judge_cells(stats.counted, stats.kpi, alpha)
    if judged is None:
        return None
    rule = queues_rule(judged, stats.kpi.material)
    also: dict[str, object] = {}
    if any(stats.open_late):
        also["open_late"] = {"before": stats.open_late[0], "after": stats.open_late[1]}
    also |= {name: {"before": before, "after": after} for name, (before, after) in stats.beside.items()}
    if stats.unjudged is not None:
        before, after = stats.unjudged
        also["unjudged"] = {"before": before, "after": after}
        if rule is None and abs(after - before) > stats.kpi.material and judged.verdict is not Verdict.UNCLEAR:
            rule = "unjudged"
    also |= exclusion_effects(
        {name: _judge_cells(other, stats.kpi, alpha) for name, other in stats.by_exclusion.items()}
    )
    counts = {"before": stats.counted.before_own.size, "after": stats.counted.after.size}
    return build_reading(ID, stats.kpi, judged, rule, counts, also)


def _judge_cells(cells: KpiCells, kpi: Kpi, alpha: float) -> JudgedRate | None:
    return judge_rate(
        (cells.before_own, cells.after),
        cells.before,
        (cells.before, cells.after),
        material=kpi.material,
        alpha=alpha,
        exclusion=False,
    )
