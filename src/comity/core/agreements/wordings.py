"""The wordings of KPIs that a text holds, each over its days, as figures are counted by them.

A clause of kind `kpi` reads the same over a stretch of days. Each stretch is one `Kpi`: what a figure counts by, from
`valid_from` on, up to and without `valid_to`. It names the entry of the record by which it reads so, so that a figure
can say by which text it was counted.
"""

from collections.abc import Mapping
from datetime import date, timedelta, tzinfo
from decimal import Decimal
from typing import Any

from comity.core.agreements.changes import AddClause, Entry, field_of
from comity.core.agreements.fields import Value, plain_decimal
from comity.core.agreements.kinds import Kind
from comity.core.agreements.kpi import Abandons, Kpi
from comity.core.agreements.text import Chain, stretches

_NUMBERS = ("answer_within_s", "short_abandon_s", "target", "material", "volume_band", "patience_s")
_TEXTS = ("measure", "better", "formula", "instrument", "deadline", "records")


def kpi_wordings(chain: Chain, zone: tzinfo, known: int | None = None) -> tuple[Kpi, ...]:
    """Return each wording of each KPI over the days on which it holds, in the order of the record.

    :param zone: in which the day of an agreement is told
    :param known: a place of the chain; None: its end
    """
    clauses = dict.fromkeys(
        edit.clause
        for entry in sorted(chain, key=lambda entry: entry.place)
        for edit in entry.change.edits
        if isinstance(edit, AddClause) and edit.kind is Kind.KPI
    )
    found: list[Kpi] = []
    for clause in clauses:
        for stretch in stretches(chain, clause, known=known):
            if stretch.fields is None:
                continue
            entry = deciding_entry(chain, clause, stretch.first_day, known)
            assert entry is not None, clause
            day = None if entry.agreed_at is None else entry.agreed_at.astimezone(zone).date()
            found.append(
                kpi_of(
                    clause,
                    stretch.fields,
                    valid_from=stretch.first_day,
                    valid_to=None if stretch.last_day is None else stretch.last_day + timedelta(days=1),
                    agreed_on=day,
                    entry=entry.place,
                )
            )
    return tuple(found)


def deciding_entry(chain: Chain, clause: str, day: date, known: int | None) -> Entry | None:
    """Return the entry that wrote last into a clause as it reads on a day; contingent changes aside."""
    holding = [
        entry
        for entry in chain
        if (known is None or entry.place <= known) and day in entry.change.span and not entry.change.span.condition
    ]
    holding.sort(key=lambda entry: (entry.change.span.layer, entry.change.span.first_day, entry.place))
    ended = {(word.other, word.clause, word.field) for entry in holding for word in entry.change.words if word.instead}
    writing = [
        entry
        for entry in holding
        for edit in entry.change.edits
        if edit.clause == clause and (entry.change.number, clause, field_of(edit)) not in ended
    ]
    return writing[-1] if writing else None


def kpi_of(clause: str, fields: Mapping[str, Value], **held: Any) -> Kpi:  # noqa: ANN401 - days and entry, as `Kpi` has them
    """Return what figures are counted by of a clause of kind `kpi`, its defaults written out.

    :param held: `valid_from`, `valid_to`, `agreed_on` and `entry`
    """
    values: dict[str, Any] = {name: float(str(fields[name])) for name in _NUMBERS if name in fields}
    values |= {name: str(fields[name]) for name in _TEXTS if name in fields}
    if "within_days" in fields:
        values["within_days"] = int(str(fields["within_days"]))
    for name in ("queues", "channels"):
        if name in fields:
            values[name] = tuple(str(one) for one in fields[name])  # type: ignore[union-attr]  # a set of lines
    if "abandons" in fields:
        values["abandons"] = Abandons(str(fields["abandons"]))
    if "queue_map" in fields:
        values["queue_map"] = {str(source): str(queue) for source, queue in dict(fields["queue_map"]).items()}  # type: ignore[arg-type]  # pairs
    return Kpi(clause, **values, **held)


def kpi_fields(kpi: Kpi) -> dict[str, Any]:
    """Return the fields of a clause as people write them, by which figures count as they do by a KPI of `book.toml`."""
    fields: dict[str, Any] = {
        name: plain_decimal(Decimal(repr(value))) for name in _NUMBERS if (value := getattr(kpi, name)) is not None
    }
    fields |= {name: value for name in _TEXTS if (value := getattr(kpi, name)) is not None}
    fields |= {"within_days": kpi.within_days, "abandons": kpi.abandons.value}
    fields |= {"queues": list(kpi.queues), "channels": list(kpi.channels)}
    return fields | ({"queue_map": dict(kpi.queue_map)} if kpi.queue_map else {})
