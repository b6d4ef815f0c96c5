"""Vector 8: 2,000 locked, 3,300 offered, band .10, nothing told: the provider is asked; its "no" is `untold`."""

from datetime import UTC, datetime, time, timedelta

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone

from comity.apps.matters import told
from comity.apps.matters.models import Matter, ToldQuestion
from comity.apps.matters.refusals import Code
from comity.core.matters.kinds import Kind
from comity.core.matters.transitions import Move
from tests.builders.changes import attempt, refused
from tests.builders.levels import KPI
from tests.builders.matters import ZONE, moved
from tests.room import cast

pytestmark = pytest.mark.gate
C, P = "customer_lead", "provider_lead"
TODAY = timezone.now().date()
DAYS = [TODAY - timedelta(days=back) for back in (9, 8, 7, 6)]  # a surprise, a storm, a plain day, another surprise
OFFERED = {DAYS[0]: 33, DAYS[1]: 33, DAYS[2]: 21, DAYS[3]: 10}


def at(day, minute):
    return (datetime.combine(day, time(9), UTC) + timedelta(minutes=minute)).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.fixture(scope="module")
def them():
    """The vector at a hundredth of its size: 20 locked, 33 offered."""
    made = cast()
    contacts = ["contact_id,channel,queue,opened_at,answered_at,ended_at"]
    forecasts = ["queue,start,minutes,issued_on,offered,locked,issued_by"]
    for day, count in OFFERED.items():
        midnight = datetime.combine(day, time.min, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        forecasts.append(f"billing,{midnight},1440,{day - timedelta(days=20)},20,true,customer")
        contacts += [f"{day}-{n},voice,billing,{at(day, n)},{at(day, n + 1)},{at(day, n + 2)}" for n in range(count)]
    storm = f"s1,storm,{DAYS[1]},{DAYS[1]},,customer,{at(DAYS[1], 0)}"
    events = "event_id,kind,from,to,queues,declared_by,declared_at\n" + storm
    made.book(
        KPI + "volume_band = 0.10\n",
        contacts="\n".join(contacts), forecasts="\n".join(forecasts), events=events,
    )  # fmt: skip
    with transaction.atomic():
        assert told.ask(made.at(C)) == 2
        assert told.ask(made.at(P)) == 0  # each once, whoever's rights the job has
    return made


def questions(them, who=C):
    with transaction.atomic():
        them.at(who)
        return list(ToldQuestion.objects.filter(relationship=them.relationship))


def answered(them, who, question, *, was_told):
    with transaction.atomic():
        return told.answer(them.at(who), question.pk, was_told=was_told, zone=ZONE)


def test_the_days_outside_the_band_are_asked_about_unless_an_event_says_why(them):
    assert [(one.day, one.queue, one.locked, one.offered, one.band) for one in questions(them)] == [
        (DAYS[0], "billing", 20, 33, 0.1), (DAYS[3], "billing", 20, 10, 0.1),
    ]  # fmt: skip


def test_only_the_side_that_served_is_asked_on_today_and_on_its_page(them):
    own = them.client(P).get(them.url("matters/told/")).content.decode()
    other = them.client(C).get(them.url("matters/told/")).content.decode()
    assert own.count("Report that we were not") == 2
    assert "33 contacts, 20 forecast" in own
    assert "Report that we were not" not in other
    assert "has not answered yet" in other
    assert "Were you informed?" in them.client(P).get(them.url("")).content.decode()


def test_no_becomes_an_untold_matter_and_both_words_stand(them):
    question = questions(them)[0]
    refused(Code.NOT_YOURS, answered, them, C, question, was_told=True)
    matter = answered(them, P, question, was_told=False)
    assert (matter.kind, matter.asks, matter.from_day, matter.queue) == (Kind.UNTOLD, "provider", DAYS[0], "billing")
    refused(Code.NOT_NOW, answered, them, P, question, was_told=True)  # nor is an answer changed
    with transaction.atomic():
        assert told.told(them.at(C)) == (0, 0, 1)
    moved(them, C, matter, Move.DECLINE, "You had: an item, opened by your side a week before.")
    with transaction.atomic():
        assert told.told(them.at(P)) == (0, 1, 1)
    page = them.client(C).get(them.url("matters/told/")).content.decode()
    assert "informed of 0 to 1 of 1 day" in page


INSERT = (
    "INSERT INTO matters_toldquestion (id, relationship_id, side, day, queue, locked, offered, band, asked_at, told) "
    "SELECT gen_random_uuid(), relationship_id, side, day - 1, queue, 1, 2, 0, now(), true FROM matters_toldquestion "
    "LIMIT 1"
)
ANSWER = "SELECT comity_answer_told(%s, %s, %s)"


def test_raw_sql_answers_for_nobody_else_twice_or_with_another_matter(them):
    first, last = questions(them)
    with transaction.atomic():
        them.at(P)
        untold = Matter.objects.filter(relationship=them.relationship, kind=Kind.UNTOLD).first()
    for who, values in (
        (C, (last.pk, True, None)),  # for the side that served
        ("provider_member", (last.pk, True, None)),  # without the right
        (P, (last.pk, False, None)),  # "no" without its matter
        (P, (last.pk, True, untold.pk)),
        (P, (last.pk, False, untold.pk)),  # of another day
        (P, (first.pk, True, None)),  # again
    ):
        with pytest.raises(DatabaseError, match="comity"):
            attempt(them, who, ANSWER, *values)
    for who in (C, P):
        for sql in (
            "UPDATE matters_toldquestion SET told = true", "DELETE FROM matters_toldquestion",
            INSERT,
        ):  # fmt: skip
            with pytest.raises(DatabaseError):
                attempt(them, who, sql)
    assert attempt(them, P, ANSWER, last.pk, True, None) == [("",)]
