"""What hardly can be is told with the worst of it and changed in nothing; what can be is not told."""

import pytest

from comity.book.importing.deliver import ImportRequest, import_source
from comity.book.mappings.model import identity_mapping
from tests.builders.deliveries import at, rows
from tests.builders.mappings import written
from tests.cast import write_book

pytestmark = pytest.mark.gate

INTERVALS = "queue,start,minutes,offered,answered,handle_s"
CONTACTS = "contact_id,opened_at,answered_at,channel,handle_s"
INVOICES = "month,account_id,service,quantity,amount,kind"


def told(folder, table, head, *lines, toml=""):
    """The notes of an import, all of whose rows stand."""
    book = write_book(folder / "book", toml)
    source = written(folder, "rows.csv", "\n".join([head, *lines]) + "\n")
    outcome = import_source(book, source, identity_mapping(table), ImportRequest("Ana", at(1)))
    assert len(rows(book, table)) == len(lines)
    return "\n".join(outcome.notes)


@pytest.mark.parametrize(
    ("table", "head", "line", "words"),
    [
        # 2,100,000 s over 10 contacts are 58.3 hours each: milliseconds.
        ("intervals", INTERVALS, "Care,2026-01-05T09:00:00Z,30,10,10,2100000", "58.3 hours on average in queue Care"),
        ("intervals", INTERVALS, "Care,2026-01-05T09:00:00Z,30,10,10,5", "0.5 seconds on average in queue Care"),
        ("intervals", INTERVALS, "Care,2026-01-05T09:00:00Z,30,10,12,3000", "more contacts answered than offered"),
        ("intervals", INTERVALS, "Care,1926-01-05T09:00:00Z,30,10,10,2000", "of long ago, from 1926-01-05 on"),
        ("intervals", INTERVALS, "Care,2026-11-05T09:00:00Z,30,10,10,2000", "1 row lies in the future"),
        ("contacts", CONTACTS, "c1,2026-01-05T09:00:00Z,2026-01-05T09:00:10Z,voice,90000", "25.0 hours for c1"),
        ("contacts", CONTACTS, "c1,2026-01-05T09:00:00Z,2026-01-08T09:00:00Z,voice,90", "after 72.0 hours for c1"),
        ("invoices", INVOICES, "2026-01,nw,Credit,1,25,credit", "they raise what is owed"),
        ("invoices", INVOICES, "2026-01,nw,Bonus,1,-25,bonus", "they lower what is owed"),
    ],
)
def test_a_row_that_hardly_can_be_is_told_and_stays(tmp_path, table, head, line, words):
    assert words in told(tmp_path, table, head, line)


@pytest.mark.parametrize(
    ("table", "head", "line"),
    [
        ("intervals", INTERVALS, "Care,2026-01-05T09:00:00Z,30,10,10,2100"),
        ("intervals", INTERVALS, "Care,2026-01-05T09:00:00Z,30,0,0,0"),
        ("contacts", CONTACTS, "c1,2026-01-05T09:00:00Z,2026-01-08T09:00:00Z,mail,900"),
        ("invoices", INVOICES, "2026-01,nw,Credit,1,-25,credit"),
        ("invoices", INVOICES, "2026-01,nw,Calls,1,25,service"),
    ],
)
def test_what_can_be_is_not_told(tmp_path, table, head, line):
    found = told(tmp_path, table, head, line)
    assert not any(words in found for words in ("plausible", "owed", "long ago", "future", "answered than offered"))


def test_the_limits_are_those_of_the_book(tmp_path):
    limits = "\n[plausible]\nlongest_handle_s = 300000\n"
    line = "Care,2026-01-05T09:00:00Z,30,10,10,2100000"
    assert "plausible" not in told(tmp_path, "intervals", INTERVALS, line, toml=limits)


@pytest.mark.parametrize(("next_day", "overlaps"), [("2026-03-29T22:00:00Z", False), ("2026-03-29T12:00:00Z", True)])
def test_a_row_of_the_day_that_lacks_an_hour_does_not_reach_into_the_next(tmp_path, next_day, overlaps):
    """29 March 2026 in Madrid is from 23:00 to 22:00 in UTC: a row of 1440 minutes is of that day and no longer."""
    lines = [f"Care,{start},1440,10,10,2000" for start in ("2026-03-28T23:00:00Z", next_day)]
    assert ("counted twice" in told(tmp_path, "intervals", INTERVALS, *lines)) is overlaps
