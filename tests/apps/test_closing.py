"""Closing a period: each side's word, the figures frozen, what is disputed, restatements, and silence."""

import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core import mail
from django.db import transaction
from django.db.utils import ProgrammingError
from django.utils import timezone

from comity.apps.matters import operations as matters
from comity.apps.matters.models import Kind
from comity.apps.parties import operations as parties
from comity.apps.reviews import operations, queries, tasks
from comity.apps.reviews.models import ByMail, Confirmation, Entry, Kept
from comity.apps.reviews.operations import NotAllowedError
from comity.core import chain
from tests.apps.test_matrix import unpacked
from tests.apps.test_matters import KPI, contacts
from tests.room import cast, superuser

JUNE = "2026-06"
REPORTED = "period,kpi,value,reported_by\n2026-06,service_level,0.5,provider\n2026-06,service_level,0.4,customer"


@pytest.fixture
def them():
    made = cast()
    made.book(KPI, contacts="\n".join(contacts()), reported=REPORTED)
    return made


def confirm(them, who, period=JUNE):
    with transaction.atomic():
        standing = them.at(who)
        return operations.confirm(standing, queries.review(standing, period, joint=True), period)


def entries(them):
    with transaction.atomic():
        them.at("auditor")
        return list(Entry.objects.order_by("number"))


def verified(found):
    return chain.verify([chain.Entry(one.number, one.content, one.previous, one.digest) for one in found])


def test_with_both_words_the_figures_are_frozen(them):
    assert confirm(them, "provider_executive") is None
    with pytest.raises(NotAllowedError, match="confirmed_already"):
        confirm(them, "provider_lead")
    entry = confirm(them, "customer_lead")
    assert (entry.number, entry.kind, entry.period) == (1, Kept.FROZEN, JUNE)
    figures = entry.content["figures"]["service_level"]
    assert (figures["num"], figures["den"], figures["met"]) == ("28", "60", False)
    assert float(figures["value"]) == pytest.approx(28 / 60)
    assert figures["reported"] == {"customer": "0.4", "provider": "0.5"}
    confirm(them, "customer_lead", "2026-05")
    confirm(them, "provider_lead", "2026-05")
    found = entries(them)
    assert [one.number for one in found] == [1, 2]
    assert verified(found) == found[-1].digest


def test_what_is_disputed_is_frozen_with_its_dispute(them):
    with transaction.atomic():
        asked = matters.Asked(Kind.DISPUTE, "Not so", "Why.", kpi="service_level", period=JUNE)
        dispute = matters.raise_matter(them.at("provider_lead"), asked, "UTC")
    confirm(them, "customer_lead")
    entry = confirm(them, "provider_lead")
    assert entry.content["figures"]["service_level"]["disputed"] == [str(dispute.pk)]


@pytest.mark.parametrize("who", ["customer_analyst", "customer_member", "mediator", "auditor"])
def test_only_some_speak_for_a_side(them, who):
    with pytest.raises(NotAllowedError, match="not_yours"):
        confirm(them, who)


def test_a_frozen_figure_stays_and_a_restatement_stands_beside_it(them):
    confirm(them, "customer_lead")
    first = confirm(them, "provider_lead")

    def restate(reason="Late records."):
        with transaction.atomic():
            standing = them.at("provider_lead")
            return operations.restate(standing, queries.review(standing, JUNE, joint=True), JUNE, reason)

    with pytest.raises(NotAllowedError, match="same_figures"):
        restate()
    them.book(KPI, contacts="\n".join([row for row in contacts() if not row.startswith("6-15")]), reported=REPORTED)
    with pytest.raises(NotAllowedError, match="reason"):
        restate(" ")
    second = restate()
    found = entries(them)
    assert found[0].content == first.content
    assert (second.kind, second.content["reason"], second.content["by"]) == (Kept.RESTATED, "Late records.", "provider")
    assert second.content["figures"]["service_level"]["den"] == "58"
    assert verified(found) == second.digest
    page = them.client("customer_lead").get(them.url(f"review/?period={JUNE}")).content.decode()
    assert "Late records." in page


def test_silence_confirms_after_a_reminder_and_not_before(them):
    confirm(them, "customer_lead")
    tasks.tick(0)
    assert entries(them) == []
    with transaction.atomic():
        them.at("customer_lead")
        word = Confirmation.objects.get()
    back(word, at=timezone.now() - timedelta(days=12))
    mail.outbox = []
    tasks.tick(0)
    told = [one for one in mail.outbox if str(them.relationship) in one.body]
    assert {address for one in told for address in one.to} == {
        them.people[name].email for name in ("provider_lead", "provider_executive")
    }
    assert entries(them) == []
    back(word, at=timezone.now() - timedelta(days=30), reminded_at=timezone.now() - timedelta(days=2))
    tasks.tick(0)
    (entry,) = entries(them)
    assert entry.kind == Kept.FROZEN
    with transaction.atomic():
        them.at("customer_lead")
        assert Confirmation.objects.get(side="provider").deemed


def back(word, **changes):
    with superuser() as everybody:
        for name, value in changes.items():
            everybody.execute(f"UPDATE reviews_confirmation SET {name} = %s WHERE id = %s", [value, word.pk])


def test_a_word_cannot_be_changed_but_for_the_reminder(them):
    confirm(them, "customer_lead")
    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        them.at("provider_lead")
        Confirmation.objects.update(deemed=True)


def test_the_record_is_given_out_whole(them):
    confirm(them, "customer_lead")
    confirm(them, "provider_lead")
    told = json.loads(them.client("auditor").get(them.url("record/")).content)
    assert told["schema"] == "comity.record/1"
    assert chain.verify([chain.Entry(**one) for one in told["entries"]])


@pytest.mark.parametrize("period", ["", "nonsense", "2031-01"])
def test_a_period_that_is_none_is_not_found(them, period):
    found = them.client("customer_lead").post(them.url("review/confirm/"), {"period": period})
    assert found.status_code in {302, 404}
    assert entries(them) == []
    with transaction.atomic():
        them.at("customer_lead")
        assert not Confirmation.objects.exists()


def sent(to):
    return [one for one in mail.outbox if one.to == [to.email]]


def test_the_head_of_the_record_goes_to_both_sides(them):
    mail.outbox = []
    confirm(them, "customer_lead")
    assert mail.outbox == []
    entry = confirm(them, "provider_lead")
    for who in ("customer_lead", "customer_executive", "provider_lead", "provider_executive"):
        (told,) = sent(them.people[who])
        assert entry.digest in told.body
        assert "2026-06 is frozen: entry 1" in told.subject
    assert not sent(them.people["customer_member"])


def test_a_mail_server_that_is_down_undoes_nothing(them, monkeypatch, caplog):
    def down(*_, **__):
        raise ConnectionRefusedError("no mail today")

    monkeypatch.setattr("comity.apps.parties.mailing.send_mail", down)
    confirm(them, "customer_lead")
    confirm(them, "provider_lead")
    assert len(entries(them)) == 1
    assert "no mail today" in caplog.text


FIFTH = datetime(2026, 7, 5, 7, 1, tzinfo=ZoneInfo("Europe/Madrid"))  # the cast's book keeps this clock


@pytest.fixture
def wished(them):
    them.book(
        '[private]\nprovider = ["costs"]\ncustomer = ["prices"]\n' + KPI,
        contacts="\n".join(contacts()),
        private__provider__costs="month,driver,quantity,unit_cost,behaviour\n2026-06,Zebulon,1,4711.13,fixed",
    )

    def wish(who, **more):
        with transaction.atomic():
            made = operations.by_mail(them.at(who), "day 5 07:00", more.get("form", ""), joint=more.get("joint", True))
            ByMail.objects.filter(pk=made.pk).update(since=FIRST)

    return wish


FIRST = datetime(2026, 7, 1, tzinfo=UTC)


def test_the_review_comes_by_mail_when_it_is_due_once_and_in_the_readers_language(them, wished):
    with superuser() as clock:
        clock.execute("UPDATE parties_person SET language = 'es' WHERE id = %s", [them.people["customer_member"].pk])
    wished("customer_member")
    mail.outbox = []
    tasks.mail(int((FIFTH - timedelta(minutes=2)).timestamp()))
    assert not sent(them.people["customer_member"])
    tasks.mail(int(FIFTH.timestamp()))
    tasks.mail(int((FIFTH + timedelta(days=3)).timestamp()))
    (told,) = sent(them.people["customer_member"])
    assert "revisión de junio de 2026" in told.subject.replace("\u00a0", " ")
    assert "46,7" in told.body
    assert told.attachments == []
    tasks.mail(int((FIFTH + timedelta(days=31)).timestamp()))
    assert len(sent(them.people["customer_member"])) == 2


@pytest.mark.parametrize("form", ["xlsx", "pptx"])
def test_it_comes_with_a_file_as_the_recipient_may_see_it(them, wished, form):
    for who in ("provider_lead", "provider_member", "customer_lead", "auditor"):
        wished(who, form=form, joint=False)
    mail.outbox = []
    tasks.mail(int(FIFTH.timestamp()))
    for who in ("provider_lead", "provider_member", "customer_lead", "auditor"):
        (told,) = sent(them.people[who])
        ((name, content, _),) = told.attachments
        assert name == f"review-2026-06.{form}"
        text = unpacked(content)
        assert b"Zebulon" not in text  # a driver of costs is in no figure of a review
        # A workbook says where its records came from; of what a side keeps only to who may read it there.
        assert (b"provider/costs.csv" in text) == (who == "provider_lead" and form == "xlsx")


def test_who_has_left_or_wants_it_no_more_gets_nothing(them, wished):
    wished("customer_member")
    wished("provider_member")
    browser = them.client("provider_member")
    assert "It comes when it is next due" in browser.get(them.url("review/mail/")).content.decode()
    browser.post(them.url("review/mail/"), {"do": "stop"})
    with transaction.atomic():
        standing = them.at("customer_member")
        parties.let_go(standing, standing.membership)
    mail.outbox = []
    tasks.mail(int(FIFTH.timestamp()))
    assert mail.outbox == []


def test_the_page_takes_a_wish_and_refuses_what_is_none(them):
    browser = them.client("auditor")
    wish = {"due": "monday 07:00", "form": "pdf", "eyes": "joint"}
    assert browser.post(them.url("review/mail/"), wish).status_code == 302
    assert browser.post(them.url("review/mail/"), wish | {"eyes": "own"}).status_code == 422  # a neutral has none
    assert browser.post(them.url("review/mail/"), wish | {"due": "never"}).status_code == 422
