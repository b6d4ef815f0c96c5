"""Who signs is a person, not a name: two namesakes are two, and a name that somebody takes gives no authority."""

import json
import re
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from comity.apps.agreements import operations, queries, signatories
from comity.apps.agreements.changes import page as change_page
from comity.apps.agreements.refusals import Code
from comity.apps.i18n import words_for
from comity.core.agreements.changes import RemoveClause, SetField
from comity.core.agreements.kinds import Kind
from comity.core.agreements.people import Named
from comity.core.agreements.signing import State
from comity.core.values import Side
from tests.builders.agreement import add
from tests.builders.changes import (
    agreed,
    attempt,
    content,
    drafted,
    proposed,
    refused,
    room,
    row,
    sign,
    soon,
    state_of,
    target,
)
from tests.room import superuser

pytestmark = pytest.mark.gate

LEAD, ANALYST = "Provider Lead", "Provider Analyst"


@pytest.fixture
def them():
    return room()


def renamed(them, who, name):
    with superuser() as everybody:
        everybody.execute("UPDATE parties_person SET name = %s WHERE id = %s", [name, them.people[who].pk])


def leave(them, who):
    with superuser() as everybody:
        everybody.execute("UPDATE parties_membership SET left_at = now() WHERE person_id = %s", [them.people[who].pk])


def people(them, *names):
    return {str(them.people[who].pk): name for who, name in names}


def in_force(them, *rules):
    """An authority clause of the provider, in force since yesterday."""
    yesterday = timezone.now().date() - timedelta(days=1)
    made = content(add("auth", Kind.AUTHORITY, provider=list(rules)), first_day=yesterday)
    return agreed(them, "customer_lead", made, retroactive=True)


def needed(them, pk, who="provider_lead"):
    with transaction.atomic():
        member = them.at(who)
        now = queries.situation(member)
        state = queries.change_state(member, row(pk), now)
        return change_page.deciding(member, state, now, words_for("en"))["needed"]


def test_two_namesakes_of_a_side_are_two_signatories(them):
    renamed(them, "provider_analyst", LEAD)
    both = people(them, ("provider_lead", LEAD), ("provider_analyst", LEAD))
    in_force(them, {"members": both, "together": 2})
    pk = proposed(them, "customer_lead", target(them))
    sign(them, "customer_lead", pk)
    assert not sign(them, "provider_lead", pk)
    assert state_of(them, pk) is State.SIGNED  # by the customer alone
    refused(Code.ALREADY, sign, them, "provider_lead", pk)
    refused(Code.AUTHORITY, sign, them, "provider_finance", pk)
    assert sign(them, "provider_analyst", pk)
    with transaction.atomic():
        (last,) = operations.known_changes(them.at("customer_lead"))[-1:]
    assert sorted(one.person for one in last.signatures if one.side is Side.PROVIDER) == [LEAD, LEAD]


def test_two_namesakes_whom_an_older_text_knows_by_name_are_two_as_well(them):
    renamed(them, "provider_analyst", LEAD)
    in_force(them, {"people": [LEAD], "together": 2})
    pk = proposed(them, "customer_lead", target(them))
    for who in ("customer_lead", "provider_lead"):
        assert not sign(them, who, pk)
    assert sign(them, "provider_analyst", pk)


@pytest.mark.parametrize("by_name", [True, False])
def test_who_takes_the_name_of_a_signatory_signs_nothing(them, by_name):
    named = {"people": [LEAD]} if by_name else {"members": people(them, ("provider_lead", LEAD))}
    in_force(them, named)
    changed = attempt(
        them, "provider_analyst", "UPDATE parties_person SET name = %s, named_at = '2020-01-01' "
        "WHERE id = comity_person()", LEAD,
    )  # fmt: skip
    assert changed == 1
    pk = proposed(them, "customer_lead", target(them))
    sign(them, "customer_lead", pk)
    refused(Code.AUTHORITY, sign, them, "provider_analyst", pk)
    assert sign(them, "provider_lead", pk)


def test_who_comes_under_the_name_of_a_signatory_who_left_signs_nothing(them):
    in_force(them, {"people": [ANALYST]})
    leave(them, "provider_analyst")
    renamed(them, "provider_finance", ANALYST)
    pk = proposed(them, "customer_lead", target(them))
    refused(Code.AUTHORITY, sign, them, "provider_finance", pk)


def test_who_was_named_before_they_came_is_the_first_of_that_name(them):
    in_force(them, {"people": ["Nora Vidal"]})
    renamed(them, "provider_finance", "Nora Vidal")
    renamed(them, "provider_analyst", "Nora Vidal")
    pk = proposed(them, "customer_lead", target(them))
    refused(Code.AUTHORITY, sign, them, "provider_analyst", pk)
    sign(them, "provider_finance", pk)
    assert sign(them, "customer_lead", pk)


def test_a_signatory_who_took_another_name_still_signs(them):
    in_force(them, {"members": people(them, ("provider_analyst", ANALYST))})
    renamed(them, "provider_analyst", "Provider Married")
    pk = proposed(them, "customer_lead", target(them))
    assert any(ANALYST in one for one in needed(them, pk)[Side.PROVIDER])
    sign(them, "provider_analyst", pk)
    assert sign(them, "customer_lead", pk)


def test_no_text_gives_ones_authority_to_another_under_the_name(them):
    lying = people(them, ("provider_analyst", LEAD))
    rules = add("auth", Kind.AUTHORITY, provider=[{"members": lying}])
    refused(Code.UNKNOWN_SIGNATORY, proposed, them, "provider_lead", content(rules))
    of_other_side = add(
        "auth", Kind.AUTHORITY, provider=[{"members": people(them, ("customer_lead", "Customer Lead"))}]
    )
    refused(Code.UNKNOWN_SIGNATORY, proposed, them, "provider_lead", content(of_other_side))
    # Past the room, by the role of its application: nobody signs it.
    true = add("auth", Kind.AUTHORITY, provider=[{"members": people(them, ("provider_analyst", ANALYST))}])
    pk = proposed(them, "provider_lead", content(true))
    with superuser() as everybody:
        (held,) = everybody.execute("SELECT content FROM agreements_step WHERE change_id = %s", [pk]).fetchone()
    said = json.dumps(held).replace(f'"{ANALYST}"', f'"{LEAD}"')
    step = {**json.loads(said), "name": LEAD}
    step["new"] |= {"number": 2, "readable_at": "2099-01-01T00:00:00+00:00"}
    attempt(
        them, "provider_lead",
        "INSERT INTO agreements_step (id, change_id, relationship_id, number, kind, side, person_id, at, content) "
        "VALUES (gen_random_uuid(), %s, comity_relationship(), 2, 'revise', comity_side(), comity_person(), now(), "
        "%s::jsonb)", pk, json.dumps(step),
    )  # fmt: skip
    refused(Code.UNKNOWN_SIGNATORY, sign, them, "customer_lead", pk)


def test_what_was_agreed_is_not_asked_again(them):
    in_force(them, {"members": people(them, ("provider_analyst", ANALYST))})
    renamed(them, "provider_analyst", "Provider Married")
    with transaction.atomic():
        member = them.at("customer_lead")
        change = content(SetField("auth", "customer", None)).change(0)
        assert signatories.unknown(member, change, queries.chain(member)) == []
    pk = proposed(them, "customer_lead", content(RemoveClause("auth")))
    assert state_of(them, pk) is State.PROPOSED


def test_the_form_offers_the_members_of_each_side_and_keeps_who_left(them):
    in_force(them, {"members": people(them, ("provider_analyst", ANALYST)), "people": ["Somebody Else"]})
    leave(them, "provider_analyst")
    pk = drafted(them, "provider_lead", content(first_day=soon()))
    page = them.client("provider_lead").get(them.url(f"agreement/changes/{pk}/?edit=auth")).content.decode()
    offered = re.findall(
        r'<input type="checkbox" name="(\w+)__0__(members|people)" value="([^"]*)"[^>]*?( checked)?>', page
    )
    of_provider = {value: checked for side, part, value, checked in offered if (side, part) == ("provider", "members")}
    left, stays = (str(them.people[who].pk) for who in ("provider_analyst", "provider_lead"))
    assert (of_provider[left], of_provider[stays]) == (" checked", "")
    assert str(them.people["customer_lead"].pk) not in of_provider
    assert ("provider", "people", "Somebody Else", " checked") in offered
    assert str(them.people["customer_lead"].pk) in {
        value for side, part, value, _ in offered if (side, part) == ("customer", "members")
    }
    data = {"what": "clause", "clause": "auth", "seen": "1", "provider__0__members": [stays],
            "provider__0__together": "1", "provider__0__means": ["room"], "provider__0__deputies": "no"}  # fmt: skip
    answer = them.client("provider_lead").post(them.url(f"agreement/changes/{pk}/save/"), data)
    assert answer.status_code == 302, answer.content.decode()
    with transaction.atomic():
        member = them.at("provider_lead")
        (edit,) = queries.draft_content(queries.latest_draft(member, row(pk)), queries.chain(member)).edits
    assert edit.value[0]["members"] == {stays: LEAD}
    assert "people" not in edit.value[0]


def test_choices_are_those_who_stand_on_the_side_now(them):
    with transaction.atomic():
        offered = signatories.choices(them.at("provider_member"))
    assert Named(LEAD, str(them.people["provider_lead"].pk)) in offered["provider"]
    assert not {one.id for one in offered["provider"]} & {one.id for one in offered["customer"]}


def test_namesakes_are_told_apart_where_they_are_chosen_and_in_the_evidence(them):
    """The provider's lead and analyst bear one name: each is called with the address, as nobody else is."""
    renamed(them, "provider_analyst", LEAD)
    with transaction.atomic():
        offered = signatories.choices(them.at("customer_lead"))
    both = sorted(one.name for one in offered["provider"] if one.name.startswith(LEAD))
    assert both == sorted(f"{LEAD} ({them.people[who].email})" for who in ("provider_lead", "provider_analyst"))
    assert not any("@" in one.name for one in offered["customer"])
    named = people(them, ("provider_analyst", f"{LEAD} ({them.people['provider_analyst'].email})"))
    pk = proposed(them, "customer_lead", content(add("who", Kind.AUTHORITY, provider=[{"members": named}])))
    sign(them, "provider_lead", pk)
    page = them.client("customer_lead").get(them.url(f"agreement/changes/{pk}/evidence/")).content.decode()
    assert f"{LEAD} ({them.people['provider_lead'].email})" in page
    assert (
        them.people["provider_analyst"].email
        in them.client("customer_lead").get(them.url(f"agreement/changes/{pk}/")).content.decode()
    )
    for who in ("provider_lead", "provider_analyst"):
        with transaction.atomic():
            member = them.at(who)
            now = queries.situation(member)
            found = change_page.deciding(member, queries.change_state(member, row(pk), now), now, words_for("en"))
        assert found["has_signed"] is (who == "provider_lead")
