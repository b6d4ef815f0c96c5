"""Priorities: orders with ties, seals that fit one content, differences that ties do not blow up, one joint order."""

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comity.core import chain
from comity.core.agreements.canonical import WeakSaltError
from comity.core.agreements.changes import SetField
from comity.core.agreements.kinds import Kind
from comity.core.agreements.priorities import (
    Ordered,
    OrderProblem,
    Ranking,
    edits_of_order,
    gaps,
    order_content,
    order_problem,
    parse_order,
    parse_ranking,
    places,
    ranking_content,
    ranking_of,
    seal_digest,
    seal_document,
    sealed_content,
    unplaced,
)
from comity.core.agreements.text import text
from comity.core.values import Side
from tests.builders.agreement import FIRST, add, change
from tests.builders.agreement import chain as chain_of

KPIS = ["sl", "csat", "repeat", "cost", "backlog"]
RANDOM = "00112233445566778899aabbccddeeff"


def test_numbers_say_only_what_is_before_what():
    """1, 5, 5 and one that is dropped: places 1, 2, 2 and, last, 4."""
    made = ranking_of({"sl": 1, "csat": 5, "repeat": 5, "cost": 2, "backlog": None}, ["cost"])
    assert made.tiers == (("sl",), ("csat", "repeat"))
    assert places(made) == {"sl": 1, "csat": 2, "repeat": 2, "cost": 4}
    assert unplaced(made, KPIS) == ["backlog"]
    assert made == ranking_of({"sl": 10, "csat": 50, "repeat": 50, "cost": None, "backlog": None}, ["cost"])


def test_texts_are_kept_in_one_form_and_at_most_three():
    made = ranking_of({}, [], ["  peak\r\nhours  staffed ", "", "Cafe\u0301", "c", "d"], ["x"])
    assert made.needs == ("peak hours staffed", "Caf\u00e9", "c")
    assert made.believed == ("x",)


def test_a_ranking_is_read_as_it_was_written():
    made = ranking_of({"sl": 1, "csat": 1, "cost": 3}, ["repeat"], ["a"], ["b", "c"])
    assert parse_ranking(json.loads(json.dumps(ranking_content(made)))) == ranking_of(
        {"sl": 1, "csat": 1, "cost": 3}, [], ["a"], ["b", "c"]
    )
    known = ranking_of({"sl": 1, "repeat": 2}, ["repeat"])
    assert parse_ranking(sealed_content(known, "r", Side.CUSTOMER)) == known
    assert known.dropped == ("repeat",)


def test_a_seal_is_the_digest_of_random_bits_and_the_canonical_form():
    """Worked out again with the standard library alone, as `docs/agreement.md` says it."""
    content = sealed_content(ranking_of({"sl": 1, "csat": 2}, [], ["héte"]), "round-1", Side.PROVIDER)
    written = (
        '{"believed_of_other":[],"needs":["héte"],"order":[["sl"],["csat"]],"round":"round-1",'
        '"schema":"comity.priorities/1","side":"provider","would_drop":[]}'
    )
    expected = hashlib.sha256(bytes.fromhex(RANDOM) + written.encode()).hexdigest()
    assert seal_digest(content, RANDOM) == expected
    document = seal_document(content, RANDOM)
    assert chain.is_sealed(document)
    assert document["digest"] == expected


@pytest.mark.parametrize(
    "altered",
    [
        {"random": "ff112233445566778899aabbccddeeff"}, {"random": "0011"}, {"random": "not hexadecimal"},
        {"random": None}, {"digest": "0" * 64}, {"content": None},
    ],
)  # fmt: skip
def test_another_content_random_or_digest_is_not_sealed(altered):
    document = seal_document(sealed_content(ranking_of({"sl": 1}, []), "r", Side.CUSTOMER), RANDOM)
    assert not chain.is_sealed(document | altered)


@pytest.mark.parametrize(
    "altered",
    [{"side": "provider"}, {"round": "other"}, {"order": [["csat"], ["sl"]]}, {"would_drop": ["sl"]}, {"needs": [""]}],
)
def test_a_seal_fits_no_other_side_round_or_order(altered):
    document = seal_document(sealed_content(ranking_of({"sl": 1, "csat": 2}, []), "r", Side.CUSTOMER), RANDOM)
    assert not chain.is_sealed(document | {"content": document["content"] | altered})


def test_random_bits_have_128_bits():
    with pytest.raises(WeakSaltError):
        seal_digest({}, "00" * 15)


def test_the_record_is_refused_where_priorities_differ_from_what_was_sealed():
    seals = {
        side.value: seal_document(sealed_content(ranking_of({"sl": 1, "csat": 2}, []), "r", side), RANDOM)
        for side in Side
    }
    whole = {"kind": "priorities", "relationship": "x", "content": {"round": "r", "seals": seals}}
    assert chain.verify([chain.linked(1, whole, chain.GENESIS_DIGEST)])
    for broken in (
        {"seals": seals | {"customer": seals["customer"] | {"random": "11" * 16}}},
        {"seals": {"customer": seals["customer"], "provider": None}},
        {"seals": {"customer": seals["provider"], "provider": seals["customer"]}},
        {"seals": seals, "round": "another"},
        {"seals": {"customer": seals["customer"]}},
        {},
    ):
        entry = chain.linked(1, whole | {"content": {"round": "r"} | broken}, chain.GENESIS_DIGEST)
        with pytest.raises(chain.BrokenChainError, match="entry 1 has other priorities"):
            chain.verify([entry])


def test_the_largest_difference_comes_first():
    """Northwind puts repeat contacts 1st, Helpline 5th."""
    customer = ranking_of({"repeat": 1, "sl": 2, "csat": 3, "cost": 4, "backlog": 5}, [])
    provider = ranking_of({"sl": 1, "csat": 2, "cost": 3, "backlog": 4, "repeat": 5}, [])
    found = gaps({Side.CUSTOMER: customer, Side.PROVIDER: provider})
    assert (found[0].kpi, dict(found[0].places), found[0].size) == ("repeat", {"customer": 1, "provider": 5}, 4)
    assert [one.size for one in found] == [4, 1, 1, 1, 1]
    assert [one.kpi for one in found[1:]] == ["sl", "csat", "cost", "backlog"]


def test_who_ties_everything_is_not_far_from_the_other_at_one_end_alone():
    """All tied is place 1 for each: by places the last would be 4 apart and the first 0; by mean ranks both are 2."""
    customer = ranking_of(dict.fromkeys(KPIS, 1), [])
    provider = ranking_of({kpi: number for number, kpi in enumerate(KPIS, 1)}, [])
    found = {one.kpi: one for one in gaps({Side.CUSTOMER: customer, Side.PROVIDER: provider})}
    assert found["sl"].size == found["backlog"].size == 2
    assert found["repeat"].size == 0
    assert found["sl"].tied == {Side.CUSTOMER}


def test_a_dropped_kpi_is_behind_all_others():
    customer = ranking_of({"sl": 1, "csat": 2, "repeat": 3}, [])
    provider = ranking_of({"csat": 1, "repeat": 2, "sl": None}, ["sl"])
    (first, *_) = gaps({Side.CUSTOMER: customer, Side.PROVIDER: provider})
    assert (first.kpi, first.dropped, first.size) == ("sl", {Side.PROVIDER}, 2)


@given(
    st.lists(st.integers(1, 6), min_size=1, max_size=6),
    st.lists(st.integers(1, 6), min_size=1, max_size=6),
    st.sets(st.integers(0, 5)),
)
def test_gaps_are_symmetric_and_their_ranks_add_up(ours, theirs, dropped):
    kpis = [f"k{number}" for number in range(min(len(ours), len(theirs)))]
    one = ranking_of(dict(zip(kpis, ours, strict=False)), [f"k{number}" for number in dropped])
    other = ranking_of(dict(zip(kpis, theirs, strict=False)), [])
    found = {gap.kpi: gap.size for gap in gaps({Side.CUSTOMER: one, Side.PROVIDER: other})}
    turned = {gap.kpi: gap.size for gap in gaps({Side.CUSTOMER: other, Side.PROVIDER: one})}
    assert found == turned
    assert found.keys() == set(kpis)
    assert all(gap.size == 0 for gap in gaps({Side.CUSTOMER: one, Side.PROVIDER: one}))
    assert unplaced(one, kpis) == []
    assert min(places(other).values()) == 1


def order(*rows):
    return [Ordered(kpi, place, {Side.CUSTOMER: ours, Side.PROVIDER: theirs}) for kpi, place, ours, theirs in rows]


WHOLE = order(("sl", 2, "Ana", "Ben"), ("csat", 1, "Ana", "Ben"))


@pytest.mark.parametrize(
    ("made", "problem"),
    [
        (WHOLE, None),
        (WHOLE[:1], OrderProblem.NOT_ALL),
        ([*WHOLE, *order(("x", 3, "a", "b"))], OrderProblem.NOT_ALL),
        ([*WHOLE, WHOLE[0]], OrderProblem.NOT_ALL),
        (order(("sl", 1, "a", "b"), ("csat", 1, "a", "b")), OrderProblem.PLACES),
        (order(("sl", 1, "a", "b"), ("csat", 3, "a", "b")), OrderProblem.PLACES),
        (order(("sl", 1, "a", ""), ("csat", 2, "a", "b")), OrderProblem.OWNERS),
        (order(("sl", 1, "a\nb", "c"), ("csat", 2, "a", "b")), OrderProblem.OWNERS),
    ],
)
def test_a_joint_order_gives_each_place_once_with_two_owners(made, problem):
    assert order_problem(made, ["sl", "csat"]) == problem


def test_a_joint_order_is_read_as_it_was_written():
    assert parse_order(json.loads(json.dumps(order_content(WHOLE, "r")))) == [WHOLE[1], WHOLE[0]]


def test_only_what_differs_is_edited_and_nothing_of_kpis_that_are_not_there():
    entries = chain_of(
        change(
            1,
            FIRST,
            add("sl", Kind.KPI, measure="service_level", target="0.8", priority=2, customer_owner="Ana"),
            add("csat", Kind.KPI, "sl", measure="csat", target="0.7"),
        )
    )
    made = [*WHOLE, *order(("later", 3, "Ana", "Ben"))]
    assert edits_of_order(made, text(entries, FIRST)) == (
        SetField("sl", "provider_owner", "Ben"),
        SetField("csat", "customer_owner", "Ana"),
        SetField("csat", "provider_owner", "Ben"),
        SetField("csat", "priority", 1),
    )


def test_an_empty_ranking_places_nothing():
    assert places(Ranking()) == {}
    assert gaps({Side.CUSTOMER: Ranking(), Side.PROVIDER: Ranking()}) == []
