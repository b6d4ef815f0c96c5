"""Forecast error, occupancy and attrition on written books, against the reference vectors."""

from datetime import date, timedelta

import pytest

from comity.book.reading.open import open_book
from comity.book.statistics.levels import NoLevel, gather
from comity.book.statistics.levels.attrition import formulas
from comity.book.statistics.levels.forecasts import needs
from comity.core.levels import measure
from comity.core.values import Period
from tests.cast import JOINT, PROVIDER, write_book

MAY = Period(date(2026, 5, 1), date(2026, 6, 1))
WAPE = '[[kpi]]\nid = "forecast_wape"\n'
BIAS = '[[kpi]]\nid = "forecast_bias"\ntarget = 0.1\n'


def level(folder, toml, viewer=JOINT, **tables):
    with open_book(write_book(folder / "book", toml, **tables), viewer) as book:
        (found,) = gather(book, (MAY,), date(2026, 7, 1))[MAY]
    return found if isinstance(found, NoLevel) else measure(found)


def half_hours(*pairs, queue="help"):
    """Forecast and offered of consecutive half hours from 10:00 on, as the two tables."""
    times = [f"2026-05-04T{10 + n // 2:02}:{30 * (n % 2):02}:00" for n in range(len(pairs))]
    forecasts = "queue,start,minutes,issued_on,offered\n" + "\n".join(
        f"{queue},{at},30,2026-04-20,{forecast}" for at, (forecast, _) in zip(times, pairs, strict=True)
    )
    intervals = "queue,start,minutes,offered\n" + "\n".join(
        f"{queue},{at},30,{offered}" for at, (_, offered) in zip(times, pairs, strict=True)
    )
    return {"forecasts": forecasts, "intervals": intervals}


def test_error_and_bias_of_a_small_and_a_big_interval(tmp_path):
    """kpi_reference.json, forecast_small_big: 15 and 2050 against 10 and 2000: MAPE 26.25, WAPE and bias 2.7363 %."""
    found = level(tmp_path, WAPE, **half_hours((15, 10), (2050, 2000)))
    assert 100 * found.value == pytest.approx(2.7363, abs=5e-5)
    assert 100 * found.also["bias"] == pytest.approx(2.7363, abs=5e-5)
    assert 100 * found.also["mape"] == pytest.approx(26.25)


DAYS = [MAY.start + timedelta(number) for number in range(31)]
DELIVERED = BIAS + '[[source]]\ntable = "{}"\nby = "provider"\n'


@pytest.mark.parametrize(
    ("toml", "last", "table", "bias"),
    [
        (BIAS, 15, "contacts", 0.0),
        (BIAS, 31, "contacts", 0.0),
        (DELIVERED.format("contacts"), 31, "contacts", 0.0),
        (DELIVERED.format("intervals"), 31, "intervals", -0.5),
        (DELIVERED.format("intervals"), 15, "contacts", 0.0),
    ],
)
def test_a_forecast_is_held_against_the_agreed_records_whatever_one_side_imports_beside_them(
    tmp_path, toml, last, table, bias
):
    """A contact a day as forecast; a side's own intervals, up to a day of May, tell of two: a bias of (1 - 2) / 2."""
    tables = {
        "contacts": ["contact_id,queue,opened_at", *(f"{day},help,{day}T10:10:00Z" for day in DAYS)],
        "forecasts": [
            "queue,start,minutes,issued_on,offered",
            *(f"help,{day}T10:00:00Z,30,2026-04-20,1" for day in DAYS),
        ],
        "intervals": ["queue,start,minutes,offered", *(f"help,{day}T10:00:00Z,30,2" for day in DAYS[:last])],
    }
    folder = write_book(tmp_path / "book", toml, **{name: "\n".join(rows) for name, rows in tables.items()})
    with open_book(folder, JOINT) as book:
        book.asked = (MAY,)
        assert needs(book, book.definition.kpis[0]) == ("forecasts", table)
        (found,) = gather(book, (MAY,), date(2026, 6, 1))[MAY]
    assert measure(found).value == bias


def test_errors_do_not_net_out(tmp_path):
    """kpi_reference.json, forecast_netting: 400 against 400, but WAPE 25 and MAPE 26.9002 % over the intervals."""
    tables = half_hours((100, 80), (100, 120), (100, 70), (100, 130))
    found = level(tmp_path, WAPE, **tables)
    assert (found.value, found.also["bias"]) == (0.25, 0.0)
    assert 100 * found.also["mape"] == pytest.approx(26.9002, abs=5e-5)
    assert level(tmp_path / "bias", BIAS, **tables).value == 0.0


def test_a_bias_on_its_limit_meets_it(tmp_path):
    """kpi_reference.json, volume_band: 11000 against 10000 is in a band of a tenth, whatever floating point says."""
    assert level(tmp_path, BIAS, **half_hours((11000, 10000))).met is True


def test_the_forecast_that_counts_is_the_locked_one_or_else_the_latest_in_time(tmp_path):
    """10:00: locked at 50, though 60 was issued later. 10:30: 70 in time, 10 on the day after."""
    forecasts = """
    queue,start,minutes,issued_on,offered,locked
    help,2026-05-04T10:00:00,30,2026-04-01,50,true
    help,2026-05-04T10:00:00,30,2026-05-01,60,false
    help,2026-05-04T10:30:00,30,2026-04-01,80,
    help,2026-05-04T10:30:00,30,2026-05-04,70,
    help,2026-05-04T10:30:00,30,2026-05-05,10,
    other,2026-05-04T10:30:00,30,2026-04-01,500,
    """
    found = level(tmp_path, BIAS, forecasts=forecasts, intervals=half_hours((0, 100), (0, 100))["intervals"])
    assert (found.num, found.den) == (50 + 70 - 200, 200)


@pytest.mark.parametrize(
    ("day", "half_hour", "counted"),
    [
        ("2026-04-20,200,", "2026-04-20,90,", 90 + 90),  # of one issue: its parts
        ("2026-04-25,200,", "2026-04-20,90,", 200),  # the newest
        ("2026-04-20,200,true", "2026-04-25,90,", 200),  # the locked one
        ("2026-04-25,200,", "2026-04-20,90,true", 90 + 90),
    ],
)
def test_a_day_that_was_forecast_as_a_whole_and_by_half_hours_is_forecast_once(tmp_path, day, half_hour, counted):
    """Both together would be 380 calls of 200: a bias of 90 % that nobody forecast."""
    head = "queue,start,minutes,issued_on,offered,locked"
    rows = [
        f"help,2026-05-04T00:00:00,1440,{day}",
        *(f"help,2026-05-04T10:{at}:00,30,{half_hour}" for at in ("00", "30")),
    ]
    contacts = "contact_id,queue,opened_at\n" + "\n".join(f"{n},help,2026-05-04T10:{n % 60:02}:00" for n in range(200))
    found = level(tmp_path, BIAS, forecasts="\n".join([head, *rows]), contacts=contacts)
    assert (found.num, found.den) == (counted - 200, 200)


@pytest.mark.parametrize(("minutes", "expected"), [(30, "0 half past nine"), (1440, "a day"), (15, "a quarter")])
def test_contacts_are_counted_where_there_are_no_intervals(tmp_path, minutes, expected):
    """Two contacts at 9:20 and 9:29, one at 9:31, by local time; forecast of 9:00, 0:00 or 9:15 on."""
    start, came = {30: ("09:00", 2), 1440: ("00:00", 3), 15: ("09:15", 2)}[minutes]
    contacts = "contact_id,opened_at,queue\n" + "\n".join(
        f"c{n},2026-05-04T{at}:00+02:00,help" for n, at in enumerate(("09:20", "09:29", "09:31"))
    )
    forecasts = f"queue,start,minutes,issued_on,offered\nhelp,2026-05-04T{start}:00,{minutes},2026-04-01,10"
    found = level(tmp_path, BIAS, forecasts=forecasts, contacts=contacts)
    assert (found.num, found.den) == (10 - came, came), expected


def test_what_a_forecast_level_lacks_is_said_with_who_holds_it(tmp_path):
    found = level(tmp_path, WAPE, intervals=half_hours((1, 1))["intervals"])
    assert (found.needs, found.held_by, found.why) == (("forecasts",), "customer", "no_table")


def test_occupancy_is_handled_over_staffed_time(tmp_path):
    """Two queues; 10 positions for half an hour on each. 12,600 s of 18,000 on help; sales has no schedule that day."""
    schedules = "queue,start,minutes,staffed\nhelp,2026-05-04T10:00:00,30,10\nsales,2026-05-05T10:00:00,30,10"
    intervals = """
    queue,start,minutes,answered,handle_s
    help,2026-05-04T10:00:00,30,30,12600
    sales,2026-05-04T10:00:00,30,30,9000
    """
    toml = '[[kpi]]\nid = "occupancy"\ntarget = 0.7\n'
    found = level(tmp_path, toml, schedules=schedules, intervals=intervals)
    assert (found.value, found.num, found.den, found.met) == (0.7, 12600, 18000, True)


def test_occupancy_of_a_book_without_intervals_is_of_its_contacts(tmp_path):
    contacts = """
    contact_id,opened_at,queue,channel,answered_at,handle_s
    c1,2026-05-04T10:01:00,help,voice,2026-05-04T10:01:05,600
    c2,2026-05-04T10:02:00,help,voice,2026-05-04T10:02:05,300
    """
    schedules = "queue,start,minutes,staffed\nhelp,2026-05-04T10:00:00,30,1"
    assert level(tmp_path, '[[kpi]]\nid = "occupancy"\n', schedules=schedules, contacts=contacts).value == 0.5


def staff(rows):
    return "employee_id,hired_on,left_on\n" + "\n".join(f"e{n},{hired},{left}" for n, (hired, left) in enumerate(rows))


def test_attrition_of_one_month_by_every_formula():
    """kpi_reference.json, attrition_same_month: 50 at the start, 13 hired, 17 left, 46 at the end."""
    found = formulas(exits=17, first=50, last=46, employed=63, heads=48.0)
    expected = {
        "not_annualised": 35.4167,
        "of_mean_of_start_and_end": 35.4167,
        "of_start": 34.0,
        "of_all_employed": 26.9841,
        "net_decline": 8.0,
    }
    assert {name: 100 * value for name, value in found.items()} == pytest.approx(expected, abs=5e-5)


def test_attrition_is_annualised_over_the_average_daily_headcount(tmp_path):
    """All who left and all who came did so when half the month was over: 50 heads for 15 of 31 days, 46 after.

    17 / average x 12, as its reference annualises: by the mean of start and end it would be 425.0 %.
    """
    rows = [("2020-01-01", "")] * 33 + [("", "2026-05-16")] * 17 + [("2026-05-16", "")] * 13
    toml = '[[kpi]]\nid = "attrition"\ntarget = 4.0\n'
    found = level(tmp_path, toml, PROVIDER, staff=staff(rows))
    heads = (50 * 15 + 46 * 16) / 31
    assert found.value == pytest.approx(17 / heads * 12)
    assert (found.num, found.den) == (17, pytest.approx(heads / 12))
    assert found.also["of_mean_of_start_and_end"] * 12 == pytest.approx(4.25)
    assert found.also["of_all_employed"] == pytest.approx(17 / 63)
    assert found.met is False


def test_one_to_four_leavers_are_never_shown(tmp_path):
    toml = '[[kpi]]\nid = "attrition"\n'
    rows = [("2020-01-01", "")] * 33 + [("2020-01-01", "2026-05-16")] * 4
    assert level(tmp_path, toml, staff=staff(rows)).why == "too_small"
    assert level(tmp_path / "none", toml, staff=staff(rows[:33])).value == 0
    assert level(tmp_path / "few", toml, staff=staff(rows[:4])).why == "too_small"


def test_a_leaver_on_the_first_day_of_the_period_is_one_of_it(tmp_path):
    """The day of leaving is the first without them: they left in May, and were no head of it."""
    rows = [("2020-01-01", "")] * 10 + [("2020-01-01", "2026-05-01")] * 5 + [("2020-01-01", "2026-06-01")] * 5
    found = level(tmp_path, '[[kpi]]\nid = "attrition"\n', staff=staff(rows))
    assert (found.num, found.den) == (5, pytest.approx(15 / 12))
    assert timedelta(days=31) == MAY.end - MAY.start
