"""The figures of a period that a side confirms: what is frozen, what two readings of it have in common, what moved.

A confirmation is for figures and not for a period: between one side's confirmation and the other's, records may be
imported that change them. So the figures are plain text with one digest, and what differs is named field by field.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from comity.core.values import Side
from comity.review.model import Review
from comity.review.render.json import to_json_value

_STIRRED = 1e-9  # relative: the order in which an engine adds may change the last digits, which is no other figure
_NUMBERS = ("value", "num", "den", "target")
Figures = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Moved:
    """One difference between the figures that were confirmed and those of now.

    :ivar what: `value`, `target`, `met`, `num`, `den`, `customer` and `provider` (each side's own figure), `disputed`
        (how many disputes are open), `definition`; `added` and `removed` for a whole figure
    :ivar before: as the figures hold it; None where there is nothing to show
    """

    kpi: str
    what: str
    unit: str
    before: str | bool | int | None
    after: str | bool | int | None


def figures_of(review: Review, disputed: Mapping[str, Sequence[str]]) -> Figures:
    """The levels of a joint review: the value by the agreed formula, each side's own, and what is disputed.

    Fractions are text with twelve digits, so that they read back as they were written, in every language.

    :param disputed: by KPI, the ids of the open disputes
    """
    return {
        level.kpi: {
            "measure": level.measure,
            "unit": level.unit,
            "value": _text(level.value),
            "num": _text(level.num),
            "den": _text(level.den),
            "target": _text(level.target),
            "met": level.met,
            "reported": {side.value: _text(level.reported.get(side)) for side in Side},
            "definition": as_text(to_json_value(level.definition)),
            "disputed": sorted(disputed.get(level.kpi, ())),
        }
        for level in review.levels
    }


def as_text(value: Any) -> Any:  # noqa: ANN401 - JSON values
    """A JSON value with its fractions as text; whole numbers that every reader holds exactly stay numbers."""
    if isinstance(value, dict):
        return {key: as_text(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_text(item) for item in value]
    return _text(value) if isinstance(value, float) else value


def settled(now: Figures, before: Mapping[str, Any]) -> Figures:
    """The figures of now, each number written as before where both are the same but for the last digits."""
    found: Figures = {}
    for kpi, one in now.items():
        known = before.get(kpi)
        if not isinstance(known, Mapping):
            found[kpi] = one
            continue
        numbers = {name: _same(one[name], known.get(name)) for name in _NUMBERS}
        own = known.get("reported") or {}
        reported = {side: _same(value, own.get(side)) for side, value in one["reported"].items()}
        found[kpi] = one | numbers | {"reported": reported}
    return found


def moved(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Moved]:
    """What differs between two sets of figures, in the order of the later one."""
    found = []
    for kpi in [*after, *(one for one in before if one not in after)]:
        old, new = before.get(kpi), after.get(kpi)
        unit = str((new or old or {}).get("unit", ""))
        if old is None or new is None:
            what = "added" if old is None else "removed"
            found.append(Moved(kpi, what, unit, (old or {}).get("value"), (new or {}).get("value")))
        elif as_text(old) != as_text(new):
            found += _fields(kpi, unit, old, new)
    return found


def _fields(kpi: str, unit: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Moved]:
    """The fields in which a figure differs; what it was counted from only where its value is the same."""
    pairs = [(name, old.get(name), new.get(name)) for name in ("value", "target", "met")]
    pairs += [(side.value, old["reported"].get(side.value), new["reported"].get(side.value)) for side in Side]
    found = [Moved(kpi, name, unit, a, b) for name, a, b in pairs if a != b]
    if old.get("value") == new.get("value"):
        found += [Moved(kpi, name, "", old[name], new[name]) for name in ("num", "den") if old[name] != new[name]]
    if old["disputed"] != new["disputed"]:
        found.append(Moved(kpi, "disputed", "", len(old["disputed"]), len(new["disputed"])))
    if not found:  # its measure, its unit, its wording
        found.append(Moved(kpi, "definition", "", None, None))
    return found


def _same(now: str | None, before: object) -> str | None:
    if now is None or not isinstance(before, str):
        return now
    return before if math.isclose(float(now), float(before), rel_tol=_STIRRED) else now


def _text(value: float | None) -> str | None:
    return None if value is None else f"{value + 0.0:.12g}"
