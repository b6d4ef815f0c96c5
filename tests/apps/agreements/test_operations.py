"""The agreement: drafted, put to the other side, signed by both, written into the book; attacked as each side."""

import re
from datetime import date

import pytest
from django.core.cache import cache
from django.db import DatabaseError, transaction

from comity.apps.agreements import operations, queries
from comity.apps.agreements.content import DraftContent
from comity.apps.agreements.models import Change, Draft, Track
from comity.apps.agreements.refusals import Code
from comity.apps.books.queries import book_folder, definition
from comity.apps.i18n import words_for
from comity.apps.kpis import operations as kpis
from comity.apps.kpis.refusals import Code as KpiCode
from comity.apps.kpis.terms import Terms
from comity.apps.record import queries as records
from comity.apps.record.models import ConsentSubject
from comity.apps.refusal import Refused
from comity.apps.today.queries import inboxes
from comity.book.agreement import agreed_changes, problems_of
from comity.core.agreements.changes import SetField, Word
from comity.core.agreements.kinds import Kind
from comity.core.agreements.signing import State, StepKind
from comity.core.agreements.text import text
from comity.core.calendars import Cut
from comity.core.kpi_templates import TEMPLATES
from comity.core.values import Side
from tests.builders.agreement import add
from tests.builders.changes import (
    SENTENCES,
    attempt,
    content,
    drafted,
    kpi_of,
    proposed,
    refused,
    row,
    sign,
    soon,
    state_of,
)
from tests.builders.levels import KPI, contacts
from tests.room import cast, forget_mails, run_jobs, said_again, sent_mails, superuser

pytestmark = pytest.mark.gate
WRITE = operations.WRITE_TASK
KPI_SET = Terms(TEMPLATES["contact_centre"], Cut.MONTH, date(2026, 5, 1))


@pytest.fixture
def them():
    made = cast()
    made.book(KPI, contacts="\n".join(contacts()))
    cache.clear()
    return made


@pytest.fixture
def target(them):
    """A draft of the customer: another target of the book's KPI."""
    with transaction.atomic():
        kpi = kpi_of(them.at("customer_lead"))
    return content(SetField(kpi, "target", "0.9"))


def test_from_a_draft_to_a_figure_that_counts_by_what_both_signed(them, target):
    pk = proposed(them, "customer_lead", target)
    assert state_of(them, pk) is State.PROPOSED
    assert not sign(them, "customer_lead", pk)
    assert state_of(them, pk) is State.SIGNED
    assert sign(them, "provider_lead", pk)
    run_jobs(WRITE)
    folder = book_folder(them.relationship)
    changes = agreed_changes(folder)
    assert "[[kpi]]" not in (folder / "book.toml").read_text()
    assert problems_of(changes) == []
    last = changes[-1]
    assert {one.side for one in last.signatures} == set(Side)
    assert {one.person for one in last.signatures} == {"Ana Customer Lead", "Provider Lead"} or len(
        last.signatures
    ) == 2
    with transaction.atomic():
        member = them.at("auditor")
        kpis = definition(member).kpis
        (entry,) = records.entries(member, ConsentSubject.AGREEMENT)
    assert [(one.target, one.agreed, one.entry) for one in kpis if one.valid_from == soon()] == [
        (0.9, True, entry.number)
    ]
    assert state_of(them, pk) is State.AGREED


def test_a_change_waits_for_whoever_received_the_last_text_and_then_for_its_author(them, target):
    """The customer proposes and signs; the provider answers with another text, which the customer signs first."""

    def waits():
        with transaction.atomic():
            return queries.waiting_side(queries.change_state(them.at("customer_lead"), row(pk)))

    pk = drafted(them, "customer_lead", target)
    assert waits() is None
    with transaction.atomic():
        operations.propose(them.at("customer_lead"), row(pk), 1)
    assert waits() is Side.PROVIDER
    sign(them, "customer_lead", pk)
    assert waits() is Side.PROVIDER
    with transaction.atomic():
        member = them.at("provider_lead")
        other = content(SetField(target.edits[0].clause, "target", "0.85"))
        operations.save_draft(member, row(pk), other, 0)
        operations.propose(member, row(pk), 1)
    assert waits() is Side.CUSTOMER
    sign(them, "customer_lead", pk)
    assert waits() is Side.PROVIDER
    sign(them, "provider_lead", pk)
    assert waits() is None


def test_a_draft_is_its_own_sides_alone_numbers_included(them, target):
    pk = drafted(them, "customer_lead", target)
    for who in ("provider_lead", "auditor"):
        with transaction.atomic():
            member = them.at(who)
            assert not queries.visible_changes(member).exists()
            assert not Draft.objects.exists()
    second = proposed(them, "provider_lead", target)
    with transaction.atomic():
        them.at("customer_lead")
        assert Change.objects.get(pk=second).number == queries.chain(them.at("customer_lead"))[-1].change.number + 1
        assert Change.objects.get(pk=pk).number is None


def test_a_draft_that_is_shared_is_saved_by_both_and_nothing_is_lost(them, target):
    pk = drafted(them, "customer_lead", target)
    with transaction.atomic():
        member = them.at("customer_lead")
        operations.share_draft(member, row(pk))
    with transaction.atomic():
        member = them.at("provider_lead")
        change = row(pk)
        operations.save_draft(member, change, content(first_day=soon(50)), 1)
        assert {one.track for one in Draft.objects.all()} == {
            Track.SHARED
        }  # what was saved before stays the customer's
    with transaction.atomic():
        member = them.at("customer_lead")
        refused(Code.SAVED_MEANWHILE, operations.save_draft, member, row(pk), target, 1)
        operations.save_draft(member, row(pk), target, 2)


def test_whoever_counters_is_the_author_and_the_old_text_is_signed_no_more(them, target):
    pk = proposed(them, "customer_lead", target)
    sign(them, "customer_lead", pk)
    with transaction.atomic():
        member, change = them.at("provider_lead"), row(pk)
        kpi = kpi_of(member)
        old = operations.show_for_signature(member, change, SENTENCES)
        operations.save_draft(member, change, content(SetField(kpi, "target", "0.85")), 0)
        operations.propose(member, change, 1)
    assert state_of(them, pk) is State.COUNTERED
    with transaction.atomic():
        member = them.at("provider_lead")
        refused(Code.CHANGED, operations.sign, member, row(pk), old, SENTENCES)
    assert not sign(them, "provider_lead", pk)
    assert sign(them, "customer_lead", pk)
    with transaction.atomic():
        entries = queries.chain(them.at("customer_lead"))
    assert text(entries, soon()).get(kpi).fields["target"] == "0.85"


def test_a_signature_falls_when_what_would_be_signed_is_another(them, target):
    """Vector 6: change 9 of the calendar that KPIs are counted by is agreed between the two signatures of change 8."""
    pk = proposed(them, "customer_lead", target)
    sign(them, "customer_lead", pk)
    calendar = proposed(
        them, "customer_lead", content(add("calendar", Kind.CALENDAR, zone="Europe/Madrid"), title="Hours")
    )
    sign(them, "customer_lead", calendar)
    assert sign(them, "provider_lead", calendar)
    assert not sign(them, "provider_lead", pk)
    with transaction.atomic():
        member = them.at("customer_lead")
        state = queries.change_state(member, row(pk))
        assert records.entries(member, ConsentSubject.AGREEMENT).count() == 1
    assert state.state is State.SIGNED
    assert sign(them, "customer_lead", pk)


def test_a_change_that_meets_another_is_signed_once_it_says_which_holds(them, target):
    first = proposed(them, "customer_lead", target)
    for who in ("customer_lead", "provider_lead"):
        sign(them, who, first)
    with transaction.atomic():
        member = them.at("provider_lead")
        kpi, number = kpi_of(member), Change.objects.get(pk=first).number
    silent = content(SetField(kpi, "target", "0.7"), first_day=soon(30))
    pk = proposed(them, "provider_lead", silent)
    with pytest.raises(Refused) as error:
        sign(them, "provider_lead", pk)
    assert error.value.code is Code.UNSETTLED
    with transaction.atomic():
        member, change = them.at("provider_lead"), row(pk)
        worded = DraftContent(
            silent.first_day, None, silent.edits, (Word(number, kpi, "target", instead=True),), silent.says
        )
        operations.save_draft(member, change, worded, 1)
        operations.propose(member, change, 2)
    for who in ("customer_lead", "provider_lead"):
        sign(them, who, pk)
    with transaction.atomic():
        entries = queries.chain(them.at("customer_lead"))
    assert text(entries, soon(60)).get(kpi).fields["target"] == "0.7"


@pytest.mark.parametrize("who", ["customer_analyst", "customer_executive", "auditor", "mediator"])
def test_without_an_authority_clause_a_lead_signs_and_nobody_else(them, target, who):
    pk = proposed(them, "customer_lead", target)
    with transaction.atomic():
        member = them.at(who)
        digest = "0" * 64
        with pytest.raises(Refused) as error:
            operations.sign(member, row(pk), digest, SENTENCES)
    assert error.value.code in {Code.AUTHORITY, Code.NOT_YOURS, Code.CHANGED, Code.NOT_SHOWN}
    assert state_of(them, pk) is State.PROPOSED


def test_two_sign_together_where_the_agreement_says_so(them, target):
    """Vector 5: two of the provider are needed; one of them and the customer: not agreed."""
    rule = [{"roles": ["lead", "executive"], "together": 2, "means": ["room"]}]
    clause = add("authority", Kind.AUTHORITY, provider=rule)
    pk = proposed(them, "customer_lead", content(clause, first_day=soon(0), title="Who signs"))
    for who in ("customer_lead", "provider_lead"):
        sign(them, who, pk, retroactive=True)
    change = proposed(them, "customer_lead", target)
    sign(them, "customer_lead", change)
    assert not sign(them, "provider_lead", change)
    assert state_of(them, change) is State.SIGNED
    assert sign(them, "provider_executive", change)
    run_jobs(WRITE)
    last = agreed_changes(book_folder(them.relationship))[-1]
    assert len(last.signatures) == 3


def test_the_second_of_two_is_asked_told_and_signs_on_the_page(them, target):
    """Of the provider lead and executive sign together: one has signed, and the page is the other's to sign."""
    rule = [{"roles": ["lead", "executive"], "together": 2, "means": ["room"]}]
    clause = add("authority", Kind.AUTHORITY, provider=rule)
    pk = proposed(them, "customer_lead", content(clause, first_day=soon(0), title="Who signs"))
    for who in ("customer_lead", "provider_lead"):
        sign(them, who, pk, retroactive=True)
    change = proposed(them, "customer_lead", target)
    address = them.url(f"agreement/changes/{change}/")

    def page(who):
        return them.client(who).get(address).content.decode()

    assert "2 signatures by somebody with the role" in page("provider_lead")
    sign(them, "customer_lead", change)
    assert "your side needs another signature besides" in page("provider_lead")
    forget_mails()
    sign(them, "provider_lead", change)
    mails = sent_mails()
    assert [mail.to for mail in mails] == [[them.people["provider_executive"].email]]
    assert all("another signature is needed" in mail.body for mail in mails)
    with transaction.atomic():
        assert queries.waiting_side(queries.change_state(them.at("auditor"), row(change))) is Side.PROVIDER
        own = inboxes(them.at("provider_executive"), words_for("en"))[0]
    rows = [one.item for group in own.groups for one in group.rows]
    assert ("Change 3: Higher target", "Read and sign") in [(one.title, one.action) for one in rows]
    first, second = page("provider_lead"), page("provider_executive")
    assert "another signature of Helpline is needed" in first
    assert "Read and sign" not in first
    for who in ("customer_lead", "provider_executive", "auditor"):
        assert "1 signature by somebody with the role" in page(who)
    assert "with your signature it is agreed" in second
    browser = said_again(them.client("provider_executive"))
    shown = browser.get(f"{address}sign/").content.decode()
    browser.post(f"{address}sign/", {"digest": re.search(r'name="digest" value="(\w+)"', shown)[1]})
    assert state_of(them, change) is State.AGREED


def test_a_change_waits_again_for_a_side_whose_signature_has_fallen(them, target):
    """The calendar that the KPI counts by is agreed after the provider has signed, and before the customer has."""
    pk = proposed(them, "customer_lead", target)
    sign(them, "provider_lead", pk)
    calendar = proposed(them, "customer_lead", content(add("calendar", Kind.CALENDAR, zone="Europe/Madrid")))
    for who in ("customer_lead", "provider_lead"):
        sign(them, who, calendar)
    with transaction.atomic():
        assert queries.waiting_side(queries.change_state(them.at("customer_lead"), row(pk))) is Side.PROVIDER


def test_declining_and_withdrawing_take_a_reason_and_end_it(them, target):
    pk = proposed(them, "customer_lead", target)
    with transaction.atomic():
        member = them.at("provider_lead")
        refused(Code.REASON, operations.end, member, row(pk), StepKind.DECLINE, "  ")
        refused(Code.NOT_YOURS, operations.end, member, row(pk), StepKind.WITHDRAW, "No.")
        operations.end(member, row(pk), StepKind.DECLINE, "Too costly.")
    assert state_of(them, pk) is State.DECLINED
    with transaction.atomic():
        member = them.at("customer_lead")
        refused(Code.ENDED, operations.sign, member, row(pk), "0" * 64, SENTENCES)


def test_each_side_is_told_of_each_step_of_the_other(them, target):
    forget_mails()
    pk = proposed(them, "customer_lead", target)
    (mail,) = sent_mails()
    assert "Higher target" in mail.subject
    assert "/agreement/changes/" in mail.body
    forget_mails()
    sign(them, "customer_lead", pk)
    (mail,) = sent_mails()
    assert "waits for your signature" in mail.subject
    forget_mails()
    sign(them, "provider_lead", pk)
    heads = sent_mails()  # to whoever confirms for a side: its lead and its executive
    assert len(heads) == 4
    assert all("comity verify record.json --head" in mail.body for mail in heads)


# As the other side, past the application -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE agreements_step SET content = '{}'",
        "DELETE FROM agreements_step",
        "UPDATE agreements_change SET number = 99",
        "UPDATE agreements_change SET place = 1",
        "UPDATE agreements_draft SET content = '{}'",
        "UPDATE agreements_reasonmark SET sufficient = true",
    ],
)
def test_nothing_that_was_put_on_record_is_changed(them, target, sql):
    proposed(them, "customer_lead", target)
    with pytest.raises(DatabaseError, match="permission denied"):
        attempt(them, "provider_lead", sql)


def test_nobody_signs_for_the_other_side_nor_agrees_alone(them, target):
    pk = proposed(them, "customer_lead", target)
    sign(them, "customer_lead", pk)
    with superuser() as everybody:
        (person,) = everybody.execute(
            "SELECT person_id FROM parties_membership WHERE side = 'customer' LIMIT 1"
        ).fetchone()
    add_step = (
        "INSERT INTO agreements_step (id, change_id, relationship_id, number, kind, side, person_id, at, content) "
        "VALUES (gen_random_uuid(), %s, %s, 9, %s, %s, %s, now(), '{}')"
    )
    for kind, side in (("sign", "customer"), ("agree", ""), ("lapse", ""), ("agree", "provider")):
        with pytest.raises(DatabaseError, match="row-level security"):
            attempt(them, "provider_lead", add_step, pk, them.relationship, kind, side, person)
    with pytest.raises(DatabaseError, match="both sides have not signed"):
        attempt(them, "provider_lead", "SELECT comity_agree_change(%s, gen_random_uuid(), 9, now(), '{}')", pk)
    with pytest.raises(DatabaseError, match="no draft of yours"):
        attempt(them, "provider_lead", "SELECT comity_number_change(%s, 0)", drafted(them, "customer_lead", target))


def test_a_draft_is_read_by_those_of_its_side_who_read_what_that_keeps_to_itself(them, target):
    ours, own = drafted(them, "customer_lead", target), drafted(them, "customer_member", target)
    for who, known in (("customer_analyst", {ours, own}), ("customer_member", {own}), ("provider_lead", set())):
        with transaction.atomic():
            assert {one.pk for one in queries.visible_changes(them.at(who))} == known, who


def test_what_both_draft_is_not_hidden_again(them, target):
    pk = drafted(them, "customer_lead", target)
    with transaction.atomic():
        operations.share_draft(them.at("customer_lead"), row(pk))
    with pytest.raises(DatabaseError, match="row-level security"):
        attempt(them, "customer_lead", "UPDATE agreements_change SET shared = false WHERE id = %s", pk)
    assert state_of(them, pk, "provider_lead") is State.DRAFT


def test_nobody_proposes_or_signs_what_is_kept_from_them(them):
    """An analyst reads no money; the agreement lets analysts sign."""
    rule = [{"roles": ["lead", "analyst"], "together": 1, "means": ["room"]}]
    first = proposed(them, "customer_lead", content(add("authority", Kind.AUTHORITY, customer=rule), first_day=soon(0)))
    for who in ("customer_lead", "provider_lead"):
        sign(them, who, first, retroactive=True)
    price = {"text": "A call costs 4.20.", "language": "en", "seen_by": ["money"]}
    kept = content(add("rates", Kind.PROSE, "authority", **price))
    pk = proposed(them, "customer_lead", kept)
    refused(Code.NOT_READABLE, sign, them, "customer_analyst", pk)
    draft = drafted(them, "customer_analyst", kept)
    refused(Code.NOT_READABLE, lambda: operations.propose(them.at("customer_analyst"), row(draft), 1))


def test_limits_are_one_sides_secret(them):
    with transaction.atomic():
        member = them.at("customer_lead")
        operations.set_limit(member, "kpi", "service_level", None, 0.95, "TOP-SECRET-LIMIT")
        assert queries.limits(member).count() == 1
    for who in ("provider_lead", "auditor"):
        assert attempt(them, who, "SELECT 1 FROM agreements_limit") == []


def test_a_job_that_runs_twice_writes_once(them, target):
    pk = proposed(them, "customer_lead", target)
    for who in ("customer_lead", "provider_lead"):
        sign(them, who, pk)
    run_jobs(WRITE)
    before = {file.name: file.read_bytes() for file in (book_folder(them.relationship) / "agreement").iterdir()}
    with transaction.atomic():
        person = them.at("customer_lead").membership.person_id
    operations.write_now(person, them.relationship, Side.CUSTOMER)
    after = {file.name: file.read_bytes() for file in (book_folder(them.relationship) / "agreement").iterdir()}
    assert after == before


def test_a_set_of_kpis_that_is_only_proposed_does_not_stall_the_agreement(them, target):
    with transaction.atomic():
        proposal = kpis.propose(them.at("provider_lead"), KPI_SET, "")
    pk = proposed(them, "customer_lead", target)
    for who in ("customer_lead", "provider_lead"):
        sign(them, who, pk)
    with transaction.atomic():
        refused(KpiCode.IN_AGREEMENT, kpis.agree, them.at("customer_lead"), proposal.digest)
    page = them.client("customer_lead").get(them.url("kpis/")).content.decode()
    assert proposal.digest not in page


def test_a_set_of_kpis_is_not_agreed_to_while_a_change_waits_and_the_change_can_be_ended(them, target):
    pk = proposed(them, "customer_lead", target)
    with transaction.atomic():
        proposal = kpis.propose(them.at("customer_lead"), KPI_SET, "")
    with transaction.atomic():
        refused(KpiCode.CHANGE_WAITS, kpis.agree, them.at("provider_lead"), proposal.digest)
    with transaction.atomic():
        member = them.at("provider_lead")
        operations.end(member, row(pk), StepKind.DECLINE, "The KPIs come first.")
    with transaction.atomic():
        kpis.agree(them.at("provider_lead"), proposal.digest)


def test_nothing_is_proposed_while_an_agreed_set_of_kpis_is_not_in_the_book_yet(them, target):
    with transaction.atomic():
        proposal = kpis.propose(them.at("provider_lead"), KPI_SET, "")
    with transaction.atomic():
        kpis.agree(them.at("customer_lead"), proposal.digest)
    pk = drafted(them, "customer_lead", target)

    def proposing():
        member = them.at("customer_lead")
        operations.propose(member, row(pk), 1)

    refused(Code.BEING_WRITTEN, proposing)
    run_jobs(kpis.WRITE_TASK)
    with transaction.atomic():
        proposing()


def test_once_the_agreement_holds_the_kpis_the_page_of_kpis_changes_them_no_more(them, target):
    pk = proposed(them, "customer_lead", target)
    for who in ("customer_lead", "provider_lead"):
        sign(them, who, pk)
    with transaction.atomic():
        refused(KpiCode.IN_AGREEMENT, kpis.propose, them.at("customer_lead"), KPI_SET, "")
    page = them.client("customer_lead").get(them.url("kpis/")).content.decode()
    assert "The agreement holds the KPIs" in page
    assert "h-propose" not in page
