"""KPIs as sentences, in parts, so that a form can put a control where a number stands."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from comity.apps.kpis.terms import bare
from comity.core.agreements.kpi import MEASURES, Kpi
from comity.core.calendars import Cut
from comity.core.kpi_templates import CHANNELS, CUSTOMERS, THRESHOLDS
from comity.core.levels import SHARE, unit
from comity.review.i18n.words import DASH, Words, clean
from comity.review.views.level import kpi_terms, short_abandon_text
from comity.review.views.sections import missing_why, needed_tables

if TYPE_CHECKING:  # else Django came in with it, which the command line has not
    from comity.apps.kpis.values import KpiValues

TARGET, PIN, CHANNEL = "target", "pin", "channel"
_MARK = "\x00"
_HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class SentencePart:
    """A part of a sentence: text, or the control whose value it is."""

    text: str
    control: str = ""


def sentence_parts(kpi: Kpi, cut: Cut, words: Words) -> list[SentencePart]:
    """Return the sentence of a KPI; `control` names the parts that people set."""
    texts = {TARGET: target_text(kpi, words), PIN: pin_text(kpi, words), CHANNEL: channel_text(kpi, words)}
    marked = {name: f"{_MARK}{name}{_MARK}" for name in texts}
    sentence = words(
        sentence_key(kpi, words), name=words.named("measure", kpi.measure), by=words(f"kpis.by_{cut}"), **marked
    )
    pieces = re.split(f"{_MARK}(.*?){_MARK}", sentence)
    parts = [
        SentencePart(texts[piece], piece) if number % 2 else SentencePart(piece) for number, piece in enumerate(pieces)
    ]
    return [part for part in parts if part.text or part.control]


def kpi_sentence(kpi: Kpi, cut: Cut, words: Words) -> str:
    """Return the sentence of a KPI as one text."""
    text = "".join(part.text for part in sentence_parts(kpi, cut, words))
    return text[:1].upper() + text[1:]


def sentence_key(kpi: Kpi, words: Words) -> str:
    """Return which sentence tells a KPI; those of `kpi_sentence` name the unit of its target."""
    if kpi.target is None:
        return "kpis.without_target"
    is_mean = MEASURES[kpi.measure].on_scale and kpi.formula == "mean"
    key = f"kpi_sentence.{kpi.measure}{'_mean' if is_mean else ''}"
    if kpi.better != MEASURES[kpi.measure].better or not words.has(key):
        return f"kpis.other_{kpi.better}"
    return key


def shown_target(kpi: Kpi) -> Decimal | None:
    """Return a target as people write it: a share in per cent."""
    if kpi.target is None:
        return None
    target = Decimal(f"{kpi.target:.12g}")
    shown = (target * _HUNDRED if unit(kpi) == SHARE else target).normalize()
    return Decimal(f"{shown:f}")  # 80 and not 8E+1


def kept_target(kpi: Kpi, shown: Decimal | None) -> float | None:
    """Return a target as a KPI has it, from what `shown_target` gives."""
    return None if shown is None else float(shown / _HUNDRED if unit(kpi) == SHARE else shown)


def _plain(value: Decimal, words: Words) -> str:
    exponent = value.normalize().as_tuple().exponent
    return words.number(float(value), max(0, -exponent) if isinstance(exponent, int) else 0)


def target_text(kpi: Kpi, words: Words) -> str:
    """Return the target without its unit, which the sentence names."""
    target = shown_target(kpi)
    return DASH if target is None else _plain(target, words)


def pin_text(kpi: Kpi, words: Words) -> str:
    """Return what a measure counts by, such as the seconds of an answer; empty for measures without."""
    name = THRESHOLDS.get(kpi.measure)
    return "" if name is None else _plain(Decimal(f"{getattr(kpi, name):.12g}"), words)


def channel_text(kpi: Kpi, words: Words) -> str:
    """Return what is counted: calls, tickets, or all contacts."""
    if len(kpi.channels) == 1 and (kpi.channels[0] in CHANNELS or kpi.channels == ("*",)):
        return words(f"kpi_channel.of_{'all' if kpi.channels == ('*',) else kpi.channels[0]}")
    return words("kpi_channel.of_some", names=", ".join(clean(name) for name in kpi.channels))


def pins(kpi: Kpi, words: Words) -> dict[str, str]:
    """Return what else is agreed with a KPI, by name: whatever counts and its sentence may leave out."""
    terms = dict(kpi_terms(replace(bare(kpi), target=None), unit(kpi), "", words))
    if kpi.measure == "abandonment":
        terms[words("pin.short_abandon")] = short_abandon_text(kpi, words)
        terms[words("pin.abandons")] = words(f"abandons.{kpi.abandons.value}")
    terms[words("kpis.material")] = words.figure(kpi.material, unit(kpi))
    if kpi.volume_band:
        terms[words("kpis.volume_band")] = words.percent(kpi.volume_band)
    if kpi.patience_s is not None:
        terms[words("kpis.patience")] = words.figure(kpi.patience_s, "seconds", places=0)
    if kpi.queue_map:
        named = sorted(kpi.queue_map.items())
        terms[words("kpis.queue_map")] = ", ".join(f"{clean(source)} = {clean(queue)}" for source, queue in named)
    return terms


def pins_text(kpi: Kpi, words: Words) -> str:
    """Return the same as one line."""
    return "; ".join(f"{name}: {text}" for name, text in pins(kpi, words).items())


def is_customers_part(kpi: Kpi) -> bool:
    """Return whether a KPI measures what the customer owes."""
    return kpi.measure in CUSTOMERS


def value_text(kpi: Kpi, values: "KpiValues | None", words: Words) -> str:
    """Return what a KPI came to; a dash where that is not known."""
    if MEASURES[kpi.measure].people_of is not None:
        return words("kpis.on_review")
    known = None if values is None else values.values.get(kpi.id)
    return DASH if known is None else words.figure(*known)


def lacking_text(kpi: Kpi, values: "KpiValues | None", words: Words) -> str:
    """Return why the records of the last month cannot answer a KPI; empty where they can, or it is not known."""
    lacking = None if values is None else values.lacking.get(kpi.id)
    if lacking is None:
        return ""
    return words("kpis.cannot_count", why=missing_why(lacking, words), tables=needed_tables(lacking, words))


def differences(before: Mapping[str, Kpi], after: Mapping[str, Kpi], words: Words) -> dict[str, str]:
    """Return what is new, changed or gone between two sets, by KPI."""
    found = {}
    for name in (*after, *(one for one in before if one not in after)):
        if name not in before or name not in after:
            found[name] = words("kpis.is_new" if name in after else "kpis.is_gone")
        elif before[name] != after[name]:
            found[name] = _changed(before[name], after[name], words)
    return found


def _changed(before: Kpi, after: Kpi, words: Words) -> str:
    """Return that a KPI is changed, with what its sentence may leave out as it was before."""
    old, new = pins(before, words), pins(after, words)
    names = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    lines = [words("kpis.was", name=name, text=old.get(name, DASH)) for name in names]
    return ": ".join([words("kpis.is_changed"), *(["; ".join(lines)] if lines else [])])
