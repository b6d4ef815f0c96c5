"""What each reading is called and what it says in words: one sentence of at most twenty words."""

import math
import re

from comity.core.agreements.kpi import Abandons, Kpi
from comity.core.readings.reading import Reading
from comity.core.readings.verdict import Verdict
from comity.core.values import Period
from comity.review.i18n.words import NO_BREAK, Words, clean
from comity.review.model import Level, Review
from comity.review.readings import reading_compares_people
from comity.review.views.rounding import half_width

_SURVEY = re.compile(
    r"(?P<instrument>\S+) (?P<low>-?[\d.]+)-(?P<high>-?[\d.]+)(?: (?P<by>customer|provider|third_party))?"
)
_MOST_TIMES = 1000
_WEEK = 7
_MOST_WEEKS = 260  # five years: no contract is compared with one before over more


def title(reading: Reading, words: Words) -> str:
    """The reading's name."""
    return words.named("reading", reading.id)


def subtitle(reading: Reading, review: Review, words: Words) -> str:
    """What is read, in one line: the survey and who asked, the KPI's wording, or what the reading is about."""
    match = _SURVEY.fullmatch(reading.variant or "")
    if match:
        scale = words("word.to", low=match["low"], high=match["high"]).replace(" ", NO_BREAK)
        instrument = words.named("survey", match["instrument"])
        if match["by"] is None:
            return words("survey.unasked", instrument=instrument, scale=scale)
        asked_by = words.named("survey", match["by"])
        return words("survey.variant", instrument=instrument, scale=scale, conducted_by=asked_by)
    definition = definition_of(reading, review)
    if definition is not None:
        about = measure_about(definition, words)
        same = reading.variant in (None, definition.measure)
        return about if same else f"{clean(str(reading.variant).replace('_', ' '))}: {about}"
    if reading.variant and reading.variant != reading.id:
        return clean(reading.variant)
    key = f"reading_about.{reading.id}"
    return words(key) if words.has(key) else clean(reading.variant or "")


def measure_about(kpi: Kpi, words: Words, *, short_known: bool = True) -> str:
    """A KPI's measure in a line, with its pins; `short_known` as for `abandons_about`."""
    key = f"measure_about.{kpi.measure}"
    if not words.has(key):
        return clean(kpi.measure)
    return words(
        key,
        within=_seconds(kpi.answer_within_s, words),
        abandons=abandons_about(kpi, words, short_known=short_known),
        days=kpi.within_days,
    )


def abandons_about(kpi: Kpi, words: Words, *, short_known: bool = True) -> str:
    """Which abandons a KPI's formula leaves out, with their seconds.

    :param short_known: whether the records tell which abandons were short; where they do not, none is left out
    """
    if kpi.measure == "service_level" and kpi.abandons is not Abandons.EXCLUDE_SHORT:
        return words(f"abandons.{kpi.abandons.value}")
    if kpi.short_abandon_s is None:
        return words("abandons.count")
    if not short_known:
        return words("abandons.not_known", short=_seconds(kpi.short_abandon_s, words))
    return words("abandons.within", short=_seconds(kpi.short_abandon_s, words))


def _seconds(value: float, words: Words) -> str:
    return words.number(value, 0 if float(value).is_integer() else 1)


def level_title(level: Level, words: Words) -> str:
    """A level's name."""
    return kpi_title(level.kpi, level.measure, words)


def kpi_title(kpi: str, measure: str, words: Words) -> str:
    """A KPI's name; one whose id is not its measure's bears what the id adds, and says nothing twice."""
    name = words.named("measure", measure)
    own = clean(" ".join(kpi.replace(measure, " ").replace("_", " ").split()))
    return words("headline.named", name=name, variant=own) if own else name


def capital(text: str) -> str:
    """The text with a capital at its beginning and the rest as it is."""
    return text[:1].upper() + text[1:]


def definition_of(reading: Reading, review: Review) -> Kpi | None:
    """The KPI in force that a reading rests on, where it rests on one."""
    by_variant = [level for level in review.levels if level.kpi == reading.variant]
    by_measure = [level for level in review.levels if level.measure == reading.id]
    levels = by_variant or by_measure
    return levels[0].definition if levels else None


def cause_clause(reading: Reading, words: Words) -> str:
    """The cause as a clause, by the direction in which it moved the figure."""
    if reading.cause is None:
        return words("because.any", cause=words("word.not_known"))
    value = sum(part.value for part in reading.parts if part.id == reading.cause)
    # Without an index nobody knows what of it is inflation.
    unknown = reading.cause == "price" and reading.also.get("inflation", 0.0) is None
    cause = "price_without_index" if unknown else reading.cause
    key = f"because.{cause}.{'up' if value >= 0 else 'down'}"
    if words.has(key):
        return words(key)
    return words("because.any", cause=words.named("part", reading.cause).lower())


def direction(reading: Reading) -> str:
    """Which way the sentence speaks: of the thing where it moved, of the figure where only that did."""
    change = reading.like_for_like
    moved = reading.headline.change
    if reading.verdict is not Verdict.ILLUSORY and change is not None:
        moved = change.change
    return "up" if moved >= 0 else "down"


def reading_sentence(reading: Reading, words: Words) -> str:
    """What the reading says, in at most twenty words."""
    if reading.verdict is Verdict.STEADY:
        return words("telling.steady.any")
    if reading.verdict is Verdict.UNCLEAR:
        return words(f"telling.unclear.{_unclear(reading, words)}")
    key = f"telling.{reading.verdict.value}.{direction(reading)}"
    if reading.verdict is Verdict.GENUINE:
        return words(key)
    return words(key, because=cause_clause(reading, words))


def _unclear(reading: Reading, words: Words) -> str:
    """Why a verdict is unclear: a rule's own cause, what could not be formed, or too few data."""
    if reading.cause is not None and words.has(f"telling.unclear.{reading.cause}"):
        return reading.cause
    if reading.like_for_like is None or reading.like_for_like.se is None or reading.headline.se is None:
        return "not_formed"
    moved = abs(reading.headline.change) >= reading.material
    beyond = half_width(reading.headline, reading.z)
    return "moved" if moved and beyond is not None and abs(reading.headline.change) > beyond else "any"


def settle_sentence(reading: Reading, period: Period, words: Words, spell: "ChangeFormat") -> str:
    """What would settle an unclear verdict: how many weeks, or answers, a narrow enough interval takes.

    The half width shrinks with the square root of the units, so (z s_h / m)² times as many are needed; where those
    are weeks, a period as much longer has them.
    """
    half = half_width(reading.like_for_like, reading.z)
    if reading.verdict is not Verdict.UNCLEAR or not half or reading.material <= 0 or half <= reading.material:
        return ""
    times = (half / reading.material) ** 2
    if not reading_compares_people(reading.id) or reading.also.get("design") == "touch":
        weeks = math.ceil((period.end - period.start).days / _WEEK * times)
        key = "readings.settle_weeks" if weeks <= _MOST_WEEKS else "readings.settle_never"
        return words(key, material=spell(reading.material), half=spell(half), weeks=words.number(weeks))
    shown = words("readings.more") if times > _MOST_TIMES else words.number(times, 1 if times < 10 else 0)  # noqa: PLR2004 - 1.4 times, 23 times
    return words("readings.settle", material=spell(reading.material), half=spell(half), times=shown)


def blind_spot(reading: Reading, words: Words) -> str:
    """The sentence that says what a reading cannot see."""
    for key in (f"blind.{reading.blind}", reading.blind, f"blind.{reading.id}", "blind.any"):
        if words.has(key):
            return words(key)
    return ""


class ChangeFormat:
    """How one reading's unsigned figures are written."""

    def __init__(self, words: Words, unit: str, currency: str, places: int) -> None:
        """Remember the unit and the decimals."""
        self.words, self.unit, self.currency, self.places = words, unit, currency, places

    def __call__(self, value: float) -> str:
        """The size of a change, in the reading's unit, without a sign."""
        scale = 100.0 if self.unit == "share" else 1.0
        return self.words.change(abs(value) * scale, self.unit, self.currency, self.places).lstrip("+")
