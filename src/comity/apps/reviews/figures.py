"""The figures of a period that a side confirms, in a form that can be digested, frozen and compared.

A confirmation is for figures and not for a period: between one side's confirmation and the other's, records may be
imported that change them. So the figures are plain text with one digest, and what differs is named field by field.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from comity.core.matters.transitions import Dispute
from comity.core.readings.reading import Reading
from comity.core.values import Side
from comity.review.model import Level, Review
from comity.review.render.json import to_json_value
from comity.review.views.reading import find_reading

_REL_TOLERANCE = 1e-9  # the order in which an engine adds may change the last digits, which is no other figure
_NUMBER_FIELDS = ("value", "num", "den", "target")
Figures = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class FigureChange:
    """A difference between the confirmed and the current figures.

    :ivar what: `value`, `target`, `met`, `num`, `den`, `customer` and `provider` (each side's own figure), `disputed`
        (how many disputes are open), `accepted` (how many disputes are accepted), `definition`; `added` and
        `removed` for a whole figure; `stretches` for the days that it is of, or what the stretches before came to;
        `relief` for the days that are not held against its target
    :ivar before: as the figures hold it; None where there is nothing to show
    """

    kpi: str
    what: str
    unit: str
    before: str | bool | int | None
    after: str | bool | int | None


@dataclass(frozen=True, slots=True)
class DisputeNote:
    """What the figures of a period say of a dispute: both values are kept, the computed one and the claimed one.

    :ivar status: a `comity.core.matters.transitions.Dispute`
    :ivar value: the claimed value in the unit of the figure; None where none is claimed
    """

    id: str
    by: str
    status: str
    wrong: str
    follows: str
    value: float | None

    def as_json(self) -> dict[str, Any]:
        """Return the plain values that are digested."""
        return {
            "id": self.id,
            "by": self.by,
            "status": self.status,
            "wrong": self.wrong,
            "follows": self.follows,
            "value": _number_text(self.value),
        }


def period_figures(review: Review, disputes: Mapping[str, Sequence[DisputeNote]]) -> Figures:
    """Return the figures of a joint review by KPI: the value by the agreed formula, each side's own, and disputes.

    Readings are among them where they are disputed. Fractions are text with twelve digits, so that they read back as
    they were written, in every language.

    :param disputes: by KPI or key of a reading, except those that were refused or withdrawn
    """
    figures = {level.kpi: _level_figure(level) for level in review.levels}
    for key in disputes.keys() - figures.keys():
        reading = find_reading(review, key)
        if reading is not None:
            figures[key] = _reading_figure(reading)
    return {kpi: figure | _disputed(disputes.get(kpi, ())) for kpi, figure in figures.items()}


def _disputed(disputes: Sequence[DisputeNote]) -> dict[str, Any]:
    """Return the ids of the open disputes, and, where there is any, each dispute with its value."""
    notes = sorted(disputes, key=lambda one: one.id)
    open_ids = [one.id for one in notes if one.status == Dispute.OPEN]
    return {"disputed": open_ids} | ({"disputes": [one.as_json() for one in notes]} if notes else {})


def _reading_figure(reading: Reading) -> dict[str, Any]:
    """Return a reading as it is reported, in the form of a level without target."""
    return {
        "measure": reading.id,
        "unit": reading.unit,
        "value": _number_text(reading.after),
        "num": None,
        "den": None,
        "target": None,
        "met": None,
        "reported": {side.value: None for side in Side},
        "definition": {},
    }


def _level_figure(level: Level) -> dict[str, Any]:
    """Return a level; what is said of its days stands there only where it is not of the whole period, or relieved."""
    figure = _figure_of_days(level)
    if level.days is not None:
        figure["days"] = to_json_value(level.days)
    if level.earlier:
        figure["earlier"] = [_level_figure(one) for one in level.earlier]
    if level.relieved is not None:
        figure["relieved"] = {
            "days": to_json_value(level.relieved.days),
            "changes": list(level.relieved.changes),
            "value": _number_text(level.relieved.value),
            "held": level.relieved.held,
        }
    return figure


def _figure_of_days(level: Level) -> dict[str, Any]:
    return {
        "measure": level.measure,
        "unit": level.unit,
        "value": _number_text(level.value),
        "num": _number_text(level.num),
        "den": _number_text(level.den),
        "target": _number_text(level.target),
        "met": level.met,
        "reported": {side.value: _number_text(level.reported.get(side)) for side in Side},
        "definition": fractions_as_text(to_json_value(level.definition)),
    }


def fractions_as_text(value: Any) -> Any:  # noqa: ANN401 - JSON values
    """Return a JSON value with its fractions as text; whole numbers, which every reader holds exactly, stay numbers."""
    if isinstance(value, dict):
        return {key: fractions_as_text(item) for key, item in value.items()}
    if isinstance(value, list):
        return [fractions_as_text(item) for item in value]
    return _number_text(value) if isinstance(value, float) else value


def keep_unchanged_digits(now: Figures, before: Mapping[str, Any]) -> Figures:
    """Return the current figures, with each number written as before where only its last digits differ."""
    figures: Figures = {}
    for kpi, figure in now.items():
        earlier = before.get(kpi)
        if not isinstance(earlier, Mapping):
            figures[kpi] = figure
            continue
        figures[kpi] = _with_digits(figure, earlier)
    return figures


def _with_digits(figure: dict[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """Return a figure, and those of the stretches before, with the digits of before where only the last differ."""
    numbers = {name: _same_number(figure[name], before.get(name)) for name in _NUMBER_FIELDS}
    before_reported = before.get("reported") or {}
    reported = {side: _same_number(value, before_reported.get(side)) for side, value in figure["reported"].items()}
    kept = figure | numbers | {"reported": reported}
    stretches, known = figure.get("earlier", ()), before.get("earlier", ())
    if stretches and len(stretches) == len(known):
        kept["earlier"] = [_with_digits(one, other) for one, other in zip(stretches, known, strict=True)]
    relieved, was = figure.get("relieved"), before.get("relieved")
    if relieved and was:
        kept["relieved"] = relieved | {"value": _same_number(relieved["value"], was.get("value"))}
    return kept


def figure_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[FigureChange]:
    """Compare two sets of figures; the changes are in the order of the later one."""
    changes = []
    for kpi in [*after, *(one for one in before if one not in after)]:
        old, new = before.get(kpi), after.get(kpi)
        unit = str((new or old or {}).get("unit", ""))
        if old is None or new is None:
            what = "added" if old is None else "removed"
            changes.append(FigureChange(kpi, what, unit, (old or {}).get("value"), (new or {}).get("value")))
        elif fractions_as_text(old) != fractions_as_text(new):
            changes += _changed_fields(kpi, unit, old, new)
    return changes


def _changed_fields(kpi: str, unit: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[FigureChange]:
    """Compare two states of a figure; `num` and `den` only where the value is the same."""
    pairs = [(name, old.get(name), new.get(name)) for name in ("value", "target", "met")]
    pairs += [(side.value, old["reported"].get(side.value), new["reported"].get(side.value)) for side in Side]
    changes = [FigureChange(kpi, name, unit, a, b) for name, a, b in pairs if a != b]
    if old.get("value") == new.get("value"):
        changes += [
            FigureChange(kpi, name, "", old[name], new[name]) for name in ("num", "den") if old[name] != new[name]
        ]
    if old["disputed"] != new["disputed"]:
        changes.append(FigureChange(kpi, "disputed", "", len(old["disputed"]), len(new["disputed"])))
    counts = [sum(one["status"] != Dispute.OPEN for one in figure.get("disputes", ())) for figure in (old, new)]
    if counts[0] != counts[1] or (old["disputed"] == new["disputed"] and old.get("disputes") != new.get("disputes")):
        changes.append(FigureChange(kpi, "accepted", "", *counts))
    if old.get("earlier") != new.get("earlier") or old.get("days") != new.get("days"):
        changes.append(FigureChange(kpi, "stretches", "", None, None))
    if old.get("relieved") != new.get("relieved"):
        changes.append(FigureChange(kpi, "relief", "", None, None))
    if not changes:  # its measure, its unit, its wording
        changes.append(FigureChange(kpi, "definition", "", None, None))
    return changes


def _same_number(now: str | None, before: object) -> str | None:
    if now is None or not isinstance(before, str):
        return now
    return before if math.isclose(float(now), float(before), rel_tol=_REL_TOLERANCE) else now


def _number_text(value: float | None) -> str | None:
    return None if value is None else f"{value + 0.0:.12g}"
