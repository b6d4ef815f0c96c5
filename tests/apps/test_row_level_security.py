"""The wall in the database: what a viewer sees is decided there, whatever a request forgets or asks for."""

import uuid
from operator import attrgetter

import psycopg
import pytest
from django.db import connection, transaction
from django.db.utils import ProgrammingError

from comity.apps.agreements.models import (
    Baseline,
    BenefitAmount,
    BenefitWord,
    Change,
    DecidedWord,
    Draft,
    FirstStep,
    Limit,
    ReasonMark,
    Remark,
    SignedFile,
    TakenOut,
)
from comity.apps.agreements.models import Step as ChangeStep
from comity.apps.audit.models import AuditEvent, Event
from comity.apps.books.models import (
    CompleteWord,
    Delivery,
    Export,
    Hold,
    KeptMapping,
    Mark,
    MarkStep,
    Routes,
    SharedFormat,
    TermsStep,
)
from comity.apps.ledger.models import Line, Promise, Recount, Settlement, Transaction, Wording
from comity.apps.mailbox.models import Bounce, ReceivedMail
from comity.apps.matters import operations as matters
from comity.apps.matters.models import Evidence, Matter, Opened, Step
from comity.apps.notifications.models import DigestPosition, Preference, SentNotification
from comity.apps.parties.member_context import find_member, set_viewer
from comity.apps.parties.models import Invitation, Membership, Organisation, Relationship
from comity.apps.personal.models import DisplaySettings, SavedView, Visit
from comity.apps.priorities.models import Ranking, Round
from comity.apps.record.models import Consent, Entry
from comity.apps.replies.models import Notice, SilenceTerm
from comity.apps.reviews.models import ByMail, CommentDraft, PeriodComment
from comity.core.matters.kinds import Kind
from comity.core.values import Side
from comity.web.postgres import APP, OWNER
from tests.room import cast, started, superuser

pytestmark = pytest.mark.gate

# Every table with rows of a relationship, and every other one, is placed here; a new one fails the test until it is.
WALLED = {
    "agreements_baseline", "agreements_benefitamount", "agreements_benefitword", "agreements_decidedword",
    "agreements_change", "agreements_draft", "agreements_firststep", "agreements_limit", "agreements_reasonmark",
    "agreements_remark", "agreements_signedfile", "agreements_step", "agreements_takenout",
    "audit_event", "books_export", "books_hold", "books_mark", "books_markstep", "books_routes",
    "books_completeword", "books_termsstep", "books_delivery", "books_keptmapping", "books_sharedformat",
    "matters_evidence", "matters_formalnotice", "matters_matter", "matters_opened", "matters_silencenotice",
    "matters_step", "matters_toldquestion",
    "ledger_calendar", "ledger_line", "ledger_promise", "ledger_recount", "ledger_transaction",
    "ledger_settlement", "ledger_wording",
    "mailbox_bounce", "mailbox_rawmail", "mailbox_receivedmail", "mailbox_uncopied", "outbox_waitingmail",
    "parties_firm", "parties_invitation", "parties_membership",
    "parties_organisation", "parties_relationship", "parties_token", "priorities_ranking", "priorities_round",
    "personal_displaysettings", "personal_savedview", "personal_visit",
    "record_consent", "record_entry", "replies_notice", "replies_silenceterm", "reviews_bymail",
    "reviews_commentdraft", "reviews_periodcomment",
    "notifications_preference", "notifications_sentnotification", "notifications_digestposition",
}  # fmt: skip
NOBODYS = {
    "account_emailaddress", "account_emailconfirmation", "auth_group", "auth_group_permissions", "auth_permission",
    "axes_accessattempt", "axes_accessattemptexpiration", "axes_accessfailurelog", "axes_accesslog",
    "django_content_type", "django_migrations", "django_session", "mfa_authenticator", "parties_person",
    "socialaccount_socialaccount", "socialaccount_socialapp", "socialaccount_socialtoken", "usersessions_usersession",
    "comity_cache", "ledger_recorded", "ledger_source", "mailbox_span", "mailbox_use", "matters_transition",
    "record_kind", "replies_clock",
    "procrastinate_events", "procrastinate_jobs", "procrastinate_periodic_defers", "procrastinate_workers",
}  # fmt: skip
# Read by functions of the owner, with its rights, and by nobody else.
OWNERS_VIEWS = {"matters_owed", "ledger_openings"}
MODELS = (
    Matter,
    Step,
    Opened,
    Evidence,
    AuditEvent,
    Invitation,
    Membership,
    Organisation,
    Relationship,
    Consent,
    Entry,
    Notice,
    SilenceTerm,
    ByMail,
    CommentDraft,
    PeriodComment,
    Preference,
    SentNotification,
    DigestPosition,
    Delivery,
    KeptMapping,
    SharedFormat,
    CompleteWord,
    TermsStep,
    Hold,
    Mark,
    MarkStep,
    Routes,
    Export,
    DisplaySettings,
    SavedView,
    Visit,
    Change,
    Draft,
    ChangeStep,
    Limit,
    ReasonMark,
    Round,
    Ranking,
    FirstStep,
    Baseline,
    BenefitAmount,
    BenefitWord,
    DecidedWord,
    Remark,
    SignedFile,
    TakenOut,
    Transaction,
    Promise,
    Line,
    Recount,
    Settlement,
    Wording,
    ReceivedMail,
    Bounce,
)


@pytest.fixture(scope="module")
def them():
    made = cast()
    with transaction.atomic():
        asked = matters.NewMatter(Kind.ACTION, "Spread lunch", "Secret of nobody.")
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
        views = {name for (name,) in owner.execute("SELECT viewname FROM pg_views WHERE schemaname = 'public'")}
        shown = owner.execute(
            "SELECT table_name FROM information_schema.role_table_grants WHERE grantee = %s AND table_name = ANY (%s)",
            [APP, list(views)],
        ).fetchall()
    assert tables == WALLED | NOBODYS
    assert held == WALLED
    assert with_relationship <= WALLED | OWNERS_VIEWS
    assert views == OWNERS_VIEWS
    assert shown == []


def test_the_app_role_owns_no_table_and_cannot_bypass_policies():
    started()
    with superuser() as owner:
        rights = owner.execute(
            "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = ANY(%s)",
            [[APP, OWNER]],
        ).fetchall()
        owned = owner.execute("SELECT count(*) FROM pg_tables WHERE tableowner = %s", [APP]).fetchone()
    assert rights == [(False, False, False, False)] * 2
    assert owned == (0,)


def test_without_a_viewer_no_row_is_visible(them):
    with transaction.atomic():
        assert [model.objects.count() for model in MODELS] == [0] * len(MODELS)
    with transaction.atomic():
        set_viewer(them.people["customer_lead"].pk)
        assert Matter.objects.count() == 0  # nobody's place is taken yet
        assert Membership.objects.count() == 1
        assert Relationship.objects.count() == 1


def test_find_member_loads_all_columns_of_a_membership(them):
    """The database finds it by a function that names columns: a new one that it forgets would be asked for apart."""
    with transaction.atomic():
        found = them.at("provider_finance").membership
        there = ("relationship__customer", "relationship__provider", "person")
        same = Membership.objects.select_related(*there).get(pk=found.pk)
        for path in ("", "person", "relationship", "relationship.customer", "relationship.provider"):
            ours, theirs = ((attrgetter(path)(one) if path else one) for one in (found, same))
            # What is secret, and since when they are called so, which is asked of signatories alone.
            apart = {"password", "last_login", "named_at"} if path == "person" else set()
            assert ours.get_deferred_fields() == apart
            for field in {one.attname for one in ours._meta.concrete_fields} - apart:
                assert getattr(ours, field) == getattr(theirs, field), (path, field)


def test_the_viewer_ends_with_the_transaction(them):
    with transaction.atomic():
        them.at("customer_lead")
        assert Matter.objects.count() == 1
    with transaction.atomic():
        assert Matter.objects.count() == 0


@pytest.mark.parametrize("name", ["stranger", "former"])
def test_a_non_member_cannot_insert_a_membership(them, name):
    with transaction.atomic():
        assert find_member(them.people[name].pk, them.relationship) is None
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
            set_viewer(them.people[name].pk, place)
            assert Matter.objects.count() == 0
            assert not Relationship.objects.filter(pk=them.relationship).exists()
            assert not Membership.objects.filter(relationship=them.relationship, left_at=None).exists()


def test_nobody_writes_into_another_relationship(them):
    with superuser() as everybody:
        (place,) = everybody.execute(
            "SELECT id FROM parties_membership WHERE relationship_id = %s AND role = 'lead' AND side = 'customer'",
            [them.relationship],
        ).fetchone()
    for row in (
        Matter(relationship_id=them.relationship, kind="action", title="x", asks="customer", answers="provider"),
        AuditEvent(relationship_id=them.relationship, person=them.people["stranger"], event=Event.BOOK_BEGUN),
        MarkStep(relationship_id=them.relationship, person=them.people["stranger"], side="customer", item="costs"),
        Membership(relationship_id=them.relationship, person=them.people["stranger"], side="customer", role="lead"),
        Invitation(
            relationship_id=them.relationship, role="lead", email="a@b.example", digest=uuid.uuid4().hex,
            made_by_id=place, expires_at="2030-01-01T00:00:00Z",
        ),
    ):  # fmt: skip
        with pytest.raises(ProgrammingError, match=r"row-level security|permission denied"), transaction.atomic():
            set_viewer(them.people["stranger"].pk, place)
            row.save(force_insert=True)


def test_a_side_cannot_insert_members_or_rows_of_the_other(them):
    member = Membership(
        relationship_id=them.relationship, person=them.people["stranger"], side=Side.PROVIDER, role="lead"
    )
    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        them.at("customer_lead")
        member.save(force_insert=True)
    with transaction.atomic():
        matter = Matter.objects.get() if them.at("customer_lead") else None
    for side, person in ((Side.PROVIDER, "customer_lead"), (Side.CUSTOMER, "customer_member")):
        step = Step(
            relationship_id=them.relationship, matter=matter, number=9, side=side, move="agree",
            person=them.people[person],
        )  # fmt: skip
        with pytest.raises(ProgrammingError, match="row-level security"), transaction.atomic():
            them.at("customer_lead")
            step.save(force_insert=True)


@pytest.mark.parametrize(
    "table",
    [
        *("books_hold", "books_markstep", "matters_step", "matters_evidence", "audit_event", "reviews_periodcomment"),
        *("record_consent", "record_entry", "ledger_transaction", "ledger_line", "ledger_promise", "ledger_recount"),
    ],
)
@pytest.mark.parametrize("change", ["UPDATE {} SET id = id", "DELETE FROM {}"])
def test_log_and_steps_cannot_be_changed(them, table, change):
    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        them.at("customer_lead")
        with connection.cursor() as cursor:
            cursor.execute(change.format(table))


def test_holding_back_steps_are_written_by_the_own_side_and_read_by_both(them):
    said = {"relationship_id": them.relationship, "item": "contacts.reason", "change": MarkStep.Change.DISCLOSED}
    for side, person in ((Side.PROVIDER, "customer_lead"), (Side.CUSTOMER, "customer_member")):
        with pytest.raises(ProgrammingError, match="row-level security"), transaction.atomic():
            them.at("customer_lead")
            MarkStep(**said, side=side, person=them.people[person]).save(force_insert=True)
    with transaction.atomic():
        them.at("customer_lead")
        MarkStep(**said, side=Side.CUSTOMER, person=them.people["customer_lead"]).save(force_insert=True)
    for who in ("customer_member", "provider_lead", "auditor"):
        with transaction.atomic():
            them.at(who)
            assert [(one.side, one.item) for one in MarkStep.objects.all()] == [("customer", "contacts.reason")]
    other = cast()
    with transaction.atomic():
        other.at("customer_lead")
        assert not MarkStep.objects.exists()


def test_holding_back_is_ended_by_the_own_side_alone(them):
    with transaction.atomic():
        member = them.at("provider_lead")
        said = {"item": "costs", "reason": "Ours.", "review_on": "2090-01-01", "person": member.membership.person}
        Mark.objects.create(relationship=member.relationship, side=Side.PROVIDER, **said)
    for who, gone in (("customer_lead", 0), ("auditor", 0), ("provider_lead", 1)):
        with transaction.atomic():
            them.at(who)
            assert Mark.objects.filter(item="costs").count() == 1
            assert Mark.objects.filter(item="costs").delete()[0] == gone


def test_a_corrections_rows_are_fixed_and_silence_does_not_accept_it():
    """Not even for whoever passes the policies: the trigger holds everybody."""
    made = cast()
    with transaction.atomic():
        place, about = made.at("provider_lead"), {"table": "contacts", "number": 1}
        more = {"asks": Side.PROVIDER, "answers": Side.CUSTOMER, "title": "Changes", "records": about}
        matter = Matter(relationship=place.relationship, kind=Kind.CORRECTION, **more)
        matter.reply_by = matters.first_reply_due(place, matter, "UTC")
        matters.save_raised_matter(place, matter, "Here.")
    for change in ("records = '{}'", "state = 'deemed', reply_by = NULL", "state = 'countered'"):
        with superuser() as everybody, pytest.raises(psycopg.errors.InsufficientPrivilege, match="comity: "):
            everybody.execute(f"UPDATE matters_matter SET {change} WHERE id = %s", [matter.pk])
    with superuser() as everybody:
        found = everybody.execute("SELECT state, records FROM matters_matter WHERE id = %s", [matter.pk]).fetchone()
    assert found == ("asked", about)


@pytest.mark.usefixtures("them")
def test_policies_bind_the_tables_owner():
    with psycopg.connect(started().cluster.conninfo(OWNER)) as owner:
        assert owner.execute("SELECT count(*) FROM matters_matter").fetchone() == (0,)
        assert owner.execute("SELECT count(*) FROM audit_event").fetchone() == (0,)


def test_private_rows_are_read_by_their_own_side_alone(them):
    with transaction.atomic():
        own = set(AuditEvent.objects.values_list("event", flat=True)) if them.at("customer_lead") else set()
    with transaction.atomic():
        theirs = set(AuditEvent.objects.values_list("event", flat=True)) if them.at("provider_lead") else set()
    assert Event.INVITATION_MADE in own
    with transaction.atomic():
        them.at("provider_lead")
        seen = AuditEvent.objects.filter(side=Side.CUSTOMER, shared=False)
        assert not seen.exists()
    assert {Event.RELATIONSHIP_FOUNDED, Event.MEMBER_JOINED} <= own & theirs


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
