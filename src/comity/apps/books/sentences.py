"""What pages say of a file in the reader's language: its format, its columns, why its rows are rejected."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale

from comity.apps.books.copies import Copy
from comity.apps.books.models import Delivery
from comity.apps.books.queries import Terms, blamed_columns, rejected_values
from comity.book.definition_keys import WEEKDAYS
from comity.book.importing.rejected_rows import RejectedRows
from comity.book.importing.write import BREAKS_MERGED
from comity.book.mappings.header_meaning import is_part_of_handling
from comity.book.mappings.match import EMPTY, KEEP, REJECT, Proposal
from comity.book.mappings.parse import read_mapping, shipped_mappings
from comity.book.mappings.rematch import Difference
from comity.book.tables import TABLES, Column, Kind
from comity.book.validation.check import MAX_REJECTS
from comity.book.validation.rejects import Reject
from comity.core.agreements.service_calendars import ServiceCalendar
from comity.core.calendars import Cut
from comity.review.i18n.words import DASH, Words, clean
from comity.review.import_effect import ImportEffect, MonthLevel
from comity.review.views.sentences import kpi_title

_Filled = Mapping[str, str]


def terms_said(terms: Terms, words: Words) -> list[str]:
    """Return how a book counts, a sentence a part."""
    return [text for text in _terms_parts(terms, words).values() if text]


def terms_changed(now: Terms, wanted: Terms, words: Words) -> list[str]:
    """Return the parts of wanted terms that differ from those that hold, as they would be."""
    before, after = _terms_parts(now, words), _terms_parts(wanted, words)
    return [text or words(f"terms.without_{part}") for part, text in after.items() if text != before[part]]


def _terms_parts(terms: Terms, words: Words) -> dict[str, str]:
    """Return what is said of each part of the terms; empty where nothing is."""
    days = words.listed([words.weekday(WEEKDAYS.index(day)) for day in terms.open_days])
    answers = terms.answers
    paid, causes = (
        "; ".join(
            words("answers.said", part=words(f"{section}.{part}"), who=words(f"answers.by_{side}"))
            for part, side in said.items()
        )
        for section, said in (("paid", answers.paid), ("attribution", answers.causes))
    )
    queues = "; ".join(
        words("answers.service", service=service, queues=words.listed(list(names)))
        for service, names in answers.queues.items()
    )
    return {
        "now": words(
            "terms.now",
            timezone=terms.timezone,
            currency=terms.currency,
            month_starts_on=str(terms.month_starts_on),
        ),
        "open_days": words("terms.open_days", days=days) if days else "",
        "country": words("terms.country", country=_country(terms.country, words)) if terms.country else "",
        "paid": words("terms.paid", said=paid) if paid else "",
        "causes": words("terms.causes", said=causes) if causes else "",
        "queues": words("terms.queues", said=queues) if queues else "",
    }


def _country(code: str, words: Words) -> str:
    country, _, region = code.partition("-")
    name = Locale(words.language).territories.get(country, country)
    return f"{name}, {region}" if region else name


def signed_days(calendars: Sequence[ServiceCalendar], today: date, words: Words) -> list[str]:
    """Return what both sides signed of the days of service, today and later, each wording with its days."""
    texts = []
    for one in calendars:
        if one.valid_to is not None and one.valid_to <= today:
            continue
        days = None if one.weekdays is None else words.listed([words.weekday(day) for day in sorted(one.weekdays)])
        count = len([day for day in one.holidays or () if day >= max(today, one.valid_from)])
        what = [
            words("terms.open_days", days=days) if days else words("terms.unsaid_days"),
            words("terms.days_off", count=count) if one.holidays is not None else words("terms.unsaid_days_off"),
        ]
        since = words("terms.signed_since", number=one.change or DASH, day=words.day(one.valid_from))
        until = (
            "" if one.valid_to is None else words("terms.signed_until", day=words.day(one.valid_to - timedelta(days=1)))
        )
        texts.append(" ".join(filter(None, (since, until, *what))))
    return texts


_LABEL_SEPARATOR = ": "  # between the word of a value and what it means
_LISTED_COLUMNS = 12  # columns that are not kept, on a page


def copy_until(copy: Copy, words: Words) -> str:
    """Return how large a copy is, in kilobytes below one megabyte, and until when it is kept."""
    size = copy.size or 0
    key, shown = (
        ("copy.until", round(size / 1_000_000, 1)) if size >= _MEGABYTE else ("copy.until_kb", -(-size // 1000))
    )
    return words(key, size=words.number(shown), until=words.day(copy.expires_at.date()))


@dataclass(frozen=True, slots=True)
class MovedFigure:
    """A figure of a month that an import moves, as text."""

    name: str
    period: str
    before: str
    after: str
    counted: str
    tables: str
    changes_table: bool


def moved_figures(effects: Sequence[ImportEffect], currency: str, words: Words) -> list[MovedFigure]:
    """Return what an import does to the figures: each before and after it, and from which tables it is counted."""

    def value(level: MonthLevel) -> str:
        text = words.figure(level.value, level.unit, currency)
        return (
            text
            if level.met is None
            else words("import_effect.met" if level.met else "import_effect.missed", value=text)
        )

    def tables(level: MonthLevel) -> str:
        return ", ".join(words.named("table", name) for name in level.tables)

    rows = []
    for one in effects:
        before, after = one.before, one.after
        counted = words.number(before.counted)
        rows.append(
            MovedFigure(
                name=kpi_title(before.kpi, before.measure, words),
                period=words.period(before.period, Cut.MONTH),
                before=value(before),
                after=words("import_effect.lacks") if after is None else value(after),
                counted=counted if after is None else f"{counted} → {words.number(after.counted)}",
                tables=words("import_effect.other", before=tables(before), after=tables(after))
                if after is not None and one.changes_table
                else words("import_effect.same", tables=tables(before)),
                changes_table=one.changes_table,
            )
        )
    return rows


_MEGABYTE = 1_000_000  # bytes
_ITEM = re.compile(r"(?P<table>[a-z]+)(?:\.(?P<column>\w+)|\[(?P<by>\w+)=(?P<value>.*)\])?")


def item_name(item: str, words: Words) -> str:
    """Return the name of a private item: a table, one of its columns, or the rows that have a value in one."""
    match = _ITEM.fullmatch(item)
    if match is None:
        return clean(item)
    table = words.named("table", match["table"])
    if match["by"]:
        value = words.named("value", match["value"])
        return words("mark.rows_where", table=table, column=field_name(match["by"], words), value=value)
    if match["column"]:
        return words("mark.column_of", table=table, column=field_name(match["column"], words))
    return words("mark.whole_table", table=table)


def field_name(column: str, words: Words) -> str:
    """Return the name of a column of ours."""
    return words.named("field", column)


def format_name(delivery: Delivery, words: Words) -> str:
    """Return the name of the format in which a file was checked; empty before it is known."""
    if delivery.text:
        own = delivery.outcome.get("format")
        key = "check.shared_format" if delivery.outcome.get("format_of") else "check.own_format"
        return words(key, name=clean(own)) if own else ""
    return mapping_name(delivery.mapping, words) if delivery.mapping else ""


def mapping_name(mapping: str, words: Words) -> str:
    """Return the name of a known format, or of the columns of a table."""
    if mapping in TABLES:
        return words("check.table_format", table=words.named("table", mapping))
    return read_mapping(mapping).about if mapping in shipped_mappings() else clean(mapping)


def extent(delivery: Delivery, words: Words) -> str:
    """Return how many rows a file has, and of which days."""
    rows = delivery.outcome.get("counts", {}).get("rows_in", 0)
    reach = delivery.outcome.get("reach")
    if not reach:
        return words("check.rows", rows=words.number(rows))
    first, last = (words.day(date.fromisoformat(day)) for day in reach)
    return words("check.days", rows=words.number(rows), first=first, last=last)


def not_kept(delivery: Delivery, words: Words) -> str:
    """Return which columns of a file are not kept; empty where all are."""
    columns = [clean(header) for header in delivery.outcome.get("not_kept") or ()]
    more = ["…"] if len(columns) > _LISTED_COLUMNS else []
    return words("check.not_kept", columns=", ".join([*columns[:_LISTED_COLUMNS], *more])) if columns else ""


def columns_read(delivery: Delivery, words: Words, zone: ZoneInfo) -> list[dict[str, Any]]:
    """Return the columns of a file, what each is imported as, and its first values as people write them."""
    table = TABLES.get(str(delivery.outcome.get("table")))
    rows = []
    for one in delivery.outcome.get("read_as") or ():
        column = None if table is None else table.by_name.get(one["column"])
        kind = Kind.TEXT if column is None else column.kind
        rows.append(
            {
                "headers": ", ".join(map(clean, one["headers"])) or DASH,
                "field": field_name(one["column"], words),
                "values": [_value(text, kind, words, zone) for text in one["values"]],
            }
        )
    return rows


def _value(text: str, kind: Kind, words: Words, zone: ZoneInfo) -> str:
    try:
        if kind is Kind.DAY:
            return words.day(date.fromisoformat(text[:10]))
        if kind is Kind.INSTANT:
            at = datetime.fromisoformat(text)
            at = at.astimezone(zone) if at.tzinfo is not None else at
            return f"{words.day(at.date())}, {at:%H:%M}"
    except ValueError:
        pass
    return clean(text) or DASH


def too_many_rejected(delivery: Delivery, words: Words) -> str:
    """Return that so many rows are rejected that the file cannot be imported; empty where it can."""
    counts = delivery.outcome.get("counts", {})
    rows, rejected = counts.get("rows_in", 0), counts.get("rejected", 0)
    if not rows or rejected <= MAX_REJECTS * rows:
        return ""
    share, limit = (words.percent(part) for part in (rejected / rows, MAX_REJECTS))
    return words("check.too_many_about", share=share, limit=limit)


def reasons(delivery: Delivery, words: Words) -> list[dict[str, Any]]:
    """Return why rows are rejected, the most frequent reason first, each with the name of its column."""
    return [
        {
            "column": field_name(one["column"], words) if one["column"] else DASH,
            "theirs": their_headers(delivery, one["column"]),
            "reason": reason(one["reason"], words, one["column"] or ""),
            "rows": one["rows"],
        }
        for one in delivery.outcome.get("by_reason") or ()
    ]


_MOST_VALUES = 4  # named in a sentence
_NOT_READ = ("not a date and time such as", "not a day such as", "not a month such as", "not between ")
_WRONG_ZONE = "a time that does not exist in "
_WRONG_COLUMN = ("missing", "not a number", "not a whole number", "negative", "too large")


def cures(delivery: Delivery, words: Words) -> list[str]:
    """Return what matching columns would settle of the reasons for which rows of a file are rejected, in words."""
    wanted = REJECT in (delivery.outcome.get("chosen") or {}).values()  # somebody has said that these are to go
    values = [] if wanted else [value for listed in rejected_values(delivery).values() for value in listed]
    named = ", ".join(words("check.quoted", text=clean(value)) for value in values[:_MOST_VALUES])
    named += " …" if len(values) > _MOST_VALUES else ""
    texts = [words("check.cure_values", values=named, count=words.number(len(values)))] if values else []
    rows = (delivery.outcome.get("counts") or {}).get("rows_in", 0)
    days: dict[str, None] = {}
    columns: dict[str, None] = {}
    zones = False
    for one in delivery.outcome.get("by_reason") or ():
        theirs = their_headers(delivery, one["column"]) or (field_name(one["column"], words) if one["column"] else "")
        if one["reason"].startswith(_NOT_READ):
            days[theirs] = None
        elif one["reason"].startswith(_WRONG_COLUMN) and one["rows"] * 2 > rows:
            columns[theirs] = None
        zones = zones or one["reason"].startswith(_WRONG_ZONE)
    texts += [words("check.cure_days", columns=", ".join(days))] if days else []
    texts += [words("check.cure_zone")] if zones else []
    return texts + ([words("check.cure_columns", columns=", ".join(columns))] if columns else [])


def handling_not_kept(delivery: Delivery, words: Words) -> str:
    """Return that parts of the handle time are not kept, with their headers; empty where none is left out."""
    table = TABLES.get(str(delivery.outcome.get("table")))
    if table is None or "handle_s" not in table.by_name:
        return ""
    left = [clean(header) for header in delivery.outcome.get("not_kept") or () if is_part_of_handling(header)]
    return words("check.handling_not_kept", columns=", ".join(left)) if left else ""


def their_headers(delivery: Delivery, column: str) -> str:
    """Return the headers of a file from which a column of ours is read; empty where none is known."""
    return ", ".join(map(clean, headers_of_column(delivery, column)))


def headers_of_column(delivery: Delivery, column: str) -> list[str]:
    """Return the headers of a file from which a column of ours is read."""
    read_from = (delivery.outcome.get("read_from") or {}).get(column)
    read = next((one for one in delivery.outcome.get("read_as") or () if one["column"] == column), None)
    return list(read_from or ([] if read is None else read["headers"]))


def rejected_cells(delivery: Delivery, rows: RejectedRows | None, reject: Reject, words: Words) -> str:
    """Return what a rejected row has in the columns of the file that its reason is about: Wait (s) = -12."""
    blamed = (reject.line, reject.reason)
    row = None if rows is None else next((one for one in rows.rows if (one.line, one.reason) == blamed), None)
    if rows is None or row is None:
        return ""
    cells = dict(zip(rows.headers, row.cells, strict=False))
    headers = [
        header for name in blamed_columns(reject.column, reject.reason) for header in headers_of_column(delivery, name)
    ]
    return "; ".join(
        words("check.cell", header=clean(header), value=clean(cells[header]) or DASH)
        for header in dict.fromkeys(headers)
        if header in cells
    )


def uncounted(delivery: Delivery, words: Words) -> list[str]:
    """Return what of a file is in no count, and what was taken for nothing, in words."""
    texts = []
    neither = delivery.outcome.get("in_neither") or {}
    if neither:
        outcome = TABLES["contacts"].by_name["outcome"]
        named = [
            f"{value_name(outcome, name, words) if name else words('check.no_outcome')} {words.number(rows)}"
            for name, rows in neither.items()
        ]
        texts.append(words("check.in_neither", rows=words.number(sum(neither.values())), named=", ".join(named)))
    for header, counts in (delivery.outcome.get("read_as_empty") or {}).items():
        for text, rows in counts.items():
            texts.append(words("check.read_as_empty", column=clean(header), text=clean(text), rows=words.number(rows)))
    return texts


def value_meaning(column: Column, value: str, words: Words) -> str:
    """Return the word of a value of ours, and what it means."""
    key = f"value_of.{'flag' if column.kind is Kind.FLAG else column.name}.{value}"
    return words(key) if words.has(key) else words.named("value", value)


def value_name(column: Column, value: str, words: Words) -> str:
    """Return the word of a value of ours alone."""
    return value_meaning(column, value, words).partition(_LABEL_SEPARATOR)[0]


def differences(found: Sequence[Difference], words: Words) -> list[str]:
    """Return what a format makes of a file that the table's format until now did not."""
    texts = []
    for one in found:
        field, column = field_name(one.column, words), _column_named(one.column)
        if one.value:
            mine, theirs = (_meaning(text, column, words) for text in (one.mine, one.theirs))
            texts.append(words("check.differs_value", field=field, value=clean(one.value), mine=mine, theirs=theirs))
        else:
            key = "check.differs_columns" if one.mine else "check.differs_missing"
            texts.append(words(key, field=field, mine=clean(one.mine), theirs=clean(one.theirs)))
    return texts


def _meaning(text: str, column: Column | None, words: Words) -> str:
    """Return what a format makes of a value, in words."""
    if text in {EMPTY, KEEP}:
        return words("match.leave_empty" if text == EMPTY else "match.keep_own")
    return clean(text) if column is None else value_name(column, text, words)


def _column_named(name: str) -> Column | None:
    """The first column of ours of a name that has fixed values; others of its name have the same or their own words."""
    columns = (table.by_name.get(name) for table in TABLES.values())
    return next((one for one in columns if one is not None and (one.values or one.kind is Kind.FLAG)), None)


def proposal(proposed: Proposal, words: Words) -> str:
    """Return why a table is proposed for a file."""
    table = words.named("table", proposed.table)
    if proposed.forecast:
        return words("match.proposed_forecast", table=table, text=clean(proposed.forecast))
    if not proposed.headers:
        return ""
    headers = ", ".join(map(clean, proposed.headers[:_LISTED_COLUMNS]))
    return words("match.proposed", table=table, columns=headers)


def column_and_reason(delivery: Delivery, column: str, text: str, words: Words) -> str:
    """Return why a row is rejected, with the columns to blame as the file calls them, and the one of ours."""
    if not column:
        return reason(text, words)
    theirs, ours = their_headers(delivery, column), field_name(column, words)
    named = ours if theirs in {"", ours} else words("check.theirs_and_ours", theirs=theirs, ours=ours)
    return f"{named}: {reason(text, words, column)}"


def reason(text: str, words: Words, column: str = "") -> str:
    """Return why a row is rejected; what a format of somebody's own says is shown as it is.

    :param column: of ours, whose values are called by their words
    """
    alone = text.removesuffix(BREAKS_MERGED.format(""))
    if alone != text:
        return words("reject.merged", reason=reason(alone, words, column))
    values, named = text.removeprefix("not one of ").split(", "), _column_named(column)
    if named is not None and text.startswith("not one of ") and {*values} <= {*named.values}:
        return words("reject.values", values=", ".join(value_name(named, value, words) for value in values))
    for pattern, key, filled in _REASONS:
        match = pattern.fullmatch(text)
        if match is not None:
            return words(f"reject.{key}", **filled(match.groupdict(), words))
    return clean(text)


def _as_is(parts: _Filled, _: Words) -> _Filled:
    return parts


def _fields(parts: _Filled, words: Words) -> _Filled:
    return {name: field_name(text, words) for name, text in parts.items()}


_PATTERNS: Sequence[tuple[str, str, Callable[[_Filled, Words], _Filled]]] = (
    ("missing", "missing", _as_is),
    ("not a date and time such as .*", "instant", _as_is),
    (r"not between (?P<first>\d+) and (?P<last>\d+)", "years", _as_is),
    ("not a day such as .*", "day", _as_is),
    ("not a month such as .*", "month", _as_is),
    ("not a month .* or a week .*", "period", _as_is),
    ("neither true nor false", "flag", _as_is),
    ("not a number|not a finite number", "number", _as_is),
    ("negative|not above zero", "negative", _as_is),
    ("not a share from 0 to 1", "share", _as_is),
    ("too large", "large", _as_is),
    ("not a whole number", "whole", _as_is),
    ("not one of (?P<values>.*)", "values", _as_is),
    ("more decimals than the six that are kept", "decimals", _as_is),
    (r'"?(?P<later>\w+)"? before "?(?P<earlier>\w+)"?', "order", _fields),
    (r"(?P<larger>\w+) above (?P<smaller>\w+)", "above", _fields),
    ("off the scale", "scale", _as_is),
    ("neither a unit price nor an amount", "price", _as_is),
    ("neither a score nor errors", "marks", _as_is),
    ("an interval without length", "length", _as_is),
    ("a scale without width", "width", _as_is),
    ("the same key as a row further up.*", "twice", _as_is),
    ("names the (customer|provider); .*", "speaks", lambda _, __: {}),
    ("the answer to a claim; .*", "claim", _as_is),
    ("this key is shared already, .*", "shared", _as_is),
    (r"(?P<found>\d+) cells? where the header has (?P<expected>\d+)", "cells", _as_is),
    ("an error of the spreadsheet, and no value", "error", _as_is),
    ("a time that does not exist in (?P<zone>.*)", "zone", _as_is),
)
_REASONS = [(re.compile(pattern), key, filled) for pattern, key, filled in _PATTERNS]
