"""Reply times: calendars that both sides agree on, and silence that counts only where both said so."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.cache import cache
from django.core.mail import EmailMessage
from django.db import transaction
from django.utils import timezone

from comity.apps.audit.models import AuditEvent, Event
from comity.apps.record import queries as record
from comity.apps.record.models import EntryKind
from comity.apps.refusal import Refused
from comity.apps.replies import operations, queries
from comity.apps.replies.models import Notice
from comity.apps.replies.queries import Calendar
from comity.apps.reviews import tasks
from comity.core import chain
from comity.core.values import Side
from comity.web.bounces import record_bounces
from tests.builders.confirmations import (
    back,
    clock,
    confirm,
    entries,
    late,
    notice_over,
    notices,
    silence_allowed,
    words,
)
from tests.builders.levels import KPI, contacts
from tests.builders.matters import raised
from tests.room import EVERYBODY, cast, forget_mails, run_jobs, sent_mails, superuser

pytestmark = pytest.mark.gate
SHORT = Calendar(
    "Europe/Madrid", dict.fromkeys(range(4), (time(8), time(14))), {date(2026, 12, 8): "Immaculate Conception"}
)


@pytest.fixture
def them():
    made = cast()
    made.book(KPI, contacts="\n".join(contacts()))
    return made


def propose(them, who="provider_lead", calendar=SHORT):
    with transaction.atomic():
        return operations.propose_calendar(them.at(who), calendar)


def agree(them, digest, who="customer_lead"):
    with transaction.atomic():
        return operations.agree_to_calendar(them.at(who), digest)


def calendar_of(them, side):
    with transaction.atomic():
        return queries.calendar_of(them.at("auditor").relationship, side, "Europe/Prague")


def mails(them):
    run_jobs()
    return [one for one in sent_mails() if str(them.relationship) in one.body]


# Calendars -------------------------------------------------------------------------------------------------------


def test_without_an_agreed_calendar_replies_are_due_by_office_hours(them):
    propose(them)
    for side in Side:
        assert calendar_of(them, side) == Calendar.weekdays("Europe/Prague")


def test_a_calendar_applies_once_both_sides_have_agreed(them):
    forget_mails()
    word = propose(them)
    assert {address for one in mails(them) for address in one.to} == {them.people["customer_lead"].email}
    forget_mails()
    entry = agree(them, word.digest)
    assert (entry.kind, entry.subject) == (EntryKind.CALENDAR, "provider 1")
    assert entry.content["content"] == SHORT.content(Side.PROVIDER)
    assert [(one["side"], one["name"]) for one in entry.content["words"]] == [
        ("customer", "Ana Customer Lead"),
        ("provider", "Provider Lead"),
    ]
    found = calendar_of(them, Side.PROVIDER)
    assert (found.zone, found.week, found.free_days) == (SHORT.zone, SHORT.week, SHORT.free_days)
    assert calendar_of(them, Side.CUSTOMER) == Calendar.weekdays("Europe/Prague")
    assert all(entry.digest in one.body for one in mails(them))  # the head, to both
    with transaction.atomic():
        told = record.export_entries(record.entries(them.at("auditor")))
    assert chain.verify([chain.Entry(**one) for one in told["entries"]]) == entry.digest
    with transaction.atomic():
        them.at("auditor")
        logged = list(
            AuditEvent.objects.filter(event__startswith="calendar").order_by("at").values_list("event", "side")
        )
    assert logged == [(Event.CALENDAR_PROPOSED, "provider"), (Event.CALENDAR_AGREED, "customer")]


def test_a_reply_is_due_by_the_replying_sides_calendar(them):
    """Four days a week until 14:00: ten of them are more than two weeks."""
    word = propose(them)
    agree(them, word.digest)
    theirs, ours = raised(them, "customer_lead"), raised(them, "provider_lead")
    due = theirs.reply_by.astimezone(ZoneInfo("Europe/Madrid"))
    assert (due.hour, due.weekday() < 4) == (14, True)
    assert due.date() - timezone.now().date() >= timedelta(days=17)
    assert ours.reply_by.astimezone(ZoneInfo("Europe/Madrid")).hour == 17


def test_a_new_calendar_leaves_existing_due_times(them):
    before = raised(them, "customer_lead")
    agree(them, propose(them).digest)
    with transaction.atomic():
        them.at("auditor")
        assert type(before).objects.get(pk=before.pk).reply_by == before.reply_by


def test_agreeing_needs_the_digest_of_the_proposal_shown(them):
    """The provider proposes another calendar while the customer looks at the first."""
    first = propose(them)
    second = propose(them, calendar=Calendar.weekdays("Europe/Madrid"))
    for digest in (first.digest, "0" * 64, ""):
        with pytest.raises(Refused, match="changed"):
            agree(them, digest)
    with pytest.raises(Refused, match="same"):
        propose(them, calendar=Calendar.weekdays("Europe/Madrid"))
    assert agree(them, second.digest).content["content"]["zone"] == "Europe/Madrid"
    with pytest.raises(Refused, match="no_proposal"):
        agree(them, second.digest)


def test_a_side_cannot_agree_to_its_own_proposal(them):
    word = propose(them)
    with pytest.raises(Refused, match="no_proposal"):
        agree(them, word.digest, "provider_lead")
    assert calendar_of(them, Side.PROVIDER) == Calendar.weekdays("Europe/Prague")


@pytest.mark.parametrize("who", [one for one in EVERYBODY if not one.endswith("_lead")])
def test_only_leads_agree_to_a_calendar(them, who):
    word = propose(them)
    for tried in (
        lambda: propose(them, who),
        lambda: agree(them, word.digest, who),
        lambda: set_silence(them, who),
    ):
        with pytest.raises(Refused, match="not_yours"):
            tried()


@pytest.mark.parametrize(
    ("calendar", "why"),
    [
        (Calendar("Mars/Olympus", SHORT.week), "zone"),
        (Calendar("../../etc/passwd", SHORT.week), "zone"),
        (Calendar("Europe/Madrid", {}), "never_open"),
        (Calendar("Europe/Madrid", {9: (time(9), time(17))}), "never_open"),
        (Calendar("Europe/Madrid", {0: (time(17), time(9))}), "hours"),
        (Calendar("Europe/Madrid", SHORT.week, {date(2026, 1, 1) + timedelta(n): "" for n in range(367)}), "too_many"),
        (Calendar("Europe/Madrid", SHORT.week, {date(2026, 1, 1): "x" * 81}), "free_day"),
    ],
)
def test_an_invalid_calendar_is_refused(them, calendar, why):
    with pytest.raises(Refused, match=why):
        propose(them, calendar=calendar)


def test_a_calendar_round_trips_through_its_content():
    for side in Side:
        assert Calendar.from_content(SHORT.content(side)) == SHORT
    assert chain.digest_of(SHORT.content(Side.CUSTOMER)) != chain.digest_of(SHORT.content(Side.PROVIDER))


def test_free_days_are_drafted_for_a_region_and_stored_as_dates(them):
    browser = them.client("provider_lead")
    page = browser.get(them.url("replies/?country=ES&region=CT")).content.decode()
    assert f"{timezone.now().year}-09-11" in page  # the Diada, of Catalonia alone
    assert "Check these days" in page
    wrong = browser.get(them.url("replies/?country=ES&region=ZZ"))
    assert (wrong.status_code, "ES has no such region" in wrong.content.decode()) == (422, True)
    assert browser.get(them.url("replies/?country=../x&region=")).status_code == 422


def test_both_sides_agree_to_a_calendar_on_the_page(them):
    provider, customer = them.client("provider_lead"), them.client("customer_lead")
    said = {
        "zone": "Europe/Madrid",
        "days": ["0", "1"],
        "opens": "08:00",
        "closes": "15:00",
        "free_days": "2026-12-25 Xmas",
    }
    assert provider.post(them.url("replies/calendar/"), said).status_code == 302
    page = customer.get(them.url("replies/")).content.decode()
    assert "Proposed by Provider Lead" in page
    assert "Agree to this calendar" not in provider.get(them.url("replies/")).content.decode()
    digest = page.partition('name="digest" value="')[2][:64]
    assert customer.post(them.url("replies/calendar/agree/"), {"digest": digest}).status_code == 302
    for who in EVERYBODY:
        page = them.client(who).get(them.url("replies/")).content.decode()
        assert "entry 1 of the record" in page
        assert "08:00" in page
        assert "15:00" in page


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"zone": "Nowhere"}, "is not a time zone"),
        ({"free_days": "Christmas"}, "does not begin with a date"),
        ({"closes": "07:00"}, "before the opening time"),
    ],
)
def test_the_calendar_form_shows_errors_and_keeps_its_input(them, change, why):
    said = {"zone": "Europe/Madrid", "days": ["0"], "opens": "08:00", "closes": "15:00", "free_days": "2026-12-25"}
    answer = them.client("provider_lead").post(them.url("replies/calendar/"), said | change)
    page = answer.content.decode()
    assert (answer.status_code, why in page) == (422, True)
    assert next(iter(change.values())) in page
    with transaction.atomic():
        assert queries.proposed_calendars(them.at("auditor")) == {}


# Silence ---------------------------------------------------------------------------------------------------------


def set_silence(them, who, *, accepts=True):
    with transaction.atomic():
        operations.set_silence(them.at(who), accepts=accepts)


def test_silence_counts_since_the_later_sides_acceptance(them):
    def since():
        with transaction.atomic():
            return queries.silence_since(them.at("auditor"))

    set_silence(them, "customer_lead")
    assert since() is None
    with pytest.raises(Refused, match="same"):
        set_silence(them, "customer_lead")
    before = timezone.now()
    set_silence(them, "provider_lead")
    assert before < since() < timezone.now()
    set_silence(them, "customer_lead", accepts=False)
    assert since() is None
    for who in EVERYBODY:
        assert "Silence confirms nothing." in them.client(who).get(them.url("replies/")).content.decode()


def test_silence_is_allowed_and_withdrawn_on_the_page_with_a_mail(them):
    browser = them.client("customer_lead")
    forget_mails()
    assert browser.post(them.url("replies/silence/"), {"accepts": "yes"}).status_code == 302
    assert "Withdraw it for" in browser.get(them.url("replies/")).content.decode()
    assert browser.post(them.url("replies/silence/"), {"accepts": "no"}).status_code == 302
    assert browser.post(them.url("replies/silence/"), {"accepts": "perhaps"}).status_code == 404
    assert [(one.to, "no longer" in one.subject) for one in mails(them)] == [
        ([them.people["provider_lead"].email], False),
        ([them.people["provider_lead"].email], True),
    ]


def test_proposals_and_silence_terms_are_rate_limited(them):
    for number in range(20):
        set_silence(them, "customer_lead", accepts=number % 2 == 0)
    for tried in (lambda: set_silence(them, "customer_lead"), lambda: propose(them, "customer_lead")):
        with pytest.raises(Refused, match="too_often"):
            tried()


def test_silence_confirms_only_after_a_notice_and_its_day(them):
    silence_allowed(them)
    word = late(them)
    clock()
    forget_mails()
    tasks.tick(0)
    told = [one for one in sent_mails() if "treated as confirmed" in one.subject]
    assert {address for one in told for address in one.to} == {
        them.people[name].email for name in ("provider_lead", "provider_executive")
    }
    (notice,) = notices(them)
    assert notice.until - notice.at >= timedelta(days=10)
    assert notice.until.astimezone(UTC).weekday() < 5
    tasks.tick(0)
    assert (len(notices(them)), entries(them)) == (1, [])
    notice_over(them)
    tasks.tick(0)
    (entry,) = entries(them)
    assert [one["by_silence"] for one in entry.content["words"]] == [False, True]
    assert [one.deemed for one in words(them)] == [False, True]
    assert word.digest == words(them)[1].digest


@pytest.mark.parametrize("sides", [(), ("customer",), ("provider",)])
def test_without_both_sides_acceptance_silence_confirms_nothing(them, sides):
    if sides:
        silence_allowed(them, *sides)
    late(them, 300)
    clock()
    for _ in range(3):
        tasks.tick(0)
    assert (notices(them), entries(them)) == ([], [])


def test_silence_never_counts_for_consents_given_before_it_was_allowed(them):
    word = late(them, 90)
    silence_allowed(them)
    clock()
    tasks.tick(0)
    assert notices(them) == []
    back(word, at=timezone.now() - timedelta(days=59))
    tasks.tick(0)
    assert len(notices(them)) == 1


def test_an_answer_after_the_notice_counts(them):
    silence_allowed(them)
    late(them)
    clock()
    tasks.tick(0)
    notice_over(them)
    entry = confirm(them, "provider_lead")
    tasks.tick(0)
    assert [one["by_silence"] for one in entry.content["words"]] == [False, False]
    assert len(entries(them)) == 1


def test_withdrawing_silence_during_a_notice_stops_it(them):
    silence_allowed(them)
    late(them)
    clock()
    tasks.tick(0)
    notice_over(them)
    set_silence(them, "provider_lead", accepts=False)
    tasks.tick(0)
    assert entries(them) == []


def test_a_notice_must_reach_two_people_and_is_retried_daily(them, monkeypatch):
    silence_allowed(them)
    late(them)
    clock()
    sent, real = [], EmailMessage.send

    def send(message, **more):
        sent.append(message.to)
        if them.people["provider_lead"].email in message.to:
            raise ConnectionRefusedError("no mail today")
        return real(message, **more)

    monkeypatch.setattr(EmailMessage, "send", send)
    for _ in range(3):
        tasks.tick(0)
    assert notices(them) == []
    assert sent.count([them.people["provider_executive"].email]) == 2  # the reminder, and the notice
    monkeypatch.undo()
    cache.clear()  # a day later
    tasks.tick(0)
    assert len(notices(them)) == 1


def test_silence_never_counts_for_a_side_with_one_person(them):
    silence_allowed(them)
    late(them)
    clock()
    with superuser() as everybody:
        everybody.execute(
            "UPDATE parties_membership SET left_at = now() WHERE relationship_id = %s AND person_id = %s",
            [them.relationship, them.people["provider_executive"].pk],
        )
    tasks.tick(0)
    assert notices(them) == []


def test_a_bounced_notice_reached_nobody(them):
    silence_allowed(them)
    late(them)
    clock()
    tasks.tick(0)
    address = them.people["provider_executive"].email.upper()
    assert (record_bounces([address, "x@example.org"]), record_bounces([address])) == (1, 1)
    with transaction.atomic():  # from nobody's place, as the mail server's command
        assert not Notice.objects.exists()
    cache.clear()
    tasks.tick(0)  # told anew, for one of two is not enough
    assert len(notices(them)) == 2
    assert [["bounced_at" in one for one in sorted(notice.told, key=str)] for notice in notices(them)][1] == [False] * 2


def test_silence_does_not_count_right_after_an_outage(them):
    silence_allowed(them)
    late(them)
    clock()
    tasks.tick(0)
    notice_over(them)
    clock(minutes=2, before=600)  # it has just come back
    tasks.tick(0)
    assert entries(them) == []
    clock(minutes=2, before=12)
    tasks.tick(0)
    assert len(entries(them)) == 1


def test_a_notices_day_is_by_the_answering_sides_calendar(them):
    agree(them, propose(them).digest)  # four days a week until 14:00, in Madrid
    silence_allowed(them)
    late(them)
    clock()
    tasks.tick(0)
    until = notices(them)[0].until.astimezone(ZoneInfo("Europe/Madrid"))
    assert (until.hour, until.weekday() < 4) == (14, True)
    assert until - datetime.now(UTC) >= timedelta(days=17)
