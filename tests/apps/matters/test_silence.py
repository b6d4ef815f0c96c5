"""Silence of a side: accepted only where a clause that both signed says so, and only after a notice that reached it.

Each condition of the specification fails alone, in the room and as raw SQL under the app's role.
"""

import json
from datetime import UTC, timedelta

import pytest
from django.core.cache import cache
from django.core.mail import EmailMessage
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from comity.apps.matters import tasks
from comity.apps.matters.models import Matter, SilenceNotice, Step
from comity.apps.matters.operations import replayed
from comity.core.agreements.changes import SetField
from comity.core.agreements.kinds import Kind as ClauseKind
from comity.core.matters.kinds import Kind
from comity.core.matters.transitions import Move, State
from comity.web.bounces import record_bounces
from tests.builders.agreement import add
from tests.builders.changes import agreed, attempt, content, proposed, room, soon
from tests.builders.confirmations import clock
from tests.builders.ledger import posted
from tests.builders.matters import moved, raised, running
from tests.room import run_jobs, sent_mails, superuser

pytestmark = pytest.mark.gate
DUE = timezone.now().date() + timedelta(days=200)
SILENCE = [{"matter": kind, "days": 10} for kind in ("need", "claim", "dispute")]
C, P = "customer_lead", "provider_lead"


def agreed_clause(them, silence=SILENCE):
    """Both sign that silence accepts; in force since some days, as a signature says that is retroactive."""
    replies = [{"matter": one["matter"], "days": 10} for one in silence]
    edits = (
        add("calendar", ClauseKind.CALENDAR, zone="Europe/Madrid"),
        add("clock", ClauseKind.CLOCK, "calendar", replies=replies, silence=silence),
    )
    agreed(them, C, content(*edits, first_day=soon(-3)), retroactive=True)
    run_jobs("agreements.write")


def allowed():
    made = room()
    agreed_clause(made)
    clock()
    return made


@pytest.fixture(scope="module")
def place():
    return allowed()


@pytest.fixture
def them(place):
    cache.clear()
    clock()
    return place


def need(them, **more):
    made = raised(them, C, Kind.NEED, wording="Call back", **({"due_on": DUE} | more))
    running(made, them, timedelta(hours=-1))
    return made


def ticked(times=1):
    for _ in range(times):
        tasks.tick(0)


def notice_of(them, matter):
    with transaction.atomic():
        them.at("auditor")
        return list(SilenceNotice.objects.filter(matter=matter))


def state_of(them, matter):
    with transaction.atomic():
        them.at("auditor")
        return State(Matter.objects.get(pk=matter.pk).state)


def over(matter, days=30):
    """As if the last notice had been given so long ago, and its day were over."""
    back = f"interval '{days} days'"
    with superuser() as everybody:
        everybody.execute(
            f"UPDATE matters_silencenotice SET at = at - {back}, due_at = due_at - {back}, "
            "until = now() - interval '1 hour', told = (SELECT jsonb_agg(one || jsonb_build_object('taken_at', "
            f"(one->>'taken_at')::timestamptz - {back})) FROM jsonb_array_elements(told) one) WHERE matter_id = %s",
            [matter.pk],
        )
        everybody.execute(f"UPDATE matters_matter SET reply_by = reply_by - {back} WHERE id = %s", [matter.pk])


def deem(them, matter, who=C):
    attempt(them, who, "SELECT comity_deem_matter(%s)", matter.pk)


def refused_by_database(call, *arguments):
    with pytest.raises(DatabaseError, match=r"comity|row-level"):
        call(*arguments)


def test_a_need_is_deemed_after_the_notice_and_its_day_and_owed_from_then_on(them):
    matter = need(them)
    ticked()
    told = [mail for mail in sent_mails() if "treated as accepted on" in mail.subject]
    assert {address for mail in told for address in mail.to} >= {them.people[P].email}
    assert len({address for mail in told for address in mail.to}) >= 2
    (notice,) = notice_of(them, matter)
    assert notice.until - notice.at >= timedelta(days=10)
    assert notice.until.astimezone(UTC).weekday() < 5
    ticked(2)
    assert (len(notice_of(them, matter)), state_of(them, matter)) == (1, State.ASKED)
    over(matter)
    ticked()
    with transaction.atomic():
        them.at("auditor")
        now = Matter.objects.get(pk=matter.pk)
        steps = list(Step.objects.filter(matter=matter).order_by("number").values_list("move", "side", "person_id"))
    assert (now.state, now.promise, now.debtor, now.due_on, now.first_due_on, now.closed_at) == (
        "deemed", True, "provider", DUE, DUE, None,
    )  # fmt: skip
    assert steps[-1] == (Move.DEEM, None, None)
    assert posted(them, matter)[len(steps)] >= {("customer", "due/action", 1), ("provider", "owes/action", -1)}
    moved(them, P, now, Move.DONE)
    assert state_of(them, matter) is State.DONE


def test_a_claim_that_is_deemed_reaches_the_book_as_such(them):
    claim = raised(them, P, Kind.CLAIM, event="outage", asked_for="relief", from_day=soon(-40), to_day=soon(-39))
    running(claim, them, timedelta(hours=-1))
    ticked()
    over(claim)
    ticked()
    assert state_of(them, claim) is State.DEEMED
    with superuser() as everybody:
        rows = everybody.execute(
            "SELECT args->'rows'->0->>'state' FROM procrastinate_jobs WHERE task_name = 'books.write' "
            "AND args->'rows'->0->>'event_id' = %s ORDER BY id",
            [f"room-{claim.pk}"],
        ).fetchall()
    assert rows[-1] == ("deemed",)
    run_jobs()


def test_an_answer_in_time_a_counter_or_a_question_back_is_no_silence(them):
    answers = {
        Move.AGREE: State.AGREED, Move.DECLINE: State.DECLINED, Move.ASK_BACK: State.ASKED_BACK_B,
        Move.COUNTER: State.COUNTERED,
    }  # fmt: skip
    for move, state in answers.items():
        matter = need(them)
        cache.clear()
        ticked()
        assert len(notice_of(them, matter)) == 1
        over(matter)
        moved(them, P, matter, move)
        ticked()
        assert state_of(them, matter) is state
        refused_by_database(deem, them, matter)


def test_a_counter_that_comes_back_needs_a_notice_of_its_own(them):
    """What was told of the first terms says nothing of those that lie on the table now."""
    matter = need(them)
    ticked()
    over(matter)
    moved(them, P, matter, Move.COUNTER)
    moved(them, C, matter, Move.COUNTER)
    running(matter, them, timedelta(hours=-1))
    refused_by_database(deem, them, matter)
    assert state_of(them, matter) is State.ASKED


@pytest.mark.parametrize("silence", [[], [{"matter": "claim", "days": 10}]])
def test_without_a_clause_for_its_kind_nothing_is_told_and_nothing_deemed(silence):
    here = room()
    clock()
    if silence:
        agreed_clause(here, silence)
    matter = need(here)
    ticked()
    assert notice_of(here, matter) == []
    refused_by_database(warn, here, matter)
    refused_by_database(deem, here, matter)


def test_a_clause_that_both_have_not_signed_allows_nothing():

    here = room()
    clock()
    replies = [{"matter": "need", "days": 10}]
    edit = add("clock", ClauseKind.CLOCK, replies=replies, silence=SILENCE[:1])
    proposed(here, C, content(edit, first_day=soon(-3)))
    matter = need(here)
    ticked()
    assert notice_of(here, matter) == []
    refused_by_database(warn, here, matter)


def test_a_clause_that_was_signed_after_the_matter_was_raised_says_nothing_of_it():
    here = room()
    clock()
    matter = need(here)
    agreed_clause(here)
    ticked()
    refused_by_database(warn, here, matter)
    assert notice_of(here, matter) == []


def test_a_clause_that_is_taken_back_meanwhile_accepts_nothing_more():
    them = allowed()
    cache.clear()
    matter = need(them)
    ticked()
    over(matter)
    agreed(them, P, content(SetField("clock", "silence", None), first_day=soon(0)), retroactive=True)
    run_jobs("agreements.write")
    refused_by_database(deem, them, matter)
    ticked()
    assert state_of(them, matter) is State.ASKED


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        (Kind.QUESTION, {}),
        (Kind.DECISION, {"due_on": DUE}),
        (Kind.UNTOLD, {"untold": "that", "from_day": soon(-60)}),
        (Kind.NEED, {"wording": "No day", "due_on": None}),
        (Kind.OFFER, {"wording": "For money", "price": "10 EUR"}),
    ],
)
def test_some_kinds_and_work_without_a_day_are_never_accepted_by_silence(them, kind, more):
    matter = raised(them, C, kind, **more)
    running(matter, them, timedelta(hours=-1))
    ticked()
    assert notice_of(them, matter) == []
    refused_by_database(warn, them, matter)


def test_a_notice_to_one_person_or_without_a_lead_counts_for_nothing(them, monkeypatch):
    matter = need(them)
    real = EmailMessage.send

    def send(message, **more):
        if them.people[P].email in message.to:
            raise ConnectionRefusedError("no mail today")
        return real(message, **more)

    monkeypatch.setattr(EmailMessage, "send", send)
    ticked()
    assert notice_of(them, matter) == []
    monkeypatch.undo()
    ticked()
    assert notice_of(them, matter) == []  # once a day
    cache.clear()
    ticked()
    assert len(notice_of(them, matter)) == 1


def test_a_notice_that_came_back_reached_nobody(them):
    """Vector 2: both bounced, never."""
    matter = need(them)
    ticked()
    (notice,) = notice_of(them, matter)
    leads = {one["person"] for one in notice.told if one["role"] == "lead"}
    assert str(them.people[P].pk) in leads
    bounced = [
        person.email for person in them.people.values() if str(person.pk) in {one["person"] for one in notice.told}
    ]
    assert record_bounces(bounced) >= len(bounced)  # notices of other matters here went to them too
    over(matter)
    refused_by_database(deem, them, matter)
    ticked()
    assert state_of(them, matter) is State.ASKED


def test_nothing_is_deemed_right_after_an_outage(them):
    matter = need(them)
    ticked()
    over(matter)
    clock(minutes=2, before=600)
    refused_by_database(deem, them, matter)
    ticked()
    assert state_of(them, matter) is State.ASKED
    clock(minutes=2, before=12)
    ticked()
    assert state_of(them, matter) is State.DEEMED


def test_mails_that_the_server_took_late_do_not_count(them):
    """A third of the days from the notice to its day: of thirty, ten; the eleventh is too late."""
    matter = need(them)
    ticked()
    over(matter)
    with superuser() as everybody:
        everybody.execute(
            "UPDATE matters_silencenotice SET told = (SELECT jsonb_agg(one || jsonb_build_object('taken_at', "
            "at + (until - at) / 3 + interval '1 day')) FROM jsonb_array_elements(told) one) WHERE matter_id = %s",
            [matter.pk],
        )
    refused_by_database(deem, them, matter)
    ticked()
    assert state_of(them, matter) is State.ASKED


def warn(them, matter, who=C, days=30, people=(P, "provider_analyst"), taken=None):
    at = (taken or timezone.now()).isoformat()
    told = [{"person": str(them.people[name].pk), "taken_at": at} for name in people]
    until = timezone.now() + timedelta(days=days)
    attempt(them, who, "SELECT comity_warn_matter(%s, %s, %s)", matter.pk, until, json.dumps(told))


def test_no_notice_is_given_by_hand_that_does_not_count(them):
    matter = need(them)
    refused_by_database(lambda: warn(them, matter, days=9))
    refused_by_database(lambda: warn(them, matter, people=(P,)))
    refused_by_database(lambda: warn(them, matter, people=("provider_analyst", "provider_executive")))
    refused_by_database(lambda: warn(them, matter, people=(C, "customer_analyst")))
    refused_by_database(lambda: warn(them, matter, taken=timezone.now() - timedelta(hours=2)))
    refused_by_database(lambda: warn(them, matter, people=(P, P)))
    early = raised(them, C, Kind.NEED, wording="Call back", due_on=DUE)
    refused_by_database(lambda: warn(them, early))
    assert notice_of(them, matter) == []


@pytest.mark.parametrize("who", [C, P])
def test_no_side_speaks_for_silence_by_raw_sql(them, who):
    """Neither the step, nor the state, nor the notice, nor its recipients, nor the clock."""
    matter = need(them)
    ticked()
    values = "gen_random_uuid(), relationship_id, id, 9"
    here = "FROM matters_matter m WHERE id = %(id)s"
    step = "INSERT INTO matters_step (id, relationship_id, matter_id, number, at, move, text, terms) SELECT"
    notice = "INSERT INTO matters_silencenotice (id, relationship_id, matter_id, number, side, at, due_at, until, told)"
    statements = [
        "UPDATE matters_matter SET state = 'deemed' WHERE id = %(id)s",
        "UPDATE matters_matter SET state = 'deemed', last_move = last_move + 1, reply_by = NULL WHERE id = %(id)s",
        f"{step} {values}, now(), 'deem', '', '{{}}' {here}",
        f"{notice} SELECT {values}, 'provider', now(), now(), now(), '[]' {here}",
        "UPDATE matters_silencenotice SET until = now() WHERE matter_id = %(id)s",
        "DELETE FROM matters_silencenotice WHERE matter_id = %(id)s",
        "UPDATE replies_clock SET ran_at = now(), ran_before = now()",
        f"SELECT comity_add_nobodys(m, 'deem', true, '{{}}') {here}",
        "SELECT comity_deem_matter(%(id)s)",
    ]
    for statement in statements:
        with pytest.raises(DatabaseError), transaction.atomic():
            them.at(who)
            with connection.cursor() as cursor:
                cursor.execute(statement, {"id": matter.pk})
    assert state_of(them, matter) is State.ASKED


def test_what_the_steps_say_is_what_the_matter_is(them):

    matter = need(them)
    ticked()
    over(matter)
    ticked()
    with transaction.atomic():
        them.at("auditor")
        now = Matter.objects.get(pk=matter.pk)
        standing = replayed(now)
    assert (standing.state, standing.promise, standing.due_on, standing.debtor is not None) == (
        State.DEEMED, True, DUE, True,
    )  # fmt: skip


def test_the_page_says_until_when_silence_waits(them):
    matter = need(them)
    ticked()
    for who in (C, P):
        page = them.client(who).get(them.url(f"matters/{matter.pk}/")).content.decode()
        assert "treated as accepted" in page.lower()
