"""A level as finished text: its value against the target, and how each side's own figure comes about."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from comity.core.agreements.kpi import FORMULAS, LOWER, MEASURES, Kpi
from comity.core.levels import COUNT, VARIANT_NEEDS
from comity.core.values import Period, Side
from comity.review.i18n.words import DASH, NO_BREAK, Words, clean
from comity.review.model import Level, Review
from comity.review.views.details import detail_rows
from comity.review.views.sentences import level_title, measure_about

_HUNDRED = 100
MOST_QUEUES = 4  # that a sentence names one by one


@dataclass(frozen=True, slots=True)
class ReportedFigure:
    """What one side reported, and how that figure comes about."""

    side: Side
    value: str
    why: str
    marked: bool  # not the word of the side itself
    short: str = ""  # why, for a row among others


@dataclass(frozen=True, slots=True)
class VariantRow:
    """One of the six formulas of a service level."""

    name: str
    formula: str
    value: str
    used: tuple[Side, ...]
    is_definition: bool
    in_full: str = ""  # the same without taking agreed exclusions out, where that differs
    used_in_full: tuple[Side, ...] = ()


@dataclass(frozen=True, slots=True)
class LevelRow:
    """One level, ready to be read."""

    level: Level
    name: str
    about: str
    value: str
    interval: str
    of: str
    target: str
    met: str
    chance: str
    reported: tuple[ReportedFigure, ...]
    variants: tuple[VariantRow, ...]
    beside: str
    also: tuple[tuple[str, str], ...]
    records: str = ""  # which of two tables it is counted from, and why; empty where only one could be meant
    wording: str = ""  # by which wording it is counted; empty where nobody noted when it was agreed
    # That it stays as it was confirmed; the days that are not held against the target, and what it is with them.
    notes: str = ""


_DEFINED_AS = {"count": "V1", "exclude-short": "V6", "exclude-all": "V3"}


def stretched(levels: Iterable[Level]) -> list[Level]:
    """Each level, and behind it those of the stretches of its period before, the latest first."""
    return [one for level in levels for one in (level, *level.earlier)]


def target_text(measure: str, better: str, target: str, words: Words) -> str:
    """A target in words: at least, at most or, of what may miss it either way, within.

    :param target: the value, formatted
    """
    key = "levels.at_most" if better == LOWER else "levels.at_least"
    return words("levels.within" if measure == "forecast_bias" else key, target=target)


def level_row(level: Level, review: Review, words: Words) -> LevelRow:
    """A level with both sides' figures explained."""

    def figure(value: float | None) -> str:
        return words.figure(value, level.unit, review.currency)

    target = words("levels.no_target")
    if level.target is not None:
        target = target_text(level.measure, level.better, figure(level.target), words)
    met, chance = DASH, ""
    if level.met is not None:
        met = words("levels.is_met" if level.met else "levels.not_met")
        by_chance = {True: "levels.beyond", False: "levels.chance", None: "levels.chance_unknown"}[level.beyond_chance]
        chance = words("levels.counted_in_full" if _is_stock(level) else by_chance)
    elif level.relieved is not None and not level.relieved.held:
        chance = words("levels.not_held")
    defined = level.also.get("counted_as", _DEFINED_AS.get(level.definition.abandons.value))
    variants = tuple(
        VariantRow(
            name,
            words.named("variant", name),
            words("levels.needs", columns=_lacking_columns(name)) if value is None else figure(value),
            tuple(side for side in Side if level.explains.get(side) == name),
            is_definition=level.measure == "service_level" and name == defined,
            in_full=figure(level.variants_in_full[name]) if name in level.variants_in_full else "",
            used_in_full=tuple(side for side in Side if level.explains_in_full.get(side) == name),
        )
        for name, value in level.variants.items()
    )
    records = records_text(level, words)
    of = ""
    if math.isfinite(level.den) and level.den > 1 and math.isfinite(level.num) and not _is_stock(level):
        of = ratio_text(level, level.num, level.den, words)
    return LevelRow(
        level=level,
        name=level_name(level, words),
        about=_about(level, words),
        value=figure(level.value),
        interval=""
        if level.low is None or level.high is None or level.se == 0  # counted, not sampled
        else words("word.to", low=figure(level.low), high=figure(level.high)),
        of=of,
        target=target,
        met=met,
        chance=chance,
        reported=tuple(_reported_figure(level, side, review, words) for side in Side),
        variants=variants,
        beside=_beside(level, words, figure(level.mean_of_intervals)),
        also=(
            *detail_rows(level.also, level.unit, review.currency, words),
            *([(words("records.title"), records.removesuffix("."))] if records else []),
        ),
        records=records,
        wording=wording_text(level.definition, words),
        notes=" ".join(text for text in (_final(level, words, figure), _relief(level, review, words)) if text),
    )


def level_name(level: Level, words: Words) -> str:
    """A level's name; of a stretch of the period with its days."""
    title = level_title(level, words)
    if level.days is None:
        return title
    return words("levels.of_days", name=title, days=days_text(level.days, words))


def days_text(days: Period, words: Words) -> str:
    """The first and the last of some days in words; one day alone."""
    return words.day(days.start) if days.days == 1 else words.days(days)


def wording_text(kpi: Kpi, words: Words) -> str:
    """By which wording a figure is counted: when it was agreed, and by which change; empty where neither is known."""
    if kpi.change is not None and kpi.agreed_on is not None:
        return words("levels.wording", day=words.day(kpi.agreed_on), number=kpi.change)
    if kpi.change is not None:
        return words("levels.wording_of_change", number=kpi.change)
    return words("levels.wording_of_day", day=words.day(kpi.agreed_on)) if kpi.agreed_on is not None else ""


def _final(level: Level, words: Words, figure: Callable[[float | None], str]) -> str:
    """That a level stays as it was confirmed, and what the records give now."""
    if level.final is None:
        return ""
    if level.final.recomputed is None:
        return words("levels.final_alone")
    return words("levels.final_beside", value=figure(level.final.recomputed))


def _relief(level: Level, review: Review, words: Words) -> str:
    """The days of relief that a level leaves out, and what it would be with them."""
    relieved = level.relieved
    if relieved is None:
        return ""
    told = {
        "days": words.listed([days_text(days, words) for days in relieved.days]),
        "changes": words.listed([str(number) for number in relieved.changes]),
    }
    if not relieved.held:
        return words("levels.all_relieved", **told)
    if relieved.value is None:
        return words("levels.relieved_alone", **told)
    return words("levels.relieved", value=words.figure(relieved.value, level.unit, review.currency), **told)


def records_text(level: Level, words: Words) -> str:
    """Which of two tables a level is counted from, what decided, and which queues are not in it."""
    choice = level.records
    if choice is None or choice.beside is None:
        return ""
    table, beside = (words.named("table", name) for name in (choice.table, choice.beside))
    text = words(f"records.{choice.why.value}", table=table, beside=beside)
    if not choice.beside_queues:
        return text
    names = [clean(name) for name in choice.beside_queues[:MOST_QUEUES]]
    more = len(choice.beside_queues) - len(names)
    queues = words.listed(names) if not more else words("records.more", queues=", ".join(names), count=more)
    return f"{text} {words('records.not_counted', beside=beside, queues=queues)}"


def _lacking_columns(variant: str) -> str:
    """The columns without which a formula cannot be formed, beside those of all six."""
    return ", ".join(name for name in VARIANT_NEEDS[variant] if name not in VARIANT_NEEDS["V1"])


def _about(level: Level, words: Words) -> str:
    """What is measured, and how many its formula left out; of one side's proposal, that it is not agreed."""
    kpi, left_out = level.definition, level.also.get("left_out")
    short_known = "short_abandons_not_known" not in level.also
    about = measure_about(kpi, words, short_known=short_known)
    if isinstance(left_out, int):
        about = words("levels.left_out", about=about, count=left_out)
    unresolved = level.also.get("unresolved")
    if isinstance(unresolved, int):
        about = words("levels.in_neither", about=about, count=words.number(unresolved))
    if level.records is not None and level.records.beside is not None:
        about = f"{about}; {words('records.from', table=words.named('table', level.records.table))}"
    return about if kpi.agreed else f"{about}; {words('levels.not_agreed')}"


_SECONDS = frozenset({"wait_mean", "handle_time", "time_to_resolve"})  # sums of seconds over contacts
_HOUR = 3600


def ratio_text(level: Level, num: float, den: float, words: Words) -> str:
    """What a level is the ratio of, each with what it counts; sums of seconds say that they are."""
    if _is_stock(level):  # what is open is no ratio of anything
        return _plain_number(num, words)
    key = f"counted.{level.measure}" if words.has(f"counted.{level.measure}") else "word.of"
    if level.measure == "csat" and level.unit == "points":  # a mean: no share of anything
        key = "counted.csat_mean"
    if level.measure in _SECONDS:
        return words(key, num=words.figure(num, "seconds", places=0), den=_plain_number(den, words))
    if level.measure == "occupancy":
        return words(key, num=_hours(num, words), den=_hours(den, words))
    return words(key, num=_plain_number(num, words), den=_plain_number(den, words))


def _is_stock(level: Level) -> bool:
    """Whether a level is counted at a moment: not a ratio, and not a sample of anything."""
    return level.unit == COUNT


def _hours(seconds: float, words: Words) -> str:
    return f"{words.number(seconds / _HOUR, 0 if seconds >= 100 * _HOUR else 1)}{NO_BREAK}h"


def _plain_number(value: float, words: Words) -> str:
    return words.number(value, 0 if float(value).is_integer() or abs(value) >= 1000 else 1)  # noqa: PLR2004 - enough digits


def _reported_figure(level: Level, side: Side, review: Review, words: Words) -> ReportedFigure:
    value = level.reported.get(side)
    if value is None:
        return ReportedFigure(side, words("levels.not_reported"), "", marked=False)
    spelled = words.figure(value, level.unit, review.currency)
    same = spelled == words.figure(level.value, level.unit, review.currency)
    variant, in_full = level.explains.get(side), level.explains_in_full.get(side)
    short = ""
    of_all_days = level.days is not None or (level.relieved is not None and level.relieved.held)
    if same and not of_all_days:
        why = words("levels.same")
    elif variant is not None:
        formula = words.named("variant", variant)
        if months := _months_of(level, side):
            why = words("levels.by_variant_months", variant=variant, formula=formula, months=months)
            short = words("levels.short_variant_months", variant=variant, months=months)
        else:
            why = words("levels.by_variant", variant=variant, formula=formula)
            short = words("levels.short_variant", variant=variant)
    elif in_full is not None:
        why = words("levels.by_variant_in_full", variant=in_full, formula=words.named("variant", in_full))
        short = words("levels.short_in_full", variant=in_full)
    elif of_all_days:
        why = words("levels.of_all_days")
    elif level.variants:
        why = words("levels.unexplained")
    else:
        scale = _HUNDRED if level.unit == "share" else 1
        places = 1 if level.unit in {"share", "seconds"} else 2
        gap = words.change((value - level.value) * scale, level.unit, review.currency, places)
        why = words("levels.differs", gap=gap)
    entered = level.also.get("entered_by")
    if isinstance(entered, Mapping) and side.value in entered:
        party = words.side(Side(entered[side.value]), review.parties)
        entered_why = words("levels.entered_by", why=why, party=party)
        return ReportedFigure(side, spelled, entered_why, marked=True, short=entered_why)
    return ReportedFigure(side, spelled, why, marked=False, short=short or why)


def _months_of(level: Level, side: Side) -> int:
    """Of how many months a side's own figure is the mean; 0 where it is one figure of the whole period."""
    months = level.also.get("reported_months")
    return int(months.get(side.value, 0)) if isinstance(months, Mapping) else 0


def _beside(level: Level, words: Words, mean: str) -> str:
    share = None if level.intervals_in_target is None else words.percent(level.intervals_in_target)
    if level.mean_of_intervals is not None and share is not None:
        return words("levels.beside", mean=mean, share=share)
    if level.mean_of_intervals is not None:
        return words("levels.mean_only", mean=mean)
    return words("levels.share_only", share=share) if share is not None else ""


def kpi_terms(kpi: Kpi, unit: str, currency: str, words: Words) -> list[tuple[str, str]]:
    """What a KPI's wording pins down."""
    terms = [
        (words("pin.queues"), _names(kpi.queues, words)),
        (words("pin.channels"), _names(kpi.channels, words)),
    ]
    if kpi.measure == "service_level":
        terms += [
            (words("pin.answer_within"), words.figure(kpi.answer_within_s, "seconds", places=0)),
            (words("pin.short_abandon"), short_abandon_text(kpi, words)),
            (words("pin.abandons"), words(f"abandons.{kpi.abandons.value}")),
        ]
    terms += _own_terms(kpi, words)
    if kpi.target is not None:
        terms.append((words("pin.target"), words.figure(kpi.target, unit, currency)))
    if kpi.valid_from != date.min:
        terms.append((words("pin.valid_from"), words.day(kpi.valid_from)))
    if kpi.valid_to is not None:
        terms.append((words("pin.valid_to"), words.day(kpi.valid_to - timedelta(days=1))))
    if kpi.agreed_on is not None:
        terms.append((words("pin.agreed_on"), words.day(kpi.agreed_on)))
    return terms


def short_abandon_text(kpi: Kpi, words: Words) -> str:
    """Up to how long an abandon is short; that none is, where nothing says so."""
    if kpi.short_abandon_s is None:
        return words("pin.no_short_abandon")
    return words.figure(kpi.short_abandon_s, "seconds", places=0)


def _own_terms(kpi: Kpi, words: Words) -> list[tuple[str, str]]:
    """What only KPIs of some measures pin down."""
    terms = []
    if kpi.measure in {"repeat_contact", "reopen"}:
        terms.append((words("pin.within_days"), words("pin.days", days=kpi.within_days)))
    if kpi.measure in FORMULAS:
        terms.append((words("pin.formula"), words.named("pin", kpi.formula)))
    if kpi.deadline is not None:
        terms.append((words("pin.deadline"), clean(kpi.deadline)))
    if kpi.records is not None:
        terms.append((words("records.title"), words.named("table", kpi.records)))
    if MEASURES[kpi.measure].people_of == "surveys":
        if kpi.instrument:
            terms.append((words("pin.instrument"), words.named("survey", kpi.instrument)))
        if MEASURES[kpi.measure].on_scale:
            terms.append((words("pin.formula"), words.named("pin", kpi.formula)))
    return terms


def _names(names: tuple[str, ...], words: Words) -> str:
    return words("word.all") if names == ("*",) else ", ".join(clean(name) for name in names)
