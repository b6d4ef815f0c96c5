"""Erasing the words of a matter: no byte of them is left in a dump or on any page, and chain and figures are whole."""

import json
import re
import subprocess
import uuid
from contextlib import suppress
from html import unescape

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.mail import EmailMessage
from django.db import transaction

from comity.apps.ledger import operations as ledger_operations
from comity.apps.ledger.operations import OpenedPromise
from comity.apps.outbox.mail import OutboxBackend, decrypt, encrypt
from comity.apps.parties import operations
from comity.apps.parties.models import Person, Role
from comity.apps.record import queries as record
from comity.core import chain
from comity.core.matters.kinds import Kind
from comity.core.matters.owed import differences_in_record
from comity.core.matters.transitions import Move
from comity.core.values import Side
from comity.web.erasure import ErasureError, erase_matter, erase_person, erase_wording
from comity.web.postgres import SUPERUSER
from tests.builders import ledger
from tests.builders.changes import proposed, room, sign, target
from tests.builders.levels import KPI, contacts
from tests.builders.matters import moved, raised, sent
from tests.room import BACKEND, PASSWORD, Browser, cast, run_jobs, started, superuser

pytestmark = pytest.mark.gate
C, P = "customer_lead", "provider_lead"
PLANTED = "Zweiundzwanzigerlei"  # in every text; in no other


def dump():
    """Every row of the database, as `pg_dump` writes it."""
    command, environment = started().cluster.command("pg_dump", SUPERUSER)
    run = subprocess.run([*command, "--inserts"], env=environment, capture_output=True, check=True)
    return run.stdout


def planted(them):
    """A need with words in each of its texts, a file, a counter-proposal and its end."""
    need = raised(them, C, Kind.NEED, title=f"{PLANTED} 1", wording=f"{PLANTED} 2")
    file = SimpleUploadedFile(f"{PLANTED}.txt", f"{PLANTED} 6".encode())
    counter = {"text": f"{PLANTED} 3", "wording": f"{PLANTED} 4", "evidence": file}
    assert sent(them, P, need, Move.COUNTER, **counter).status_code == 302
    moved(them, C, need, Move.COMMENT, f"{PLANTED} 5")
    moved(them, C, need, Move.DECLINE, f"{PLANTED} 8")
    told = [{"address": "a@b.example", "headers": {"Subject": f"Formal notice: {PLANTED} 7", "To": "a@b.example"}}]
    notice = (
        "INSERT INTO matters_formalnotice (id, relationship_id, matter_id, clause, side, addresses, given_at, told) "
        "VALUES (gen_random_uuid(), %s, %s, 'rep', 'provider', '[]', now(), %s)"
    )
    with superuser() as everybody:
        everybody.execute(notice, [them.relationship, need.pk, json.dumps(told)])
    return need


@pytest.fixture(scope="module")
def them():
    made = cast()
    made.book(KPI, contacts="\n".join(contacts()))
    return made


def whole(them):
    assert ledger.recounted(them) == []
    with transaction.atomic():
        entries = list(record.entries(them.at("auditor")))
    held = [chain.Entry(one.number, one.content, one.previous, one.digest) for one in entries]
    assert differences_in_record(held) == []
    return chain.verify(held)


def test_no_byte_of_a_matters_words_is_left_and_the_chain_is_whole(them):
    need = planted(them)
    with pytest.raises(ErasureError, match="end it first"):  # asked again: both sides work by its words
        erase_matter(started(), need.pk)
    moved(them, C, need, Move.WITHDRAW, f"{PLANTED} 9")
    run_jobs()
    head, before = whole(them), ledger.lines(them)
    mails = started().data / "mails"
    mails.mkdir(exist_ok=True)
    (mails / "1.eml").write_text(f"{PLANTED}\nhttps://room/r/x/matters/{need.pk}/\n")
    (mails / "2.eml").write_text("Another matter.\n")
    assert PLANTED.encode() in dump()

    done = erase_matter(started(), need.pk)

    assert PLANTED.encode() not in dump()
    assert (done.texts, done.files) == (1 + 5, 1)
    assert done.mails == 1
    assert [one.name for one in mails.glob("*.eml")] == ["2.eml"]
    assert whole(them) == head
    assert ledger.lines(them) == before
    for who in (C, P, "auditor"):
        for page in (f"matters/{need.pk}/", "matters/", "ledger/", "log/", ""):
            answer = them.client(who).get(them.url(page))
            if who != C or page != "log/":
                assert PLANTED not in answer.content.decode(), (who, page)
    log = them.client("auditor").get(them.url("log/")).content.decode()
    assert "erased" in log


def test_words_of_the_ledger_are_erased_and_their_digest_stays(them):
    with transaction.atomic():
        rows = [OpenedPromise(Side.PROVIDER, "action", f"{PLANTED} 10")]
        day = ledger_operations.queries.ledger_day(them.at(C))
        digest = ledger_operations.propose_opening(them.at(C), day, rows, "").digest
    with transaction.atomic():
        entry = ledger_operations.agree_to_change(them.at(P), digest)
    run_jobs()
    head = whole(them)
    assert erase_wording(started(), entry.number, them.relationship).texts == 1
    assert f"{PLANTED} 10".encode() not in dump()
    assert whole(them) == head
    for who in (C, P):
        assert f"the words of entry {entry.number} of the record were erased" in unescape(
            them.client(who).get(them.url("log/")).content.decode()
        )
    page = them.client(P).get(them.url("ledger/agreed/")).content.decode()
    assert "text erased; its digest is kept" in page
    with pytest.raises(ErasureError, match="names no words"):
        erase_wording(started(), 10_000, them.relationship)


def test_a_matter_that_is_none_is_refused():
    cast()
    with pytest.raises(ErasureError, match="there is no matter"):
        erase_matter(started(), uuid.uuid4())


NAME, ADDRESS = "Quirina Zwanzigerin", "quirina@zwanzigerin.example"


def files_that_hold(text):
    """The files of the room's folder, the database's own among them, in which bytes of a text are left."""
    data, found = started().data, []
    for file in data.rglob("*"):
        with suppress(FileNotFoundError):  # of the database, which removes and makes its own at any moment
            if file.is_file() and text in file.read_bytes():
                found.append(str(file.relative_to(data)))
    return found


@pytest.fixture
def gone(them):
    """A provider's lead of before: what they chose, wrote and were called stands in many places."""
    somebody = Person.objects.create_user(ADDRESS, PASSWORD, name=NAME)
    them.people["gone"] = somebody
    with transaction.atomic():
        _, token = operations.invite(them.at(P), somebody.email, Role.LEAD, Side.PROVIDER)
        operations.accept_invitation(somebody, token)
    browser = Browser()
    browser.force_login(somebody, backend=BACKEND)
    assert browser.get(them.url("")).status_code == 200
    need = raised(them, "gone", Kind.NEED, title=f"{NAME} asks")
    moved(
        them, C, need, Move.COMMENT, f"As I said:\n{NAME.upper()} <{ADDRESS}> is right, Maquirina Zwanzigerina is not."
    )
    with transaction.atomic():
        operations.end_membership(them.at(P), them.at("gone").membership)
    data = started().data
    for name in ("mails", "logs", "copies", f"results/{them.relationship}"):
        (data / name).mkdir(parents=True, exist_ok=True)
        (data / name / "planted.log").write_text(f"To: {NAME} <{ADDRESS}>\n")
    with superuser() as database:
        received, raw = uuid.uuid4(), uuid.uuid4()
        database.execute(
            "INSERT INTO mailbox_receivedmail (id, relationship_id, person_id, side, at, read_at, outcome, raw_digest) "
            "VALUES (%s, %s, %s, 'customer', now(), now(), 'counted', %s)",
            [received, them.relationship, them.people[C].pk, uuid.uuid4().hex],
        )
        database.execute(
            "INSERT INTO mailbox_rawmail (id, mail_id, payload, kept_at) VALUES (%s, %s, %s, now())",
            [raw, received, encrypt(f"Cc: {ADDRESS}".encode())],
        )
    EmailMessage("For them", "Alone", "room@example.org", [ADDRESS], connection=OutboxBackend()).send()
    EmailMessage("For another", f"{NAME} is gone", "room@example.org", ["ana@example.org"],
                 connection=OutboxBackend()).send()  # fmt: skip
    return somebody


def waiting_mails():
    with superuser() as database:
        found = database.execute("SELECT payload FROM outbox_waitingmail").fetchall()
    return [json.loads(decrypt(bytes(payload))) for (payload,) in found]


def test_no_byte_of_a_person_is_left_and_what_they_did_stays_one_persons(them, gone):
    head, before = whole(them), ledger.lines(them)
    assert NAME.encode() in dump()
    assert any("postgres" in one for one in files_that_hold(NAME.encode()))
    others = len(waiting_mails())

    done = erase_person(started(), ADDRESS.upper())

    kept = [one for one in waiting_mails() if one["subject"].startswith("For ")]
    assert [(one["to"], one["body"]) for one in kept] == [(["ana@example.org"], f"{done.key} is gone")]
    assert len(waiting_mails()) == others - 1  # theirs alone was removed
    for text in (NAME, NAME.upper(), ADDRESS):
        assert text.encode() not in dump()
        assert files_that_hold(text.encode()) == []
    assert (done.signed, done.files) == (0, 0)
    assert whole(them) == head
    assert ledger.lines(them) == before
    somebody = Person.objects.get(pk=gone.pk)
    assert (somebody.name, somebody.is_active, somebody.has_usable_password()) == (done.key, False, False)
    page = them.client(C).get(them.url("matters/?show=all")).content.decode()
    assert f"{done.key} asks" in page
    with superuser() as database:
        (text,) = database.execute(
            "SELECT text FROM matters_step WHERE relationship_id = %s AND text LIKE 'As I said%%'", [them.relationship]
        ).fetchone()
    assert text == f"As I said:\n{done.key} <{done.key}> is right, Maquirina Zwanzigerina is not."
    for who in (C, P):  # both sides read that it was done, and by nobody of theirs
        assert done.key in them.client(who).get(them.url("log/")).content.decode()


def test_whoever_is_still_in_a_relationship_is_not_erased_nor_is_nobody(them):
    with pytest.raises(ErasureError, match="still in 1 of the room"):
        erase_person(started(), them.people["provider_analyst"].email)
    assert Person.objects.get(pk=them.people["provider_analyst"].pk).is_active
    with pytest.raises(ErasureError, match="nobody here has the address"):
        erase_person(started(), "nobody@example.org")


def test_who_signed_stays_beneath_what_they_signed_and_the_record_verifies():
    them = room()
    somebody = Person.objects.create_user("signer@zwanziger.example", PASSWORD, name="Quentin Zwanziger")
    them.people["signer"] = somebody
    with transaction.atomic():
        _, token = operations.invite(them.at(P), somebody.email, Role.LEAD, Side.PROVIDER)
        operations.accept_invitation(somebody, token)
    pk = proposed(them, C, target(them))
    for who in (C, "signer"):
        sign(them, who, pk)
    run_jobs()
    with transaction.atomic():
        operations.end_membership(them.at(P), them.at("signer").membership)
    head = whole(them)
    done = erase_person(started(), somebody.email)
    assert done.signed >= 2  # the entry of the record and the step; and their word is still whose it was
    assert whole(them) == head
    left = re.findall(rb"INSERT INTO public\.(\w+) [^\n]*Quentin Zwanziger", dump())
    assert set(left) <= {b"record_entry", b"record_consent", b"agreements_step"}
    assert b"signer@zwanziger.example" not in dump()
