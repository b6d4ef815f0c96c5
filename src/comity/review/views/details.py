"""What else a level or a reading says, as one name and one text each."""

import math
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from comity.core.values import Period
from comity.review.i18n.words import DASH, Words, clean
from comity.review.views.rounding import shown_scale

_SHARES = ("share", "rate", "response", "top", "rest", "proportion", "inflation", "loyalty")
_INTERVAL = frozenset({"share", "low", "high"})
_BARE = ("_days", "_per_contact", "score_left", "mean")
SAID_ELSEWHERE = frozenset(
    {"design", "entered_by", "reported_months", "left_out", "counted_as"}  # said in a sentence elsewhere
)
_BOTH = frozenset({"before", "after"})
_OTHER = frozenset({"verdict", "as_reported", "like_for_like"})
_SERVICE_DAYS = frozenset({"basis", "before", "after", "scaled"})
MOST_DAYS = 6  # of a kind that are named one by one


def detail_rows(
    also: Mapping[str, object], unit: str, currency: str, words: Words, names: tuple[str, ...] = ()
) -> Iterator[tuple[str, str]]:
    """What else a reading says, one name and one text each; nested tables are named by their path."""
    for key, value in also.items():
        if key in SAID_ELSEWHERE:
            continue
        path = (*names, str(key))
        name = path_name(path, words)
        text = _as_one_text(path, value, unit, currency, words) if isinstance(value, Mapping) else None
        if text is not None:
            yield name, text
        elif isinstance(value, Mapping):
            yield from detail_rows(value, unit, currency, words, path)
        elif isinstance(value, (list, tuple)) and any(isinstance(item, (list, tuple, Mapping)) for item in value):
            for number, item in enumerate(value, 1):
                yield from detail_rows({str(number): item}, unit, currency, words, path)
        elif isinstance(value, (list, tuple)):
            yield name, words.listed([_detail_text(path, item, unit, currency, words) for item in value]) or DASH
        else:
            yield name, _detail_text(path, value, unit, currency, words)


def path_name(path: tuple[str, ...], words: Words) -> str:
    """A path of keys in words."""
    return ", ".join(words.named("also", part) for part in path)


def _as_one_text(
    path: tuple[str, ...], value: Mapping[str, object], unit: str, currency: str, words: Words
) -> str | None:
    """A table that is told in one text: an estimate, another verdict, two periods; None for any other."""
    if value.keys() >= _INTERVAL:
        return _estimate(value, words)
    if value.keys() >= _OTHER:
        return _other_comparison(value, unit, currency, words)
    if value.keys() >= _SERVICE_DAYS:
        return _service_days(value, words)
    if value.keys() == _BOTH:
        low, high = (_detail_text((*path, each), value[each], unit, currency, words) for each in ("before", "after"))
        return words("word.to", low=low, high=high)
    return _by_exclusions(path, value, unit, currency, words) if path[-1] == "exclusions" and value else None


def _by_exclusions(
    path: tuple[str, ...], value: Mapping[str, object], unit: str, currency: str, words: Words
) -> str | None:
    """A level with more and more left out, in one text; what leaves the level as it was is not repeated."""
    if len(value) > 1 and len(set(map(str, value.values()))) == 1:
        return words("word.no_difference")
    if any(isinstance(one, Mapping) for one in value.values()):
        return None
    told: list[str] = []
    before = None
    for key, one in value.items():
        if one != before:
            text = _detail_text((*path, key), one, unit, currency, words)
            told.append(f"{text} {words.named('also', key)}")
        before = one
    return "; ".join(told)


def _estimate(value: Mapping[str, object], words: Words) -> str:
    """A share with its interval, and of how many: 9.0 % (7.0 % to 12.0 %) of 610."""
    share, low, high = (_detail_text(("share",), value[key], "share", "", words) for key in ("share", "low", "high"))
    many = next((value[key] for key in ("n", "of", "den") if isinstance(value.get(key), int)), None)
    interval = words("word.to", low=low, high=high)
    text = f"{share} ({interval})"
    return text if many is None else words("word.of", num=text, den=_detail_text(("n",), many, "count", "", words))


def _other_comparison(value: Mapping[str, object], unit: str, currency: str, words: Words) -> str:
    """The verdict against another period, with its two changes."""

    def moved(change: object) -> str:
        if not isinstance(change, (int, float)) or not math.isfinite(change):
            return words("word.not_formed")
        places = {"share": 1, "money": 0}.get(unit, 2)
        return words.change(change * shown_scale(unit), unit, currency, places)

    return words(
        "word.against",
        verdict=words.named("verdict", str(value["verdict"])).lower(),
        as_reported=moved(value["as_reported"]),
        like_for_like=moved(value["like_for_like"]),
    )


def _service_days(value: Mapping[str, Any], words: Words) -> str:
    """How many days of service the periods have, by what they are weighed, and which days stand apart."""
    lengths = {key: words.number(value[key], 1) for key in ("before", "after")}
    sentences = [words(f"service_days.{value['basis']}", **lengths)]
    if not value["scaled"]:
        sentences.append(words("service_days.not_scaled"))
    for key in ("closed", "holidays", "quiet"):
        days = value[key]
        if days:
            named = [words.day(day) if isinstance(day, date) else words(f"service_days.{day}") for day in days]
            shown = words.listed(named[:MOST_DAYS]) if len(named) <= MOST_DAYS else ", ".join(named[:MOST_DAYS])
            more = len(named) - MOST_DAYS
            sentences.append(
                words(f"service_days.{key}", days=shown)
                if more <= 0
                else words(f"service_days.{key}", days=words("service_days.more", days=shown, count=more))
            )
    for service, days in value.get("by_service", {}).items():
        own = {key: words.number(days[key], 1) for key in ("before", "after")}
        sentences.append(words("service_days.of_service", service=clean(str(service)), **own))
    return " ".join(sentences)


def _detail_text(path: tuple[str, ...], value: object, unit: str, currency: str, words: Words) -> str:
    if value is None:
        return words("word.not_known")
    if isinstance(value, bool):
        return words("word.yes" if value else "word.no")
    if isinstance(value, date | Period):
        return words.day(value) if isinstance(value, date) else words.days(value)
    if isinstance(value, int):
        return words.number(value)
    if isinstance(value, float):
        return _detail_number(path, value, unit, currency, words)
    text = str(value)
    named = "table" if path[-1] == "counted_from" else "verdict"
    return words(f"{named}.{text}").lower() if words.has(f"{named}.{text}") else clean(text)


def _detail_number(path: tuple[str, ...], value: float, unit: str, currency: str, words: Words) -> str:
    """A number by what its name tells of its kind, else in the unit of what it stands beside."""
    if not math.isfinite(value):
        return words("word.not_known")
    if path[-1].endswith("_s"):
        return words.figure(value, "seconds")
    if unit == "count" and value.is_integer():
        return words.number(value)
    if path[-1].endswith(_BARE):
        return words.number(value, 2)
    if unit == "share" or any(word in "_".join(path) for word in _SHARES):
        return words.percent(value)
    return words.money(value, currency) if unit == "money" else words.number(value, 2)
