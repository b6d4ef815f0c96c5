"""Which fields of a clause say something: what a KPI's measure does not count by is neither asked for nor printed."""

from collections.abc import Mapping

from comity.core.agreements.fields import Value
from comity.core.agreements.kinds import KINDS, Kind
from comity.core.agreements.kpi import FORMULAS, MEASURES, OF_SURVEYS
from comity.core.kpi_templates import THRESHOLDS

COUNTS_ABANDONS = frozenset({"service_level", "abandonment"})
_OF_INSTRUMENT = frozenset(name for name, one in MEASURES.items() if one.people_of == "surveys")


def hidden_fields(kind: Kind, values: Mapping[str, Value]) -> frozenset[str]:
    """Return the fields that a form does not ask for: where a clause is from, and what a KPI's measure does not use."""
    hidden = {"cites"}
    measure = str(values.get("measure", ""))
    if kind is not Kind.KPI:
        return frozenset(hidden)
    if measure not in MEASURES:
        return frozenset(hidden | (set(KINDS[kind].by_name) - {"measure"}))
    hidden |= {"answer_within_s", "within_days"} - {THRESHOLDS.get(measure, "")}
    if measure not in COUNTS_ABANDONS:
        hidden |= {"short_abandon_s"}
    if measure != "service_level":
        hidden |= {"abandons", "patience_s"}
    if len(_formulas(measure)) < 2:  # noqa: PLR2004 - nothing to choose from
        hidden |= {"formula"}
    if measure not in _OF_INSTRUMENT:
        hidden |= {"instrument"}
    if measure != "sla_attainment":
        hidden |= {"deadline"}
    if not MEASURES[measure].also_intervals:
        hidden |= {"records"}
    return frozenset(hidden)


def formulas(values: Mapping[str, Value]) -> tuple[str, ...]:
    """Return by which formulas a KPI's measure can be counted."""
    return _formulas(str(values.get("measure", "")))


def _formulas(measure: str) -> tuple[str, ...]:
    on_scale = measure in MEASURES and MEASURES[measure].on_scale
    return FORMULAS.get(measure, OF_SURVEYS if on_scale else OF_SURVEYS[:1])
