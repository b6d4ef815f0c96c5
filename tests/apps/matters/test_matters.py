"""Matters: whose move it is, what each may do, what silence does; and that a claim reaches the figures."""

import hashlib
import re
import uuid
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.mail import EmailMessage
from django.db import transaction
from django.utils import timezone

from comity import web
from comity.apps.books import queries
from comity.apps.i18n import words_for
from comity.apps.matters import operations, sentences, tasks
from comity.apps.matters import queries as queries_of_matters
from comity.apps.matters.models import Evidence, Matter, Step
from comity.apps.matters.operations import NewMatter, move, open_moves, raise_matter
from comity.apps.parties.models import Membership
from comity.apps.refusal import Refused
from comity.core.matters.kinds import Kind
from comity.core.matters.transitions import Move, State
from comity.core.values import Side
from tests.builders.level_in_room import level
from tests.builders.levels import KPI, contacts
from tests.builders.matters import FIGURE, ZONE, moved, raised, reminded, running, sent, steps
from tests.room import cast, forget_mails, run_jobs, sent_mails, superuser

pytestmark = pytest.mark.gate
BESIDE = (Move.COMMENT, Move.ESCALATE, Move.HAND_OVER, Move.OBJECT)  # in every open state, of either side


@pytest.fixture(scope="module")
def them():
    return cast()


def test_the_side_that_is_asked_answers_and_a_counter_turns_it(them):
    matter = raised(them)
    assert (matter.asks, matter.answers, matter.waits_for) == (Side.CUSTOMER, Side.PROVIDER, Side.PROVIDER)
    with pytest.raises(Refused, match="their_turn"):
        moved(them, "customer_lead", matter, Move.AGREE)
    matter = moved(them, "provider_lead", matter, Move.COUNTER)
    assert (matter.state, matter.waits_for) == (State.COUNTERED, Side.CUSTOMER)
    with pytest.raises(Refused, match="their_turn"):
        moved(them, "provider_lead", matter, Move.AGREE)
    matter = moved(them, "customer_analyst", matter, Move.AGREE)
    assert (matter.state, matter.waits_for, matter.reply_by) == (State.AGREED, None, None)
    with pytest.raises(Refused, match="not_now"):
        moved(them, "provider_lead", matter, Move.DECLINE)
    told = steps(them, matter)
    assert [(one.number, one.move, one.side) for one in told] == [
        (1, "raise", "customer"),
        (2, "counter", "provider"),
        (3, "agree", "customer"),
    ]
    assert [one.answers_to and one.answers_to.number for one in told] == [None, 1, 2]


@pytest.mark.parametrize("what", [Move.DECLINE, Move.COUNTER])
def test_a_refusal_says_why(them, what):
    matter = raised(them)
    with pytest.raises(Refused, match="reason"):
        moved(them, "provider_lead", matter, what, "  ")


def test_who_asked_may_withdraw_and_nobody_else(them):
    matter = raised(them, "provider_lead", Kind.CLAIM)
    with transaction.atomic():
        assert Move.WITHDRAW not in open_moves(them.at("customer_lead"), matter)
    assert moved(them, "provider_analyst", matter, Move.WITHDRAW).state == State.WITHDRAWN


@pytest.mark.parametrize(
    ("who", "kind", "may"),
    [
        ("customer_member", Kind.ACTION, True),
        ("customer_member", Kind.DISPUTE, False),
        ("customer_finance", Kind.DISPUTE, True),
        ("customer_executive", Kind.CLAIM, False),
        ("mediator", Kind.ACTION, False),
        ("surveyor", Kind.ACTION, False),
        ("auditor", Kind.DISPUTE, False),
    ],
)
def test_who_may_raise_what(them, who, kind, may):
    if may:
        assert raised(them, who, kind).pk
    else:
        with pytest.raises(Refused, match="not_yours"):
            raised(them, who, kind)


@pytest.mark.parametrize(
    ("who", "moves"),
    [
        ("provider_lead", {Move.AGREE, Move.COUNTER, Move.ASK_BACK, Move.DECLINE, Move.ACKNOWLEDGE, *BESIDE}),
        ("provider_analyst", {Move.AGREE, Move.COUNTER, Move.ASK_BACK, Move.DECLINE, Move.ACKNOWLEDGE, *BESIDE}),
        ("provider_member", {Move.ACKNOWLEDGE, *BESIDE}),
        ("customer_lead", {Move.WITHDRAW, Move.MERGE, *BESIDE}),
        ("mediator", {Move.COMMENT}),
        ("surveyor", set()),
        ("auditor", set()),
    ],
)
def test_open_moves_by_kind_state_and_actor(them, who, moves):
    matter = raised(them)
    with transaction.atomic():
        assert set(open_moves(them.at(who), matter)) == moves


def test_an_action_is_done_once_it_is_agreed(them):
    matter = raised(them, kind=Kind.ACTION, due_on=date(2027, 1, 1))
    with pytest.raises(Refused, match="not_now"):
        moved(them, "provider_member", matter, Move.DONE)
    moved(them, "provider_member", matter, Move.AGREE)
    assert moved(them, "provider_member", matter, Move.DONE).state == State.DONE


def test_the_side_of_an_actions_owner_says_that_it_is_done_and_the_step_says_who(them):
    """What is owed is a side's (the table of states: D owes it), so that nothing waits for one who is away.

    A colleague says it under their own name; the other side and those on neither cannot.
    """
    with transaction.atomic():
        owner = them.at("provider_roster").membership
    matter = raised(them, kind=Kind.ACTION, due_on=date(2027, 1, 1), owner=owner)
    moved(them, "provider_lead", matter, Move.AGREE)
    with pytest.raises(Refused, match="owner"):
        moved(them, "customer_lead", matter, Move.DONE)
    for who in ("mediator", "auditor"):
        with pytest.raises(Refused, match="not_yours"):
            moved(them, who, matter, Move.DONE)
    assert moved(them, "provider_member", matter, Move.DONE).done_by == Side.PROVIDER
    assert steps(them, matter)[-1].person_id == them.people["provider_member"].pk
    with pytest.raises(Refused, match="not_now"):
        moved(them, "provider_roster", matter, Move.CONFIRM)
    assert moved(them, "customer_member", matter, Move.CONFIRM).state == State.CONFIRMED


def test_a_reply_is_due_at_close_of_business_on_the_tenth_working_day(them):
    """Of office hours in the book's zone, as long as the sides have agreed on no calendar."""
    due = raised(them).reply_by.astimezone(ZoneInfo(ZONE))
    today = timezone.now().astimezone(ZoneInfo(ZONE)).date()
    assert (due.hour, due.minute) == (17, 0)
    assert due.weekday() < 5
    assert timedelta(days=14) <= due.date() - today <= timedelta(days=17)


def test_the_other_side_is_reminded_once_and_silence_accepts_nothing(them):
    matter = raised(them)
    running(matter, them, timedelta(days=1))
    forget_mails()
    tasks.tick(0)
    told = [one for one in sent_mails() if str(matter.pk) in one.body]
    assert {address for one in told for address in one.to} == {
        them.people[name].email for name in ("provider_lead", "provider_analyst")
    }
    assert all("Without an answer it stays open" in one.body for one in told)
    running(matter, them, -timedelta(days=300))
    reminded(matter, timedelta(days=301))
    for _ in range(2):
        tasks.tick(0)
    assert [one.move for one in steps(them, matter)] == ["raise", "remind", "late"]
    with transaction.atomic():
        them.at("provider_lead")
        assert Matter.objects.get(pk=matter.pk).state == State.ASKED
    with superuser() as everybody, pytest.raises(Exception, match="silence does not count"):
        everybody.execute("SELECT comity_deem_matter(%s)", [matter.pk])


def left(them, *names, at=True):
    with superuser() as everybody:
        everybody.execute(
            "UPDATE parties_membership SET left_at = %s WHERE relationship_id = %s AND person_id = ANY (%s)",
            [timezone.now() if at else None, them.relationship, [them.people[name].pk for name in names]],
        )


def test_a_side_in_which_nobody_may_answer_is_reminded_once_somebody_may():
    """The finding L6: a reminder that reached nobody was recorded."""
    them = cast()
    matter = raised(them)
    left(them, "provider_lead", "provider_analyst")
    running(matter, them, timedelta(days=1))
    tasks.tick(0)
    assert [one.move for one in steps(them, matter)] == ["raise"]
    left(them, "provider_analyst", at=False)
    for _ in range(2):
        tasks.tick(0)
    assert [one.move for one in steps(them, matter)] == ["raise", "remind"]


def test_a_reminder_that_no_mail_server_took_is_none(them, monkeypatch, caplog):
    matter = raised(them)
    running(matter, them, timedelta(days=1))

    def down(*_, **__):
        raise ConnectionRefusedError("to somebody@example.org")

    with monkeypatch.context() as broken:
        broken.setattr(EmailMessage, "send", down)
        tasks.tick(0)
    with monkeypatch.context() as nowhere:
        nowhere.setattr(settings, "MAIL_SERVER_BACKEND", "django.core.mail.backends.filebased.EmailBackend")
        tasks.tick(0)
    assert [one.move for one in steps(them, matter)] == ["raise"]
    assert "ConnectionRefusedError" in caplog.text
    assert "somebody@example.org" not in caplog.text
    tasks.tick(0)
    assert [one.move for one in steps(them, matter)] == ["raise", "remind"]


def test_a_counter_proposal_asks_for_a_reminder_of_its_own(them):
    matter = raised(them)
    running(matter, them, timedelta(days=1))
    tasks.tick(0)
    moved(them, "provider_lead", matter, Move.COUNTER)
    running(matter, them, -timedelta(minutes=1))
    tasks.tick(0)
    assert [one.move for one in steps(them, matter)] == ["raise", "remind", "counter", "remind", "late"]


def test_what_goes_wrong_in_one_relationship_keeps_no_other_waiting(them, monkeypatch, caplog):
    other = cast()
    one, theirs = raised(them), raised(other)
    for matter, cast_of in ((one, them), (theirs, other)):
        running(matter, cast_of, timedelta(days=1))
    real = operations.remind

    def broken(member, matter):
        if matter.relationship_id == them.relationship:
            raise RuntimeError("no good")
        return real(member, matter)

    monkeypatch.setattr(tasks.operations, "remind", broken)
    tasks.tick(0)
    assert steps(other, theirs)[-1].move == Move.REMIND
    assert [step.move for step in steps(them, one)] == [Move.RAISE]
    assert str(one.pk) in caplog.text


def test_an_answer_after_the_clock_ran_out_is_marked(them):
    matter = raised(them)
    running(matter, them, -timedelta(minutes=1))
    moved(them, "provider_lead", matter, Move.AGREE)
    assert steps(them, matter)[-1].ran_out


def test_a_claim_long_after_the_event_is_marked_late(them):
    today = datetime.now(UTC).date()
    early = raised(them, kind=Kind.CLAIM, from_day=today - timedelta(9), to_day=today - timedelta(8), event="storm")
    late = raised(them, kind=Kind.CLAIM, from_day=today - timedelta(90), to_day=today - timedelta(80), event="storm")
    assert (early.late, late.late) == (False, True)


def test_a_claim_reaches_the_figures_once_it_is_accepted_and_leaves_them_when_it_is_refused():
    them = cast()
    them.book(KPI, contacts="\n".join(contacts()))
    assert level(them) == (28, 60)
    more = {"from_day": date(2026, 6, 10), "to_day": date(2026, 6, 11), "asked_for": "exclude", "event": "outage"}
    accepted = raised(them, "provider_lead", Kind.CLAIM, kpi="service_level", **more)
    assert level(them) == (28, 60)
    moved(them, "customer_lead", accepted, Move.AGREE)
    assert level(them) == (28, 56)
    refused = raised(
        them, "provider_lead", Kind.CLAIM, **(more | {"from_day": date(2026, 6, 1), "to_day": date(2026, 6, 2)})
    )
    moved(them, "customer_lead", refused, Move.DECLINE)
    assert level(them) == (28, 56)


def test_what_goes_wrong_in_the_middle_leaves_nothing(them, monkeypatch):
    def broken(*_, **__):
        raise RuntimeError

    monkeypatch.setattr(operations, "audit", broken)
    with transaction.atomic():
        them.at("customer_lead")
        before = Matter.objects.count()
    with pytest.raises(RuntimeError):
        raised(them)
    with transaction.atomic():
        them.at("customer_lead")
        assert Matter.objects.count() == before


CLAIM = {"from_day": date(2026, 6, 10), "to_day": date(2026, 6, 14), "asked_for": "exclude", "event": "outage"}


def test_a_counter_proposal_has_days_of_its_own_and_what_is_accepted_is_what_lies_on_the_table():
    them = cast()
    them.book(KPI, contacts="\n".join(contacts()))
    matter = raised(them, "provider_lead", Kind.CLAIM, **CLAIM)
    other = operations.Terms(to_day=date(2026, 6, 11), asked_for="relief")
    with transaction.atomic():
        move(them.at("customer_lead"), matter, Move.COUNTER, "Two days.", ZONE, other)
    first, second = steps(them, matter)
    assert first.terms == {"from_day": "2026-06-10", "to_day": "2026-06-14", "asked_for": "exclude"}
    assert second.terms == {"from_day": "2026-06-10", "to_day": "2026-06-11", "asked_for": "relief"}
    (event,) = events(them)
    assert (event["claim"], event["state"], str(event["to"])[:10]) == ("relief", "claimed", "2026-06-11")
    moved(them, "provider_lead", matter, Move.AGREE)
    (event,) = events(them)
    assert (event["claim"], event["state"], str(event["to"])[:10]) == ("relief", "accepted", "2026-06-11")
    page = them.client("auditor").get(them.url(f"matters/{matter.pk}/")).content.decode()
    said = "New terms: From: 10 June 2026; To, inclusive: 11 June 2026; Request: relief from the target."
    assert said in page.replace("\u00a0", " ")
    assert "<dt>Request</dt><dd>relief from the target</dd>" in page


def events(them):
    run_jobs()
    with transaction.atomic(), queries.open_member_book(them.at("customer_lead")) as book:
        return book.table("events").to_pyarrow().to_pylist()


def test_a_counter_proposal_with_its_days_in_a_wrong_order_changes_nothing(them):
    matter = raised(them, "provider_lead", Kind.CLAIM, **CLAIM)
    found = sent(them, "customer_lead", matter, Move.COUNTER, from_day="2026-06-12", to_day="2026-06-11")
    assert "last day is before the first" in found.content.decode()
    assert [one.move for one in steps(them, matter)] == ["raise"]


def test_what_shows_it_is_laid_before_both_and_stays(them):
    evidence = SimpleUploadedFile("../../=sum\x00.csv", b"<script>1</script>")
    found = them.client("provider_analyst").post(
        them.url("matters/raise/dispute/"),
        FIGURE | {"title": "Short", "text": "See.", "evidence": evidence},
    )
    number = found.headers["Location"].split("/")[-2]
    with transaction.atomic():
        them.at("auditor")
        kept = Evidence.objects.get(matter=number)
    address = them.url(f"matters/{number}/evidence/{kept.pk}/")
    for who in ("customer_member", "auditor", "provider_lead"):
        taken = them.client(who).get(address)
        assert taken.content == b"<script>1</script>"
        assert taken.headers["Content-Type"] == "application/octet-stream"
        assert taken.headers["Content-Disposition"].startswith("attachment")
        assert "/" not in taken.headers["Content-Disposition"]
    assert them.client("stranger").get(address).status_code == 404
    assert them.client("customer_lead").get(address.replace(str(number), str(uuid.uuid4()))).status_code == 404
    assert kept.digest == hashlib.sha256(b"<script>1</script>").hexdigest()


def test_a_file_that_is_too_large_is_refused_and_nothing_is_raised(them, monkeypatch):
    monkeypatch.setattr(operations, "MAX_EVIDENCE_BYTES", 10)
    evidence = SimpleUploadedFile("a.csv", b"12345678901")
    said = FIGURE | {"title": "Too large a file", "text": "See.", "evidence": evidence}
    found = them.client("provider_analyst").post(them.url("matters/raise/dispute/"), said)
    assert found.status_code == 422
    assert "larger than" in found.content.decode()
    with transaction.atomic():
        them.at("auditor")
        assert not Matter.objects.filter(title="Too large a file").exists()


def test_a_move_with_a_file_that_is_too_large_is_not_made(them, monkeypatch):
    matter = raised(them)
    monkeypatch.setattr(operations, "MAX_EVIDENCE_BYTES", 10)
    evidence = SimpleUploadedFile("a.csv", b"12345678901")
    found = sent(them, "provider_lead", matter, Move.AGREE, follows="records", evidence=evidence)
    assert "larger than" in found.content.decode()
    assert [one.move for one in steps(them, matter)] == ["raise"]
    with transaction.atomic():
        them.at("auditor")
        assert Matter.objects.get(pk=matter.pk).state == "asked"


def test_an_action_is_handed_over_within_the_side_that_has_it(them):
    with transaction.atomic():
        them.at("provider_lead")
        owner = Membership.objects.get(person=them.people["provider_roster"])
        other = Membership.objects.get(person=them.people["provider_lead"])
    matter = moved(them, "provider_lead", raised(them, kind=Kind.ACTION, owner=owner), Move.AGREE)
    assert sent(them, "provider_lead", matter, Move.HAND_OVER, owner=str(other.pk)).status_code == 302
    last = steps(them, matter)[-1]
    assert (last.move, last.terms["owner"]) == ("hand_over", "Provider Lead")
    with pytest.raises(Refused, match="nobody"), transaction.atomic():
        theirs = Membership.objects.get(person=them.people["customer_lead"]) if them.at("provider_lead") else None
        move(them.at("provider_lead"), matter, Move.HAND_OVER, "", ZONE, operations.Terms(owner=theirs))


def test_the_list_shows_what_is_asked_for_a_page_at_a_time():
    them = cast("Filter Co", "Filter Desk")
    with transaction.atomic():
        for number in range(51):
            dispute = NewMatter(Kind.DISPUTE, f"Dispute {number:02}", "Why.", **FIGURE)
            raise_matter(them.at("customer_lead"), dispute, ZONE)
        claim = raise_matter(them.at("provider_lead"), NewMatter(Kind.CLAIM, "The claim", "Why."), ZONE)
        move(them.at("customer_lead"), claim, Move.AGREE, "", ZONE)
        made = raise_matter(them.at("provider_lead"), NewMatter(Kind.ACTION, "The action", "Why."), ZONE)
        move(them.at("customer_lead"), made, Move.AGREE, "", ZONE)
    browser = them.client("customer_member")

    def titles(asked):
        page = browser.get(them.url(f"matters/?{asked}")).content.decode()
        return [
            one for one in ["The claim", "The action", *(f"Dispute {n:02}" for n in range(51))] if f">{one}</a>" in page
        ]

    assert titles("show=ended") == ["The claim"]
    assert titles("kind=claim") == []  # it is ended
    assert titles("show=all&kind=claim") == ["The claim"]
    assert titles("show=open&kind=action") == ["The action"]  # agreed, and still to be done
    assert len(titles("kind=dispute")) == 50
    assert titles("kind=dispute&page=2") == ["Dispute 00"]
    assert len(titles("show=nonsense&kind=nonsense&page=nonsense")) == 50
    page = browser.get(them.url("matters/?kind=dispute")).content.decode()
    assert "Page 1" in page
    assert "Filter Co" in page  # who asks stands in words


def test_today_names_what_is_most_urgent_and_says_how_far_it_is_over():
    them, made = cast("Urgent Co", "Urgent Desk"), {}
    with transaction.atomic():
        for title, days in (("Not yet", 5), ("The first", -3)):
            made[days] = raise_matter(them.at("provider_lead"), NewMatter(Kind.CLAIM, title, "Why."), ZONE)
    for days, matter in made.items():
        running(matter, them, timedelta(days=days))
    page = them.client("customer_lead").get(them.url()).content.decode()
    assert "Two items are waiting for you. “<a" in page
    assert "The first</a>” is <em>3 days overdue</em>." in page
    assert '<span class="late">3 days overdue</span>' in page
    spanish = them.client("customer_lead").get(them.url(), headers={"accept-language": "es"}).content.decode()
    assert "The first</a>» lleva <em>3 días de retraso</em>." in spanish
    other = them.client("provider_lead").get(them.url()).content.decode()
    assert "waiting for you" not in other  # of what is asked nothing is; first steps are left
    assert "Two items are open." in them.client("auditor").get(them.url()).content.decode()


def test_what_lies_on_the_table_stands_in_the_reply_in_every_language(them):
    made = raised(them, "provider_lead", Kind.CLAIM, from_day=date(2026, 6, 16), to_day=date(2026, 6, 17))
    for language in ("en", "es"):
        page = them.client("customer_lead").get(
            them.url(f"matters/{made.pk}/move/counter/?write=1"), headers={"accept-language": language}
        )
        assert 'value="2026-06-16"' in page.content.decode()  # as a browser reads days, whoever writes them how


def test_a_claim_offers_the_queues_of_the_records_and_begins_with_the_days_of_its_period():
    here = cast()
    here.book(KPI, contacts="\n".join(contacts()))
    page = here.client("customer_lead").get(here.url("matters/raise/claim/?period=2026-06")).content.decode()
    assert '<option value="help">help</option>' in page
    assert '<option value="" selected>all queues</option>' in page
    assert re.findall(r'value="(2026-06-\d\d)"', page) == ["2026-06-01", "2026-06-30"]
    said = {"title": "A storm", "text": "Lines down.", "event": "storm", "asked_for": "exclude",
            "from_day": "2026-06-10", "to_day": "2026-06-11", "queue": "no such queue"}  # fmt: skip
    assert here.client("customer_lead").post(here.url("matters/raise/claim/"), said).status_code == 422
    answer = here.client("customer_lead").post(here.url("matters/raise/claim/"), said | {"queue": "help"})
    counter = here.client("provider_lead").get(answer.headers["Location"] + "move/counter/?write=1").content.decode()
    assert '<option value="help" selected>help</option>' in counter


def test_the_owner_of_an_action_is_chosen_among_the_people_of_each_side(them):
    page = them.client("customer_lead").get(them.url("matters/raise/action/")).content.decode()
    (select,) = re.findall(r'<select name="owner".*?</select>', page, re.DOTALL)
    assert re.findall(r'<optgroup label="([^"]+)"', select) == ["Northwind Energy", "Helpline"]
    assert "choose a person" in select
    assert "---------" not in select
    assert select.index("Customer Analyst") < select.index("Helpline") < select.index("Provider Analyst")


def test_a_comment_that_is_sent_twice_is_one_and_another_is_another():
    here = cast()
    matter = raised(here, kind=Kind.CLAIM)
    page = here.url(f"matters/{matter.pk}/")
    for text in ("See June.", "See June.", "And July.", "See June."):
        assert here.client("provider_lead").post(page, {"text": text}).status_code == 302
    here.client("customer_lead").post(page, {"text": "See June."})
    said = [(one.side, one.text) for one in steps(here, matter) if one.move == Move.COMMENT]
    assert said == [("provider", "See June."), ("provider", "And July."), ("provider", "See June."),
        ("customer", "See June.")]  # fmt: skip


def test_on_a_narrow_screen_the_answers_stand_before_the_steps():
    """The stylesheet lifts the panel out of its column where there is one column only."""
    here = cast()
    matter = raised(here, kind=Kind.CLAIM)
    page = here.client("provider_lead").get(here.url(f"matters/{matter.pk}/")).content.decode()
    assert re.search(r'<div class="columns answer-first"><div>.*<section class="panel reply"', page, re.DOTALL)
    css = (Path(web.__file__).parent / "static" / "room.css").read_text(encoding="utf-8")
    narrow = css.partition("@media (max-width: 1040px)")[2].partition("@media")[0]
    assert ".columns.answer-first > div { display: contents; }" in narrow
    assert ".columns.answer-first > div > .reply { order: -1; }" in narrow


@pytest.mark.parametrize("asked_for", ["exclude", "relief"])
@pytest.mark.parametrize("answer", [Move.AGREE, Move.DECLINE])
def test_what_a_claim_would_change_is_shown_for_relief_too_and_stays_with_the_answer(asked_for, answer):
    """By hand: in June one of two contacts a day is in time, on two days none: (30 - 2) / 60 = 46.7 %; without these
    days 28 of 56, 50 %."""
    here = cast()
    here.book(KPI, contacts="\n".join(contacts()))
    days = {"from_day": date(2026, 6, 10), "to_day": date(2026, 6, 11)}
    matter = raised(here, kind=Kind.CLAIM, asked_for=asked_for, event="storm", **days)
    address = here.url(f"matters/{matter.pk}/")

    def shown(who="provider_lead"):
        page = here.client(who).get(address).content.decode().replace("\u00a0", " ")
        return [(now, without) for now, without in re.findall(
            r'<td class="right number">([^<]*)</td><td class="right number"><b>([^<]*)</b>', page)], page  # fmt: skip

    assert shown()[0] == []  # a worker is asked for it
    run_jobs(queries_of_matters.COMPUTE_CLAIM)
    effect = [("46.7 %, missed", "50.0 %, missed")]
    assert shown()[0] == effect
    assert ("Without these days" in shown()[1]) is (asked_for == "relief")
    moved(here, "provider_lead", matter, answer)
    for who in ("customer_lead", "provider_lead", "auditor"):
        rows, page = shown(who)
        assert rows == effect
        assert "Effect as computed when it was answered" in page


def test_what_no_effect_says_breaks_no_page():
    """The step of an answer is its side's own, also as SQL."""
    words = words_for("en")
    for forged in ({}, [1], [{"kpi": "x"}], "words", [{"period": {"start": "2026-13-01", "end": 4}}]):
        assert sentences.step_effects(None, Step(terms={"effect": forged}), words) == []
