"""What a change is worth to a side in money: that side's alone, on every page, in every file, past the room too."""

import pytest
from django.db import DatabaseError, transaction

from comity.apps.agreements.models import BenefitAmount
from comity.apps.agreements.outcomes import amounts
from comity.apps.agreements.refusals import Code
from comity.apps.audit.models import AuditEvent
from tests.builders.changes import agreed, attempt, proposed, refused, room, row, target
from tests.room import forget_mails, sent_mails

pytestmark = pytest.mark.gate
EXPECTED, CAME = "48213.37", "31977.55"


@pytest.fixture
def them():
    return room()


def note(them, who, pk, expected=EXPECTED, came=CAME):
    path = them.url(f"agreement/changes/{pk}/amounts/")
    return them.client(who).post(path, {"expected": expected, "came": came})


def test_a_side_notes_what_a_change_is_worth_and_nobody_else_learns_of_it(them):
    pk = agreed(them, "customer_lead", target(them))
    forget_mails()
    with transaction.atomic():
        them.at("provider_lead")
        events = AuditEvent.objects.count()
    assert note(them, "customer_lead", pk).status_code == 302
    for who in (
        "customer_lead",
        "customer_finance",
        "provider_lead",
        "provider_finance",
        "customer_roster",
        "mediator",
    ):
        browser = them.client(who)
        pages = [browser.get(them.url(path)).content.decode()
                 for path in ("", "agreement/", f"agreement/changes/{pk}/", "log/")]  # fmt: skip
        sees = any("48,213" in page or EXPECTED in page for page in pages)
        assert sees is (who in {"customer_lead", "customer_finance"}), who
    assert sent_mails() == []
    with transaction.atomic():
        them.at("provider_lead")
        assert not BenefitAmount.objects.exists()
        assert AuditEvent.objects.count() == events
    note(them, "customer_lead", pk, came="")
    with transaction.atomic():
        assert amounts.noted(them.at("customer_lead"), row(pk)).came is None
    note(them, "customer_lead", pk, "", "")
    with transaction.atomic():
        assert amounts.noted(them.at("customer_lead"), row(pk)) is None


def test_who_may_note_it(them):
    pk = proposed(them, "customer_lead", target(them))
    for who in ("customer_roster", "mediator"):
        refused(Code.NOT_YOURS, lambda who=who: amounts.note(them.at(who), row(pk), 1, None))
    with transaction.atomic():
        amounts.note(them.at("provider_finance"), row(pk), 1, None)


def test_past_the_room_it_is_ones_own_as_well(them):
    pk = proposed(them, "customer_lead", target(them))
    note(them, "customer_lead", pk)
    insert = (
        "INSERT INTO agreements_benefitamount (id, change_id, relationship_id, side, person_id, at, expected) "
        "VALUES (gen_random_uuid(), %s, comity_relationship(), %s, comity_person(), now(), 1)"
    )
    with pytest.raises(DatabaseError, match="row-level security"):
        attempt(them, "provider_lead", insert, pk, "customer")
    for statement in ("UPDATE agreements_benefitamount SET came = 0", "DELETE FROM agreements_benefitamount"):
        assert attempt(them, "provider_lead", statement) == 0
    assert attempt(them, "provider_lead", insert, pk, "provider") == 1
