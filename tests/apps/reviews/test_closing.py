"""Closing a period: each side's word, the figures frozen, what is disputed, restatements, and silence."""

import html
import json
import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.utils import ProgrammingError
from django.utils import timezone

from comity.apps.audit.models import AuditEvent, Event
from comity.apps.i18n import words_for
from comity.apps.matters import operations as matters
from comity.apps.parties import operations as parties
from comity.apps.record.models import Consent, EntryKind
from comity.apps.refusal import Refused
from comity.apps.reviews import operations, queries, tasks
from comity.apps.reviews.figures import keep_unchanged_digits
from comity.apps.reviews.models import ByMail
from comity.core import chain
from comity.core.matters.kinds import Kind
from comity.core.values import Period
from tests.builders.confirmations import JUNE, back, clock, confirm, entries, late, notice_over, silence_allowed
from tests.builders.kept_apart import unpacked
from tests.builders.levels import KPI, contacts
from tests.builders.matters import FIGURE
from tests.room import cast, forget_mails, sent_mails, superuser

pytestmark = pytest.mark.gate

REPORTED = "period,kpi,value,reported_by\n2026-06,service_level,0.5,provider\n2026-06,service_level,0.4,customer"


@pytest.fixture
def them():
    made = cast()
    made.book(KPI, contacts="\n".join(contacts()), reported=REPORTED)
    return made


def verified(found):
    return chain.verify([chain.Entry(one.number, one.content, one.previous, one.digest) for one in found])


def test_with_both_words_the_figures_are_frozen(them):
    assert confirm(them, "provider_executive") is None
    with pytest.raises(Refused, match="confirmed_already"):
        confirm(them, "provider_lead")
    entry = confirm(them, "customer_lead")
    assert (entry.number, entry.kind, entry.subject) == (1, EntryKind.FROZEN, JUNE)
    figures = entry.content["figures"]["service_level"]
    assert (figures["num"], figures["den"], figures["met"]) == ("28", "60", False)
    assert float(figures["value"]) == pytest.approx(28 / 60)
    assert figures["reported"] == {"customer": "0.4", "provider": "0.5"}
    confirm(them, "customer_lead", "2026-05")
    confirm(them, "provider_lead", "2026-05")
    found = entries(them)
    assert [one.number for one in found] == [1, 2]
    assert verified(found) == found[-1].digest


def test_the_side_that_confirms_first_reads_that_it_cannot_withdraw(them):
    """Before it confirms and after; as the database holds (`test_a_word_cannot_be_changed_but_for_the_reminder`)."""
    page = them.url(f"review/confirm/?period={JUNE}")
    cannot = "Until then your confirmation cannot be withdrawn; it lapses if the figures change."
    assert cannot in html.unescape(them.client("customer_lead").get(page).content.decode())
    confirm(them, "customer_lead")
    assert cannot in html.unescape(them.client("customer_lead").get(page).content.decode())
    assert cannot not in html.unescape(them.client("provider_lead").get(page).content.decode())


def test_what_is_disputed_is_frozen_with_its_dispute(them):
    with transaction.atomic():
        asked = matters.NewMatter(Kind.DISPUTE, "Not so", "Why.", **(FIGURE | {"period": JUNE}))
        dispute = matters.raise_matter(them.at("provider_lead"), asked, "UTC")
    confirm(them, "customer_lead")
    entry = confirm(them, "provider_lead")
    assert entry.content["figures"]["service_level"]["disputed"] == [str(dispute.pk)]


@pytest.mark.parametrize("who", ["customer_analyst", "customer_member", "mediator", "auditor"])
def test_only_some_speak_for_a_side(them, who):
    with pytest.raises(Refused, match="not_yours"):
        confirm(them, who)


def test_a_frozen_figure_stays_and_a_restatement_stands_beside_it(them):
    confirm(them, "customer_lead")
    first = confirm(them, "provider_lead")

    def restate(reason="Late records."):
        with transaction.atomic():
            member = them.at("provider_lead")
            return operations.restate(member, queries.review(member.joint(), JUNE), JUNE, reason)

    with pytest.raises(Refused, match="same_figures"):
        restate()
    them.book(KPI, contacts="\n".join([row for row in contacts() if not row.startswith("6-15")]), reported=REPORTED)
    with pytest.raises(Refused, match="reason"):
        restate(" ")
    second = restate()
    found = entries(them)
    assert found[0].content == first.content
    assert (second.kind, second.content["reason"], second.content["by"]) == (
        EntryKind.RESTATED,
        "Late records.",
        "provider",
    )
    assert second.content["figures"]["service_level"]["den"] == "58"
    assert verified(found) == second.digest
    page = them.client("customer_lead").get(them.url(f"review/?period={JUNE}")).content.decode()
    assert "Late records." in page


def test_without_an_answer_a_period_stays_open_and_the_other_side_is_reminded_once(them):
    confirm(them, "customer_lead")
    tasks.tick(0)
    (word,) = words_of(them)
    back(word, at=timezone.now() - timedelta(days=12))
    forget_mails()
    tasks.tick(0)
    told = [one for one in sent_mails() if str(them.relationship) in one.body]
    assert {address for one in told for address in one.to} == {
        them.people[name].email for name in ("provider_lead", "provider_executive")
    }
    assert all("Your answer is due on" in one.body for one in told)
    back(word, at=timezone.now() - timedelta(days=300))
    tasks.tick(0)
    assert len([one for one in sent_mails() if str(them.relationship) in one.body]) == len(told)
    assert entries(them) == []


def test_a_word_cannot_be_changed_but_for_the_reminder(them):
    confirm(them, "customer_lead")
    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        them.at("provider_lead")
        Consent.objects.update(deemed=True)


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
        assert not Consent.objects.exists()


def spoiled(them):
    """The book once the contacts of three days were imported again as answered at once: 28 of 60 become 31 of 60."""
    better = [re.sub(r":50Z,$", ":05Z,", row) if re.match("6-(1|2|3)-", row) else row for row in contacts()]
    them.book(KPI, contacts="\n".join(better), reported=REPORTED)


def seen(them, who, period=JUNE):
    """The digest of the figures that the page shows, and these figures, as its form would send them."""
    page = them.client(who).get(them.url(f"review/confirm/?period={period}")).content.decode()
    found = re.search(r'name="figures" value="([0-9a-f]{64})"><input type="hidden" name="shown" value="([^"]*)"', page)
    assert found, "the page offers no confirmation"
    return found[1], html.unescape(found[2])


def words_of(them, *, void=False):
    with transaction.atomic():
        them.at("auditor")
        return list(Consent.objects.filter(void_at__isnull=not void).order_by("side", "at"))


def test_a_word_for_other_figures_is_never_frozen_with_them(them):
    """The attack C4: one side confirms 46.7 %, the other imports better records and confirms 51.7 %."""
    confirm(them, "customer_lead")
    spoiled(them)
    forget_mails()
    assert confirm(them, "provider_lead") is None
    assert entries(them) == []
    (void,), (valid,) = words_of(them, void=True), words_of(them)
    assert (void.side, void.person.name, void.void_reason) == ("customer", "Ana Customer Lead", "changed")
    assert (void.content["service_level"]["num"], void.void_content["service_level"]["num"]) == ("28", "31")
    assert (valid.side, valid.content["service_level"]["num"]) == ("provider", "31")
    told = {address: one for one in sent_mails() for address in one.to if "is void" in one.subject}
    assert set(told) == {
        them.people[f"{side}_{role}"].email for side in ("customer", "provider") for role in ("lead", "executive")
    }
    for one in told.values():
        subject = "[Northwind Energy × Helpline] June 2026: the confirmation by Northwind Energy is void"  # noqa: RUF001
        assert one.subject == subject
        assert "46.7 % → 51.7 %" in one.body.replace("\u00a0", " ")
    for who in ("customer_lead", "provider_member", "auditor"):
        page = them.client(who).get(them.url(f"review/?period={JUNE}")).content.decode().replace("\u00a0", " ")
        assert "Void since" in page
        assert "46.7 %" in page
    entry = confirm(them, "customer_lead")  # the side may confirm again, what it has seen now
    assert entry.content["figures"]["service_level"]["num"] == "31"


def test_the_page_sends_back_what_it_showed_and_what_moved_meanwhile_is_said(them):
    digest, shown = seen(them, "customer_lead")
    assert chain.digest_of(json.loads(shown)) == digest
    spoiled(them)
    browser = them.client("customer_lead")
    said = {"period": JUNE, "figures": digest, "shown": shown}
    page = browser.post(them.url("review/confirm/"), said, follow=True).content.decode().replace("\u00a0", " ")
    assert "nothing was confirmed" in page
    assert "46.7 % → 51.7 %" in page
    assert words_of(them) == []
    for nonsense in ("", "0" * 64, "nonsense"):
        browser.post(them.url("review/confirm/"), said | {"figures": nonsense})
    assert words_of(them) == []
    digest, shown = seen(them, "customer_lead")
    browser.post(them.url("review/confirm/"), {"period": JUNE, "figures": digest, "shown": "{"})
    assert [one.side for one in words_of(them)] == ["customer"]


def test_the_own_view_leads_to_the_joint_figures_and_confirms_nothing_unseen(them):
    address = f"review/?period={JUNE}"
    page = them.client("customer_lead").get(them.url(address)).content.decode()
    assert 'name="figures"' not in page
    assert f'href="{them.url("review/confirm/")}?period={JUNE}"' in page
    assert words_for("en")("closing.look") not in them.client("customer_member").get(them.url(address)).content.decode()
    page = them.client("customer_lead").get(them.url(f"review/confirm/?period={JUNE}")).content.decode()
    assert page.count('name="figures"') == 1
    assert "Joint figures to confirm" in page


def test_before_the_other_side_has_spoken_both_see_that_the_figures_moved(them):
    confirm(them, "customer_lead")
    assert (
        "have changed since"
        not in them.client("provider_lead").get(them.url(f"review/?period={JUNE}")).content.decode()
    )
    spoiled(them)
    for who in ("customer_lead", "customer_member", "provider_lead", "auditor"):
        page = them.client(who).get(them.url(f"review/?period={JUNE}")).content.decode().replace("\u00a0", " ")
        assert "The figures have changed since Northwind Energy confirmed them." in page
        assert "51.7 %" in page
    seen(them, "customer_lead")  # and the side may confirm anew
    assert [one.void_at for one in words_of(them)] == [None]  # looking changes nothing


def test_the_side_whose_figures_moved_confirms_anew_before_anybody_told_it(them):
    confirm(them, "customer_lead")
    spoiled(them)
    assert confirm(them, "customer_lead") is None
    assert ([one.side for one in words_of(them, void=True)], [one.side for one in words_of(them)]) == (
        ["customer"],
    ) * 2
    assert confirm(them, "provider_lead").content["figures"]["service_level"]["num"] == "31"


@pytest.mark.long
def test_silence_is_no_word_for_figures_that_moved(them):
    """The attack C4 by silence: the other side changes the records and waits."""
    silence_allowed(them)
    late(them)
    clock()
    tasks.tick(0)
    notice_over(them)
    spoiled(them)
    forget_mails()
    tasks.tick(0)
    assert entries(them) == []
    assert (words_of(them), [one.side for one in words_of(them, void=True)]) == ([], ["customer"])
    assert {address for one in ours(them) for address in one.to} == {
        them.people[f"{side}_{role}"].email for side in ("customer", "provider") for role in ("lead", "executive")
    }
    forget_mails()
    tasks.tick(0)
    assert ours(them) == []  # told once


def log_of_periods(them, who):
    """What became of periods, as somebody reads it in the log: the event, the side it names, and who did it."""
    kinds = (
        *(Event.PERIOD_CONFIRMED, Event.PERIOD_REMINDED, Event.PERIOD_DEEMED),
        *(Event.CONFIRMATION_VOID, Event.PERIOD_FROZEN),
    )
    with transaction.atomic():
        them.at(who)
        found = AuditEvent.objects.filter(relationship=them.relationship, event__in=kinds).order_by("at")
        return [(one.event, one.data.get("side"), one.side) for one in found]


@pytest.mark.parametrize("who", ["customer_lead", "provider_lead", "auditor"])
def test_both_sides_read_in_the_log_what_became_void_and_what_is_final(them, who):
    confirm(them, "customer_lead")
    spoiled(them)
    confirm(them, "provider_lead")
    confirm(them, "customer_lead")
    assert log_of_periods(them, who) == [
        ("period_confirmed", None, "customer"),
        ("confirmation_void", "customer", None),
        ("period_confirmed", None, "provider"),
        ("period_confirmed", None, "customer"),
        ("period_frozen", None, None),
    ]


def test_both_sides_read_in_the_log_that_silence_was_counted(them):
    silence_allowed(them)
    late(them)
    clock()
    tasks.tick(0)
    notice_over(them)
    tasks.tick(0)
    assert log_of_periods(them, "provider_lead") == [
        ("period_confirmed", None, "customer"),
        ("period_reminded", "provider", None),
        ("period_deemed", "provider", None),
        ("period_frozen", None, None),
    ]


def ours(them):
    return [one for one in sent_mails() if str(them.relationship) in one.body]


def test_a_dispute_raised_after_the_word_is_another_set_of_figures(them):
    """What is frozen says what is disputed, so that a dispute asks the first side again; both are told."""
    confirm(them, "customer_lead")
    with transaction.atomic():
        asked = matters.NewMatter(Kind.DISPUTE, "Not so", "Why.", **(FIGURE | {"period": JUNE}))
        dispute = matters.raise_matter(them.at("provider_lead"), asked, "UTC")
    forget_mails()
    assert confirm(them, "provider_lead") is None
    assert "open disputes: 0 → 1" in ours(them)[0].body
    entry = confirm(them, "customer_lead")
    assert entry.content["figures"]["service_level"]["disputed"] == [str(dispute.pk)]


def test_records_that_change_no_figure_make_no_word_void(them):
    confirm(them, "customer_lead")
    them.book(
        KPI,
        contacts="\n".join([*contacts(), "8-1,2026-08-01T10:00:00Z,help,voice,2026-08-01T10:00:05Z,"]),
        reported=REPORTED,
    )
    tasks.tick(0)
    assert words_of(them, void=True) == []
    assert confirm(them, "provider_lead") is not None


def test_an_entry_holds_under_its_digest_who_confirmed_when_and_which_figures(them):
    confirm(them, "provider_executive")
    entry = confirm(them, "customer_lead")
    said = entry.content
    assert said["figures_digest"] == chain.digest_of(said["figures"])
    assert said["parties"] == {"customer": "Northwind Energy", "provider": "Helpline"}
    assert re.fullmatch(r"[0-9a-f]{64}", said["digest"])
    assert [(one["side"], one["name"], one["role"], one["by_silence"], one["person"]) for one in said["words"]] == [
        ("customer", "Ana Customer Lead", "lead", False, str(them.people["customer_lead"].pk)),
        ("provider", "Provider Executive", "executive", False, str(them.people["provider_executive"].pk)),
    ]
    moments = [datetime.fromisoformat(text) for text in (*(one["at"] for one in said["words"]), said["recorded_at"])]
    assert all(timezone.now() - timedelta(minutes=5) < one <= timezone.now() for one in moments)
    assert moments[1] <= moments[0] <= moments[2]


def test_an_entry_by_silence_says_so_and_who_was_reminded(them):
    silence_allowed(them)
    late(them)
    clock()
    tasks.tick(0)
    notice_over(them)
    tasks.tick(0)
    (entry,) = entries(them)
    own, silent = entry.content["words"]
    assert (own["side"], own["by_silence"], silent["side"], silent["by_silence"]) == (
        "customer",
        False,
        "provider",
        True,
    )
    assert (silent["person"], silent["name"]) == (None, None)
    assert {one["name"] for one in silent["reminded"]} == {"Provider Lead", "Provider Executive"}
    assert silent["reminded_at"] < silent["at"]
    page = them.client("customer_member").get(them.url(f"review/?period={JUNE}")).content.decode()
    assert "confirmed by silence" in page
    assert "reminded:" in page


def test_a_restatement_says_who_and_when(them):
    confirm(them, "customer_lead")
    confirm(them, "provider_lead")
    spoiled(them)
    with transaction.atomic():
        member = them.at("provider_executive")
        made = operations.restate(member, queries.review(member.joint(), JUNE), JUNE, "Late records.")
    (word,) = made.content["words"]
    assert (word["side"], word["name"], word["role"], word["by_silence"]) == (
        "provider", "Provider Executive", "executive", False,
    )  # fmt: skip
    assert word["at"] == made.content["recorded_at"]
    assert verified(entries(them)) == made.digest


def ready(them, days=12):
    """A word of the customer's that is old enough for a reminder."""
    confirm(them, "customer_lead")
    (word,) = words_of(them)
    back(word, at=timezone.now() - timedelta(days=days))
    return word


def reminded(them):
    (word,) = words_of(them)
    return word.reminded_at, set(word.reminded_to)


def left(them, *names, at=True):
    with superuser() as everybody:
        everybody.execute(
            "UPDATE parties_membership SET left_at = %s WHERE relationship_id = %s AND person_id = ANY (%s)",
            [timezone.now() if at else None, them.relationship, [them.people[name].pk for name in names]],
        )


def test_a_reminder_that_the_mail_server_did_not_take_is_none_and_is_tried_again(them, monkeypatch):
    ready(them, 40)
    taken, real = [], EmailMessage.send

    def send(message, **more):
        if them.people["provider_lead"].email in message.to or not taken:
            raise ConnectionRefusedError("no mail today")
        return real(message, **more)

    monkeypatch.setattr(EmailMessage, "send", send)
    tasks.tick(0)
    assert reminded(them) == (None, set())
    taken.append(True)
    tasks.tick(0)
    assert reminded(them)[1] == {str(them.people["provider_executive"].pk)}


def test_where_no_mail_server_is_nobody_is_reminded(them, settings_of_mail):
    ready(them, 40)
    settings_of_mail("django.core.mail.backends.dummy.EmailBackend")
    tasks.tick(0)
    assert reminded(them) == (None, set())


@pytest.fixture
def settings_of_mail(monkeypatch):
    return lambda backend: monkeypatch.setattr(settings, "MAIL_SERVER_BACKEND", backend)


def test_who_was_reminded_and_has_left_was_reminded_for_nobody(them):
    word = ready(them, 40)
    tasks.tick(0)
    back(word, reminded_at=timezone.now() - timedelta(days=9))
    with superuser() as everybody:
        everybody.execute(
            "UPDATE record_consent SET reminded_to = %s WHERE id = %s",
            [json.dumps([str(them.people["provider_executive"].pk)]), word.pk],
        )
    left(them, "provider_executive")
    tasks.tick(0)
    assert entries(them) == []
    assert reminded(them)[1] == {str(them.people["provider_lead"].pk)}


def test_a_word_of_before_that_held_no_figures_is_void_and_both_sides_are_told(them):
    """What the migration makes of a period that one side had confirmed, and that was not frozen."""
    confirm(them, "customer_lead")
    (word,) = words_of(them)
    back(word, digest="", content="{}", void_at=timezone.now(), void_reason="before")
    forget_mails()
    tasks.tick(0)
    tasks.tick(0)
    assert len(ours(them)) == 4
    assert all("does not show which figures were confirmed" in one.body for one in ours(them))
    page = them.client("customer_lead").get(them.url(f"review/?period={JUNE}")).content.decode()
    assert "does not show which figures were confirmed" in page
    assert confirm(them, "provider_lead") is None
    assert confirm(them, "customer_lead") is not None


def test_figures_are_the_same_whatever_order_an_engine_adds_in():
    now = {"cost": {"value": "1234567.8901", "num": "3", "den": None, "target": "0.8", "reported": {"customer": "5"}}}
    stirred = {"cost": now["cost"] | {"value": "1234567.89009"}}
    assert keep_unchanged_digits(stirred, now) == now
    other = {"cost": now["cost"] | {"value": "1234567.9"}}
    assert keep_unchanged_digits(other, now) == other


def sent(to):
    return [one for one in sent_mails() if one.to == [to.email]]


def test_the_head_of_the_record_goes_to_both_sides(them):
    forget_mails()
    confirm(them, "customer_lead")
    assert {one.subject.partition("] ")[2] for one in sent_mails()} == {
        f"June 2026: {words_for('en')('your_move.confirm')}"
    }
    forget_mails()
    entry = confirm(them, "provider_lead")
    for who in ("customer_lead", "customer_executive", "provider_lead", "provider_executive"):
        (told,) = sent(them.people[who])
        assert entry.digest in told.body
        assert "June 2026 is final: entry 1" in told.subject
    assert not sent(them.people["customer_member"])


def test_a_mail_server_that_is_down_undoes_nothing_and_loses_no_mail(them, monkeypatch):
    def down(*_, **__):
        raise ConnectionRefusedError("no mail today")

    forget_mails()
    monkeypatch.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", down)
    confirm(them, "customer_lead")
    confirm(them, "provider_lead")
    assert len(entries(them)) == 1
    with pytest.raises(ConnectionRefusedError):
        sent_mails()
    monkeypatch.undo()
    assert len([one for one in sent_mails() if str(them.relationship) in one.body]) > 1  # once it is there again


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
            made = operations.subscribe_to_mail(
                them.at(who), "day 5 07:00", more.get("form", ""), joint=more.get("joint", True)
            )
            ByMail.objects.filter(pk=made.pk).update(since=FIRST)

    return wish


FIRST = datetime(2026, 7, 1, tzinfo=UTC)


def test_the_review_comes_by_mail_when_it_is_due_once_and_in_the_readers_language(them, wished):
    with superuser() as clock:
        clock.execute("UPDATE parties_person SET language = 'es' WHERE id = %s", [them.people["customer_member"].pk])
    wished("customer_member")
    forget_mails()
    tasks.mail(int((FIFTH - timedelta(minutes=2)).timestamp()))
    assert not sent(them.people["customer_member"])
    tasks.mail(int(FIFTH.timestamp()))
    tasks.mail(int((FIFTH + timedelta(days=3)).timestamp()))
    (told,) = sent(them.people["customer_member"])
    assert "Revisión de junio de 2026" in told.subject.replace("\u00a0", " ")
    assert "46,7" in told.body
    assert told.attachments == []
    tasks.mail(int((FIFTH + timedelta(days=31)).timestamp()))
    assert len(sent(them.people["customer_member"])) == 2


@pytest.mark.parametrize("form", ["xlsx", "pptx"])
def test_it_comes_with_a_file_as_the_recipient_may_see_it(them, wished, form):
    for who in ("provider_lead", "provider_member", "customer_lead", "auditor"):
        wished(who, form=form, joint=False)
    forget_mails()
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
    assert words_for("en")("wish.waits") in browser.get(them.url("review/mail/")).content.decode()
    browser.post(them.url("review/mail/"), {"do": "stop"})
    with transaction.atomic():
        member = them.at("customer_member")
        parties.end_membership(member, member.membership)
    forget_mails()
    tasks.mail(int(FIFTH.timestamp()))
    assert sent_mails() == []


def test_the_page_takes_a_wish_and_refuses_what_is_none(them):
    browser = them.client("auditor")
    wish = {"due": "monday 07:00", "form": "pdf", "view": "joint"}
    assert browser.post(them.url("review/mail/"), wish).status_code == 302
    assert browser.post(them.url("review/mail/"), wish | {"view": "own"}).status_code == 422  # a neutral has none
    assert browser.post(them.url("review/mail/"), wish | {"due": "never"}).status_code == 422


def test_who_confirms_a_period_reads_which_final_one_shares_its_days_and_what_binds(them):
    """Week 24 lies in June; both could be confirmed, and no word said which binds."""
    week = "2026-W24"

    def page():
        answer = them.client("provider_lead").get(them.url(f"review/confirm/?period={week}"))
        assert answer.status_code == 200
        return answer.content.decode().replace("\u00a0", " ")

    said = "Already final: June 2026."
    assert said not in page()
    confirm(them, "customer_lead")
    assert said not in page()  # one side's confirmation makes nothing final
    confirm(them, "provider_lead")
    told = page()
    assert said in told
    assert "Those figures stay and bind for their own period" in told
    with transaction.atomic():
        assert queries.final_overlaps(them.at("auditor"), Period(date(2026, 6, 1), date(2026, 7, 1))) == []
        assert queries.final_overlaps(them.at("auditor"), Period(date(2026, 4, 1), date(2026, 7, 1))) == [JUNE]
        assert queries.final_overlaps(them.at("auditor"), Period(date(2026, 7, 1), date(2026, 8, 1))) == []
