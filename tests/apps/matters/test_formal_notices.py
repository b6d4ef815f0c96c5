"""Formal notices: to the agreed addresses, received by a stated condition, never back-dated, never denied once had."""

import json
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.core.mail import EmailMessage
from django.db import DatabaseError, transaction
from django.utils import timezone

from comity.apps.matters import tasks
from comity.apps.matters.models import FormalNotice, Matter, Step
from comity.apps.matters.notices import TASK, note_bounce
from comity.apps.matters.operations import NewMatter, raise_matter
from comity.apps.matters.refusals import Code
from comity.core.agreements.kinds import Kind as ClauseKind
from comity.core.matters.kinds import Kind
from comity.core.matters.transitions import Move
from tests.builders.agreement import add
from tests.builders.changes import agreed, attempt, content, refused, room, soon
from tests.builders.confirmations import clock
from tests.builders.matters import ZONE, moved
from tests.room import forget_mails, run_jobs, sent_mails, superuser

pytestmark = pytest.mark.gate
C, P = "customer_lead", "provider_lead"
ADDRESSES = ["legal@helpline.example", "notices@helpline.example"]


@pytest.fixture(scope="module")
def place():
    made = room()
    edits = (
        add("calendar", ClauseKind.CALENDAR, zone=ZONE),
        add("clock", ClauseKind.CLOCK, "calendar", replies=[{"matter": "complaint", "days": 4}],
            provider_addresses=ADDRESSES),
    )  # fmt: skip
    agreed(made, C, content(*edits, first_day=soon(-3)), retroactive=True)
    run_jobs("agreements.write")
    clock()
    return made


@pytest.fixture
def them(place):
    cache.clear()
    forget_mails()
    return place


def complaint(**more):
    return NewMatter(Kind.COMPLAINT, "Calls were cut off", "On 3 days.", formal_under="clock", **more)


def given(them, who=C):
    with transaction.atomic():
        return raise_matter(them.at(who), complaint(), ZONE)


def notice_of(them, matter, who="auditor"):
    with transaction.atomic():
        them.at(who)
        now = Matter.objects.get(pk=matter.pk)
        return FormalNotice.objects.get(matter=matter), now, Step.objects.get(matter=matter, number=1)


def sending(*fails):
    """The mail server takes no mail to some addresses."""
    real = EmailMessage.send

    def send(message, **more):
        if set(message.to) & set(fails):
            raise ConnectionRefusedError("not today")
        return real(message, **more)

    return send


def ticked():
    tasks.tick(0)
    run_jobs(TASK)


def refused_by_database(them, who, sql, *values):
    with pytest.raises(DatabaseError, match=r"comity|row-level|denied"):
        attempt(them, who, sql, *values)


def test_a_notice_goes_alone_to_each_agreed_address_and_its_clock_starts_with_receipt(them):
    matter = given(them)
    notice, now, first = notice_of(them, matter)
    assert (notice.side, notice.clause, notice.addresses) == ("provider", "clock", ADDRESSES)
    assert (notice.received_at, now.reply_by, first.received_at) == (None, None, None)
    run_jobs(TASK)
    mails = [mail for mail in sent_mails() if "Formal notice" in mail.subject]
    assert [mail.to for mail in mails] == [[one] for one in ADDRESSES]
    assert all("On 3 days." in mail.body and "clock" in mail.body for mail in mails)
    notice, now, first = notice_of(them, matter)
    assert notice.received_at is not None
    assert notice.received_at >= notice.given_at
    assert first.received_at is None  # of a formal notice, its own row says it
    # Four working days of the clause, not the ten of the room.
    assert timedelta(days=3) <= now.reply_by - notice.received_at <= timedelta(days=9)
    assert [(one["address"], len(one["digest"]), "Message-ID" in one["headers"]) for one in notice.told] == [
        (one, 64, True) for one in ADDRESSES
    ]
    assert run_jobs(TASK) == 0


def test_one_address_is_enough_and_none_is_no_receipt(them, monkeypatch):
    monkeypatch.setattr(EmailMessage, "send", sending(*ADDRESSES))
    matter = given(them)
    with pytest.raises(ConnectionError, match="no mail server took"):  # and the job is tried again
        run_jobs(TASK)
    notice, now, _ = notice_of(them, matter)
    assert (notice.received_at, now.reply_by, notice.told) == (None, None, [])
    page = them.client(P).get(them.url(f"matters/{matter.pk}/")).content.decode()
    assert "Not received yet" in page
    monkeypatch.undo()
    monkeypatch.setattr(EmailMessage, "send", sending(ADDRESSES[0]))
    run_jobs(TASK)
    notice, now, _ = notice_of(them, matter)
    assert [one["address"] for one in notice.told] == ADDRESSES[1:]
    assert now.reply_by is not None


def test_a_notice_whose_every_mail_came_back_stops_its_clock_and_its_giver_is_told(them):
    matter = given(them)
    run_jobs(TASK)
    forget_mails()
    with transaction.atomic():
        assert note_bounce(them.relationship, ADDRESSES[0].upper(), timezone.now()) >= 1
    ticked()
    assert notice_of(them, matter)[1].reply_by is not None  # the other one was taken
    with transaction.atomic():
        note_bounce(them.relationship, ADDRESSES[1], None)
    ticked()
    notice, now, first = notice_of(them, matter)
    assert notice.failed_at is not None
    assert (notice.received_at, now.reply_by, first.received_at) == (None, None, None)
    told = [mail for mail in sent_mails() if "Not received" in mail.subject]
    assert them.people[C].email in {address for mail in told for address in mail.to}
    assert them.people[P].email not in {address for mail in told for address in mail.to}
    # Whoever says something in it has it after all.
    moved(them, P, now, Move.ACKNOWLEDGE, "")
    run_jobs(TASK)
    notice, now, _ = notice_of(them, matter)
    assert (notice.failed_at, notice.acknowledged_at is not None, notice.received_at is not None) == (None, True, True)
    assert now.reply_by is not None


def test_a_notice_cannot_be_denied_once_it_was_opened(them):
    matter = given(them)
    run_jobs(TASK)
    assert them.client(P).get(them.url(f"matters/{matter.pk}/")).status_code == 200
    with transaction.atomic():
        for address in ADDRESSES:
            note_bounce(them.relationship, address, None)
    ticked()
    notice, now, _ = notice_of(them, matter)
    assert (notice.failed_at, notice.received_at is not None, now.reply_by is not None) == (None, True, True)
    refused_by_database(them, C, "SELECT comity_fail_notice(%s)", matter.pk)


def test_only_those_who_speak_for_a_side_give_one_and_only_to_agreed_addresses(them):
    refused(Code.NOT_YOURS, given, them, "customer_analyst")
    refused(Code.NO_ADDRESS, given, them, P)  # the customer's were not agreed
    with pytest.raises(Exception, match="no_clause"), transaction.atomic():
        raise_matter(them.at(C), NewMatter(Kind.COMPLAINT, "T", "T", formal_under="nonsense"), ZONE)
    assert "Formal notice under" in them.client(C).get(them.url("matters/raise/complaint/")).content.decode()
    for who in ("customer_analyst", P):
        assert "Formal notice under" not in them.client(who).get(them.url("matters/raise/complaint/")).content.decode()


INSERT = (
    "INSERT INTO matters_matter (id, relationship_id, kind, state, asks, answers, title, kpi, period, queue, "
    "asked_for, event, raised_at, late, formal_under, reply_by) VALUES (gen_random_uuid(), %s, 'complaint', 'asked', "
    "'customer', 'provider', 'T', '', '', '', '', '', {raised}, false, 'clock', {reply_by})"
)


@pytest.mark.parametrize(
    ("who", "raised", "reply_by"),
    [
        (C, "now() - interval '2 days'", "NULL"),  # back-dated
        (C, "now()", "now() + interval '40 days'"),  # with a clock before it was received
        ("customer_analyst", "now()", "NULL"),  # who does not speak for the side
    ],
)
def test_a_notice_is_neither_back_dated_nor_begun_before_receipt_nor_given_by_anybody(them, who, raised, reply_by):
    refused_by_database(them, who, INSERT.format(raised=raised, reply_by=reply_by), them.relationship)


def test_a_notice_by_its_giver_stands_as_raw_sql_too(them):
    assert attempt(them, C, INSERT.format(raised="now()", reply_by="NULL"), them.relationship) == 1


TAKEN = json.dumps([{"address": ADDRESSES[0], "taken_at": "TAKEN", "headers": {}, "digest": ""}])


@pytest.mark.parametrize(
    ("who", "address", "taken"),
    [
        (P, ADDRESSES[0], "now"),  # by the side that receives it
        (C, "elsewhere@helpline.example", "now"),  # to another address
        (C, ADDRESSES[0], "before"),  # before it was given
        (C, ADDRESSES[0], "after"),
    ],
)
def test_mails_that_no_server_took_now_do_not_count(them, who, address, taken):
    matter = given(them)
    moments = {"now": 0, "before": -600, "after": 600}
    at = timezone.now() + timedelta(seconds=moments[taken])
    mails = json.dumps([{"address": address, "taken_at": at.isoformat(), "headers": {}, "digest": ""}])
    refused_by_database(them, who, "SELECT comity_notice_taken(%s, %s)", matter.pk, mails)
    run_jobs(TASK)


def test_neither_side_moves_the_moment_of_receipt_or_writes_a_notice(them):
    matter = given(them)
    now, far = timezone.now(), timezone.now() + timedelta(days=60)
    receive = "SELECT comity_receive_notice(%s, %s, %s)"
    refused_by_database(them, C, receive, matter.pk, now, far)  # nothing was taken
    run_jobs(TASK)
    notice, kept, _ = notice_of(them, matter)
    for who, moment, due in (
        (C, notice.given_at - timedelta(minutes=1), far),  # before any mail was taken
        (C, notice.received_at + timedelta(hours=1), far),  # another moment than the one of its receipt
        (P, notice.received_at, far),
        (C, notice.received_at, notice.received_at),  # without its days
    ):
        refused_by_database(them, who, receive, matter.pk, moment, due)
    for who in (C, P):
        for change in ("received_at = NULL", "told = '[]'", "given_at = now() - interval '1 year'"):
            refused_by_database(them, who, f"UPDATE matters_formalnotice SET {change}")
        refused_by_database(them, who, "DELETE FROM matters_formalnotice")
        refused_by_database(them, who, "SELECT comity_fail_notice(%s)", matter.pk)
        refused_by_database(
            them, who,
            "INSERT INTO matters_formalnotice (id, relationship_id, matter_id, clause, side, addresses, given_at, "
            "told) SELECT gen_random_uuid(), relationship_id, matter_id, clause, side, addresses, given_at, told "
            "FROM matters_formalnotice",
        )  # fmt: skip
    assert notice_of(them, matter)[1].reply_by == kept.reply_by


def test_a_bounce_after_a_week_says_nothing(them):
    matter = given(them)
    run_jobs(TASK)
    with superuser() as everybody:
        everybody.execute(
            "UPDATE matters_formalnotice SET told = (SELECT jsonb_agg(one || jsonb_build_object('taken_at', "
            "now() - interval '8 days')) FROM jsonb_array_elements(told) one) WHERE matter_id = %s",
            [matter.pk],
        )
    with transaction.atomic():
        for address in ADDRESSES:
            note_bounce(them.relationship, address, None)
    assert not any("bounced_at" in one for one in notice_of(them, matter)[0].told)


def test_the_page_for_the_receiver_says_it_all_in_both_languages(them):
    matter = given(them)
    run_jobs(TASK)
    receiver = them.client(P)
    page = receiver.get(them.url(f"matters/{matter.pk}/")).content.decode()
    for said in ("Formal notice", "Received on", ADDRESSES[0], "taken on", "must answer by", "Acknowledge receipt"):
        assert said in page
    moved(them, P, matter, Move.ACKNOWLEDGE, "")
    assert "acknowledged receipt on" in receiver.get(them.url(f"matters/{matter.pk}/")).content.decode()
    spanish = receiver.get(them.url(f"matters/{matter.pk}/"), headers={"Accept-Language": "es"}).content.decode()
    assert "Notificación formal" in spanish


def test_nobody_elsewhere_sees_a_notice(them):
    matter = given(them)
    run_jobs(TASK)
    other = room()
    with transaction.atomic():
        other.at(C)
        assert not FormalNotice.objects.filter(matter=matter).exists()


def test_a_notice_that_was_withdrawn_before_its_mails_left_is_mailed_to_nobody(them):
    matter = given(them)
    moved(them, C, matter, Move.WITHDRAW)
    run_jobs(TASK)
    assert not [mail for mail in sent_mails() if "Formal notice" in mail.subject]
    assert notice_of(them, matter)[0].told == []
