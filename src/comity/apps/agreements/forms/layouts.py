"""How the form of a clause is laid out: sentences with controls in them, sections, and what is folded away.

A sentence is words of the reader's language with the names of fields where their controls stand, so each language has
its own order. A field that no section names stands under *More*, so that a new field of a kind is never without a
control. A KPI's form shows what its measure counts by; what the form does not show stays as it is.
"""

import string
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from comity.apps.agreements.wording.used_fields import COUNTS_ABANDONS, formulas
from comity.apps.kpis.sentences import sentence_key
from comity.core.agreements.fields import Value
from comity.core.agreements.kinds import KINDS, WEEKDAYS, Kind
from comity.core.agreements.kpi import MEASURES, Kpi
from comity.core.kpi_templates import THRESHOLDS
from comity.core.levels import SECONDS, SHARE, unit
from comity.review.i18n.words import Words


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a form.

    :ivar name: of its title in the words (`clause_section.name`); empty: without one
    :ivar fields: names of fields that have a row each
    :ivar sentences: keys of sentences in the words, whose places are the names of fields (`when_missed_misses` for the
        part of a record)
    :ivar folded: whether it is closed until it holds something that a change alters
    """

    name: str = ""
    fields: tuple[str, ...] = ()
    sentences: tuple[str, ...] = ()
    folded: bool = False


_SECTIONS: Mapping[Kind, tuple[Section, ...]] = {
    Kind.TERM: (Section(sentences=("term", "term_renewal", "term_notice"), fields=("options",)),),
    Kind.NOTICE: (Section(sentences=("notice", "notice_more")),),
    Kind.DUTY: (Section(sentences=("duty",), fields=("owner", "outcome")),),
    Kind.VOLUME: (Section(sentences=("volume", "volume_band")),),
    Kind.CALENDAR: (
        Section(sentences=("calendar",), fields=tuple(f"open_{weekday}" for weekday in WEEKDAYS)),
        Section("short_days", ("short_days",), folded=True),
        Section("working_hours", ("customer_working_hours", "provider_working_hours"), folded=True),
        Section("free_days", ("customer_free_days", "provider_free_days"), folded=True),
    ),
    Kind.CLOCK: (
        Section(fields=("replies", "close_days")),
        Section("silence", ("silence",), folded=True),
        Section("addresses", ("customer_addresses", "provider_addresses"), folded=True),
        Section("time_bars", ("time_bars", "escalation"), folded=True),
    ),
    Kind.PRICE: (
        Section(fields=("service", "unit", "price", "currency")),
        Section("units", ("queues", "activities", "fte_hours", "uplifts"), folded=True),
        Section("bands", ("bands", "banded"), folded=True),
        Section("baseline", ("baseline", "deadband", "arc", "rrc", "around"), folded=True),
        Section("minimum", ("base", "minimum", "minimum_compared", "minimum_indexed"), folded=True),
        Section(
            "index",
            (
                "index_series", "index_base_month", "index_base_value", "index_lag_months", "indexed_from",
                "index_share", "index_cap", "index_collar", "capped", "excess", "index_chained",
            ),
            folded=True,
        ),
        Section(
            "credits",
            (
                "at_risk", "credit_base", "credit_services", "credit_by", "credit_steps", "credit_after_months",
                "credit_least", "not_measured", "same_incident", "credit_is", "credit_as", "bonus", "earn_back",
            ),
            folded=True,
        ),
        Section("payment", ("due_days", "dispute_days", "due_on_free_day", "tolerance"), folded=True),
    ),
}  # fmt: skip


def sections(kind: Kind, values: Mapping[str, Value]) -> tuple[Section, ...]:
    """Return the sections of the form of a clause, the last of them with whatever the others do not name."""
    named = _kpi_sections(values) if kind is Kind.KPI else _SECTIONS.get(kind)
    if named is None:
        named = (Section(fields=tuple(one for one in KINDS[kind].by_name if one not in {"title", "seen_by", "cites"})),)
    return named


def _kpi_sections(values: Mapping[str, Value]) -> tuple[Section, ...]:
    measure = str(values.get("measure", ""))
    if measure not in MEASURES:
        return (Section(fields=("measure",)),)
    sentences = ["kpi", "kpi_queues"]
    if measure in COUNTS_ABANDONS:
        sentences.append("kpi_abandons" if measure == "service_level" else "kpi_short_abandons")
    if len(formulas(values)) > 1:
        sentences.append("kpi_formula")
    return (
        Section(sentences=(*sentences, "kpi_material")),
        Section("why", ("outcome", "customer_owner", "provider_owner")),
        Section("if_missed", ("credit_allocation",), ("kpi_missed",), folded=True),
    )


def template(key: str, values: Mapping[str, Value], words: Words) -> str:
    """Return a sentence of a form with the names of its fields in braces."""
    if key == "kpi":
        return _kpi_template(values, words)
    if key == "kpi_material":
        of = {SHARE: "share", SECONDS: "seconds"}.get(_unit(values), "other")
        return words(f"clause_form.kpi_material_{of}")
    return words(f"clause_form.{key}")


def _unit(values: Mapping[str, Value]) -> str:
    return unit(Kpi("", str(values["measure"]), formula=str(values.get("formula", "top2"))))


def _kpi_template(values: Mapping[str, Value], words: Words) -> str:
    """The sentence in which a KPI is read elsewhere, with its fields where its numbers stand."""
    measure = str(values["measure"])
    better = str(values.get("better", MEASURES[measure].better))
    kpi = Kpi("", measure, target=1.0, better=better, formula=str(values.get("formula", "top2")))
    key = sentence_key(kpi, words)
    target = "{target}"
    if not key.startswith("kpi_sentence."):  # those of a measure name the unit, the others leave it to the number
        target += {SHARE: " %", SECONDS: f" {words('clause_form.seconds')}"}.get(_unit(values), "")
    pin = THRESHOLDS.get(measure, "")
    sentence = words(
        key, name=words.named("measure", measure), by="\x00", target=target, pin=f"{{{pin}}}", channel="{channels}"
    )
    return sentence.replace(", \x00", "")


def pieces(sentence: str) -> Iterator[tuple[str, str]]:
    """Yield (text, name of a field) of a sentence, in order; the name is empty behind the last control."""
    for text, name, _, _ in string.Formatter().parse(sentence):
        yield text, name or ""
