"""Deadlines kept, from written books, by hand."""

from datetime import UTC, date, datetime, timedelta

import pytest

from comity.book.reading.open import open_book
from comity.book.statistics import sla_attainment as due
from comity.core.readings import sla_attainment
from comity.core.values import Comparison, Period
from tests.cast import CUSTOMER, JOINT, PROVIDER, write_book

MAY, JUNE = Period(date(2026, 5, 1), date(2026, 6, 1)), Period(date(2026, 6, 1), date(2026, 7, 1))
ASKED = Comparison(JUNE, MAY, date(2026, 7, 1))


def text(at):
    return "" if at is None else at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def ticket_lines(tickets):
    columns = ("opened_at", "due_at", "resolved_at")
    rows = (
        ",".join([f"t{number}", one["queue"], *(text(one[column]) for column in columns)])
        for number, one in enumerate(tickets)
    )
    return "\n".join([",".join(("contact_id", "queue", *columns)), *rows])


def ticket(due_at, resolved_at=None, queue="help"):
    return {"queue": queue, "opened_at": due_at - timedelta(days=3), "due_at": due_at, "resolved_at": resolved_at}


def tickets(june_open):
    """In May 15 of 20 a week by the due time; in June 18 of 20, and so many of the rest not resolved at all."""
    found = []
    for month, kept in ((5, 15), (6, 18)):
        for week in range(4):
            for number in range(20):
                at = datetime(2026, month, 4 + 7 * week, 12, tzinfo=UTC) + timedelta(minutes=number)
                if number < kept + (-1) ** week:
                    found.append(ticket(at, at - timedelta(seconds=number)))
                else:
                    found.append(ticket(at, None if month == 6 and june_open else at + timedelta(hours=1)))
    return found


@pytest.mark.parametrize("still_open", [False, True])
def test_open_and_late_is_a_miss_like_late(tmp_path, still_open):
    """60 of 80, then 72 of 80; a quick count of the resolved alone would show 72 of 72."""
    lines = ticket_lines(tickets(still_open))
    book = write_book(tmp_path / "book", contacts=lines)
    with open_book(book, JOINT) as opened:
        (stats,) = due.gather(opened, [ASKED])[ASKED]
    reading = sla_attainment.read(stats)
    assert (reading.before, reading.after, reading.variant) == (0.75, 0.9, "sla_attainment")
    assert reading.also == ({"open_late": {"before": 0, "after": 8}} if still_open else {})


def test_due_beyond_the_horizon_is_not_judged(tmp_path):
    lines = ticket_lines(tickets(june_open=True))
    book = write_book(tmp_path / "book", contacts=lines)
    asked = Comparison(JUNE, MAY, date(2026, 6, 15))
    with open_book(book, JOINT) as opened:
        (stats,) = due.gather(opened, [asked])[asked]
        early = Comparison(JUNE, MAY, JUNE.start)
        assert due.gather(opened, [early])[early] == ()
    assert stats.counted.after.size == 40


def test_without_due_times_the_source_judges_and_what_it_left_out_is_told(tmp_path):
    lines = ["contact_id,queue,opened_at,sla_met"]
    for month, judged in ((5, 16), (6, 12)):
        for number in range(80):
            day = 4 + 7 * (number // 20)
            met = "" if number % 20 >= judged else str(number % 20 < judged - 4 - number // 40).lower()
            lines.append(f"t{month}-{number},help,2026-{month:02}-{day:02}T10:00:00Z,{met}")
    book = write_book(tmp_path / "book", contacts="\n".join(lines))
    with open_book(book, JOINT) as opened:
        (stats,) = due.gather(opened, [ASKED])[ASKED]
    reading = sla_attainment.read(stats)
    assert reading.counts == {"before": 64, "after": 48}
    assert reading.also["unjudged"] == pytest.approx({"before": 0.2, "after": 0.4})
    assert (reading.before, reading.after) == pytest.approx((46 / 64, 30 / 48))


def test_a_book_without_due_times_or_judgements_has_no_such_reading(tmp_path):
    calls = "contact_id,queue,opened_at,answered_at\nc1,help,2026-06-03T09:00:00Z,2026-06-03T09:00:03Z"
    with open_book(write_book(tmp_path / "book", contacts=calls), JOINT) as opened:
        assert due.gather(opened, [ASKED])[ASKED] == ()


def test_what_only_one_side_holds_only_it_reads(tmp_path):
    """The customer keeps its tickets to itself: the provider and the shared view have nothing to read."""
    toml = '[private]\ncustomer = ["contacts"]\n'
    book = write_book(tmp_path / "book", toml, private__customer__contacts=ticket_lines(tickets(june_open=True)))
    found = []
    for viewer in (CUSTOMER, PROVIDER, JOINT):
        with open_book(book, viewer) as opened:
            found.append(len(due.gather(opened, [ASKED])[ASKED]))
    assert found == [1, 0, 0]
