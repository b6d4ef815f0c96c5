"""Deadlines kept, from written books, by hand."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from comity.book.reading.open import open_book
from comity.book.statistics import sla_attainment as due
from comity.core.agreements.kpi import Kpi
from comity.core.readings import sla_attainment
from comity.core.values import Comparison, Period
from tests.builders.examples import examples
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


# Deadlines of their own ----------------------------------------------------------------------------------------------

NOON = datetime(2026, 6, 10, 12, tzinfo=UTC)
HOURS = st.one_of(st.none(), st.integers(-3, 3))
PROMISE = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["first", "second"]),
        "kind": st.sampled_from(["response", "resolution", "ola", "other"]),
        "due": HOURS,
        "state": st.sampled_from(["", "running", "paused", "met", "missed", "cancelled"]),
        "verdict": st.sampled_from(["", "met", "missed"]),
    }
)
CONTACT = st.fixed_dictionaries(
    {
        "answered": HOURS,
        "resolved": HOURS,
        "due": HOURS,
        "met": st.sampled_from(["", "true", "false"]),
        "promises": st.lists(PROMISE, max_size=2, unique_by=lambda one: one["name"]),
    }
)


def moment(hours):
    return None if hours is None else NOON + timedelta(hours=hours)


def judged_by_hand(contact, deadline, tells):
    """Every promise that a KPI is about, one after the other: kept, missed, paused, cancelled or not judged.

    `tells` says of which moments the records tell at all.
    """
    asked = [
        one
        for one in contact["promises"]
        if (one["kind"] == "resolution" if deadline is None else one["name"] == deadline)
    ]
    for one in asked:
        verdict = {"met": True, "missed": False}.get(one["verdict"] or one["state"])
        which = "answered" if one["kind"] == "response" else "resolved"
        at = contact[which]
        if one["state"] in {"paused", "cancelled"}:
            yield one["state"]
        elif (
            one["kind"] in {"ola", "other"}
            or one["due"] is None
            or not tells[which]
            or ((one["kind"] == "response" or one["state"] == "met") and at is None and verdict is not None)
        ):
            yield verdict
        else:
            kept = at is not None and at <= one["due"]
            yield kept
            if verdict is not None and verdict != kept:
                yield "contradicted"
    if asked or deadline is not None:
        return
    at, told = contact["resolved"], {"true": True, "false": False}.get(contact["met"])
    if contact["due"] is None or not tells["resolved"]:
        yield told
        return
    kept = at is not None and at <= contact["due"]
    yield kept
    if at is not None and told is not None and told != kept:
        yield "contradicted"


@settings(max_examples=examples(15), deadline=None)
@given(contacts=st.lists(CONTACT, min_size=1, max_size=6))
@pytest.mark.parametrize("deadline", [None, "second"])
@pytest.mark.gate
def test_deadlines_are_judged_as_by_hand(tmp_path_factory, contacts, deadline):
    """Each promise by the moment that its kind asks for, else by the source; paused and cancelled ones by nobody."""
    head = "contact_id,queue,opened_at,answered_at,resolved_at,due_at,sla_met"
    opened = NOON - timedelta(hours=9)
    lines, promised = [head], ["contact_id,name,kind,due_at,state,source_verdict"]
    for number, one in enumerate(contacts):
        times = [text(at) for at in (opened, *(moment(one[key]) for key in ("answered", "resolved", "due")))]
        lines.append(f"c{number},help,{','.join(times)},{one['met']}")
        promised += [
            f"c{number},{each['name']},{each['kind']},{text(moment(each['due']))},{each['state']},{each['verdict']}"
            for each in one["promises"]
        ]
    tables = {"contacts": "\n".join(lines)} | ({"deadlines": "\n".join(promised)} if len(promised) > 1 else {})
    book = write_book(tmp_path_factory.mktemp("deadlines"), **tables)
    with open_book(book, JOINT) as found:
        counts = due.daily(found, Kpi("sla", "sla_attainment", deadline=deadline))
        totals = {name: round(counts.total(name, JUNE)) for name in due.COUNTS}
    tells = {key: any(contact[key] is not None for contact in contacts) for key in ("answered", "resolved")}
    told = [one for contact in contacts for one in judged_by_hand(contact, deadline, tells)]
    assert totals["good"] == told.count(True)
    assert totals["judged"] == told.count(True) + told.count(False)
    assert {name: totals[name] for name in due.BESIDE} == {name: told.count(name) for name in due.BESIDE}
    assert totals["unjudged"] == told.count(None)


def test_records_that_do_not_tell_when_nor_whether_judge_nothing(tmp_path):
    """Of tickets with a due time and no column of resolution none is late: nobody said that it was not resolved."""
    rows = "contact_id,queue,opened_at,due_at\n1,help,2026-06-09T09:00:00Z,2026-06-10T09:00:00Z"
    with open_book(write_book(tmp_path, contacts=rows), JOINT) as found:
        counts = due.daily(found, Kpi("sla", "sla_attainment"))
        totals = {name: counts.total(name, JUNE) for name in ("judged", "open_late", "unjudged")}
    assert totals == {"judged": 0, "open_late": 0, "unjudged": 1}


@pytest.mark.parametrize(("state", "kept"), [("met", 1), ("missed", 0), ("running", 0)])
def test_a_promise_that_the_source_calls_met_is_so_though_it_does_not_say_when(tmp_path, state, kept):
    """An export of SLAs says how each ended and not when; another ticket, of another system, tells both."""
    contacts = """
        contact_id,queue,opened_at,due_at,resolved_at
        1,help,2026-06-09T09:00:00Z,,
        2,help,2026-06-09T09:00:00Z,2026-06-10T09:00:00Z,2026-06-09T10:00:00Z
    """
    promised = f"contact_id,name,kind,due_at,state\n1,P3,resolution,2026-06-10T09:00:00Z,{state}"
    with open_book(write_book(tmp_path, contacts=contacts, deadlines=promised), JOINT) as found:
        counts = due.daily(found, Kpi("sla", "sla_attainment"))
        assert (counts.total("good", JUNE), counts.total("judged", JUNE)) == (1 + kept, 2)


def test_a_due_day_is_in_time_until_its_end(tmp_path):
    """Resolved at half past eleven at night in Madrid, on the day that it was due; and the next was a day late."""
    contacts = (
        "contact_id,queue,opened_at,resolved_at,due_at\n"
        "a,help,2026-06-10T09:00+02:00,2026-06-10T23:30+02:00,2026-06-10\n"
        "b,help,2026-06-10T09:00+02:00,2026-06-11T00:00+02:00,2026-06-10\n"
    )
    with open_book(write_book(tmp_path / "book", contacts=contacts), JOINT) as opened:
        counts = due.daily(opened, Kpi("sla", "sla_attainment"))
    assert (counts.total("good", JUNE), counts.total("judged", JUNE)) == (1, 2)
