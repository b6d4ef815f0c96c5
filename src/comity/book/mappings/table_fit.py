"""Which table the columns of a file fit, and which of them is which of the table's: by names, then by values."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from comity.book.mappings.column_samples import ColumnSample
from comity.book.mappings.header_meaning import is_forecast, is_mean, is_score_question, is_share, threshold_in
from comity.book.mappings.model import CELL_KINDS, CellKind
from comity.book.mappings.synonyms import NEAR, Name, known_names, similarity
from comity.book.tables import TABLES, Column, Kind, Table
from comity.book.validation.totals import measures_of

_FEW = 12  # values of a column that may be a yes or a no
_BY_NAME_ALONE = {"prices", "business", "costs", "reported", "renewals", "staff", "events", "deadlines", "accounts"}
# What no report has a column for: it is the same in every row, and a person says it.
STATED = frozenset({"minutes", "threshold_s", "audience", "instrument", "scale_min", "scale_max"})
# What stands in for a column that a file lacks: an anonymous answer is a person of its own.
STAND_INS = {"surveys": {"response_id": "contact_id", "respondent_id": "response_id"}}
# What a table is brought for, and no other holds.
_TELLTALE = {
    "surveys": ("score",),
    "evaluations": ("score", "errors"),
    "invoices": ("invoice_id", "unit_price"),
}
_COMPLETE_OR_TELLTALE = {"surveys", "evaluations"}  # without it they are taken for nothing unless they are complete
# One of each, or no figure is made of a row, although the table takes it.
COUNTS_BY = {"surveys": (("score",), ("answered_on", "asked_on")), "evaluations": (("score", "errors"),)}
# What an index is called; `value` beside a month is anything.
_INDEX = re.compile(r"(?i)index|indice|índice|indizes|verbraucherpreis|\b(cpi|hicp|ipc|ipca|vpi|inpc|rpi|ppi)\b")
_CLOSE = 1.0  # fits that lie no further apart could be either


@dataclass(frozen=True, slots=True)
class TableFit:
    """A table, and how well columns fit it."""

    table: Table
    fit: float


def best_table(columns: Sequence[ColumnSample], file_name: str = "") -> Table:
    """The table that columns fit best."""
    return fitting_tables(columns, file_name)[0].table


def fitting_tables(columns: Sequence[ColumnSample], file_name: str = "") -> list[TableFit]:
    """The tables that columns may be of: the one that they fit best, and those that they fit nearly as well.

    Where they fit none, all of them.

    :param file_name: a file that is called a forecast holds no volumes that came, whatever its columns are called
    """
    if is_forecast(file_name):
        expected = TABLES["forecasts"]
        named = match_by_name(expected, columns)
        if {"start", "offered", "queue"} & named.keys() or match_by_name(TABLES["intervals"], columns):
            return [TableFit(expected, fit_of(expected, named, {}))]
    fits = []
    for table in TABLES.values():
        matched = match_by_name(table, columns)
        fit = fit_of(table, matched, match_by_values(table, columns, matched))
        fits.append(TableFit(table, fit / 2 if fits_by_few(table, columns, matched) else fit))
    fits.sort(key=lambda one: -one.fit)  # of equals the first declared
    least = fits[0].fit - _CLOSE
    return [one for one in fits if one.fit >= least and (one.fit > 0 or fits[0].fit == 0)]


def fit_of(table: Table, matched: Mapping[str, ColumnSample], guessed: Mapping[str, ColumnSample]) -> float:
    """How well columns fit a table: what it cannot do without first, and by names before values."""
    stand_ins = STAND_INS.get(table.name, {})
    stated = STATED | {name for name in stand_ins if name != "response_id"}
    required = [column for column in table.required if column.name not in stated] or list(table.required)
    named = sum(column.name in matched for column in required)
    seen = sum(
        column.name in guessed or (column.name not in matched and stand_ins.get(column.name) in matched)
        for column in required
    )
    telltale = any(name in matched for name in _TELLTALE.get(table.name, ()))
    # Answers with their days are a survey although nothing names them or who gave them.
    answers = table.name == "surveys" and {"score", "answered_on"} <= matched.keys()
    if not named and not answers and not (seen and telltale):
        return 0.0
    if table.name in _BY_NAME_ALONE and (named < len(required) or _is_something_else(table, matched)):
        return 0.0
    if measures_of(table) and not measures_of(table) & matched.keys():
        return 0.0  # a report of intervals without any number is none
    if table.name in _COMPLETE_OR_TELLTALE and not telltale and named + seen < len(required):
        return 0.0
    whole = 2.0 if named + seen >= len(required) else 0.0
    own = 1.5 if telltale else 0.0
    return whole + own + 2 * (named + seen / 4) / len(required) + len(matched) / 2 - len(required) * 0.01


def fits_by_few(table: Table, columns: Sequence[ColumnSample], matched: Mapping[str, ColumnSample]) -> bool:
    """Whether a table that few names are enough for says nothing of most of the columns: an id alone is no list."""
    filled = [one for one in columns if one.values and one.personal is None]
    return table.name in _BY_NAME_ALONE and len(matched) * 2 < len(filled)


def columns_like(table: Table, column: Column, columns: Sequence[ColumnSample]) -> list[ColumnSample]:
    """The columns that could be one of the table's by what they are called; those called just so, where there are any.

    Only those that may be shown, and whose values can be such.
    """
    known = known_names()[table.name]
    scores = [
        (_score(table, column, one, known), one) for one in columns if one.personal is None and may_be(column, one)
    ]
    best = max((score for score, _ in scores), default=0.0)
    return [one for score, one in scores if score >= (1.0 if best >= 1.0 else NEAR)]


def _is_something_else(table: Table, matched: Mapping[str, ColumnSample]) -> bool:
    """Whether the names fit a table and what stands beside or below them does not."""
    if table.name == "prices":
        return _INDEX.search(matched["index"].header) is None
    return len(table.key) == 1 and matched[table.key[0]].repeats  # a list names each of its things once


def _score(table: Table, column: Column, sample: ColumnSample, known: Mapping[str, tuple[Name, ...]]) -> float:
    """How well a header fits a column: `Answered < 20 s` is no count of all that were answered."""
    if table.name == "intervals" and column.kind in {Kind.COUNT, Kind.SECONDS} and is_forecast(sample.header):
        return 0.0  # what was expected is not what came
    if (table.name, column.name) == ("surveys", "score") and sample.is_amount and is_score_question(sample.header):
        return max(NEAR, similarity(sample.header, known[column.name]))
    limit = threshold_in(sample.header) if table.name == "intervals" and sample.is_amount else None
    if limit is None:
        return similarity(sample.header, known[column.name])
    if column.name == "answered_within":
        counted = max(similarity(limit.counted, known[name]) for name in ("answered", "answered_within"))
        return 1.0 if not limit.counted or counted >= NEAR else 0.0
    if column.name == "abandoned_short":
        return 1.0 if limit.counted and similarity(limit.counted, known["abandoned"]) >= NEAR else 0.0
    return 0.0


def match_by_name(table: Table, columns: Sequence[ColumnSample]) -> dict[str, ColumnSample]:
    """The likeliest column of the file for each of the table's, each used once, where its values can be such."""
    known = known_names()[table.name]
    pairs = sorted(
        (
            (_score(table, column, sample, known), -i, -place, column, sample)
            for i, column in enumerate(table.columns)
            for place, sample in enumerate(columns)
            if sample.personal is None and may_be(column, sample)
        ),
        key=lambda pair: pair[:3],
        reverse=True,
    )
    matches: dict[str, ColumnSample] = {}
    for score, _, _, column, sample in pairs:
        if score >= NEAR and column.name not in matches and sample not in matches.values():
            matches[column.name] = sample
    return matches


def may_be(column: Column, sample: ColumnSample) -> bool:
    """Whether what a column of the file holds can be what a column of the table is; unknown values can be anything."""
    counted = column.kind in {Kind.COUNT, Kind.SECONDS}
    if counted and (is_share(sample.header) or (column.kind is Kind.COUNT and is_mean(sample.header))):
        return False
    return not sample.values or _may_hold(column, sample)


def _may_hold(column: Column, sample: ColumnSample) -> bool:
    """The same, by the values alone."""
    kind = CELL_KINDS[column.kind]
    if kind in {CellKind.INSTANT, CellKind.DAY}:
        return sample.is_time or sample.is_clock or not sample.is_number
    if kind is CellKind.SECONDS:
        return not sample.is_time and sum(bool(re.search(r"\d", value)) for value in sample.values) * 2 > len(
            sample.values
        )
    if kind is CellKind.NUMBER:
        return sample.is_amount
    if kind is CellKind.FLAG:
        numbers = [value for value in sample.values if value not in {"0", "1"} and re.fullmatch(r"[\d.,:]+", value)]
        return len(sample.values) <= _FEW and not numbers and not sample.is_time
    return not (sample.is_time and column.required and kind is CellKind.TEXT)


def _is_telltale_elsewhere(table: Table, sample: ColumnSample) -> bool:
    """Whether a header names what another table is brought for: the number of an invoice is no contact's, nor a sum."""
    if any(re.fullmatch(r"[-+]?[\d.,]*[.,]\d{1,2}", value) for value in sample.values):
        return True
    names = (
        known_names()[other][name] for other, listed in _TELLTALE.items() if other != table.name for name in listed
    )
    return any(similarity(sample.header, one) >= NEAR for one in names)


def match_by_values(
    table: Table, seen: Sequence[ColumnSample], matched: dict[str, ColumnSample]
) -> dict[str, ColumnSample]:
    """What a table cannot do without and no header promises, by what the values look like."""
    matches: dict[str, ColumnSample] = {}
    for column in table.required:
        if column.name in matched:
            continue
        taken = [*matched.values(), *matches.values()]
        free = [sample for sample in seen if sample not in taken and sample.personal is None and sample.values]
        kind = CELL_KINDS[column.kind]
        if kind in {CellKind.INSTANT, CellKind.DAY, CellKind.MONTH}:
            likely = [sample for sample in free if sample.is_time]
        elif table.key == (column.name,):
            likely = [s for s in free if s.distinct and not s.is_time and not _is_telltale_elsewhere(table, s)]
        else:
            likely = []
        if likely:
            matches[column.name] = likely[0]
    return matches
