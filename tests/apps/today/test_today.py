"""Today is an inbox: what waits for each side, in groups, by day, and what happened since the last visit."""

from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from comity.apps.books.models import Delivery, Stage
from comity.apps.i18n import words_for
from comity.apps.parties.panels import InboxGroup, PanelArea, inbox_sources, nav_entries, panels_in
from comity.apps.replies import operations
from comity.apps.replies.queries import Calendar
from comity.apps.today.queries import inboxes
from comity.core.matters.kinds import Kind
from comity.core.matters.transitions import Move
from comity.core.values import Side
from tests.builders.agreement import MADRID
from tests.builders.confirmations import confirm
from tests.builders.levels import KPI, contacts
from tests.builders.matters import moved, raised
from tests.room import EVERYBODY, cast, superuser

pytestmark = pytest.mark.gate
WORDS = words_for("en")
LATE = KPI + '\n[[source]]\ntable = "schedules"\nby = "provider"\ndue = "daily 09:00"\n'


@pytest.fixture
def them():
    made = cast()
    made.book(KPI, contacts="\n".join(contacts()))
    return made


def page(them, who):
    return them.client(who).get(them.url()).content.decode()


def inbox(them, who):
    """What waits for each side, as somebody sees it: group, title and action of each row."""
    with transaction.atomic():
        found = inboxes(them.at(who), WORDS)
    return {
        one.side: [(group.group, row.item.title, row.item.action) for group in one.groups for row in group.rows]
        for one in found
    }


def test_each_app_registers_its_parts_once():
    assert [one.name for one in nav_entries()] == [
        *("today", "review", "attribution", "agreement", "kpis", "matters", "records"),
    ]
    assert {area: [one.template for one in panels_in(area)] for area in PanelArea} == {
        PanelArea.TOP: [
            *("first_run/_sample.html", "first_run/_steps.html", "books/_no_book.html", "ledger/_differs.html"),
            "outbox/_failing.html",
            "mailbox/_warnings.html",
        ],
        PanelArea.SIDE: ["audit/_news.html", "agreements/_missing.html", "mailbox/_ages.html"],
    }
    assert {one.name for one in inbox_sources()} == {
        "neutral people", "calendars", "kpis", "ledger", "agreements", "priorities", "deliveries", "files",
        "private data", "answers", "actions", "told", "periods", "terms of records", "moved figures",
    }  # fmt: skip


def test_a_matter_waits_for_the_side_that_is_to_answer_with_the_action_of_its_kind(them):
    raised(them, "customer_lead", kind=Kind.ACTION, title="Spread lunch")
    row = (InboxGroup.ANSWER, "Spread lunch", WORDS("inbox.answer_action_do"))
    assert row in inbox(them, "provider_lead")[Side.PROVIDER]
    without = (*row[:2], "")
    for who in ("customer_lead", "provider_member", "auditor"):  # the other side; no right to answer; neither side
        assert without in inbox(them, who)[Side.PROVIDER]


def test_after_a_counter_proposal_the_matter_waits_for_who_asked(them):
    matter = raised(them, "customer_lead", title="Spread lunch")
    moved(them, "provider_lead", matter, Move.COUNTER)
    seen = inbox(them, "customer_lead")
    assert [one[1] for one in seen[Side.CUSTOMER] if one[0] is InboxGroup.ANSWER] == ["Spread lunch"]
    assert InboxGroup.ANSWER not in {one[0] for one in seen[Side.PROVIDER]}
    assert "counter-proposal made" in page(them, "customer_lead")


def test_rows_of_a_group_are_in_the_order_of_their_days_and_late_ones_are_marked(them):
    first, second = raised(them, "customer_lead", title="First"), raised(them, "customer_lead", title="Second")
    with superuser() as everybody:
        everybody.execute("UPDATE matters_matter SET reply_by = now() - interval '3 days' WHERE id = %s", [second.pk])
    with transaction.atomic():
        (ours, _) = inboxes(them.at("provider_lead"), WORDS)
    rows = [row for group in ours.groups if group.group is InboxGroup.ANSWER for row in group.rows]
    assert [row.item.title for row in rows] == ["Second", "First"]
    assert [row.is_late for row in rows] == [True, False]
    assert rows[0].due == "3 days overdue"
    assert (ours.late, ours.first.item.title) == (1, "Second")
    shown = page(them, "provider_lead")
    assert 'class="late">3 days overdue' in shown
    assert "Second</a>” is <em>3 days overdue</em>." in shown
    assert first.pk != second.pk


def test_the_latest_whole_period_waits_for_both_sides_until_one_confirms(them):
    (_, title, action) = [one for one in inbox(them, "customer_lead")[Side.CUSTOMER] if one[0] == "confirm"][-1]
    assert action == WORDS("inbox.confirm_do")
    assert [one[1] for one in inbox(them, "customer_lead")[Side.PROVIDER]][-1] == title == "June\u00a02026"
    assert inbox(them, "customer_analyst")[Side.CUSTOMER][0][2] == ""  # who may not confirm
    confirm(them, "customer_lead", "2026-06")
    assert title not in {one[1] for one in inbox(them, "customer_lead")[Side.CUSTOMER]}


def test_earlier_whole_periods_that_nobody_confirmed_wait_too_back_to_one_that_was():
    them = cast()
    rows = [
        row.replace("-05-", f"-{month:02}-") for month in (2, 3, 4) for row in list(contacts())[1:] if "-05-" in row
    ]
    rows = [f"{number}{row}" for number, row in enumerate(rows) if "-02-29" not in row and "-31" not in row]
    them.book(KPI, contacts="\n".join([*contacts(), *(row for row in rows if "-02-30" not in row)]))
    waiting = [one[1] for one in inbox(them, "provider_lead")[Side.PROVIDER]]
    assert waiting == ["April\u00a02026", "May\u00a02026", "June\u00a02026"]
    confirm(them, "customer_lead", "2026-05")
    assert [one[1] for one in inbox(them, "customer_lead")[Side.CUSTOMER]] == ["June\u00a02026"]


def test_a_period_that_the_other_side_confirmed_waits_for_those_who_may_confirm(them):
    confirm(them, "customer_lead", "2026-05")
    waits = {
        who
        for who in EVERYBODY
        if ("confirm", "May\u00a02026", WORDS("inbox.confirm_do")) in inbox(them, who).get(Side.PROVIDER, [])
    }
    assert waits == {"provider_lead", "provider_executive"}
    assert "?period=2026-05&amp;view=joint#h-close" in page(them, "provider_lead")
    confirm(them, "provider_lead", "2026-05")
    assert "May\u00a02026" not in {one[1] for one in inbox(them, "provider_lead")[Side.PROVIDER]}


def test_a_calendar_that_the_other_side_proposes_waits_for_who_agrees(them):
    with transaction.atomic():
        operations.propose_calendar(them.at("provider_lead"), Calendar.weekdays("Europe/Madrid"))
    row = (InboxGroup.CONFIRM, "Calendar of Helpline", WORDS("inbox.calendar_do"))
    assert {who for who in EVERYBODY if row in inbox(them, who)[Side.CUSTOMER]} == {"customer_lead"}


def test_a_late_delivery_waits_for_the_side_that_delivers():
    them = cast()
    them.book(LATE, contacts="\n".join(contacts()))
    row = (InboxGroup.DELIVER, "Schedules", WORDS("inbox.upload_do"))
    assert row in inbox(them, "provider_lead")[Side.PROVIDER]
    assert (*row[:2], "") in inbox(them, "customer_lead")[Side.PROVIDER]


def test_a_checked_file_waits_for_its_own_side_alone(them):
    with transaction.atomic():
        member = them.at("provider_lead")
        Delivery.objects.create(
            relationship=member.relationship, side=Side.PROVIDER, person=member.membership.person, name="july.csv",
            size=1, stage=Stage.LOOKED, outcome={"table": "contacts"},
        )  # fmt: skip
    seen = {who for who in EVERYBODY if "july.csv" in page(them, who)}
    assert seen == {"provider_lead", "provider_analyst", "provider_roster"}


def test_an_agreed_action_waits_for_its_owners_side_and_then_for_the_others_confirmation(them):
    with transaction.atomic():
        owner = them.at("provider_analyst").membership
    matter = raised(them, "customer_lead", kind=Kind.ACTION, title="Spread lunch", owner=owner)
    moved(them, "provider_lead", matter, Move.AGREE)
    todo = (InboxGroup.DO, "Spread lunch", WORDS("inbox.action_do"))
    assert todo in inbox(them, "provider_lead")[Side.PROVIDER]
    assert (*todo[:2], "") in inbox(them, "customer_lead")[Side.PROVIDER]
    moved(them, "provider_lead", matter, Move.DONE)
    to_confirm = (InboxGroup.CONFIRM, "Spread lunch", WORDS("inbox.done_do"))
    seen = inbox(them, "customer_lead")
    assert to_confirm in seen[Side.CUSTOMER]
    assert "Spread lunch" not in {one[1] for one in seen[Side.PROVIDER]}


def test_waiting_matters_are_counted_in_the_navigation(them):
    raised(them, "customer_lead")
    raised(them, "provider_lead")
    assert '<span class="unseen">open: </span>2' in page(them, "provider_lead")


def test_the_number_of_queries_does_not_grow_with_the_matters(them):
    raised(them, "customer_lead")
    counts = []
    for _ in range(2):
        page(them, "provider_lead")
        with transaction.atomic(), CaptureQueriesContext(connection) as queries:
            inboxes(them.at("provider_lead"), WORDS)
        counts.append(len(queries))
        for _ in range(6):
            raised(them, "customer_lead")
    assert counts[0] == counts[1]


def test_of_many_the_first_are_shown_and_a_link_to_all(them):
    for _ in range(12):
        raised(them, "customer_lead")
    shown = page(them, "provider_lead")
    assert 0 < shown.partition('id="h-customer"')[0].count("<b>A matter</b>") < 12
    assert f"matters/?waits={Side.PROVIDER}" in shown
    assert "Show all 12" in shown


def test_with_nothing_to_do_the_page_says_what_comes_next():
    them = cast()
    shown = page(them, "provider_lead")
    assert WORDS("first_run.left", count=2) in shown  # and not that nothing waits
    assert WORDS("inbox.empty_matter") in shown
    assert WORDS("first_run.records") in shown
    assert WORDS("inbox.empty_matter") not in page(them, "auditor")


def test_what_happened_since_the_last_visit_is_apart_from_what_was_before(them):
    browser = them.client("provider_lead")
    raised(them, "customer_lead", title="Before")
    assert WORDS("news.new") not in browser.get(them.url()).content.decode()  # the first visit
    with superuser() as everybody:
        everybody.execute(
            "UPDATE personal_visit SET at = now() - interval '1 hour' WHERE relationship_id = %s", [them.relationship]
        )
        everybody.execute(
            "UPDATE audit_event SET at = at - interval '2 hours' WHERE relationship_id = %s", [them.relationship]
        )
    raised(them, "customer_lead", title="After")
    for _ in range(2):  # looking again within half an hour is the same visit
        shown = browser.get(them.url()).content.decode()
        new, _, earlier = shown.partition(WORDS("news.new"))[2].partition(WORDS("news.earlier"))
        assert "After" in new
        assert "Before" not in new
        assert "Before" in earlier
    assert WORDS("news.new") not in them.client("provider_analyst").get(them.url()).content.decode()


def test_events_of_earlier_days_are_grouped_by_day(them):
    raised(them, "customer_lead")
    with superuser() as everybody:
        everybody.execute(
            "UPDATE audit_event SET at = at - interval '400 days' WHERE relationship_id = %s", [them.relationship]
        )
    for who in ("customer_lead", "auditor"):
        shown = page(them, who).replace("\u00a0", " ")
        then = (timezone.now() - timedelta(days=400)).astimezone(MADRID)  # days are cut where the relationship is
        assert f'<h3 class="day">{then.day} ' in shown
        assert str(then.year) in shown


def test_without_records_the_page_says_where_to_begin():
    them = cast()
    assert "No records yet" in page(them, "auditor")
    assert WORDS("first_run.records") in page(them, "provider_lead")


def test_counter_proposals_and_comments_are_among_what_happened(them):
    matter = raised(them, "customer_lead", title="Spread lunch")
    for move in (Move.COMMENT, Move.COUNTER):
        moved(them, "provider_lead", matter, move)
    shown = page(them, "customer_lead")
    assert "made a counter-proposal on" in shown
    assert "commented on" in shown
