"""The ledger in a record: read back, checked, and counted again from the steps that its entries hold."""

import copy

import pytest

from comity.core import chain
from comity.core.ledger.recorded import UnreadableEntryError, recorded
from comity.core.matters.owed import differences_in_record
from tests.builders.ledger_record import posted, record


def test_a_record_is_read_back_as_it_was_posted():
    one, two = recorded(record())
    assert (one.transaction.number, one.transaction.subject, one.transaction.step) == (1, ("matter", "m"), 1)
    assert [line.number for line in one.transaction.lines] == [1, -1]
    assert two.facts["move"] == "agree"
    assert differences_in_record(record()) == []


def test_other_entries_are_no_business_of_the_ledger():
    other = chain.linked(1, {"kind": "frozen", "relationship": "r", "period": "2026-05"}, chain.GENESIS_DIGEST)
    assert list(recorded([other])) == []
    assert differences_in_record([other]) == []


def forged(change):
    """A record whose every digest is right, and whose second transaction is not what happened."""
    contents = copy.deepcopy(posted())
    change(contents[1]["content"])
    return record(contents)


def wrong_side(content):
    for line in content["lines"]:
        line["side"] = "provider" if line["side"] == "customer" else "customer"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda held: held["lines"].pop(), "no counter-entry"),
        (lambda held: held["lines"].clear(), "it has no lines"),
        (lambda held: held.update(number=3), "transaction 2 is missing"),
        (lambda held: held["of"].update(step=1), "posted before"),
        (lambda held: held["lines"][0].update(amount="-2"), "does not sum to zero"),
        (wrong_side, "is not what is owed"),
        (lambda held: held["facts"].update(move="withdraw"), "by the steps"),
        (lambda held: held["facts"].update(move="nonsense"), "nonsense"),
        (lambda held: held.update(ended=True), "something is open"),
    ],
)
def test_a_forged_record_whose_digests_are_right_is_found(change, said):
    """Whoever holds the whole record can make the chain anew; the ledger in it has to hold all the same."""
    entries = forged(change)
    chain.verify(entries)
    assert any(said in sentence for sentence in differences_in_record(entries)), differences_in_record(entries)


@pytest.mark.parametrize(
    "change",
    [
        lambda held: held.pop("lines"), lambda held: held["lines"][0].update(amount="much"),
        lambda held: held["lines"][0].update(side="nobody"), lambda held: held.update(day="soon"),
    ],
)  # fmt: skip
def test_an_entry_that_cannot_be_read_is_named(change):
    with pytest.raises(UnreadableEntryError, match="entry 2 is no transaction"):
        differences_in_record(forged(change))
