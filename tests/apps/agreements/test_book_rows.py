"""Changes of the agreement in the book: how each came about, the same for whoever computes it, and no draft."""

import json

import pytest
from django.db import transaction

from comity.apps.agreements.book_rows import change_rows
from comity.apps.books.queries import book_folder
from comity.apps.matters import book_rows, tasks
from tests.builders.bringing import rows
from tests.builders.changes import agreed, drafted, proposed, room, soon, target
from tests.room import run_jobs

pytestmark = pytest.mark.gate


@pytest.fixture(scope="module")
def them():
    return room()


def row_of(them, pk, who="customer_lead"):
    with transaction.atomic():
        return next((row for row in change_rows(them.at(who)) if row["change_id"] == str(pk)), None)


def test_a_change_is_a_row_from_its_proposal_on_and_a_draft_is_none(them):
    kept, put = drafted(them, "provider_lead", target(them)), proposed(them, "provider_lead", target(them, "0.91"))
    for who in ("customer_lead", "provider_lead", "auditor"):
        assert row_of(them, kept, who) is None
        row = row_of(them, put, who)
        assert (row["proposed_by"], row["carried_out_by"], row["agreed_at"]) == ("provider", "provider", "")
        assert (row["fields_signed"], row["reason_mark"]) == ("", "")


def test_an_agreed_change_says_how_it_came_about_and_reaches_the_book(them):
    """One field of the provider's own pen, nothing of the customer's; no notice is agreed, so that none is waived."""
    pk = agreed(them, "provider_lead", target(them, "0.92", first_day=soon(50)))
    tasks.tick(0)
    run_jobs(book_rows.TASK)
    (row,) = [one for one in rows(book_folder(them.relationship), "changes") if one["change_id"] == str(pk)]
    assert (row["fields_signed"], row["fields_by_counter"], row["reason_mark"]) == (1, 0, "not_marked")
    assert (row["valid_from"], row["valid_to"], row["notice_agreed"], row["waived"]) == (soon(50), None, None, False)
    assert row["notice_given"] > 0
    assert row["agreed_at"] >= row["readable_at"]
    told = json.dumps(row_of(them, pk))
    assert "Higher target" not in told
    assert "More agents" not in told


def test_whoever_computes_the_rows_computes_the_same(them):
    agreed(them, "customer_lead", target(them, "0.93", first_day=soon(60)))
    found = []
    for who in ("customer_lead", "provider_lead", "auditor"):
        with transaction.atomic():
            found.append(change_rows(them.at(who)))
    assert found[0] == found[1] == found[2]
    assert found[0]
