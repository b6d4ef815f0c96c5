"""A reading as finished text: its two changes, the verdict in words, and parts that add up as shown."""

from collections.abc import Mapping
from dataclasses import dataclass

from comity.core.disclosure_control import FEWEST
from comity.core.readings.reading import Reading
from comity.core.readings.verdict import Verdict
from comity.review.i18n.words import DASH, Words
from comity.review.model import ConfirmedReading, Review
from comity.review.readings import reading_compares_people
from comity.review.views.details import detail_rows
from comity.review.views.rounding import MARKED, RoundedFigures, is_exact, round_figures, waterfall
from comity.review.views.sentences import ChangeFormat, blind_spot, reading_sentence, settle_sentence, subtitle, title


def reading_key(reading: Reading, review: Review) -> str:
    """By which a reading is found in a review of any period: its id, and its variant where there are several."""
    several = sum(other.id == reading.id for other in review.readings) > 1
    return f"{reading.id}:{reading.variant}" if several and reading.variant else reading.id


def find_reading(review: Review, key: str) -> Reading | None:
    """The reading that is known by this; by an id alone the first of it."""
    same = [one for one in review.readings if reading_key(one, review) == key]
    alike = [one for one in review.readings if one.id == key.partition(":")[0]]
    return next(iter([*same, *(alike if ":" not in key or len(alike) == 1 else [])]), None)


@dataclass(frozen=True, slots=True)
class ConfirmedRow:
    """A disputed reading of a final period: its name, what was confirmed, and what is said beside it."""

    name: str
    text: str
    marks: tuple[str, ...]


def marks_of(reading: Reading, review: Review, marks: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """What is said beside a reading: that it is disputed; what is said of a level of the same name is not."""
    levels = {one.kpi for one in review.levels}
    keys = [key for key in marks if key not in levels and find_reading(review, key) is reading]
    return tuple(dict.fromkeys(mark for key in keys for mark in marks[key]))


def confirmed_text(confirmed: ConfirmedReading, review: Review, words: Words) -> str:
    """The value with which a disputed reading became final, and whether the records still give it."""
    value = DASH if confirmed.value is None else words.figure(confirmed.value, confirmed.unit, review.currency)
    return words("readings.confirmed" if confirmed.same else "readings.confirmed_then", value=value)


def confirmed_rows(review: Review, words: Words, marks: Mapping[str, tuple[str, ...]]) -> list[ConfirmedRow]:
    """The confirmed readings that have no row: the records no longer give them, or they are of people."""
    return [
        ConfirmedRow(words.named("reading", one.id), confirmed_text(one, review, words), marks.get(one.key, ()))
        for one in review.confirmed_readings
        if find_reading(review, one.key) is None
    ]


@dataclass(frozen=True, slots=True)
class PartRow:
    """One part of a change, rounded so that the parts add up as shown."""

    name: str
    about: str
    value: str
    like_for_like: bool
    cause: bool
    sentence: str  # what it is in plain words, which a page says first; empty where the name is all
    count: str
    shown: bool  # whether it has a row of its own: it is not 0 as shown, or it is what one looks for

    @property
    def lead(self) -> str:
        """What a row begins with: the sentence rather than the name."""
        text = self.sentence or self.name
        return f"{text[:1].upper()}{text[1:]}"


@dataclass(frozen=True, slots=True)
class ReadingRow:
    """One reading, ready to be read."""

    reading: Reading
    anchor: str
    name: str
    label: str  # the name, with what tells it from another of the same name
    about: str
    figures: RoundedFigures
    headline: str
    from_to: str
    headline_interval: str
    like_for_like: str
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
    others: str
    check: str
    counts: tuple[tuple[str, str], ...]
    also: tuple[tuple[str, str], ...]


_ALONE = 1
_GROUPS = ("stayed", "left", "silent", "unasked", "new", "back")
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


def reading_row(reading: Reading, review: Review, words: Words, number: int) -> ReadingRow:
    """A reading with its two changes, its verdict and its parts."""
    figures = round_figures(reading)
    unit, currency, places = reading.unit, review.currency, figures.decimals
    spell = ChangeFormat(words, unit, currency, places)

    def moved(value: float, *, bare: bool = False) -> str:
        return words.change(value, unit, currency, places, bare=bare)

    def interval(middle: float | None, half: float | None) -> str:
        if middle is None or half is None:
            return words("readings.no_interval")
        if half == 0:
            counted = is_exact(reading) or unit == "money"  # what was invoiced is no sample, whatever its days weigh
            return words("word.exact" if counted else "readings.no_interval")
        return words("word.to", low=moved(middle - half, bare=True), high=moved(middle + half, bare=True))

    like_for_like = figures.like_for_like
    steps = waterfall(reading)
    about = subtitle(reading, review, words)

    def part_value(value: float) -> str:
        return words.change(value, unit, currency, steps.decimals, bare=True)

    def level(value: float, digits: int) -> str:
        return words.level(value, unit, currency, digits)

    alone = sum(step.part.like_for_like for step in steps.steps) == _ALONE
    parts = tuple(
        PartRow(
            words.named("part", step.part.id),
            _part_about(reading, step.part.id, words),
            part_value(step.value),
            like_for_like=step.part.like_for_like,
            cause=step.part.id == reading.cause,
            sentence=_part_sentence(reading, step.part.id, words),
            count=_part_count(reading, step.part.id, words),
            shown=bool(step.value) or step.part.id == reading.cause or (alone and step.part.like_for_like),
        )
        for step in steps.steps
    )
    others = [_other_part(part) for part in parts if not part.shown]
    chain = level(steps.before, steps.decimals)
    for step in steps.steps:
        sign = "\u2212" if step.value < 0 else "+"
        chain += f" {sign} {words.change(abs(step.value), unit, currency, steps.decimals, bare=True).lstrip('+')}"
    return ReadingRow(
        reading=reading,
        anchor=f"reading-{number}",
        name=title(reading, words),
        label=_label(reading, about, review, words),
        about=about,
        figures=figures,
        headline=moved(figures.change),
        from_to=words("word.to", low=level(figures.before, places), high=level(figures.after, places)),
        headline_interval=interval(figures.change, figures.headline_half),
        like_for_like=words("word.not_formed") if like_for_like is None else moved(like_for_like),
        interval="" if like_for_like is None else interval(like_for_like, figures.half),
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
        words=reading_sentence(reading, words),
        settle=settle_sentence(reading, review.period, words, spell),
        blind=blind_spot(reading, words),
        parts=parts,
        before=level(steps.before, steps.decimals),
        after=level(steps.after, steps.decimals),
        change=words.change(steps.change, unit, currency, steps.decimals),
        subtotal=""
        if steps.like_for_like is None
        else words(
            "opened.subtotal",
            value=words.change(steps.like_for_like, unit, currency, steps.decimals),
        ),
        others=words("opened.others", parts="; ".join(others)) if others else "",
        check=words("word.check", sum=chain, total=level(steps.after, steps.decimals)),
        counts=tuple((words.named("count", key), words.number(count)) for key, count in reading.counts.items()),
        also=tuple(detail_rows(reading.also, unit, currency, words)),
    )


def counted_rows(row: ReadingRow, words: Words) -> tuple[tuple[str, str], ...]:
    """What a reading counted, by name; of people each group, where one that is absent holds fewer than five."""
    counts = row.reading.counts
    if not reading_compares_people(row.reading.id) or "stayed" not in counts:
        return row.counts
    groups = [
        (words(f"count.{key}"), words.number(counts[key]) if key in counts else words("word.fewer")) for key in _GROUPS
    ]
    others = [(words.named("count", key), words.number(count)) for key, count in counts.items() if key not in _GROUPS]
    return (*groups, *others)


def _label(reading: Reading, about: str, review: Review, words: Words) -> str:
    name = title(reading, words)
    return f"{name}, {about}" if sum(other.id == reading.id for other in review.readings) > 1 else name


def _part_about(reading: Reading, part: str, words: Words) -> str:
    return ": ".join(filter(None, (_part_count(reading, part, words), _part_sentence(reading, part, words))))


def _other_part(part: PartRow) -> str:
    aside = ", ".join(filter(None, (part.name if part.sentence else "", part.count)))
    return f"{part.sentence or part.name} ({aside})" if aside else part.name


def _part_sentence(reading: Reading, part: str, words: Words) -> str:
    families = (f"part_about.{reading.id}_{reading.also.get('design')}", f"part_about.{reading.id}", "part_about")
    keys = (f"{family}.{part}" for family in families)
    about = next((words(key) for key in keys if words.has(key)), "")
    if not about and "+" in part:
        about = words("part_about.together")
    return about


def _part_count(reading: Reading, part: str, words: Words) -> str:
    """How many people a part is about; empty where it is about none, or they are not counted."""
    if not reading_compares_people(reading.id) or part not in _COUNTED or "stayed" not in reading.counts:
        return ""
    count = next((reading.counts[key] for key in _COUNTED[part] if key in reading.counts), None)
    return words("word.fewer") if count is None or 0 < count < FEWEST else words.number(count)
