"""What both sides agree on about the ledger itself: an opening list, a reversal, by which days it counts.

Neither side alone opens, reverses or moves anything: tried on the page, by the operations, and as raw SQL.
"""

from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.db.utils import DatabaseError
from django.utils import timezone

from comity.apps.ledger import operations, queries
from comity.apps.ledger.operations import OpenedPromise
from comity.apps.ledger.refusals import Code
from comity.apps.parties.member_context import set_viewer
from comity.apps.refusal import Refused
from comity.core import chain
from comity.core.ledger.accounts import End
from comity.core.matters.kinds import Kind
from comity.core.matters.owed import differences_in_record
from comity.core.matters.transitions import Move
from comity.core.values import Side
from tests.builders import ledger
from tests.builders.levels import KPI, contacts
from tests.builders.matters import moved, raised
from tests.room import cast, run_jobs, superuser

pytestmark = pytest.mark.gate
C, P = Side.CUSTOMER, Side.PROVIDER
REFUSED = "comity:|permission denied|row-level security"


@pytest.fixture
def them():
    made = cast()
    made.book(KPI, contacts="\n".join(contacts()))
    return made


def as_of(days=3):
    return timezone.now().date() - timedelta(days=days)


def proposed(them, who="customer_lead", *promises):
    rows = promises or (OpenedPromise(P, "action", "Spread lunch", as_of(1)), OpenedPromise(C, "answer", "The price?"))
    with transaction.atomic():
        return operations.propose_opening(them.at(who), as_of(), rows, "").digest


def agree(them, digest, who="provider_lead"):
    with transaction.atomic():
        entry = operations.agree_to_change(them.at(who), digest)
    run_jobs()
    return entry


def owed(them):
    with transaction.atomic():
        member = them.at("auditor")
        span = queries.calendar(member).containing(queries.today(member))
        return {(row.debtor, row.kind): int(row.closing) for row in queries.statement_of(member, span).rows}


def settled(them, who, key, ended, done_on=None):
    with transaction.atomic():
        operations.settle_opened(them.at(who), key, ended, done_on)


def reversed_entry(them, number, who="customer_lead"):
    with transaction.atomic():
        return operations.propose_reversal(them.at(who), number, "Entered twice", "").digest


def whole(them):
    """Whether the ledger holds by the recount, and by the record alone."""
    assert ledger.recounted(them) == []
    with transaction.atomic():
        entries = list(queries.record.entries(them.at("auditor")))
    held = [chain.Entry(one.number, one.content, one.previous, one.digest) for one in entries]
    chain.verify(held)
    assert differences_in_record(held) == []


def test_an_opening_list_counts_once_both_sides_agreed_on_it(them):
    digest = proposed(them)
    assert owed(them) == {}
    assert agree(them, digest).content["kind"] == "ledger_agreed"
    assert owed(them) == {(P, "action"): 1, (C, "answer"): 1}
    (entry,) = {one.day for one in ledger.transactions(them)}
    assert entry == as_of()
    whole(them)
    page = them.client("auditor").get(them.url(f"ledger/?period={as_of():%Y-%m}")).content.decode()
    assert "when the list was agreed on" in page
    shown = them.client("provider_lead").get(them.url("ledger/agreed/")).content.decode()
    assert shown.count("Spread lunch") == 2  # what is open, and what was agreed


def test_a_promise_of_the_list_ends_by_the_word_of_whose_it_is(them):
    agree(them, proposed(them))
    for who, key, ended in (
        ("provider_lead", "opening/1/1", End.KEPT), ("customer_lead", "opening/1/1", End.BROKEN),
        ("customer_lead", "opening/1/2", End.LET_OFF), ("provider_lead", "opening/1/2", End.BROKEN),
        ("customer_member", "opening/1/1", End.KEPT), ("auditor", "opening/1/1", End.KEPT),
    ):  # fmt: skip
        with pytest.raises(Refused):
            settled(them, who, key, ended)
        with pytest.raises(DatabaseError, match=REFUSED), transaction.atomic(), connection.cursor() as cursor:
            them.at(who)
            cursor.execute("SELECT comity_settle_opening(%s, %s, NULL)", [key, ended])
    settled(them, "customer_lead", "opening/1/1", End.KEPT, timezone.now().date() - timedelta(days=1))
    settled(them, "customer_lead", "opening/1/2", End.BROKEN)
    assert owed(them) == {(P, "action"): 0, (C, "answer"): 0}
    with transaction.atomic():
        them.at("auditor")
        kept = queries.Promise.objects.get(key="opening/1/1")
    assert (kept.ended, kept.late_by_first) == ("kept", False)
    whole(them)
    with pytest.raises(Refused) as refused:  # it is not open any more
        settled(them, "customer_lead", "opening/1/1", End.LET_OFF)
    assert refused.value.code is Code.NOT_OPEN


def test_a_reversal_is_the_exact_negative_and_both_sides_word(them):
    agree(them, proposed(them))
    digest = reversed_entry(them, 1)
    with pytest.raises(Refused):
        agree(them, digest, "customer_lead")  # the own proposal
    agree(them, digest)
    before, after = ledger.transactions(them)
    assert (after.reverses, after.cause) == (before.number, "reversal")
    assert owed(them) == {(P, "action"): 0, (C, "answer"): 0}
    sums = {}
    for _, side, way, kind, amount in ledger.lines(them):
        sums[side, way, kind] = sums.get((side, way, kind), 0) + amount
    assert set(sums.values()) == {0}
    whole(them)
    for number in (1, 2, 99):  # reversed, a reversal, none
        with pytest.raises(Refused) as refused:
            reversed_entry(them, number)
        assert refused.value.code is Code.NO_TRANSACTION
    # A second list is another one, and counts.
    agree(them, proposed(them, "provider_lead", OpenedPromise(P, "action", "Again")), "customer_lead")
    assert owed(them)[P, "action"] == 1
    whole(them)


def test_how_a_promise_of_the_list_ended_is_reversed_too(them):
    agree(them, proposed(them))
    settled(them, "customer_lead", "opening/1/1", End.KEPT)
    with pytest.raises(Refused) as refused:  # the list, of which something has ended
        agree(them, reversed_entry(them, 1))
    assert refused.value.code is Code.NOT_REVERSIBLE
    with transaction.atomic():
        waits = queries.waiting_change(them.at("auditor"))
    with transaction.atomic():
        operations.drop_change(them.at("provider_lead"), waits.digest)
    agree(them, reversed_entry(them, 2))
    assert owed(them) == {(P, "action"): 1, (C, "answer"): 1}
    whole(them)
    settled(them, "customer_lead", "opening/1/1", End.LET_OFF)
    assert owed(them)[P, "action"] == 0
    whole(them)


def test_what_a_step_of_a_matter_posted_is_put_right_in_the_matter(them):
    raised(them)
    with pytest.raises(Refused) as refused:
        agree(them, reversed_entry(them, 1))
    assert refused.value.code is Code.NOT_REVERSIBLE
    assert len(ledger.transactions(them)) == 1
    whole(them)


def test_what_was_posted_wrongly_beside_the_steps_is_put_right_by_a_reversal(them):
    """An entry of nobody's making, as a fault or a superuser would leave it: the reversal is what makes it right."""
    matter = raised(them, "customer_lead", Kind.NEED)
    moved(them, "provider_lead", matter, Move.AGREE, due_on=timezone.now().date())
    with superuser() as everybody, everybody.transaction():
        everybody.execute("SET LOCAL session_replication_role = replica")
        everybody.execute("DELETE FROM matters_step WHERE matter_id = %s AND number = 2", [matter.pk])
        everybody.execute("UPDATE matters_matter SET state = 'asked', promise = false WHERE id = %s", [matter.pk])
    assert ledger.recounted(them) != []
    agree(them, reversed_entry(them, 2))
    assert ledger.recounted(them) == []
    assert owed(them)[P, "answer"] == 1


def test_the_calendar_is_corrected_with_both_sides_word():
    """Taken by one side past the room; the other sees it, and both agree on the book's."""
    them = cast()
    them.book(KPI, contacts="\n".join(contacts()))
    with transaction.atomic(), connection.cursor() as cursor:
        them.at("provider_lead")
        cursor.execute("SELECT comity_keep_ledger_calendar('Etc/GMT+12', 28)")
    assert "Etc/GMT+12" in them.client("customer_lead").get(them.url("ledger/agreed/")).content.decode()
    with transaction.atomic():
        digest = operations.propose_ledger_calendar(them.at("customer_lead"), "").digest
        assert queries.kept_calendar(them.at("customer_lead")) == ("Etc/GMT+12", 28)
    entry = agree(them, digest)
    with transaction.atomic():
        member = them.at("auditor")
        assert queries.kept_calendar(member) == ("Europe/Madrid", 1)
        assert queries.other_calendar(member) is None
    with transaction.atomic(), connection.cursor() as cursor:  # again: the same
        them.at("provider_lead")
        cursor.execute("SELECT comity_apply_ledger_change(%s)", [entry.number])
    with pytest.raises(Refused) as refused, transaction.atomic():
        operations.propose_ledger_calendar(them.at("provider_lead"), "")
    assert refused.value.code is Code.SAME_CALENDAR


def test_a_calendar_that_a_later_one_replaced_is_not_applied_again(them):
    raised(them)
    entries = []
    for zone in ("Asia/Tokyo", "Europe/Madrid"):
        content = {"what": "calendar", "zone": zone, "month_starts_on": 1}
        entries.append(settled_by_hand(them, content))
        with transaction.atomic(), connection.cursor() as cursor:
            them.at("provider_lead")
            cursor.execute("SELECT comity_apply_ledger_change(%s)", [entries[-1]])
    with pytest.raises(DatabaseError, match="later calendar"), transaction.atomic(), connection.cursor() as cursor:
        them.at("customer_lead")
        cursor.execute("SELECT comity_apply_ledger_change(%s)", [entries[0]])


def settled_by_hand(them, content):
    """Both sides' consents and their entry by the database's functions, past the room: its number."""
    text, digest = chain.canonical(content), chain.digest_of(content)
    with transaction.atomic():
        subject = queries.next_change(them.at("auditor"))
    for who in ("customer_lead", "provider_lead"):
        with transaction.atomic(), connection.cursor() as cursor:
            them.at(who)
            cursor.execute("SELECT comity_consent('ledger_change', %s, %s, %s)", [subject, digest, text])
    with transaction.atomic(), connection.cursor() as cursor:
        them.at("customer_lead")
        cursor.execute("SELECT comity_settle('ledger_agreed', 'ledger_change', %s, %s)", [subject, text])
        return queries.agreed_changes(them.at("auditor"))[0].number


def opening(**changes):
    row = {"key": "opening/1/1", "debtor": "provider", "kind": "action", "due_on": None, "what": None} | changes
    return {"what": "opening", "as_of": "2026-01-01", "promises": [row]}


@pytest.mark.parametrize(
    "content",
    [
        {"what": "none"}, {"what": "calendar", "zone": "Mars", "month_starts_on": 1},
        {"what": "calendar", "zone": "UTC", "month_starts_on": 0}, {"what": "calendar", "zone": "UTC"},
        opening(key="mine"), opening(key="opening/2/1"), opening(kind="EUR"), opening(debtor="nobody"),
        opening() | {"as_of": "2999-01-01"}, opening() | {"promises": []}, {"what": "opening", "as_of": "2026-01-01"},
        {"what": "reversal", "transaction": "x"}, {"what": None},
    ],
)  # fmt: skip
def test_not_even_both_sides_together_have_the_record_hold_what_cannot_be_applied(them, content):
    with pytest.raises(DatabaseError):
        settled_by_hand(them, content)
    assert ledger.transactions(them) == []


@pytest.mark.parametrize("who", ["customer_lead", "provider_lead", "auditor", "stranger"])
def test_nobody_alone_applies_anything(them, who):
    """What is proposed, another entry of the record, and the functions behind."""
    raised(them)
    proposed(them)
    before = ledger.lines(them)
    for call in (
        "comity_apply_ledger_change(1)", "comity_apply_ledger_change(NULL)", "comity_apply_ledger_change(99)",
        "comity_reverse_in(comity_relationship(), NULL)", "comity_is_reversed(NULL, NULL, NULL, 1)",
        "comity_settle('ledger_agreed', 'ledger_change', '1', '{}')",
    ):  # fmt: skip
        with pytest.raises(DatabaseError, match=REFUSED), transaction.atomic(), connection.cursor() as cursor:
            if who == "stranger":
                set_viewer(them.people["stranger"].pk)
            else:
                them.at(who)
            cursor.execute(f"SELECT {call}")
    assert ledger.lines(them) == before


def test_words_of_the_other_side_are_nobodys_to_write_or_change(them):
    proposed(them)
    theirs = (
        "INSERT INTO ledger_wording (id, side, at, text, salt, person_id, relationship_id) "
        "SELECT gen_random_uuid(), 'customer', now(), 'x', salt, person_id, relationship_id FROM ledger_wording LIMIT 1"
    )
    for sql in (
        theirs, "UPDATE ledger_wording SET text = 'mine'", "DELETE FROM ledger_wording",
        "DELETE FROM ledger_settlement",
        "INSERT INTO ledger_settlement SELECT * FROM ledger_settlement",
    ):  # fmt: skip
        with pytest.raises(DatabaseError, match=REFUSED), transaction.atomic(), connection.cursor() as cursor:
            them.at("provider_lead")
            cursor.execute(sql)


def test_words_stand_outside_the_record_which_has_their_digest(them):
    entry = agree(them, proposed(them))
    assert "Spread lunch" not in chain.canonical(entry.content)
    with superuser() as everybody, everybody.transaction():
        everybody.execute("SET LOCAL session_replication_role = replica")
        everybody.execute("UPDATE ledger_wording SET text = 'Something else'")
    page = them.client("provider_lead").get(them.url("ledger/agreed/")).content.decode()
    assert "Something else" not in page
    assert "text erased; its digest is kept" in page


def test_the_page_proposes_and_the_other_side_agrees(them):
    """In both languages, through the forms, and by nobody without the right."""
    day = as_of().isoformat()
    form = {"as_of": day, "debtor_0": "provider", "kind_0": "action", "what_0": "Spread lunch", "due_on_0": ""}
    assert them.client("customer_member").post(them.url("ledger/agreed/opening/"), form).status_code == 404
    assert them.client("customer_lead").post(them.url("ledger/agreed/opening/"), form).status_code == 302
    run_jobs()
    page = them.client("provider_lead").get(them.url("ledger/agreed/")).content.decode()
    assert "Agree to this" in page
    assert "Agree to this" not in them.client("customer_lead").get(them.url("ledger/agreed/")).content.decode()
    assert "correction of the ledger" in them.client("provider_lead").get(them.url()).content.decode()
    with transaction.atomic():
        digest = queries.waiting_change(them.at("auditor")).digest
    answer = them.client("provider_lead").post(them.url("ledger/agreed/agree/"), {"digest": digest})
    assert answer.status_code == 302
    assert owed(them) == {(P, "action"): 1}
    settle = {"key": "opening/1/1", "ended": "kept"}
    assert them.client("customer_lead").post(them.url("ledger/agreed/settle/"), settle).status_code == 302
    assert owed(them) == {(P, "action"): 0}
    invalid = them.client("customer_lead").post(them.url("ledger/agreed/reversal/"), {"number": 99, "reason": "No."})
    assert invalid.status_code == 422
    spanish = them.client("provider_lead")
    spanish.cookies["django_language"] = "es"
    said = spanish.get(them.url("ledger/agreed/"), headers={"accept-language": "es"}).content.decode()
    assert "Lista inicial del" in said
