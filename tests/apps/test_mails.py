"""Every mail, every job and every line of the log as whom they reach: placed here, with secrets planted and looked for.

A mail or a job that is added fails the test until it is placed.
"""

import ast
import logging
import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone
from procrastinate.contrib.django import app

import comity.apps
from comity.apps.books import queries
from comity.apps.books import tasks as books
from comity.apps.books.models import Delivery
from comity.apps.i18n import words_for
from comity.apps.matters import tasks as matters
from comity.apps.matters.models import Matter
from comity.apps.matters.operations import NewMatter, raise_matter
from comity.apps.parties.rights import Action, role_may
from comity.apps.record.models import Consent
from comity.apps.reviews import tasks as reviews
from comity.book.importing.corrections import NoProposalError, count_proposals
from comity.core.matters.kinds import Kind
from comity.web.server import QUEUES
from tests.builders.confirmations import back, confirm
from tests.builders.confirmations import entries as kept
from tests.builders.kept_apart import OURS
from tests.builders.levels import KPI, contacts
from tests.builders.matters import FIGURE, raised, running, sent
from tests.builders.uploads import brought, received
from tests.room import EVERYBODY, cast, forget_mails, sent_mails, superuser

pytestmark = pytest.mark.gate
# Mail -> the right of those of one side whom it goes to; None: to the address that somebody named.
# "oneself": whoever wished for it; tried in reviews.test_closing, as are the heads, which go to both sides.
MAILS = {
    "invite": None,
    "neutral_proposed": Action.INVITE,  # to the other side, whose lead is to agree
    "deputy_named": Action.INVITE,
    "token_made": "oneself",
    "token_ended": "oneself",
    "locked_out": "oneself",
    "reminder": Action.ANSWER,
    "correction_waits": Action.ANSWER,
    "silence_matter": Action.ANSWER,  # tried in matters.test_silence
    "notice": None,  # to the addresses that both sides signed; tried in matters.test_formal_notices, as is the next
    "notice_failed": Action.CONFIRM,
    "confirm_by": Action.CONFIRM,
    "silence": Action.CONFIRM,  # the notice before it; tried in replies.test_reply_times, as are the next
    "calendar_proposed": Action.AGREE,
    "head_calendar": Action.CONFIRM,
    "silence_set": Action.AGREE,
    "silence_unset": Action.AGREE,
    "kpis_withdrawn": Action.AGREE,  # tried in kpis.test_kpis
    "kpis_proposed": Action.AGREE,  # tried in kpis.test_kpis
    "head_kpis": Action.CONFIRM,
    "ledger_proposed": Action.AGREE,  # tried in ledger.test_agreed
    "head_ledger": Action.CONFIRM,
    "change_proposed": Action.AGREE,  # tried in agreements.test_agreements, as are the next
    "change_countered": Action.AGREE,
    "change_waived": Action.AGREE,
    "change_signed": Action.AGREE,
    "change_cosign": Action.AGREE,
    "change_declined": Action.AGREE,
    "change_withdrawn": Action.AGREE,
    "head_agreement": Action.CONFIRM,
    "priorities_started": Action.AGREE,  # tried in priorities.test_priorities, as are the next
    "priorities_reminder": Action.AGREE,  # to the side that has not sealed
    "priorities_sealed": "oneself",
    "priorities_ended": Action.AGREE,  # to both sides
    "head_priorities": Action.CONFIRM,
    "joint_order_proposed": Action.AGREE,
    "head_joint_order": Action.CONFIRM,
    # To whoever wrote a mail, or was written to in their place; tried in mailbox.test_receiving.
    "mail_counted": "oneself",
    "mail_not_counted": "oneself",
    "mail_by_another": "oneself",
    "mailbox_dead": Action.INVITE,  # to both sides; tried in mailbox.test_polling
    "change_lapsed": Action.AGREE,  # to both sides; tried in agreements.test_lapses
    "term_day": Action.AGREE,  # to both sides; tried in agreements.test_term_days
    "remark_made": Action.AGREE,  # tried in agreements.test_remarks
    "benefit_said": Action.AGREE,  # tried in agreements.test_afterwards
    "first_asked": Action.AGREE,  # tried in agreements.test_carrying_out, as are the next
    "first_accepted": Action.AGREE,
    "first_declined": Action.AGREE,
    "first_taken_back": Action.AGREE,
    "first_overdue": Action.AGREE,  # to both sides
    "void": Action.CONFIRM,  # to both sides; tried in reviews.test_closing
    "head_frozen": Action.CONFIRM,
    "head_restated": Action.CONFIRM,
    "by_mail": "oneself",
    # Of events, as each recipient sees them; tried in notifications.test_notifications.
    "your_move": "the owner, the leads, and one more who may",
    "activity": "oneself",
    "daily_digest": "oneself",
    "all_waiting": "oneself",  # tried in today.test_waiting
}
# Job -> as whom it looks: who asked for it, or somebody who leads in each relationship.
JOBS = {
    "books.recognise": "who asked",
    "books.look": "who asked",
    "books.bring": "who asked",
    "books.correct": "who asked",
    "books.write": "the room",
    "matters.write_book": "the room",
    "books.refuse": "the room",  # names an import, and tells and returns nothing
    "books.undo": "who asked",
    "books.begin": "who asked",
    "books.hold_back": "who asked",
    "books.disclose": "who asked",
    "books.complete": "who asked",
    "books.terms": "who asked",
    "books.copy": "who asked",
    "books.remove_copies": "the room",  # looks at the age of files
    "outbox.mail": "the room",  # takes one mail by its id, and sees no row of a relationship
    "outbox.recover": "the room",  # counts jobs, as above
    "notifications.tell": "lead",  # of the event's side, and defers the next
    "notifications.mail": "oneself",
    "notifications.tick": "oneself",  # and, for late deliveries, lead
    "books.route": "who asked",
    "books.stamp": "lead",
    "books.watch": "lead",  # of the side in whose folder a file lies
    "reviews.mail": "oneself",
    "first_run.load": "who asked",
    "first_run.remove": "the room",  # removes files of a sample that nobody is in
    "kpis.write": "who asked",
    "kpis.values": "who asked",  # as the next
    "priorities.tick": "lead",  # of each side, for what its own side has not sealed
    "agreements.write": "who asked",
    "agreements.file": "who asked",  # as the next
    "agreements.preview": "who asked",  # keeps a result for those who see the same, and tells nobody
    "agreements.asked": "who asked",  # as the one before
    "agreements.afterwards": "who asked",
    "agreements.baseline": "who asked",  # stores what both sides read
    "agreements.tick": "lead",
    "mailbox.poll": "the room",  # takes each mail as whoever wrote it
    "mailbox.forget": "the room",  # looks at the age of mails
    "today.waiting": "oneself",
    "ledger.file": "who asked",
    "ledger.recount": "lead",
    "books.overview": "who asked",  # as the two below
    "reviews.compute": "who asked",  # keeps a result for those who see the same, and tells nobody
    "reviews.attribute": "who asked",
    "matters.claim_effect": "who asked",
    "matters.pack": "who asked",
    "books.import_effect": "who asked",
    "matters.correction_effect": "who asked",
    "reviews.figures": "who asked",
    "reviews.logo": "who asked",
    "reviews.level": "who asked",
    "reviews.restate": "who asked",  # whoever signed last, or somebody of their side who may
    "reviews.recompute": "lead",  # defers the two above
    "reviews.new_day": "lead",
    "replies.tick": "the room",  # notes that the clock ran, and sees no row of a relationship
    "matters.tick": "lead",
    "matters.told": "lead",
    "matters.notice": "lead",  # of the side that gives it
    "reviews.tick": "lead",
}
THEIRS = {"procrastinate.builtin_tasks.remove_old_jobs", "builtin:procrastinate.builtin_tasks.remove_old_jobs"}
PRIVATE = """
[private]
provider = ["costs", "staff"]
customer = ["prices"]
"""


@pytest.fixture(scope="module")
def them():
    made = cast()
    made.book(
        PRIVATE + KPI,
        contacts="\n".join(contacts()),
        private__provider__costs="month,driver,quantity,unit_cost,behaviour\n2026-06,Zebulon,1,4711.13,fixed",
        private__customer__prices="month,index\n2026-05,8128.77\n2026-06,8128.77",
    )
    return made


def secrets():
    return [secret for side in OURS.values() for secret in side]


def called(name):
    """Where the room calls a function of a name: the file, and the text that it is given first of its own."""
    for file in Path(comity.apps.__path__[0]).rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(text)) if name in text else ():
            if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) == name:
                yield file.name, [one.value for one in node.args if isinstance(one, ast.Constant)]


def test_every_mail_is_placed():
    keys = {
        key.removesuffix(".mail")
        for key in words_for("en")._sentences
        if key.endswith(".mail") and not key.startswith("value_of.")
    }
    assert keys == MAILS.keys()
    told = {
        text
        for name in ("mail_side", "mail_member", "mail_person", "send_reminder")
        for _, texts in called(name)
        for text in texts
    }
    assert {text for text in told if isinstance(text, str)} == MAILS.keys() - {
        *(
            "invite",
            "notice",
            "head_frozen",
            "head_restated",
            "head_calendar",
            "head_kpis",
            "head_ledger",
            "silence_set",
            "silence_unset",
        ),
        *("change_proposed", "change_countered", "change_waived", "change_signed", "change_cosign"),
        "change_declined",
        *("change_withdrawn", "head_agreement", "head_priorities", "head_joint_order"),
        *(
            "change_lapsed",
            "term_day",
            "benefit_said",
            "first_asked",
            "first_accepted",
            "first_declined",
            "first_taken_back",
            "first_overdue",
        ),
        *("your_move", "activity", "daily_digest"),  # by the key of a message
        *("mail_counted", "mail_not_counted", "mail_by_another"),  # written by `mailbox.mail` itself
    }
    # One place writes mails, another hands them over; beside them only allauth's.
    assert sorted(file for file, _ in called("EmailMessage")) == ["mailing.py", "mailing.py", "mailing.py"]
    assert sorted(file for file, _ in called("EmailMultiAlternatives")) == ["mail.py"]
    assert not [file for file, _ in called("send_mail")]


def test_every_job_is_placed():
    assert app.tasks.keys() - THEIRS == JOBS.keys()
    assert {app.tasks[name].queue for name in JOBS} == set(QUEUES)  # somebody works on each


@pytest.mark.parametrize("language", ["en", "es"])
def test_a_mail_goes_to_members_with_the_right_and_holds_no_private_value(them, language):
    """A reminder and the word before silence; in the reader's language."""
    for one in them.people.values():
        type(one).objects.filter(pk=one.pk).update(language=language)
    period = {"en": "2026-05", "es": "2026-06"}[language]
    matter = raised(them, "provider_lead", Kind.DISPUTE)
    confirm(them, "provider_lead", period)
    running(matter, them, timedelta(days=1))
    with transaction.atomic():
        them.at("customer_lead")
        word = Consent.objects.get(subject=period)
    back(word, at=timezone.now() - timedelta(days=12))
    forget_mails()
    matters.tick(0)
    reviews.tick(0)
    ours = [one for one in sent_mails() if str(them.relationship) in one.body]
    for path, right in ((f"matters/{matter.pk}/", Action.ANSWER), (f"period={period}", Action.CONFIRM)):
        to = {address for one in ours if path in one.body for address in one.to}
        assert to == {
            them.people[name].email
            for name in EVERYBODY
            if name.startswith("customer") and role_may(name.split("_")[-1], right)
        }
    assert all(len(one.to) == 1 and not one.cc and not one.bcc for one in ours)
    told = "".join(str(one.message()) for one in ours)
    assert not any(secret in told for secret in secrets())
    assert ("contesta" in told.lower() or "confirma" in told.lower()) is (language == "es")


def test_a_title_with_line_breaks_does_not_stop_periodic_jobs(them):
    """Else either side could hold up the reminders of the whole relationship by one matter."""
    other = raised(them)
    with transaction.atomic():
        member = them.at("provider_lead")
        odd = raise_matter(member, NewMatter(Kind.DISPUTE, "A\r\nBcc: evil@example.org\n\nx", "Why.", **FIGURE), "UTC")
    running(odd, them, timedelta(days=1))
    running(other, them, timedelta(days=1))
    forget_mails()
    matters.tick(0)
    told = [one for one in sent_mails() if str(odd.pk) in one.body]
    assert told
    assert all("evil@example.org" not in one.recipients() and one.message()["Bcc"] is None for one in told)
    assert [one for one in sent_mails() if str(other.pk) in one.body]


@pytest.mark.parametrize("job", [books.look_at_delivery, books.import_delivery])
@pytest.mark.parametrize("who", ["customer_lead", "stranger", "former"])
def test_a_job_for_a_non_member_does_nothing(them, job, who):
    made = received(
        them, "provider_lead", "costs.csv", "month,driver,quantity,unit_cost,behaviour\n2026-06,x,1,5,fixed\n"
    )
    with pytest.raises((PermissionError, Delivery.DoesNotExist)):
        job(str(them.people[who].pk), str(them.relationship), str(made.pk))
    with transaction.atomic():
        them.at("provider_lead")
        assert Delivery.objects.get(pk=made.pk).stage == made.stage


ANSWERS = "response_id,audience,respondent_id,instrument,scale_min,scale_max,score,answered_on,queue\n"
ANSWER = "r{},customer,p{},csat,1,5,{},2026-06-01,{}\n"


def correcting(them, asks, number):
    """What one side brought, and the other would change: the matter of it."""
    answers = "customer" if asks == "provider" else "provider"
    for side, score, word in ((answers, 1, "well"), (asks, 5, "Zebulon 4711.13")):
        text = ANSWERS + ANSWER.format(f"{asks}{number}", number, score, word)
        assert brought(them, f"{side}_lead", f"Zebulon-4711.13-{number}.csv", text).stage == "brought"
    with transaction.atomic():
        them.at(f"{asks}_lead")
        return Matter.objects.filter(kind=Kind.CORRECTION, asks=asks).latest("raised_at")


def on_record(them, response):
    with transaction.atomic(), queries.open_member_book(them.at("auditor")) as book:
        found = book.table("surveys").to_pyarrow().to_pylist()
    return next(one["score"] for one in found if one["response_id"] == response)


def waiting_jobs(them, name):
    with superuser() as everybody:
        found = everybody.execute(
            "SELECT args FROM procrastinate_jobs WHERE task_name = %s AND args->>'relationship' = %s ORDER BY id",
            [name, str(them.relationship)],
        )
        return [args for (args,) in found.fetchall()]


@pytest.mark.parametrize("language", ["en", "es"])
def test_a_correction_mail_is_in_the_readers_language_without_values(them, language):
    """Whoever imported speaks the other one: neither the file's name nor a value stands in the mail."""
    other = {"en": "es", "es": "en"}[language]
    for name, one in them.people.items():
        spoken = language if name.startswith("customer") else other
        type(one).objects.filter(pk=one.pk).update(language=spoken)
    forget_mails()
    number = {"en": 1, "es": 2}[language]
    matter = correcting(them, "provider", number)
    ours = [one for one in sent_mails() if f"matters/{matter.pk}/" in one.body]
    to_answer = {them.people[name].email for name in ("customer_lead", "customer_analyst")}
    assert sorted(address for one in ours for address in one.to) == sorted(to_answer)
    assert all(len(one.to) == 1 and not one.cc and not one.bcc for one in ours)
    words = words_for(language)
    title = words(
        "correction.title", table=words.named("table", "surveys"), rows=words.number(1), party="Northwind Energy"
    )
    asked = words("your_move.asked.correction")
    assert {one.subject for one in ours} == {f"[Northwind Energy × Helpline] {title}: {asked}"}  # noqa: RUF001
    said = {spoken: words_for(spoken)("your_move.silence_changes_nothing") for spoken in (language, other)}
    assert all(said[language] in one.body and said[other] not in one.body for one in ours)
    assert not any(secret in str(one.message()) + one.body + one.subject for one in ours for secret in secrets())
    # Before its day whoever may answer is reminded once, and told that silence changes nothing; which is so.
    running(matter, them, timedelta(days=1))
    forget_mails()
    matters.tick(0)
    matters.tick(0)
    ours = [one for one in sent_mails() if f"matters/{matter.pk}/" in one.body]
    assert sorted(address for one in ours for address in one.to) == sorted(to_answer)
    said = {"en": "Without an answer nothing changes", "es": "Sin respuesta, nada cambia"}
    assert all(said[language] in one.body for one in ours)
    running(matter, them, -timedelta(days=9))
    matters.tick(0)
    with transaction.atomic():
        them.at("customer_lead")
        assert Matter.objects.get(pk=matter.pk).state == "asked"
    page = them.client("customer_lead").get(them.url(f"matters/{matter.pk}/"), headers={"accept-language": language})
    assert said[language].lower().replace(",", "") in page.content.decode().lower().replace(",", "")
    assert not re.search("counts as accepted|cuenta como aceptado", page.content.decode())
    assert on_record(them, f"rprovider{number}") == 1


@pytest.mark.parametrize("who", ["customer_lead", "former"])
def test_an_accepted_correction_is_made_only_in_the_name_of_who_accepted(them, who):
    """The other side cannot; where who accepted it has left, it is made in the name of who leads their side."""
    number = ["customer_lead", "former"].index(who)
    matter = correcting(them, "customer", number)
    found = sent(them, "provider_lead", matter, "agree", which="all")
    assert found.status_code == 302
    with transaction.atomic():
        member = them.at("provider_lead")
        made = Delivery.objects.exclude(corrects={}).latest("at")
    asked = waiting_jobs(them, "books.correct")[-1]
    assert asked == {
        "person": str(member.membership.person_id),
        "relationship": str(them.relationship),
        "delivery": str(made.pk),
        "sides": ["provider"],
    }
    if who == "former":
        books.make_correction(**asked | {"person": str(them.people[who].pk)})
        assert on_record(them, f"rcustomer{number}") == 5
        return
    with pytest.raises(Delivery.DoesNotExist):
        books.make_correction(**asked | {"person": str(them.people[who].pk)})
    assert on_record(them, f"rcustomer{number}") == 1
    with transaction.atomic():
        them.at("provider_lead")
        assert Delivery.objects.get(pk=made.pk).stage == "bringing"
    books.make_correction(**asked)
    assert on_record(them, f"rcustomer{number}") == 5


def test_only_the_side_of_the_rows_refuses_a_correction(them):
    """The job takes the word of the room: nobody else has it deferred."""
    matter = correcting(them, "provider", 7)
    before = waiting_jobs(them, "books.refuse")
    for who, status in (
        ("provider_lead", 422), ("customer_member", 422), ("customer_finance", 422), ("mediator", 403),
        ("auditor", 403), ("stranger", 404), ("former", 404),
    ):  # fmt: skip
        assert sent(them, who, matter, "decline").status_code == status, who
        assert waiting_jobs(them, "books.refuse") == before, who
    assert sent(them, "customer_analyst", matter, "decline").status_code == 302
    (asked,) = waiting_jobs(them, "books.refuse")[len(before) :]
    about = asked.keys() - {"relationship", "sides"}
    assert {"table", "number"} <= about
    known = {"relationship": str(them.relationship), "sides": ["customer", "provider"]}
    assert asked == known | {name: matter.records[name] for name in about}
    for _ in range(2):  # begun again, it finds nothing more to do
        books.refuse_correction(**asked)
    assert on_record(them, "rprovider7") == 1
    with pytest.raises(NoProposalError):
        count_proposals(queries.book_folder(them.relationship), "surveys", matter.records["number"])


def test_logs_and_file_names_hold_no_private_value_or_person(them, caplog):
    """Of whatever is asked, granted or refused: neither what is kept, nor names, addresses and words."""
    caplog.set_level(logging.DEBUG)
    caplog.handler.setFormatter(logging.Formatter("%(name)s %(message)s"))
    brought(
        them, "provider_lead", "Zebulon-4711.13.csv", "month,driver,quantity,unit_cost,behaviour\n2026-06,x,y,5,fixed\n"
    )
    names = []
    for who in ("customer_lead", "provider_lead", "provider_member", "auditor", "stranger", "former", None):
        browser = them.client(who)
        for path in ("", "review/", "review/file.json", "review/file.xlsx", "record/", "records/", "log/", "people/",
                     "attribution/", "matters/", "review/?period=none"):  # fmt: skip
            names.append(  # noqa: PERF401
                browser.get(them.url(path)).headers.get("Content-Disposition", "")
            )
        browser.post(them.url("people/invite/"), {"email": "Zebulon@example.org", "role": "member"})
        browser.post(them.url("matters/raise/action/"), {"title": "Zebulon 4711.13"})
    Client().post("/sign-in/", {"login": them.people["auditor"].email, "password": "Zebulon 4711.13"})
    Client().get("/api/relationships", headers={"authorization": "Bearer Zebulon"})
    assert set(names) == {
        "",
        'attachment; filename="record.json"',
        *(f'attachment; filename="review-2026-06.{form}"' for form in ("json", "xlsx")),
    }
    ours = [one for one in caplog.records if not one.name.startswith(("asyncio", "fontTools", "weasyprint"))]
    assert ours
    text = "\n".join(f"{one.name} {one.getMessage()}" for one in ours)
    people = [one.email for one in them.people.values()] + [one.name for one in them.people.values()]
    for told in (*secrets(), "Zebulon@", "Northwind", "Helpline", *people):
        assert told not in text
    assert kept(them) is not None
