"""The recount from the steps: it agrees with the ledger after any history, and finds what was tampered with.

It shares no code with what posts: the database reads positions off the last move, the recount counts what each step
asks, answers and promises (`core/matters/owed.py`).
"""

import random
from collections import Counter
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from comity.apps.ledger import queries, tasks
from comity.apps.ledger.operations import record_recount
from comity.apps.matters import operations
from comity.apps.matters.operations import Beside, NewMatter, Terms
from comity.apps.matters.refusals import Code
from comity.apps.refusal import Refused
from comity.core.matters.kinds import Kind
from comity.core.matters.transitions import Move
from comity.core.values import Side
from tests.builders import ledger
from tests.builders.levels import KPI, contacts
from tests.builders.matters import FIGURE, ZONE, moved, raised
from tests.builders.turns import one_in
from tests.room import cast, superuser

pytestmark = pytest.mark.gate
LEADS = {side: f"{side}_lead" for side in Side}


@pytest.fixture(scope="module")
def them():
    made = cast()
    made.book(KPI, contacts="\n".join(contacts()))
    return made


RAISED = [one for one in Kind if one is not Kind.CORRECTION]


def random_matter(chance, seed, owners, today):
    """What a side raises: of any kind that a person does, disputes and actions as often as all the others."""
    kind = chance.choice([*RAISED, *[Kind.DISPUTE] * 4, *[Kind.ACTION] * 8])
    later = today + timedelta(days=chance.randint(0, 9))
    before = {"from_day": today - timedelta(days=3)}
    terms = {
        Kind.DISPUTE: FIGURE | {"value": Decimal("0.5")},
        Kind.CLAIM: {"event": "storm", "asked_for": "relief", "to_day": today - timedelta(days=2)} | before,
        Kind.ACTION: {"owner": chance.choice(owners), "due_on": later},
        Kind.DECISION: {"due_on": later},
        Kind.FAILURE: {"failed": chance.choice(["customer", "provider"])},
        Kind.COMPLAINT: {"due_on": chance.choice([None, later])},
        Kind.OFFER: {"wording": "A second line."},
        Kind.PROPOSAL: {"proposes": "process", "becomes": chance.choice(["promise", "change"]), "wording": "So.",
            "kpi": "service_level"},
        Kind.UNTOLD: {"untold": "why"} | before,
    }.get(kind, {})  # fmt: skip
    return NewMatter(kind, f"History {seed}", "Because.", **terms)


# Moves that say nothing about what is owed, and would make up most of a history.
QUIET = frozenset({Move.COMMENT, Move.ACKNOWLEDGE, Move.ESCALATE, Move.BRING_DOWN, Move.OBJECT, Move.MERGE})


def random_history(them, seed):
    """One matter of a random kind, raised by a random side and moved up to twenty times by whoever may."""
    chance = random.Random(seed)
    today = timezone.now().date()
    made = Counter()
    with transaction.atomic():
        owners = [them.at(who).membership for who in LEADS.values()]
        member = them.at(chance.choice(list(LEADS.values())))
        matter = operations.raise_matter(member, random_matter(chance, seed, owners, today), ZONE)
        for _ in range(chance.randint(0, 20)):
            member = them.at(chance.choice(list(LEADS.values())))
            moves = operations.open_moves(member, matter)
            # Ends are as rare as all that goes on, so that histories are long.
            usual = [one for one in moves if one not in QUIET | {Move.WITHDRAW, Move.CANNOT, Move.LET_OFF}]
            move = chance.choice(usual or moves)
            if chance.random() < 0.1:
                move = chance.choice([one for one in moves if one not in {Move.OBJECT, Move.MERGE}])
            more, beside = {}, None
            if matter.kind == Kind.DISPUTE and move in {Move.AGREE, Move.COUNTER}:
                more = {"follows": chance.choice(["records", "formula", "value"])}
            elif move is Move.COUNTER and matter.kind == Kind.ACTION:
                more = {"owner": chance.choice(owners)}
            elif move is Move.HAND_OVER:
                more = {"owner": member.membership}
            elif move is Move.AGREE and matter.due_on is None:
                more = {"due_on": today + timedelta(days=5)}
            elif move in {Move.OTHER_DAY, Move.PAUSE}:
                beside = Beside(day=today + timedelta(days=chance.randint(0, 20)))
            try:
                with transaction.atomic():
                    matter = operations.move(member, matter, move, "So.", ZONE, Terms(**more), beside=beside)
            except Refused as refused:  # what it asks of the other side first
                if refused.code not in {Code.NO_DAY, Code.FOLLOWS, Code.NO_VALUE}:
                    raise
                matter.refresh_from_db()
                continue
            made[move] += 1
            assert stands(matter) == (matter.state, matter.debtor if matter.promise else None), (seed, move)
    return matter, made


def stands(matter):
    """State and debtor after the last step, as the view has them: read as the owner, whose view it is."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT facts->>'state', facts->>'debtor' FROM test_stands(%s)", [matter.pk])
        return cursor.fetchone()


@pytest.fixture(scope="module", autouse=True)
def _positions():
    """Let tests look into the owner's view, within their own transaction."""
    with superuser() as everybody:
        everybody.execute(
            "CREATE FUNCTION test_stands(asked uuid) RETURNS TABLE (facts jsonb) LANGUAGE sql SECURITY DEFINER AS "
            "'SELECT facts FROM matters_owed WHERE subject_id = asked ORDER BY step DESC LIMIT 1'"
        )
    yield
    with superuser() as everybody:
        everybody.execute("DROP FUNCTION test_stands(uuid)")


def agrees_after(them, seeds):
    made = Counter()
    for seed in seeds:
        matter, moves = random_history(them, seed)
        made += moves
        promises = ledger.promises(them, matter)
        assert all(0 <= one.open <= one.promised == 1 for one in promises), seed
        assert not matter.ended or not any(one.open for one in promises), seed
    assert ledger.recounted(them) == []
    month = ledger.statement(them, f"{timezone.now():%Y-%m}")
    assert sum(row.taken_on for row in month.rows if row.kind in {"answer", "decision"}) >= len(seeds)
    return made


def test_after_random_histories_the_ledger_is_what_is_counted_from_the_steps(them):
    made = agrees_after(them, range(20))
    assert made.keys() >= {
        Move.AGREE, Move.COUNTER, Move.ASK_BACK, Move.REPLY, Move.DECLINE, Move.DONE, Move.CONFIRM, Move.NOT_DONE,
        Move.OTHER_DAY, Move.PAUSE, Move.TAKE, Move.TAKE_BACK, Move.REOPEN,
    }  # fmt: skip


@pytest.mark.long
def test_after_1000_random_histories_the_ledger_is_what_is_counted_from_the_steps(them):
    agrees_after(them, range(20, 1000))


@pytest.mark.long
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
    ("UPDATE ledger_line SET kind = 'records'", "by the steps"),
    ("UPDATE ledger_line SET amount = amount * 2", "the record holds another"),
    ("UPDATE ledger_line SET amount = amount * 2 WHERE way = 'due'", "does not sum to zero"),
    ("UPDATE ledger_transaction SET day = day - 40", "the record holds another"),
    ("DELETE FROM ledger_line", "it has no lines"),
    ("DELETE FROM matters_step WHERE number = 2 AND", "by the steps"),
    ("UPDATE matters_step SET move = 'decline' WHERE number = 2 AND", "by the steps"),
]


@pytest.mark.parametrize(("change", "said"), one_in(3, [(change, change, said) for change, said in TAMPERED]))
def test_what_was_tampered_with_behind_the_rooms_back_is_found_and_told_to_both_leads(change, said):
    """By whoever can do anything with the database; the sides cannot. Told on Today, to the leads alone."""
    them = cast()
    them.book(KPI, contacts="\n".join(contacts()))
    moved(them, "provider_lead", raised(them), Move.AGREE)
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
    ledger.filled(them)  # what is left behind is what the steps say, also for a fill of every relationship


def test_a_made_up_recount_of_one_side_hides_no_difference_from_the_other():
    """A row that says that all is well is anybody's to add; what was found before is told all the same."""
    them = cast()
    moved(them, "provider_lead", raised(them), Move.AGREE)
    with superuser() as everybody, everybody.transaction():
        everybody.execute("SET LOCAL session_replication_role = replica")
        everybody.execute("UPDATE ledger_line SET amount = amount * 2 WHERE relationship_id = %s", [them.relationship])
    assert ledger.recounted(them) != []
    with transaction.atomic():
        record_recount(them.at("provider_lead"), 1, [])
    assert "The ledger differs" in them.client("customer_lead").get(them.url()).content.decode()
    ledger.filled(them)


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
