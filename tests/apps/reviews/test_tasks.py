"""What is computed when nobody asks: here, after an upgrade."""

from functools import partial

import pytest
from django.db import transaction

from comity.apps.books import results
from comity.apps.parties.member_context import for_each_relationship
from comity.apps.reviews import queries, tasks
from tests.builders.levels import KPI, contacts
from tests.room import cast, run_jobs

pytestmark = pytest.mark.gate


@pytest.fixture
def them(monkeypatch):
    made = cast()
    made.book(KPI, contacts="\n".join(contacts()))
    only_here = partial(for_each_relationship, only=made.relationship)
    monkeypatch.setattr(tasks, "for_each_relationship", only_here)
    return made


def known(them, who, period, *, joint=False):
    """Whether a review is there for the current code."""
    with transaction.atomic():
        member = them.at(who)
        question = queries.review_question(period)
        return results.current_result(member.joint() if joint else member, question) is not None


def test_after_an_upgrade_what_was_looked_at_is_computed_before_anybody_opens_it(them, monkeypatch):
    with transaction.atomic():
        member = them.at("customer_lead")
        queries.review(member, "2026-05")
        queries.review(member.joint(), None)
    results.note_code()
    assert not tasks.recompute_if_upgraded()
    with monkeypatch.context() as upgraded:
        upgraded.setattr(results, "_code_digest", lambda: "another version")
        assert not known(them, "customer_lead", None, joint=True)
        assert tasks.recompute_if_upgraded()
        assert not tasks.recompute_if_upgraded()  # once for each version
        assert run_jobs("reviews.compute") >= 4
        assert known(them, "customer_lead", None, joint=True)
        assert known(them, "customer_lead", None)
        assert known(them, "provider_lead", None)
        assert known(them, "customer_lead", "2026-05")
        assert not known(them, "provider_lead", "2026-05")  # which nobody of that side had looked at
    results.note_code()


def test_a_question_by_other_terms_than_todays_is_not_asked_again(them, monkeypatch):
    """As an earlier version may have asked it, whose job this one would not understand."""
    with transaction.atomic():
        queries.review(them.at("customer_lead"), "2026-05")
    monkeypatch.setattr(tasks, "_RENEWED", {queries.COMPUTE_REVIEW: frozenset({"period"})})
    with monkeypatch.context() as upgraded:
        upgraded.setattr(results, "_code_digest", lambda: "a further version")
        assert tasks.recompute_if_upgraded()
        run_jobs("reviews.compute")
        assert not known(them, "customer_lead", "2026-05")
        assert known(them, "customer_lead", None)
    results.note_code()
