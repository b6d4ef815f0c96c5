"""What must happen after commit: deferred with the transaction or not at all, tried again, and told where it fails."""

import inspect
import json
from datetime import UTC, date, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core import mail as django_mail
from django.core.mail import EmailMessage
from django.db import ProgrammingError, transaction
from django.test import Client
from django.utils import timezone
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob
from procrastinate.jobs import Job

from comity.apps.books import operations as books
from comity.apps.books.queries import book_folder, open_member_book
from comity.apps.i18n import words_for
from comity.apps.matters.models import Matter
from comity.apps.outbox import mail, queries
from comity.apps.outbox.models import WaitingMail
from comity.apps.outbox.operations import (
    FIRST_RETRY_S,
    MAX_ATTEMPTS,
    MAX_RETRY_S,
    ExponentialBackoff,
    defer,
    recover_stalled_jobs,
)
from comity.apps.parties import operations as parties
from comity.apps.parties.models import Role
from comity.book.definition import UnusableBookError
from comity.core.matters.kinds import Kind
from comity.core.values import Side
from tests.builders.levels import KPI, contacts
from tests.builders.uploads import received, run
from tests.room import BACKEND, cast, forget_mails, run_jobs, sent_mails, superuser

pytestmark = pytest.mark.gate
TEAMS = "contact_id,opened_at,queue,channel,team\na,2026-06-01T10:00:00Z,help,voice,Zebulon\n"
CLAIM = {"title": "Out", "text": "It was out.", "event": "outage", "asked_for": "exclude", "from_day": "2026-06-10",
         "to_day": "2026-06-11"}  # fmt: skip


@pytest.fixture
def them():
    made = cast()
    made.book(KPI, contacts="\n".join(contacts()))
    return made


class StopError(Exception):
    pass


def jobs(them):
    return list(queries.unfinished_jobs(them.relationship))


def fail(number, *, attempts, status="todo"):
    with superuser() as everybody:
        change = "UPDATE procrastinate_jobs SET attempts = %s, status = %s, scheduled_at = %s WHERE id = %s"
        everybody.execute(change, [attempts, status, timezone.now() + timedelta(minutes=5), number])


def test_deferring_a_job_needs_a_transaction():
    with pytest.raises(RuntimeError, match="inside a transaction"):
        defer("books.write")


def test_a_rollback_leaves_no_job_mail_or_file(them):
    before = (book_folder(them.relationship) / "book.toml").read_bytes()
    forget_mails()
    with pytest.raises(StopError), transaction.atomic():
        place = them.at("provider_lead")
        books.mark_private(place, "contacts.team", "Ours.", date(2090, 1, 1))
        EmailMessage("Subject", "Text", None, ["somebody@example.org"]).send()
        assert len(jobs(them)) == 1
        raise StopError
    assert jobs(them) == []
    assert sent_mails() == []
    assert (book_folder(them.relationship) / "book.toml").read_bytes() == before


def test_a_claim_is_applied_once_though_the_book_is_unreadable_for_a_while(them):
    """Before, the page said that nothing was changed, kept the claim, and never told the book of it."""
    definition = book_folder(them.relationship) / "book.toml"
    whole = definition.read_text(encoding="utf-8")
    definition.write_text(whole + "\n[oops\n", encoding="utf-8")
    browser = them.client("provider_lead")
    with pytest.raises(UnusableBookError):  # what the worker meets, and tries again
        browser.post(them.url("matters/raise/claim/"), CLAIM)
    with transaction.atomic():
        them.at("provider_lead")
        matter = Matter.objects.get(kind=Kind.CLAIM)
    (job,) = (one for one in jobs(them) if one.task_name == "books.write")
    fail(job.id, attempts=queries.SHOWN_AFTER_ATTEMPTS)
    for who in ("provider_lead", "customer_lead", "auditor"):  # a claim that the figures do not show concerns both
        with transaction.atomic():
            assert [one.task for one in queries.failing_jobs(them.at(who))] == ["books.write"]
    definition.write_text(whole, encoding="utf-8")
    run_jobs()
    with transaction.atomic(), open_member_book(them.at("auditor")) as book:
        assert [one["event_id"] for one in book.table("events").to_pyarrow().to_pylist()] == [f"room-{matter.pk}"]


def test_a_claim_whose_terms_come_back_is_in_the_book_as_it_stands(them):
    """A kill test found it: the rows of the third state are those of the first, and counted as imported already."""
    them.client("provider_lead").post(them.url("matters/raise/claim/"), CLAIM)
    with transaction.atomic():
        them.at("provider_lead")
        matter = Matter.objects.filter(kind=Kind.CLAIM).latest("raised_at")
    others = (("customer_lead", "2026-06-12"), ("provider_lead", "2026-06-10"), ("customer_lead", "2026-06-12"))
    for seen, (who, day) in enumerate(others, 1):
        terms = {"text": "Other days.", "from_day": day, "to_day": day, "seen": seen}
        answer = them.client(who).post(them.url(f"matters/{matter.pk}/move/counter/"), terms)
        assert answer.status_code == 302, answer.content
        run_jobs()
        with transaction.atomic(), open_member_book(them.at("auditor")) as book:
            rows = book.table("events").to_pyarrow().to_pylist()
        ((begins, ends),) = ((one["from"], one["to"]) for one in rows if one["event_id"] == f"room-{matter.pk}")
        zone = ZoneInfo("Europe/Madrid")
        assert str(begins.replace(tzinfo=UTC).astimezone(zone).date()) == day
        assert ends - begins == timedelta(days=1)


def test_an_import_waits_for_earlier_holding_back(them):
    """Else its rows could be in the shared records by then, and stay there."""
    them.book('[private]\nprovider = ["costs"]\n' + KPI)
    made = run(them, "provider_lead", received(them, "provider_lead", "c.csv", TEAMS), dry_run=True)
    with transaction.atomic():
        books.mark_private(them.at("provider_lead"), "contacts.team", "Ours.", date(2090, 1, 1))
        books.import_delivery(them.at("provider_lead"), made)
    held_back, imported = (one for one in jobs(them) if one.task_name in {"books.hold_back", "books.bring"})
    assert held_back.lock == imported.lock == f"book {them.relationship} provider"  # one after the other, in order
    run_jobs("books.hold_back", "books.bring")
    with transaction.atomic(), open_member_book(them.at("customer_lead")) as book:
        rows = book.table("contacts").to_pyarrow().to_pylist()
    assert [row.get("team") for row in rows if row["contact_id"] == "a"] == [None]


def test_a_failing_job_of_one_side_does_not_block_the_other(them):
    with transaction.atomic():
        books.mark_private(them.at("provider_lead"), "contacts.team", "Ours.", date(2090, 1, 1))
    (stuck,) = jobs(them)
    made = run(them, "customer_lead", received(them, "customer_lead", "c.csv", TEAMS), dry_run=True)
    with transaction.atomic():
        books.import_delivery(them.at("customer_lead"), made)
    (imported,) = (one for one in jobs(them) if one.task_name == "books.bring")
    assert stuck.lock != imported.lock
    run_jobs("books.hold_back", "books.bring", "books.look")


def test_a_holding_back_job_runs_though_its_author_has_left(them):
    with transaction.atomic():
        books.mark_private(them.at("provider_analyst"), "contacts.team", "Ours.", date(2090, 1, 1))
        place = them.at("provider_lead")
        parties.end_membership(place, place.relationship.memberships.get(person=them.people["provider_analyst"]))
    run_jobs()
    assert "contacts.team" in (book_folder(them.relationship) / "book.toml").read_text(encoding="utf-8")


def test_today_shows_failing_jobs_to_their_side_with_a_retry_button(them):
    with transaction.atomic():
        them.at("provider_lead")
        defer("books.look", relationship=them.relationship, sides=(Side.PROVIDER,), person="x", delivery="y")
    (job,) = jobs(them)
    again = them.url(f"jobs/{job.id}/again/")
    assert them.client("provider_lead").post(again).status_code == 404  # it has not failed yet
    fail(job.id, attempts=queries.SHOWN_AFTER_ATTEMPTS)
    for who, told in (("provider_lead", True), ("provider_member", True), ("customer_lead", False), ("auditor", False)):
        assert (again in them.client(who).get(them.url()).content.decode()) is told, who
    for who in ("customer_lead", "stranger", "former", "auditor"):
        assert them.client(who).post(again).status_code == 404
    fail(job.id, attempts=40, status="failed")
    assert them.client("provider_lead").post(again).status_code == 302
    found = ProcrastinateJob.objects.get(id=job.id)
    assert (found.status, found.scheduled_at) == ("todo", None)


NOBODY = "00000000-0000-0000-0000-000000000000"


def test_failed_jobs_are_told_once_with_their_period_and_no_longer_once_a_later_one_has_done_it(them):
    def compute(period, key):
        with transaction.atomic():
            them.at("provider_lead")
            defer(
                "reviews.compute", relationship=them.relationship, sides=tuple(Side), person=NOBODY, joint=True,
                key=key, since="x", terms={"period": period, "against": None}, queueing_lock=key,
            )  # fmt: skip
        return jobs(them)[-1].id

    failed = []
    for period, key in (("2026-10", "a"), ("2026-10", "b"), ("2026-11", "c")):
        failed.append(compute(period, key))
        fail(failed[-1], attempts=3, status="failed")
    page = them.client("provider_lead").get(them.url()).content.decode()
    assert page.count(words_for("en")("outbox.reviews_compute")) == 2
    assert page.count("Period: October\u00a02026.") == page.count("Period: November\u00a02026.") == 1
    # One of October is done later, by a job of the same question: the other is still told; then both, and nothing is.
    for key, left in (("a", 1), ("b", 0)):
        fail(compute("2026-10", key), attempts=0, status="succeeded")
        page = them.client("provider_lead").get(them.url()).content.decode()
        assert page.count("Period: October\u00a02026.") == left
    plain = Client()  # which does not do the job at once
    plain.force_login(them.people["provider_lead"], backend=BACKEND)
    assert plain.post(them.url(f"jobs/{failed[2]}/again/")).status_code == 302
    assert [ProcrastinateJob.objects.get(id=one).status for one in failed] == ["failed", "failed", "todo"]


def test_whoever_a_failure_concerns_is_told_what_was_not_done():
    """Each job that fails for somebody has a sentence of its own; that something was not done helps nobody."""
    told = {name for name, task in app.tasks.items() if "sides" in inspect.signature(task.func).parameters}
    assert {"agreements.write", "books.overview", "reviews.compute"} <= told
    for language in ("en", "es"):
        words = words_for(language)
        assert {name for name in told if not words.has(f"outbox.{name.replace('.', '_')}")} == set()


def test_backoff_doubles_each_wait_and_ends():
    strategy = ExponentialBackoff(max_attempts=5)

    def job(attempts):
        return Job(id=1, queue="q", lock=None, queueing_lock=None, task_name="t", attempts=attempts)

    waits = [strategy.get_retry_decision(exception=StopError(), job=job(attempts)) for attempts in range(5)]
    seconds = [None if one is None else round((one.retry_at - timezone.now()).total_seconds()) for one in waits]
    assert seconds == [FIRST_RETRY_S, 2 * FIRST_RETRY_S, 4 * FIRST_RETRY_S, 8 * FIRST_RETRY_S, None]
    late = ExponentialBackoff().get_retry_decision(exception=StopError(), job=job(MAX_ATTEMPTS - 2))
    assert round((late.retry_at - timezone.now()).total_seconds()) == MAX_RETRY_S


def test_jobs_of_dead_workers_are_recovered_and_finally_fail(them):
    with transaction.atomic():
        them.at("provider_lead")
        for number in range(3):
            defer("books.look", relationship=them.relationship, person="x", delivery=str(number))
    first, second, third = jobs(them)
    most = app.tasks["books.look"].retry_strategy.max_attempts
    with superuser() as everybody:
        alive, dead = (
            everybody.execute(
                "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - %s * interval '1 s') RETURNING id",
                [silent],
            ).fetchone()[0]
            for silent in (5, 70)
        )
        for job, worker, attempts in ((first, alive, 0), (second, dead, 0), (third, dead, most - 1)):
            change = "UPDATE procrastinate_jobs SET status = 'doing', worker_id = %s, attempts = %s WHERE id = %s"
            everybody.execute(change, [worker, attempts, job.id])
    assert recover_stalled_jobs() >= 2
    found = [ProcrastinateJob.objects.get(id=one.id).status for one in (first, second, third)]
    assert found == ["doing", "todo", "failed"]
    with superuser() as everybody:
        everybody.execute("DELETE FROM procrastinate_jobs WHERE id = ANY (%s)", [[first.id, second.id, third.id]])


# Mails ------------------------------------------------------------------------------------------------------------


def kept_mail():
    with transaction.atomic():
        EmailMessage("A subject", "word 4711", None, ["somebody@example.org"]).send()
    with superuser() as everybody:
        return everybody.execute("SELECT id, payload FROM outbox_waitingmail ORDER BY created_at DESC").fetchone()


def test_a_waiting_mail_is_unreadable_and_sent_once(them):
    forget_mails()
    number, payload = kept_mail()
    assert b"4711" not in bytes(payload)
    assert b"somebody" not in bytes(payload)
    with pytest.raises(ProgrammingError), transaction.atomic():
        them.at("customer_lead")
        list(WaitingMail.objects.all())
    assert mail.send_waiting_mail(number)
    assert not mail.send_waiting_mail(number)  # the job begun again finds nothing more to do
    (sent,) = django_mail.outbox
    assert (sent.subject, sent.body, sent.to) == ("A subject", "word 4711", ["somebody@example.org"])
    with superuser() as everybody:
        assert everybody.execute("SELECT 1 FROM outbox_waitingmail WHERE id = %s", [number]).fetchone() is None


@pytest.mark.usefixtures("them")
def test_a_mail_that_failed_is_retried_with_the_same_id(monkeypatch):
    number, _ = kept_mail()
    ids = []

    def down(_self, messages):
        ids.extend(one.extra_headers["Message-ID"] for one in messages)
        raise ConnectionRefusedError("no mail today")

    monkeypatch.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", down)
    for _ in range(2):
        with pytest.raises(ConnectionRefusedError):
            mail.send_waiting_mail(number)
    assert len(ids) == 2
    assert len(set(ids)) == 1
    monkeypatch.undo()
    assert mail.send_waiting_mail(number)


def test_attachments_of_a_mail_are_unchanged():
    forget_mails()
    with transaction.atomic():
        one = EmailMessage("A subject", "Text", None, ["somebody@example.org"])
        one.attach("a.bin", b"\x00\xff", "application/octet-stream")
        one.send()
    (sent,) = sent_mails()
    assert [tuple(part) for part in sent.attachments] == [("a.bin", b"\x00\xff", "application/octet-stream")]


def test_a_failing_mail_is_shown_to_the_sides_that_it_concerns(them):
    forget_mails()
    with transaction.atomic():
        parties.invite_by_mail(them.at("customer_lead"), "new@example.org", Role.MEMBER, Side.CUSTOMER)
    (job,) = queries.unfinished_jobs(them.relationship, ["outbox.mail"])
    assert job.args["sides"] == ["customer"]
    assert "new@example.org" not in json.dumps(job.args)  # what waits does not say whom it is to
    (sent,) = sent_mails()
    assert sent.to == ["new@example.org"]
    assert not [name for name in sent.extra_headers if name.startswith("X-Comity")]


def test_a_job_that_begun_is_put_back_though_another_of_its_name_waits(them):
    """Found by 500 kills: one pair of them kept every stalled job from being put back."""
    arguments = {"relationship": them.relationship, "sides": (), "queueing_lock": "one at a time"}
    with transaction.atomic():
        defer("reviews.recompute", **arguments)
        defer("reviews.recompute", **arguments)  # it waits already
    with superuser() as everybody:
        query = "SELECT id FROM procrastinate_jobs WHERE queueing_lock = 'one at a time'"
        ((job,),) = everybody.execute(query).fetchall()
        everybody.execute("UPDATE procrastinate_jobs SET status = 'doing' WHERE id = %s", [job])
    with transaction.atomic():
        defer("reviews.recompute", **arguments)
    assert recover_stalled_jobs() >= 1
    with superuser() as everybody:
        jobs = everybody.execute(
            "SELECT id = %s, status, queueing_lock FROM procrastinate_jobs "
            "WHERE task_name = 'reviews.recompute' AND args ->> 'relationship' = %s ORDER BY id",
            [job, str(them.relationship)],
        ).fetchall()
    assert jobs == [(True, "todo", None), (False, "todo", "one at a time")]
