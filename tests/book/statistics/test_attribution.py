"""What was planned and what happened, interval by interval, out of a book."""

from datetime import date

import numpy as np
import pytest

from comity.book.reading.open import open_book
from comity.book.statistics.attribution import gather
from comity.book.statistics.exclusions import TakenOut
from comity.core.values import Period
from tests.builders.turns import every
from tests.cast import JOINT, write_book

pytestmark = pytest.mark.gate

JUNE = Period(date(2026, 6, 1), date(2026, 7, 1))
KPI = """
[[kpi]]
id = "service_level"
queues = ["Service"]
answer_within_s = 20
short_abandon_s = 5
target = 0.8
[kpi.queue_map]
help = "Service"
aid = "Service"
"""
INTERVALS = (
    "queue,start,minutes,offered,answered,answered_within,threshold_s,abandoned,abandoned_short,handle_s,patience_s\n"
)
FORECASTS = "queue,start,minutes,issued_on,offered,aht_s,locked,issued_by\n"
SCHEDULES = "queue,start,minutes,required,scheduled,staffed,ordered_off\n"
WHOLE = {
    "intervals": INTERVALS + "help,2026-06-03T10:00:00Z,30,50,45,40,20,5,1,9000,120\n",
    "forecasts": FORECASTS + "help,2026-06-03T10:00:00Z,30,2026-05-01,48,200,true,customer\n",
    "schedules": SCHEDULES + "help,2026-06-03T10:00:00Z,30,8,9,7,1\n",
}


def gathered(folder, toml=KPI, taken_out=TakenOut.ACCEPTED, **tables):
    book = write_book(folder / "book", toml, **tables)
    with open_book(book, JOINT) as opened:
        return gather(opened, opened.definition.kpis[0], JUNE, taken_out)


def of(found, *names):
    return [tuple(float(getattr(found.intervals, name)[at]) for name in names) for at in range(len(found.starts))]


def test_an_interval_is_told_with_its_forecast_and_its_schedule(tmp_path):
    found = gathered(tmp_path, **WHOLE)
    assert (found.source, found.queues, found.used_share, found.left_out) == ("intervals", ("Service",), 1.0, {})
    assert of(found, "seconds", "count", "answered", "good", "abandoned", "short", "handle_s") == [
        (1800, 50, 45, 40, 5, 1, 9000)
    ]
    assert of(found, "forecast", "forecast_aht", "required", "scheduled", "staffed", "ordered_off") == [
        (48, 200, 8, 9, 7, 1)
    ]
    assert (found.patience_s, found.locked_by, found.promised, found.redials) == ({0: 120.0}, ("customer",), 1.0, None)
    assert np.datetime64(int(found.starts[0]), "us") == np.datetime64("2026-06-03T10:00")


def test_queues_that_are_signed_as_one_are_counted_together(tmp_path):
    more = {name: text + text.splitlines()[1].replace("help", "aid") + "\n" for name, text in WHOLE.items()}
    found = gathered(tmp_path, **more)
    assert of(found, "count", "good", "forecast", "forecast_aht", "scheduled", "staffed") == [
        (100, 80, 96, 200, 18, 14)
    ]


def test_a_locked_forecast_counts_before_a_newer_one_and_only_it_promises_positions(tmp_path):
    newer = "help,2026-06-03T10:00:00Z,30,2026-06-01,60,210,{},provider\n"
    locked = gathered(tmp_path / "a", **WHOLE | {"forecasts": WHOLE["forecasts"] + newer.format("false")})
    assert of(locked, "forecast", "required") == [(48, 8)]
    loose = gathered(tmp_path / "b", **WHOLE | {"forecasts": FORECASTS + newer.format("false")})
    assert of(loose, "forecast") == [(60,)]
    assert np.isnan(loose.intervals.required).all()
    assert (loose.promised, loose.locked_by) == (0, ())


@pytest.mark.parametrize(
    ("table", "old", "new", "why"),
    every(
        2,
        [
            ("forecasts", "T10:00", "T11:00", "no_forecast"),
            ("forecasts", "48,200", "48,", "no_handle_time"),
            ("schedules", "T10:00", "T11:00", "no_schedule"),
            ("schedules", "8,9,7,1", "8,,7,1", "no_schedule"),
            ("schedules", "8,9,7,1", "8,9,,1", "no_staffed"),
            ("intervals", "40,20,5", "40,30,5", "no_figures"),
            ("intervals", "9000", "", "no_figures"),
        ],
        unpack=True,
    ),
)
def test_what_is_not_known_is_left_out_and_counted_by_why(tmp_path, table, old, new, why):
    other = "help,2026-06-04T10:00:00Z"
    twice = {
        name: text + text.splitlines()[1].replace("help,2026-06-03T10:00:00Z", other) + "\n"
        for name, text in WHOLE.items()
    }
    first, second = twice[table].splitlines()[1:]
    assert old in first
    found = gathered(
        tmp_path, **twice | {table: "\n".join([twice[table].splitlines()[0], first.replace(old, new), second])}
    )
    assert found.left_out == {why: 50.0}
    assert found.used_share == 0.5
    assert len(found.starts) == 1


def test_short_abandons_that_are_not_told_are_none(tmp_path):
    found = gathered(tmp_path, **WHOLE | {"intervals": WHOLE["intervals"].replace("5,1,9000", "5,,9000")})
    assert found.intervals.short is None


def test_who_is_offered_and_neither_answered_nor_gone_elsewhere_gave_up(tmp_path):
    found = gathered(tmp_path, **WHOLE | {"intervals": WHOLE["intervals"].replace("20,5,1,", "20,,1,")})
    assert of(found, "count", "abandoned") == [(50, 5)]


def test_accepted_events_are_out_and_claimed_ones_only_when_asked(tmp_path):
    events = """event_id,kind,from,to,declared_by,declared_at,claim,kpi,state
    e1,outage,2026-06-04T09:00:00Z,2026-06-04T12:00:00Z,provider,2026-06-05T00:00:00Z,exclude,,accepted
    e2,outage,2026-06-03T09:00:00Z,2026-06-03T12:00:00Z,provider,2026-06-05T00:00:00Z,exclude,,claimed
    """
    days = {
        name: text.splitlines()[0]
        + "\n"
        + "\n".join(text.splitlines()[1].replace("-06-03", f"-06-0{day}") for day in (3, 4, 5))
        for name, text in WHOLE.items()
    }
    book = write_book(tmp_path / "book", KPI, events=events, **days)
    with open_book(book, JOINT) as opened:
        kpi = opened.definition.kpis[0]
        left = [len(gather(opened, kpi, JUNE, taken_out).starts) for taken_out in TakenOut]
    assert left == [3, 2, 1]


def test_a_period_without_a_contact_gives_nothing(tmp_path):
    assert (
        gathered(tmp_path, **WHOLE | {"intervals": INTERVALS + "help,2026-05-03T10:00:00Z,30,5,5,5,20,0,0,9,\n"})
        is None
    )


# Contacts ----------------------------------------------------------------------------------------------------

CONTACTS = "contact_id,caller_id,queue,channel,opened_at,answered_at,abandoned_at,handle_s\n"
CALLS = (
    CONTACTS
    + """c1,a1,help,voice,2026-06-03T10:01:00Z,2026-06-03T10:01:10Z,,100
c2,a2,help,voice,2026-06-03T10:02:00Z,2026-06-03T10:02:50Z,,300
c3,a3,help,voice,2026-06-03T10:03:00Z,,2026-06-03T10:03:03Z,
c4,a3,help,voice,2026-06-03T10:10:00Z,2026-06-03T10:10:05Z,,50
c5,a4,help,voice,2026-06-03T10:29:59Z,,2026-06-03T10:31:00Z,
c6,a5,help,voice,2026-06-03T10:20:00Z,2026-06-03T10:20:05Z,,
c7,a6,help,voice,2026-06-03T10:30:00Z,2026-06-03T10:30:05Z,,70
"""
)


def of_calls(folder, calls=CALLS, **other):
    tables = {"contacts": calls, "forecasts": WHOLE["forecasts"], "schedules": WHOLE["schedules"]} | other
    return gathered(folder, **tables)


def test_contacts_are_counted_into_the_intervals_of_the_forecast(tmp_path):
    """c4 called again after giving up and is taken off; c7 came when no interval was planned any more.

    Of three answered two say how long they took: 400 s, so 600 s for all three.
    """
    found = of_calls(tmp_path)
    assert found.source == "contacts"
    assert of(found, "count", "answered", "good", "abandoned", "short", "handle_s") == [(5, 3, 2, 2, 1, 600)]
    assert found.redials == 1
    assert found.left_out == {"no_forecast": 1}
    assert found.used_share == pytest.approx(5 / 6)


def test_a_forecast_cut_finer_counts_finer(tmp_path):
    quarters = FORECASTS + "".join(
        f"help,2026-06-03T10:{minute}:00Z,15,2026-05-01,24,200,true,customer\n" for minute in ("00", "15", "30")
    )
    shifts = SCHEDULES + "".join(f"help,2026-06-03T10:{minute}:00Z,15,8,9,7,1\n" for minute in ("00", "15", "30"))
    found = of_calls(tmp_path, forecasts=quarters, schedules=shifts)
    assert of(found, "seconds", "count") == [(900, 3), (900, 1)]
    assert found.left_out == {"no_figures": 2}  # the second quarter: of its one answer nobody says how long it took


def test_where_callers_are_not_known_nobody_calls_again(tmp_path):
    nobody = CALLS
    for number in range(1, 7):
        nobody = nobody.replace(f",a{number},", ",,")
    found = of_calls(tmp_path, nobody)
    assert found.redials is None
    assert of(found, "count") == [(6,)]


def test_intervals_count_before_contacts(tmp_path):
    assert of_calls(tmp_path, intervals=WHOLE["intervals"]).source == "intervals"


def test_what_was_planned_for_half_hours_in_which_nobody_called_is_planned_all_the_same(tmp_path):
    """Of four planned half hours one had a call, and one lies in an accepted outage and counts for nobody."""
    starts = [f"2026-06-03T{at}:00Z" for at in ("10:00", "10:30", "11:00", "11:30")]
    found = gathered(
        tmp_path,
        contacts="contact_id,queue,opened_at,answered_at,handle_s\n"
        "1,help,2026-06-03T10:05:00Z,2026-06-03T10:05:10Z,180\n",
        forecasts=FORECASTS + "".join(f"help,{at},30,2026-05-01,2,200,true,customer\n" for at in starts),
        schedules=SCHEDULES + "".join(f"help,{at},30,1,2,2,0\n" for at in starts),
        events="event_id,kind,from,to,declared_by,declared_at,claim,state\n"
        "E,outage,2026-06-03T11:30:00Z,2026-06-03T12:00:00Z,provider,2026-06-03T13:00:00Z,exclude,accepted\n",
    )
    assert found.source == "contacts"
    assert of(found, "forecast", "scheduled", "count", "handle_s") == [(2, 2, 1, 180), (2, 2, 0, 0), (2, 2, 0, 0)]
    assert (found.used_share, found.left_out) == (1.0, {})
