"""The mailbox as a server holds it; what silence may follow from; mails of ours that came back; four ages."""

from datetime import timedelta
from email import message_from_bytes

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.db.utils import DatabaseError
from django.test import Client
from django.utils import timezone
from psycopg.types.json import Jsonb

from comity.apps.i18n import words_for
from comity.apps.mailbox import imap, polling, receiving
from comity.apps.mailbox.addresses import reply_address
from comity.apps.mailbox.imap import Mailbox
from comity.apps.mailbox.models import Bounce, Outcome
from comity.apps.mailbox.tasks import poll
from comity.apps.replies.queries import was_heard
from comity.core.matters.kinds import Kind
from comity.core.matters.transitions import Move
from tests.builders.mails import ROOM, bounce, imap_server, lookup, signed, smtp_server, written
from tests.builders.matters import raised, steps
from tests.room import cast, forget_mails, run_jobs, sent_mails, superuser

pytestmark = pytest.mark.gate
WHO = "provider_lead"


@pytest.fixture(scope="module")
def them():
    return cast()


@pytest.fixture(autouse=True)
def _nothing_was_read():
    cast_tables = "TRUNCATE mailbox_span; UPDATE mailbox_use SET reads = false, told_at = NULL, since = now()"
    with superuser() as everybody:
        everybody.execute(cast_tables)
        yield
        everybody.execute(cast_tables)


@pytest.fixture
def server(monkeypatch):
    with imap_server() as made:
        monkeypatch.setattr(settings, "MAILBOX", Mailbox("127.0.0.1", made.port, "comity", "secret", "INBOX", "none"))
        monkeypatch.setattr(settings, "MAILBOX_ADDRESS", ROOM)
        monkeypatch.setattr(settings, "MAILBOX_CHECKED_BY", "")
        yield made


def reply(them, matter, text="Yes, from Monday.", move=Move.AGREE):
    to = reply_address(them.people[WHO].pk, matter.pk, move, 1, timezone.now())
    return signed(written(them.people[WHO].email, to, text))


def question(them, title="A question"):
    matter = raised(them, kind=Kind.QUESTION, title=title)
    forget_mails()
    return matter


def ran(sql, *values):
    with superuser() as everybody:
        return everybody.execute(sql, values).fetchone()


def test_a_question_goes_out_by_smtp_comes_back_by_imap_and_is_answered(them, server, monkeypatch):
    """Both servers as programs of their own: what the mail server was handed is replied to, and read."""
    matter = raised(them, kind=Kind.QUESTION, title="Over the wire")
    with smtp_server() as (port, mails):
        monkeypatch.setattr(settings, "MAIL_SERVER_BACKEND", "django.core.mail.backends.smtp.EmailBackend")
        monkeypatch.setattr(settings, "EMAIL_HOST", "127.0.0.1")
        monkeypatch.setattr(settings, "EMAIL_PORT", port)
        run_jobs("notifications.tell", "notifications.mail", "outbox.mail")
        [raw] = [content for to, content in mails if to == [them.people[WHO].email]]
    asked = message_from_bytes(raw)
    server.deliver(signed(written(them.people[WHO].email, asked["Reply-To"], "Yes, from Monday.")))
    assert polling.poll(lookup) == 1
    assert (steps(them, matter)[-1].move, steps(them, matter)[-1].text) == (Move.AGREE, "Yes, from Monday.")
    assert server.messages == {}


def test_a_mail_that_is_handed_over_twice_counts_once_and_is_removed(them, server, monkeypatch):
    """As if the worker died after the mail was kept and before it was removed."""
    matter = question(them)
    server.deliver(reply(them, matter))
    monkeypatch.setattr(imap.OpenMailbox, "remove", lambda *_: None)
    polling.poll(lookup)
    monkeypatch.undo()
    monkeypatch.setattr(settings, "MAILBOX", Mailbox("127.0.0.1", server.port, "c", "secret", "INBOX", "none"))
    monkeypatch.setattr(settings, "MAILBOX_ADDRESS", ROOM)
    assert len(server.messages) == 1
    polling.poll(lookup)
    assert (len(steps(them, matter)), server.messages) == (2, {})


def test_a_mail_that_waits_for_dns_stays_and_comes_after_the_others(them, server):
    matter = question(them)

    def silent(*_, **__):
        raise TimeoutError

    server.deliver(reply(them, matter))
    assert polling.poll(silent) == 0
    assert [flags for _, _, flags in server.messages.values()] == [{"\\Flagged"}]
    server.deliver(written("a@example.org", ROOM, "Later mail."))
    polling.poll(lookup)
    assert (len(steps(them, matter)), server.messages) == (2, {})


def test_of_a_large_mail_only_the_headers_are_read(them, server, monkeypatch):
    monkeypatch.setattr(imap, "MAX_BYTES", 100)
    matter = question(them)
    server.deliver(reply(them, matter))
    polling.poll(lookup)
    assert server.fetched == [b"BODY[HEADER]"]
    [mail] = [one for one in sent_mails() if one.to == [them.people[WHO].email]]
    assert words_for("en")("by_mail.not_too_large") in mail.body
    assert len(steps(them, matter)) == 1


@pytest.mark.parametrize("fault", ["broken", "password", "folder", "gone"])
def test_a_mailbox_that_cannot_be_read_is_no_error_of_the_worker_and_no_reading(server, monkeypatch, fault):
    host = {"user": "c", "password": "secret", "folder": "INBOX"}
    if fault == "broken":
        server.broken = True
    host |= {"password": {"password": "x"}, "folder": {"folder": "Other"}}.get(fault, {})
    port = 1 if fault == "gone" else server.port
    monkeypatch.setattr(settings, "MAILBOX", Mailbox("127.0.0.1", port, security="none", **host))
    poll(0)
    assert ran("SELECT count(*) FROM mailbox_span") == (0,)
    assert ran("SELECT reads FROM mailbox_use") == (True,)


# Silence ----------------------------------------------------------------------------------------------------------


def test_without_a_mailbox_silence_depends_on_none():
    poll(0)
    assert was_heard(timezone.now())


@pytest.mark.usefixtures("server")
def test_only_what_was_sent_before_a_reading_is_known():
    before = timezone.now() - timedelta(minutes=1)
    ran("INSERT INTO mailbox_span VALUES (%s, %s) RETURNING 1", *[before - timedelta(minutes=1)] * 2)
    polling.poll(lookup)
    assert was_heard(before)
    assert not was_heard(timezone.now())


@pytest.mark.usefixtures("server")
def test_a_mailbox_that_was_dead_on_the_day_is_not_made_up_for_by_a_later_reading():
    """Three days without a reading, then one: on the day itself a mail may have been turned away."""
    polling.poll(lookup)
    until = timezone.now() - timedelta(hours=30)
    assert not was_heard(until)
    ran("INSERT INTO mailbox_span VALUES (%s, %s) RETURNING 1", until - timedelta(hours=3), until - timedelta(hours=2))
    assert was_heard(until)


@pytest.mark.parametrize("began", ["now() + interval '1 minute'", "now() - interval '2 hours'", "NULL"])
@pytest.mark.usefixtures("them")
def test_the_app_role_cannot_record_a_reading_of_another_time(began):
    with pytest.raises(DatabaseError, match="comity:"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SELECT comity_mailbox_read({began})")


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO mailbox_span VALUES (now(), now())",
        "UPDATE mailbox_use SET reads = false",
        "DELETE FROM mailbox_bounce",
        "INSERT INTO mailbox_bounce SELECT gen_random_uuid(), now(), now(), comity_person(), comity_relationship()",
        "SELECT payload FROM mailbox_rawmail",
        "UPDATE mailbox_receivedmail SET outcome = 'counted'",
        "DELETE FROM mailbox_receivedmail",
        "DELETE FROM mailbox_uncopied",
        """INSERT INTO mailbox_receivedmail (id, relationship_id, person_id, side, at, read_at, outcome, raw_digest)
        SELECT gen_random_uuid(), comity_relationship(), id, 'provider', now(), now(), 'counted', 'x'
        FROM parties_person WHERE id <> comity_person() LIMIT 1""",
    ],
)
def test_the_app_role_cannot_write_what_silence_and_mails_are_judged_by(them, sql):
    with pytest.raises(DatabaseError, match=r"permission denied|row-level security"), transaction.atomic():
        them.at("customer_lead")
        with connection.cursor() as cursor:
            cursor.execute(sql)


def test_an_outage_is_mailed_once_to_the_leads_of_both_sides_and_shown_to_everybody(them, server):
    poll(0)  # it is read from now on
    long_ago = timezone.now() - timedelta(hours=3)
    with superuser() as everybody:
        everybody.execute("TRUNCATE mailbox_span; UPDATE mailbox_use SET since = now() - interval '3 hours'")
        everybody.execute("INSERT INTO mailbox_span VALUES (%s, %s)", [long_ago, long_ago])
    server.broken = True
    forget_mails()
    poll(0)
    poll(0)
    subject = words_for("en")("mailbox_dead.subject")
    leads = sorted(them.people[f"{side}_lead"].email for side in ("customer", "provider"))
    assert sorted(one.to[0] for one in sent_mails() if subject in one.subject and one.to[0] in leads) == leads
    sentence = words_for("en")("mailbox.mailbox_dead", at="x").partition("x")[0]
    for who in ("customer_member", "provider_lead"):
        assert sentence in them.client(who).get(them.url()).content.decode()
    server.broken = False
    poll(0)
    assert sentence not in them.client("provider_lead").get(them.url()).content.decode()


# Mails of ours that came back ----------------------------------------------------------------------------------------


def told_by(them, title):
    """The mail by which the provider's lead was told of a question, and its Message-ID as a report encloses it."""
    forget_mails()
    raised(them, kind=Kind.QUESTION, title=title)
    [mail] = [one for one in sent_mails() if one.to == [them.people[WHO].email]]
    forget_mails()
    return f"Message-ID: {mail.extra_headers['Message-ID']}\r\nSubject: {title}"


def bounces(them):
    with transaction.atomic():
        them.at("customer_lead")
        return Bounce.objects.filter(relationship=them.relationship).count()


def test_a_mail_that_came_back_is_shown_to_both_sides_until_its_person_answers_by_mail():
    made = cast()
    headers, address = told_by(made, "Returned"), made.people[WHO].email
    assert receiving.receive(bounce(headers, address), timezone.now()) is Outcome.BOUNCE
    sentence = words_for("en")("mailbox.bounced", name=made.people[WHO].name, party="Helpline")
    for who in ("customer_lead", "provider_member"):
        assert sentence in made.client(who).get(made.url()).content.decode()
    # Again it says nothing new: the same report, and another about the same mail.
    assert receiving.receive(bounce(headers, address), timezone.now()) is Outcome.AUTOMATIC
    assert bounces(made) == 1


@pytest.mark.parametrize("case", ["made up", "other address", "delayed", "another's"])
def test_a_bounce_that_is_made_up_or_says_something_else_changes_nothing(case):
    """Nobody can make another's mail come back: they do not know its Message-ID."""
    made = cast()
    headers, address = told_by(made, "Returned"), made.people[WHO].email
    raw = {
        "made up": bounce("Message-ID: <1764580000.00.11.22@room.example>", address),
        "other address": bounce(headers, made.people["provider_analyst"].email),
        "delayed": bounce(headers, address, action="delayed", status="4.4.1"),
        "another's": bounce(headers.replace(headers[-30:-20], "0000000000"), address),
    }[case]
    if case == "another's":
        raw = bounce(headers.replace(".", "0.", 1), address)
    assert receiving.receive(raw, timezone.now()) is Outcome.AUTOMATIC
    assert bounces(made) == 0


def test_one_bounce_stops_no_later_notice():
    """It concerns the notice of its own minutes alone: nobody stops a clock for ever by one mail that failed."""
    made = cast()
    now = timezone.now()
    told = [{"person": str(made.people[WHO].pk), "taken_at": now.isoformat()}]
    with superuser() as everybody:
        consent = everybody.execute(
            "INSERT INTO record_consent (id, relationship_id, subject_type, subject, side, person_id, at, deemed, "
            "digest, content, name, reminded_to) SELECT gen_random_uuid(), %s, 'period', '2026-06', 'customer', %s, "
            "now(), false, repeat('0', 64), '{}', 'A', '[]' RETURNING id",
            [made.relationship, made.people["customer_lead"].pk],
        ).fetchone()[0]
        for at in (now, now + timedelta(days=1)):
            said = [told[0] | {"taken_at": at.isoformat()}]
            everybody.execute(
                "INSERT INTO replies_notice (id, relationship_id, word_id, side, at, due_at, until, told) VALUES "
                "(gen_random_uuid(), %s, %s, 'provider', %s, %s, %s, %s)",
                [made.relationship, consent, at, at, at + timedelta(days=20), Jsonb(said)],
            )
    receiving.receive(bounce(told_by(made, "Returned"), made.people[WHO].email), timezone.now())
    with superuser() as everybody:
        rows = everybody.execute(
            "SELECT told->0 ? 'bounced_at' FROM replies_notice WHERE relationship_id = %s ORDER BY at",
            [made.relationship],
        ).fetchall()
    assert rows == [(True,), (False,)]


# Ages -----------------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("server")
def test_the_health_page_tells_four_ages_and_nothing_else(them):
    polling.poll(lookup)
    lines = dict(line.split(": ") for line in Client().get("/health/").content.decode().splitlines()[1:])
    assert int(lines["last_mailbox_reading_s"]) < 60
    forget_mails()
    raised(them, kind=Kind.QUESTION, title="Waiting")
    run_jobs("notifications.tell", "notifications.mail")
    assert ran("UPDATE outbox_waitingmail SET created_at = now() - interval '1 hour' RETURNING 1") == (1,)
    lines = dict(line.split(": ") for line in Client().get("/health/").content.decode().splitlines()[1:])
    assert 3600 <= int(lines["oldest_unsent_mail_s"]) < 3700
    forget_mails()


def test_a_lead_sees_four_ages_and_nobody_else_does(them):
    label = words_for("en")("mailbox.oldest_uncopied")
    assert label in them.client("customer_lead").get(them.url()).content.decode()
    assert label not in them.client("customer_member").get(them.url()).content.decode()


def test_entries_of_the_record_count_as_not_exported_for_each_side_until_it_takes_its_copy(them):
    with superuser() as everybody:
        everybody.execute(
            "INSERT INTO mailbox_uncopied VALUES (%s, 'customer', now()), (%s, 'provider', now()) "
            "ON CONFLICT DO NOTHING",
            [them.relationship, them.relationship],
        )
    assert them.client("customer_lead").get(them.url("record/")).status_code == 200
    with superuser() as everybody:
        rows = everybody.execute(
            "SELECT side FROM mailbox_uncopied WHERE relationship_id = %s", [them.relationship]
        ).fetchall()
        everybody.execute("DELETE FROM mailbox_uncopied")
    assert rows == [("provider",)]
