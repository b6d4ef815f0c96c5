"""How long the rows of a report are: as a column or the mapping says, else as their starts show."""

from calendar import monthrange

import pytest

from comity.book.formats.sheet import UnusableSourceError
from comity.book.importing.deliver import ImportRequest, import_source
from comity.book.mappings.parse import read_mapping
from tests.builders.deliveries import at, rows
from tests.builders.mappings import written
from tests.cast import write_book

pytestmark = pytest.mark.gate

OPEN = """table = "intervals"
[columns]
queue = "Queue"
start = "Start"
minutes = { first = [{ from = "Length" }, { value = "30", as = "number" }] }
offered = "Offered"
"""


def lengths(folder, starts, toml=OPEN):
    """Queue and local start -> the minutes that a new book holds."""
    source = written(folder, "report.csv", "Queue,Start,Offered\n" + "".join(f"{q},{s},10\n" for q, s in starts))
    book = write_book(folder / "book")
    mapping = read_mapping(written(folder, "mine.toml", toml))
    outcome = import_source(book, source, mapping, ImportRequest("Ana", at(1)))
    return [row["minutes"] for row in sorted(rows(book, "intervals"), key=lambda r: (r["queue"], r["start"]))], outcome


def every(minutes, queue="Care", count=12):
    return [(queue, f"2026-01-05 {(480 + n * minutes) // 60:02}:{n * minutes % 60:02}") for n in range(count)]


@pytest.mark.parametrize("minutes", [5, 10, 15, 20, 30, 60])
def test_starts_of_one_spacing_show_the_length(tmp_path, minutes):
    found, outcome = lengths(tmp_path, every(minutes))
    assert set(found) == {minutes}
    assert any(f"each row lasts {minutes} minutes" in note for note in outcome.notes) is (minutes != 30)


def test_a_daily_report_is_of_days(tmp_path):
    found, outcome = lengths(tmp_path, [("Care", f"2026-01-{day:02}") for day in range(5, 10)])
    assert set(found) == {24 * 60}
    assert any("each row lasts a day" in note for note in outcome.notes)


def test_first_days_of_months_are_months(tmp_path):
    found, _ = lengths(tmp_path, [("Care", f"2026-{month:02}-01") for month in range(1, 6)])
    assert found == [monthrange(2026, month)[1] * 24 * 60 for month in range(1, 6)]


def test_queues_of_another_length_have_their_own(tmp_path):
    found, outcome = lengths(tmp_path, [*every(60, "Back office"), *every(30, "Care")])
    assert found == [60] * 12 + [30] * 12
    assert any("each row lasts 30 minutes, of some queues 60" in note for note in outcome.notes)


def test_a_queue_with_gaps_is_no_longer_for_that(tmp_path):
    """Half hours without a call have no row: 9:00, 10:00, 11:30 are still half hours."""
    sparse = [("Small", f"2026-01-05 {clock}") for clock in ("09:00", "10:00", "11:00", "13:30", "15:00")]
    assert set(lengths(tmp_path, [*every(30), *sparse])[0]) == {30}


def test_the_word_of_a_mapping_counts_and_is_refused_where_rows_would_overlap(tmp_path):
    said = OPEN.replace('{ first = [{ from = "Length" }, { value = "30", as = "number" }] }', "{ value = 30 }")
    assert set(lengths(tmp_path, every(60), said)[0]) == {30}
    (tmp_path / "again").mkdir()
    with pytest.raises(UnusableSourceError, match="start 15 minutes apart, and the mapping says that each lasts 30"):
        lengths(tmp_path / "again", every(15), said)
