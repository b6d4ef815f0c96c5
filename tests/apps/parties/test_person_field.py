"""Somebody is chosen from a list, or, where they are too many for one, by name."""

import re

import pytest
from django.db import transaction

from comity.apps.matters.models import Matter, Step
from comity.apps.matters.operations import NewMatter, Terms, move, raise_matter
from comity.apps.parties.models import Membership
from comity.apps.parties.operations import end_membership
from comity.apps.refusal import Refused
from comity.core.matters.kinds import Kind
from comity.core.matters.transitions import Move
from tests.builders.matters import sent
from tests.room import cast, person, superuser

pytestmark = pytest.mark.gate

ZONE = "Europe/Berlin"
NAMES = ["Rosa Lind", "Rosa Marin", "Rosa Marin"]


@pytest.fixture(scope="module")
def few():
    return cast()


@pytest.fixture(scope="module")
def many():
    made = cast("Crowd Co", "Crowd Desk")
    crowd = [person(name) for name in [*NAMES, *(f"Nora Number {number:02}" for number in range(65))]]
    with superuser() as everybody:  # the app adds nobody without an invitation
        everybody.cursor().executemany(
            "INSERT INTO parties_membership (id, relationship_id, person_id, side, role, joined_at) "
            "VALUES (gen_random_uuid(), %s, %s, 'customer', 'member', now())",
            [(made.relationship, one.pk) for one in crowd],
        )
    return made


def action(them, owner="Ana Customer Lead"):
    with transaction.atomic():
        at = them.at("customer_lead")
        sees = Membership.objects.get(relationship=at.relationship, person__name=owner)
        return raise_matter(at, NewMatter(Kind.ACTION, "Spread lunch", "Why.", owner=sees), ZONE)


def countered(them, matter, owner):
    return sent(them, "provider_lead", matter, Move.COUNTER, owner=owner)


def owner_of(them, matter):
    with transaction.atomic():
        them.at("auditor")
        return Matter.objects.get(pk=matter.pk).owner.person.name


def test_few_members_are_a_select_with_the_current_one(few):
    shown = few.client("provider_lead").get(few.url(f"matters/{action(few).pk}/move/counter/")).content.decode()
    listed = re.search(r'<select name="owner".*?</select>', shown, re.DOTALL)[0]
    assert listed.count("<option") == 1 + 12  # none, and six on either side
    assert re.search(r"<option[^>]* selected>Ana Customer Lead<", listed)


def test_many_members_are_a_text_field_and_not_listed(many):
    shown = many.client("provider_lead").get(many.url(f"matters/{action(many).pk}/move/counter/")).content.decode()
    assert re.search(r'<input type="text" name="owner" value="Ana Customer Lead"', shown)
    assert "Nora Number" not in shown
    assert "a part of it" in shown


@pytest.mark.parametrize("said", ["Rosa Lind", "rosa lind", "Lind", "Number 07"])
def test_a_unique_name_or_part_of_it_selects_that_member(many, said):
    matter = action(many)
    assert countered(many, matter, said).status_code == 302
    assert owner_of(many, matter) == ("Nora Number 07" if "07" in said else "Rosa Lind")


def test_an_ambiguous_name_lists_its_members_as_a_select(many):
    matter = action(many)
    answer = countered(many, matter, "rosa")
    shown = answer.content.decode()
    assert answer.status_code == 422
    assert "Several people have that name" in shown
    found = re.findall(r'<option value="([0-9a-f-]{36})">(Rosa \w+), member<', shown)
    assert sorted(name for _, name in found) == NAMES
    assert countered(many, matter, found[-1][0]).status_code == 302
    assert owner_of(many, matter) == found[-1][1]


def test_the_current_member_is_kept_though_others_share_the_name(many):
    matter = action(many)
    with transaction.atomic():
        many.at("customer_lead")
        owner = Membership.objects.filter(person__name="Rosa Marin").order_by("pk").last()
    with superuser() as everybody:  # no viewer changes an owner but by a step
        everybody.execute("UPDATE matters_matter SET owner_id = %s WHERE id = %s", [owner.pk, matter.pk])
    answer = sent(many, "provider_lead", matter, Move.COUNTER, owner="Rosa Marin", due_on="2027-03-01")
    assert answer.status_code == 302
    with transaction.atomic():
        many.at("auditor")
        assert Step.objects.get(matter=matter, number=2).terms["due_on"] == "2027-03-01"


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("Zeno", "Nobody here has that name"),
        ("Number", "Many people have that name"),
        ("00000000-0000-0000-0000-000000000000", "Nobody here has that name"),
        ("Max Stranger", "Nobody here has that name"),  # who is in the room, but not in this relationship
        ("Auditor", "Nobody here has that name"),  # who is here, but on neither side
        ("%", "Nobody here has that name"),
        ("a\x00b", "Null characters are not allowed"),
    ],
)
def test_no_match_and_too_many_matches_are_errors_and_change_nothing(many, said, why):
    matter = action(many)
    answer = countered(many, matter, said)
    assert (answer.status_code, why in answer.content.decode()) == (422, True)
    assert owner_of(many, matter) == "Ana Customer Lead"


def test_a_former_member_cannot_be_selected_though_current_before(many):
    matter = action(many, owner="Nora Number 33")
    with transaction.atomic():
        move(many.at("provider_lead"), matter, Move.AGREE, "", ZONE)
        place = Membership.objects.get(person__name="Nora Number 33")
        end_membership(many.at("customer_lead"), place)
    address, browser = many.url(f"matters/{matter.pk}/move/hand_over/"), many.client("customer_lead")
    shown = browser.get(address).content.decode()
    assert '<input type="text" name="owner"' in shown
    assert '<input type="text" name="owner" value=' not in shown
    answer = sent(many, "customer_lead", matter, Move.HAND_OVER, owner="Nora Number 33")
    assert (answer.status_code, "Nobody here" in answer.content.decode()) == (422, True)
    with pytest.raises(Refused, match="nobody"), transaction.atomic():
        at = many.at("customer_lead")
        gone = Membership.objects.get(pk=place.pk)
        move(at, matter, Move.HAND_OVER, "", ZONE, Terms(owner=gone))


def test_a_deputy_is_selected_by_name_too(many):
    with transaction.atomic():
        own = many.at("customer_lead").membership
    page, browser = many.url(f"people/{own.pk}/"), many.client("customer_lead")
    assert '<input type="text" name="deputy"' in browser.get(page).content.decode()
    answer = browser.post(f"{page}stand-in/", {"deputy": "Rosa Lind", "until": "2099-01-01"})
    assert answer.status_code == 302
    assert "Rosa Lind is deputy until" in browser.get(page).content.decode()
    answer = browser.post(f"{page}stand-in/", {"deputy": "Provider Roster", "until": "2099-01-01"})
    assert (answer.status_code, "Nobody here" in answer.content.decode()) == (422, True)  # of the other side
