"""What a step of a matter posts, from the move in the room to the lines and the statement of a month."""

import threading
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone

from comity.apps.i18n import words_for
from comity.apps.ledger import queries
from comity.apps.ledger.exports import statement_paper
from comity.apps.matters import operations as matters
from comity.core import chain
from comity.core.calendars import named
from comity.core.matters.kinds import Kind
from comity.core.matters.transitions import Move
from comity.core.values import Side
from tests.builders import ledger
from tests.builders.confirmations import confirm
from tests.builders.levels import KPI, contacts
from tests.builders.matters import ZONE, moved, raised
from tests.builders.programs import ask
from tests.room import cast, superuser

pytestmark = pytest.mark.gate
C, P = Side.CUSTOMER, Side.PROVIDER


def owes(side, kind):
    """An obligation that opens, as both legs."""
    return {(side.other, f"due/{kind}", 1), (side, f"owes/{kind}", -1)}


def ends(side, kind):
    """One that closes: the exact reverse."""
    return {(side.other, f"due/{kind}", -1), (side, f"owes/{kind}", 1)}


@pytest.fixture(scope="module")
def them():
    made = cast()
    made.book(KPI, contacts="\n".join(contacts()))
    made.tokens = {}
    return made


def action(them, owner="provider_lead", who="customer_lead", due=3):
    with transaction.atomic():
        place = them.at(owner).membership
    return raised(them, who, Kind.ACTION, owner=place, due_on=timezone.now().date() + timedelta(days=due))


VECTOR_5 = [
    ("provider_lead", Move.COUNTER),
    ("customer_lead", Move.AGREE),
    ("provider_lead", Move.DONE),
    ("customer_lead", Move.NOT_DONE),
    ("provider_lead", Move.DONE),
    ("customer_lead", Move.CONFIRM),
]
DAYS_5 = ("2026-09-01", "2026-09-02", "2026-09-03", "2026-09-09", "2026-09-11", "2026-09-14", "2026-09-15")


def test_vector_5_of_the_specification_is_posted_step_by_step(them):
    """spec/matters.md, vector 5."""
    matter = action(them)
    for who, what in VECTOR_5:
        matter = moved(them, who, matter, what)
    assert ledger.posted(them, matter) == {
        1: owes(P, "answer"),
        2: ends(P, "answer") | owes(C, "answer"),
        3: ends(C, "answer") | owes(P, "action"),
        4: owes(C, "answer"),
        5: ends(C, "answer"),
        6: owes(C, "answer"),
        7: ends(P, "action") | ends(C, "answer"),
    }
    assert [one.open for one in ledger.promises(them, matter)] == [0] * 5
    assert ledger.recounted(them) == []


def test_vector_5_is_late_by_its_first_day_on_the_statement():
    """The same with its days: due 10 September, done 9 and 14 September, confirmed on the 15th."""
    them = cast()
    them.book(KPI, contacts="\n".join(contacts()))
    matter = action(them)
    for who, what in VECTOR_5:
        matter = moved(them, who, matter, what)
    ledger.dated(matter, *DAYS_5)
    with superuser() as everybody:
        everybody.execute("UPDATE matters_matter SET due_on = '2026-09-10' WHERE id = %s", [matter.pk])
    ledger.filled(them)
    (promise,) = (one for one in ledger.promises(them, matter) if one.kind == "action")
    assert (promise.due_on, promise.done_on, promise.ended, promise.late_by_first, promise.late_by_last) == (
        date(2026, 9, 10), date(2026, 9, 14), "kept", True, True,
    )  # fmt: skip
    september, october = (ledger.statement(them, month) for month in ("2026-09", "2026-10"))
    (work,) = (row for row in september.of(P) if row.kind == "action")
    assert (work.opening, work.taken_on, work.kept, work.kept_by_first, work.closing) == (0, 1, 1, 0, 0)
    (answers,) = (row for row in september.of(C) if row.kind == "answer")
    assert (answers.taken_on, answers.kept, answers.closing) == (3, 3, 0)
    assert october.rows == ()
    assert [one.day.isoformat() for one in ledger.transactions(them)] == list(DAYS_5)
    page = them.client("customer_lead").get(them.url("ledger/?period=2026-09")).content.decode()
    assert "Neither side owes the other anything." in page
    assert '<span class="late">Helpline did it late</span>' in page


def test_an_accepted_dispute_is_owed_until_it_is_confirmed_as_carried_out(them):
    matter = raised(them)
    assert ledger.posted(them, matter) == {1: owes(P, "answer")}
    for who, what in (("provider_lead", Move.AGREE), ("provider_lead", Move.DONE), ("customer_lead", Move.CONFIRM)):
        matter = moved(them, who, matter, what)
    by_step = ledger.posted(them, matter)
    assert by_step[2] == ends(P, "answer") | owes(P, "action")
    assert by_step[4] == ends(P, "action") | ends(C, "answer")
    (work,) = (one for one in ledger.promises(them, matter) if one.kind == "action")
    assert work.due_on == matter.due_on
    assert [step for step, *_ in work.days] == [
        2
    ]  # the day was written after the step, and is that step's all the same


def test_a_claimed_value_that_is_recorded_beside_owes_nothing_more(them):
    matter = moved(them, "provider_lead", raised(them, value=Decimal("0.5")), Move.AGREE, follows="value")
    assert ledger.posted(them, matter) == {1: owes(P, "answer"), 2: ends(P, "answer")}


@pytest.mark.parametrize(
    ("moves", "ended"),
    [
        ([("customer_lead", Move.WITHDRAW)], {"answer": "withdrawn"}),
        ([("provider_lead", Move.DECLINE)], {"answer": "kept"}),
        ([("provider_lead", Move.AGREE), ("customer_lead", Move.LET_OFF)], {"answer": "kept", "action": "let_off"}),
        ([("provider_lead", Move.AGREE), ("provider_lead", Move.CANNOT)], {"answer": "kept", "action": "broken"}),
    ],
)
def test_a_promise_ends_as_its_last_move_says(them, moves, ended):
    matter = action(them)
    for who, what in moves:
        matter = moved(them, who, matter, what)
    assert {one.kind: one.ended for one in ledger.promises(them, matter)} == ended
    assert all(one.open == 0 for one in ledger.promises(them, matter))


def test_a_dispute_that_was_broken_stays_so_when_it_is_let_off(them):
    matter = raised(them)
    for who, what in (
        ("provider_lead", Move.AGREE),
        ("provider_lead", Move.CANNOT),
        ("customer_lead", Move.LET_OFF),
    ):
        matter = moved(them, who, matter, what)
    assert {one.kind: one.ended for one in ledger.promises(them, matter)} == {"answer": "kept", "action": "broken"}


COURSES = {
    "asked back, replied, agreed": (
        [("provider_lead", Move.ASK_BACK), ("customer_lead", Move.REPLY), ("provider_lead", Move.AGREE)],
        {1: owes(P, "answer"), 2: owes(C, "answer"), 3: ends(C, "answer"), 4: ends(P, "answer") | owes(P, "action")},
    ),
    "asked back, countered, taken back": (
        [("provider_lead", Move.ASK_BACK), ("provider_lead", Move.COUNTER), ("provider_lead", Move.TAKE_BACK)],
        {1: owes(P, "answer"), 2: owes(C, "answer")},  # and then one answer of C for another, and P's
    ),
    "the asking side asks back": (
        [("provider_lead", Move.COUNTER), ("customer_lead", Move.ASK_BACK), ("provider_lead", Move.REPLY)],
        {
            1: owes(P, "answer"),
            2: ends(P, "answer") | owes(C, "answer"),
            3: owes(P, "answer"),
            4: ends(P, "answer"),
        },
    ),
    "a counter-proposal declined twice": (
        [
            ("provider_lead", Move.COUNTER), ("customer_lead", Move.DECLINE), ("provider_lead", Move.COUNTER),
            ("customer_lead", Move.DECLINE),
        ],
        {
            1: owes(P, "answer"),
            2: ends(P, "answer") | owes(C, "answer"),
            3: ends(C, "answer") | owes(P, "answer"),
            4: ends(P, "answer") | owes(C, "answer"),
            5: ends(C, "answer"),
        },
    ),
    "opened again by both": (
        [
            ("provider_lead", Move.AGREE), ("provider_lead", Move.DONE), ("customer_lead", Move.CONFIRM),
            ("customer_lead", Move.REOPEN), ("provider_lead", Move.REOPEN),
        ],
        {
            1: owes(P, "answer"),
            2: ends(P, "answer") | owes(P, "action"),
            3: owes(C, "answer"),
            4: ends(P, "action") | ends(C, "answer"),
            6: owes(P, "action"),  # the first side's word alone changed nothing
        },
    ),
    "declined, opened again": (
        [("provider_lead", Move.DECLINE), ("provider_lead", Move.REOPEN), ("customer_lead", Move.REOPEN)],
        {1: owes(P, "answer"), 2: ends(P, "answer"), 4: owes(P, "answer")},
    ),
    "withdrawn while asked back": (
        [("provider_lead", Move.ASK_BACK), ("customer_lead", Move.WITHDRAW)],
        {1: owes(P, "answer"), 2: owes(C, "answer"), 3: ends(P, "answer") | ends(C, "answer")},
    ),
}  # fmt: skip


@pytest.mark.parametrize("course", COURSES)
def test_a_course_of_the_table_of_states_is_posted_step_by_step(them, course):
    """By the table of postings of spec/matters.md."""
    moves, expected = COURSES[course]
    matter = action(them)
    for who, what in moves:
        matter = moved(them, who, matter, what)
    found = ledger.posted(them, matter)
    assert {step: found[step] for step in expected} == expected
    if Move.TAKE_BACK not in {what for _, what in moves}:
        assert set(found) == set(expected)
    assert ledger.recounted(them) == []


def test_work_that_either_side_may_do_is_owed_by_whoever_takes_it_over(them):
    """An action without an owner: the answering side owes it, and the other one cannot break its promise for it."""
    with transaction.atomic():
        mine = them.at("customer_lead").membership
    cases = {
        Move.CANNOT: {"action": ["withdrawn"], "open": []},
        Move.HAND_OVER: {"action": ["withdrawn", ""], "open": [C]},
        Move.DONE: {"action": ["withdrawn", ""], "open": [C]},
    }
    for what, expected in cases.items():
        matter = moved(them, "provider_lead", raised(them, kind=Kind.ACTION), Move.AGREE)
        more = {"owner": mine} if what is Move.HAND_OVER else {}
        matter = moved(them, "customer_lead", matter, what, **more)
        found = [one for one in ledger.promises(them, matter) if one.kind == "action"]
        found.sort(key=lambda one: one.open)
        assert [one.ended for one in found] == expected["action"], what
        assert [one.debtor for one in found if one.open] == expected["open"], what
    assert ledger.recounted(them) == []


def test_matters_of_the_time_before_it_was_kept_what_had_been_are_filled_alike():
    """Steps that were carried over say nothing of what was before them; a declined counter-proposal was the end."""
    them = cast()
    them.book(KPI, contacts="\n".join(contacts()))
    first, declined, disputed = action(them), action(them), raised(them)
    for who, what in VECTOR_5:
        first = moved(them, who, first, what)
    declined = moved(them, "provider_lead", declined, Move.COUNTER)
    disputed = moved(them, "provider_lead", disputed, Move.AGREE)
    disputed = moved(them, "provider_lead", disputed, Move.DONE)
    open_one = moved(them, "customer_lead", declined, Move.DECLINE)
    before = {one.pk: ledger.posted(them, one) for one in (first, disputed)}
    assert ledger.posted(them, open_one)[3] == ends(C, "answer") | owes(P, "answer")
    with superuser() as everybody:
        everybody.execute("UPDATE matters_step SET stood = '{}' WHERE relationship_id = %s", [them.relationship])
        everybody.execute("UPDATE matters_matter SET state = 'declined' WHERE id = %s", [declined.pk])
    ledger.filled(them)
    assert {one.pk: ledger.posted(them, one) for one in (first, disputed)} == before
    assert ledger.posted(them, open_one)[3] == ends(C, "answer")
    assert ledger.recounted(them) == []


def test_another_day_that_both_agreed_on_is_another_day_of_the_promise(them):
    """The one who owes proposes it; until the other takes it, the first day stands."""
    matter = moved(them, "provider_lead", action(them), Move.AGREE)
    first = matter.due_on
    matter = moved(them, "provider_lead", matter, Move.OTHER_DAY, beside={"day": first + timedelta(days=7)})

    def days():
        (work,) = (one for one in ledger.promises(them, matter) if one.kind == "action")
        return [day for _, _, day in work.days]

    assert days() == [f"{first}"]
    matter = moved(them, "customer_lead", matter, Move.TAKE)
    assert days() == [f"{first}", f"{first + timedelta(days=7)}"]
    ledger.filled(them)
    assert days() == [f"{first}", f"{first + timedelta(days=7)}"]


def test_an_answer_that_is_taken_back_opens_again_under_its_own_key_and_counts_once():
    """Else a side could count one answer as kept in time as often as it likes."""
    them = cast()
    them.book(KPI, contacts="\n".join(contacts()))
    matter = raised(them)
    for _ in range(3):
        matter = moved(them, "provider_lead", matter, Move.AGREE)
        matter = moved(them, "provider_lead", matter, Move.TAKE_BACK)
    matter = moved(them, "provider_lead", matter, Move.AGREE)
    answers = [one for one in ledger.promises(them, matter) if one.kind == "answer"]
    assert [(one.ended, one.open, one.promised) for one in answers] == [("kept", 0, 1)]
    rows = {row.kind: row for row in ledger.statement(them, f"{timezone.now().date():%Y-%m}").rows}
    assert (rows["answer"].taken_on, rows["answer"].kept, rows["answer"].closing) == (1, 1, 0)
    assert (rows["action"].taken_on, rows["action"].withdrawn, rows["action"].closing) == (4, 3, 1)
    assert ledger.recounted(them) == []


def test_what_changes_no_position_posts_nothing(them):
    matter = action(them)
    with transaction.atomic():
        other = them.at("provider_analyst").membership
    matter = moved(them, "provider_lead", matter, Move.AGREE)
    before = ledger.lines(them)
    moved(them, "customer_lead", matter, Move.COMMENT)
    moved(them, "provider_lead", matter, Move.HAND_OVER, owner=other)
    assert ledger.lines(them) == before


def test_each_transaction_is_an_entry_of_the_record_which_verifies():
    them = cast()
    matter = moved(them, "provider_lead", raised(them, kind=Kind.CLAIM, **CLAIM), Move.AGREE)
    with transaction.atomic():
        member = them.at("auditor")
        held = matters.queries.Entry.objects.filter(relationship=member.relationship).order_by("number")
        found = [chain.Entry(one.number, one.content, one.previous, one.digest) for one in held]
    chain.verify(found)
    assert [one.content["content"]["of"] for one in found] == [
        {"type": "matter", "id": str(matter.pk), "step": step} for step in (1, 2)
    ]
    assert [one.entry for one in ledger.transactions(them)] == [one.number for one in found]
    assert {leg["amount"] for one in found for leg in one.content["content"]["lines"]} == {"1", "-1"}


CLAIM = {"event": "storm", "asked_for": "relief", "from_day": date(2026, 6, 2), "to_day": date(2026, 6, 3)}


def test_nothing_is_posted_into_a_period_that_is_final():
    """Steps of June are known only after June was final: they stand in the first open month, and say for which day."""
    them = cast()
    them.book(KPI, contacts="\n".join(contacts()))
    matter = action(them)
    confirm(them, "customer_lead")
    confirm(them, "provider_lead")
    matter = moved(them, "provider_lead", matter, Move.AGREE)
    ledger.dated(matter, "2026-06-10", "2026-07-02")
    with superuser() as everybody, everybody.transaction():
        for table in ("ledger_line", "ledger_transaction", "ledger_promise"):
            everybody.execute(f"DELETE FROM {table} WHERE relationship_id = %s", [them.relationship])
        everybody.execute("SELECT comity_fill_matters()")
    assert [(one.step, one.day, one.for_day) for one in ledger.transactions(them)] == [
        (1, date(2026, 7, 1), date(2026, 6, 10)), (2, date(2026, 7, 2), None),
    ]  # fmt: skip
    assert ledger.statement(them, "2026-06").rows == ()
    page = them.client("auditor").get(them.url("ledger/?period=2026-07")).content.decode()
    assert "for 10 June 2026, whose period was final" in page.replace("\xa0", " ")


@pytest.mark.parametrize(
    ("period", "starts_on", "days"),
    [
        ("2026-06", 1, "[2026-06-01,2026-07-01)"), ("2026-06", 22, "[2026-06-22,2026-07-22)"),
        ("2026-Q2", 22, "[2026-04-22,2026-07-22)"), ("2026", 1, "[2026-01-01,2027-01-01)"),
        ("2026-W23", 1, "[2026-06-01,2026-06-08)"), ("2026-W01", 22, "[2025-12-29,2026-01-05)"),
        ("nonsense", 1, None),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("them")
def test_the_database_knows_the_days_of_a_period(period, starts_on, days):
    """As `core.calendars.named` has them, contract months included."""
    with superuser() as everybody:
        found = everybody.execute("SELECT comity_period_days(%s, %s)::text", [period, starts_on]).fetchone()[0]
    assert found == days


def test_days_are_those_of_the_book_and_the_first_word_about_that_counts(them):
    """23:30 UTC on 30 June is 1 July in Madrid; a side that says another zone later changes nothing."""
    with transaction.atomic(), connection.cursor() as cursor:
        them.at("customer_lead")
        cursor.execute("SELECT comity_keep_ledger_calendar('Pacific/Kiritimati', 15)")
        assert cursor.fetchone() == (False,)
        cursor.execute("SELECT zone, month_starts_on FROM ledger_calendar")
        assert cursor.fetchall() == [("Europe/Madrid", 1)]
        cursor.execute("SELECT comity_ledger_day(%s, '2026-06-30 23:30+00')::text", [them.relationship])
        assert cursor.fetchone() == ("2026-07-01",)


def test_a_step_is_posted_once_and_asking_again_answers_with_the_same(them):
    matter = moved(them, "provider_lead", action(them), Move.AGREE)
    before = ledger.lines(them)
    with transaction.atomic(), connection.cursor() as cursor:
        them.at("customer_member")
        for step, of in ((2, 2), (1, 1), (2, 2)):
            cursor.execute("SELECT t.step FROM ledger_transaction t WHERE t.id = comity_post('matter', %s, %s)",
                           [matter.pk, step])  # fmt: skip
            assert cursor.fetchone() == (of,)
    assert ledger.lines(them) == before


def test_two_matters_moved_at_once_wait_for_each_other_and_do_not_lock_each_other_out():
    """Each step refers to the relationship's row before it is posted under that row's lock."""
    them = cast()
    them.book(KPI, contacts="\n".join(contacts()))
    both = [action(them) for _ in range(6)]
    failed = []

    def accept(matter):
        try:
            with transaction.atomic():
                matters.move(them.at("provider_lead"), matter, Move.AGREE, "Yes.", ZONE)
        except Exception as error:  # noqa: BLE001 - told below
            failed.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=accept, args=(one,)) for one in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert [one.number for one in ledger.transactions(them)] == list(range(1, 13))
    assert ledger.recounted(them) == []


def decision(them, due=6):
    return raised(them, "customer_lead", Kind.DECISION, due_on=timezone.now().date() + timedelta(days=due))


def test_a_decision_is_owed_as_a_decision_until_it_is_decided_and_then_as_an_action(them):
    """spec/matters.md, "a decision is asked of B: likewise, decision"; what is asked back stays an answer."""
    matter = decision(them)
    for who, what in (
        ("provider_lead", Move.ASK_BACK), ("customer_lead", Move.REPLY), ("provider_lead", Move.AGREE),
        ("provider_lead", Move.DONE), ("customer_lead", Move.CONFIRM),
    ):  # fmt: skip
        matter = moved(them, who, matter, what)
    assert ledger.posted(them, matter) == {
        1: owes(P, "decision"),
        2: owes(C, "answer"),
        3: ends(C, "answer"),
        4: ends(P, "decision") | owes(P, "action"),
        5: owes(C, "answer"),
        6: ends(P, "action") | ends(C, "answer"),
    }
    (decided,) = (one for one in ledger.promises(them, matter) if one.kind == "decision")
    assert (decided.ended, decided.late_by_first, decided.due_on) == (
        "kept", False, timezone.now().date() + timedelta(days=6),
    )  # fmt: skip
    assert ledger.recounted(them) == []


@pytest.mark.parametrize(
    ("moves", "owed"),
    [
        (["p:counter"], "customer answer"),
        (["p:counter", "c:decline"], "provider decision"),
        (["p:counter", "c:counter"], "provider decision"),
        (["p:counter", "c:ask_back"], "customer answer, provider answer"),
        (["p:counter", "p:take_back"], "provider decision"),
        (["p:decline"], ""),
        (["p:decline", "c:reopen", "p:reopen"], "provider decision"),
        (["c:withdraw"], ""),
    ],
)
def test_each_turn_of_a_decision_leaves_what_is_owed(them, moves, owed):
    matter = decision(them)
    for one in moves:
        side, move = one.split(":")
        matter = moved(them, {"c": "customer_lead", "p": "provider_lead"}[side], matter, Move(move))
    open_now = sorted(f"{one.debtor} {one.kind}" for one in ledger.promises(them, matter) if one.open)
    assert ", ".join(open_now) == owed
    assert ledger.recounted(them) == []


def test_a_decision_past_its_day_is_late_and_says_so():
    them = cast()
    them.book(KPI, contacts="\n".join(contacts()))
    matter = moved(them, "provider_lead", decision(them), Move.AGREE)
    ledger.dated(matter, "2026-09-01", "2026-09-12")
    with superuser() as everybody:
        everybody.execute(
            'UPDATE matters_step SET terms = terms || \'{"due_on": "2026-09-10"}\' WHERE matter_id = %s', [matter.pk]
        )
    ledger.filled(them)
    (row,) = (row for row in ledger.statement(them, "2026-09").of(P) if row.kind == "decision")
    assert (row.taken_on, row.kept, row.kept_by_last, row.closing) == (1, 1, 0, 0)
    page = them.client("customer_lead").get(them.url("ledger/?period=2026-09")).content.decode()
    assert "Helpline decided late" in page
    assert "Helpline must decide by 10\N{NO-BREAK SPACE}September\N{NO-BREAK SPACE}2026" in page


def test_decisions_of_before_they_were_counted_apart_stay_answers():
    them = cast()
    matter = decision(them)
    with superuser() as everybody:
        everybody.execute("UPDATE matters_step SET recorded_at = '2026-01-01' WHERE matter_id = %s", [matter.pk])
    ledger.filled(them)
    assert ledger.posted(them, matter) == {1: owes(P, "answer")}
    moved(them, "provider_lead", matter, Move.DECLINE)
    assert ledger.posted(them, matter)[2] == ends(P, "answer")
    assert ledger.recounted(them) == []


def test_what_nobody_records_is_named_and_never_zero(them):
    """In the page of both languages, the paper and the API; there is no row of it."""
    browser = them.client("customer_lead")
    assert (
        "Nobody records this yet: deliveries of records and amounts of money."
        in browser.get(them.url("ledger/")).content.decode()
    )
    browser.cookies["django_language"] = "es"
    page = browser.get(them.url("ledger/"), headers={"accept-language": "es"}).content.decode()
    assert "Esto aún no lo registra nadie: las entregas de datos y los importes." in page
    with transaction.atomic():
        member = them.at("auditor")
        assert queries.unrecorded() == ["records", "money"]
        paper = statement_paper(member, named(f"{timezone.now():%Y-%m}")[1], words_for("en"))
        assert any("Nobody records this yet" in note for note in paper["notes"])
    said = ask(them, "auditor", "ledger").json()
    assert said["not_recorded"] == ["records", "money"]
    assert not {"records", "EUR"} & {row["kind"] for row in said["rows"]}
