"""Every kind raised, answered, promised, done and confirmed in the room; what a row keeps is the fold of its steps."""

import re
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from comity.apps.matters import operations, tasks
from comity.apps.matters.models import Matter
from comity.apps.matters.operations import Beside, NewMatter, Terms, move, open_moves, raise_matter, replayed
from comity.apps.parties.models import Membership
from comity.apps.refusal import Refused
from comity.core.business_hours import Hours, closing
from comity.core.matters.history import Linked
from comity.core.matters.kinds import KINDS, Kind, Raiser, Term
from comity.core.matters.posture import Posture
from comity.core.matters.transitions import Move, State
from tests.builders.examples import examples
from tests.builders.matters import ZONE, running, sent, steps
from tests.builders.turns import every
from tests.room import cast, run_jobs, superuser

pytestmark = pytest.mark.gate
CUSTOMER, PROVIDER = "customer_lead", "provider_lead"
SOON = timezone.now().date() + timedelta(days=30)
BY_HAND = [kind for kind, spec in KINDS.items() if spec.raised_by is Raiser.PERSON]
FILLED = {
    Kind.DECISION: {"due_on": SOON},
    Kind.FAILURE: {"failed": "provider"},
    Kind.UNTOLD: {"untold": "that", "from_day": date(2026, 7, 1)},
    Kind.OFFER: {"wording": "Call back", "due_on": SOON, "price": "6,200 EUR a month"},
    Kind.PROPOSAL: {"wording": "From 17:00", "before": "From 18:00", "proposes": "process", "becomes": "promise",
                    "kpi": "service_level", "due_on": SOON},
    Kind.DISPUTE: {"kpi": "service_level", "period": "2026-06", "wrong": "records"},
    Kind.CLAIM: {"event": "outage", "asked_for": "relief", "from_day": date(2026, 6, 1), "to_day": date(2026, 6, 2)},
}  # fmt: skip


@pytest.fixture(scope="module")
def them():
    return cast()


def raised(them, kind, who=CUSTOMER, **more):
    with transaction.atomic():
        said = NewMatter(kind, f"A {kind}", "Because.", **(FILLED.get(kind, {}) | more))
        matter = raise_matter(them.at(who), said, ZONE)
    run_jobs()
    return matter


def moved(them, who, matter, what, beside=None, seen=None, **terms):
    with transaction.atomic():
        beside = Beside(**beside) if beside else None
        matter = move(them.at(who), matter, what, "So it is.", ZONE, Terms(**terms), seen=seen, beside=beside)
    run_jobs()
    return matter


def now(them, matter):
    with transaction.atomic():
        them.at("auditor")
        return Matter.objects.select_related("prompted_by", "owner").get(pk=matter.pk)


def agrees(them, matter):
    """The answering side agrees, with what the kind takes from whoever will owe it."""
    terms = {"due_on": SOON} if matter.kind in {Kind.NEED, Kind.PROBLEM, Kind.REQUEST, Kind.FAILURE} else {}
    return moved(
        them, PROVIDER, matter, Move.AGREE, **(terms | ({"follows": "records"} if matter.kind == "dispute" else {}))
    )


@pytest.mark.parametrize("kind", every(3, BY_HAND))
def test_each_kind_is_raised_on_its_form_and_shown_to_both(them, kind):
    with transaction.atomic():
        them.at(CUSTOMER)
        owner = str(Membership.objects.get(person=them.people[PROVIDER]).pk)
    said = {
        name: value.isoformat() if isinstance(value, date) else value for name, value in FILLED.get(kind, {}).items()
    }
    said |= {"title": f"On paper {kind}", "text": "Why.", "department": "Quality", "mark": "under_reserve"}
    said |= {"owner": owner, "due_on": SOON.isoformat()} if kind is Kind.ACTION else {}
    client = them.client(CUSTOMER)
    form = client.get(them.url(f"matters/raise/{kind}/")).content.decode()
    own = {term.value for term in KINDS[kind].terms} - {"follows", "records"}
    own -= {"due_on"} if kind is Kind.DISPUTE else set()
    assert own <= set(re.findall(r'name="(\w+)"', form))
    answer = client.post(them.url(f"matters/raise/{kind}/"), said)
    assert answer.status_code == 302, answer.content.decode()[:2000]
    for who in (PROVIDER, "auditor"):
        page = them.client(who).get(answer.headers["Location"]).content.decode()
        assert f"On paper {kind}" in page
        assert "under reserve" in page
        assert "Quality" in page
    again = client.post(them.url(f"matters/raise/{kind}/"), said)  # the button pressed twice
    assert again.headers["Location"] == answer.headers["Location"]
    other = client.post(them.url(f"matters/raise/{kind}/"), said | {"text": "Another why."})
    assert other.headers["Location"] != answer.headers["Location"]


@pytest.mark.parametrize("kind", [kind for kind in BY_HAND if KINDS[kind].required])
def test_what_a_kind_requires_is_asked_for_on_the_form_and_by_the_operation(them, kind):
    answer = them.client(CUSTOMER).post(them.url(f"matters/raise/{kind}/"), {"title": "x", "text": "x"})
    assert answer.status_code == 422
    if kind in {Kind.CLAIM, Kind.ACTION, Kind.DISPUTE}:
        return  # refused with sentences of their own
    with pytest.raises(Refused, match="incomplete"), transaction.atomic():
        raise_matter(them.at(CUSTOMER), NewMatter(kind, "x", "x"), ZONE)


def test_the_page_offers_six_buttons_and_every_kind_once(them):
    page = them.client(CUSTOMER).get(them.url("matters/raise/")).content.decode()
    assert len(re.findall(r"<h2 ", page)) == 6
    assert sorted(re.findall(r"matters/raise/(\w+)/", page)) == sorted(kind.value for kind in BY_HAND)


@pytest.mark.parametrize(
    ("kind", "state", "debtor"),
    [
        (Kind.QUESTION, State.ANSWERED, ""), (Kind.WARNING, State.ANSWERED, ""), (Kind.UNTOLD, State.ANSWERED, ""),
        (Kind.COMPLAINT, State.ANSWERED, ""), (Kind.CLAIM, State.ANSWERED, ""),
        (Kind.NEED, State.AGREED, "provider"), (Kind.PROBLEM, State.AGREED, "provider"),
        (Kind.REQUEST, State.AGREED, "provider"), (Kind.FAILURE, State.AGREED, "provider"),
        (Kind.DECISION, State.AGREED, "provider"), (Kind.DISPUTE, State.AGREED, "provider"),
        (Kind.OFFER, State.AGREED, "customer"), (Kind.PROPOSAL, State.AGREED, "customer"),
        (Kind.ACTION, State.AGREED, ""),
    ],
)  # fmt: skip
def test_what_each_kind_becomes_once_it_is_agreed(them, kind, state, debtor):
    matter = now(them, agrees(them, raised(them, kind)))
    assert (matter.state, matter.debtor, matter.promise) == (state, debtor, state is State.AGREED)
    assert matter.first_due_on == (matter.due_on if matter.promise else None)
    assert (matter.closed_at is None) is matter.promise


def test_who_will_owe_it_says_by_when(them):
    matter = raised(them, Kind.NEED)
    with pytest.raises(Refused, match="no_day"):
        moved(them, PROVIDER, matter, Move.AGREE)
    with pytest.raises(Refused, match="past"):
        moved(them, PROVIDER, matter, Move.AGREE, due_on=date(2026, 1, 1))
    page = them.client(PROVIDER).get(them.url(f"matters/{matter.pk}/move/agree/")).content.decode()
    assert 'name="due_on"' in page
    assert moved(them, PROVIDER, matter, Move.AGREE, due_on=SOON).due_on == SOON


def test_a_request_is_countered_agreed_done_refused_and_confirmed(them):
    """Vector 5 in the room, with the page of each move."""
    matter = raised(them, Kind.REQUEST, wording="From 18:00", due_on=SOON)
    fields = {"wording": "From 17:00", "due_on": (SOON + timedelta(days=1)).isoformat()}
    assert sent(them, PROVIDER, matter, Move.COUNTER, **fields).status_code == 302
    matter = moved(them, CUSTOMER, matter, Move.AGREE)
    assert (matter.debtor, matter.wording, matter.due_on) == ("provider", "From 17:00", SOON + timedelta(days=1))
    for who, what in ((PROVIDER, "done"), (CUSTOMER, "not_done"), (PROVIDER, "done"), (CUSTOMER, "confirm")):
        assert sent(them, who, matter, what).status_code == 302
    matter = now(them, matter)
    assert (matter.state, matter.first_due_on, matter.moved) == (State.CONFIRMED, SOON + timedelta(days=1), 0)
    assert [one.link for one in steps(them, matter)] == [
        "", Linked.STRUCTURE, Linked.STRUCTURE, Linked.DEFAULT, Linked.STRUCTURE, Linked.DEFAULT, Linked.STRUCTURE,
    ]  # fmt: skip
    page = them.client("auditor").get(them.url(f"matters/{matter.pk}/")).content.decode()
    assert "both sides: countered, then agreed" in page
    assert '<del>From 18:00</del></td><td class="any"><ins>From 17:00</ins>' in page  # a counter is a difference


def test_a_declined_counter_goes_back_to_the_first_terms_and_a_second_time_declines(them):
    matter = raised(them, Kind.OFFER)
    for state in (State.ASKED, State.DECLINED):
        matter = moved(them, PROVIDER, matter, Move.COUNTER, wording="Twice", price="5,400 EUR")
        assert (matter.wording, matter.price) == ("Twice", "5,400 EUR")
        matter = moved(them, CUSTOMER, matter, Move.DECLINE)
        assert matter.state == state
    first, second = (one.stood for one in steps(them, matter) if one.move == Move.DECLINE)
    assert (first["wording"], second["wording"]) == ("Twice", "Twice")
    assert steps(them, matter)[2].terms["wording"] == "Call back"


def hours():
    return Hours.weekdays(ZONE, time(9), time(17))


def test_asking_back_rests_the_clock_and_the_reply_starts_it_again(them):
    matter = raised(them, Kind.QUESTION)
    due = matter.reply_by
    matter = moved(them, PROVIDER, matter, Move.ASK_BACK)
    assert (matter.state, matter.rest_due_at, matter.answers_paused) == (State.ASKED_BACK_B, due, True)
    with superuser() as everybody:  # as if five days had passed
        everybody.execute(
            "UPDATE matters_matter SET rest_since = rest_since - interval '5 days', "
            "rest_due_at = rest_due_at - interval '5 days' WHERE id = %s", [matter.pk],
        )  # fmt: skip
    rested = now(them, matter)
    matter = moved(them, CUSTOMER, matter, Move.REPLY)
    closings = sum(
        rested.rest_since <= end <= timezone.now()
        for end in (
            datetime.combine(rested.rest_since.date() + timedelta(days=day), time(17), ZoneInfo(ZONE))
            for day in range(8)
        )
        if end.weekday() < 5
    )
    assert matter.reply_by == closing(hours(), rested.rest_due_at - timedelta(microseconds=1), closings)
    assert steps(them, matter)[-1].paused_s >= 5 * 24 * 3600
    again = moved(them, PROVIDER, matter, Move.ASK_BACK)
    assert again.rest_since is None  # once a side and matter
    assert moved(them, CUSTOMER, again, Move.REPLY).reply_by == matter.reply_by


def test_what_was_asked_back_and_never_answered_is_closed_after_twice_the_clock(them):
    matter = moved(them, PROVIDER, raised(them, Kind.QUESTION), Move.ASK_BACK)
    with pytest.raises(Refused, match="waiting"):
        moved(them, PROVIDER, matter, Move.CLOSE)
    with superuser() as everybody:
        everybody.execute("UPDATE matters_step SET at = at - interval '40 days' WHERE matter_id = %s", [matter.pk])
    with pytest.raises(Refused, match="not_now"):
        moved(them, CUSTOMER, matter, Move.CLOSE)
    assert moved(them, PROVIDER, matter, Move.CLOSE).state == State.DECLINED


def test_a_counter_is_taken_back_until_it_is_answered_and_restores_the_clock(them):
    matter = raised(them, Kind.REQUEST, wording="First")
    due = matter.reply_by
    matter = moved(them, PROVIDER, matter, Move.COUNTER, wording="Second")
    them.client(CUSTOMER).get(them.url(f"matters/{matter.pk}/"))  # that it was opened does not matter here
    assert (
        "until Northwind Energy answers it"
        in them.client(PROVIDER).get(them.url(f"matters/{matter.pk}/")).content.decode()
    )
    with pytest.raises(Refused, match="seen"):
        moved(them, CUSTOMER, matter, Move.TAKE_BACK)
    matter = moved(them, PROVIDER, matter, Move.TAKE_BACK)
    assert (matter.state, matter.wording, matter.reply_by) == (State.ASKED, "First", due)


def test_another_day_is_taken_by_the_other_side_and_a_pause_moves_the_day(them):
    matter = agrees(them, raised(them, Kind.NEED))
    later = SOON + timedelta(days=7)
    moved(them, PROVIDER, matter, Move.OTHER_DAY, {"day": later})
    with pytest.raises(Refused, match="not_now"):
        moved(them, PROVIDER, matter, Move.TAKE)
    assert now(them, matter).due_on == SOON
    page = them.client(CUSTOMER).get(them.url(f"matters/{matter.pk}/")).content.decode()
    assert "It counts once the other side accepts it" in page
    matter = moved(them, CUSTOMER, matter, Move.TAKE)
    assert (matter.due_on, matter.first_due_on, matter.moved) == (later, SOON, 1)
    moved(them, CUSTOMER, matter, Move.PAUSE, {"day": timezone.now().date() + timedelta(days=7)})
    matter = moved(them, PROVIDER, matter, Move.TAKE)
    assert matter.due_on > later + timedelta(days=5)
    assert matter.moved == 2


def test_a_promise_is_let_off_or_broken_with_a_reason_and_opened_again_by_both(them):
    matter = agrees(them, raised(them, Kind.NEED))
    with pytest.raises(Refused, match="not_now"):
        moved(them, PROVIDER, matter, Move.LET_OFF)
    matter = moved(them, PROVIDER, matter, Move.CANNOT)
    assert (matter.state, matter.ended) == (State.BROKEN, True)
    moved(them, PROVIDER, matter, Move.REOPEN)
    assert now(them, matter).state == State.BROKEN
    with pytest.raises(Refused, match="ended"):
        moved(them, PROVIDER, matter, Move.REOPEN)
    matter = moved(them, CUSTOMER, matter, Move.REOPEN)
    assert (matter.state, matter.due_on, now(them, matter).closed_at) == (State.AGREED, SOON, None)
    assert moved(them, CUSTOMER, matter, Move.LET_OFF).state == State.LET_OFF


def test_a_matter_is_merged_into_another_one_of_the_same_side(them):
    one, other, theirs = raised(them, Kind.NEED), raised(them, Kind.NEED), raised(them, Kind.NEED, PROVIDER)
    for wrong in (None, theirs, one):
        with pytest.raises(Refused, match="no_target"):
            moved(them, CUSTOMER, one, Move.MERGE, {"into": wrong})
    assert sent(them, CUSTOMER, one, Move.MERGE, into=str(other.pk)).status_code == 302
    assert (now(them, one).state, now(them, one).merged_into_id) == (State.MERGED, other.pk)


def test_what_is_said_beside_changes_neither_state_nor_clock(them):
    matter = raised(them, Kind.COMPLAINT)
    before = now(them, matter)
    with transaction.atomic():
        colleague = Membership.objects.get(person=them.people["provider_analyst"]) if them.at(PROVIDER) else None
    moved(them, PROVIDER, matter, Move.ACKNOWLEDGE)
    moved(them, CUSTOMER, matter, Move.ESCALATE)
    moved(them, PROVIDER, matter, Move.HAND_OVER, owner=colleague)
    moved(them, PROVIDER, matter, Move.OBJECT, {"objects": ("posture", "proactive")})
    after = now(them, matter)
    assert (after.state, after.reply_by, after.last_move) == (before.state, before.reply_by, 0)
    assert (after.level, after.acknowledged, after.answers_with_id) == (1, True, colleague.pk)
    with pytest.raises(Refused, match="not_now"):
        moved(them, PROVIDER, matter, Move.ACKNOWLEDGE)
    page = them.client("auditor").get(them.url(f"matters/{matter.pk}/")).content.decode()
    assert "reactive; proactive according to Helpline" in page  # both values stand
    assert [one.level for one in steps(them, matter)] == [0, 0, 1, 1, 1]


def test_posture_is_worked_out_from_links_made_when_raising(them):
    question = raised(them, Kind.QUESTION, PROVIDER, queue="billing")
    need = raised(them, Kind.NEED, prompted_by=question)
    assert now(them, need).posture == Posture.REACTIVE  # the question is of the same minute
    with superuser() as everybody:
        everybody.execute(
            "UPDATE matters_matter SET raised_at = now() - interval '9 days' WHERE id = %s", [question.pk]
        )
    assert now(them, need).posture == Posture.OPEN
    moved(them, PROVIDER, need, Move.AGREE, due_on=SOON)
    moved(them, PROVIDER, need, Move.DONE)
    moved(them, CUSTOMER, need, Move.CONFIRM)
    assert now(them, need).posture == Posture.INTERACTIVE
    failure = raised(them, Kind.FAILURE, PROVIDER, failed="provider")
    assert (now(them, failure).posture, now(them, failure).serves) == (Posture.PROACTIVE, "provider")
    assert now(them, raised(them, Kind.COMPLAINT, prompted_by=failure)).posture is None  # counted once


def test_a_matter_of_another_relationship_is_no_link(them):
    theirs = raised(cast(), Kind.QUESTION)
    with pytest.raises(Refused, match="not_yours"):
        raised(them, Kind.NEED, prompted_by=theirs)


def test_both_answer_at_once_and_the_second_sees_both_and_keeps_what_was_typed(them):
    matter = raised(them, Kind.REQUEST, wording="First")
    moved(them, "provider_analyst", matter, Move.COUNTER, wording="Second")
    answer = sent(them, PROVIDER, matter, Move.DECLINE, seen=1, text="We would rather not.")
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "New meanwhile" in page
    assert "made a counter-proposal" in page
    assert "We would rather not." in page
    assert now(them, matter).state == State.COUNTERED


def test_each_side_sees_when_the_other_first_opened_it(them):
    matter = raised(them, Kind.QUESTION)
    assert (
        "First opened by Helpline" not in them.client(CUSTOMER).get(them.url(f"matters/{matter.pk}/")).content.decode()
    )
    them.client("auditor").get(them.url(f"matters/{matter.pk}/"))
    them.client(PROVIDER).get(them.url(f"matters/{matter.pk}/"))
    moved(them, CUSTOMER, matter, Move.COMMENT)
    them.client(PROVIDER).get(them.url(f"matters/{matter.pk}/"))
    page = them.client(CUSTOMER).get(them.url(f"matters/{matter.pk}/")).content.decode()
    assert page.count("First opened by Helpline on") == 1


def test_the_clock_records_late_once_for_each_turn_and_breaks_what_is_long_over(them):
    matter = raised(them, Kind.REQUEST)
    running(matter, them, -timedelta(hours=1))
    for _ in range(2):
        tasks.tick(0)
    assert [one.move for one in steps(them, matter)].count("late") == 1
    assert now(them, matter).state == State.ASKED  # late, stays
    owed = agrees(them, raised(them, Kind.NEED))
    tasks.tick(0)
    assert now(them, owed).state == State.AGREED
    with superuser() as everybody:
        everybody.execute("UPDATE matters_matter SET due_on = current_date - 45 WHERE id = %s", [owed.pk])
    tasks.tick(0)
    owed = now(them, owed)
    last = steps(them, owed)[-1]
    assert (owed.state, last.move, last.side, last.person) == (State.BROKEN, "break", None, None)
    assert owed.closed_at is not None


def test_a_step_that_is_named_as_answered_exists(them):
    matter = raised(them, Kind.QUESTION)
    with pytest.raises(Refused, match="no_step"):
        moved(them, PROVIDER, matter, Move.AGREE, {"answers": 7})
    moved(them, CUSTOMER, matter, Move.COMMENT)
    moved(them, PROVIDER, matter, Move.AGREE, {"answers": 2, "mark": "without_prejudice"})
    last = steps(them, matter)[-1]
    assert (last.answers_to.number, last.link, last.mark) == (2, Linked.CHOSEN, "without_prejudice")


MOVES = st.lists(
    st.tuples(st.sampled_from([CUSTOMER, PROVIDER]), st.sampled_from(sorted(set(Move) - {Move.RAISE, Move.HAND_OVER}))),
    min_size=4,
    max_size=14,
)


@settings(max_examples=examples(25), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from([kind for kind in BY_HAND if kind is not Kind.CLAIM]), MOVES)
def test_what_the_row_keeps_is_the_fold_of_the_steps(them, kind, tried):
    """Random moves of both sides, those that are refused left out: the database, the row and the steps agree."""
    matter = raised(them, kind, wording="1" if Term.WORDING in KINDS[kind].terms else "")
    target = raised(them, Kind.NEED)
    for number, (who, what) in enumerate(tried):
        terms = {"due_on": SOON} if what is Move.AGREE else {}
        terms |= {"wording": f"w{number}"} if what is Move.COUNTER else {}
        terms |= {"follows": "records"} if kind is Kind.DISPUTE else {}
        beside = {"day": SOON + timedelta(days=number)} if what in {Move.OTHER_DAY, Move.PAUSE} else {}
        beside |= {"into": target} if what is Move.MERGE else {}
        beside |= {"objects": ("nature", "strategic")} if what is Move.OBJECT else {}
        try:
            moved(them, who, matter, what, beside, **terms)
        except Refused:
            continue
        with transaction.atomic():
            member = them.at(who)
            row = Matter.objects.select_related("owner").get(pk=matter.pk)
            folded = replayed(row)
            kept = replace(
                row.standing(folded.last), last_move=max(row.last_move, 1)
            )  # the raise is no move of the row
            names = ("state", "promise", "debtor", "done_by", "declined_counters", "offer", "paused", "acknowledged",
                     "level", "last_move", "first_due_on", "moved")  # fmt: skip
            assert {name: getattr(folded, name) for name in names} == {name: getattr(kept, name) for name in names}
            assert folded.due_on == (row.due_on if row.promise else None)
            assert (row.closed_at is not None) == row.ended
            assert (row.reply_by is not None) == (row.state in {*operations.OPEN, State.DONE})
            assert not row.ended or row.must_act is None
            assert open_moves(member, row)
