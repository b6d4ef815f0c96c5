"""What the database refuses to the app's role about the ledger, whatever a request or an injected query asks for.

Tried as customer, provider, neither and stranger: altering, unbalancing, backdating, posting for the other side, with
the viewer cleared before the end, lines added later, both legs on one account, NULL in place of a value.
"""

from contextlib import suppress
from datetime import timedelta

import psycopg
import pytest
from django.db import connection, transaction
from django.db.utils import DatabaseError, ProgrammingError
from django.utils import timezone

from comity.apps.ledger.models import Line, Transaction
from comity.apps.matters.operations import move
from comity.apps.parties.member_context import set_viewer
from comity.core.matters.kinds import Kind
from comity.core.matters.transitions import Move
from tests.builders import ledger
from tests.builders.levels import KPI, contacts
from tests.builders.matters import ZONE, moved, raised
from tests.room import cast, superuser

pytestmark = pytest.mark.gate
REFUSED = "comity:|permission denied|row-level security|does not exist"
EVERYBODY = ["customer_lead", "provider_lead", "auditor", "stranger"]
TABLES = (
    "ledger_transaction", "ledger_line", "ledger_promise", "ledger_calendar", "ledger_source", "ledger_recount",
    "ledger_recorded",
)  # fmt: skip


@pytest.fixture(scope="module")
def them():
    """The provider promised something, and owes it; the customer answered a claim."""
    made = cast()
    made.book(KPI, contacts="\n".join(contacts()))
    with transaction.atomic():
        owner = made.at("provider_lead").membership
    matter = raised(made, "customer_lead", Kind.ACTION, owner=owner, due_on=timezone.now().date() + timedelta(days=3))
    made.matter = moved(made, "provider_lead", matter, Move.AGREE)
    return made


def look(them, who):
    if who == "stranger":
        set_viewer(them.people["stranger"].pk)
    else:
        them.at(who)


def attack(them, who, sql, *values):
    """Run it as somebody, over the app's connection."""
    with transaction.atomic():
        look(them, who)
        with connection.cursor() as cursor:
            cursor.execute(sql, values)
            return cursor.fetchall() if cursor.description else cursor.rowcount


def refused(them, who, sql, *values, match=REFUSED):
    before = ledger.lines(them)
    with pytest.raises(DatabaseError, match=match):
        attack(them, who, sql, *values)
    assert ledger.lines(them) == before


@pytest.mark.parametrize("who", EVERYBODY)
@pytest.mark.parametrize("table", TABLES)
def test_nobody_changes_or_removes_a_row(them, who, table):
    column = {"ledger_source": "view", "ledger_calendar": "zone", "ledger_recorded": "kind"}.get(
        table, "relationship_id"
    )
    for sql in (f"UPDATE {table} SET {column} = {column}", f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE"):
        refused(them, who, sql)


@pytest.mark.parametrize("who", EVERYBODY)
def test_nobody_writes_a_header_a_line_or_a_promise(them, who):
    """An own header with own lines, and a line that is added to a header of before."""
    with transaction.atomic():
        them.at("auditor")
        header, line = Transaction.objects.first(), Line.objects.first()
    refused(
        them, who,
        "INSERT INTO ledger_transaction (id, relationship_id, number, subject_type, subject_id, step, cause, day, "
        "recorded_at, key, entry, txid) VALUES (gen_random_uuid(), %s, 99, 'matter', %s, 9, 'confirm', now(), now(), "
        "'k', 9, pg_current_xact_id()::text::bigint)", them.relationship, them.matter.pk,
    )  # fmt: skip
    refused(
        them, who,
        "INSERT INTO ledger_line (id, relationship_id, transaction_id, promise_id, day, side, way, kind, amount, "
        "ended, late_by_first, late_by_last) VALUES (gen_random_uuid(), %s, %s, %s, now(), 'provider', 'owes', "
        "'action', 1, 'kept', false, false)", them.relationship, header.pk, line.promise_id,
    )  # fmt: skip
    refused(
        them, who,
        "INSERT INTO ledger_promise (id, relationship_id, key, subject_type, subject_id, debtor, kind, promised, open, "
        "opened_on, days, ended, late_by_first, late_by_last) VALUES (gen_random_uuid(), %s, 'mine', 'matter', %s, "
        "'provider', 'action', 5, 5, now(), '[]', '', false, false)", them.relationship, them.matter.pk,
    )  # fmt: skip
    refused(them, who, "INSERT INTO ledger_source VALUES ('mine', 'pg_stat_activity')")
    refused(them, who, "INSERT INTO ledger_calendar VALUES (%s, 'UTC', 1)", them.relationship)


@pytest.mark.parametrize("who", EVERYBODY)
@pytest.mark.parametrize(
    "call",
    [
        "comity_post_in(%s, 'matter', %s, 2)", "comity_fill_ledger('matter')", "comity_fill_matters()",
        "comity_check_ledger(gen_random_uuid())",
        "comity_append_in(%s, 'posted', 'ledger', '1', '{}')", "comity_post_step()", "comity_post_matter()",
        "comity_owed_decisions(NULL, '[]')", "comity_asks_to_decide(NULL)",
    ],
)  # fmt: skip
def test_the_owners_own_functions_are_nobodys_to_call(them, who, call):
    values = [them.relationship, them.matter.pk][: call.count("%s")]
    refused(them, who, f"SELECT {call}", *values, match=f"{REFUSED}|trigger function")


@pytest.mark.parametrize("who", EVERYBODY)
def test_posting_posts_what_the_steps_say_and_nothing_else(them, who):
    """Whoever may look may ask; a step of before, one to come, another's subject and no subject change nothing."""
    before, elsewhere = ledger.lines(them), cast()
    theirs = raised(elsewhere)
    for of, subject, step in (
        ("matter", them.matter.pk, 1), ("matter", them.matter.pk, 2), ("matter", them.matter.pk, 3),
        ("matter", theirs.pk, 1), ("matter", None, None), (None, them.matter.pk, 2), ("mine", them.matter.pk, 2),
        ("matter", them.matter.pk, -1),
    ):  # fmt: skip
        with suppress(ProgrammingError):
            attack(them, who, "SELECT comity_post(%s, %s, %s)", of, subject, step)
    assert ledger.lines(them) == before
    assert ledger.recounted(elsewhere) == ledger.recounted(them) == []


def test_a_step_is_posted_though_the_viewer_is_cleared_before_the_end(them):
    """A check that waits for the end of the transaction would look as nobody, and see nothing to refuse."""
    matter = raised(them)
    with transaction.atomic():
        move(them.at("provider_lead"), matter, Move.DECLINE, "So.", ZONE)
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('comity.viewer', '', true), set_config('comity.person', '', true)")
            for sql in ("UPDATE ledger_line SET amount = 5", "SELECT comity_post('matter', %s, 2)"):
                with pytest.raises(DatabaseError, match=REFUSED), transaction.atomic():
                    cursor.execute(sql, [matter.pk][: sql.count("%s")])
    assert set(ledger.posted(them, matter)[2]) == {("customer", "due/answer", -1), ("provider", "owes/answer", 1)}


STEP = (
    "INSERT INTO matters_step (id, relationship_id, matter_id, number, at, person_id, side, move, text, ran_out, "
    "terms) VALUES (gen_random_uuid(), %s, %s, %s, now(), %s, %s, %s, 'So.', false, '{}')"
)


@pytest.mark.parametrize(
    ("who", "side"), [("customer_lead", "customer"), ("auditor", None), ("customer_lead", "provider")]
)
@pytest.mark.parametrize("move", ["agree", "done", "cannot", "confirm", "deem"])
def test_nobody_steps_for_the_other_side_and_nothing_is_posted(them, who, side, move):
    """The customer asked the provider, who promised: neither the customer nor an auditor does, or says done, for it."""
    refused(them, who, STEP, them.relationship, them.matter.pk, 3, them.people[who].pk, side, move)


def test_a_step_that_is_dated_back_is_refused(them):
    dated = STEP.replace("now()", "now() - interval '40 days'")
    person = them.people["provider_lead"].pk
    refused(them, "provider_lead", dated, them.relationship, them.matter.pk, 3, person, "provider", "done")


def test_a_matter_stays_where_its_steps_say(them):
    """The side that owes accepts with nothing to follow, and then lets its row say that the records are corrected."""
    matter = raised(them)
    who = them.people["provider_lead"].pk
    with pytest.raises(ProgrammingError, match="where its steps say"), transaction.atomic():
        them.at("provider_lead")
        with connection.cursor() as cursor:
            cursor.execute(STEP, [them.relationship, matter.pk, 2, who, "provider", "agree"])
            cursor.execute(
                "UPDATE matters_matter SET state = 'agreed', reply_by = NULL, last_move = 2, follows = 'records', "
                "promise = true, debtor = 'provider', due_on = current_date + 40, first_due_on = current_date + 40 "
                "WHERE id = %s", [matter.pk],
            )  # fmt: skip
    assert ledger.recounted(them) == []


@pytest.mark.parametrize("who", EVERYBODY)
def test_nobody_puts_another_view_or_table_before_the_owners(them, who):
    """The functions name their schema, and nobody makes anything in it."""
    for sql in (
        "CREATE OR REPLACE VIEW matters_owed AS SELECT 1", "CREATE VIEW other AS SELECT 1", "DROP VIEW matters_owed",
        "CREATE TEMP TABLE ledger_source (subject_type text, view name)",
        "ALTER FUNCTION comity_post(text, uuid, integer) SECURITY INVOKER",
        "ALTER TABLE ledger_line DISABLE TRIGGER ALL", "SELECT * FROM matters_owed",
    ):  # fmt: skip
        refused(them, who, sql, match=f"{REFUSED}|must be owner")


@pytest.mark.parametrize("who", EVERYBODY)
def test_row_level_security_cannot_be_switched_off(them, who):
    for table in TABLES[:4]:
        with pytest.raises(ProgrammingError, match="row-level security"), transaction.atomic():
            look(them, who)
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL row_security = off")
                cursor.execute(f"SELECT * FROM {table}")


def test_a_stranger_reads_nothing_of_it(them):
    for table in TABLES[:-1]:  # since when a kind is recorded is nobody's secret
        with suppress(ProgrammingError):
            assert attack(them, "stranger", f"SELECT * FROM {table}") == []


def test_a_recount_is_kept_in_the_own_name_and_now(them):
    insert = (
        "INSERT INTO ledger_recount (id, relationship_id, at, person_id, subjects, differences) "
        "VALUES (gen_random_uuid(), %s, {}, %s, 0, '[]')"
    )
    own, other = them.people["customer_lead"].pk, them.people["provider_lead"].pk
    for who, at, relationship, person in (
        ("customer_lead", "now()", them.relationship, other),
        ("customer_lead", "now() + interval '1 day'", them.relationship, own),
        ("customer_lead", "now()", cast().relationship, own),
        ("stranger", "now()", them.relationship, them.people["stranger"].pk),
    ):
        refused(them, who, insert.format(at), relationship, person)


# Whoever owns the tables, or stands above: a slip in our own functions, or in somebody's script.


def owners(them, sql, *values, match):
    before = ledger.lines(them)
    with superuser() as everybody, pytest.raises(psycopg.Error, match=match):
        everybody.execute(sql, values)
    assert ledger.lines(them) == before


def test_lines_are_added_with_their_header_alone(them):
    with transaction.atomic():
        them.at("auditor")
        line = Line.objects.select_related("transaction").first()
    owners(
        them,
        "INSERT INTO ledger_line (id, relationship_id, transaction_id, promise_id, day, side, way, kind, amount, "
        "ended, late_by_first, late_by_last) SELECT gen_random_uuid(), relationship_id, transaction_id, promise_id, "
        "day, side, way, kind, -amount, 'kept', false, false FROM ledger_line WHERE id = %s", line.pk,
        match="added with its header",
    )  # fmt: skip


@pytest.fixture
def source():
    """Positions that a test makes up, as a subject of its own: what no view of ours would say."""
    with superuser() as everybody:
        everybody.execute(
            "CREATE TABLE made_up (relationship_id uuid, subject_id uuid, step integer, at timestamptz, day date, "
            "person_id uuid, side text, cause text, late boolean, ends text, ended boolean, facts jsonb, "
            "obligations jsonb); INSERT INTO ledger_source VALUES ('made_up', 'made_up')"
        )
        everybody.execute("GRANT SELECT ON made_up TO comity_owner")
        yield everybody
        everybody.execute("DELETE FROM ledger_source WHERE subject_type = 'made_up'; DROP TABLE made_up")


def one(promise="x/answer/1", debtor="provider", kind="answer", amount="1", due="null", done="null"):
    quoted = [f'"{value}"' if value != "null" else value for value in (promise, debtor, kind)]
    return (
        f'{{"promise": {quoted[0]}, "debtor": {quoted[1]}, "kind": {quoted[2]}, "amount": {amount}, '
        f'"due_on": {due}, "done_on": {done}}}'
    )


def steps_of(source, them, *positions, subject=None, ends="kept", ended=False, day="2026-09-01"):
    """Put positions down as the steps of a subject, and post them; what the last one was answered with."""
    subject = subject or source.execute("SELECT gen_random_uuid()").fetchone()[0]
    for step, position in enumerate(positions, 1):
        last = step == len(positions)
        source.execute(
            "INSERT INTO made_up VALUES (%s, %s, %s, now(), %s, NULL, 'provider', 'made up', NULL, %s, %s, '{}', %s)",
            [
                them.relationship,
                subject,
                step,
                day,
                ends if last else "kept",
                ended and last,
                f"[{', '.join(position)}]",
            ],
        )
        with transaction.atomic(), connection.cursor() as cursor:
            them.at("customer_lead")
            cursor.execute("SELECT comity_post('made_up', %s, %s)", [subject, step])
            number = cursor.fetchone()[0]
    return subject, number


@pytest.mark.parametrize(
    "positions",
    [
        [[one(debtor="null")]], [[one(kind="null")]], [[one(amount="null")]], [[one(promise="null")]],
        [[one(debtor="nobody")]], [[one(kind="hours")]], [[one(amount="-1")]], [[one(amount="0")]],
        [[one(), one()]], [[one()], [one(debtor="customer")]], [[one()], [one(kind="action")]],
        [[one()], [one(amount="null")]], [[one(amount="2")]], [[one(kind="EUR", amount="0.0000001")]],
    ],
)  # fmt: skip
def test_a_position_that_cannot_be_is_not_posted(source, positions):
    """NULL in place of a value, an unknown side or kind, both legs on one side: whatever a view says."""
    them = cast()
    with pytest.raises(DatabaseError):
        steps_of(source, them, *positions)
    assert all(amount in {1, -1} for *_, amount in ledger.lines(them))
    assert len(ledger.lines(them)) in {0, 2}


def test_an_ended_subject_owes_nothing(source):
    them = cast()
    with pytest.raises(DatabaseError, match="ended subject"):
        steps_of(source, them, [one()], ended=True)
    with pytest.raises(DatabaseError, match="ends somehow"):
        steps_of(source, them, [one(kind="action")], [], ends=None)
    steps_of(source, them, [one("y/answer/1")], [], ended=True)


def test_a_promise_of_one_subject_is_not_anothers(source):
    them = cast()
    steps_of(source, them, [one()])
    with pytest.raises(DatabaseError, match="debtor, kind or subject"):
        steps_of(source, them, [one()])


def test_money_is_posted_exactly_cleared_in_part_and_never_below_zero(source):
    """0.10 and 0.20 are 0.30; of 0.30 a part is cleared, then the rest."""
    them = cast()

    def euros(amount):
        return [one("x/EUR/1", kind="EUR", amount=amount)]

    steps_of(source, them, euros("0.10"), euros("0.30"), euros("0.05"), [])
    with transaction.atomic():
        them.at("auditor")
        amounts = [
            str(line.amount.normalize()) for line in Line.objects.filter(way="due").order_by("transaction__number")
        ]
    assert amounts == ["0.1", "0.2", "-0.25", "-0.05"]
    made = ledger.statement(them, "2026-09")
    (row,) = made.rows
    assert (row.kind, str(row.taken_on.normalize()), str(row.kept.normalize()), row.closing) == ("EUR", "0.3", "0.3", 0)


def test_vector_5_moved_is_late_by_the_first_day_alone(source):
    """spec/matters.md: due 10 Sept, moved on 9 Sept to 17 Sept, done 16 Sept: last day kept, first not, moved 1."""
    them = cast()
    subject = source.execute("SELECT gen_random_uuid()").fetchone()[0]
    course = [
        ("2026-09-03", [one("x/action/1", kind="action", due='"2026-09-10"')]),
        ("2026-09-09", [one("x/action/1", kind="action", due='"2026-09-17"')]),
        ("2026-09-16", [one("x/action/1", kind="action", due='"2026-09-17"', done='"2026-09-16"')]),
        ("2026-09-18", []),
    ]
    for step, (day, position) in enumerate(course, 1):
        source.execute(
            "INSERT INTO made_up VALUES (%s, %s, %s, now(), %s, NULL, 'provider', 'made up', NULL, 'kept', false, "
            "'{}', %s)",
            [them.relationship, subject, step, day, f"[{', '.join(position)}]"],
        )
        attack(them, "customer_lead", "SELECT comity_post('made_up', %s, %s)", subject, step)
    (promise,) = ledger.promises(them, type("Subject", (), {"pk": subject}))
    assert (promise.late_by_first, promise.late_by_last, len(promise.days) - 1) == (True, False, 1)
    assert [due for _, _, due in promise.days] == ["2026-09-10", "2026-09-17"]
    (row,) = ledger.statement(them, "2026-09").rows
    assert (row.kept, row.kept_by_first, row.kept_by_last) == (1, 0, 1)
