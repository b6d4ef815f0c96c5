"""Who decides about people, attacked: by who was let go, by deputies, by two at once, by a query that passes Python by.

Each test is an attack that once succeeded; the two at once start together and run in transactions of their own.
"""

import json
import re
import threading
import uuid
from datetime import timedelta

import pytest
from django.db import connection, connections, transaction
from django.db.utils import ProgrammingError
from django.test import Client
from django.utils import timezone

from comity.apps.audit.models import AuditEvent
from comity.apps.audit.sentences import english_texts
from comity.apps.parties import operations, queries
from comity.apps.parties.member_context import set_viewer
from comity.apps.parties.models import Invitation, Membership, Role
from comity.apps.parties.rights import Action
from comity.apps.refusal import Refused
from comity.core.values import Side
from tests.builders.turns import every
from tests.room import PASSWORD, cast, forget_mails, person, sent_mails, superuser, token

pytestmark = pytest.mark.gate


@pytest.fixture
def them():
    return cast()


@pytest.fixture(scope="module")
def still():
    """Where nothing is changed: for attacks that are refused."""
    return cast()


def place_of(them, name):
    with superuser() as everybody:
        row = everybody.execute(
            "SELECT id FROM parties_membership WHERE relationship_id = %s AND person_id = %s AND left_at IS NULL",
            [them.relationship, them.people[name].pk],
        ).fetchone()
    return row and row[0]


def roles(them):
    """Who is there, by side and role."""
    with superuser() as everybody:
        rows = everybody.execute(
            "SELECT p.name, m.side, m.role FROM parties_membership m JOIN parties_person p ON p.id = m.person_id "
            "WHERE m.relationship_id = %s AND m.left_at IS NULL",
            [them.relationship],
        ).fetchall()
    return {name: (side, role) for name, side, role in rows}


def ask(them, who, method, path, body=None):
    headers = {"authorization": f"Bearer {token(them, who, writes=True)}"}
    address = f"/api/r/{them.relationship}/{path}"
    return getattr(Client(), method)(address, json.dumps(body or {}), content_type="application/json", headers=headers)


def second_lead(them, side=Side.PROVIDER):
    """One more person who leads a side."""
    name = f"{side}_second"
    them.people[name] = person(f"Second {side} lead".title())
    with transaction.atomic():
        _, word = operations.invite(them.at(f"{side}_lead"), them.people[name].email, Role.LEAD, side)
        operations.accept_invitation(them.people[name], word)
    return name


def together(*works):
    """Do several things at the same moment, each on a connection of its own; their results, or what they raised."""
    barrier, done = threading.Barrier(len(works)), [None] * len(works)

    def run(number, work):
        try:
            done[number] = work(barrier.wait)
        except Exception as error:  # noqa: BLE001 - compared by the test
            done[number] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=[number, work]) for number, work in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return done


# Invitations ------------------------------------------------------------------------------------------------------


def test_a_removed_member_cannot_rejoin_as_neutral(them):
    """H4: Aisha invites an auditor and an analyst of hers, and is let go by Jonas."""
    second = second_lead(them)
    auditor = person("Evil Auditor")
    with transaction.atomic():
        proposed, _ = operations.invite(them.at(second), auditor.email, Role.AUDITOR, None)
        _, analyst = operations.invite(them.at(second), "evil-analyst@example.org", Role.ANALYST, Side.PROVIDER)
        agreed, _ = operations.invite(them.at("customer_lead"), "other@example.org", Role.AUDITOR, None)
        agreed_word = operations.agree_to_invitation(them.at(second), agreed)
    with transaction.atomic():
        word = operations.agree_to_invitation(them.at("customer_lead"), proposed)
    path = f"people/{place_of(them, second)}"
    assert ask(them, "provider_lead", "delete", path).status_code == 200
    for one in (word, analyst, agreed_word):
        assert Client().get(f"/join/{one}/").status_code == 410
    with pytest.raises(Refused), transaction.atomic():
        operations.accept_invitation(auditor, word)
    with superuser() as everybody:
        (open_ones,) = everybody.execute(
            "SELECT count(*) FROM parties_invitation WHERE relationship_id = %s AND accepted_by_id IS NULL "
            "AND withdrawn_at IS NULL",
            [them.relationship],
        ).fetchone()
    assert open_ones == 0


def test_a_removed_member_cannot_rejoin_by_a_friends_invitation(them):
    second = second_lead(them)
    with transaction.atomic():
        _, word = operations.invite(them.at("provider_lead"), them.people[second].email, Role.ANALYST, Side.PROVIDER)
    assert ask(them, "provider_lead", "delete", f"people/{place_of(them, second)}").status_code == 200
    with pytest.raises(Refused), transaction.atomic():
        operations.accept_invitation(them.people[second], word)


def test_a_neutral_joins_only_once_both_sides_have_agreed(them):
    forget_mails()
    browser = them.client("customer_lead")
    browser.post(them.url("people/invite/"), {"email": "new-auditor@example.org", "role": "auditor"})
    (told,) = sent_mails()
    assert told.to == [them.people["provider_lead"].email]
    assert "/join/" not in told.body
    with superuser() as everybody:
        (made, digest) = everybody.execute(
            "SELECT id, digest FROM parties_invitation WHERE email = 'new-auditor@example.org'"
        ).fetchone()
    assert digest is None  # there is no word that could be used
    address = them.url(f"people/invitations/{made}/agree/")
    browser.post(address)
    assert len(sent_mails()) == 1  # whoever proposes does not agree as well
    for who in ("provider_analyst", "provider_executive", "auditor", "stranger"):
        assert them.client(who).post(address).status_code == 404
    for who in ("customer_lead", "provider_lead"):  # both see it
        assert "new-auditor@example.org" in them.client(who).get(them.url("people/")).content.decode()
    assert them.client("provider_lead").post(address).status_code == 302
    assert sent_mails()[-1].to == ["new-auditor@example.org"]
    (link,) = re.findall(r"/join/\S+", sent_mails()[-1].body)
    joined = Client().post(link, {"name": "New Auditor", "password": PASSWORD})
    assert joined.status_code == 302
    assert roles(them)["New Auditor"] == (None, "auditor")
    lines = them.client("provider_lead").get(them.url("log/")).content.decode()
    assert "agreed to invite somebody as" in lines


def test_leads_of_either_side_can_refuse_a_proposed_neutral(them):
    with transaction.atomic():
        made, _ = operations.invite(them.at("customer_lead"), "x@example.org", Role.MEDIATOR, None)
    assert ask(them, "provider_lead", "delete", f"invitations/{made.pk}").status_code == 200
    with pytest.raises(Refused, match="invitation_ended"), transaction.atomic():
        operations.agree_to_invitation(them.at("provider_lead"), made)


@pytest.mark.parametrize("who", ["customer_lead", "provider_lead"])
def test_only_leads_of_either_side_remove_a_neutral(them, who):
    place = place_of(them, "auditor")
    for other in ("customer_executive", "provider_analyst", "mediator"):
        assert ask(them, other, "delete", f"people/{place}").status_code == 404
    page = them.client(who).get(them.url(f"people/{place}/"))
    assert page.status_code == 200
    assert ask(them, who, "put", f"people/{place}/role", {"role": "lead"}).status_code == 403
    assert them.client(who).post(them.url(f"people/{place}/let-go/")).status_code == 302
    assert them.client("auditor").get(them.url()).status_code == 404


def test_leads_of_a_side_see_each_others_invitations_to_the_other_side(them):
    second = second_lead(them, Side.CUSTOMER)
    with superuser() as everybody:
        everybody.execute(
            "UPDATE parties_membership SET role = 'member' WHERE relationship_id = %s AND side = 'provider' "
            "AND role = 'lead'",
            [them.relationship],
        )
    with transaction.atomic():
        operations.invite(them.at("customer_lead"), "rescue@example.org", Role.LEAD, Side.PROVIDER)
    with transaction.atomic():
        (seen,) = queries.open_invitations(them.at(second))
        assert seen.email == "rescue@example.org"
        operations.withdraw_invitation(them.at(second), seen)


# Deputies ---------------------------------------------------------------------------------------------------------


def named(them, whom, deputy, days=12, by=None):
    with transaction.atomic():
        member = them.at(by or whom)
        people = {one.person_id: one for one in queries.members(member)}
        until = timezone.now().date() + timedelta(days)
        operations.set_deputy(member, people[them.people[whom].pk], people[them.people[deputy].pk], until)


def test_a_deputy_cannot_change_memberships(them):
    """H5: Aisha stands in for Jonas, makes herself lead for good and throws him out."""
    named(them, "provider_lead", "provider_analyst")
    own, lead = place_of(them, "provider_analyst"), place_of(them, "provider_lead")
    before = roles(them)
    until = (timezone.now().date() + timedelta(9)).isoformat()
    tried = [
        ("put", f"people/{own}/role", {"role": "lead"}),
        ("put", f"people/{lead}/role", {"role": "member"}),
        ("delete", f"people/{lead}", {}),
        ("delete", f"people/{place_of(them, 'auditor')}", {}),
        ("post", "invitations", {"email": "puppet@example.org", "role": "lead"}),
        ("put", f"people/{lead}/deputy", {"deputy": str(place_of(them, "provider_roster")), "until": until}),
        ("put", f"people/{lead}/deputy", {}),
    ]
    assert [ask(them, "provider_analyst", *one).status_code for one in tried] == [404] * len(tried)
    assert roles(them) == before
    # What a deputy is for goes on: the period, the log.
    with transaction.atomic():
        at = them.at("provider_analyst")
        assert at.may(Action.CONFIRM)
        assert at.may(Action.AUDIT)
        assert not at.may(Action.INVITE)
    assert them.client("provider_lead").get(them.url()).status_code == 200


@pytest.mark.parametrize(
    "call",
    [
        "comity_change_role('{own}', 'lead')",
        "comity_change_role('{lead}', 'member')",
        "comity_let_go('{lead}')",
        "comity_stand_in('{lead}', '{own}', '2099-01-01')",
        "comity_invite(gen_random_uuid(), 'provider', 'lead', 'puppet@example.org', 'x')",
    ],
)
def test_a_deputy_cannot_change_memberships_in_the_database(them, call):
    named(them, "provider_lead", "provider_analyst")
    filled = call.format(own=place_of(them, "provider_analyst"), lead=place_of(them, "provider_lead"))
    with transaction.atomic():
        them.at("provider_analyst")
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {filled}")
            assert cursor.fetchone()[0] in {"own_people", "leads_only"}


def test_a_lead_cannot_act_against_the_member_they_are_deputy_of(them):
    second = second_lead(them)
    named(them, "provider_lead", second)
    lead = place_of(them, "provider_lead")
    assert ask(them, second, "delete", f"people/{lead}").status_code == 403
    assert ask(them, second, "put", f"people/{lead}/role", {"role": "member"}).status_code == 403
    assert ask(them, "provider_lead", "delete", f"people/{place_of(them, second)}").status_code == 200


def test_a_member_cannot_take_a_leads_deputy(them):
    """L1: a member names Inés as deputy, who stands in for the lead; the lead's deputy was gone."""
    named(them, "customer_lead", "customer_analyst")
    with pytest.raises(Refused, match="deputy_taken"):
        named(them, "customer_member", "customer_analyst")
    with transaction.atomic():
        assert them.at("customer_analyst").may(Action.CONFIRM)
    with superuser() as everybody:  # once that has ended, they may be named
        everybody.execute(
            "UPDATE parties_membership SET stands_in_until = current_date - 2 WHERE id = %s",
            [place_of(them, "customer_analyst")],
        )
    named(them, "customer_member", "customer_analyst")


def test_a_deputy_named_by_a_member_lasts_30_days_and_leads_are_mailed(them):
    """L1: finance hands READ_MONEY to a member until 2099, and no lead knows."""
    with pytest.raises(Refused, match="deputy_days"):
        named(them, "provider_finance", "provider_member", 31)
    forget_mails()
    named(them, "provider_finance", "provider_member", 30)
    assert [one.to for one in sent_mails()] == [[them.people["provider_lead"].email]]
    assert "Provider Member is now deputy for Provider Finance" in sent_mails()[0].subject
    with transaction.atomic():
        assert them.at("provider_member").may(Action.READ_MONEY)
    named(them, "provider_finance", "provider_roster", 90, by="provider_lead")  # a lead may
    with transaction.atomic():
        assert not them.at("provider_member").may(Action.READ_MONEY)


def test_naming_deputies_is_rate_limited(them):
    for _ in range(10):
        named(them, "provider_member", "provider_roster", 1)
    with pytest.raises(Refused, match="too_often"):
        named(them, "provider_member", "provider_roster", 1)
    named(them, "provider_member", "provider_roster", 1, by="provider_lead")


def test_a_neutral_has_no_deputy(them):
    """Else the rights that both sides gave to one would be another's, without either."""
    with pytest.raises(Refused, match="neutral_deputy"):
        named(them, "auditor", "mediator")


# Two at once ------------------------------------------------------------------------------------------------------


def leads_of(them, side):
    return sorted(name for name, place in roles(them).items() if place == (side, "lead"))


def pressed(them, who, path, said=None):
    """A browser that is ready, and presses the button when the others do."""
    browser = them.client(who)
    browser.get(them.url())

    def work(wait):
        wait()
        return browser.post(them.url(path), said or {}).status_code

    return work


@pytest.mark.parametrize("round_", every(2, range(5)))
def test_two_leads_who_remove_each_other_concurrently_leave_one(them, round_):  # noqa: ARG001 - the same once more
    """H6: 200 and 200, and a side without a lead for ever."""
    second = second_lead(them)
    first_place, second_place = place_of(them, "provider_lead"), place_of(them, second)
    done = together(
        pressed(them, "provider_lead", f"people/{second_place}/let-go/"),
        pressed(them, second, f"people/{first_place}/let-go/"),
    )
    assert all(one in {302, 404} for one in done), done
    assert len(leads_of(them, "provider")) == 1


@pytest.mark.parametrize("round_", every(2, range(5)))
def test_two_leads_who_step_down_or_leave_concurrently_leave_one(them, round_):
    second = second_lead(them)
    works = {
        who: [
            (f"people/{place_of(them, who)}/role/", {"role": "member"}),
            (f"people/{place_of(them, who)}/let-go/", {}),
        ]
        for who in ("provider_lead", second)
    }
    done = together(*(pressed(them, who, *ways[(round_ + n) % 2]) for n, (who, ways) in enumerate(works.items())))
    assert all(one == 302 for one in done), done
    assert len(leads_of(them, "provider")) == 1


def test_concurrent_changes_wait_for_the_lock_and_see_the_first(them):
    """With a barrier in the middle: both have found their place before either asks."""
    second = second_lead(them)
    places = {name: place_of(them, name) for name in ("provider_lead", second)}

    def let_go(me, other):
        def work(wait):
            with transaction.atomic():
                member = them.at(me)
                target = Membership.objects.get(pk=places[other])
                wait()
                operations.end_membership(member, target)
            return "done"

        return work

    done = together(let_go("provider_lead", second), let_go(second, "provider_lead"))
    assert sorted(str(one) for one in done) == ["done", "place_ended"]


def test_a_side_without_a_lead_is_invited_one_by_the_other(them):
    """The way back, where a side has lost its last lead: until it has one again, and no longer."""
    for role, side in ((Role.LEAD, Side.PROVIDER), (Role.MEMBER, Side.PROVIDER)):
        with transaction.atomic(), connection.cursor() as cursor:
            them.at("customer_lead")
            cursor.execute("SELECT comity_invite(%s, %s, %s, 'x@example.org', 'x')", [uuid.uuid4(), side, role])
            assert cursor.fetchone() == ("invites_own",)
    with superuser() as everybody:
        everybody.execute(
            "UPDATE parties_membership SET role = 'roster' WHERE id = %s", [place_of(them, "provider_lead")]
        )
    assert "As lead of Helpline" in them.client("customer_lead").get(them.url("people/")).content.decode()
    rescue, puppet = person("Rescue"), person("Puppet")
    with transaction.atomic():
        _, word = operations.invite(them.at("customer_lead"), rescue.email, Role.MEMBER, Side.PROVIDER)
        _, spare = operations.invite(them.at("customer_lead"), puppet.email, Role.LEAD, Side.PROVIDER)
    with transaction.atomic():
        assert operations.accept_invitation(rescue, word).membership.role == Role.LEAD
    with pytest.raises(Refused), transaction.atomic():
        operations.accept_invitation(puppet, spare)
    assert "As lead of Helpline" not in them.client("customer_lead").get(them.url("people/")).content.decode()


# In the database ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["customer_member", "customer_lead", "auditor"])
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE parties_membership SET role = 'lead' WHERE id = '{own}'",
        "UPDATE parties_membership SET left_at = now() WHERE id = '{lead}'",
        "UPDATE parties_membership SET stands_in_for_id = '{lead}', stands_in_until = '2099-01-01' WHERE id = '{own}'",
        "UPDATE parties_membership SET side = 'provider'",
        (
            "INSERT INTO parties_membership (id, relationship_id, person_id, side, role, joined_at) "
            "VALUES (gen_random_uuid(), '{there}', '{stranger}', 'customer', 'lead', now())"
        ),
        "DELETE FROM parties_membership",
        (
            "INSERT INTO parties_invitation (id, relationship_id, side, role, email, digest, made_by_id, made_at, "
            "expires_at) VALUES (gen_random_uuid(), '{there}', 'customer', 'lead', 'a@b.example', 'x', '{own}', now(), "
            "'2099-01-01')"
        ),
        "UPDATE parties_invitation SET role = 'lead'",
        "UPDATE parties_invitation SET digest = 'x' WHERE side IS NULL",
        "UPDATE parties_relationship SET provider_id = customer_id",
        "UPDATE parties_relationship SET reply_days = 0",
        "UPDATE parties_organisation SET name = 'Evil'",
        (
            "INSERT INTO audit_event (id, relationship_id, at, person_id, side, shared, event, data) VALUES "
            "(gen_random_uuid(), '{there}', now(), '{person}', 'provider', true, 'period_confirmed', '{{}}')"
        ),
    ],
)
def test_no_sql_statement_changes_a_membership_or_acts_for_the_other_side(still, who, statement):
    """L5: by SQL injection, or a check that Python forgets."""
    filled = statement.format(
        own=place_of(still, who),
        lead=place_of(still, "provider_lead"),
        there=still.relationship,
        stranger=still.people["stranger"].pk,
        person=still.people[who].pk,
    )
    with pytest.raises(ProgrammingError, match=r"permission denied|row-level security"), transaction.atomic():
        still.at(who)
        with connection.cursor() as cursor:
            cursor.execute(filled)


@pytest.mark.parametrize(
    ("who", "call", "answer"),
    every(
        3,
        [
            ("customer_member", "comity_change_role('{customer_member}', 'lead')", "own_people"),
            ("customer_member", "comity_let_go('{customer_lead}')", "own_people"),
            ("customer_member", "comity_let_go('{auditor}')", "own_people"),
            ("customer_member", "comity_stand_in('{customer_lead}', '{customer_member}', '2099-01-01')", "own_people"),
            (
                "customer_member",
                "comity_stand_in('{customer_member}', '{customer_analyst}', '2099-01-01')",
                "deputy_days",
            ),
            ("customer_member", "comity_withdraw(gen_random_uuid())", "leads_only"),
            ("customer_lead", "comity_let_go('{provider_member}')", "own_people"),
            ("customer_lead", "comity_change_role('{provider_member}', 'lead')", "own_people"),
            ("customer_lead", "comity_change_role('{customer_member}', 'auditor')", "other_kind"),
            ("customer_lead", "comity_change_role('{customer_lead}', 'member')", "last_lead"),
            ("customer_lead", "comity_let_go('{customer_lead}')", "last_lead"),
            ("customer_lead", "comity_stand_in('{provider_lead}', '{provider_member}', '2099-01-01')", "own_people"),
            ("customer_lead", "comity_stand_in('{customer_lead}', '{provider_member}', '2099-01-01')", "same_side"),
            ("auditor", "comity_invite(gen_random_uuid(), NULL, 'auditor', 'a@b.example', NULL)", "leads_only"),
            ("auditor", "comity_let_go('{mediator}')", "own_people"),
            ("stranger", "comity_let_go('{customer_member}')", "place_ended"),
            ("stranger", "comity_invite(gen_random_uuid(), 'customer', 'lead', 'a@b.example', 'x')", "place_ended"),
        ],
        unpack=True,
    ),
)
def test_database_functions_refuse_members_without_the_right(still, who, call, answer):
    places = {name: place_of(still, name) for name in still.people}
    before = roles(still)
    with transaction.atomic():
        set_viewer(still.people[who].pk) if who == "stranger" else still.at(who)
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {call.format(**places)}")
            assert cursor.fetchone() == (answer,)
    assert roles(still) == before


@pytest.mark.parametrize("name", ["comity_locked_place()", "comity_audit(NULL, 'x', NULL, NULL, '{}', true)",
                                  "comity_audit_nobody(NULL, 'matter_deemed', NULL, NULL, '{}')",
                                  "comity_has_lead(gen_random_uuid(), 'customer', NULL)"])  # fmt: skip
def test_the_app_role_cannot_call_internal_database_functions(still, name):
    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        still.at("customer_lead")
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {name}")


def test_membership_changes_are_in_the_log_of_both_sides(them):
    second = second_lead(them)
    place = place_of(them, "provider_member")
    ask(them, "provider_lead", "put", f"people/{place}/role", {"role": "analyst"})
    named(them, "provider_lead", "provider_analyst")
    ask(them, "provider_lead", "delete", f"people/{place_of(them, second)}")
    with transaction.atomic():
        them.at("customer_lead")
        lines = {english_texts(event) for event in AuditEvent.objects.filter(relationship=them.relationship)}
        assert not Invitation.objects.filter(accepted_by=None, withdrawn_at=None).exists()
    until = timezone.now().date() + timedelta(12)
    assert {
        ("changed role", "Provider Member: member > analyst"),
        ("named deputy", f"Provider Analyst > Provider Lead, {until}"),
        ("let go", "Second Provider Lead"),
        ("joined", "auditor"),
        ("founded", "Northwind Energy with Helpline"),
    } <= lines
