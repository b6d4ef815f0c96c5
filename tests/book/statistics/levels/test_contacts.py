"""Levels of contacts on written books: waits, handle time, repeats, reopens, backlog; by hand."""

from datetime import date

import numpy as np
import pytest

from comity.book.reading.open import open_book
from comity.book.statistics.levels import NoLevel, gather
from comity.core.levels import measure
from comity.core.values import Period
from tests.cast import CUSTOMER, JOINT, PROVIDER, write_book

MAY = Period(date(2026, 5, 1), date(2026, 6, 1))
APRIL = Period(date(2026, 4, 1), date(2026, 5, 1))
HORIZON = date(2026, 6, 20)


def kpi(name, **pins):
    return f"[[kpi]]\nid = {name!r}\n" + "".join(f"{key} = {value!r}\n" for key, value in pins.items())


def level(folder, toml, periods=(MAY,), viewer=JOINT, horizon=HORIZON, **tables):
    """The only KPI's level in the last of the periods, or what it lacks."""
    with open_book(write_book(folder / "book", toml, **tables), viewer) as book:
        (found,) = gather(book, periods, horizon)[periods[-1]]
    return found if isinstance(found, NoLevel) else measure(found)


WAITS = """
contact_id,opened_at,queue,channel,answered_at,abandoned_at,handle_s
c1,2026-05-04T10:00:00Z,help,voice,2026-05-04T10:00:10.5Z,,100
c2,2026-05-11T10:00:00Z,help,voice,2026-05-11T10:00:30Z,,200
c3,2026-05-18T10:00:00Z,help,voice,2026-05-18T10:01:00Z,,
c4,2026-05-19T10:00:00Z,help,voice,,2026-05-19T10:00:40Z,900
c5,2026-05-20T10:00:00Z,sales,voice,2026-05-20T10:10:00Z,,700
c6,2026-05-20T10:00:00Z,help,mail,2026-05-20T12:00:00Z,,700
c7,2026-05-31T22:30:00Z,help,voice,2026-05-31T22:40:00Z,,700
"""


def test_mean_wait_is_of_answered_contacts_in_scope(tmp_path):
    """10.5, 30 and 60 s; not the other queue, not mail, and not c7, which came on 1 June in Madrid."""
    toml = kpi("wait_mean", queues=["help"], channels=["voice"], target=33.5)
    found = level(tmp_path, toml, contacts=WAITS)
    assert (found.value, found.num, found.den, found.met) == (33.5, 100.5, 3, True)
    assert found.also == {"wait_of_abandoned_s": 40}
    # Three weeks with a contact each: N = (10.5, 30, 60) - 33.5 over 3; s² = 3/2 ΣN².
    residuals = np.array([10.5, 30, 60]) - 33.5
    assert found.se == pytest.approx((3 / 2 * (residuals @ residuals)) ** 0.5 / 3)
    assert found.beyond_chance is None


def test_queues_are_those_of_the_signed_map(tmp_path):
    toml = kpi("wait_mean", queues=["service"], channels=["voice"]) + '[kpi.queue_map]\nhelp = "service"\n'
    assert level(tmp_path, toml, contacts=WAITS).den == 3


def test_nine_in_ten_interpolates_between_neighbours(tmp_path):
    """Numpy's default and every spreadsheet's: of 10.5, 30, 60 it is 60 - 0.2 * 30 = 54."""
    found = level(tmp_path, kpi("wait_p90", queues=["help"], channels=["voice"]), contacts=WAITS)
    assert found.value == pytest.approx(np.quantile([10.5, 30, 60], 0.9)) == pytest.approx(54)
    assert (found.num, found.den, found.unit) == (2, 3, "seconds")


def test_handle_time_is_of_handled_contacts(tmp_path):
    """100 and 200 s: c3 has no handled time, c4 gave up."""
    found = level(tmp_path, kpi("handle_time", queues=["help"], channels=["voice"]), contacts=WAITS)
    assert (found.value, found.den) == (150, 2)


def test_handle_time_of_a_book_without_contacts_is_of_its_intervals(tmp_path):
    intervals = """
    queue,start,minutes,offered,answered,handle_s
    help,2026-05-04T10:00:00,30,12,10,3000
    help,2026-05-04T10:30:00,30,12,,3000
    help,2026-05-05T10:00:00,30,12,5,1200
    """
    found = level(tmp_path, kpi("handle_time"), intervals=intervals)
    assert (found.value, found.den) == (280, 15)


REPEATS = """
contact_id,opened_at,caller_id,queue,channel
a1,2026-05-02T10:00:00Z,A,help,voice
a2,2026-05-09T10:00:00Z,A,help,mail
a3,2026-05-14T10:00:00Z,A,help,voice
b1,2026-05-04T10:00:00Z,B,help,voice
b2,2026-05-05T10:00:00Z,B,sales,voice
c1,2026-05-30T10:00:00Z,C,help,voice
c2,2026-06-01T10:00:00Z,C,help,voice
d1,2026-04-29T10:00:00Z,D,help,voice
d2,2026-05-01T10:00:00Z,D,help,voice
e1,2026-05-05T10:00:00Z,,help,voice
e2,2026-05-06T10:00:00Z,,help,voice
"""


def test_repeats_are_of_first_contacts_whose_window_has_closed(tmp_path):
    """First in May: a1 (repeated by mail on the seventh day), b1, b2, c1 (repeated in June).

    a2, a3 and d2 follow another within 7 days; nobody knows who e1 and e2 were.
    """
    found = level(tmp_path, kpi("repeat_contact", within_days=7), contacts=REPEATS)
    assert (found.num, found.den) == (2, 4)
    assert found.also["of_all_contacts"] == pytest.approx(3 / 7)  # a1, a2, c1 of all seven with an account


@pytest.mark.parametrize(("days", "repeated"), [(7, 110), (30, 170)])
def test_of_a_thousand_contacts_as_many_are_repeated_as_published(tmp_path, days, repeated):
    """kpi_reference.json, fcr_variants: 1000 contacts, 110 repeated within 7 days and 60 more by the thirtieth."""
    rows = [f"c{n},2026-05-20T10:00:00Z,A{n},help" for n in range(1000)]
    rows += [f"d{n},2026-05-25T10:00:00Z,A{n},help" for n in range(110)]
    rows += [f"e{n},2026-06-09T10:00:00Z,A{n},help" for n in range(110, 170)]
    contacts = "contact_id,opened_at,caller_id,queue\n" + "\n".join(rows)
    found = level(tmp_path, kpi("repeat_contact", within_days=days), contacts=contacts, horizon=date(2026, 7, 10))
    assert (found.num, found.den) == (repeated, 1000)


def test_repeats_of_a_channel_may_come_on_another(tmp_path):
    found = level(tmp_path, kpi("repeat_contact", queues=["help"], channels=["voice"]), contacts=REPEATS)
    assert (found.num, found.den) == (2, 3)


def test_repeats_are_not_told_before_their_window_has_closed(tmp_path):
    found = level(tmp_path, kpi("repeat_contact"), contacts=REPEATS, horizon=date(2026, 6, 7))
    assert (found.why, found.until, found.needs) == ("window_open", date(2026, 6, 8), ("contacts",))


def test_where_callers_are_not_known_no_day_is_named_from_which_repeats_could_be_told(tmp_path):
    nobody = "contact_id,opened_at,queue\nr1,2026-05-05T10:00:00Z,help\nr2,2026-05-06T10:00:00Z,help"
    found = level(tmp_path, kpi("repeat_contact"), contacts=nobody, horizon=date(2026, 6, 7))
    assert (found.why, found.until) == ("no_callers", None)


TICKETS = """
contact_id,opened_at,answered_at,abandoned_at,outcome,resolved_at,closed_at,due_at,reopens
t1,2026-04-10T10:00:00Z,,,,2026-05-04T10:00:00Z,,,0
t2,2026-04-20T10:00:00Z,,,,2026-05-31T22:30:00Z,,,2
t3,2026-05-05T10:00:00Z,,,,,,2026-05-06T10:00:00Z,
t4,2026-05-06T10:00:00Z,,,,,2026-05-31T21:59:00Z,,
t5,2026-05-07T10:00:00Z,,,,,2026-05-31T22:01:00Z,,
t6,2026-05-21T10:00:00Z,,,,2026-05-22T10:00:00Z,,,1
v1,2026-05-08T10:00:00Z,2026-05-08T10:00:09Z,,answered,,,,
v2,2026-05-08T10:00:00Z,,2026-05-08T10:00:09Z,abandoned,,,,
v3,2026-05-08T10:00:00Z,,,callback,,,,
"""


def test_backlog_is_the_stock_at_the_end_of_the_period(tmp_path):
    """Open at the end of 31 May in Madrid: t2 (resolved at 00:30), t3, t5 (closed at 00:01), v3 (to be called).

    That is 22:00 in UTC, so that they are 41.5, 26.5, 24.5 and 23.5 days old: median 25.5, nine in ten 26.5 + 0.7 * 15.
    """
    found = level(tmp_path, kpi("backlog", target=4), periods=(APRIL, MAY), contacts=TICKETS)
    assert (found.value, found.se, found.met, found.beyond_chance) == (4, 0, True, None)
    assert found.also == {
        "opened": 5,
        "resolved": 2,
        "backlog_days": pytest.approx(4 / (2 / 31)),
        "age_p50_days": pytest.approx(25.5),
        "age_p90_days": pytest.approx(37.0),
        "overdue": 1,
    }


def test_backlog_of_an_earlier_period_is_rebuilt(tmp_path):
    with open_book(write_book(tmp_path / "book", kpi("backlog"), contacts=TICKETS), JOINT) as book:
        found = gather(book, (APRIL, MAY), HORIZON)
    assert measure(found[APRIL][0]).value == 2


def test_reopened_are_of_those_resolved_in_the_period(tmp_path):
    """Resolved in May in Madrid: t1 (never reopened) and t6 (once); t2 was resolved on 1 June."""
    found = level(tmp_path, kpi("reopen"), contacts=TICKETS)
    assert (found.num, found.den) == (1, 2)
    assert found.also == {"reopens_per_contact": 0.5}


def test_a_kpi_is_measured_by_the_wording_of_each_period(tmp_path):
    """Two wordings of one KPI: voice from the beginning, mail from 15 May; of voice nothing came from then on."""
    toml = kpi("wait_mean", channels=["voice"]) + kpi("wait_mean", channels=["mail"], valid_from="2026-05-15")
    contacts = "contact_id,opened_at,channel,answered_at\n" + "\n".join(
        f"{month}{channel},2026-0{month}-20T10:00:00Z,{channel},2026-0{month}-20T10:00:0{wait}Z"
        for month in (4, 5)
        for channel, wait in (("voice", 1), ("mail", 2))
    )
    with open_book(write_book(tmp_path / "book", toml, contacts=contacts), JOINT) as book:
        found = gather(book, (APRIL, MAY), HORIZON)
    (april,), (late_may, early_may) = (found[period] for period in (APRIL, MAY))
    assert [measure(one).value for one in (april, late_may)] == [1, 2]
    assert [one.period for one in (april, late_may)] == [APRIL, Period(date(2026, 5, 15), MAY.end)]
    assert (early_may.why, early_may.days) == ("nothing_counts", Period(MAY.start, date(2026, 5, 15)))


def test_what_lacks_is_said_with_who_holds_it(tmp_path):
    toml = kpi("wait_mean") + '[private]\nprovider = ["contacts"]\n'
    folder = write_book(tmp_path / "book", toml, private__provider__contacts=WAITS)
    for viewer, why in ((CUSTOMER, "private"), (JOINT, "private")):
        with open_book(folder, viewer) as book:
            (found,) = gather(book, (MAY,), HORIZON)[MAY]
        assert (found.why, found.held_by, found.needs) == (why, "provider", ("contacts",))
    with open_book(folder, PROVIDER) as book:
        (found,) = gather(book, (MAY,), HORIZON)[MAY]
    assert measure(found).den == 5


def test_a_period_in_which_nothing_counts_is_not_covered(tmp_path):
    for measured in ("wait_mean", "wait_p90", "handle_time", "repeat_contact", "reopen"):
        found = level(tmp_path / measured, kpi(measured), contacts=WAITS, periods=(APRIL,))
        why = "no_callers" if measured == "repeat_contact" else "nothing_counts"
        assert (found.why, found.needs) == (why, ("contacts",))


def test_backlog_of_contacts_that_are_never_resolved_is_not_covered(tmp_path):
    assert level(tmp_path, kpi("backlog"), contacts=WAITS).why == "nothing_counts"
