"""Every word and every number as the reader's language has them; nothing on screen is written elsewhere."""

import math
import tomllib
import unicodedata
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from functools import cache, lru_cache
from importlib import resources
from typing import Self

from babel import Locale, dates, numbers

from comity.core.calendars import Cut
from comity.core.values import Period, Side

LOCALES = {"en": "en_GB", "es": "es_ES"}
MINUS, NO_BREAK, DASH = "\u2212", "\u00a0", "\u2013"
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})  # control, format (text that runs backwards), private
_KEPT = frozenset({"\n", "\u00ad", "\u200d"})


class UnknownLanguageError(ValueError):
    """A language that no catalogue speaks."""

    def __init__(self, language: str) -> None:
        """Say which, and which ones are spoken."""
        super().__init__(f"{language!r} is not a language of the review; choose one of {', '.join(LOCALES)}")


def clean(text: str) -> str:
    """Text from records without what could steer a terminal or run backwards; such characters become U+FFFD."""
    # What is printable is in none of the hidden categories; spaces that do not break are only no ordinary ones.
    if text.replace(NO_BREAK, " ").isprintable():
        return text
    return "".join(
        character if character in _KEPT or unicodedata.category(character) not in _HIDDEN else "\ufffd"
        for character in text
    )


def flatten(tree: Mapping[str, object], prefix: str = "") -> dict[str, str]:
    """A catalogue's tables as dotted keys."""
    sentences: dict[str, str] = {}
    for key, value in tree.items():
        if isinstance(value, Mapping):
            sentences |= flatten(value, f"{prefix}{key}.")
        else:
            sentences[f"{prefix}{key}"] = str(value)
    return sentences


@cache
def catalogue(language: str) -> Mapping[str, str]:
    """The sentences of a language, by dotted key.

    :raises UnknownLanguageError: for a language without a catalogue
    """
    if language not in LOCALES:
        raise UnknownLanguageError(language)
    file = resources.files("comity.review.i18n").joinpath(f"{language}.toml")
    return flatten(tomllib.loads(file.read_text(encoding="utf-8")))


def words_of(language: str) -> "Words":
    """The words of a language, loaded once.

    :raises UnknownLanguageError: for a language without a catalogue
    """
    return Words(language)


@lru_cache(maxsize=4096)
def _day(day: date, language: str, *, year: bool) -> str:
    """Lists say the same days many times over, and to write one out is the dearest thing in a row."""
    locale = Locale.parse(LOCALES[language])
    text = dates.format_date(day, "long", locale) if year else dates.format_skeleton("MMMMd", day, locale=locale)
    return text.replace(" ", NO_BREAK)


class Number(str):
    """A number as it is written, with the plural form that it takes.

    A sentence chooses its words by that form, singular before plural: `{rows} {rows:row|rows}`. A language with a form
    of its own for many, as Spanish has for a million, may have it between the two; without it many are as several.
    """

    __slots__ = ("form",)
    form: str

    def __new__(cls, text: str, form: str = "other") -> Self:
        """The number's text, and its form by the rules of CLDR: one, many or other."""
        number = super().__new__(cls, text)
        number.form = form
        return number

    def __format__(self, spec: str) -> str:
        """The number itself, or the words of `singular|plural` that go with it."""
        if "|" not in spec:
            return str(self)
        one, *several = spec.split("|")
        if self.form == "one":
            return one
        return several[0] if self.form == "many" else several[-1]


_LONG_S = 3 * 3600  # from here on hours are read more easily than seconds


class Words:
    """A reader's language: sentences by key, and numbers, money and dates in its own format."""

    def __init__(self, language: str, sentences: Mapping[str, str] | None = None) -> None:
        """The catalogue of a language, or sentences that stand in its place."""
        self.language = language
        self._sentences = catalogue(language) if sentences is None else sentences
        self._locale = Locale.parse(LOCALES[language])

    def __call__(self, key: str, **values: object) -> str:
        """The sentence of a key, its places filled. A key that is not there is a mistake of ours: KeyError."""
        if not values:
            return self._sentences[key]
        ends = {name: str(value) for name, value in values.items() if str(value).endswith(".")}
        sentence = self._sentences[key]
        if "|" in sentence:  # it chooses words by how many there are
            values = {name: self.number(value) if type(value) is int else value for name, value in values.items()}
        text = sentence.format(**values)
        for value in ends.values():  # an abbreviation's full stop closes the sentence too
            text = text.replace(f"{value}.", value)
        return text

    def has(self, key: str) -> bool:
        """Whether there is a sentence of this key."""
        return key in self._sentences

    def named(self, family: str, name: str) -> str:
        """The word for a name that may come from elsewhere; unknown ones are shown as they are, spaced."""
        key = f"{family}.{name}"
        if key in self._sentences:
            return self._sentences[key]
        if "+" in name:  # parts that stand as one
            first, *rest = (self.named(family, one) for one in name.split("+"))
            return self.listed([first, *(one.lower() for one in rest)])
        return clean(name.replace("_", " "))

    # numbers -------------------------------------------------------------------------------------

    def number(self, value: float, places: int = 0) -> Number:
        """A number with exactly `places` decimals, a real minus, and no minus before zero."""
        if not math.isfinite(value):
            return Number(DASH)
        rounded = round(value, places)
        pattern = "#,##0" + ("." + "0" * places if places else "")
        text = numbers.format_decimal(abs(rounded), format=pattern, locale=self._locale)
        # As it is written: 1.0 is no singular in English.
        form = self._locale.plural_form(Decimal(f"{abs(rounded):.{places}f}"))
        return Number(f"{MINUS}{text}" if rounded < 0 else text, form)

    def number_typed(self, value: Decimal) -> str:
        """A number as it is typed into a field: all its decimals, no thousands separators."""
        point = numbers.get_decimal_symbol(self._locale)
        return f"{value.normalize():f}".replace(".", point)

    def signed(self, value: float, places: int = 0) -> str:
        """A change: a plus on what rises, a minus on what falls, nothing on zero."""
        text = self.number(value, places)
        return f"+{text}" if round(value, places) > 0 else text

    def percent(self, value: float, places: int = 1) -> str:
        """A share (0 to 1) in per cent, with a no-break space."""
        return f"{self.number(value * 100, places)}{NO_BREAK}%"

    def money(self, value: float, currency: str, places: int = 0, *, signed: bool = False) -> str:
        """An amount with the currency's sign, where the language puts it."""
        rounded = round(value, places)
        pattern = self._locale.currency_formats["standard"].pattern.split(";")[0].replace("0.00", "0")
        if places:
            pattern = pattern.replace("#,##0", "#,##0." + "0" * places)
        text = numbers.format_currency(
            abs(rounded), currency, format=pattern, locale=self._locale, currency_digits=False
        )
        sign = MINUS if rounded < 0 else "+" if signed and rounded > 0 else ""
        return sign + text.replace(" ", NO_BREAK)

    def figure(self, value: float | None, unit: str, currency: str = "", places: int | None = None) -> str:
        """A level in its unit; `value` is a share (0 to 1), seconds, points, money, a count or a ratio."""
        if value is None or not math.isfinite(value):
            return self("word.not_known")
        if unit == "share":
            return self.percent(value, 1 if places is None else places)
        if unit == "money":
            return self.money(value, currency, places or 0)
        if unit == "count":
            return self.number(value, places or 0)
        if unit == "seconds":
            is_long = places is None and abs(value) >= _LONG_S
            shown, sign = (value / 3600, "h") if is_long else (value, "s")
            return f"{self.number(shown, 1 if places is None else places)}{NO_BREAK}{sign}"
        return self.number(value, 2 if places is None else places)

    def level(self, value: float, unit: str, currency: str, places: int) -> str:
        """A level whose value is already in shown units (per cent for shares)."""
        if unit == "money":
            return self.money(value, currency, places)
        return self.number(value, places) + (f"{NO_BREAK}%" if unit == "share" else "")

    def change(self, value: float, unit: str, currency: str, places: int, *, bare: bool = False) -> str:
        """A change in shown units: points of per cent for shares; `bare` without the word for the unit."""
        if unit == "money":
            return self.money(value, currency, places, signed=True)
        text = self.signed(value, places)
        word = {"share": self("word.pts"), "seconds": "s"}.get(unit)
        return text if bare or word is None else f"{text}{NO_BREAK}{word}"

    # days ----------------------------------------------------------------------------------------

    def day(self, day: date, *, year: bool = True) -> str:
        """A day: 17 July 2026. The parts that belong together do not break."""
        return _day(day, self.language, year=year)

    def full_day(self, day: date) -> str:
        """A day with its name: Wednesday 15 July 2026."""
        text = dates.format_date(day, "full", self._locale).replace(",", "")
        return text[:1].upper() + text[1:]

    def short_day(self, day: date) -> str:
        """A day as short as may be, for the foot of a chart: 17 Jul."""
        return dates.format_skeleton("MMMd", day, locale=self._locale).replace(" ", NO_BREAK)

    def weekday(self, number: int, *, wide: bool = False) -> str:
        """The name of a day of the week, from 0 for Monday; `wide` in full, as within a sentence."""
        if wide:
            return str(dates.get_day_names("wide", context="format", locale=self._locale)[number])
        return str(dates.get_day_names("abbreviated", context="stand-alone", locale=self._locale)[number])

    def days(self, period: Period) -> str:
        """The first and the last day of a period, the year said once where it is the same."""
        last = period.end - timedelta(days=1)
        return self(
            "word.from_to",
            first=self.day(period.start, year=period.start.year != last.year),
            last=self.day(last),
        )

    def period(self, period: Period, cut: Cut, *, short: bool = False) -> str:
        """The name of a period: Q2 2026, May 2026, week 23 of 2026, 2026."""
        start = period.start
        year = start.year
        if cut is Cut.WEEK:
            year, week, _ = start.isocalendar()
            return self("period.week_short" if short else "period.week", week=week, year=year)
        if cut is Cut.YEAR:
            return str(year)
        if cut is Cut.QUARTER:
            shown = f"{year % 100:02}" if short else str(year)
            return self("period.quarter", quarter=(start.month - 1) // 3 + 1, year=shown).replace(" ", NO_BREAK)
        skeleton = "yyMMM" if short else "yMMMM"
        return dates.format_skeleton(skeleton, start, locale=self._locale).replace(" ", NO_BREAK)

    def side(self, side: Side | str | None, parties: Mapping[Side, str]) -> str:
        """The name of a side's party; `both` and None have words of their own."""
        if side in (Side.CUSTOMER, Side.PROVIDER):
            return clean(parties.get(Side(side), self(f"side.{side}")))
        return self("side.both") if side == "both" else self("word.not_known")

    def listed(self, items: list[str]) -> str:
        """One, two or more things in a row: a, b and c."""
        if len(items) < 2:  # noqa: PLR2004 - nothing to join
            return "".join(items)
        return self("word.list", most=", ".join(items[:-1]), last=items[-1])
