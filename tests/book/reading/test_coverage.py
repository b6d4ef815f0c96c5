"""How far records reach, and what they cover."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from comity.book.definition import read_definition
from comity.book.definition_keys import DATED_TABLES
from comity.book.reading.coverage import DAY_COLUMNS, Coverage
from comity.book.reading.open import open_book
from comity.core.values import Period, Side
from tests.cast import BOOK, JOINT, write_book

TODAY = date(2026, 8, 1)
QUARTER = Period(date(2026, 4, 1), date(2026, 7, 1))


def contacts(*days: str) -> str:
    rows = [f"c{number},{day}T10:00:00+02:00" for number, day in enumerate(days)]
    return "\n".join(["contact_id,opened_at", *rows])


def test_contacts_reach_to_the_day_after_the_latest(tmp_path: Path):
    with open_book(write_book(tmp_path, contacts=contacts("2026-04-02", "2026-06-29")), JOINT) as book:
        assert Coverage(book, TODAY).horizon(["contacts"]) == date(2026, 6, 30)


def test_what_is_dated_after_today_does_not_count(tmp_path: Path):
    with open_book(write_book(tmp_path, contacts=contacts("2026-04-02", "2027-01-01")), JOINT) as book:
        assert Coverage(book, TODAY).horizon(["contacts"]) == date(2026, 4, 3)


def test_monthly_tables_reach_to_the_month_after_the_latest(tmp_path: Path):
    invoices = "month,account_id,service,quantity,unit_price\n2026-05,a,calls,1,2\n2026-06,a,calls,1,2"
    with open_book(write_book(tmp_path, invoices=invoices), JOINT) as book:
        coverage = Coverage(book, TODAY)
        assert coverage.horizon(["invoices"]) == date(2026, 7, 1)
        assert [one.table for one in coverage.lacking(["invoices"], [QUARTER], date(2026, 7, 1))] == ["invoices"]


def surveys(*days: str) -> str:
    rows = [f"r{number},customer,p{number},{day},csat,1,5,4" for number, day in enumerate(days)]
    return "\n".join(["response_id,audience,respondent_id,answered_on,instrument,scale_min,scale_max,score", *rows])


def intervals(*rows: str) -> str:
    return "\n".join(["queue,start,minutes,offered", *(f"calls,{row},9" for row in rows)])


def test_the_earliest_of_the_tables_counts_and_complete_to_overrules_them(tmp_path: Path):
    tables = {"contacts": contacts("2026-04-02", "2026-06-29"), "intervals": intervals("2026-05-05T09:00:00,30")}
    with open_book(write_book(tmp_path / "a", **tables), JOINT) as book:
        assert Coverage(book, TODAY).horizon(["contacts", "intervals"]) == date(2026, 5, 6)
    whole = BOOK.replace("[parties.customer]", 'complete_to = "2026-07-01"\n[parties.customer]')
    with open_book(write_book(tmp_path / "b", whole, **tables), JOINT) as book:
        assert Coverage(book, TODAY).horizon(["contacts"]) == date(2026, 7, 1)


def test_complete_to_hides_nothing_that_was_recorded_later(tmp_path: Path):
    """The next month is imported into a book whose complete_to still names the last one."""
    declared = BOOK.replace("[parties.customer]", 'complete_to = "2026-06-01"\n[parties.customer]')
    folder = write_book(tmp_path / "a", declared, contacts=contacts("2026-04-02", "2026-06-29"))
    with open_book(folder, JOINT) as book:
        assert Coverage(book, TODAY).horizon(["contacts"]) == date(2026, 6, 30)


@pytest.mark.parametrize(
    ("days", "covered"),
    [
        (("2026-04-07", "2026-06-24"), True),  # the seventh day and the seventh from the end
        (("2026-04-08", "2026-06-24"), False),
        (("2026-04-07", "2026-06-23"), False),
    ],
)
def test_contacts_cover_a_period_when_they_come_in_its_first_and_last_seven_days(
    tmp_path: Path,
    days: tuple[str, ...],
    covered: bool,
):
    with open_book(write_book(tmp_path, contacts=contacts(*days, "2026-07-20")), JOINT) as book:
        coverage = Coverage(book, TODAY)
        assert (coverage.lacking(["contacts"], [QUARTER], date(2026, 7, 21)) == ()) is covered


def test_a_table_without_rows_has_no_horizon(tmp_path: Path):
    with open_book(write_book(tmp_path, contacts=contacts("2026-04-02")), JOINT) as book:
        assert Coverage(book, TODAY).horizon(["contacts", "surveys"]) is None
        assert Coverage(book, TODAY).horizon([]) is None


def test_surveys_come_in_waves_and_never_set_the_horizon(tmp_path: Path):
    """Waves of February and May; contacts to the end of June: the book tells of surveys up to there."""
    waves = surveys("2026-02-10", "2026-05-23")
    with open_book(
        write_book(tmp_path / "a", surveys=waves, contacts=contacts("2026-01-02", "2026-06-30")), JOINT
    ) as book:
        coverage = Coverage(book, TODAY)
        assert coverage.horizon(["surveys"]) == coverage.horizon(["contacts", "surveys"]) == date(2026, 7, 1)
        assert coverage.covers("surveys", QUARTER)
        assert coverage.last_day("surveys") == date(2026, 5, 23)


def test_of_surveys_alone_the_month_of_the_last_answer_is_told_once_it_is_over(tmp_path: Path):
    with open_book(write_book(tmp_path, surveys=surveys("2026-02-10", "2026-05-23")), JOINT) as book:
        assert Coverage(book, TODAY).horizon(["surveys"]) == date(2026, 6, 1)
        assert Coverage(book, date(2026, 5, 25)).horizon(["surveys"]) == date(2026, 5, 26)


def test_surveys_without_an_answer_tell_nothing(tmp_path: Path):
    with open_book(write_book(tmp_path, contacts=contacts("2026-04-02"), surveys=surveys("")), JOINT) as book:
        assert Coverage(book, TODAY).horizon(["surveys"]) is None


@pytest.mark.parametrize(
    ("row", "horizon"),
    [
        ("2026-06-30T18:00:00,30", date(2026, 7, 1)),
        ("2026-06-30T23:30:00,30", date(2026, 7, 1)),  # an end at midnight is that midnight
        ("2026-06-30T23:30:00,60", date(2026, 7, 2)),
        ("2026-06-30T22:30:00Z,30", date(2026, 7, 2)),  # half past midnight in Madrid
        ("2026-06-01T00:00:00,43200", date(2026, 7, 1)),  # June as one row
        ("2026-03-01T00:00:00,44580", date(2026, 4, 1)),  # March has an hour less
    ],
)
def test_an_interval_tells_of_all_days_that_it_lasts(tmp_path: Path, row: str, horizon: date):
    with open_book(write_book(tmp_path, intervals=intervals(row)), JOINT) as book:
        assert Coverage(book, TODAY).horizon(["intervals"]) == horizon


def test_a_row_that_lasts_beyond_today_does_not_count_yet(tmp_path: Path):
    rows = intervals("2026-06-01T00:00:00,43200", "2026-07-01T00:00:00,44640", "2026-08-01T00:00:00,44640")
    with open_book(write_book(tmp_path, intervals=rows), JOINT) as book:
        assert Coverage(book, date(2026, 7, 20)).horizon(["intervals"]) == date(2026, 7, 1)
        assert Coverage(book, date(2026, 7, 31)).horizon(["intervals"]) == date(2026, 8, 1)


JUNE, WEEK = Period(date(2026, 6, 1), date(2026, 7, 1)), Period(date(2026, 6, 8), date(2026, 6, 15))
MONTHLY_ROWS = ("2026-04-01T00:00:00,43200", "2026-05-01T00:00:00,44640", "2026-06-01T00:00:00,43200")
# Start = the Sunday of the source's "week ending" less six days: Mondays, from 30 March to 29 June.
WEEKLY_ROWS = tuple(f"{date(2026, 3, 30) + timedelta(7 * number)}T00:00:00,10080" for number in range(14))


@pytest.mark.parametrize(
    ("rows", "period", "covered"),
    [
        (MONTHLY_ROWS, QUARTER, True),
        (MONTHLY_ROWS, JUNE, True),
        (MONTHLY_ROWS, WEEK, False),  # a month is not of the week in which it begins
        (MONTHLY_ROWS[:2], QUARTER, False),
        (WEEKLY_ROWS, JUNE, True),
        (WEEKLY_ROWS, WEEK, True),
        (WEEKLY_ROWS, Period(date(2026, 6, 10), date(2026, 6, 17)), False),
        (WEEKLY_ROWS, QUARTER, True),
        (("2026-04-01T00:00:00,131040",), QUARTER, True),
        (("2026-04-01T00:00:00,131040",), JUNE, False),
    ],
)
def test_long_rows_cover_the_periods_that_they_are_of(
    tmp_path: Path, rows: tuple[str, ...], period: Period, covered: bool
):
    with open_book(write_book(tmp_path, intervals=intervals(*rows)), JOINT) as book:
        assert Coverage(book, TODAY).covers("intervals", period) is covered


@pytest.mark.parametrize(("rows", "told"), [(MONTHLY_ROWS, False), (WEEKLY_ROWS, True)])
def test_rows_of_more_than_a_week_do_not_tell_its_weeks(tmp_path: Path, rows: tuple[str, ...], told: bool):
    with open_book(write_book(tmp_path, intervals=intervals(*rows)), JOINT) as book:
        assert Coverage(book, TODAY).tells_weeks("intervals", QUARTER) is told


DECEMBER = Period(date(2025, 12, 1), date(2026, 1, 1))


def said_whole(folder: Path, rows: str, said: str) -> Coverage:
    """A book in which contacts came, and what the sides say of them."""
    return Coverage(open_book(write_book(folder, BOOK + said, contacts=rows), JOINT), TODAY)


@pytest.mark.parametrize(
    ("said", "covered"),
    [
        ("", False),
        ("[complete.provider]\ncontacts = [2026-01-01]", True),
        ("[complete.provider]\ncontacts = [2025-12-31]", False),  # a day too early
        ("[complete.customer]\ncontacts = [2026-01-01]", False),  # the provider owes contacts
        ("[complete.provider]\ncontacts = [2027-01-01]", False),  # a day to come
        # Agreed otherwise, it is the customer's word that counts.
        ('[[source]]\ntable = "contacts"\nby = "customer"\n[complete.customer]\ncontacts = [2026-01-01]', True),
        ('[[source]]\ntable = "contacts"\nby = "customer"\n[complete.provider]\ncontacts = [2026-01-01]', False),
    ],
)
@pytest.mark.parametrize("later", [False, True], ids=["nothing since", "records since"])
def test_quiet_last_days_are_whole_by_the_word_of_who_owes_the_table(
    tmp_path: Path, said: str, *, covered: bool, later: bool
):
    """A small desk: its last contact before Christmas came on 19 December, the next one on 5 January."""
    days = ("2025-11-28", "2025-12-02", "2025-12-19", *(("2026-01-05",) if later else ()))
    assert said_whole(tmp_path, contacts(*days), said).covers("contacts", DECEMBER) is covered


def test_a_word_of_december_fills_no_earlier_gap(tmp_path: Path):
    """Nothing came after 10 October, and a word of the days before the new year does not say that nothing happened."""
    days = ("2025-10-02", "2025-10-10", "2025-11-03", "2025-11-28", "2025-12-02", "2025-12-19")
    coverage = said_whole(tmp_path, contacts(*days), "[complete.provider]\ncontacts = [2026-01-01]")
    assert coverage.covers("contacts", DECEMBER)
    assert not coverage.covers("contacts", Period(date(2025, 10, 1), date(2025, 11, 1)))


def test_a_word_makes_no_period_of_no_records(tmp_path: Path):
    days = ("2025-10-02", "2025-11-28")
    coverage = said_whole(tmp_path, contacts(*days), "[complete.provider]\ncontacts = [2026-01-01]")
    assert not coverage.covers("contacts", DECEMBER)


def test_what_both_deliver_is_whole_once_both_say_so(tmp_path: Path):
    both = {Side.CUSTOMER, Side.PROVIDER}
    one = replace(
        read_definition(write_book(tmp_path)), complete={Side.CUSTOMER: {"surveys": frozenset({date(2026, 1, 1)})}}
    )
    assert one.complete_days("surveys", both) == ()
    said = one.complete | {Side.PROVIDER: {"surveys": frozenset({date(2025, 12, 1)})}}
    assert replace(one, complete=said).complete_days("surveys", both) == (date(2025, 12, 1),)


def test_every_table_whose_rows_tell_of_a_day_can_be_said_to_be_whole():
    assert set(DATED_TABLES) == set(DAY_COLUMNS)
