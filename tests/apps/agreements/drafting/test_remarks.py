"""Remarks and suggestions about a change: who reads them, who uses them, who withdraws them; attacked as each side."""

import re

import pytest
from django.db import DatabaseError, transaction

from comity.apps.agreements import operations, queries
from comity.apps.agreements.drafting import remarks
from comity.apps.agreements.models import Remark
from comity.apps.agreements.refusals import Code
from comity.apps.audit.models import AuditEvent, Event
from comity.core.agreements.kinds import Kind
from tests.builders.agreement import add
from tests.builders.changes import attempt, content, drafted, proposed, refused, room, row, target
from tests.room import forget_mails, sent_mails

pytestmark = pytest.mark.gate


@pytest.fixture
def them():
    return room()


def kpi(them):
    with transaction.atomic():
        return queries.text_of(them.at("customer_lead")).of(Kind.KPI)[0]


def remarked(them, who, pk, text="Why so high?", clause="", wanted=None):
    with transaction.atomic():
        return remarks.remark(them.at(who), row(pk), clause, text, wanted)


def suggested(them, who, pk, value):
    clause = kpi(them)
    return remarked(them, who, pk, "Rather this.", clause.id, {**clause.fields, "target": value})


def seen_by(them, who, pk):
    with transaction.atomic():
        member = them.at(who)
        now = queries.situation(member)
        change = queries.visible_changes(member).filter(pk=pk).first()
        if change is None:
            assert not Remark.objects.exists()
            return None
        return [one.text for one in remarks.remarks(member, queries.change_state(member, change, now), now)]


def test_both_read_what_is_said_of_a_proposed_change_and_the_other_side_is_mailed(them):
    pk = proposed(them, "customer_lead", target(them))
    forget_mails()
    remarked(them, "provider_analyst", pk)
    (mail,) = sent_mails()
    assert mail.to == [them.people["customer_lead"].email]
    assert "Why so high?" not in mail.body
    for who in ("customer_member", "provider_lead", "auditor"):
        assert seen_by(them, who, pk) == ["Why so high?"], who
        assert "Why so high?" in them.client(who).get(them.url(f"agreement/changes/{pk}/")).content.decode()
    with transaction.atomic():
        them.at("auditor")
        assert AuditEvent.objects.get(event=Event.REMARK_MADE).shared


def test_on_a_draft_of_ones_own_only_ones_own_side_reads_it(them):
    pk = drafted(them, "customer_lead", target(them))
    forget_mails()
    remarked(them, "customer_analyst", pk)
    assert sent_mails() == []
    assert seen_by(them, "customer_lead", pk) == ["Why so high?"]
    assert seen_by(them, "provider_lead", pk) is None
    with transaction.atomic():
        operations.propose(them.at("customer_lead"), row(pk), 1)
    assert seen_by(them, "customer_lead", pk) == ["Why so high?"]
    for who in ("provider_lead", "auditor", "customer_member"):  # what was said before stays one's side's own
        assert seen_by(them, who, pk) == [], who
    with transaction.atomic():
        them.at("provider_lead")
        assert not AuditEvent.objects.filter(event=Event.REMARK_MADE).exists()


def test_a_suggestion_is_used_by_the_other_side_as_a_save_that_names_the_one_before(them):
    pk = proposed(them, "customer_lead", target(them))
    made = suggested(them, "provider_lead", pk, "0.85")
    assert [item["field"] for item in made.suggestion] == ["target"]
    with transaction.atomic():
        member, change = them.at("customer_lead"), row(pk)
        refused(Code.SAVED_MEANWHILE, remarks.take_suggestion, member, change, made, 4)
        remarks.take_suggestion(member, change, made, 1)
        draft = queries.drafts(member, change)["customer"]
    (edit,) = queries.draft_content(draft, queries.chain(member)).edits
    assert (edit.field, edit.value) == ("target", "0.85")
    with transaction.atomic():
        member = them.at("provider_lead")
        refused(Code.NOT_YOURS, remarks.take_suggestion, member, row(pk), made, 0)


def test_from_the_page_it_is_suggested_used_and_withdrawn(them):
    pk, clause = proposed(them, "customer_lead", target(them)), kpi(them)
    customer, provider = (them.client(f"{side}_lead") for side in ("customer", "provider"))
    address = them.url(f"agreement/changes/{pk}/")
    page = provider.get(address + f"?suggest={clause.id}").content.decode()
    fields = dict(re.findall(r'<input type="text" name="([a-z_0-9]+)"(?: value="([^"]*)")?', page))
    data = fields | {"what": "suggest", "clause": clause.id, "target": "0.85", "measure": "service_level",
                     "queues": "*", "channels": "*", "kind": "kpi", "text": "Rather this."}  # fmt: skip
    answer = provider.post(address + "remarks/", data, follow=True)
    assert "Your comment is saved." in answer.content.decode()
    page = customer.get(address).content.decode()
    assert "Use the suggestion" in page
    assert "85" in page.split('id="remarks"')[1]
    assert "Use the suggestion" not in provider.get(address).content.decode()
    with transaction.atomic():
        them.at("customer_lead")
        made = Remark.objects.get()
    answer = customer.post(address + f"remarks/{made.pk}/take/", {"seen": 1})
    assert answer.status_code == 302
    assert "counter" in answer["Location"]
    assert customer.post(address + f"remarks/{made.pk}/withdraw/").status_code == 302
    assert seen_by(them, "customer_lead", pk) == ["Rather this."]  # it is the provider's to withdraw
    provider.post(address + f"remarks/{made.pk}/withdraw/")
    assert seen_by(them, "customer_lead", pk) == []
    with transaction.atomic():
        them.at("customer_lead")
        assert Remark.objects.count() == 2


def test_a_suggestion_of_another_measure_is_not_taken_in_the_units_of_the_one_before(them):
    """The form was shown for a share; 80 % of it must not become 0.8 seconds of a wait."""
    pk, clause = proposed(them, "customer_lead", target(them)), kpi(them)
    address = them.url(f"agreement/changes/{pk}/")
    data = {"what": "suggest", "clause": clause.id, "target": "80", "shown_measure": "service_level",
            "measure": "wait_mean", "queues": "*", "channels": "*", "text": "Rather this."}  # fmt: skip
    browser = them.client("provider_lead")
    browser.get(address)  # what it computes is computed once, and the page asks no second time for itself
    page = browser.post(address + "remarks/", data, follow=True).content.decode()
    assert "a suggestion keeps the measure" in page
    with transaction.atomic():
        them.at("provider_lead")
        assert not Remark.objects.exists()


def test_a_remark_about_what_one_may_not_read_is_neither_made_nor_read(them):
    kept = content(add("rates", Kind.PROSE, text="A call costs 4.20.", language="en", seen_by=["money"]))
    pk = proposed(them, "customer_lead", kept)
    refused(Code.NOT_THERE, remarked, them, "provider_analyst", pk, "4.20?", "rates")
    remarked(them, "provider_lead", pk, "4.20 is too much.", "rates")
    assert seen_by(them, "customer_finance", pk) == ["4.20 is too much."]
    for who in ("customer_analyst", "provider_analyst", "auditor"):
        assert seen_by(them, who, pk) == [], who
    assert "4.20" not in them.client("auditor").get(them.url(f"agreement/changes/{pk}/")).content.decode()


def test_nothing_is_said_of_nothing_nor_once_it_has_ended(them):
    from comity.core.agreements.signing import StepKind

    pk = proposed(them, "customer_lead", target(them))
    refused(Code.REASON, remarked, them, "provider_lead", pk, "  ")
    refused(Code.NOT_YOURS, remarked, them, "auditor", pk)
    with transaction.atomic():
        operations.end(them.at("provider_lead"), row(pk), StepKind.DECLINE, "Too costly.")
    refused(Code.ENDED, remarked, them, "customer_lead", pk)


def test_a_remark_is_never_changed_and_only_its_author_withdraws_it(them):
    pk = proposed(them, "customer_lead", target(them))
    own = drafted(them, "customer_lead", target(them))
    made = remarked(them, "customer_lead", pk)
    for sql in ("UPDATE agreements_remark SET text = ''", "DELETE FROM agreements_remark"):
        with pytest.raises(DatabaseError, match="permission denied"):
            attempt(them, "provider_lead", sql)
    add_row = (
        "INSERT INTO agreements_remark (id, change_id, relationship_id, audience, side, person_id, at, clause, text, "
        "suggestion, withdraws_id) VALUES (gen_random_uuid(), %s, %s, %s, %s, %s, now(), '', 'x', '[]', %s)"
    )
    person = them.people["provider_lead"].pk
    with pytest.raises(DatabaseError, match="not the viewer's to withdraw"):
        attempt(them, "provider_lead", add_row, pk, them.relationship, "both", "provider", person, made.pk)
    for change, audience, side in ((pk, "both", "customer"), (pk, "customer", "provider"), (own, "both", "provider")):
        with pytest.raises(DatabaseError, match="row-level security"):
            attempt(them, "provider_lead", add_row, change, them.relationship, audience, side, person, None)
