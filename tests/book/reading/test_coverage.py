"""How far records reach, and what they cover."""

from datetime import date
from pathlib import Path

import pytest

from comity.book.reading.coverage import Coverage
from comity.book.reading.open import open_book
from comity.core.values import Period
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


def test_the_earliest_of_the_tables_counts_and_complete_to_overrules_them(tmp_path: Path):
    surveys = (
        "response_id,audience,respondent_id,answered_on,instrument,scale_min,scale_max,score\n"
        "r1,customer,p1,2026-05-05,csat,1,5,4"
    )
    tables = {"contacts": contacts("2026-04-02", "2026-06-29"), "surveys": surveys}
    with open_book(write_book(tmp_path / "a", **tables), JOINT) as book:
        assert Coverage(book, TODAY).horizon(["contacts", "surveys"]) == date(2026, 5, 6)
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
