"""The wall in the database: what a viewer sees is decided there, whatever a request forgets or asks for."""

import uuid
from operator import attrgetter

import psycopg
import pytest
from django.db import connection, transaction
from django.db.utils import ProgrammingError

from comity.apps.books.models import Delivery, Export, Hold, KeptMapping, Mark, Routes
from comity.apps.matters import operations as matters
from comity.apps.matters.models import Evidence, Kind, Matter, Step
from comity.apps.parties.models import Access, Invitation, Membership, Organisation, Relationship
from comity.apps.parties.viewing import look, stand
from comity.apps.reviews.models import ByMail, Confirmation, Entry
from comity.core.values import Side
from comity.web.postgres import APP, OWNER
from tests.room import cast, started, superuser

# Every table with rows of a relationship, and every other one, is placed here; a new one fails the test until it is.
WALLED = {
    "books_export", "books_hold", "books_mark", "books_routes",
    "books_delivery", "books_keptmapping", "matters_evidence", "matters_matter", "matters_step",
    "parties_access", "parties_invitation", "parties_membership",
    "parties_organisation", "parties_relationship", "parties_token",
    "reviews_bymail", "reviews_confirmation", "reviews_entry",
}  # fmt: skip
NOBODYS = {
    "account_emailaddress", "account_emailconfirmation", "auth_group", "auth_group_permissions", "auth_permission",
    "axes_accessattempt", "axes_accessattemptexpiration", "axes_accessfailurelog", "axes_accesslog",
    "django_content_type", "django_migrations", "django_session", "mfa_authenticator", "parties_person",
    "socialaccount_socialaccount", "socialaccount_socialapp", "socialaccount_socialtoken", "usersessions_usersession",
    "procrastinate_events", "procrastinate_jobs", "procrastinate_periodic_defers", "procrastinate_workers",
}  # fmt: skip
MODELS = (
    Matter,
    Step,
    Evidence,
    Access,
    Invitation,
    Membership,
    Organisation,
    Relationship,
    Confirmation,
    Entry,
    ByMail,
    Delivery,
    KeptMapping,
    Hold,
    Mark,
    Routes,
    Export,
)


@pytest.fixture(scope="module")
def them():
    made = cast()
    with transaction.atomic():
        asked = matters.Asked(Kind.ACTION, "Spread lunch", "Secret of nobody.")
        matters.raise_matter(made.at("customer_lead"), asked, "UTC")
    return made


def test_every_table_is_placed():
    started()
    with superuser() as owner:
        tables = {row[0] for row in owner.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")}
        held = {
            row[0]
            for row in owner.execute(
                "SELECT relname FROM pg_class WHERE relkind = 'r' AND relrowsecurity AND relforcerowsecurity"
            )
        }
        with_relationship = {
            row[0]
            for row in owner.execute(
                "SELECT table_name FROM information_schema.columns "
                "WHERE table_schema = 'public' AND column_name = 'relationship_id'"
            )
        }
    assert tables == WALLED | NOBODYS
    assert held == WALLED
    assert with_relationship <= WALLED


def test_the_app_owns_nothing_and_cannot_pass():
    started()
    with superuser() as owner:
        rights = owner.execute(
            "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = ANY(%s)",
            [[APP, OWNER]],
        ).fetchall()
        owned = owner.execute("SELECT count(*) FROM pg_tables WHERE tableowner = %s", [APP]).fetchone()
    assert rights == [(False, False, False, False)] * 2
    assert owned == (0,)


def test_a_request_that_forgets_sees_nothing(them):
    with transaction.atomic():
        assert [model.objects.count() for model in MODELS] == [0] * len(MODELS)
    with transaction.atomic():
        look(them.people["customer_lead"].pk)
        assert Matter.objects.count() == 0  # nobody's place is taken yet
        assert Membership.objects.count() == 1
        assert Relationship.objects.count() == 1


def test_a_place_is_found_with_all_that_its_tables_say_of_it(them):
    """The database finds it by a function that names columns: a new one that it forgets would be asked for apart."""
    with transaction.atomic():
        found = them.at("provider_finance").membership
        there = ("relationship__customer", "relationship__provider", "person")
        same = Membership.objects.select_related(*there).get(pk=found.pk)
        for path in ("", "person", "relationship", "relationship.customer", "relationship.provider"):
            ours, theirs = ((attrgetter(path)(one) if path else one) for one in (found, same))
            secret = {"password", "last_login"} if path == "person" else set()
            assert ours.get_deferred_fields() == secret
            for field in {one.attname for one in ours._meta.concrete_fields} - secret:
                assert getattr(ours, field) == getattr(theirs, field), (path, field)


def test_who_is_looking_ends_with_the_transaction(them):
    with transaction.atomic():
        them.at("customer_lead")
        assert Matter.objects.count() == 1
    with transaction.atomic():
        assert Matter.objects.count() == 0


@pytest.mark.parametrize("name", ["stranger", "former"])
def test_who_has_no_place_cannot_take_one(them, name):
    with transaction.atomic():
        assert stand(them.people[name].pk, them.relationship) is None
    places = []
    with superuser() as everybody:
        places = [
            row[0]
            for row in everybody.execute(
                "SELECT id FROM parties_membership WHERE relationship_id = %s", [them.relationship]
            )
        ]
    assert len(places) > 10
    for place in places:  # not even with the number of somebody's place
        with transaction.atomic():
            look(them.people[name].pk, place)
            assert Matter.objects.count() == 0
            assert not Relationship.objects.filter(pk=them.relationship).exists()
            assert not Membership.objects.filter(relationship=them.relationship, left_at=None).exists()


def test_nobody_writes_into_a_relationship_that_is_not_theirs(them):
    with superuser() as everybody:
        (place,) = everybody.execute(
            "SELECT id FROM parties_membership WHERE relationship_id = %s AND role = 'lead' AND side = 'customer'",
            [them.relationship],
        ).fetchone()
    for row in (
        Matter(relationship_id=them.relationship, kind="action", title="x", asks="customer", answers="provider"),
        Membership(relationship_id=them.relationship, person=them.people["stranger"], side="customer", role="lead"),
        Access(relationship_id=them.relationship, person=them.people["stranger"], action="x"),
        Invitation(
            relationship_id=them.relationship, role="lead", email="a@b.example", digest=uuid.uuid4().hex,
            made_by_id=place, expires_at="2030-01-01T00:00:00Z",
        ),
    ):  # fmt: skip
        with pytest.raises(ProgrammingError, match="row-level security"), transaction.atomic():
            look(them.people["stranger"].pk, place)
            row.save(force_insert=True)


def test_a_side_cannot_put_people_on_the_other_or_speak_for_it(them):
    member = Membership(
        relationship_id=them.relationship, person=them.people["stranger"], side=Side.PROVIDER, role="lead"
    )
    with pytest.raises(ProgrammingError, match="row-level security"), transaction.atomic():
        them.at("customer_lead")
        member.save(force_insert=True)
    with transaction.atomic():
        matter = Matter.objects.get() if them.at("customer_lead") else None
    for side, person in ((Side.PROVIDER, "customer_lead"), (Side.CUSTOMER, "customer_member")):
        step = Step(
            relationship_id=them.relationship, matter=matter, number=9, side=side, move="accept",
            person=them.people[person],
        )  # fmt: skip
        with pytest.raises(ProgrammingError, match="row-level security"), transaction.atomic():
            them.at("customer_lead")
            step.save(force_insert=True)


@pytest.mark.parametrize(
    "table",
    ["books_hold", "matters_step", "matters_evidence", "parties_access", "reviews_confirmation", "reviews_entry"],
)
@pytest.mark.parametrize("change", ["UPDATE {} SET id = id", "DELETE FROM {}"])
def test_what_was_done_cannot_be_changed(them, table, change):
    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        them.at("customer_lead")
        with connection.cursor() as cursor:
            cursor.execute(change.format(table))


@pytest.mark.usefixtures("them")
def test_the_owner_is_held_too():
    with psycopg.connect(started().cluster.conninfo(OWNER)) as owner:
        assert owner.execute("SELECT count(*) FROM matters_matter").fetchone() == (0,)
        assert owner.execute("SELECT count(*) FROM parties_access").fetchone() == (0,)


def test_what_a_side_does_within_its_walls_only_it_reads(them):
    with transaction.atomic():
        own = set(Access.objects.values_list("action", flat=True)) if them.at("customer_lead") else set()
    with transaction.atomic():
        theirs = set(Access.objects.values_list("action", flat=True)) if them.at("provider_lead") else set()
    assert "invited" in own
    with transaction.atomic():
        them.at("provider_lead")
        seen = Access.objects.filter(side=Side.CUSTOMER, crosses=False)
        assert not seen.exists()
    assert {"founded", "joined"} <= own & theirs


def test_providers_of_one_customer_do_not_see_each_other():
    """One customer, two providers, by name."""
    first, second = cast(provider="Alpha Calls"), cast(provider="Beta Desk")
    for one, other in ((first, "Beta Desk"), (second, "Alpha Calls")):
        with transaction.atomic():
            one.at("provider_lead")
            names = set(Organisation.objects.values_list("name", flat=True))
        assert other not in names
        pages = one.client("provider_lead")
        for path in ("", "people/", "matters/", "records/"):
            assert other not in pages.get(one.url(path)).content.decode()
