"""A review as rows of finished text, in the reader's words: what the terminal and the page both lay out."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from comity.core.agreements import LOWER, Kpi
from comity.core.readings.reading import Reading
from comity.core.readings.verdict import Verdict
from comity.core.values import Side
from comity.review.faces.contract import blind
from comity.review.faces.figures import (
    MARKED,
    Shown,
    is_exact,
    largest_remainder,
    level_interval,
    shown,
    shown_scale,
    waterfall,
)
from comity.review.faces.sentences import Spell, in_words, level_title, measure_about, settle, subtitle, title
from comity.review.faces.words import DASH, Words, clean
from comity.review.review import Level, Missing, Paid, Review

HUNDRED = 100


@dataclass(frozen=True, slots=True)
class Eyebrow:
    """Which period, held against which, for whose eyes."""

    period: str
    reference: str
    line: str
    eyes: str
    foot: str


def eyebrow(review: Review, words: Words) -> Eyebrow:
    """The line over the headline."""
    period, reference = words.period(review.period, review.cut), words.period(review.reference, review.cut)
    line = words(
        "page.eyebrow",
        period=period,
        days=words.days(review.period),
        reference=reference,
        reference_days=words.days(review.reference),
    )
    if review.whose is None:
        eyes, short = words("page.joint"), words("page.eyes_joint")
    else:
        party = words.side(review.whose, review.parties)
        eyes, short = words("page.own", party=party), words("page.eyes_own", party=party)
    customer, provider = (words.side(side, review.parties) for side in Side)
    foot = words("page.foot", customer=customer, provider=provider, period=period, eyes=short)
    return Eyebrow(period, reference, line, eyes, foot)


# Levels ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Said:
    """What one side reported, and how that figure comes about."""

    side: Side
    value: str
    why: str
    marked: bool


@dataclass(frozen=True, slots=True)
class VariantRow:
    """One of the six formulas of a service level."""

    name: str
    formula: str
    value: str
    used: tuple[Side, ...]
    is_definition: bool


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
    said: tuple[Said, ...]
    variants: tuple[VariantRow, ...]
    beside: str
    also: tuple[tuple[str, str], ...]


_UNBOUNDED = frozenset({"forecast_bias", "forecast_wape"})  # ratios that may be negative, or more than one
_DEFINED_AS = {"count": "V1", "exclude-short": "V6", "exclude-all": "V3"}


def level_row(level: Level, review: Review, words: Words) -> LevelRow:
    """A level with both sides' figures explained."""

    def figure(value: float | None) -> str:
        return words.figure(value, level.unit, review.currency)

    interval = level_interval(level.value, level.se, bounded=level.unit == "share" and level.measure not in _UNBOUNDED)
    target = words("levels.no_target")
    if level.target is not None:
        key = "levels.at_most" if level.better == LOWER else "levels.at_least"
        if level.measure == "forecast_bias":
            key = "levels.within"
        target = words(key, target=figure(level.target))
    met, chance = DASH, ""
    if level.met is not None:
        met = words("levels.is_met" if level.met else "levels.not_met")
        chance = words(
            {True: "levels.beyond", False: "levels.chance", None: "levels.chance_unknown"}[level.beyond_chance]
        )
    defined = _DEFINED_AS.get(level.definition.abandons.value)
    variants = tuple(
        VariantRow(
            name,
            words.named("variant", name),
            figure(value),
            tuple(side for side in Side if level.explains.get(side) == name),
            is_definition=level.measure == "service_level" and name == defined,
        )
        for name, value in level.variants.items()
    )
    of = ""
    if math.isfinite(level.den) and level.den > 0 and math.isfinite(level.num):
        of = words("word.of", num=_plain_number(level.num, words), den=_plain_number(level.den, words))
    return LevelRow(
        level=level,
        name=level_title(level, words),
        about=measure_about(level.definition, words),
        value=figure(level.value),
        interval=words("word.to", low=figure(interval[0]), high=figure(interval[1])) if interval else "",
        of=of,
        target=target,
        met=met,
        chance=chance,
        said=tuple(_said(level, side, review, words) for side in Side),
        variants=variants,
        beside=_beside(level, words, figure(level.mean_of_intervals)),
        also=tuple(flat_also(level.also, level.unit, review.currency, words)),
    )


def _plain_number(value: float, words: Words) -> str:
    return words.number(value, 0 if float(value).is_integer() else 1)


def _said(level: Level, side: Side, review: Review, words: Words) -> Said:
    value = level.reported.get(side)
    if value is None:
        return Said(side, words("levels.not_reported"), "", marked=False)
    spelled = words.figure(value, level.unit, review.currency)
    same = spelled == words.figure(level.value, level.unit, review.currency)
    variant = level.explains.get(side)
    if same:
        why = words("levels.same")
    elif variant is not None:
        why = words("levels.by_variant", variant=variant, formula=words.named("variant", variant))
    elif level.variants:
        why = words("levels.unexplained")
    else:
        scale = HUNDRED if level.unit == "share" else 1
        places = 1 if level.unit in {"share", "seconds"} else 2
        gap = words.moved((value - level.value) * scale, level.unit, review.currency, places)
        why = words("levels.differs", gap=gap)
    return Said(side, spelled, why, marked=not same)


def _beside(level: Level, words: Words, mean: str) -> str:
    share = None if level.intervals_in_target is None else words.percent(level.intervals_in_target)
    if level.mean_of_intervals is not None and share is not None:
        return words("levels.beside", mean=mean, share=share)
    if level.mean_of_intervals is not None:
        return words("levels.mean_only", mean=mean)
    return words("levels.share_only", share=share) if share is not None else ""


# Readings -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PartRow:
    """One part of a change, rounded so that the parts add up as shown."""

    name: str
    about: str
    value: str
    held: bool
    cause: bool


@dataclass(frozen=True, slots=True)
class ReadingRow:
    """One reading, ready to be read."""

    reading: Reading
    anchor: str
    name: str
    about: str
    figures: Shown
    headline: str
    from_to: str
    headline_interval: str
    held: str
    interval: str
    material: str
    verdict: str
    marked: bool
    cause: str
    cause_name: str
    firm: str
    would_be: str
    words: str
    settle: str
    blind: str
    parts: tuple[PartRow, ...]
    before: str
    after: str
    change: str
    subtotal: str
    check: str
    counts: tuple[tuple[str, str], ...]
    also: tuple[tuple[str, str], ...]


_COUNTED = {
    "within": ("stayed",),
    "survivorship": ("left",),
    "silence": ("silent",),
    "unasked": ("unasked",),
    "arrival": ("new",),
    "return": ("back",),
    "survivorship+silence+unasked": ("survivorship+silence+unasked", "left+silent+unasked"),
    "arrival+return": ("arrival+return", "new+back"),
}
_READINGS = frozenset(
    {
        "satisfaction",
        "employee_satisfaction",
        "service_level",
        "sla_attainment",
        "revenue",
        "profit",
        "retention",
        "cooperation",
    }
)
_PEOPLE = frozenset({"satisfaction", "employee_satisfaction", "cooperation"})
FEWEST_SHOWN = 5


def reading_row(reading: Reading, review: Review, words: Words, number: int) -> ReadingRow:
    """A reading with its two changes, its verdict and its parts."""
    figures = shown(reading)
    unit, currency, places = reading.unit, review.currency, figures.decimals
    spell = Spell(words, unit, currency, places)

    def moved(value: float, *, bare: bool = False) -> str:
        return words.moved(value, unit, currency, places, bare=bare)

    def interval(middle: float | None, half: float | None) -> str:
        if middle is None or half is None:
            return words("readings.no_interval")
        if half == 0:
            return words("word.exact") if is_exact(reading) else words("readings.no_interval")
        return words("word.to", low=moved(middle - half, bare=True), high=moved(middle + half, bare=True))

    held = figures.like_for_like
    fall = waterfall(reading)
    about = subtitle(reading, review, words)

    def part_value(value: float) -> str:
        return words.moved(value, unit, currency, fall.decimals, bare=True)

    def level(value: float, digits: int) -> str:
        return words.shown(value, unit, currency, digits)

    parts = tuple(
        PartRow(
            words.named("part", step.part.id),
            _part_about(reading, step.part.id, words),
            part_value(step.value),
            held=step.part.like_for_like,
            cause=step.part.id == reading.cause,
        )
        for step in fall.steps
    )
    chain = level(fall.before, fall.decimals)
    for step in fall.steps:
        sign = "\u2212" if step.value < 0 else "+"
        chain += f" {sign} {words.moved(abs(step.value), unit, currency, fall.decimals, bare=True).lstrip('+')}"
    return ReadingRow(
        reading=reading,
        anchor=f"reading-{number}",
        name=title(reading, words),
        about=about,
        figures=figures,
        headline=moved(figures.change),
        from_to=words("word.to", low=level(figures.before, places), high=level(figures.after, places)),
        headline_interval=interval(figures.change, figures.headline_half),
        held=words("word.not_formed") if held is None else moved(held),
        interval="" if held is None else interval(held, figures.half),
        material=spell(reading.material),
        verdict=words(f"verdict.{reading.verdict.value}"),
        marked=reading.verdict in MARKED,
        cause="" if reading.cause is None else words.named("part", reading.cause).lower(),
        cause_name=words("readings.no_cause") if reading.cause is None else words.named("part", reading.cause),
        firm=""
        if reading.verdict is Verdict.UNCLEAR
        else words("readings.firm" if reading.firm else "readings.not_firm"),
        would_be=""
        if reading.would_be is None
        else words("readings.would_be", verdict=words(f"verdict.{reading.would_be.value}").lower()),
        words=in_words(reading, words),
        settle=settle(reading, words, spell),
        blind=blind(reading, words),
        parts=parts,
        before=level(fall.before, fall.decimals),
        after=level(fall.after, fall.decimals),
        change=words.moved(fall.change, unit, currency, fall.decimals),
        subtotal=""
        if fall.like_for_like is None
        else words(
            "opened.subtotal",
            value=words.moved(fall.like_for_like, unit, currency, fall.decimals),
        ),
        check=words("word.check", sum=chain, total=level(fall.after, fall.decimals)),
        counts=tuple((words.named("count", key), words.number(count)) for key, count in reading.counts.items()),
        also=tuple(flat_also(reading.also, unit, currency, words)),
    )


def _part_about(reading: Reading, part: str, words: Words) -> str:
    keys = (f"part_about.{reading.id}.{part}", f"part_about.{part}")
    about = next((words(key) for key in keys if words.has(key)), "")
    if reading.id not in _PEOPLE or part not in _COUNTED or "stayed" not in reading.counts:
        return about
    count = next((reading.counts[key] for key in _COUNTED[part] if key in reading.counts), None)
    shown_count = words("word.fewer") if count is None or 0 < count < FEWEST_SHOWN else words.number(count)
    return f"{shown_count}: {about}" if about else shown_count


_SHARES = ("share", "rate", "response", "top", "rest", "proportion", "inflation", "loyalty")
_INTERVAL = frozenset({"share", "low", "high"})
_OTHER = frozenset({"verdict", "as_reported", "like_for_like"})


def flat_also(
    also: Mapping[str, object], unit: str, currency: str, words: Words, names: tuple[str, ...] = ()
) -> Iterator[tuple[str, str]]:
    """What else a reading says, one name and one text each; nested tables are named by their path."""
    for key, value in also.items():
        path = (*names, str(key))
        name = ", ".join(words.named("also", part) for part in path)
        if isinstance(value, Mapping) and value.keys() >= _INTERVAL:
            yield name, _estimate(value, words)
        elif isinstance(value, Mapping) and value.keys() >= _OTHER:
            yield name, _other(value, unit, currency, words)
        elif isinstance(value, Mapping):
            yield from flat_also(value, unit, currency, words, path)
        elif isinstance(value, (list, tuple)) and any(isinstance(item, (list, tuple, Mapping)) for item in value):
            for number, item in enumerate(value, 1):
                yield from flat_also({str(number): item}, unit, currency, words, path)
        elif isinstance(value, (list, tuple)):
            yield name, words.listed([_also_text(path, item, unit, currency, words) for item in value]) or DASH
        else:
            yield name, _also_text(path, value, unit, currency, words)


def _estimate(value: Mapping[str, object], words: Words) -> str:
    """A share with its interval, and of how many: 9.0 % (7.0 % to 12.0 %) of 610."""
    share, low, high = (_also_text(("share",), value[key], "share", "", words) for key in ("share", "low", "high"))
    many = next((value[key] for key in ("n", "of", "den") if isinstance(value.get(key), int)), None)
    interval = words("word.to", low=low, high=high)
    return f"{share} ({interval})" if many is None else words("word.of", num=f"{share} ({interval})", den=many)


def _other(value: Mapping[str, object], unit: str, currency: str, words: Words) -> str:
    """The verdict against another period, with its two changes."""

    def moved(change: object) -> str:
        if not isinstance(change, (int, float)) or not math.isfinite(change):
            return words("word.not_formed")
        places = {"share": 1, "money": 0}.get(unit, 2)
        return words.moved(change * shown_scale(unit), unit, currency, places)

    return words(
        "word.against",
        verdict=words.named("verdict", str(value["verdict"])).lower(),
        as_reported=moved(value["as_reported"]),
        like_for_like=moved(value["like_for_like"]),
    )


def _also_text(  # noqa: PLR0911 - one kind of value a line
    path: tuple[str, ...], value: object, unit: str, currency: str, words: Words
) -> str:
    if value is None:
        return words("word.not_known")
    if isinstance(value, bool):
        return words("word.yes" if value else "word.no")
    if isinstance(value, Verdict):
        return words(f"verdict.{value.value}").lower()
    if isinstance(value, date):
        return words.day(value)
    if isinstance(value, int):
        return words.number(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            return words("word.not_known")
        joined = "_".join(path)
        if unit == "share" or any(word in joined for word in _SHARES):
            return words.percent(value)
        return words.money(value, currency) if unit == "money" else words.number(value, 2)
    text = str(value)
    return words(f"verdict.{text}").lower() if words.has(f"verdict.{text}") else clean(text)


def pins(kpi: Kpi, unit: str, currency: str, words: Words) -> list[tuple[str, str]]:
    """What a KPI's wording pins down."""
    found = [
        (words("pin.queues"), _names(kpi.queues, words)),
        (words("pin.channels"), _names(kpi.channels, words)),
    ]
    if kpi.measure == "service_level":
        found += [
            (words("pin.answer_within"), words.figure(kpi.answer_within_s, "seconds", places=0)),
            (words("pin.short_abandon"), words.figure(kpi.short_abandon_s, "seconds", places=0)),
            (words("pin.abandons"), words(f"abandons.{kpi.abandons.value}")),
        ]
    if kpi.measure in {"repeat_contact", "reopen"}:
        found.append((words("pin.within_days"), words("pin.days", days=kpi.within_days)))
    if kpi.measure in {"csat", "nps"}:
        if kpi.instrument:
            found.append((words("pin.instrument"), words.named("survey", kpi.instrument)))
        if kpi.measure == "csat":
            found.append((words("pin.formula"), words.named("pin", kpi.formula)))
    if kpi.target is not None:
        found.append((words("pin.target"), words.figure(kpi.target, unit, currency)))
    if kpi.valid_from != date.min:
        found.append((words("pin.valid_from"), words.day(kpi.valid_from)))
    if kpi.agreed_on is not None:
        found.append((words("pin.agreed_on"), words.day(kpi.agreed_on)))
    return found


def _names(names: tuple[str, ...], words: Words) -> str:
    return words("word.all") if names == ("*",) else ", ".join(clean(name) for name in names)


# Paid, missing, lateness -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PaidRow:
    """What became of a share of what was paid."""

    name: str
    of_100: str
    amount: str
    share: float
    answers_for: str | None


def paid_rows(paid: Paid, review: Review, words: Words) -> list[PaidRow]:
    """Shares and amounts, each column adding up as shown."""
    keys = list(paid.shares)
    hundredths = largest_remainder([paid.shares[key] * HUNDRED * 100 for key in keys])
    places = 0 if abs(paid.amount) >= 1000 else 2  # noqa: PLR2004 - as in the readings
    back = 10**places
    amounts = [paid.amounts.get(key, paid.shares[key] * paid.amount) * back for key in keys]
    amounts_shown = largest_remainder(amounts, round(paid.amount * back))
    return [
        PaidRow(
            words.named("paid", key),
            words.money(cents / 100, review.currency, 2),
            words.money(amount / back, review.currency, places),
            paid.shares[key],
            paid.answers_for.get(key),
        )
        for key, cents, amount in zip(keys, hundredths, amounts_shown, strict=True)
    ]


def paid_amount(paid: Paid, review: Review, words: Words) -> str:
    """The whole that was invoiced, with the decimals of its rows."""
    return words.money(paid.amount, review.currency, 0 if abs(paid.amount) >= 1000 else 2)  # noqa: PLR2004 - as its rows


def paid_cost(paid: Paid, review: Review, words: Words) -> str:
    """What one contact in target cost."""
    if paid.cost_per_contact_in_target is None:
        return words("paid.no_cost")
    cost = words.money(paid.cost_per_contact_in_target, review.currency, 2)
    return words("paid.cost", cost=cost, contacts=words.number(paid.contacts_in_target))


def unformed(review: Review) -> list[Missing]:
    """The readings that could not be formed, each once; they stand at the foot of the table of readings."""
    known = {reading.id for reading in review.readings}
    found = {missing.reading: missing for missing in reversed(review.missing) if missing.reading not in known}
    return [missing for missing in reversed(found.values()) if missing.reading in _READINGS]


def missing_name(missing: Missing, words: Words) -> str:
    """What could not be formed: a reading, a measure, or a KPI by its id."""
    for family in ("reading", "measure"):
        if words.has(f"{family}.{missing.reading}"):
            return words(f"{family}.{missing.reading}")
    return words("paid.title") if missing.reading == "paid" else clean(missing.reading.replace("_", " "))


def missing_why(missing: Missing, words: Words) -> str:
    """Why it could not be formed, and the particulars."""
    key = f"missing.{missing.why}"
    sentence = words(key) if words.has(key) else clean(missing.why)
    particulars = "; ".join(f"{name}: {text}" for name, text in flat_also(missing.detail, "count", "", words))
    return f"{sentence} ({particulars})" if particulars else sentence


def late_cells(late: Mapping[str, object], review: Review, words: Words) -> dict[str, str]:
    """A source's table, who delivers it, by when, and what came last."""
    by = late.get("by")
    state = late.get("late")
    return {
        "table": clean(str(late.get("table") or DASH)),
        "by": str(by.value if isinstance(by, Side) else by or ""),
        "by_name": words.side(by if isinstance(by, (Side, str)) else None, review.parties),
        "due": clean(str(late.get("due") or DASH)),
        "last": words("late.never") if late.get("last") in (None, "") else _moment(late["last"], words),
        "state": "" if state is None else words("late.late" if state else "late.on_time"),
        "late": "yes" if state else "",
    }


def _moment(value: object, words: Words) -> str:
    return words.day(value) if isinstance(value, date) else clean(str(value))
