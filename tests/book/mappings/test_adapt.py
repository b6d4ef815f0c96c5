"""What a column shows decides what the mapping leaves open; what it contradicts, or nobody can tell, is refused."""

from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from comity.book.formats.sheet import UnusableSourceError
from tests.builders.examples import examples
from tests.builders.mappings import drawn, mapped, written

pytestmark = pytest.mark.gate

CALLS = 'table = "contacts"\n[columns]\ncontact_id = "Id"\nopened_at = "At"\n'
DAYS = 'table = "intervals"\n[columns]\nqueue = { value = "Care" }\nstart = "Day"\noffered = "Calls"\n'
DAILY = DAYS + "minutes = { value = 1440 }\n"
MONTHLY = DAYS + "minutes = { value = 44640 }\n"
PRICED = (
    'table = "invoices"\n[columns]\nmonth = { value = "2026-01" }\naccount_id = { value = "nw" }\nservice = "Line"\n'
    'quantity = { value = 1 }\namount = "Amount"\n'
)
CONSISTENT = settings(
    max_examples=examples(40), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def spelt(day: date, order: str, mark: str) -> str:
    parts = (day.day, day.month) if order == "day-first" else (day.month, day.day)
    return mark.join([*(f"{part:02}" for part in parts), str(day.year)])


@CONSISTENT
@given(
    st.lists(st.dates(date(2024, 1, 1), date(2027, 12, 31)), min_size=1, max_size=20),
    st.sampled_from(["day-first", "month-first"]),
    st.sampled_from("/.-"),
)
def test_a_column_with_a_day_above_12_is_read_right(tmp_path, days, order, mark):
    days = [*days, date(2026, 3, 25)]  # 25 is no month
    cells = "".join(f"{n},{spelt(day, order, mark)} 10:00\n" for n, day in enumerate(days))
    found = drawn(tmp_path, CALLS, "Id,At\n" + cells)[1]
    assert [row["opened_at"][:10] for row in found] == [day.isoformat() for day in days]


@CONSISTENT
@given(st.dates(date(2025, 1, 1), date(2027, 6, 1)), st.integers(5, 12), st.sampled_from(["day-first", "month-first"]))
def test_days_that_follow_each_other_are_read_right_or_refused(tmp_path, first, count, order):
    days = [first + timedelta(n) for n in range(count)]
    cells = "".join(f"{spelt(day, order, '/')},5\n" for day in days)
    try:
        found = drawn(tmp_path, DAILY, "Day,Calls\n" + cells)[1]
    except UnusableSourceError:
        # Days up to 12 across a change of month may lie close together in either order.
        assert all(day.day <= 12 for day in days)
        return
    assert [row["start"][:10] for row in found] == [day.isoformat() for day in days]


@pytest.mark.parametrize("cells", [[f"01/{n:02}/2026" for n in range(1, 13)], [f"{n:02}/01/2026" for n in range(1, 9)]])
def test_the_first_of_each_month_is_no_run_of_days_unless_somebody_says_so(tmp_path, cells):
    """01/01, 01/02, 01/03: twelve days of January, or twelve months. The length of the rows says which."""
    source = "Day,Calls\n" + "".join(f"{cell},1000\n" for cell in cells)
    open_length = DAYS + 'minutes = { first = [{ value = "30", as = "number" }] }\n'
    with pytest.raises(UnusableSourceError, match="or the first of each month"):
        drawn(tmp_path, open_length, source)
    by_day = [row["start"][:10] for row in drawn(tmp_path, DAILY, source)[1]]
    assert by_day == [f"2026-01-{n:02}" for n in range(1, len(cells) + 1)]
    by_month = [row["start"][:10] for row in drawn(tmp_path, MONTHLY, source)[1]]
    assert by_month == [f"2026-{n:02}-01" for n in range(1, len(cells) + 1)]


def test_who_says_the_order_of_days_is_believed_where_the_column_can_be_both(tmp_path):
    source = "Day,Calls\n" + "".join(f"01/{n:02}/2026,1000\n" for n in range(1, 13))
    said = DAYS.replace('start = "Day"', 'start = { from = "Day", format = "day-first" }')
    found = drawn(tmp_path, said + 'minutes = { first = [{ value = "30", as = "number" }] }\n', source)[1]
    assert [row["start"][:10] for row in found] == [f"2026-{n:02}-01" for n in range(1, 13)]


def test_an_order_that_the_column_contradicts_is_refused_with_the_line_to_write(tmp_path):
    said = CALLS.replace('"At"', '{ from = "At", format = "day-first" }')
    source = "Id,At\n1,01/05/2026 09:00\n2,01/25/2026 09:00\n"
    with pytest.raises(UnusableSourceError, match='write format = "month-first", or sure = true'):
        drawn(tmp_path, said, source)


def test_days_with_the_year_first_are_read_and_with_two_digits_asked(tmp_path):
    found = drawn(tmp_path, CALLS, "Id,At\n1,2026/01/05 09:00\n2,2026/1/13 14:00\n")[1]
    assert [row["opened_at"] for row in found] == ["2026-01-05T09:00:00Z", "2026-01-13T14:00:00Z"]
    with pytest.raises(UnusableSourceError, match="seem to begin with the year"):
        drawn(tmp_path, CALLS, "Id,At\n1,26/01/05 09:00\n2,26/01/13 14:00\n")


LOCALES = [(",", "."), (".", ","), (" ", ","), ("'", "."), ("", "."), ("", ",")]  # thousands, decimal


def as_written(cents: int, thousands: str, decimal: str, places: int) -> str:
    whole = f"{cents // 100:,}".replace(",", thousands)
    return whole if not places else f"{whole}{decimal}{cents % 100:02}"


@CONSISTENT
@given(
    st.lists(st.integers(0, 99_999_999), min_size=1, max_size=12),
    st.sampled_from(LOCALES),
    st.sampled_from(";\t"),
    st.booleans(),
)
def test_numbers_in_the_marks_of_a_locale_are_read_right_or_refused_and_never_otherwise(
    tmp_path, cents, marks, delimiter, whole
):
    """The amounts are made from whole cents, so that what they are is known without reading them."""
    places = 0 if whole else 2
    cents = [one - one % 100 if whole else one for one in cents]
    lines = [f"L{n}{delimiter}{as_written(one, *marks, places)}" for n, one in enumerate(cents)]
    source = f"Line{delimiter}Amount\n" + "\n".join(lines) + "\n"
    try:
        applied, found = drawn(tmp_path, PRICED, source)
    except UnusableSourceError:
        assert whole  # two decimals always tell which mark is the decimal's
        return
    assert not applied.problems
    assert [round(float(row["amount"]) * 100) for row in found] == cents


def test_a_thousand_of_a_count_tells_how_the_file_writes_its_numbers(tmp_path):
    """Nobody counts thousandths: 1.000 calls are a thousand, and so 90.000 seconds are ninety thousand."""
    toml = DAILY + 'handle_s = { from = "Handled", as = "seconds" }\n'
    found = drawn(tmp_path, toml, "Day;Calls;Handled\n2026-01-05;1.000;90.000\n2026-01-06;1.200;110.500\n")[1]
    assert [(row["offered"], float(row["handle_s"])) for row in found] == [("1000", 90000.0), ("1200", 110500.0)]


def test_three_decimals_in_a_comma_file_are_decimals(tmp_path):
    assert [row["amount"] for row in drawn(tmp_path, PRICED, "Line,Amount\na,20.250\nb,1.125\n")[1]] == [
        "20.250",
        "1.125",
    ]


TALK = CALLS + 'handle_s = { from = "%s", as = "seconds" }\n'


@pytest.mark.parametrize(
    ("header", "cells", "seconds"),
    [
        ("Talk", ["3:20", "12:40"], [200, 760]),  # as hours a contact would last half a day
        ("Talk", ["0.00231481481481481", "0.00277777777777778"], [200, 240]),  # 200 / 86,400 of a day
        ("Talk", ["2.31481481481481E-03", "2.77777777777778E-03"], [200, 240]),
        ("Talk (min)", ["3.5", "4.25"], [210, 255]),
        ("talk_ms", ["200000", "240000"], [200, 240]),
        ("Talk", ["200", "0.5"], [200, 0.5]),  # half a second, and no half day
        ("Talk", ["00:03:20", "26:00:00"], [200, 93600]),
        ("Talk (h:mm)", ["1:30", "0:10"], [5400, 600]),
        ("Talk (mm:ss)", ["1:30", "0:10"], [90, 10]),
    ],
)
def test_a_duration_is_in_the_unit_that_its_column_shows(tmp_path, header, cells, seconds):
    source = f"Id,At,{header}\n" + "".join(f"{n},2026-01-05 09:00,{cell}\n" for n, cell in enumerate(cells))
    found = drawn(tmp_path, TALK % header, source)[1]
    assert [pytest.approx(float(row["handle_s"]), abs=1e-3) for row in found] == seconds


def test_a_short_wait_is_read_as_the_long_talk_beside_it(tmp_path):
    """A mean wait of 0:17 would be 17 minutes as hours, which is possible; the talk of 8:00 beside it is not."""
    toml = (
        TALK % "Talk" + "answered_at = { sum = [{ use = 'opened_at' }, { use = 'w' }] }\n"
        "[let]\nw = { from = 'Wait', as = 'seconds' }\n"
    )
    found = drawn(tmp_path, toml, "Id,At,Wait,Talk\n1,2026-01-05 09:00,0:12,3:20\n2,2026-01-05 09:00,0:22,12:40\n")[1]
    assert [row["answered_at"][-6:-1] for row in found] == ["00:12", "00:22"]


def test_how_long_a_ticket_took_may_be_hours(tmp_path):
    toml = CALLS + "resolved_at = { sum = [{ use = 'opened_at' }, { from = 'Resolution', as = 'seconds' }] }\n"
    applied, found = drawn(tmp_path, toml, "Id,At,Resolution\n1,2026-01-05 09:00,3:30\n")
    assert not found
    assert "3:30" in applied.problems[0].value


def test_a_mean_is_not_taken_for_the_sum_of_an_interval(tmp_path):
    toml = DAILY + 'handle_s = "Avg Handle Time"\n'
    with pytest.raises(UnusableSourceError, match="the header says a mean; write handle_s"):
        drawn(tmp_path, toml, "Day,Calls,Avg Handle Time\n2026-01-05,10,200\n")


@pytest.mark.parametrize(
    ("ids", "read"),
    [
        (["1001.0", "1002.0"], ["1001", "1002"]),
        (["0001", "0002"], ["0001", "0002"]),
        (["1.0", "2.0", "1.10"], ["1.0", "2.0", "1.10"]),
        (["A-1.0", "A-2"], ["A-1.0", "A-2"]),
    ],
)
def test_ids_are_mended_only_where_all_were_taken_for_numbers(tmp_path, ids, read):
    source = "Id,At\n" + "".join(f"{one},2026-01-05 09:00\n" for one in ids)
    found = [row["contact_id"] for row in drawn(tmp_path, CALLS, source)[1]]
    assert found == (read if ids != ["1.0", "2.0", "1.10"] else ids)


@pytest.mark.parametrize("mark", [".", ","])
def test_ids_that_lost_their_digits_are_refused(tmp_path, mark):
    with pytest.raises(UnusableSourceError, match="last digits"):
        drawn(tmp_path, CALLS, f"Id;At\n1{mark}23457E+11;2026-01-05 09:00\n1{mark}23458E+11;2026-01-05 09:00\n")


def test_a_daily_report_of_a_known_format_needs_no_times(tmp_path):
    source = written(tmp_path, "acd.csv", "Queue,Date,Offered\nCare,2026-01-13,10\n")
    assert [row["start"] for row in mapped("acd_intervals", source)[1]] == ["2026-01-13T00:00:00Z"]
