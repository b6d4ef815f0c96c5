"""Records in the room: recognised, looked at without a change, brought in, seen by whom they may be; mappings kept."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction

from comity.apps.books import operations, queries
from comity.apps.books.models import Delivery, KeptMapping, Stage
from comity.apps.books.operations import NotAllowedError
from comity.book.importing.mapping import UnusableMappingError
from tests.room import cast

KNOWN = """contact_id,opened_at,queue,channel,answered_at,handle_s
a,2026-06-01T10:00:00Z,help,voice,2026-06-01T10:00:05Z,90
"""
OTHERS = "Ticket;Came in;Line;Took\nT-{0};01.06.2026 10:00;help;90\nT-{0}b;01.06.2026 11:00;help;70\n"
MAPPING = """
table = "contacts"
[columns]
contact_id = { from = "Ticket" }
opened_at = { from = "Came in", as = "instant", format = "%d.%m.%Y %H:%M" }
queue = { from = "Line" }
channel = { value = "voice" }
handle_s = { from = "Took", as = "number" }
"""


@pytest.fixture
def them():
    made = cast()
    made.book('[private]\nprovider = ["costs"]\n')
    return made


def received(them, who, name, text):
    with transaction.atomic():
        return operations.receive(them.at(who), SimpleUploadedFile(name, text.encode()))


def run(them, who, delivery, *, dry_run):
    operations.run(them.people[who].pk, them.relationship, delivery.pk, dry_run=dry_run)
    return now(them, who, delivery)


def now(them, who, delivery):
    with transaction.atomic():
        them.at(who)
        return Delivery.objects.get(pk=delivery.pk)


def rows(them, who):
    with transaction.atomic():
        return {one["name"]: one["rows"] for one in queries.tables(them.at(who))}


def test_a_known_file_is_looked_at_and_then_brought_in(them):
    made = received(them, "provider_lead", "june.csv", KNOWN)
    assert (made.mapping, made.stage) == ("contacts", Stage.LOOKING)
    made = run(them, "provider_lead", made, dry_run=True)
    assert made.stage == Stage.LOOKED
    assert made.outcome["counts"]["rows_in"] == 1
    assert made.outcome["first_rows"][0][0] == "contact_id"
    assert rows(them, "provider_lead") == {}
    with transaction.atomic():
        operations.bring(them.at("provider_lead"), made)
    made = run(them, "provider_lead", made, dry_run=False)
    assert made.stage == Stage.BROUGHT
    assert rows(them, "customer_lead") == {"contacts": 1}
    again = received(them, "provider_lead", "june.csv", KNOWN)
    assert run(them, "provider_lead", again, dry_run=True).outcome["already"]


def test_what_is_private_stays_with_its_side_when_it_has_come_in(them):
    made = received(
        them, "provider_lead", "costs.csv", "month,driver,quantity,unit_cost,behaviour\n2026-06,x,1,5,fixed\n"
    )
    run(them, "provider_lead", made, dry_run=True)
    with transaction.atomic():
        operations.bring(them.at("provider_lead"), now(them, "provider_lead", made))
    assert run(them, "provider_lead", made, dry_run=False).private
    assert rows(them, "provider_lead") == {"costs": 1}
    assert rows(them, "customer_lead") == {}
    with transaction.atomic():
        them.at("customer_lead")
        assert not Delivery.objects.exists()


def test_an_unknown_file_gets_a_draft_and_ones_own_mapping_is_kept_for_the_next(them):
    made = received(them, "customer_lead", "weekly 23.csv", OTHERS.format(1))
    assert (made.mapping, made.stage) == ("", Stage.LOOKED)
    assert "table =" in made.text
    with transaction.atomic():
        them.at("customer_lead")
        with pytest.raises(UnusableMappingError):
            operations.choose(made, "", "table = 5")
    with transaction.atomic():
        them.at("customer_lead")
        operations.choose(made, "", MAPPING)
    made = run(them, "customer_lead", made, dry_run=True)
    assert made.outcome["counts"]["rows_in"] == 2, made.why
    later = received(them, "customer_analyst", "weekly 24.csv", OTHERS.format(2))
    assert (later.mapping, later.text) == ("", MAPPING)
    assert run(them, "customer_analyst", later, dry_run=True).outcome["counts"]["rows_in"] == 2
    with transaction.atomic():
        them.at("provider_lead")
        assert not KeptMapping.objects.exists()  # the other side's own files are its own affair


@pytest.mark.parametrize("who", ["provider_member", "provider_finance", "auditor", "surveyor"])
def test_who_may_not_bring_does_not(them, who):
    with pytest.raises(NotAllowedError):
        received(them, who, "june.csv", KNOWN)


def test_a_file_that_has_come_in_is_not_thrown_away_and_one_that_runs_is_not_begun_twice(them):
    made = received(them, "provider_lead", "june.csv", KNOWN)
    with pytest.raises(NotAllowedError), transaction.atomic():
        operations.bring(them.at("provider_lead"), made)  # nobody has looked at it yet
    made = run(them, "provider_lead", made, dry_run=True)
    with transaction.atomic():
        them.at("provider_lead")
        operations.drop(made)
    assert now(them, "provider_lead", made).stage == Stage.DROPPED
    assert run(them, "provider_lead", made, dry_run=False).stage == Stage.DROPPED
    assert rows(them, "provider_lead") == {}


def test_a_book_is_begun_with_names_of_any_kind():
    them = cast(customer='Ünï "quoted" \\ Energy', provider="Help\tline")
    with transaction.atomic():
        operations.begin_book(them.at("customer_lead"), "Europe/Madrid", "EUR")
        agreed = queries.definition(them.at("customer_lead"))
    assert [party.name for party in agreed.parties.values()] == ['Ünï "quoted" \\ Energy', "Help\tline"]
    browser = them.client("provider_lead")
    assert browser.get(them.url("review/")).status_code == 200  # and says that it needs records
    assert browser.get(them.url()).status_code == 200
