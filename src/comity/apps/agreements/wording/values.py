"""Values of clauses and changes as a person reads them, by the declaration of their fields.

A value that people typed never reads as another one: names in a list are put in quotation marks wherever they hold
anything that could part one name into two, and numbers have all their digits.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from comity.apps.agreements.wording.numbers import exact_money, exact_number, exact_percent, in_per_cent
from comity.core.agreements.changes import CHANGE_FIELDS
from comity.core.agreements.fields import Field, FieldType, Many, Value
from comity.core.agreements.kinds import EVERYBODY, KINDS, MONEY, WEEKDAYS, WHO, Kind
from comity.core.agreements.kpi import MEASURES, Kpi
from comity.core.calendars import UnknownPeriodError, named
from comity.core.kpi_templates import CHANNELS
from comity.core.levels import SECONDS, SHARE, unit
from comity.review.i18n.words import NO_BREAK, Words, clean

ALL = "*"
_SHARES = frozenset({
    "deadband", "index_share", "index_cap", "index_collar", "at_risk", "bonus", "band", "volume_band", "share",
})  # fmt: skip
_AMOUNTS = frozenset({"price", "arc", "rrc", "base", "minimum", "tolerance"})
_SECONDS = frozenset({"answer_within_s", "short_abandon_s", "patience_s"})
_OF_SIDES = frozenset({"side", "whose", "of", "forecast_by", "proposed_by", "on_behalf_of", "carried_out_by"})
# Where the words of a choice are those of a review already.
_FAMILIES = {"measure": "measure", "abandons": "abandons", "formula": "pin", "kinds": "clause_kind"}
_PART = r"\w(?:[\w.'\u2019&/@+-]*\w)?"
_PLAIN = re.compile(rf"{_PART}(?: {_PART})*")
# A name with a word of a sentence's own could be read as that sentence.
_JOINING = frozenset({"and", "or", "y", "e", "o", "u", "the", "el", "role", "roles", "rol", "all", "todos", "todas"})
_NO_TITLES: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads: in which words, and what else stands in the text.

    :ivar titles: headings of the clauses of the text, by id; a clause that is not in it is named by its id, quoted
    :ivar beside: the other fields of the clause, of which a number takes its currency or unit
    """

    words: Words
    titles: Mapping[str, str] = field(default_factory=dict)
    beside: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Figure:
    """A KPI of which a change may expect something.

    :ivar unit: as `core.levels.unit` gives it
    """

    title: str
    unit: str


_NO_FIGURES: Mapping[str, Figure] = {}


def kind_name(kind: Kind, words: Words) -> str:
    """Return the name of a kind of clause."""
    return words(f"clause_kind.{kind}")


def field_label(kind: Kind, name: str, words: Words) -> str:
    """Return the label of a field of a clause.

    :param name: of the field; of a part of a record with the field before it (`bands_above`)
    """
    return words(_label_key(kind, name, words))


def field_help(kind: Kind, name: str, words: Words) -> str:
    """Return what a field of a clause is for, in a sentence; empty where its label says it."""
    keys = (f"clause_help.{kind}_{name}", f"clause_help.any_{name}")
    return next((words(key) for key in keys if words.has(key)), "")


def _label_key(kind: Kind, name: str, words: Words) -> str:
    last = name.rpartition("_")[2]
    for key in (f"{kind}_{name}", f"any_{name}", f"any_{last}"):
        if words.has(f"clause_field.{key}"):
            return f"clause_field.{key}"
    return f"clause_field.{kind}_{name}"


def value_text(  # noqa: PLR0913 - a value is read by its field and by what stands beside it
    kind: Kind,
    name: str,
    value: Value | None,
    words: Words,
    *,
    beside: Mapping[str, Value] | None = None,
    titles: Mapping[str, str] = _NO_TITLES,
) -> str:
    """Return one value of a clause as a person reads it; empty for none.

    :param beside: the clause's other fields, of which a number takes its currency or unit
    :param titles: headings of clauses that it may name, by id
    """
    if value is None:
        return ""
    return spoken(KINDS[kind].by_name[name], value, Reader(words, titles, beside or {}), kind)


def change_label(name: str, words: Words) -> str:
    """Return the label of what a change says of itself; of a part of a record `expects_figure`."""
    return words(f"change_field.{name}")


def change_value_text(name: str, value: Value | None, words: Words, figures: Mapping[str, Figure] = _NO_FIGURES) -> str:
    """Return one value of what a change says of itself as a person reads it; empty for none.

    :param figures: the KPIs of which it may expect something, by id
    """
    if value is None:
        return ""
    if name == "expects" and isinstance(value, list):
        return " ".join(_expected_text(item, words, figures) for item in value if isinstance(item, dict))
    declared = {item.name: item for item in CHANGE_FIELDS}
    return spoken(declared[name], value, Reader(words), None)


def _expected_text(item: Mapping[str, object], words: Words, figures: Mapping[str, Figure]) -> str:
    """Return one expectation as a sentence, with every digit of its size."""
    key, figure = str(item["figure"]), figures.get(str(item["figure"]))
    values: dict[str, object] = {
        "figure": name_text(key if figure is None else figure.title, words),
        "direction": words(f"change_choice.direction_{item['direction']}"),
        "day": day_text(item["by"], words),
    }
    if "size" not in item:
        return words("change_word.expected", **values)
    return words(
        "change_word.expected_size",
        size=size_text(item["size"], "" if figure is None else figure.unit, words),
        **values,
    )


def size_text(size: object, unit_of_it: str, words: Words) -> str:
    """Return the size of a change of a figure: of a share in points."""
    if unit_of_it == SHARE:
        return f"{exact_number(in_per_cent(size), words)}{NO_BREAK}{words('word.pts')}"
    return seconds_text(size, words) if unit_of_it == SECONDS else str(exact_number(size, words))


def spoken(item: Field, value: object, reader: Reader, kind: Kind | None, path: str = "") -> str:
    """Return a value of a declared field; `kind` None for a field of a change."""
    path = f"{path}_{item.name}" if path else item.name
    if item.many is Many.ONE or not isinstance(value, list):
        return _one(item, value, reader, kind, path, quoting=clean)
    texts = [_one(item, one, reader, kind, path, quoting=lambda text: name_text(text, reader.words)) for one in value]
    return "; ".join(texts) if item.type is FieldType.RECORD else reader.words.listed(texts)


def _one(  # noqa: PLR0913 - as `spoken`, of one value
    item: Field, value: object, reader: Reader, kind: Kind | None, path: str, *, quoting: Callable[[str], str]
) -> str:
    if item.type is FieldType.RECORD and isinstance(value, Mapping):
        return _record(item, value, reader, kind, path)
    if item.name == "members" and isinstance(value, Mapping):  # by ids, which are nothing to read
        return reader.words.listed([name_text(str(one), reader.words) for one in sorted(value.values(), key=str)])
    if item.type is FieldType.PAIRS and isinstance(value, Mapping):
        return pairs_text(value, reader.words)
    if item.choices:
        return choice_text(item.name, str(value), reader.words)
    if item.type is FieldType.CLAUSE:
        return clause_name(str(value), reader)
    return _SPOKEN.get(item.type, _typed)(item, value, reader, quoting)


def _record(item: Field, value: Mapping[str, object], reader: Reader, kind: Kind | None, path: str) -> str:
    if {"opens", "closes"} <= value.keys():
        span = span_text(value, reader.words)
        day = value.get("weekday")
        return span if day is None else f"{choice_text('weekday', str(day), reader.words)} {span}"
    if "day" in value and value.keys() <= {"day", "name"}:
        return named_day(value, reader.words)
    texts = []
    for part in item.fields:
        if part.name not in value:
            continue
        key = f"{path}_{part.name}"
        label = change_label(key, reader.words) if kind is None else field_label(kind, key, reader.words)
        told = spoken(part, value[part.name], reader, kind, path)
        if part.type in {FieldType.LINE, FieldType.PROSE} and part.many is Many.ONE and not part.choices:
            told = name_text(str(value[part.name]), reader.words)
        texts.append(reader.words("clause_word.label", label=label, value=told))
    return ", ".join(texts)


def choice_text(name: str, value: str, words: Words) -> str:
    """Return the word of a choice."""
    if name in _OF_SIDES and value in WHO:
        return words(f"clause_choice.side_{value}")
    if name == "weekday":
        return words.weekday(WEEKDAYS.index(value), wide=True)
    for key in (f"clause_choice.{name}_{value}", f"change_choice.{name}_{value}"):
        if words.has(key):
            return words(key)
    return words(f"{_FAMILIES[name]}.{value}")


def pairs_text(value: Mapping[str, object], words: Words) -> str:
    """Return pairs of names, in order."""
    return ", ".join(
        words("clause_word.pair", source=name_text(one, words), queue=name_text(str(other), words))
        for one, other in sorted(value.items())
    )


def name_text(name: str, words: Words) -> str:
    """Return a name as it stands in a sentence or a list: in quotation marks where it could be read as two."""
    if _PLAIN.fullmatch(name) and _JOINING.isdisjoint(name.lower().split()):
        return clean(name)
    return quoted(name, words)


def quoted(name: str, words: Words) -> str:
    """Return a name in quotation marks, those within it doubled, so that it cannot end before its end."""
    left, right = words("clause_word.quoted", name="\n").split("\n")
    return words("clause_word.quoted", name=clean(name).replace(left, left * 2).replace(right, right * 2))


def clause_name(clause: str, reader: Reader) -> str:
    """Return the heading of another clause; with its id where several are headed so, or where it is not known."""
    title = reader.titles.get(clause)
    if title is None:
        return quoted(clause, reader.words)
    if sum(other == title for other in reader.titles.values()) > 1:
        return f"{name_text(title, reader.words)} ({quoted(clause, reader.words)})"
    return name_text(title, reader.words)


def role_text(role: str, words: Words) -> str:
    """Return the name of a role; one that no room has, quoted."""
    return words(f"role.{role}") if words.has(f"role.{role}") else quoted(role, words)


def reader_text(group: str, words: Words) -> str:
    """Return who reads a clause: everybody, those who see money, or a role."""
    return words(f"clause_choice.seen_by_{group}") if group in {EVERYBODY, MONEY} else role_text(group, words)


def queues_text(names: Sequence[object], words: Words) -> str:
    """Return queues as they stand in a sentence."""
    if list(names) == [ALL]:
        return words("clause_word.all_queues")
    listed = words.listed([all_or_name(str(name), words) for name in names])
    return words("clause_word.queues", count=len(names), names=listed)


def all_or_name(name: str, words: Words) -> str:
    """Return a name of a set in which a star is all."""
    return words("word.all") if name == ALL else name_text(name, words)


def channels_text(names: Sequence[object], words: Words) -> str:
    """Return what is counted: calls, tickets, or what came by a channel of another name."""
    texts = [_channel(str(name), words) for name in names]
    return words.listed(texts)


def _channel(name: str, words: Words) -> str:
    if name == ALL:
        return words("kpi_channel.of_all")
    if name in CHANNELS:
        return words(f"kpi_channel.of_{name}")
    return words("clause_word.other_channel", name=quoted(name, words))


def day_text(day: object, words: Words) -> str:
    """Return a kept day."""
    return words.day(date.fromisoformat(str(day)))


def last_day(end: object) -> date:
    """Return the last day before an end as it is kept."""
    return date.fromisoformat(str(end)) - timedelta(days=1)


def day_after(day: date) -> date:
    """Return the day after, which is kept as the end where people write a last day.

    :raises OverflowError: where there is none
    """
    return day + timedelta(days=1)


def is_end(item: Field) -> bool:
    """Return whether a day is kept as the first one without; people read and write the last one, included."""
    return item.type is FieldType.DAY and item.name == "ends"


def month_text(month: object, words: Words) -> str:
    """Return a kept month."""
    try:
        calendar, period = named(str(month))
    except UnknownPeriodError:
        return str(month)
    return words.period(period, calendar.cut)


def measured(beside: Mapping[str, Value]) -> str:
    """Return the unit in which a KPI's target and its smallest change worth acting on are given."""
    measure = str(beside.get("measure", ""))
    if measure not in MEASURES:
        return ""
    return unit(Kpi("", measure, formula=str(beside.get("formula", "top2"))))


def target_value(value: object, beside: Mapping[str, Value], words: Words) -> str:
    """Return a target of a KPI in its unit."""
    return {
        SHARE: lambda: exact_percent(value, words),
        SECONDS: lambda: seconds_text(value, words),
    }.get(measured(beside), lambda: str(exact_number(value, words)))()


def seconds_text(value: object, words: Words) -> str:
    """Return a number of seconds."""
    return words("clause_word.seconds", seconds=exact_number(value, words))


def is_share(name: str, beside: Mapping[str, Value]) -> bool:
    """Return whether a number is a share, which people read and write in per cent.

    :param beside: the other fields of the clause: a KPI's measure says what its target is
    """
    if name in {"target", "material"} and "measure" in beside:
        return measured(beside) in {SHARE, ""}
    return name in _SHARES


def _number(item: Field, value: object, reader: Reader, _: Callable[[str], str]) -> str:
    words, name = reader.words, item.name
    if name in _SHARES or (name == "target" and "measure" in reader.beside and not measured(reader.beside)):
        return exact_percent(value, words)
    if name in {"target", "material"} and "measure" in reader.beside:
        return target_value(value, reader.beside, words)
    if name in _SECONDS:
        return seconds_text(value, words)
    if (name in _AMOUNTS) and "currency" in reader.beside:
        return exact_money(value, str(reader.beside["currency"]), words)
    return str(exact_number(value, words))


def _typed(item: Field, value: object, reader: Reader, quoting: Callable[[str], str]) -> str:
    """A text as people typed it."""
    text, words = str(value), reader.words
    if item.name == "roles":
        return role_text(text, words)
    if item.name == "seen_by":
        return reader_text(text, words)
    if item.name == "channels" and text != ALL:
        return _channel(text, words)
    if text == ALL and item.many is Many.SET:
        return words("word.all")
    return quoting(text)


_SPOKEN: Mapping[FieldType, Callable[[Field, object, Reader, Callable[[str], str]], str]] = {
    FieldType.FLAG: lambda _, value, reader, __: reader.words("word.yes" if value else "word.no"),
    FieldType.WHOLE: lambda _, value, reader, __: str(exact_number(value, reader.words)),
    FieldType.NUMBER: _number,
    FieldType.DAY: lambda item, value, reader, __: day_text(last_day(value) if is_end(item) else value, reader.words),
    FieldType.MONTH: lambda _, value, reader, __: month_text(value, reader.words),
    FieldType.TIME: lambda _, value, __, ___: str(value),
    FieldType.END_TIME: lambda _, value, __, ___: str(value),
    FieldType.ZONE: lambda _, value, __, ___: str(value),
    FieldType.DIGEST: lambda _, value, __, ___: str(value),
}


def named_day(item: Mapping[str, object], words: Words) -> str:
    """Return a day with its name, where it has one."""
    day = day_text(item["day"], words)
    if "name" not in item:
        return day
    return words("clause_word.day_named", day=day, name=name_text(str(item["name"]), words))


def span_text(span: Mapping[str, object], words: Words) -> str:
    """Return a span of hours; one that ends before it begins ends on the next day."""
    opens, closes = str(span["opens"]), str(span["closes"])
    text = words("clause_word.span" if closes > opens else "clause_word.span_next_day", opens=opens, closes=closes)
    channels, queues = texts_of(span.get("channels")), texts_of(span.get("queues"))
    if channels and channels != [ALL]:
        text += " " + words("clause_word.channels", names=channels_text(channels, words))
    if queues and queues != [ALL]:
        text += " " + words("clause_word.in_queues", queues=queues_text(queues, words))
    return text


def texts_of(value: object) -> list[str]:
    """Return the texts of a set; none where it is not there."""
    return [str(item) for item in value] if isinstance(value, list) else []
