# ruff: noqa: DTZ001 - instants are kept in UTC without a zone
"""Every rule over every row: what stands, what is set aside, and why."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from comity.book.definition import Definition, read_definition
from comity.book.storage.duckdb import work_engine
from comity.book.tables import (
    CONTACTS,
    DEADLINES,
    EVALUATIONS,
    EVENTS,
    INTERVALS,
    INVOICES,
    REPORTED,
    SURVEYS,
    BareDay,
    Table,
)
from comity.book.validation.check import CheckedRows, CheckRequest, check_rows
from comity.book.validation.convert import bare_day_sql, clock_setbacks
from tests.builders.examples import examples
from tests.cast import write_book

pytestmark = pytest.mark.gate


@pytest.fixture(scope="module")
def definition(tmp_path_factory) -> Definition:
    return read_definition(write_book(tmp_path_factory.mktemp("book")))


def run(table: Table, definition: Definition, *rows: dict, **options) -> tuple[CheckedRows, list[dict], list[tuple]]:
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = [pa.array([row.get(name) for row in rows], pa.string()) for name in names]
    batch = pa.RecordBatch.from_arrays([pa.array(range(len(rows)), pa.int64()), *columns], ["_row", *names])
    with work_engine() as (con, folder):
        checked = check_rows(con, [batch], CheckRequest(table, definition, **options), folder)
        kept = pq.read_table(checked.clean).to_pylist()
        aside = [(r["row"], r["column"], r["reason"]) for r in pq.read_table(checked.rejects).to_pylist()]
    assert checked.rows_in == len(rows) == checked.rows + checked.rejected + checked.collapsed
    return checked, kept, aside


def contact(definition: Definition, opened_at: str) -> datetime | str:
    _, kept, aside = run(CONTACTS, definition, {"contact_id": "a", "opened_at": opened_at})
    return kept[0]["opened_at"] if kept else aside[0][2]


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-01-31T09:30:00Z", datetime(2026, 1, 31, 9, 30)),
        ("2026-01-31T09:30Z", datetime(2026, 1, 31, 9, 30)),
        ("2026-01-31 09:30:00.25+05:30", datetime(2026, 1, 31, 4, 0, 0, 250_000)),
        ("2026-01-31T09:30:00+0530", datetime(2026, 1, 31, 4, 0)),
        ("2026-01-31T09:30:00-03", datetime(2026, 1, 31, 12, 30)),
        ("2026-01-31T09:30:00", datetime(2026, 1, 31, 8, 30)),  # Madrid, winter
        ("2026-07-31T09:30:00", datetime(2026, 7, 31, 7, 30)),  # Madrid, summer
        ("2026-10-25T02:30:00", datetime(2026, 10, 25, 0, 30)),  # twice: the first
        ("2026-10-25T03:00:00", datetime(2026, 10, 25, 2, 0)),  # once again
    ],
)
def test_an_instant_is_read_with_its_offset_or_in_the_zone_of_the_book(definition, text, utc):
    assert contact(definition, text) == utc


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("2026-03-29T02:30:00", "a time that does not exist in Europe/Madrid"),
        ("2026-02-30T09:30:00Z", "not a date and time such as 2026-01-31T09:30:00Z"),
        ("2026-01-31T25:30:00", "not a date and time such as 2026-01-31T09:30:00Z"),
        ("2026-01-31", "not a date and time such as 2026-01-31T09:30:00Z"),
        ("31/01/2026 09:30", "not a date and time such as 2026-01-31T09:30:00Z"),
        ("2026-01-31T09:30:00+19:00", "not a date and time such as 2026-01-31T09:30:00Z"),
        ("2026-01-31T09:30:00+05:75", "not a date and time such as 2026-01-31T09:30:00Z"),
        ("1899-12-31T00:00:00Z", "not between 1900 and 2200"),
        ("9999-12-31T00:00:00Z", "not between 1900 and 2200"),
        ("", "missing"),
        (" \t ", "missing"),
    ],
)
def test_an_impossible_instant_is_a_reject(definition, text, reason):
    assert contact(definition, text) == reason


@settings(max_examples=examples(10), deadline=None)
@given(local=st.datetimes(datetime(1980, 1, 1), datetime(2035, 1, 1)))
@pytest.mark.parametrize("zone", ["Europe/Madrid", "Australia/Lord_Howe", "America/New_York"])
def test_local_times_agree_with_pythons_zones(tmp_path_factory, zone, local):
    """Python's `zoneinfo`, fold 0, is the witness; a time that does not come back from UTC does not exist."""
    local = local.replace(microsecond=0)
    toml = f'[book]\nname = "Here"\ntimezone = "{zone}"\n'
    definition = read_definition(write_book(tmp_path_factory.mktemp("zone"), toml))
    there = ZoneInfo(zone)
    utc = local.replace(tzinfo=there).astimezone(UTC)
    exists = utc.astimezone(there).replace(tzinfo=None) == local
    expected = utc.replace(tzinfo=None) if exists else f"a time that does not exist in {zone}"
    assert contact(definition, local.isoformat()) == expected


def test_clocks_go_back_by_what_the_zone_says():
    assert clock_setbacks("Europe/Madrid") == {3600}
    assert 1800 in clock_setbacks("Australia/Lord_Howe")
    assert clock_setbacks("UTC") == frozenset()


@pytest.mark.parametrize(
    ("row", "column", "reason"),
    [
        ({"handle_s": "-1"}, "handle_s", "negative"),
        ({"handle_s": "NaN"}, "handle_s", "not a finite number"),
        ({"handle_s": "inf"}, "handle_s", "not a finite number"),
        ({"handle_s": "1e400"}, "handle_s", "not a finite number"),
        ({"handle_s": "1e16"}, "handle_s", "too large"),
        ({"handle_s": "1_000"}, "handle_s", "not a number"),
        ({"handle_s": "1,5"}, "handle_s", "not a number"),
        ({"handle_s": "=1+1"}, "handle_s", "not a number"),
        ({"transfers": "1.5"}, "transfers", "not a whole number"),
        ({"transfers": "9" * 30}, "transfers", "too large"),
        ({"sla_met": "maybe"}, "sla_met", "neither true nor false"),
        ({"outcome": "lost"}, "outcome", "not one of answered, abandoned, flow_out, callback, voicemail, system"),
        ({"answered_at": "2026-01-31T09:29:59Z"}, "answered_at", "answered_at before opened_at"),
        ({"contact_id": ""}, "contact_id", "missing"),
    ],
)
def test_a_row_that_breaks_a_rule_is_set_aside_with_its_column_and_reason(definition, row, column, reason):
    good = {"contact_id": "a", "opened_at": "2026-01-31T09:30:00Z"}
    _, kept, aside = run(CONTACTS, definition, {**good, "contact_id": "b"}, {**good, **row})
    assert [one["contact_id"] for one in kept] == ["b"]
    assert aside == [(1, column, reason)]


@settings(max_examples=examples(60), deadline=None)
@given(
    day=st.dates(date(2000, 1, 1), date(2035, 12, 31)),
    zone=st.sampled_from(
        ["Europe/Madrid", "America/Sao_Paulo", "America/Havana", "Asia/Beirut", "Pacific/Apia", "UTC"]
    ),
)
def test_a_due_day_lasts_until_the_last_moment_that_is_still_on_it(day, zone):
    """In São Paulo and Beirut some days begin at one o'clock, in Havana some have two midnights.

    The moment itself is still on the day in local time, and a microsecond later it is not.
    """
    clock, moment = ZoneInfo(zone), timedelta(microseconds=1)
    with duckdb.connect() as con:
        ends = [bare_day_sql(means, f"DATE '{day}'", zone) for means in (BareDay.LAST, BareDay.AFTER)]
        last, after = (one.replace(tzinfo=UTC) for one in con.execute(f"SELECT {', '.join(ends)}").fetchone())
    assert after - last == moment
    assert last.astimezone(clock).date() == day < after.astimezone(clock).date()


@pytest.mark.parametrize(
    ("due_at", "precision", "kept", "told"),
    [
        ("2026-01-05", None, datetime(2026, 1, 5, 22, 59, 59, 999_999), "day"),
        ("2026-01-05T00:00", "day", datetime(2026, 1, 5, 22, 59, 59, 999_999), "day"),
        ("2026-01-05T16:00:00Z", "day", datetime(2026, 1, 5, 22, 59, 59, 999_999), "day"),
        ("2026-01-05T17:00", None, datetime(2026, 1, 5, 16, 0), "minute"),
        ("2026-01-05T00:00", None, datetime(2026, 1, 4, 23, 0), "minute"),
        (None, None, None, None),
    ],
)
def test_a_deadline_says_whether_it_is_a_minute_or_a_day(definition, due_at, precision, kept, told):
    """In Madrid the fifth of January 2026 ends at 23:00 UTC."""
    row = {"contact_id": "1", "name": "resolution", "kind": "resolution", "due_at": due_at, "due_precision": precision}
    _, (found,), _ = run(DEADLINES, definition, row)
    assert (found["due_at"], found["due_precision"]) == (kept, told)
    assert found["due_on"] == (None if due_at is None else date(2026, 1, 5))


def test_an_event_until_a_day_lasts_that_day_through(definition):
    """From the sixth to the sixth is one day: from 23:00 UTC on the fifth to 23:00 UTC on the sixth."""
    row = {"event_id": "1", "kind": "outage", "from": "2026-01-06", "to": "2026-01-06", "declared_by": "provider"}
    _, (found,), _ = run(EVENTS, definition, {**row, "declared_at": "2026-01-07T09:00Z"})
    assert (found["from"], found["to"]) == (datetime(2026, 1, 5, 23), datetime(2026, 1, 6, 23))


def test_of_a_file_that_writes_each_due_day_as_its_midnight_the_days_are_meant(definition):
    """Two midnights are two days; one afternoon among them, and all of them are times."""
    row = {"contact_id": "1", "opened_at": "2026-01-05T08:00Z", "due_at": "2026-01-05T23:00Z"}
    days = [row, {**row, "contact_id": "2", "due_at": "2026-01-06T23:00Z"}, {**row, "contact_id": "3", "due_at": None}]
    checked, kept, _ = run(CONTACTS, definition, *days, midnights_are_days=True)
    assert [one["due_at"] for one in kept] == [
        datetime(2026, 1, 6, 22, 59, 59, 999_999), datetime(2026, 1, 7, 22, 59, 59, 999_999), None,
    ]  # fmt: skip
    assert ([one["due_on"] for one in kept], checked.midnights) == (
        [date(2026, 1, 6), date(2026, 1, 7), None],
        {"due_at": 2},
    )
    times = [*days, {**row, "contact_id": "4", "due_at": "2026-01-05T16:00Z"}]
    checked, kept, _ = run(CONTACTS, definition, *times, midnights_are_days=True)
    assert (kept[0]["due_at"], checked.midnights) == (datetime(2026, 1, 5, 23), {})


def test_an_empty_cell_is_not_known_and_a_default_stands_in(definition):
    invoice = {"month": "2026-05", "account_id": "a", "service": "s", "quantity": "2", "unit_price": "3.5", "kind": ""}
    _, kept, _ = run(INVOICES, definition, invoice)
    assert (kept[0]["kind"], kept[0]["currency"], kept[0]["month"]) == ("service", None, date(2026, 5, 1))
    assert kept[0]["unit_price"] == Decimal("3.5")


def test_an_answer_off_its_scale_is_set_aside_on_reversed_scales_too(definition):
    row = {
        "response_id": "1", "audience": "customer", "respondent_id": "p", "instrument": "ces",
        "scale_min": "7", "scale_max": "1", "score": "8",
    }  # fmt: skip
    _, _, aside = run(SURVEYS, definition, row, {**row, "response_id": "2", "score": "7"})
    assert aside == [(0, "score", "off the scale")]


def test_the_same_key_with_other_content_counts_once_and_the_later_row_is_set_aside(definition):
    row = {"contact_id": "a", "opened_at": "2026-01-31T09:30:00Z", "queue": "x"}
    checked, kept, aside = run(CONTACTS, definition, row, {**row, "queue": "y"}, row, {**row, "contact_id": "b"})
    assert [(one["contact_id"], one["queue"]) for one in kept] == [("a", "x"), ("b", "x")]
    assert [(number, column) for number, column, _ in aside] == [(1, "contact_id")]
    assert checked.collapsed == 1


def test_of_an_event_log_the_last_state_counts_and_nothing_is_set_aside(definition):
    row = {"contact_id": "a", "opened_at": "2026-01-31T09:30:00Z"}
    states = [{**row, "reason": text, "sys": when} for text, when in (("new", "1"), ("closed", "3"), ("open", "2"))]
    checked, kept, aside = run(CONTACTS, definition, *states, last_wins="sys")
    assert [one["reason"] for one in kept] == ["closed"]
    assert (aside, checked.collapsed) == ([], 2)


def test_invoice_lines_without_an_invoice_always_count(definition):
    row = {"month": "2026-05", "account_id": "a", "service": "s", "quantity": "2", "unit_price": "3.5"}
    numbered = {**row, "invoice_id": "9", "line": "1"}
    checked, _, _ = run(INVOICES, definition, row, row, {**row, "invoice_id": "9"}, numbered, numbered)
    assert (checked.rows, checked.collapsed) == (4, 1)


def test_an_empty_queue_of_a_reported_figure_is_a_key_like_any_other(definition):
    row = {"period": "2026-05", "kpi": "k", "value": "0.8", "reported_by": "customer", "queue": None}
    _, _, aside = run(REPORTED, definition, row, {**row, "value": "0.9"})
    assert len(aside) == 1


@pytest.mark.parametrize(("period", "stands"), [
    ("2026-05", True), ("2026-13", False), ("2026-W53", True), ("2025-W53", False), ("2026-W00", False), ("May", False),
])  # fmt: skip
def test_a_period_is_a_month_or_a_week_that_the_year_has(definition, period, stands):
    """2026 begins on a Thursday and has 53 ISO weeks; 2025 has 52."""
    row = {"period": period, "kpi": "k", "value": "0.8", "reported_by": "customer"}
    checked, _, _ = run(REPORTED, definition, row)
    assert checked.rows == stands


def test_amounts_that_are_not_quantity_times_price_are_told_with_their_sum_and_kept(definition):
    """10 x 2.50 = 25.00; 3 x 0.33 may be anything from 0.975 to 1.005 before rounding; 10 x 2.50 is not 27.00."""
    row = {"month": "2026-05", "account_id": "a", "service": "s", "quantity": "10", "unit_price": "2.50"}
    rows = [{**row, "amount": "25.00"}, {**row, "amount": "27.00"}]
    rows.append({**row, "quantity": "3", "unit_price": "0.33", "amount": "1.00"})
    checked, _, aside = run(INVOICES, definition, *rows)
    assert (checked.rows, aside) == (3, [])
    assert checked.off_amounts == (1, pytest.approx(2.0))


def test_an_invoice_line_needs_a_unit_price_or_an_amount(definition):
    row = {"month": "2026-05", "account_id": "a", "service": "s", "quantity": "10"}
    _, kept, aside = run(INVOICES, definition, {**row, "amount": "25.00"}, {**row, "unit_price": "2.50"}, row)
    assert [(line["unit_price"], line["amount"]) for line in kept] == [(None, Decimal(25)), (Decimal("2.5"), None)]
    assert aside == [(2, "amount", "neither a unit price nor an amount")]


@pytest.mark.parametrize(("marks", "blamed"), [
    ({"score": "80", "scale_min": "0", "scale_max": "100"}, None),
    ({"score": "101", "scale_min": "0", "scale_max": "100"}, ("score", "off the scale")),
    ({"opportunities": "12", "errors": "2", "critical_errors": "1"}, None),
    ({"opportunities": "12", "errors": "13"}, ("errors", "errors above opportunities")),
    ({"form": "calls 2026"}, ("score", "neither a score nor errors")),
])  # fmt: skip
def test_an_evaluation_says_how_the_contact_was_marked(definition, marks, blamed):
    row = {"evaluation_id": "1", "evaluated_on": "2026-05-04", **marks}
    _, kept, aside = run(EVALUATIONS, definition, row)
    assert len(kept) == (blamed is None)
    assert aside == ([] if blamed is None else [(0, *blamed)])


def test_another_currency_than_the_books_is_set_aside(definition):
    row = {"month": "2026-05", "account_id": "a", "service": "s", "quantity": "10", "unit_price": "2.50"}
    _, _, aside = run(INVOICES, definition, {**row, "currency": "EUR"}, {**row, "currency": "USD"})
    assert aside == [(1, "currency", "another currency than the book's EUR")]


def test_rows_in_no_batch_at_all_make_an_empty_table(definition):
    with work_engine() as (con, folder):
        checked = check_rows(con, [], CheckRequest(CONTACTS, definition), folder)
        assert (checked.rows_in, checked.rows, checked.rejected) == (0, 0, 0)
        assert "opened_on" in pq.read_schema(checked.clean).names


def test_local_days_and_half_hours_are_written(definition):
    row = {"queue": "q", "start": "2026-06-30T22:30:00Z", "minutes": "30"}
    _, kept, _ = run(INTERVALS, definition, row)
    assert (kept[0]["start_on"], kept[0]["start_slot"]) == (date(2026, 7, 1), 1)


_TEXTS = st.one_of(st.none(), st.text(max_size=12), st.sampled_from(["1", "-3", "2026-01-01T00:00:00Z", "true", "nan"]))


@settings(max_examples=examples(10), deadline=timedelta(seconds=20))
@given(
    rows=st.lists(st.fixed_dictionaries({column.name: _TEXTS for column in CONTACTS.columns}), min_size=1, max_size=8)
)
def test_no_text_whatever_ends_in_an_error_and_every_row_is_accounted_for(definition, rows):
    rows = [{name: value and value.encode(errors="replace").decode() for name, value in row.items()} for row in rows]
    run(CONTACTS, definition, *rows)
