"""From which records a KPI is counted: each rule alone, in its order, and that a KPI's own word goes before all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comity.core.agreements.kpi import CONTACTS, INTERVALS, Kpi
from comity.core.record_choice import AnsweringQueue, Why, choose_for_plan, choose_records

KPI = Kpi("service_level", "service_level")
BOTH_ENDS, ONE_END = (True, True), (True, False)


def _queue(name: str, *ends: tuple[bool, bool], gave_up: bool = True) -> AnsweringQueue:
    return AnsweringQueue(name, gave_up, ends or (BOTH_ENDS, BOTH_ENDS))


@pytest.mark.parametrize(
    ("kpi", "contacts", "intervals", "table", "why"),
    [
        (Kpi("a", "service_level", records=INTERVALS), [_queue("calls")], [], INTERVALS, Why.AGREED),
        (KPI, [], [_queue("calls")], INTERVALS, Why.ANSWERS),
        (KPI, [_queue("calls")], [], CONTACTS, Why.ANSWERS),
        (KPI, [_queue("calls", ONE_END, BOTH_ENDS)], [_queue("calls")], INTERVALS, Why.COVERS),
        (
            Kpi("a", "service_level", queues=("calls", "help")),
            [_queue("calls")],
            [_queue("calls"), _queue("help")],
            INTERVALS,
            Why.QUEUES,
        ),
        (KPI, [_queue("tickets", gave_up=False)], [_queue("calls")], INTERVALS, Why.GAVE_UP),
        (KPI, [_queue("calls", BOTH_ENDS, ONE_END)], [_queue("calls")], INTERVALS, Why.COVERS_BOTH),
        (KPI, [_queue("calls")], [_queue("calls"), _queue("more")], CONTACTS, Why.EACH_CONTACT),
        (KPI, [], [], CONTACTS, Why.EACH_CONTACT),
    ],
    ids=lambda value: value.value if isinstance(value, Why) else "",
)
def test_the_first_rule_that_tells_the_two_apart_decides(kpi, contacts, intervals, table, why):
    choice = choose_records(kpi, (CONTACTS, INTERVALS), {CONTACTS: contacts, INTERVALS: intervals})
    assert (choice.table, choice.why) == (table, why)
    assert choice.beside == (INTERVALS if table == CONTACTS else CONTACTS)


@pytest.mark.parametrize("delivered", [CONTACTS, INTERVALS])
def test_what_a_side_brings_beside_the_agreed_delivery_moves_nothing(delivered):
    """It tells of more queues and of who gave up, and is not counted all the same."""
    kpi = Kpi("a", "service_level", queues=("calls", "help"))
    told = {table: [_queue("calls"), _queue("help")] for table in (CONTACTS, INTERVALS)}
    told[delivered] = [_queue("calls", gave_up=False)]
    choice = choose_records(kpi, (CONTACTS, INTERVALS), told, {delivered})
    assert (choice.table, choice.why) == (delivered, Why.DELIVERED)
    assert choose_records(kpi, (CONTACTS, INTERVALS), told).table != delivered


@pytest.mark.parametrize("delivered", [CONTACTS, INTERVALS])
def test_an_agreed_delivery_that_leaves_the_period_out_does_not_count(delivered):
    told = {table: [_queue("calls")] for table in (CONTACTS, INTERVALS)} | {delivered: [_queue("calls", ONE_END)]}
    assert choose_records(KPI, (CONTACTS, INTERVALS), told, {delivered}).why == Why.COVERS
    assert choose_for_plan({"calls"}, told, {delivered}) != delivered


@pytest.mark.parametrize("delivered", [CONTACTS, INTERVALS])
def test_a_plan_is_held_against_the_agreed_delivery(delivered):
    told = {table: [_queue("calls")] for table in (CONTACTS, INTERVALS)}
    assert choose_for_plan({"calls"}, told, {delivered}) == delivered
    assert choose_for_plan({"calls"}, told) == CONTACTS
    assert choose_for_plan({"calls"}, told | {delivered: [_queue("desk")]}, {delivered}) != delivered


def test_a_handle_time_asks_nobody_who_gave_up():
    """Contacts of answered calls alone tell how long they took; nobody has to have given up for that."""
    told = {CONTACTS: [_queue("calls", gave_up=False)], INTERVALS: [_queue("calls")]}
    assert choose_records(Kpi("handle_time", "handle_time"), (CONTACTS, INTERVALS), told).table == CONTACTS


@pytest.mark.parametrize(("channels", "table"), [(("voice",), INTERVALS), (("chat",), CONTACTS), (("*",), INTERVALS)])
def test_intervals_are_taken_for_calls_and_not_for_chats(channels, table):
    """They tell no channels: of chats nobody imported, calls would make a figure that means nothing."""
    kpi = Kpi("a", "service_level", channels=channels)
    choice = choose_records(kpi, (CONTACTS, INTERVALS), {CONTACTS: [], INTERVALS: [_queue("calls")]})
    assert choice.table == table
    assert choice.beside_answers == (table == CONTACTS)


def test_what_is_not_counted_is_named():
    told = {CONTACTS: [_queue("tickets", gave_up=False)], INTERVALS: [_queue("calls")]}
    choice = choose_records(KPI, (CONTACTS, INTERVALS), told)
    assert (choice.table, choice.beside, choice.beside_queues) == (INTERVALS, CONTACTS, ("tickets",))
    assert not choice.same_queues


def test_where_only_one_table_is_there_nothing_else_could_be_meant():
    choice = choose_records(KPI, (INTERVALS,), {})
    assert (choice.table, choice.why, choice.beside) == (INTERVALS, Why.ONLY_TABLE, None)


queues = st.lists(
    st.builds(
        AnsweringQueue,
        st.sampled_from(["a", "b", "c"]),
        st.booleans(),
        st.tuples(st.tuples(st.booleans(), st.booleans()), st.tuples(st.booleans(), st.booleans())),
    ),
    max_size=4,
)


@given(queues, queues, st.sampled_from([("*",), ("voice",), ("chat",)]), st.sampled_from([("*",), ("a", "b")]))
def test_a_table_that_cannot_answer_is_never_counted_where_the_other_can(contacts, intervals, channels, named):
    kpi = Kpi("a", "service_level", channels=channels, queues=named)
    choice = choose_records(kpi, (CONTACTS, INTERVALS), {CONTACTS: contacts, INTERVALS: intervals})
    told = {CONTACTS: contacts, INTERVALS: () if channels == ("chat",) else intervals}
    assert told[choice.table] or not told[choice.beside]


@given(queues, queues, st.sampled_from([CONTACTS, INTERVALS]))
def test_what_both_sides_signed_goes_before_what_either_imports(contacts, intervals, agreed):
    """Neither side moves a KPI to other records by what it brings once the KPI names them."""
    kpi = Kpi("a", "service_level", records=agreed)
    assert choose_records(kpi, (CONTACTS, INTERVALS), {CONTACTS: contacts, INTERVALS: intervals}).table == agreed
