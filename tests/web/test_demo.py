"""The demo lives: late deliveries, the files of the last month, causes on both sides, and matters at their own time."""

import csv
import json
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import transaction

from comity.apps.audit.models import AuditEvent, Event
from comity.apps.ledger.models import Transaction
from comity.apps.matters import operations as matters
from comity.apps.matters.models import Matter, Step
from comity.apps.record import queries
from comity.book.definition import read_definition
from comity.book.importing.deliver import ImportRequest, import_source
from comity.book.lateness import lateness_in
from comity.book.mappings.parse import read_mapping
from comity.book.mappings.recognise import matching_mappings
from comity.book.reading.coverage import Coverage
from comity.book.reading.open import home_viewer, open_book
from comity.core import chain
from comity.core.matters import owed as owed_rules
from comity.core.matters.kinds import Kind
from comity.core.matters.transitions import Move, State
from comity.core.values import Side
from comity.review.attribution import attribute
from comity.review.build import build_review
from comity.simulate.book import write_book
from comity.simulate.partnership import last_month_before_files, make_partnership
from comity.simulate.stories import STORIES
from comity.web import demo, demo_files, demo_history
from comity.web.demo_dates import Dates, date_back, moment, write_dates
from comity.web.postgres import SUPERUSER
from tests.room import cast, started, superuser

pytestmark = pytest.mark.gate
END = date(2026, 7, 1)  # the day after the last in the book
DUE = {"contacts", "intervals", "schedules", "forecasts", "surveys", "invoices"}  # tables that a side owes the other
DAYS = [  # today, and the month that lies ready then
    (date(2026, 8, 1), "2026-07"), (date(2026, 8, 31), "2026-07"), (date(2027, 1, 1), "2026-12"),
    (date(2027, 1, 31), "2026-12"), (date(2027, 3, 1), "2027-02"), (date(2028, 2, 29), "2028-01"),
    (date(2028, 3, 31), "2028-02"),
]  # fmt: skip


def simulated(folder, ends, per_day=60):
    partnership = make_partnership(STORIES["demo"], 1, 9, per_day, ends, panel=20, next_month=True)
    return write_book(partnership, folder / "book")


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    made = simulated(tmp_path_factory.mktemp("demo"), date(2026, 6, 1))
    demo_files.record_late_deliveries(made, END)
    return made


@pytest.mark.parametrize("days", [31, 35, 40, 45, 61])
def test_whatever_today_is_each_side_is_late_with_one_delivery(book, days):
    now = datetime(2026, 7, 1, 12, tzinfo=UTC) + timedelta(days=days)
    with open_book(book, home_viewer(book, None)) as opened:
        late = {one.by: one.table for one in lateness_in(opened, Coverage(opened, now.date()), now) if one.late}
    assert late == {Side.CUSTOMER: "forecasts", Side.PROVIDER: "schedules"}


@pytest.mark.parametrize(("today", "month"), DAYS)
def test_whatever_today_is_the_month_that_lies_ready_is_over(today, month):
    last = last_month_before_files(today)
    ready = make_partnership(STORIES["demo"], 1, 9, 60, last, next_month=True)
    assert f"{ready.records_end:%Y-%m}" == month
    assert ready.records_end < ready.end <= today
    assert f"{ready.end:%Y-%m}" == f"{today:%Y-%m}"


def test_each_side_has_the_files_of_what_it_owes_and_of_what_it_reports_itself(book, tmp_path):
    files = demo_files.copy_next_month(book, tmp_path)
    assert {(file.name, side) for file, side in files.items()} == {
        *((f"{table}-2026-07.csv", Side.PROVIDER) for table in ("contacts", "intervals", "schedules", "invoices")),
        ("forecasts-2026-07.csv", Side.CUSTOMER),
        ("surveys-provider-2026-07.csv", Side.PROVIDER),  # after calls; the panel is asked in other months
        *((f"reported-{side.value}-2026-07.csv", side) for side in Side),
    }
    assert {one.table for one in read_definition(book).sources} == DUE
    for file in files:
        (best, *_) = matching_mappings(file)
        assert best.mapping == file.name.split("-")[0]
        assert best.share == 1.0
    rows = list(csv.DictReader((tmp_path / "contacts-2026-07.csv").read_text(encoding="utf-8").splitlines()))
    days = {row["opened_at"][:10] for row in rows}
    assert (min(days), max(days)) == ("2026-07-01", "2026-07-31")
    assert not {"agent_id", "opened_by", "brought_by"} & rows[0].keys()


@pytest.mark.parametrize("today", [date(2026, 8, 1), pytest.param(date(2027, 1, 31), marks=pytest.mark.long),
                                   pytest.param(date(2028, 2, 29), marks=pytest.mark.long)])  # fmt: skip
def test_the_month_that_lies_ready_is_imported_whole_and_has_the_levels_of_the_month_before(tmp_path, today):
    """Also where that month ends a quarter and a year, and on a leap day."""
    book, now = simulated(tmp_path, last_month_before_files(today)), datetime(*today.timetuple()[:3], 9, tzinfo=UTC)
    (tmp_path / "files").mkdir()
    names = [f"{day:%Y-%m}" for day in (last_month_before_files(today), read_definition(book).complete_to)]
    for file, side in demo_files.copy_next_month(book, tmp_path / "files").items():
        request = ImportRequest("Ines", now, side=side)
        outcome = import_source(book, file, read_mapping(file.name.split("-")[0]), request)
        assert (outcome.delivery.rows_in, list(outcome.rejects)) == (outcome.delivery.new, []), file.name
    with open_book(book, home_viewer(book, None)) as opened:
        before, ready = (build_review(opened, period=name, now=now) for name in names)
    without = {"repeat_contact"}  # of which the seven days after the month decide, which no file of a month tells of
    assert {level.kpi for level in ready.levels} == {level.kpi for level in before.levels} - without
    assert all(level.value is not None for level in ready.levels)
    assert {one["table"] for one in ready.lateness if one["late"]} <= {"forecasts", "schedules"}


def test_the_last_quarters_target_is_missed_and_both_sides_answer_for_a_part_of_it(tmp_path):
    """More calls than told, which the customer answers for, beside too few agents, which the provider answers for.

    Each part is more than the change that both call too small to act on (`material`).
    """
    now = datetime(2026, 8, 1, 9, tzinfo=UTC)
    partnership = make_partnership(STORIES["demo"], 1, 6, 300, date(2026, 6, 1), panel=20)
    book = write_book(partnership, tmp_path / "book", {"contacts", "intervals", "forecasts", "schedules", "events"})
    with open_book(book, home_viewer(book, None)) as opened:
        told = attribute(opened, "service_level", period="2026-Q2", now=now)
    assert told.shared.observed < told.shared.target
    parts = {part.id: part.value for part in told.shared.parts}
    lost = {side.value: sum(parts[name] for name, by in told.answers.items() if by == side) for side in Side}
    assert max(lost.values()) < -told.kpi.material, parts
    assert parts["volume_outside"] < -told.kpi.material
    assert parts["presence"] < 0


def test_matters_and_their_log_lines_are_dated_back_together_and_no_others(tmp_path):
    them = cast()
    with transaction.atomic():
        member = them.at("customer_lead")
        old, new = (
            matters.raise_matter(member, matters.NewMatter(Kind.ACTION, title, "Why."), "UTC") for title in ("a", "b")
        )
    with transaction.atomic():
        matters.move(them.at("provider_lead"), old, Move.AGREE, "Yes.", "UTC")
    with superuser() as everybody:  # something that both sides gave their word for
        everybody.execute(
            "INSERT INTO record_entry (id, relationship_id, number, kind, subject_type, subject, at, content, "
            "previous, digest) VALUES (gen_random_uuid(), %s, 4, 'calendar', 'calendar', 'customer 1', now(), %s, %s, "
            "%s)",
            [them.relationship, json.dumps({"kind": "calendar", "zone": "UTC"}), "0" * 64, "1" * 64],
        )
    steps = (moment(date(2024, 11, 5), 9), moment(date(2024, 11, 7), 10))
    write_dates(tmp_path / "dates.json", them.relationship, [Dates(old.pk, steps)], date(2024, 7, 1))
    conninfo = started().cluster.conninfo(SUPERUSER)
    date_back(conninfo, tmp_path / "dates.json")
    date_back(conninfo, tmp_path / "dates.json")  # of which nothing is left
    assert not (tmp_path / "dates.json").exists()
    with transaction.atomic():
        them.at("customer_lead")
        assert Matter.objects.get(pk=old.pk).raised_at == steps[0]
        assert tuple(Step.objects.filter(matter=old).order_by("number").values_list("at", flat=True)) == steps
        logged = AuditEvent.objects.filter(subject_id=old.pk).order_by("at")
        assert [(one.event, one.at) for one in logged] == [
            (Event.MATTER_RAISED, steps[0]), (Event.MATTER_ACCEPTED, steps[1])
        ]  # fmt: skip
        assert Matter.objects.get(pk=new.pk).raised_at == new.raised_at
        founded = AuditEvent.objects.get(event=Event.RELATIONSHIP_FOUNDED)
        assert founded.at.date() == date(2024, 7, 1)
        days = dict(Transaction.objects.filter(subject_id=old.pk).values_list("step", "day"))
        assert days == {1: date(2024, 11, 5), 2: date(2024, 11, 7)}
        held = queries.entries(them.at("customer_lead"))
        found = [chain.Entry(one.number, one.content, one.previous, one.digest) for one in held]
    chain.verify(found)
    assert owed_rules.differences_in_record(found) == []
    assert [one.content["kind"] for one in found] == ["posted", "posted", "posted", "calendar"]


IN_THE_CAST = {
    "marta": "customer_lead", "ines": "customer_analyst", "nora": "customer_member", "elena": "customer_executive",
    "jonas": "provider_lead", "aisha": "provider_analyst", "lena": "provider_roster", "paul": "provider_executive",
}  # fmt: skip


def test_the_past_of_the_demo_has_what_both_sides_asked_offered_kept_and_broke(tmp_path):
    """All of it is dated back over seven quarters, its promised days with it, and the ledger agrees with the steps."""
    them, now = cast(), datetime.now(UTC)
    people = {name: them.people[who] for name, who in IN_THE_CAST.items()}
    dates = demo_history.add_history(people, them.relationship, END)
    write_dates(tmp_path / "dates.json", them.relationship, dates, date(2024, 7, 1))
    date_back(started().cluster.conninfo(SUPERUSER), tmp_path / "dates.json")
    with transaction.atomic():
        member = them.at("customer_lead")
        told = list(Matter.objects.filter(relationship=member.relationship))
        steps = Step.objects.filter(matter__in=told)
        said = {(step.side, step.move) for step in steps}
        ledger = [chain.Entry(one.number, one.content, one.previous, one.digest) for one in queries.entries(member)]
        days = [one.due_on for one in told if one.due_on] + [step.day for step in steps if step.day]
        terms = [step.terms["due_on"] for step in steps if "due_on" in step.terms]
    asked = {side: {matter.kind for matter in told if matter.asks == side} for side in Side}
    assert asked[Side.CUSTOMER] | asked[Side.PROVIDER] == set(Kind) - {Kind.CORRECTION}
    assert {Kind.QUESTION, Kind.ACTION, Kind.NEED, Kind.COMPLAINT} <= asked[Side.CUSTOMER]
    assert {Kind.OFFER, Kind.QUESTION, Kind.CLAIM, Kind.FAILURE} <= asked[Side.PROVIDER]
    assert {(side.value, move) for side in Side for move in (Move.RAISE, Move.AGREE, Move.DONE, Move.CONFIRM)} <= said
    owed = {(matter.debtor, matter.state) for matter in told if matter.promise}
    assert {(side.value, State.CONFIRMED) for side in Side} <= owed
    assert {State.BROKEN, State.LET_OFF} <= {state for _, state in owed}
    assert all(matter.ended for matter in told)
    assert max(matter.raised_at for matter in told) < datetime(2026, 7, 1, tzinfo=UTC)
    assert min(matter.raised_at for matter in told) < datetime(2025, 1, 1, tzinfo=UTC)
    assert max(days) < now.date()
    assert max(terms) < now.date().isoformat()
    (moved,) = (matter for matter in told if matter.moved)
    assert (moved.due_on - moved.first_due_on).days == 21
    chain.verify(ledger)
    assert owed_rules.differences_in_record(ledger) == []


def test_what_is_open_in_the_demo_waits_on_both_sides_and_one_promise_is_overdue(tmp_path):
    them, today = cast(), datetime.now(UTC).date()
    people = {name: them.people[who] for name, who in IN_THE_CAST.items()}
    dates = demo.raise_matters(people, them.relationship, END)
    write_dates(tmp_path / "dates.json", them.relationship, dates, date(2024, 7, 1))
    date_back(started().cluster.conninfo(SUPERUSER), tmp_path / "dates.json")
    with transaction.atomic():
        member = them.at("customer_lead")
        told = Matter.objects.filter(relationship=member.relationship)
        waiting = {(matter.must_act, matter.kind) for matter in told}
        overdue = [matter.title for matter in told if matter.promise and matter.due_on < today]
    assert {(side.value, Kind.ACTION) for side in Side} <= waiting
    assert {("provider", Kind.QUESTION), ("provider", Kind.DISPUTE), ("customer", Kind.OFFER)} <= waiting
    assert overdue == ["Tell agents of known faults by nine"]
