"""Erasing the words of a matter: no byte of them is left in a dump or on any page, and chain and figures are whole."""

import subprocess
import uuid

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction

from comity.apps.ledger import operations as ledger_operations
from comity.apps.ledger.operations import OpenedPromise
from comity.apps.record import queries as record
from comity.core import chain
from comity.core.matters.kinds import Kind
from comity.core.matters.owed import differences_in_record
from comity.core.matters.transitions import Move
from comity.core.values import Side
from comity.web.erasure import ErasureError, erase_matter, erase_wording
from comity.web.postgres import SUPERUSER
from tests.builders import ledger
from tests.builders.levels import KPI, contacts
from tests.builders.matters import moved, raised, sent
from tests.room import cast, run_jobs, started

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
    page = them.client(P).get(them.url("ledger/agreed/")).content.decode()
    assert "text erased; its digest is kept" in page
    with pytest.raises(ErasureError, match="names no words"):
        erase_wording(started(), 10_000, them.relationship)


def test_a_matter_that_is_none_is_refused():
    cast()
    with pytest.raises(ErasureError, match="there is no matter"):
        erase_matter(started(), uuid.uuid4())
