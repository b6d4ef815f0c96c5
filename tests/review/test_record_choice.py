"""Tickets and a call report in one book: each figure from the records that can answer it, and it is said which.

Every day of May and June two tickets come to the desk, both resolved within the hour they have. The call report says of
each day: 10 calls, 9 answered, 8 of them within 20 s, 1 gave up. By hand: 8 of 10 in time, that is 80 %.
"""

from datetime import UTC, date, datetime, timedelta

import pytest

from comity.book.new_book import NewBook, Service, book_text
from comity.book.reading.open import home_viewer, open_book
from comity.book.statistics.level_cuts import gather as cuts
from comity.core.calendars import Cut
from comity.review.build import build_review
from comity.review.i18n.words import words_of
from comity.review.level_detail import build_level_detail
from comity.review.render.json import review_object
from comity.review.views.level import level_row
from comity.review.views.sections import paid_notes
from tests.builders.turns import every
from tests.cast import JOINT, write_book

NOW = datetime(2026, 9, 1, tzinfo=UTC)
DAYS = [date(2026, 5, 1) + timedelta(number) for number in range(61)]
WAITS, NO_WAITS = 15, None
BOTH = """
[[kpi]]
id = "service_level"
abandons = "count"
target = 0.8
{pins}
[[kpi]]
id = "abandonment"
{pins}
[[kpi]]
id = "sla_attainment"
[[kpi]]
id = "backlog"
"""


def tickets(wait_s: int | None, channel: str = "ticket", queue: str = "desk") -> str:
    """Two tickets a day, one of which the desk took on within 20 s, where it says when at all."""
    rows = ["contact_id,queue,channel,opened_at,answered_at,resolved_at,due_at"]
    for day in DAYS:
        for number, wait in enumerate((wait_s, None if wait_s is None else 40)):
            taken = "" if wait is None else f"{day}T10:00:{wait:02}Z"
            times = f"{day}T10:00:00Z,{taken},{day}T10:30:00Z,{day}T11:00:00Z"
            rows.append(f"{day}-{number},{queue},{channel},{times}")
    return "\n".join(rows)


def report(queue: str = "calls", threshold: int = 20) -> str:
    rows = ["queue,start,minutes,offered,answered,answered_within,threshold_s,abandoned,handle_s"]
    rows += [f"{queue},{day}T08:00:00Z,30,10,9,8,{threshold},1,900" for day in DAYS]
    return "\n".join(rows)


def composed(book, period="2026-06"):
    with open_book(book, JOINT) as opened:
        return build_review(opened, period=period, now=NOW)


def by_kpi(review):
    return {level.kpi: level for level in review.levels}


@pytest.mark.parametrize("wait_s", [WAITS, NO_WAITS])
@pytest.mark.parametrize("pins", every(2, ["", 'channels = ["voice"]', 'queues = ["calls"]', 'records = "intervals"']))
def test_a_call_report_answers_what_tickets_cannot(tmp_path, wait_s, pins):
    book = write_book(tmp_path / "book", BOTH.format(pins=pins), contacts=tickets(wait_s), intervals=report())
    review = composed(book)
    levels = by_kpi(review)
    assert (levels["service_level"].value, levels["service_level"].den) == (0.8, 300)
    assert levels["abandonment"].value == pytest.approx(0.1)
    assert levels["sla_attainment"].value == 1
    assert levels["service_level"].counted_from == ("intervals",)
    assert levels["sla_attainment"].counted_from == ("contacts",)
    (reading,) = (one for one in review.readings if one.id == "service_level")
    assert (reading.before, reading.after, reading.also["counted_from"]) == (0.8, 0.8, "intervals")
    assert not any(one.reading in {"service_level", "abandonment"} for one in review.missing)


@pytest.mark.parametrize("wait_s", [WAITS, NO_WAITS])
def test_a_new_book_of_calls_and_tickets_counts_both(tmp_path, wait_s):
    """The four KPIs that `comity new --service both` writes, of tickets one by one and calls by the half hour."""
    new = NewBook("Northwind", "Helpline", "Europe/Madrid", "EUR", Cut.MONTH, Service.BOTH)
    book = write_book(tmp_path / "book", contacts=tickets(wait_s), intervals=report())
    (book / "book.toml").write_text(book_text(new), encoding="utf-8")
    with open_book(book, home_viewer(book, None)) as opened:
        review = build_review(opened, period="2026-06", now=NOW)
    told = {name: (round(level.value, 9), level.counted_from) for name, level in by_kpi(review).items()}
    assert told == {
        "service_level": (0.8, ("intervals",)),
        "abandonment": (0.1, ("intervals",)),
        "sla_attainment": (1, ("contacts",)),
        "backlog": (0, ("contacts",)),
    }


def test_a_level_says_from_which_records_and_which_it_leaves(tmp_path):
    book = write_book(tmp_path / "book", BOTH.format(pins=""), contacts=tickets(WAITS), intervals=report())
    review = composed(book)
    row = level_row(by_kpi(review)["service_level"], review, words_of("en"))
    assert row.about.endswith("; from intervals")
    assert row.records == ("intervals, because the contacts do not show who gave up. Not counted: contacts of desk.")
    told = {one["kpi"]: one for one in review_object(review, words_of("en"))["levels"]}
    assert told["service_level"]["counted_from"] == ["intervals"]
    assert told["service_level"]["records"] == {
        "why": "gave_up",
        "not_counted": "contacts",
        "queues_not_counted": ["desk"],
    }
    assert told["backlog"]["records"] is None


def test_a_kpi_of_tickets_is_counted_from_them_though_a_call_report_is_there(tmp_path):
    """One of the two tickets a day was taken on within 20 s: 50 %."""
    pins = 'channels = ["ticket"]'
    book = write_book(tmp_path / "book", BOTH.format(pins=pins), contacts=tickets(WAITS), intervals=report())
    level = by_kpi(composed(book))["service_level"]
    assert (level.value, level.den, level.counted_from) == (0.5, 60, ("contacts",))


def test_two_kpis_of_one_measure_may_be_counted_from_different_records(tmp_path):
    kpis = """
    [[kpi]]
    id = "calls"
    measure = "service_level"
    abandons = "count"
    queues = ["calls"]
    [[kpi]]
    id = "desk"
    measure = "service_level"
    abandons = "count"
    queues = ["desk"]
    """
    book = write_book(tmp_path / "book", kpis, contacts=tickets(WAITS), intervals=report())
    review = composed(book)
    levels = by_kpi(review)
    assert {name: (level.value, level.counted_from) for name, level in levels.items()} == {
        "calls": (0.8, ("intervals",)),
        "desk": (0.5, ("contacts",)),
    }
    readings = {
        one.variant: (one.after, one.also["counted_from"]) for one in review.readings if one.id == "service_level"
    }
    assert readings["calls"] == (0.8, "intervals")
    assert readings["desk"] == (0.5, "contacts")


def test_what_the_kpi_names_otherwise_is_nobodys_to_bring(tmp_path):
    """Chats that no contact tells of; the call report might be of chats, and only both sides can say so."""
    pins = 'channels = ["chat"]'
    book = write_book(tmp_path / "book", BOTH.format(pins=pins), contacts=tickets(WAITS), intervals=report())
    review = composed(book)
    assert "service_level" not in by_kpi(review)
    why = {one.reading: (one.why, one.held_by) for one in review.missing}
    assert why["service_level"] == ("other_records", "both")
    assert why["abandonment"] == ("other_records", "both")
    said = composed(
        write_book(
            tmp_path / "said",
            BOTH.format(pins=f'{pins}\nrecords = "intervals"'),
            contacts=tickets(WAITS),
            intervals=report(),
        )
    )
    assert by_kpi(said)["service_level"].value == 0.8


def test_the_same_calls_told_twice_are_counted_once_and_from_the_contacts(tmp_path):
    """Contacts that tell who gave up go before intervals of the same queue: each of them can be opened."""
    calls = ["contact_id,queue,channel,opened_at,answered_at,abandoned_at"]
    for day in DAYS:
        calls.append(f"{day}-a,calls,voice,{day}T10:00:00Z,{day}T10:00:10Z,")
        calls.append(f"{day}-b,calls,voice,{day}T10:00:00Z,,{day}T10:00:30Z")
    book = write_book(tmp_path / "book", BOTH.format(pins=""), contacts="\n".join(calls), intervals=report())
    level = by_kpi(composed(book))["service_level"]
    assert (level.value, level.den, level.records.why) == (0.5, 60, "each_contact")


def test_contacts_that_end_before_the_period_leave_it_to_intervals_in_the_whole_history(tmp_path):
    """Calls came one by one until May; June has the report alone, which tells of May too."""
    calls = ["contact_id,queue,channel,opened_at,answered_at,abandoned_at"]
    for day in DAYS[:31]:
        calls.append(f"{day}-a,calls,voice,{day}T10:00:00Z,{day}T10:00:10Z,")
        calls.append(f"{day}-b,calls,voice,{day}T10:00:00Z,,{day}T10:00:30Z")
    book = write_book(tmp_path / "book", BOTH.format(pins=""), contacts="\n".join(calls), intervals=report())
    level = by_kpi(composed(book))["service_level"]
    assert (level.value, level.records.why) == (0.8, "covers")
    assert [point.value for point in level.history] == [0.8, 0.8]
    assert by_kpi(composed(book, "2026-05"))["service_level"].value == 0.5


def test_no_ticket_is_opened_behind_a_level_of_calls(tmp_path):
    book = write_book(tmp_path / "book", BOTH.format(pins=""), contacts=tickets(WAITS), intervals=report())
    with open_book(book, JOINT) as opened:
        review = build_review(opened, period="2026-06", now=NOW)
        kpi = by_kpi(review)["service_level"].definition
        found = cuts(opened, kpi, review.period)
    assert ({one.name for one in found.queues}, found.contacts) == ({"calls"}, ())  # of intervals
    with open_book(book, JOINT) as opened:
        detail = build_level_detail(opened, "service_level", review.period, NOW)
    assert {one.name for one in detail.cuts.queues} == {"calls"}
    assert [point.value for point in detail.months] == [0.8, 0.8]


@pytest.mark.parametrize(("queue", "expected", "table"), [("calls", 0.2, "intervals"), ("desk", 1, "contacts")])
def test_a_forecast_is_held_against_the_records_of_its_queue(tmp_path, queue, expected, table):
    """Of 8 forecast calls a day 10 came: 2 of 10; of 4 forecast tickets 2 came: 2 of 2."""
    rows = "queue,start,minutes,issued_on,offered\n"
    hour, count = ("08", 8) if queue == "calls" else ("10", 4)
    rows += "".join(f"{queue},{day}T{hour}:00:00Z,30,2026-04-01,{count}\n" for day in DAYS)
    kpi = '[[kpi]]\nid = "forecast_wape"\n'
    book = write_book(tmp_path / "book", kpi, contacts=tickets(WAITS), intervals=report(), forecasts=rows)
    (level,) = composed(book).levels
    assert (level.value, level.counted_from) == (pytest.approx(expected), ("forecasts", table))


INVOICES = """
month,account_id,service,quantity,unit_price,unit
2026-05,N,calls answered,270,1,contact
2026-05,N,tickets,62,1,contact
2026-06,N,calls answered,300,1,contact
2026-06,N,tickets,60,2,contact
"""
QUEUES = '[paid]\nqueues = { "calls answered" = ["calls"] }\n'


def test_calls_are_paid_for_by_calls_and_tickets_by_tickets(tmp_path):
    """June: 300 for 270 calls answered, 240 of them in time; 120 for 60 tickets, all in time.

    In target 300 * 240/270 + 120 = 386.67, late 300 * 30/270 = 33.33; 300 in target for 420: 1.40 each.
    """
    toml = BOTH.format(pins="") + QUEUES
    book = write_book(tmp_path / "book", toml, contacts=tickets(WAITS), intervals=report(), invoices=INVOICES)
    paid = composed(book).paid
    assert paid.amounts["in_target"] == pytest.approx(386.6666667)
    assert paid.amounts["late"] == pytest.approx(33.3333333)
    assert paid.amounts["not_split"] == 0
    assert (paid.contacts_in_target, paid.cost_per_contact_in_target) == (300, pytest.approx(1.4))
    assert paid.counted_from == ("contacts", "intervals")
    assert paid_notes(paid, words_of("en")) == [
        "Received counts contacts and intervals, each of different queues.",
        "calls answered: 300 billed; the records show 270 handled of 300.",
    ]


def test_what_nobody_assigned_is_not_shared_out_by_the_wrong_work(tmp_path):
    book = write_book(
        tmp_path / "book", BOTH.format(pins=""), contacts=tickets(WAITS), intervals=report(), invoices=INVOICES
    )
    paid = composed(book).paid
    assert paid.shares["not_split"] == 1
    assert paid.unassigned == ("calls answered", "tickets")
    assert paid_notes(paid, words_of("en"))[-1] == (
        "Not split: calls answered and tickets. Contacts and intervals show different work; "
        "[paid] queues names the queues of a service."
    )


def test_a_call_report_alone_tells_what_was_received(tmp_path):
    """One service by contact: 300 for 270 answered, 240 in time; the 900 s a day are 7.5 of 10 hours paid."""
    lines = "month,account_id,service,quantity,unit_price,unit\n"
    lines += "2026-06,N,calls,300,1,contact\n2026-06,N,hours,10,30,hour\n"
    kpi = '[[kpi]]\nid = "service_level"\nabandons = "count"\n'
    paid = composed(write_book(tmp_path / "book", kpi, intervals=report(), invoices=lines)).paid
    assert paid.amounts["in_target"] == pytest.approx(300 * 240 / 270)
    assert paid.amounts["late"] == pytest.approx(300 * 30 / 270)
    assert paid.amounts["idle"] == pytest.approx(300 * 2.5 / 10)
    assert paid.amounts["repeated"] is None


def test_an_open_ticket_is_no_late_call(tmp_path):
    """A ticket with time left is not judged yet, and by no other KPI in its place."""
    rows = tickets(WAITS) + "\nopen,desk,ticket,2026-06-30T10:00:00Z,2026-06-30T10:05:00Z,,2026-07-30T10:00:00Z"
    lines = "month,account_id,service,quantity,unit_price,unit\n2026-06,N,tickets,61,1,contact\n"
    kpis = '[[kpi]]\nid = "sla_attainment"\n[[kpi]]\nid = "service_level"\n'
    paid = composed(write_book(tmp_path / "book", kpis, contacts=rows, invoices=lines)).paid
    assert {name: paid.amounts[name] for name in ("in_target", "late", "not_split")} == pytest.approx(
        {"in_target": 60, "late": 0, "not_split": 1}
    )
