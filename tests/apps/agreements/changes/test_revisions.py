"""Whoever is answered with another text reads what it alters against their own, and not all of it once more."""

from dataclasses import replace

import pytest
from django.db import transaction

from comity.apps.agreements import operations, queries
from comity.apps.agreements.changes.revisions import since_before
from comity.apps.agreements.content import DraftContent
from comity.apps.i18n import words_for
from comity.core.agreements.changes import AddClause, SetField, Word
from comity.core.agreements.clauses import complete
from comity.core.agreements.kinds import Kind
from comity.core.values import Side
from tests.builders.changes import agreed, content, kpi_of, proposed, room, row, says, soon, target

pytestmark = pytest.mark.gate
WORDS = words_for("en")


@pytest.fixture(scope="module")
def them():
    return room()


def countered(them, pk, made, who="provider_lead", seen=0):
    with transaction.atomic():
        member = them.at(who)
        operations.save_draft(member, row(pk), made, seen)
        operations.propose(member, row(pk), seen + 1)


def seen_by(them, who, pk):
    with transaction.atomic():
        member = them.at(who)
        now = queries.situation(member)
        return since_before(member, queries.change_state(member, row(pk), now), now, WORDS)


def test_of_a_first_text_nothing_is_said(them):
    pk = proposed(them, "customer_lead", target(them, "0.9"))
    assert seen_by(them, "provider_lead", pk) is None
    assert WORDS("agreement.since_before") not in page(them, "provider_lead", pk)


def page(them, who, pk, more=""):
    return them.client(who).get(them.url(f"agreement/changes/{pk}/{more}")).content.decode()


@pytest.mark.parametrize("who", ["customer_lead", "provider_lead", "auditor"])
def test_a_counter_shows_what_it_alters_and_nothing_else(them, who):
    pk = proposed(them, "customer_lead", target(them, "0.9"))
    countered(them, pk, replace(target(them, "0.85"), says=says(reason="Nine in ten need more agents.")))
    found = seen_by(them, who, pk)
    assert (found.side, found.before) == (Side.PROVIDER, Side.CUSTOMER)
    (value, reason) = found.rows
    assert value[2:] == ("90\u00a0%", "85\u00a0%")
    assert reason[2:] == ("More agents by then.", "Nine in ten need more agents.")
    shown = page(them, who, pk)
    assert WORDS("agreement.since_before") in shown
    assert '<del class="any">90\u00a0%</del> <ins class="any">85\u00a0%</ins>' in shown


def test_the_page_on_which_one_signs_shows_it_too(them):
    pk = proposed(them, "customer_lead", target(them, "0.9"))
    countered(them, pk, target(them, "0.85"))
    client = them.client("customer_lead")
    client.post("/sign-in/again/", {"password": "correct horse battery staple"})
    shown = client.get(them.url(f"agreement/changes/{pk}/sign/")).content.decode()
    assert WORDS("agreement.since_before") in shown


def over(them, first_day, end):
    """A temporary target over some days, and a word that it goes on until its end."""
    with transaction.atomic():
        kpi = kpi_of(them.at("customer_lead"))
    agreed(them, "customer_lead", DraftContent(first_day, end, (SetField(kpi, "target", "0.95"),), says=says()))
    with transaction.atomic():
        number = queries.chain(them.at("customer_lead"))[-1].change.number
    return kpi, Word(number, kpi, "target", instead=False)


def test_a_counter_hides_nothing_under_a_temporary_wording():
    """Over the first day lies a temporary target, so both texts read alike on it; what holds after it differs."""
    them = room()
    kpi, until = over(them, soon(20), soon(60))
    first = DraftContent(soon(30), None, (SetField(kpi, "target", "0.9"),), (until,), says=says())
    pk = proposed(them, "customer_lead", first)
    countered(them, pk, replace(first, edits=(SetField(kpi, "target", "0.5"),)))
    (value,) = seen_by(them, "customer_lead", pk).rows
    assert value[2:] == ("90\u00a0%", "50\u00a0%")
    assert WORDS.day(soon(60)) in value[1]
    assert WORDS("agreement.since_nothing") not in page(them, "customer_lead", pk)


def test_a_counter_hides_no_word_that_ends_what_was_agreed():
    """The temporary target begins later: on the first day both texts read alike, and one of them ends it."""
    them = room()
    kpi, until = over(them, soon(60), soon(90))
    first = DraftContent(soon(30), None, (SetField(kpi, "target", "0.9"),), (until,), says=says())
    pk = proposed(them, "customer_lead", first)
    countered(them, pk, replace(first, words=(replace(until, instead=True),)))
    told = str(seen_by(them, "customer_lead", pk).rows)
    assert WORDS("agreement.until_then") in told
    assert WORDS("agreement.instead") in told
    assert WORDS("agreement.since_nothing") not in page(them, "customer_lead", pk)


def test_what_a_reader_may_not_read_is_named_by_its_kind_alone(them):
    """A clause for leads alone: an analyst learns that it differs, and no value of it."""
    clause = complete(Kind.PROSE, {"title": "Secret", "text": "Zebulon one", "language": "en", "seen_by": ["lead"]})
    with transaction.atomic():
        kpi = kpi_of(them.at("customer_lead"))
    first = content(SetField(kpi, "target", "0.9"), AddClause("s1", Kind.PROSE, clause, kpi))
    other = content(SetField(kpi, "target", "0.9"), AddClause("s1", Kind.PROSE, clause | {"text": "Zebulon two"}, kpi))
    pk = proposed(them, "customer_lead", first)
    countered(them, pk, other)
    assert any("Zebulon two" in row[3] for row in seen_by(them, "customer_lead", pk).rows)
    with transaction.atomic():
        member = them.at("provider_member")
        now = queries.situation(member)
        found = since_before(member, queries.change_state(member, row(pk), now), now, WORDS)
    assert "Zebulon" not in str(found.rows)
    assert WORDS("agreement.changed_unread") in str(found.rows)
