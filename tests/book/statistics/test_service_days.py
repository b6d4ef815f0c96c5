"""Service days from a book: which table tells of them, and what that makes of revenue."""

from datetime import date, timedelta

import pytest

from comity.book.reading.open import open_book
from comity.book.statistics import revenue as lines
from comity.book.statistics.service_days import weigh
from comity.core.readings import revenue
from comity.core.service_days import days_of
from comity.core.values import Comparison, Period
from tests.cast import BOOK, JOINT, write_book

MARCH, APRIL, MAY = (Period(date(2026, month, 1), date(2026, month + 1, 1)) for month in (3, 4, 5))
ASKED = Comparison(APRIL, MARCH, date(2026, 5, 1))
SUNDAY = 6


def by_day(periods, count, *, open_on=range(6), queue="calls"):
    """Daily intervals: `count` contacts on each open day."""
    return [
        f"{queue},{day}T00:00:00,1440,{count(day)}"
        for one in periods
        for day in days_of(one)
        if day.weekday() in open_on
    ]


def intervals(*rows):
    return "\n".join(["queue,start,minutes,offered", *rows])


def invoices(before, after, *, prices=(3.2, 3.328), unit="contact", service="calls"):
    rows = [f"2026-03,n,{service},{before},{prices[0]},{unit}", f"2026-04,n,{service},{after},{prices[1]},{unit}"]
    return "\n".join(["month,account_id,service,quantity,unit_price,unit", *rows])


PRICES = "month,index\n2026-03,100\n2026-04,104"


def read(book, asked=ASKED):
    with open_book(book, JOINT) as opened:
        (stats,) = lines.gather(opened, [asked])[asked]
    return revenue.read(stats)


def parts(reading):
    return {part.id: part.value for part in reading.parts if abs(part.value) > 1e-6}


def test_fewer_calls_at_indexed_prices_are_no_growth(tmp_path):
    """The case of April 2026: queues open Monday to Saturday, 26 opening days in March and in April, 54,804 calls and
    then 54,227, every price 4 % higher as the agreed index. By hand: volume (54,227 - 54,804)(3.2 + 3.328)/2 =
    -1,883.33 and inflation 0.04 * 3.2 * (54,804 + 54,227)/2 = 6,977.98. By calendar days it was a firm "real" growth.
    """
    rows = intervals(*by_day([MARCH], lambda _: 2108), *by_day([APRIL], lambda _: 2086))
    book = write_book(tmp_path, intervals=rows, invoices=invoices(54804, 54227), prices=PRICES)
    reading = read(book)
    assert parts(reading) == pytest.approx({"volume": -1883.328, "inflation": 6977.984}, abs=0.01)
    assert (reading.verdict, reading.cause) == ("reversed", "inflation")
    assert reading.also["service_days"]["basis"] == "offered"
    assert reading.also["service_days"]["closed"] == ["sunday"]


def test_contacts_come_before_intervals_and_these_before_forecasts(tmp_path):
    """Each table tells of other closed days: contacts of Sundays, intervals of Saturdays, the forecast of Fridays."""
    opened = [
        f"c{number},{day}T10:00:00"
        for number, day in enumerate(day for one in (MARCH, APRIL) for day in days_of(one) if day.weekday() != SUNDAY)
    ]
    tables = {
        "contacts": "\n".join(["contact_id,opened_at", *opened]),
        "intervals": intervals(*by_day([MARCH, APRIL], lambda _: 9, open_on=(0, 1, 2, 3, 4, 6))),
        "forecasts": "queue,start,minutes,offered,issued_on\n"
        + "\n".join(f"{row},2026-02-20" for row in by_day([MARCH, APRIL], lambda _: 9, open_on=(0, 1, 2, 3, 5, 6))),
    }
    expected = {"contacts": ("contacts", (6,)), "intervals": ("offered", (5,)), "forecasts": ("forecast", (4,))}
    for number, name in enumerate(tables):
        book = write_book(tmp_path / name, **dict(list(tables.items())[number:]))
        with open_book(book, JOINT) as opened_book:
            found = weigh(opened_book, ASKED)
        assert (found.basis, found.days.closed) == expected[name]


def test_of_several_forecasts_the_locked_one_counts_else_the_last_issued(tmp_path):
    """Sundays are 0 in what counts: locked in March, issued last in April; the others say 9 on each day."""
    rows = ["queue,start,minutes,offered,issued_on,locked"]
    for day in (*days_of(MARCH), *days_of(APRIL)):
        said = 0 if day.weekday() == SUNDAY else 9
        march = day in MARCH
        rows.append(f"calls,{day}T00:00:00,1440,{said},2026-02-{10 if march else 20},{'true' if march else ''}")
        rows.append(f"calls,{day}T00:00:00,1440,9,2026-02-{20 if march else 10},")
    with open_book(write_book(tmp_path, forecasts="\n".join(rows)), JOINT) as book:
        assert weigh(book, ASKED).days.closed == (SUNDAY,)


def test_rows_longer_than_a_day_do_not_tell_days(tmp_path):
    rows = intervals("calls,2026-03-01T00:00:00,44640,900", "calls,2026-04-01T00:00:00,43200,900")
    with open_book(write_book(tmp_path, intervals=rows), JOINT) as book:
        assert weigh(book, ASKED).basis == "calendar_days"


def test_a_table_that_ends_within_the_period_does_not_tell_its_days(tmp_path):
    """The last rows are of 28 April: Wednesday and Thursday are not known, and not quiet."""
    rows = by_day([MARCH, APRIL], lambda _: 9)[:-2]
    with open_book(write_book(tmp_path, intervals=intervals(*rows)), JOINT) as book:
        assert weigh(book, ASKED).basis == "calendar_days"


def test_a_month_that_ends_on_closed_days_is_told_to_its_end(tmp_path):
    """May 2026 ends on a Sunday; rows are of Monday to Friday only, the last of the 29th."""
    rows = intervals(*by_day([APRIL, MAY], lambda _: 9, open_on=range(5)))
    with open_book(write_book(tmp_path, intervals=rows), JOINT) as book:
        found = weigh(book, Comparison(MAY, APRIL, date(2026, 6, 1)))
    assert (found.basis, found.days.before, found.days.after) == ("offered", 22.0, 21.0)


def test_agreed_opening_days_count_where_no_table_tells(tmp_path):
    """Monday to Friday without Good Friday and Easter Monday: 22 days in March, 20 in April."""
    agreed = '[opening]\ndays = ["mon", "tue", "wed", "thu", "fri"]\nholidays = ["2026-04-03", 2026-04-06]\n'
    book = write_book(tmp_path, BOOK + agreed, invoices=invoices(2200, 2000), prices=PRICES)
    reading = read(book)
    assert parts(reading)["calendar"] == pytest.approx(2000 * 3.328 * (1 - 22 / 20))
    assert "volume" not in parts(reading)
    assert (reading.also["service_days"]["basis"], reading.z) == ("agreed_days", None)
    assert "monday_to_friday" not in reading.also


def test_the_holidays_of_a_country_are_a_class_where_none_were_agreed(tmp_path):
    """In Madrid, 2 and 3 April 2026 are Maundy Thursday and Good Friday (Resolution of 17 October 2025, BOE)."""
    rows = intervals(*by_day([MARCH, APRIL], lambda day: 100 if day in (date(2026, 4, 2), date(2026, 4, 3)) else 1000))
    placed = BOOK.replace("[parties.customer]", 'country = "ES-MD"\n[parties.customer]')
    with open_book(write_book(tmp_path / "a", placed, intervals=rows), JOINT) as book:
        found = weigh(book, ASKED).days
        assert found.holidays == (date(2026, 4, 2), date(2026, 4, 3))
        assert found.quiet == ()
        assert found.factor == pytest.approx(26 / 24.2)
    with open_book(write_book(tmp_path / "b", placed + "[opening]\nholidays = []\n", intervals=rows), JOINT) as book:
        found = weigh(book, ASKED).days
        assert found.holidays == ()
        assert found.quiet == (date(2026, 4, 2), date(2026, 4, 3))


def test_with_nothing_to_tell_days_both_ways_stand_and_a_difference_is_unclear(tmp_path):
    """31 and 30 days, 22 and 22 from Monday to Friday: 3100 calls and then 3000 are the same, or 100 fewer."""
    reading = read(write_book(tmp_path, invoices=invoices(3100, 3000, prices=(1, 1))))
    assert parts(reading) == pytest.approx({"calendar": 3000 * (1 - 31 / 30)})
    assert (reading.verdict, reading.cause, reading.would_be) == ("unclear", "calendar", "illusory")
    assert reading.also["monday_to_friday"] == {
        "verdict": "genuine",
        "as_reported": -100,
        "like_for_like": pytest.approx(-100),
    }


def test_what_days_do_not_bring_needs_no_days(tmp_path):
    reading = read(write_book(tmp_path, invoices=invoices(3100, 3000, prices=(1, 1), unit="fixed")))
    assert (reading.verdict, reading.cause) == ("genuine", None)


def test_a_service_is_weighed_by_its_own_queues_where_they_are_named(tmp_path):
    """The desk is open every day, sales from Monday to Friday: 31 against 30 days, and 22 against 22."""
    rows = intervals(
        *by_day([MARCH, APRIL], lambda _: 10, open_on=range(7), queue="desk"),
        *by_day([MARCH, APRIL], lambda _: 90, open_on=range(5), queue="sales"),
    )
    named = BOOK + '[paid]\nqueues = { desk = ["desk"], sales = ["sales"] }\n'
    both = (
        invoices(310, 300, prices=(1, 1), service="desk")
        + "\n"
        + "\n".join(invoices(220, 220, prices=(1, 1), service="sales").splitlines()[1:])
    )
    reading = read(write_book(tmp_path, named, intervals=rows, invoices=both))
    assert parts(reading) == pytest.approx({"calendar": -10.0})
    told = reading.also["service_days"]["by_service"]
    assert (told["desk"]["before"], told["sales"]["after"]) == (31.0, 22.0)


def test_the_error_of_the_weights_is_that_of_the_change(tmp_path):
    """Each week left out changes the scaled 3000 calls at a price of 1 by what it changes the factor.

    March and April lie in ten ISO weeks: z is Student's t with nine degrees of freedom, 2.262 in every table.
    """
    rows = intervals(*by_day([MARCH, APRIL], lambda day: 900 + 37 * (day.day % 5), open_on=range(7)))
    book = write_book(tmp_path, intervals=rows, invoices=invoices(3100, 3000, prices=(1, 1)))
    reading = read(book)
    with open_book(book, JOINT) as opened:
        factors = weigh(opened, ASKED).days.without_week
    mean = sum(factors) / len(factors)
    by_hand = (len(factors) - 1) / len(factors) * sum((3000 * (factor - mean)) ** 2 for factor in factors)
    assert reading.like_for_like.se == reading.gap.se == pytest.approx(by_hand**0.5)
    assert (reading.headline.se, reading.z) == (0, pytest.approx(2.262157, abs=1e-6))
    assert len(factors) == 10


def test_an_account_that_bought_before_comes_back_and_is_not_new(tmp_path):
    """a buys on, b comes back, c is new, d buys nothing, e has left; a credit of February is a line of any kind."""
    rows = """
        month,account_id,service,quantity,unit_price,unit,kind
        2026-02,b,calls,1,-5,fixed,credit
        2026-03,a,calls,1,100,fixed,
        2026-03,d,calls,1,30,fixed,
        2026-03,e,calls,1,20,fixed,
        2026-04,a,calls,1,100,fixed,
        2026-04,b,calls,1,40,fixed,
        2026-04,c,calls,1,7,fixed,
    """
    accounts = "account_id,name,left_on\nd,D,\ne,E,2026-03-31\na,A,2026-05-01"
    reading = read(write_book(tmp_path, invoices=rows, accounts=accounts))
    assert parts(reading) == {"arrival": 7.0, "return": 40.0, "departure": -50.0}
    assert reading.also["existing"] == -50
    assert reading.also["told_from"] == date(2026, 2, 1)
    assert reading.also["accounts"] == {"new": 1, "back": 1, "bought_nothing": 2, "left": 1}


def test_an_account_of_the_reference_is_new_then_and_back_later(tmp_path):
    """b bought in March alone before May: against April it comes back in May, and n is new in April."""
    rows = """
        month,account_id,service,quantity,unit_price,unit
        2026-03,b,calls,1,10,fixed
        2026-04,n,calls,1,20,fixed
        2026-05,b,calls,1,30,fixed
        2026-05,n,calls,1,20,fixed
    """
    later = Comparison(MAY, APRIL, date(2026, 6, 1))
    with open_book(write_book(tmp_path, invoices=rows), JOINT) as opened:
        stats = lines.gather(opened, [ASKED, later])
    assert [(one.arrival, one.returned, one.departure) for (one,) in stats.values()] == [(20, 0, -10), (0, 30, 0)]


@pytest.mark.parametrize("days", [0, 1])
def test_a_day_is_that_of_the_book_s_zone(tmp_path, days):
    """23:30 UTC is the next day in Madrid: contacts of Saturday nights are Sunday's."""
    saturdays = [day for one in (MARCH, APRIL) for day in days_of(one) if day.weekday() == 5]
    every = [day for one in (MARCH, APRIL) for day in days_of(one)]
    rows = [f"c{number},{day - timedelta(days)}T23:30:00Z" for number, day in enumerate(every) if day not in saturdays]
    with open_book(write_book(tmp_path, contacts="\n".join(["contact_id,opened_at", *rows])), JOINT) as book:
        assert weigh(book, ASKED).days.closed == ((6,) if days == 0 else (5,))


def test_a_service_is_weighed_by_the_table_that_tells_of_its_queues(tmp_path):
    """Tickets come one by one on all days; calls, of which only intervals tell, from Monday to Friday: 22 and 22."""
    days = [day for period in (MARCH, APRIL) for day in days_of(period)]
    tickets = ["contact_id,opened_at,queue", *(f"{day}-{at},{day}T12:00:00Z,desk" for day in days for at in range(3))]
    calls = intervals(*by_day([MARCH, APRIL], lambda _: 90, open_on=range(5), queue="sales"))
    named = BOOK + '[paid]\nqueues = { sales = ["sales"] }\n'
    book = write_book(
        tmp_path,
        named,
        contacts="\n".join(tickets),
        intervals=calls,
        invoices=invoices(220, 220, prices=(1, 1), service="sales"),
    )
    reading = read(book)
    assert parts(reading).get("calendar", 0) == pytest.approx(0)
    told = reading.also["service_days"]["by_service"]["sales"]
    assert (told["before"], told["after"]) == (22.0, 22.0)
