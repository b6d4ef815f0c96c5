"""The demo lives: late deliveries, the file of the month that runs, and matters at their own time."""

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
from comity.book.lateness import lateness_in
from comity.book.mappings.recognise import matching_mappings
from comity.book.reading.coverage import Coverage
from comity.book.reading.open import home_viewer, open_book
from comity.core import chain
from comity.core.matters import owed
from comity.core.matters.kinds import Kind
from comity.core.matters.transitions import Move
from comity.core.values import Side
from comity.simulate.book import write_book
from comity.simulate.partnership import make_partnership
from comity.simulate.stories import STORIES
from comity.web import demo_files
from comity.web.demo_dates import Dates, date_back, moment, write_dates
from comity.web.postgres import SUPERUSER
from tests.room import cast, started, superuser

pytestmark = pytest.mark.gate
END = date(2026, 7, 1)


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    partnership = make_partnership(STORIES["demo"], 1, 7, 60, date(2026, 6, 1), panel=20)
    made = write_book(partnership, tmp_path_factory.mktemp("demo") / "book")
    demo_files.record_late_deliveries(made, END)
    return made


@pytest.mark.parametrize("days", [0, 1, 5, 9, 15, 30])
def test_whatever_today_is_each_side_is_late_with_one_delivery(book, days):
    now = datetime(2026, 7, 1, 12, tzinfo=UTC) + timedelta(days=days)
    with open_book(book, home_viewer(book, None)) as opened:
        late = {one.by: one.table for one in lateness_in(opened, Coverage(opened, now.date()), now) if one.late}
    assert late == {Side.CUSTOMER: "forecasts", Side.PROVIDER: "schedules"}


def test_the_next_months_file_holds_what_is_new_up_to_yesterday_and_is_recognised(book, tmp_path):
    file = demo_files.write_next_month(book, END, tmp_path, date(2026, 7, 12))
    assert file.name == "contacts-2026-07.csv"
    rows = list(csv.DictReader(file.read_text(encoding="utf-8").splitlines()))
    days = {row["opened_at"][:10] for row in rows}
    assert min(days) >= "2026-06-30"  # an evening in UTC
    assert max(days) < "2026-07-12"
    assert len({row["contact_id"] for row in rows}) == len(rows)
    assert not {"agent_id", "team"} & rows[0].keys()
    assert "contacts" in str(matching_mappings(file))


def test_on_the_first_of_a_month_the_file_holds_that_day(book, tmp_path):
    """Else the import that the demo invites to could not be tried on that day."""
    file = demo_files.write_next_month(book, END, tmp_path, END)
    days = {row["opened_at"][:10] for row in csv.DictReader(file.read_text(encoding="utf-8").splitlines())}
    assert days <= {"2026-06-30", "2026-07-01"}  # an evening in UTC
    assert "2026-07-01" in days


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
    assert owed.differences_in_record(found) == []
    assert [one.content["kind"] for one in found] == ["posted", "posted", "posted", "calendar"]
