"""The recount from the steps: it agrees with the ledger after any history, and finds what was tampered with.

It shares no code with what posts: the database reads positions off the last move, the recount counts what each step
asks, answers and promises (`core/matters/owed.py`).
"""

import random
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from comity.apps.ledger import queries, tasks
from comity.apps.ledger.operations import record_recount
from comity.apps.matters import operations
from comity.apps.matters.operations import NewMatter, Terms
from comity.core.matters.kinds import Kind
from comity.core.matters.transitions import Move
from comity.core.values import Side
from tests.builders import ledger
from tests.builders.levels import KPI, contacts
from tests.builders.matters import FIGURE, ZONE, moved, raised
from tests.room import cast, superuser

pytestmark = pytest.mark.gate
LEADS = {side: f"{side}_lead" for side in Side}


@pytest.fixture(scope="module")
def them():
    made = cast()
    made.book(KPI, contacts="\n".join(contacts()))
    return made


def random_history(them, seed):
    """One matter of a random kind, raised by a random side and moved up to twelve times by whoever may."""
    chance = random.Random(seed)
    today = timezone.now().date()
    with transaction.atomic():
        owners = [them.at(who).membership for who in LEADS.values()]
        kind = chance.choice([Kind.DISPUTE, Kind.CLAIM, Kind.ACTION, Kind.ACTION])
        terms = {
            Kind.DISPUTE: FIGURE | {"value": Decimal("0.5")},
            Kind.CLAIM: {
                "event": "storm", "asked_for": "relief", "from_day": today - timedelta(days=3),
                "to_day": today - timedelta(days=2),
            },
            Kind.ACTION: {"owner": chance.choice(owners), "due_on": today + timedelta(days=chance.randint(0, 9))},
        }[kind]  # fmt: skip
        member = them.at(chance.choice(list(LEADS.values())))
        matter = operations.raise_matter(member, NewMatter(kind, f"History {seed}", "Because.", **terms), ZONE)
        for _ in range(chance.randint(0, 12)):
            member = them.at(chance.choice(list(LEADS.values())))
            moves = operations.open_moves(member, matter)
            move = chance.choice([move for move in moves if move is not Move.COMMENT] or moves)
            more = {}
            if matter.kind == Kind.DISPUTE and move in {Move.ACCEPT, Move.COUNTER}:
                more = {"follows": chance.choice(["records", "formula", "value"])}
            elif move is Move.COUNTER and matter.kind == Kind.ACTION:
                more = {"owner": chance.choice(owners)}
            elif move is Move.HAND_OVER:
                more = {"owner": member.membership}
            matter = operations.move(member, matter, move, "So.", ZONE, Terms(**more))
    return matter


def agrees_after(them, seeds):
    for seed in seeds:
        matter = random_history(them, seed)
        promises = ledger.promises(them, matter)
        assert all(0 <= one.open <= one.promised == 1 for one in promises), seed
        assert not matter.ended or not any(one.open for one in promises), seed
    assert ledger.recounted(them) == []
    month = ledger.statement(them, f"{timezone.now():%Y-%m}")
    assert sum(row.taken_on for row in month.rows if row.kind == "answer") >= len(seeds)


def test_after_random_histories_the_ledger_is_what_is_counted_from_the_steps(them):
    agrees_after(them, range(30))


@pytest.mark.long
def test_after_1000_random_histories_the_ledger_is_what_is_counted_from_the_steps(them):
    agrees_after(them, range(30, 1000))


def test_what_was_posted_step_by_step_is_what_a_fill_posts_at_once():
    """The same matters, as if they were of before the ledger."""
    them = cast()
    them.book(KPI, contacts="\n".join(contacts()))
    for seed in range(12):
        random_history(them, seed)

    def taken():
        by_promise = {}
        for _, side, way, kind, amount in ledger.lines(them):
            key = (side, way, kind)
            by_promise[key] = by_promise.get(key, 0) + amount
        return {key: amount for key, amount in by_promise.items() if amount}

    before = taken()
    ledger.filled(them)
    assert taken() == before
    assert ledger.recounted(them) == []


def test_a_fill_by_a_role_that_rows_are_hidden_from_is_refused(them):
    """It would find nothing, and agree with itself."""
    raised(them)
    with superuser() as everybody, everybody.transaction(force_rollback=True):
        everybody.execute("SET LOCAL ROLE comity_owner")
        with pytest.raises(Exception, match="row-level security"), everybody.transaction():
            everybody.execute("SELECT comity_fill_ledger('matter')")
        assert everybody.execute("SELECT comity_fill_matters() > 0").fetchone() == (True,)


def test_a_fill_whose_counts_do_not_agree_is_refused():
    them = cast()
    raised(them)
    with superuser() as everybody, everybody.transaction(force_rollback=True):
        everybody.execute("SET LOCAL session_replication_role = replica")
        everybody.execute(
            "INSERT INTO ledger_promise (id, relationship_id, key, subject_type, subject_id, debtor, kind, promised, "
            "open, opened_on, days, ended, late_by_first, late_by_last) SELECT gen_random_uuid(), relationship_id, "
            "'planted', subject_type, gen_random_uuid(), debtor, kind, 1, 1, opened_on, '[]', '', false, false "
            "FROM ledger_promise WHERE relationship_id = %s LIMIT 1", [them.relationship],
        )  # fmt: skip
        with pytest.raises(Exception, match="that nobody made"), everybody.transaction():
            everybody.execute("SELECT comity_fill_matters()")


TAMPERED = [
    ("UPDATE ledger_line SET kind = 'decision'", "by the steps"),
    ("UPDATE ledger_line SET amount = amount * 2", "the record holds another"),
    ("UPDATE ledger_line SET amount = amount * 2 WHERE way = 'due'", "does not sum to zero"),
    ("UPDATE ledger_transaction SET day = day - 40", "the record holds another"),
    ("DELETE FROM ledger_line", "it has no lines"),
    ("DELETE FROM matters_step WHERE number = 2 AND", "by the steps"),
    ("UPDATE matters_step SET move = 'refuse' WHERE number = 2 AND", "by the steps"),
]


@pytest.mark.parametrize(("change", "said"), TAMPERED)
def test_what_was_tampered_with_behind_the_rooms_back_is_found_and_told_to_both_leads(change, said):
    """By whoever can do anything with the database; the sides cannot. Told on Today, to the leads alone."""
    them = cast()
    them.book(KPI, contacts="\n".join(contacts()))
    moved(them, "provider_lead", raised(them), Move.ACCEPT)
    assert ledger.recounted(them) == []
    for who in ("customer_lead", "provider_lead"):
        assert "The ledger differs" not in them.client(who).get(them.url()).content.decode()
    with superuser() as everybody, everybody.transaction():
        everybody.execute("SET LOCAL session_replication_role = replica")
        where = " relationship_id = %s" if change.endswith("AND") else " WHERE relationship_id = %s"
        if "WHERE way" in change:
            where = " AND relationship_id = %s"
        everybody.execute(change + where, [them.relationship])
    tasks.recount(0)
    (found,) = [one for one in ledger.recounts(them) if one.differences]
    assert any(said in sentence for sentence in found.differences), found.differences
    for who, told in (("customer_lead", True), ("provider_lead", True), ("provider_member", False), ("auditor", False)):
        assert ("The ledger differs" in them.client(who).get(them.url()).content.decode()) is told, who
    page = them.client("customer_lead").get(them.url("ledger/")).content.decode()
    assert "The ledger differs" in page


def test_a_made_up_recount_of_one_side_hides_no_difference_from_the_other():
    """A row that says that all is well is anybody's to add; what was found before is told all the same."""
    them = cast()
    moved(them, "provider_lead", raised(them), Move.ACCEPT)
    with superuser() as everybody, everybody.transaction():
        everybody.execute("SET LOCAL session_replication_role = replica")
        everybody.execute("UPDATE ledger_line SET amount = amount * 2 WHERE relationship_id = %s", [them.relationship])
    assert ledger.recounted(them) != []
    with transaction.atomic():
        record_recount(them.at("provider_lead"), 1, [])
    assert "The ledger differs" in them.client("customer_lead").get(them.url()).content.decode()


def test_the_recount_asks_as_many_queries_of_one_matter_as_of_three():
    def asked(them):
        with transaction.atomic():
            member = them.at("customer_lead")
            with CaptureQueriesContext(connection) as captured:
                assert queries.recount(member)[1] == []
        return len(captured)

    one, three = cast(), cast()
    raised(one)
    for _ in range(3):
        raised(three)
    assert asked(one) == asked(three)


def test_a_side_that_says_another_calendar_first_is_found():
    """Past the room, before any step: by a zone in the far west what the provider does late counts a day earlier."""
    made = cast()
    made.book(KPI, contacts="\n".join(contacts()))
    with transaction.atomic(), connection.cursor() as cursor:
        made.at("provider_lead")
        cursor.execute("SELECT comity_keep_ledger_calendar('Etc/GMT+12', 28)")
        assert cursor.fetchone() == (True,)
    raised(made)
    for who in LEADS.values():
        with transaction.atomic():
            (difference,) = queries.recount(made.at(who))[1]
        assert "Etc/GMT+12" in difference
        assert ZONE in difference
