"""What the database itself refuses to the app's role, whatever a request, a page or an injected query asks for.

Each attack is made as an ordinary person of a side, over the app's own connection, with the wall's settings in place:
nothing in Python stands before it.
"""

import json
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.db.utils import DatabaseError, ProgrammingError
from django.utils import timezone

from comity.apps.matters.models import Matter, Step
from comity.apps.parties.models import Role
from comity.apps.parties.rights import Action, role_may
from comity.apps.record.models import Consent, ConsentSubject, Entry
from comity.core import chain
from comity.core.matters.kinds import Kind
from comity.core.matters.posture import serving_side
from comity.core.matters.transitions import TABLE, Move
from comity.core.values import Side
from tests.builders.confirmations import back, clock, confirm, entries, late, notice_over, silence_allowed, words
from tests.builders.levels import KPI, contacts
from tests.builders.matters import moved, raised, running, steps
from tests.builders.turns import every
from tests.room import cast, superuser

pytestmark = pytest.mark.gate

JUNE = "2026-06"
FIGURES = {"service_level": {"value": "0.99", "disputed": []}}
DIGEST = chain.digest_of(FIGURES)
REFUSED = "comity:|permission denied|row-level security"


@pytest.fixture(scope="module")
def them():
    made = cast()
    made.book(KPI, contacts="\n".join(contacts()))
    return made


def attack(them, who, sql, *values):
    """Run it as somebody, over the app's connection."""
    with transaction.atomic():
        them.at(who)
        with connection.cursor() as cursor:
            cursor.execute(sql, values)
            return cursor.fetchall() if cursor.description else cursor.rowcount


def refused(them, who, sql, *values):
    with pytest.raises(ProgrammingError, match=REFUSED):
        attack(them, who, sql, *values)


@pytest.mark.parametrize("deemed", [True, False])
@pytest.mark.parametrize("side", ["customer", "provider"])
def test_the_app_role_cannot_insert_a_confirmation(them, side, deemed):
    person = None if deemed else them.people["customer_lead"].pk
    refused(
        them,
        "customer_lead",
        "INSERT INTO record_consent (id, relationship_id, subject_type, subject, side, person_id, at, deemed, digest) "
        "VALUES (gen_random_uuid(), %s, 'period', %s, %s, %s, now(), %s, %s)",
        them.relationship, JUNE, side, person, deemed, DIGEST,
    )  # fmt: skip


def test_the_app_role_cannot_insert_an_entry_of_the_record(them):
    refused(
        them,
        "provider_lead",
        "INSERT INTO record_entry (id, relationship_id, number, kind, subject_type, subject, at, content, previous, "
        "digest) VALUES (gen_random_uuid(), %s, 1, 'frozen', 'period', %s, now(), %s, %s, %s)",
        them.relationship, JUNE, json.dumps({"figures": FIGURES}), "0" * 64, DIGEST,
    )  # fmt: skip
    refused(them, "provider_lead", "SELECT comity_append('frozen', 'period', %s, %s)", JUNE, json.dumps(FIGURES))
    refused(them, "provider_lead", "SELECT comity_settle('frozen', 'period', %s, %s)", JUNE, json.dumps(FIGURES))
    refused(them, "provider_lead", "SELECT comity_speaker('{lead}')")
    refused(them, "provider_lead", "INSERT INTO record_kind VALUES ('period', 'other', true, '{member}')")


@pytest.mark.parametrize(
    "change",
    [
        "deemed = true", "side = 'provider'", "digest = repeat('0', 64)", "void_at = now()", "void_at = NULL",
        "reminded_at = now()", "reminded_to = '[]'", "at = now() - interval '1 year'", "content = '{}'",
        "subject = 'x'", "void_told_at = now()",
    ],
)  # fmt: skip
def test_the_app_role_cannot_change_a_confirmation(them, change):
    refused(them, "customer_lead", f"UPDATE record_consent SET {change}")


@pytest.mark.parametrize("who", ["customer_analyst", "customer_member", "mediator", "auditor", "stranger"])
def test_only_members_with_the_right_confirm_in_the_database(them, who):
    if who == "stranger":
        with pytest.raises(ProgrammingError, match=REFUSED), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT comity_consent('period', %s, %s, %s)", [JUNE, DIGEST, json.dumps(FIGURES)])
        return
    refused(them, who, "SELECT comity_consent('period', %s, %s, %s)", JUNE, DIGEST, json.dumps(FIGURES))


def test_a_confirmations_digest_must_match_its_figures(them):
    other = json.dumps(FIGURES | {"csat": {"value": "1"}})
    refused(them, "customer_lead", "SELECT comity_consent('period', %s, %s, %s)", JUNE, DIGEST, other)
    refused(them, "customer_lead", "SELECT comity_consent('period', %s, %s, %s)", JUNE, chain.digest_of({}), "{}")


def test_freezing_needs_both_sides_and_the_confirmed_figures():
    them = cast()
    them.book(KPI, contacts="\n".join(contacts()))
    confirm(them, "customer_lead")
    (word,) = words(them)
    own, other = json.dumps(word.content), json.dumps(FIGURES)
    for figures in (own, other):
        refused(them, "provider_lead", "SELECT comity_freeze(%s, %s, %s)", JUNE, DIGEST, figures)
        refused(them, "provider_lead", "SELECT comity_deem_consent('period', %s, %s)", JUNE, figures)
    leads, remind = [them.people["provider_lead"].pk], "SELECT comity_remind_consent(%s, %s::uuid[])"
    for told in ([], [them.people["customer_lead"].pk], [them.people["provider_member"].pk, *leads]):
        refused(them, "customer_lead", remind, word.pk, told)
    attack(them, "customer_lead", remind, word.pk, leads)
    refused(them, "customer_lead", remind, word.pk, leads)  # once
    confirm(them, "provider_lead")
    for again in ("comity_void_consents('period', %s, %s)", "comity_deem_consent('period', %s, %s)"):
        refused(them, "provider_lead", f"SELECT {again}", JUNE, other)  # it is frozen now


NOTICE = "SELECT comity_give_notice(%s, %s, %s, %s)"


@pytest.fixture
def overdue():
    """The provider is late with June, both sides let silence count, and the room's clock runs."""
    them = cast()
    them.book(KPI, contacts="\n".join(contacts()))
    silence_allowed(them)
    them.word = late(them)
    clock()
    return them


def notice(them, *who, due=timedelta(days=-1), until=timedelta(days=14), taken=timedelta(0)):
    """The arguments of a notice, of now."""
    now = timezone.now()
    told = [{"person": str(them.people[one].pk), "taken_at": (now + taken).isoformat()} for one in who]
    return them.word.pk, now + due, now + until, json.dumps(told)


@pytest.mark.parametrize(
    ("who", "change"),
    every(
        3,
        [
            ((), {}),
            (("provider_lead",), {}),  # two people at least
            (("provider_lead", "provider_lead"), {}),
            (("provider_executive", "provider_member"), {}),  # who may confirm
            (("provider_lead", "customer_lead"), {}),
            (("provider_lead", "provider_executive"), {"due": timedelta(hours=1)}),  # the reply is not due yet
            (("provider_lead", "provider_executive"), {"due": timedelta(days=-39)}),  # nor could it be due so early
            (("provider_lead", "provider_executive"), {"until": timedelta(days=9, hours=23)}),  # ten working days
            (("provider_lead", "provider_executive"), {"taken": timedelta(hours=-2)}),  # taken before it was sent
            (("provider_lead", "provider_executive"), {"taken": timedelta(hours=2)}),
        ],
        unpack=True,
    ),
)
def test_an_invalid_notice_is_refused(overdue, who, change):
    refused(overdue, "customer_lead", NOTICE, *notice(overdue, *who, **change))


def test_a_notice_is_given_once_for_a_consent_after_silence_was_allowed(overdue):
    both = ("provider_lead", "provider_executive")
    back(overdue.word, at=timezone.now() - timedelta(days=61))
    refused(overdue, "customer_lead", NOTICE, *notice(overdue, *both))  # before both had
    back(overdue.word, at=timezone.now() - timedelta(days=40))
    refused(cast(), "customer_lead", NOTICE, *notice(overdue, *both))  # from another relationship
    attack(overdue, "customer_lead", NOTICE, *notice(overdue, *both))
    refused(overdue, "customer_lead", NOTICE, *notice(overdue, *both))


def test_silence_confirms_only_where_every_condition_holds(overdue):
    """Each of them broken alone, and then none: specification of matters, "Silence"."""
    deem, own = "SELECT comity_deem_consent('period', %s, %s)", json.dumps(overdue.word.content)
    refused(overdue, "customer_lead", deem, JUNE, own)  # no notice
    attack(overdue, "customer_lead", NOTICE, *notice(overdue, "provider_lead", "provider_executive"))
    refused(overdue, "customer_lead", deem, JUNE, own)  # its day is not over
    notice_over(overdue)
    refused(overdue, "customer_lead", deem, JUNE, json.dumps(FIGURES))  # other figures
    here = [overdue.relationship]
    breaks = {
        "UPDATE replies_silenceterm SET accepts = NOT accepts WHERE side = 'customer' AND relationship_id = %s": here,
        "UPDATE replies_silenceterm SET at = at + interval '30 days' WHERE relationship_id = %s": here,
        "UPDATE replies_notice SET due_at = at + interval '1 day' WHERE relationship_id = %s": here,
        "UPDATE replies_notice SET at = until - interval '9 days' WHERE relationship_id = %s": here,
        "UPDATE replies_notice SET told = told - 0 WHERE relationship_id = %s": here,
        "UPDATE replies_notice SET told = jsonb_set(told, '{0,bounced_at}', '\"x\"') WHERE relationship_id = %s": here,
        "UPDATE replies_notice SET told = jsonb_set(told, '{1,taken_at}', to_jsonb(now())) WHERE relationship_id = %s":
            here,
        "UPDATE parties_membership SET left_at = now() WHERE relationship_id = %s AND person_id = %s":
            [*here, overdue.people["provider_executive"].pk],
        "UPDATE replies_clock SET ran_before = now() - interval '2 hours'": [],  # right after an outage
        "UPDATE replies_clock SET ran_at = now() - interval '61 minutes'": [],
    }  # fmt: skip
    for change, values in breaks.items():
        with broken(change, values):
            refused(overdue, "customer_lead", deem, JUNE, own)
    assert entries(overdue) == []
    attack(overdue, "customer_lead", deem, JUNE, own)
    refused(overdue, "customer_lead", "SELECT comity_freeze(%s, %s, %s)", JUNE, DIGEST, json.dumps(FIGURES))
    attack(overdue, "customer_lead", "SELECT comity_freeze(%s, %s, %s)", JUNE, DIGEST, own)


@contextmanager
def broken(change, values):
    """Something is changed by the superuser, and is afterwards as it was."""
    tables = ("replies_silenceterm", "replies_notice", "replies_clock", "parties_membership")
    with superuser() as everybody:
        for table in tables:
            everybody.execute(f"CREATE TEMP TABLE kept_{table} AS TABLE {table}")
        assert everybody.execute(change, values).rowcount
        try:
            yield
        finally:
            for table, key in zip(tables, ("id", "id", "one", "id"), strict=True):
                names = [one.name for one in everybody.execute(f"TABLE {table} LIMIT 0").description if one.name != key]
                everybody.execute(
                    f"UPDATE {table} t SET ({', '.join(names)}) = (SELECT {', '.join(f'k.{n}' for n in names)} "
                    f"FROM kept_{table} k WHERE k.{key} = t.{key})"
                )
                everybody.execute(f"DROP TABLE kept_{table}")


def test_a_confirmation_of_the_current_figures_is_not_voided():
    them = cast()
    them.book(KPI, contacts="\n".join(contacts()))
    confirm(them, "customer_lead")
    with transaction.atomic():
        them.at("customer_lead")
        word = Consent.objects.get()
    same = dict(reversed(word.content.items()))
    assert attack(them, "provider_lead", "SELECT comity_void_consents('period', %s, %s)", JUNE, json.dumps(same)) == []
    assert attack(them, "provider_lead", "SELECT void_at FROM record_consent") == [(None,)]


@pytest.mark.parametrize(
    ("who", "move", "side", "person"),
    [
        ("customer_lead", "deem", None, None),
        ("customer_lead", "remind", None, None),
        ("customer_lead", "deem", "customer", "customer_lead"),
        ("customer_lead", "agree", None, "customer_lead"),
        ("customer_lead", "agree", "provider", "customer_lead"),
        ("customer_lead", "agree", "customer", "customer_lead"),  # it waits for the provider
        ("customer_lead", "comment", "customer", "customer_member"),
        ("customer_lead", "comment", None, None),
        ("provider_lead", "withdraw", "provider", "provider_lead"),
        ("provider_lead", "done", "provider", "provider_lead"),
        ("mediator", "agree", None, "mediator"),
        ("mediator", "deem", None, "mediator"),
        ("auditor", "remind", None, None),
    ],
)
def test_a_step_cannot_be_made_in_anothers_name_or_out_of_turn(them, who, move, side, person):
    matter = raised(them)
    refused(
        them,
        who,
        "INSERT INTO matters_step (id, relationship_id, matter_id, number, at, person_id, side, move, text, ran_out, "
        "terms) VALUES (gen_random_uuid(), %s, %s, 2, now(), %s, %s, %s, '', false, '{}')",
        them.relationship, matter.pk, None if person is None else them.people[person].pk, side, move,
    )  # fmt: skip


@pytest.mark.parametrize("change", [{"at": "now() - interval '1 year'"}, {"number": "7"}, {"answers": "theirs"}])
def test_a_step_has_the_next_number_and_the_current_time(them, change):
    matter, other = raised(them), raised(them)
    with transaction.atomic():
        them.at("provider_lead")
        theirs = Step.objects.get(matter=other)
    refused(
        them,
        "provider_lead",
        "INSERT INTO matters_step (id, relationship_id, matter_id, number, at, person_id, side, move, text, ran_out, "
        f"terms, answers_to_id) VALUES (gen_random_uuid(), %s, %s, {change.get('number', '2')}, "
        f"{change.get('at', 'now()')}, %s, 'provider', 'agree', '', false, '{{}}', %s)",
        them.relationship, matter.pk, them.people["provider_lead"].pk, theirs.pk if "answers" in change else None,
    )  # fmt: skip


def test_a_side_cannot_set_whether_a_step_was_late(them):
    matter = raised(them)
    running(matter, them, -timedelta(minutes=5))
    attack(
        them,
        "provider_lead",
        "INSERT INTO matters_step (id, relationship_id, matter_id, number, at, person_id, side, move, text, ran_out, "
        "terms) VALUES (gen_random_uuid(), %s, %s, 2, now(), %s, 'provider', 'comment', '', false, '{}')",
        them.relationship, matter.pk, them.people["provider_lead"].pk,
    )  # fmt: skip
    assert steps(them, matter)[-1].ran_out


@pytest.mark.parametrize("who", ["customer_lead", "provider_lead", "mediator", "auditor"])
@pytest.mark.parametrize(
    "change",
    [
        "state = 'agreed'", "state = 'agreed', reply_by = NULL", "state = 'declined', reply_by = NULL",
        "state = 'deemed', reply_by = NULL", "state = 'done'", "state = 'withdrawn', reply_by = NULL",
        "state = 'agreed', reply_by = NULL, last_move = 1", "state = 'countered', last_move = 1",
        "asks = answers, answers = asks", "kind = 'action'", "reply_by = now()", "reply_by = NULL",
        "reminded_at = now() - interval '9 days'", "reminded_to = '[\"x\"]'", "late = true", "title = 'x'",
        "from_day = '2026-01-01', to_day = '2026-12-31'", "asked_for = 'exclude'", "period = '2026-05'",
        "raised_at = now() - interval '1 year'", "last_move = 1", "last_move = 9", "owner_id = NULL, due_on = now()",
    ],
)  # fmt: skip
def test_a_matter_changes_only_with_a_step_that_justifies_it(them, who, change):
    matter = raised(them, "customer_lead", Kind.DISPUTE)
    refused(them, who, f"UPDATE matters_matter SET {change} WHERE id = %s", matter.pk)
    with transaction.atomic():
        them.at("auditor")
        assert Matter.objects.get(pk=matter.pk).state == "asked"


def test_a_step_justifies_one_change_of_a_matter(them):
    """A comment accepts nothing; a refusal does not accept; a counter of before is not one of now."""
    matter = raised(them)
    moved(them, "provider_lead", matter, Move.COMMENT)
    refused(them, "provider_lead", "UPDATE matters_matter SET state = 'agreed', reply_by = NULL, last_move = 2 "
            "WHERE id = %s", matter.pk)  # fmt: skip
    moved(them, "provider_lead", matter, Move.COUNTER)
    for state in ("asked", "agreed"):
        refused(them, "provider_lead", f"UPDATE matters_matter SET state = '{state}', reply_by = NULL, last_move = 3 "
                "WHERE id = %s", matter.pk)  # fmt: skip
    moved(them, "customer_lead", matter, Move.DECLINE)
    refused(them, "customer_lead", "UPDATE matters_matter SET state = 'agreed', last_move = 4 WHERE id = %s",
            matter.pk)  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        {"asks": "provider", "answers": "customer"}, {"state": "answered"}, {"state": "deemed"},
        {"reply_by": timezone.now()}, {"reminded_at": timezone.now()}, {"reminded_to": ["x"]}, {"last_move": 1},
        {"raised_at": timezone.now() - timedelta(days=400)},
    ],
)  # fmt: skip
def test_a_matter_is_raised_by_the_own_side_and_open(them, change):
    row = {"asks": "customer", "answers": "provider", "reply_by": timezone.now() + timedelta(days=20)} | change
    with pytest.raises(ProgrammingError, match=REFUSED), transaction.atomic():
        them.at("customer_lead")
        Matter.objects.create(relationship_id=them.relationship, kind="claim", title="x", **row)


def test_a_matters_reminder_is_written_once_by_the_database_function(them):
    matter, lead = raised(them), [them.people["provider_lead"].pk]
    remind = "SELECT comity_remind_matter(%s, %s::uuid[])"
    running(matter, them, -timedelta(minutes=1))
    for told in ([], [them.people["customer_lead"].pk], [them.people["provider_member"].pk]):
        refused(them, "customer_lead", remind, matter.pk, told)
    refused(cast(), "customer_lead", remind, matter.pk, lead)  # from another relationship
    attack(them, "customer_lead", remind, matter.pk, lead)
    refused(them, "customer_lead", remind, matter.pk, lead)
    last = steps(them, matter)[-1]
    assert (last.move, last.side, last.person, last.ran_out) == ("remind", None, None, False)


INSERT_STEP = (
    "INSERT INTO matters_step (id, relationship_id, matter_id, number, at, person_id, side, move, text, ran_out, "
    "terms) VALUES (gen_random_uuid(), %s, %s, (SELECT max(number) + 1 FROM matters_step WHERE matter_id = %s), now(), "
    "%s, %s, %s, '', false, '{}')"
)
LAST = "(SELECT max(number) FROM matters_step WHERE matter_id = matters_matter.id)"


def step_and_change(them, who, matter, move, change):
    """A step of one's own side, and a change that it does not justify, in one transaction."""
    side = who.partition("_")[0]
    with transaction.atomic():
        them.at(who)
        with connection.cursor() as cursor:
            cursor.execute(INSERT_STEP, [them.relationship, matter.pk, matter.pk, them.people[who].pk, side, move])
            cursor.execute(f"UPDATE matters_matter SET {change} WHERE id = %s", [matter.pk])


@pytest.mark.parametrize(
    ("who", "move"),
    [
        ("provider_lead", "agree"), ("provider_lead", "decline"), ("provider_lead", "ask_back"),
        ("provider_lead", "counter"), ("provider_lead", "acknowledge"), ("provider_lead", "escalate"),
        ("customer_lead", "withdraw"), ("customer_lead", "merge"), ("customer_lead", "escalate"),
        ("customer_lead", "hand_over"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("cleared", [False, True])
def test_no_step_stands_without_its_matters_change(them, who, move, cleared):
    """Also where the viewer is cleared before the transaction ends, by which a check under their rights saw nothing."""
    matter = raised(them, kind=Kind.REQUEST)
    with pytest.raises(DatabaseError, match="a step without its matter"), transaction.atomic():
        them.at(who)
        with connection.cursor() as cursor:
            side = who.partition("_")[0]
            cursor.execute(INSERT_STEP, [them.relationship, matter.pk, matter.pk, them.people[who].pk, side, move])
            if cleared:
                cursor.execute("SELECT set_config('comity.viewer', '', true), set_config('comity.person', '', true)")
    assert len(steps(them, matter)) == 1


def test_no_second_step_hides_one_that_changed_nothing(them):
    """The provider says *agreed* for good, and then declines what the customer believes to be agreed."""
    matter = raised(them, kind=Kind.REQUEST)
    change = f"state = 'declined', last_move = {LAST}, reply_by = NULL"
    with pytest.raises(DatabaseError, match="the step before has not changed"), transaction.atomic():
        them.at("provider_lead")
        with connection.cursor() as cursor:
            for move in ("agree", "decline"):
                person = them.people["provider_lead"].pk
                values = [them.relationship, matter.pk, matter.pk, person, "provider", move]
                cursor.execute(INSERT_STEP, values)
            cursor.execute(f"UPDATE matters_matter SET {change} WHERE id = %s", [matter.pk])
    assert len(steps(them, matter)) == 1


def test_nobody_but_the_owner_reads_matters_by_the_setting_of_the_check(them):
    matter = raised(them, kind=Kind.REQUEST)
    elsewhere = cast()
    with transaction.atomic():
        elsewhere.at("customer_lead")
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('comity.step_check', 'yes', true)")
            cursor.execute("SELECT count(*) FROM matters_matter WHERE id = %s", [matter.pk])
            assert cursor.fetchone() == (0,)


@pytest.mark.parametrize("move", ["late", "warn", "deem", "break", "remind"])
@pytest.mark.parametrize("side", [None, "customer"])
def test_no_side_makes_a_move_of_nobodys(them, move, side):
    matter = raised(them)
    person = None if side is None else them.people["customer_lead"].pk
    refused(them, "customer_lead", INSERT_STEP, them.relationship, matter.pk, matter.pk, person, side, move)


@pytest.mark.parametrize("who", ["customer_lead", "provider_lead", "auditor"])
@pytest.mark.parametrize("function", ["comity_late_matter", "comity_break_promise"])
def test_no_clock_has_run_out_because_somebody_says_so(them, who, function):
    matter = raised(them, kind=Kind.REQUEST)
    refused(them, who, f"SELECT {function}(%s)", matter.pk)
    refused(cast(), "customer_lead", f"SELECT {function}(%s)", matter.pk)
    refused(them, who, "SELECT comity_add_nobodys(m, 'deem', true) FROM matters_matter m WHERE id = %s", matter.pk)


def test_late_is_written_once_and_only_by_the_database(them):
    matter = raised(them, kind=Kind.REQUEST)
    running(matter, them, -timedelta(minutes=1))
    attack(them, "customer_lead", "SELECT comity_late_matter(%s)", matter.pk)
    refused(them, "customer_lead", "SELECT comity_late_matter(%s)", matter.pk)
    last = steps(them, matter)[-1]
    assert (last.move, last.side, last.person, last.ran_out) == ("late", None, None, True)


# Of a request that the customer raised: a step of the side's own, and a change beyond what it justifies.
@pytest.mark.parametrize(
    ("who", "move", "change"),
    [
        ("provider_lead", "ask_back", "state = 'asked_back_b', last_move = 2, reply_by = now()"),  # no time to answer
        ("provider_lead", "ask_back", ("state = 'asked_back_b', last_move = 2, reply_by = now() + interval '30 days', "
         "rest_due_at = now() + interval '90 days', answers_paused = true")),  # a longer time for itself
        ("provider_lead", "ask_back", ("state = 'asked_back_b', last_move = 2, reply_by = now() + interval '30 days', "
         "rest_due_at = reply_by, rest_since = now() - interval '5 days', answers_paused = true")),
        ("provider_lead", "counter", ("state = 'countered', last_move = 2, reply_by = now() + interval '30 days', "
         "price = 'free'")),  # a request has no price
        ("provider_lead", "counter", "state = 'agreed', last_move = 2, reply_by = NULL"),
        ("provider_lead", "agree", ("state = 'agreed', last_move = 2, reply_by = NULL, promise = true, "
         "debtor = 'customer', due_on = current_date + 9, first_due_on = current_date + 9")),  # the other's promise
        ("provider_lead", "agree", "state = 'answered', last_move = 2, reply_by = NULL"),  # without its promise
        ("provider_lead", "agree", ("state = 'agreed', last_move = 2, reply_by = NULL, promise = true, "
         "debtor = 'provider', due_on = current_date + 9, first_due_on = current_date + 9, wording = 'less'")),
        ("provider_lead", "acknowledge", "acknowledged = true, last_beside = 2, reply_by = now() + interval '99 days'"),
        ("provider_lead", "escalate", "level = 5, last_beside = 2"),
        ("provider_lead", "hand_over", "asks_with_id = NULL, last_beside = 2"),  # who sees to it at the other side
        ("provider_lead", "comment", "acknowledged = true, last_beside = 2"),
        ("customer_lead", "merge", "state = 'merged', last_move = 2, reply_by = NULL, merged_into_id = id"),
        ("customer_lead", "withdraw", ("state = 'withdrawn', last_move = 2, reply_by = NULL, closed_at = now(), "
         "serves = 'customer'")),
    ],
)  # fmt: skip
def test_a_step_justifies_its_own_change_and_no_other(them, who, move, change):
    matter = raised(them, kind=Kind.REQUEST)
    with pytest.raises(ProgrammingError, match=REFUSED):
        step_and_change(them, who, matter, move, change)
    assert [one.move for one in steps(them, matter)] == ["raise"]


@pytest.mark.parametrize(
    "move", ["done", "cannot", "let_off", "confirm", "take", "reply", "close", "reopen", "take_back"]
)
@pytest.mark.parametrize("who", ["customer_lead", "provider_lead"])
def test_a_step_that_the_table_does_not_have_in_a_state_is_refused(them, who, move):
    matter, side = raised(them, kind=Kind.REQUEST), who.partition("_")[0]
    person = them.people[who].pk
    refused(them, who, INSERT_STEP, them.relationship, matter.pk, matter.pk, person, side, move)


def agreed_request(them):
    matter = raised(them, kind=Kind.REQUEST)
    return moved(them, "provider_lead", matter, Move.AGREE, due_on=timezone.now().date() + timedelta(days=9))


@pytest.mark.parametrize(
    ("who", "move", "change"),
    [
        ("provider_lead", "other_day", f"due_on = current_date + 90, last_move = {LAST}"),  # alone
        ("provider_lead", "other_day", (f"offer_move = 'other_day', offer_by = 'customer', last_move = {LAST}, "
         "offer_day = current_date + 90, offer_due = current_date + 90")),  # in the other's name
        ("customer_lead", "let_off", f"state = 'confirmed', last_move = {LAST}"),
        ("provider_lead", "done", (f"state = 'done', done_by = 'customer', last_move = {LAST}, "
         "reply_by = now() + interval '40 days'")),
        ("provider_lead", "done", f"state = 'confirmed', done_by = 'provider', last_move = {LAST}"),
        ("provider_lead", "cannot", f"state = 'broken', first_due_on = current_date + 90, last_move = {LAST}"),
    ],
)  # fmt: skip
def test_no_side_moves_a_promise_alone(them, who, move, change):
    matter = agreed_request(them)
    with pytest.raises(ProgrammingError, match=REFUSED):
        step_and_change(them, who, matter, move, change)


def test_a_side_takes_the_day_that_was_proposed_and_no_other(them):
    matter = agreed_request(them)
    day = timezone.now().date() + timedelta(days=20)
    moved(them, "provider_lead", matter, Move.OTHER_DAY, beside={"day": day})
    with pytest.raises(ProgrammingError, match=REFUSED):
        step_and_change(
            them, "customer_lead", matter, "take",
            "due_on = current_date + 12, moved = 1, offer_move = '', offer_by = '', offer_day = NULL, "
            f"offer_due = NULL, last_move = {LAST}",
        )  # fmt: skip


@pytest.mark.parametrize("change", ["saw = 1", "at = at - interval '1 day'", "stood = '{}'", "mark = ''", "text = 'x'"])
def test_a_step_is_never_changed_or_removed(them, change):
    raised(them, kind=Kind.REQUEST)
    refused(them, "customer_lead", f"UPDATE matters_step SET {change}")
    refused(them, "customer_lead", "DELETE FROM matters_step")
    refused(them, "customer_lead", "DELETE FROM matters_matter")
    refused(them, "customer_lead", "UPDATE matters_transition SET who = 'either'")


def test_when_a_side_first_opened_a_matter_is_written_by_the_database(them):
    matter = raised(them, kind=Kind.REQUEST)
    them.client("provider_lead").get(them.url(f"matters/{matter.pk}/"))
    first = "SELECT first_at FROM matters_opened WHERE matter_id = %s"
    before = attack(them, "auditor", first, matter.pk)
    change = "UPDATE matters_opened SET first_at = now() - interval '1 year' WHERE matter_id = %s"
    attack(them, "provider_lead", change, matter.pk)
    attack(them, "customer_lead", change, matter.pk)
    assert attack(them, "auditor", first, matter.pk) == before
    assert abs((before[0][0] - timezone.now()).total_seconds()) < 60


def test_a_side_does_not_say_itself_when_a_step_was_received_or_due_or_what_stood_before(them):
    matter = raised(them, kind=Kind.REQUEST)
    attack(
        them,
        "provider_lead",
        "INSERT INTO matters_step (id, relationship_id, matter_id, number, at, person_id, side, move, text, ran_out, "
        "terms, recorded_at, received_at, due_at, paused_s, level, stood) VALUES (gen_random_uuid(), %s, %s, 2, now(), "
        "%s, 'provider', 'comment', 'x', true, '{}', 'epoch', 'epoch', 'epoch', 99, 4, '{\"state\": \"agreed\"}')",
        them.relationship, matter.pk, them.people["provider_lead"].pk,
    )  # fmt: skip
    last = steps(them, matter)[-1]
    assert (last.ran_out, last.paused_s, last.level, last.stood["state"]) == (False, None, 0, "asked")
    assert last.due_at == matter.reply_by
    assert abs((last.recorded_at - timezone.now()).total_seconds()) < 60
    assert last.received_at == last.at


def test_history_cannot_be_entered_as_if_it_were_old(them):
    matter = raised(them, kind=Kind.REQUEST)
    sql = INSERT_STEP.replace("ran_out, terms)", "ran_out, terms, entered_later)").replace("'{}')", "'{}', true)")
    person = them.people["provider_lead"].pk
    refused(them, "provider_lead", sql, them.relationship, matter.pk, matter.pk, person, "provider", "comment")


def test_database_and_code_have_the_same_table_of_states(them):
    rows = attack(them, "auditor", "SELECT state, who, move, leads FROM matters_transition")
    assert sorted(rows) == sorted((row.state, row.who, row.move, row.to) for row in TABLE)


def test_database_and_code_say_the_same_of_each_kind(them):
    """Who serves, and that nobody is reminded of by another name."""
    for kind in Kind:
        for asks in Side:
            for failed in ("", *Side):
                sql = "SELECT comity_serves(%s, %s, %s, %s)"
                ((said,),) = attack(them, "auditor", sql, kind, asks, asks.other, failed)
                assert said == (serving_side(kind, asks, Side(failed) if failed else None) or ""), (kind, asks, failed)


def test_a_mediator_can_comment_on_neither_side(them):
    matter = moved(them, "mediator", raised(them), Move.COMMENT)
    assert (steps(them, matter)[-1].side, steps(them, matter)[-1].person) == (None, them.people["mediator"])


def test_database_and_code_have_the_same_role_rights():
    """`comity_able` is called with these; a right that moves to another role has to move there, by a migration."""
    assert {role for role in Role if role_may(role, Action.CONFIRM)} == {"lead", "executive"}
    assert {role for role in Role if role_may(role, Action.ANSWER)} == {"lead", "analyst"}
    assert {role for role in Role if role_may(role, Action.AGREE)} == {"lead"}
    with superuser() as everybody:
        kinds = everybody.execute("SELECT subject_type, kind, settles, roles FROM record_kind").fetchall()
    confirm_it = {role.value for role in Role if role_may(role, Action.CONFIRM)}
    assert {(of, kind, settles, *sorted(roles)) for of, kind, settles, roles in kinds} == {
        ("period", "frozen", True, *sorted(confirm_it)),
        ("period", "restated", False, *sorted(confirm_it)),
        ("ledger", "posted", False),  # nobody's word: what a step posts
        ("calendar", "calendar", True, "lead"),
        ("kpis", "kpis", True, "lead"),
        ("ledger_change", "ledger_agreed", True, "lead"),
        # The agreement itself says who signs for a side (`core.agreements.authority`): anybody whom it may name.
        ("priorities", "priorities", False, "lead"),
        ("joint_order", "joint_order", True, "lead"),
        ("agreement", "agreement", True, "analyst", "executive", "finance", "lead", "member", "roster"),
    }


def test_a_deputys_confirmation_names_whom_they_stand_in_for():
    them = cast()
    them.book(KPI, contacts="\n".join(contacts()))
    with superuser() as everybody:
        everybody.execute(
            "UPDATE parties_membership d SET stands_in_for_id = l.id, stands_in_until = %s "
            "FROM parties_membership l WHERE d.person_id = %s AND l.person_id = %s",
            [timezone.now().date(), them.people["provider_analyst"].pk, them.people["provider_lead"].pk],
        )
    confirm(them, "customer_executive")
    entry = confirm(them, "provider_analyst")
    assert [(one["side"], one["name"], one["role"], one["stood_in_for"]) for one in entry.content["words"]] == [
        ("customer", "Customer Executive", "executive", ""),
        ("provider", "Provider Analyst", "analyst", "Provider Lead"),
    ]


@pytest.mark.parametrize(
    "value",
    [
        {}, {"b": 1, "a": {"z": None, "é": True, "Z": [False, "x", []]}}, {"\U0001f600": 1, "\uffff": 2, "a": "\x7f"},
        {"t": 'a"b\\c\n\t\r\b\f\x01\x1f/\u2028é😀'}, {"n": [0, -1, 10, 123456789012345]}, {"": ""},
    ],
)  # fmt: skip
def test_database_and_code_write_the_same_canonical_json(them, value):
    """PostgreSQL and Python, two implementations of one format."""
    text = json.dumps(value)
    ((said, digest),) = attack(
        them, "auditor", "SELECT comity_canonical(%s), comity_digest(comity_canonical(%s))", text, text
    )
    assert (said, digest) == (chain.canonical(value), chain.digest_of(value))


@pytest.mark.parametrize("number", ["1.5", "1.0", "-0.1", "1234567890123456"])
def test_the_database_refuses_numbers_without_one_canonical_form(them, number):
    with pytest.raises(DatabaseError, match="comity: the record holds whole numbers"):
        attack(them, "auditor", "SELECT comity_canonical(%s)", f'{{"a": {number}}}')


def test_the_app_role_cannot_write_the_record(them):
    with transaction.atomic():
        them.at("provider_lead")
        assert not Entry.objects.exclude(subject_type=ConsentSubject.LEDGER).exists()
    for change in ("UPDATE record_entry SET digest = digest", "DELETE FROM record_entry", "TRUNCATE record_entry",
                   "DELETE FROM record_consent", "TRUNCATE matters_step CASCADE"):  # fmt: skip
        refused(them, "provider_lead", change)
