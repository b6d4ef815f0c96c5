"""Who is mailed about what: at once where it is their side's move, once a day about the rest, and as they see the room.

Each kind of event is tried for a customer, a provider, somebody neutral, a stranger and a former member.
"""

import html
from datetime import UTC, date, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.db import connection, transaction
from django.db.utils import ProgrammingError
from django.utils import timezone

from comity.apps.audit.models import AuditEvent, Event
from comity.apps.audit.operations import audit, audit_late_delivery
from comity.apps.i18n import words_for
from comity.apps.matters import operations as matters
from comity.apps.matters import tasks as matter_tasks
from comity.apps.notifications import mail, operations, queries, tasks
from comity.apps.notifications.models import DigestPosition, Preference, SentNotification, Timing, Topic
from comity.apps.notifications.topics import LOG_ONLY, MAILED_ELSEWHERE, TOPICS
from comity.apps.parties import operations as parties
from comity.apps.parties.member_context import for_each_relationship, set_viewer
from comity.apps.parties.models import Role
from comity.apps.parties.rate_limits import RATE_LIMITS, RateLimit
from comity.apps.refusal import Refused
from comity.apps.reviews import operations as reviews
from comity.core.matters.kinds import Kind
from comity.core.matters.transitions import Move
from comity.core.values import Side
from tests.builders.confirmations import confirm, silence_allowed
from tests.builders.kept_apart import OURS
from tests.builders.levels import KPI, contacts
from tests.builders.matters import ZONE, moved, raised, running
from tests.builders.uploads import brought
from tests.room import EVERYBODY, cast, forget_mails, run_jobs, sent_mails, superuser

pytestmark = pytest.mark.gate
BEFORE = "[Northwind Energy × Helpline] "  # noqa: RUF001 - as a subject begins
JOBS = ("notifications.tell", "notifications.mail")
COSTS = "month,driver,quantity,unit_cost,behaviour\n2026-06,Zebulon,1,4711.13,fixed\n"
PRIVATE = '[private]\nprovider = ["costs", "staff"]\ncustomer = ["prices"]\n'


@pytest.fixture
def them():
    made = cast()
    forget_mails()
    return made


@pytest.fixture
def with_book():
    made = cast()
    made.book(PRIVATE + KPI, contacts="\n".join(contacts()))
    forget_mails()
    return made


def today():
    """A moment of this day, or of the next, at which digests are made in any zone of the tests."""
    moment = timezone.now() + timedelta(minutes=20)
    if moment.hour >= 21:
        moment = (moment + timedelta(days=1)).replace(hour=7)
    return moment.replace(hour=max(moment.hour, 7))


def told(them, *, clear=True):
    """Whom the room mailed, and the subjects without the relationship: {name: [subject, ...]}."""
    names, found = {one.email: name for name, one in them.people.items()}, {}
    for one in sent_mails():
        for address in one.to:
            if address in names:
                assert one.subject.startswith(BEFORE), one.subject
                found.setdefault(names[address], []).append(one.subject.removeprefix(BEFORE).replace("\u00a0", " "))
    if clear:
        forget_mails()
    return found


def bodies(them, who):
    return [one.body for one in sent_mails() if one.to == [them.people[who].email]]


def choose(them, who, **timings):
    with transaction.atomic():
        set_viewer(them.people[who].pk)
        chosen = {Topic(topic): Timing(timing) for topic, timing in timings.items()}
        operations.set_preferences(them.people[who], chosen)


def digest(them, now=None):
    """Let the clock chase late deliveries and make digests in this relationship, and tell whom that mailed."""
    moment = now or today()
    for_each_relationship(lambda one: operations.chase_late_deliveries(one, moment), only=them.relationship)
    run_jobs(*JOBS)
    for_each_relationship(lambda one: mail.send_digest(one, moment), "comity_members", only=them.relationship)
    return told(them, clear=False)


def last_event(them, *events):
    with transaction.atomic():
        them.at("provider_lead")
        return AuditEvent.objects.filter(relationship=them.relationship, event__in=events).latest("at")


def owned(them, who):
    with transaction.atomic():
        return them.at(who).membership


def test_every_event_is_told_by_topic_or_is_placed_among_those_that_are_not():
    places = [frozenset(TOPICS), MAILED_ELSEWHERE, LOG_ONLY]
    assert frozenset().union(*places) == frozenset(Event)
    assert sum(map(len, places)) == len(Event)


# Where it becomes a side's move ------------------------------------------------------------------


@pytest.mark.parametrize(("asks", "answers"), [("customer", "provider"), ("provider", "customer")])
@pytest.mark.parametrize(
    ("kind", "thing"), [(Kind.DISPUTE, "Service level, June 2026"), (Kind.CLAIM, "A matter")], ids=["dispute", "claim"]
)
def test_whoever_has_to_answer_is_mailed_at_once_and_nobody_else(them, asks, answers, kind, thing):
    """The lead, and one more of the side who may answer."""
    raised(them, f"{asks}_analyst", kind)
    waits = f"{thing}: a {kind} waits for your answer"
    assert told(them) == {f"{answers}_lead": [waits], f"{answers}_analyst": [waits]}


def test_a_counter_proposal_goes_back_to_the_side_that_asked(them):
    matter = raised(them, "customer_lead", Kind.CLAIM)
    forget_mails()
    moved(them, "provider_analyst", matter, Move.COUNTER)
    waits = ["A matter: a counter-proposal waits for your answer"]
    assert told(them) == {"customer_lead": waits, "customer_analyst": waits}


@pytest.mark.parametrize("move", [Move.AGREE, Move.DECLINE, Move.COMMENT])
def test_what_needs_nothing_is_mailed_to_nobody_at_once(them, move):
    matter = raised(them, "customer_lead", Kind.CLAIM)
    forget_mails()
    moved(them, "provider_lead", matter, move)
    assert told(them) == {}


def test_an_agreed_action_is_mailed_to_its_owner_and_their_lead(them):
    owner = owned(them, "provider_roster")
    matter = raised(them, "provider_lead", Kind.ACTION, owner=owner, due_on=date(2026, 12, 14))
    assert told(them).keys() == {"customer_lead", "customer_analyst"}
    moved(them, "customer_lead", matter, Move.AGREE)
    (body,) = bodies(them, "provider_roster")
    assert "\nOwner: Provider Roster\nDue date: 14 December 2026" in body.replace("\u00a0", " ")
    todo = ["A matter: an agreed action is due on 14 December 2026"]
    assert told(them) == {"provider_roster": todo, "provider_lead": todo}


def test_work_that_is_done_waits_for_the_other_side_and_goes_back_where_it_is_not(them):
    """What only the side that is owed confirms, and of a dispute what the side that answers carries out."""
    owner = owned(them, "provider_roster")
    action = raised(them, "provider_lead", Kind.ACTION, owner=owner, due_on=date(2026, 12, 14))
    moved(them, "customer_lead", action, Move.AGREE)
    forget_mails()
    moved(them, "provider_roster", action, Move.DONE)
    done = ["A matter: done, and waits for your confirmation"]
    found = told(them)
    assert found["customer_lead"] == done
    assert len(found) == 2
    assert all(name.startswith("customer") for name in found)
    moved(them, "customer_analyst", action, Move.NOT_DONE)
    again = ["A matter: an agreed action is due on 14 December 2026"]
    assert told(them) == {"provider_roster": again, "provider_lead": again}
    moved(them, "provider_roster", action, Move.DONE)
    forget_mails()
    moved(them, "customer_lead", action, Move.CONFIRM)
    assert told(them) == {}


def test_an_accepted_dispute_is_mailed_to_the_side_that_carries_it_out(them):
    dispute = raised(them, "customer_lead")
    forget_mails()
    dispute = moved(them, "provider_analyst", dispute, Move.AGREE)
    (subject,) = told(them)["provider_lead"]
    due = words_for("en").day(dispute.due_on).replace("\u00a0", " ")
    assert subject == f"Service level, June 2026: an accepted dispute is to be carried out by {due}"


def due_in(matter, days, agreed_days_ago=9):
    """As if what is owed were due in so many days, and had been agreed to some days ago; and let the clock run."""
    day = timezone.now().astimezone(ZoneInfo(ZONE)).date() + timedelta(days=days)
    with superuser() as everybody:
        everybody.execute("SET session_replication_role = replica")
        everybody.execute("UPDATE matters_matter SET due_on = %s WHERE id = %s", [day, matter.pk])
        ago = timedelta(days=agreed_days_ago)
        everybody.execute("UPDATE matters_step SET at = at - %s WHERE matter_id = %s", [ago, matter.pk])
    matters_tick()
    return words_for("en").day(day).replace("\u00a0", " ")


def matters_tick():
    matter_tasks.tick(0)
    run_jobs(*JOBS)


@pytest.fixture
def in_the_morning(monkeypatch):
    monkeypatch.setattr("comity.apps.matters.operations._MORNING_HOUR", 0)  # whatever the time of the test


@pytest.mark.usefixtures("in_the_morning")
def test_owed_work_is_mailed_some_days_before_its_day_and_on_it_once_each(them):
    owner = owned(them, "provider_roster")
    matter = raised(them, "provider_lead", Kind.ACTION, owner=owner, due_on=date(2026, 12, 30))
    matter = moved(them, "customer_lead", matter, Move.AGREE)
    forget_mails()
    due_in(matter, 4)
    assert told(them) == {}
    for days in (3, 0):
        day = due_in(matter, days)
        todo = [f"A matter: an agreed action is due on {day}"]
        assert told(them) == {"provider_roster": todo, "provider_lead": todo}
        due_in(matter, days)
        assert told(them) == {}
    moved(them, "provider_roster", matter, Move.DONE)
    forget_mails()
    due_in(matter, 2)
    assert told(them) == {}


@pytest.mark.usefixtures("in_the_morning")
def test_what_was_agreed_within_these_days_is_not_due_soon_besides(them):
    matter = raised(them, "provider_lead", Kind.ACTION, owner=owned(them, "provider_roster"), due_on=date(2026, 12, 30))
    matter = moved(them, "customer_lead", matter, Move.AGREE)
    forget_mails()
    due_in(matter, 2, agreed_days_ago=0)
    assert told(them) == {}


def test_an_accepted_dispute_that_lapses_is_told_to_both_sides_once(with_book):
    matter = moved(with_book, "provider_lead", raised(with_book, "customer_lead"), Move.AGREE)
    forget_mails()
    due_in(matter, 0)
    forget_mails()
    day = due_in(matter, -1)
    lapsed = [f"June 2026: {words_for('en')('your_move.undone')}"]
    (body,) = bodies(with_book, "customer_lead")
    assert f"“A matter” was accepted and not carried out by {day}" in body.replace("\u00a0", " ")
    able = ("customer_lead", "customer_executive", "provider_lead", "provider_executive")
    assert told(with_book) == dict.fromkeys(able, lapsed)
    matters_tick()
    assert told(with_book) == {}
    with transaction.atomic():
        with_book.at("customer_lead")
        (event,) = AuditEvent.objects.filter(event=Event.MATTER_UNDONE)
        assert (event.person, event.shared) == (None, True)


@pytest.mark.parametrize("said", ["soon", "today", "undone", "whatever"])
def test_nothing_is_due_because_somebody_says_so(them, said):
    matter = raised(them, "customer_lead")
    with pytest.raises(ProgrammingError, match="nothing is due"), transaction.atomic():
        them.at("customer_lead")
        with connection.cursor() as cursor:
            cursor.execute("SELECT comity_audit_due(%s, %s)", [matter.pk, said])


def test_the_asker_is_told_that_the_other_sides_clock_ran_out(them):
    matter = raised(them, "customer_lead", Kind.CLAIM)
    choose(them, "customer_lead", late="at_once")
    running(matter, them, -timedelta(minutes=1))
    forget_mails()
    matters_tick()
    late = ["Comity recorded that Helpline is late with “A matter”"]
    assert told(them)["customer_lead"] == late
    digest(them)
    for who, topic in (("customer_analyst", "late"), ("provider_finance", "comment")):
        (body,) = bodies(them, who)
        below = body.partition(f"{words_for('en')(f'notifications.{topic}')}\n")[2].partition("\n\n")[0]
        assert "recorded that Helpline is late with" in below, who


def test_no_time_to_answer_runs_while_an_answer_may_be_taken_back(them, monkeypatch):
    """Of a declined counter-proposal the clock of who answers starts again, once its mail is sent."""
    starts, due = [], matters.closing_after
    monkeypatch.setattr(
        matters,
        "closing_after",
        lambda one, side, start, zone, days: starts.append(start) or due(one, side, start, zone, days),
    )
    matter = raised(them, "customer_lead", Kind.CLAIM)
    matter = moved(them, "provider_analyst", matter, Move.COUNTER)
    assert timezone.now() - starts[-1] < timedelta(minutes=1)
    moved(them, "customer_lead", matter, Move.DECLINE)
    assert timedelta(minutes=9) < starts[-1] - timezone.now() <= timedelta(minutes=10)


def test_an_answer_is_mailed_once_it_can_no_longer_be_taken_back(them):
    dispute = raised(them, "customer_lead")
    forget_mails()
    with superuser() as everybody:
        jobs = "SELECT scheduled_at - now() FROM procrastinate_jobs WHERE task_name = %s AND args->>'relationship' = %s"
        asked = [JOBS[0], str(them.relationship)]
        moved(them, "provider_analyst", dispute, Move.AGREE)
        ((wait,),) = everybody.execute(jobs, asked).fetchall()
        assert timedelta(minutes=9) < wait <= timedelta(minutes=10)
        moved(them, "provider_analyst", dispute, Move.TAKE_BACK)
    assert told(them) == {}


def test_an_action_that_is_handed_over_is_mailed_to_its_new_owner_alone(them):
    first, second = owned(them, "provider_roster"), owned(them, "provider_finance")
    matter = raised(them, "provider_lead", Kind.ACTION, owner=first, due_on=timezone.now().date())
    moved(them, "customer_lead", matter, Move.AGREE)
    forget_mails()
    with transaction.atomic():
        terms = matters.Terms(owner=second)
        matters.move(them.at("provider_lead"), matter, Move.HAND_OVER, "", ZONE, terms)
    assert told(them) == {"provider_finance": ["A matter: an action was handed over to you"]}


def test_a_move_by_whoever_owns_the_action_is_not_mailed_to_themselves(them):
    owner = owned(them, "provider_lead")
    matter = raised(them, "customer_lead", Kind.ACTION, owner=owner, due_on=timezone.now().date())
    forget_mails()
    moved(them, "provider_lead", matter, Move.AGREE)
    assert "provider_lead" not in told(them)


def test_a_period_that_one_side_confirmed_waits_for_the_other_and_frozen_it_waits_for_nobody(with_book):
    confirm(with_book, "customer_lead")
    due = [f"June 2026: {words_for('en')('your_move.confirm')}"]
    (body,) = bodies(with_book, "provider_lead")
    assert "Silence confirms nothing: without an answer the period stays open." in body
    assert f"/r/{with_book.relationship}/review/?period=2026-06" in body
    assert told(with_book) == {"provider_lead": due, "provider_executive": due}
    confirm(with_book, "provider_executive")
    final = ["June 2026 is final: entry 1 of the record"]
    able = ("customer_lead", "customer_executive", "provider_lead", "provider_executive")
    assert told(with_book) == dict.fromkeys(able, final)


def told_of_whole(them):
    """Let the clock look for a period that can be confirmed, and tell whom that mailed."""
    for_each_relationship(reviews.tell_of_whole_period, only=them.relationship)
    run_jobs(*JOBS)
    return told(them, clear=False)


def test_a_whole_period_that_nobody_confirmed_is_mailed_to_both_sides_once(with_book):
    assert told_of_whole(with_book) == {}  # not computed yet: its job is deferred, and the clock waits for nothing
    run_jobs("reviews.compute")
    found = told_of_whole(with_book)
    asked = [f"June 2026: {words_for('en')('your_move.whole')}"]
    assert found == dict.fromkeys(("customer_lead", "customer_executive", "provider_lead", "provider_executive"), asked)
    for who in ("customer_lead", "provider_lead"):
        (body,) = bodies(with_book, who)
        assert "Comity recorded that June 2026 can be confirmed" in body.replace("\u00a0", " ")
        assert words_for("en")("your_move.silence_confirms_nothing") in body
        assert f"/r/{with_book.relationship}/review/?period=2026-06" in body
    forget_mails()
    assert told_of_whole(with_book) == {}
    found = digest(with_book)
    assert "customer_lead" not in found
    (body,) = bodies(with_book, "customer_finance")
    assert f"{words_for('en')('notifications.move')}\n- " in body
    assert "June 2026 can be confirmed" in body.replace("\u00a0", " ")


def test_a_period_that_one_side_has_confirmed_is_told_of_by_that_alone(with_book):
    confirm(with_book, "customer_lead")
    run_jobs("reviews.compute")
    forget_mails()
    for _ in range(2):
        assert told_of_whole(with_book) == {}
        run_jobs("reviews.compute")


def test_neither_side_tells_of_a_period_that_has_not_begun_or_makes_the_line_itself(with_book):
    for attack in ("SELECT comity_audit_whole('2099-01')", "SELECT comity_audit_whole('whatever')"):
        with pytest.raises(ProgrammingError), transaction.atomic():
            with_book.at("provider_lead")
            with connection.cursor() as cursor:
                cursor.execute(attack)
    with pytest.raises(ProgrammingError), transaction.atomic():
        audit(with_book.at("provider_lead"), Event.PERIOD_WHOLE, None, {"period": "2026-06"}, shared=True)


def test_where_silence_counts_the_mail_says_so(with_book):
    silence_allowed(with_book)
    forget_mails()
    confirm(with_book, "customer_lead")
    (body,) = bodies(with_book, "provider_lead")
    assert words_for("en")("your_move.silence_confirms") in body


def test_what_is_no_move_any_more_by_the_time_it_is_mailed_is_not_mailed(them):
    """A worker that was down does not say what was answered or withdrawn meanwhile."""
    matter = raised(them, "customer_lead")
    moved(them, "customer_lead", matter, Move.WITHDRAW)
    assert told(them) == {}


def test_a_mail_names_times_on_the_readers_own_clock(them):
    them.client("provider_lead").post("/account/display/", {"time_zone": "America/New_York", "appearance": "system"})
    matter = raised(them, "customer_lead")
    local = matter.reply_by.astimezone(ZoneInfo("America/New_York"))
    (body,) = (one.replace("\u00a0", " ") for one in bodies(them, "provider_lead"))
    assert f"{local:%H:%M} {local:%Z}." in body
    (other,) = (one.replace("\u00a0", " ") for one in bodies(them, "provider_analyst"))
    assert f"{matter.reply_by.astimezone(UTC):%H:%M} UTC." in other


def test_a_mail_names_the_figure_its_period_the_due_time_and_what_silence_does(them):
    matter = raised(them, "customer_lead", kpi="service_level", period="2026-06")
    (body,) = (one.replace("\u00a0", " ") for one in bodies(them, "provider_lead"))
    facts = "Figure: Service level\nPeriod: June 2026\nWhat is wrong: "
    assert body.startswith(f"Ana Customer Lead disputed “A matter”.\n\n{facts}")
    local = matter.reply_by.astimezone(UTC)
    assert f"Your answer is due on {local.day} {local:%B %Y}, {local:%H:%M} UTC." in body
    assert words_for("en")("your_move.silence_accepts_nothing") in body
    assert them.url(f"matters/{matter.pk}/") in body
    assert "/account/#h-notifications" in body
    assert told(them)["provider_lead"] == ["Service level, June 2026: a dispute waits for your answer"]


@pytest.mark.parametrize(("last", "days"), [(9, "9 June 2026"), (11, "9 June to 11 June 2026")])
def test_a_subject_names_the_days_of_a_claim(them, last, days):
    june = date(2026, 6, 9)
    raised(them, "customer_lead", Kind.CLAIM, kpi="service_level", from_day=june, to_day=june.replace(day=last))
    assert told(them)["provider_lead"] == [f"Service level, {days}: a claim waits for your answer"]


def test_a_mail_is_in_the_readers_language(them):
    type(them.people["provider_lead"]).objects.filter(pk=them.people["provider_lead"].pk).update(language="es")
    raised(them, "customer_lead", kpi="service_level", period="2026-06")
    (body,) = bodies(them, "provider_lead")
    assert words_for("es")("your_move.silence_accepts_nothing") in body
    subjects = told(them)
    assert subjects["provider_lead"] == ["Nivel de servicio, junio de 2026: una disputa espera su respuesta"]
    assert subjects["provider_analyst"] == ["Service level, June 2026: a dispute waits for your answer"]


def test_a_title_cannot_write_headers_or_steer_a_mail(them):
    with transaction.atomic():
        odd = "A\r\nBcc: evil@example.org\n\n\u202ex"
        matters.raise_matter(them.at("customer_lead"), matters.NewMatter(Kind.CLAIM, odd, "Why."), ZONE)
    mails = sent_mails()
    assert len(mails) == 2
    for one in mails:
        assert one.message()["Bcc"] is None
        assert "\u202e" not in one.subject + one.body
        assert "evil@example.org" not in one.recipients()


# Never twice, and to nobody who is not there -----------------------------------------------------


def test_a_job_that_runs_again_mails_nobody_again(them):
    raised(them, "customer_lead")
    event = last_event(them, Event.MATTER_RAISED)
    assert told(them).keys() == {"provider_lead", "provider_analyst"}
    again = {"relationship": str(them.relationship), "event": str(event.pk)}
    tasks.tell(sides=["customer", "provider"], **again)
    tasks.mail_event(person=str(them.people["provider_lead"].pk), **again)
    assert told(them) == {}


@pytest.mark.parametrize("who", ["stranger", "former"])
def test_a_job_for_somebody_who_is_not_there_does_nothing(them, who):
    raised(them, "customer_lead")
    forget_mails()
    event = last_event(them, Event.MATTER_RAISED)
    tasks.mail_event(str(them.people[who].pk), str(them.relationship), str(event.pk))
    assert sent_mails() == []


def test_an_event_that_a_reader_may_not_see_is_not_mailed_even_where_a_job_asks_for_it(with_book):
    assert brought(with_book, "provider_lead", "Zebulon.csv", COSTS).stage == "brought"
    event = last_event(with_book, Event.DELIVERY_IMPORTED)
    assert not event.shared
    choose(with_book, "customer_lead", file="at_once")
    tasks.mail_event(str(with_book.people["customer_lead"].pk), str(with_book.relationship), str(event.pk))
    assert "customer_lead" not in told(with_book)


def test_nothing_is_mailed_where_the_move_was_rolled_back(them):
    with pytest.raises(RuntimeError), transaction.atomic():
        matters.raise_matter(them.at("customer_lead"), matters.NewMatter(Kind.CLAIM, "A", "B"), ZONE)
        raise RuntimeError
    assert told(them) == {}


def test_many_moves_of_one_person_come_in_the_digest_instead_of_filling_mailboxes(them, monkeypatch):
    monkeypatch.setitem(RATE_LIMITS, "events mailed at once", RateLimit(2, 3600))
    for _ in range(4):
        raised(them, "customer_lead")
    assert {name: len(subjects) for name, subjects in told(them).items()} == {"provider_lead": 2, "provider_analyst": 2}
    assert digest(them)["provider_lead"] == ["2 updates; 4 matters wait for your side"]


def test_no_move_is_kept_from_being_told_at_once_by_comments_before_it(them, monkeypatch):
    """Nor by what its person does in another relationship."""
    monkeypatch.setitem(RATE_LIMITS, "events mailed at once", RateLimit(3, 3600))
    matter = raised(them, "provider_lead")
    for _ in range(4):
        moved(them, "customer_lead", matter, Move.COMMENT)
    forget_mails()
    raised(them, "customer_lead")
    assert set(told(them)) == {"provider_lead", "provider_analyst"}
    elsewhere = AuditEvent(
        relationship_id=uuid4(), person=them.people["customer_lead"], event=Event.MATTER_RAISED, shared=True
    )
    with monkeypatch.context() as patched:
        patched.setattr(operations, "defer", lambda *_, **__: None)
        for _ in range(4):
            operations.on_event(elsewhere)
    forget_mails()
    raised(them, "customer_lead")
    assert set(told(them)) == {"provider_lead", "provider_analyst"}


# The daily digest --------------------------------------------------------------------------------


def test_the_rest_comes_in_one_mail_a_day_to_each_but_to_who_did_it(them):
    matter = raised(them, "customer_lead", Kind.CLAIM)
    forget_mails()
    moved(them, "provider_lead", matter, Move.COMMENT)
    moved(them, "provider_lead", matter, Move.AGREE)
    now = today()
    found = digest(them, now)
    updates = {"customer_lead": 2, "provider_analyst": 2}  # who raised it, and who was mailed at once that it was
    assert found == {
        name: [f"{updates.get(name, 3)} updates; nothing waits for your side"]
        for name in EVERYBODY
        if name != "provider_lead"  # who was mailed at once, and did the rest
    }
    forget_mails()
    assert digest(them, now) == digest(them, now + timedelta(hours=1)) == {}
    assert digest(them, now + timedelta(days=1)) == {}  # nothing happened


def test_a_digest_tells_what_came_after_the_last_one(them):
    matter = raised(them, "customer_lead")
    forget_mails()
    now = today()
    digest(them, now)
    moved(them, "provider_lead", matter, Move.COMMENT)
    with superuser() as clock:  # half a day after the digest
        clock.execute(
            "UPDATE audit_event SET at = %s WHERE relationship_id = %s AND event = 'matter_commented'",
            [now + timedelta(hours=9), them.relationship],
        )
    forget_mails()
    found = digest(them, now + timedelta(days=1))
    assert found["customer_lead"] == ["1 update; nothing waits for your side"]
    assert found["provider_analyst"] == ["1 update; 1 matter waits for your side"]
    (body,) = bodies(them, "customer_lead")
    assert "Comments and answers\n- " in body
    assert "Provider Lead commented on “A matter”." in body
    assert them.url(f"matters/{matter.pk}/") in body


def test_no_digest_comes_before_seven_or_tells_of_what_happened_a_moment_ago(them):
    raised(them, "customer_lead")
    forget_mails()
    assert digest(them, today().replace(hour=6, minute=59)) == {}
    assert "auditor" in digest(them, today())


def test_a_digest_holds_nothing_that_the_other_side_keeps_to_itself(with_book):
    """The provider imports costs, which are its own; everybody is sent a digest of the day."""
    raised(with_book, "customer_lead")
    sent_mails()
    assert brought(with_book, "provider_lead", "Zebulon-4711.13.csv", COSTS).stage == "brought"
    prices = "month,index\n2026-05,8128.77\n2026-06,8128.77\n"
    assert brought(with_book, "customer_lead", "Quixote-8128.77.csv", prices).stage == "brought"
    forget_mails()
    found = digest(with_book)
    # Without those who did it, and the analyst who was mailed of the matter at once and reads no costs.
    assert found.keys() == {*EVERYBODY} - {"customer_lead", "provider_lead", "provider_analyst"}
    for who in found:
        page = with_book.client(who).get(with_book.url()).content.decode()
        text = "".join(bodies(with_book, who) + found[who])
        # Within a side, by the roles that read the table: costs take a right of their own, and a member reads nothing.
        costs = who in {"provider_lead", "provider_finance", "provider_executive"}
        prices = who.startswith("customer") and who != "customer_member"
        for shown in (text, page):
            assert ("Zebulon-4711.13.csv" in shown) is costs, who
            assert ("Quixote-8128.77.csv" in shown) is prices, who
        for side, secrets in OURS.items():
            if not who.startswith(side):
                assert not [secret for secret in secrets if secret in text], who


def test_a_digest_of_somebody_who_left_and_of_strangers_holds_nothing_of_here(them):
    raised(them, "customer_lead")
    forget_mails()
    digest(them)
    assert bodies(them, "stranger") == bodies(them, "former") == []


# Preferences -------------------------------------------------------------------------------------


def test_comments_come_at_once_to_whoever_prefers_it(them):
    choose(them, "customer_finance", comment="at_once")
    choose(them, "mediator", comment="at_once")
    matter = raised(them, "customer_lead")
    forget_mails()
    moved(them, "provider_lead", matter, Move.COMMENT)
    line = ["Provider Lead commented on “A matter”"]
    assert told(them) == {"customer_finance": line, "mediator": line}
    assert "1 update" in digest(them)["customer_lead"][0]


def test_what_is_turned_off_comes_neither_at_once_nor_in_a_digest(them):
    choose(them, "customer_finance", comment="off", move="off")
    raised(them, "customer_lead")
    assert "customer_finance" not in digest(them)


def test_moves_may_come_daily_and_then_somebody_else_is_mailed_at_once(them):
    choose(them, "provider_lead", move="daily")
    raised(them, "customer_lead")
    assert told(them).keys() == {"provider_analyst"}
    found = digest(them)
    assert found["provider_lead"] == ["1 update; 1 matter waits for your side"]
    (body,) = bodies(them, "provider_lead")
    assert f"{words_for('en')('notifications.move')}\n- " in body
    assert "Your answer is due on" in body
    assert f"\n{words_for('en')('your_move.silence_accepts_nothing')}\n" in body


def test_the_last_lead_of_a_side_cannot_turn_moves_off(them):
    with pytest.raises(Refused) as refused:
        choose(them, "provider_lead", move="off")
    assert "Northwind Energy, Helpline" in refused.value.sentence(words_for("en"))
    choose(them, "provider_analyst", move="off")  # who does not lead may
    with transaction.atomic():
        set_viewer(them.people["provider_lead"].pk)
        assert queries.chosen_timings(them.people["provider_lead"]) == {}


def test_of_two_leads_one_may_turn_moves_off_and_the_other_then_not(them):
    with transaction.atomic():
        member = them.at("provider_lead")
        analyst = member.relationship.memberships.get(person=them.people["provider_analyst"], left_at=None)
        parties.change_role(member, analyst, Role.LEAD)
    choose(them, "provider_analyst", move="off")
    with pytest.raises(Refused):
        choose(them, "provider_lead", move="off")
    raised(them, "customer_lead")
    assert "provider_lead" in told(them)
    with transaction.atomic():  # the one who is mailed stops leading: then the other is, whatever they prefer
        member = them.at("provider_analyst")
        lead = member.relationship.memberships.get(person=them.people["provider_lead"], left_at=None)
        parties.change_role(member, lead, Role.MEMBER)
    forget_mails()
    raised(them, "customer_lead")
    assert "provider_analyst" in told(them)


def test_a_preference_and_what_was_mailed_are_the_persons_alone(them):
    choose(them, "customer_finance", comment="at_once")
    raised(them, "customer_lead")
    forget_mails()
    digest(them)
    for who in ("customer_lead", "provider_analyst", "auditor", "stranger"):
        with transaction.atomic():
            if who == "stranger":
                set_viewer(them.people[who].pk)
            else:
                them.at(who)
            own = them.people[who].pk
            for model in (Preference, SentNotification, DigestPosition):
                assert set(model.objects.values_list("person", flat=True)) <= {own}
    with pytest.raises(ProgrammingError), transaction.atomic():
        them.at("provider_lead")
        Preference.objects.create(person=them.people["customer_lead"], topic="move", timing="off")


def test_the_account_page_saves_preferences_and_refuses_with_a_sentence(them):
    browser = them.client("provider_lead")
    page = browser.get("/account/").content.decode()
    assert '<option value="at_once" selected>' in page
    chosen = {"move": "at_once", "late": "at_once", "file": "off", "final": "daily", "comment": "daily"}
    answer = browser.post("/account/notifications/", chosen, follow=True)
    assert words_for("en")("notifications.saved") in answer.content.decode()
    with transaction.atomic():
        set_viewer(them.people["provider_lead"].pk)
        assert queries.chosen_timings(them.people["provider_lead"]) == {
            Topic(topic): Timing(timing) for topic, timing in chosen.items()
        }
    answer = browser.post("/account/notifications/", chosen | {"move": "off"}, follow=True)
    assert "You are the only lead emailed when your side must act" in answer.content.decode()
    answer = browser.post("/account/notifications/", {"move": "sometimes"}, follow=True)
    assert words_for("en")("notifications.invalid") in answer.content.decode()


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("/account/", "email.no_server"),
        ("review/mail/", "email.no_server"),
        ("replies/", "silence_term.no_server"),
        ("people/", "invite.do_no_server"),
        ("/sign-in/password/forgotten/", "sign_in.password_reset_no_server_about"),
        ("/sign-in/password/forgotten/sent/", "sign_in.password_reset_no_server_done_next"),
    ],
)
def test_a_page_that_speaks_of_emails_says_where_none_leaves_the_room(with_book, monkeypatch, path, key):
    sentence = words_for("en")(key)
    browser = with_book.client(None if path.startswith("/sign-in/") else "customer_lead")
    address = path if path.startswith("/") else with_book.url(path)
    assert sentence not in html.unescape(browser.get(address).content.decode())
    monkeypatch.setattr("django.conf.settings.MAIL_SERVER_BACKEND", "django.core.mail.backends.filebased.EmailBackend")
    answer = browser.get(address)
    assert answer.status_code == 200
    assert sentence in html.unescape(answer.content.decode())


def test_silence_that_cannot_come_to_count_is_not_announced(with_book, monkeypatch):
    """Both sides let it count, and no notice can reach anybody."""
    silence_allowed(with_book)
    forget_mails()
    confirm(with_book, "customer_lead")
    monkeypatch.setattr("comity.apps.notifications.queries.has_mail_server", lambda: False)
    (body,) = bodies(with_book, "provider_lead")
    assert words_for("en")("your_move.silence_confirms_nothing") in body


# Late deliveries ---------------------------------------------------------------------------------

DUE = '[[source]]\ntable = "contacts"\nby = "provider"\ndue = "daily 09:00"\n'
OWN = '[[source]]\ntable = "costs"\nby = "provider"\ndue = "daily 09:00"\n'


@pytest.fixture
def owing():
    made = cast()
    made.book(PRIVATE + DUE + OWN)
    forget_mails()
    return made


def due(table, day):
    return f"{table}: file due on {words_for('en').day(day)} not received".replace("\u00a0", " ")


def test_a_delivery_whose_day_is_over_is_chased_from_who_owes_it_once(owing):
    now = today()
    yesterday = (now.astimezone(ZoneInfo(ZONE)) - timedelta(days=1)).date()
    found = digest(owing, now)
    both = {due("Contacts", yesterday), due("Costs", yesterday)}
    assert set(found["provider_lead"]) == both
    assert len([who for who in found if both <= set(found[who])]) == 2  # the lead, and one more who may import
    with superuser() as everybody:  # the clock forgets that it has looked
        everybody.execute("DELETE FROM comity_cache WHERE cache_key LIKE %s", [f"%{owing.relationship}%"])
    forget_mails()
    assert digest(owing, now + timedelta(minutes=30)) == {}


def test_the_other_side_reads_of_a_late_delivery_that_both_may_see_and_of_no_other(owing):
    found = digest(owing)
    assert found["customer_lead"] == found["auditor"] == ["1 update; nothing waits for your side"]
    for who in ("customer_lead", "auditor"):
        (body,) = bodies(owing, who)
        assert "Comity recorded a file of Helpline as late: contacts, due" in body.replace("\u00a0", " ")
        assert "costs" not in body.lower()
    both = {"contacts", "costs"}
    for who, seen in (("customer_lead", {"contacts"}), ("auditor", {"contacts"}), ("provider_lead", both)):
        with transaction.atomic():
            owing.at(who)
            late = AuditEvent.objects.filter(event=Event.DELIVERY_LATE)
            assert {event.data["table"] for event in late} == seen
        page = owing.client(who).get(owing.url()).content.decode()
        assert ("recorded a file of Helpline as late: costs" in page) is ("costs" in seen)


def test_a_late_file_of_the_other_side_comes_at_once_to_whoever_prefers_it(owing):
    choose(owing, "customer_finance", late="at_once")
    found = digest(owing)
    assert [one.startswith("Comity recorded a file of Helpline as late") for one in found["customer_finance"]] == [True]


def test_a_delivery_that_came_is_not_chased(owing):
    now = today()
    yesterday = (now.astimezone(ZoneInfo(ZONE)) - timedelta(days=1)).date()
    row = f"contact_id,opened_at,queue,channel\na,{yesterday}T10:00:00Z,help,voice\n"
    assert brought(owing, "provider_lead", "contacts.csv", row).stage == "brought"
    costs = COSTS.replace("2026-06", f"{yesterday:%Y-%m}")
    assert brought(owing, "provider_lead", "costs.csv", costs).stage == "brought"
    forget_mails()
    found = digest(owing, now)
    assert not [one for subjects in found.values() for one in subjects if "not received" in one]


def test_before_its_day_is_over_no_delivery_is_late_whoever_asks_the_database(owing):
    for side, who, shared in (("provider", "customer_lead", False), ("neither", "provider_lead", True)):
        with pytest.raises(ProgrammingError), transaction.atomic():
            owing.at(who)
            audit_late_delivery("costs", side, timezone.now().date() - timedelta(days=2), shared=shared)
    with pytest.raises(ProgrammingError), transaction.atomic():
        owing.at("customer_lead")
        audit_late_delivery("contacts", Side.PROVIDER, timezone.now().date() + timedelta(days=1), shared=True)
    with pytest.raises(ProgrammingError), transaction.atomic():
        member = owing.at("customer_lead")
        audit(member, Event.DELIVERY_LATE, None, {"table": "contacts", "side": "provider", "due": "2026-01-01"})
