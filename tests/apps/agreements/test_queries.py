"""What a process keeps of an agreement is the same for everybody, and nobody sees other than without it."""

import re

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from comity.apps.agreements import operations, queries
from comity.book import agreement as book_agreement
from comity.core.agreements.changes import SetField
from comity.core.agreements.kinds import Kind
from comity.core.agreements.text import KeptChain, text
from tests.builders.agreement import add
from tests.builders.changes import agreed, content, kpi_of, proposed, room, soon, target
from tests.room import run_jobs, superuser

pytestmark = pytest.mark.gate
READERS = ["customer_lead", "customer_roster", "provider_lead", "provider_finance", "mediator", "auditor"]
PAGES = ["", "agreement/", "agreement/?on={day}&with={today}", "agreement/measures/", "agreement/changes/{pk}/"]


@pytest.fixture
def them():
    return room()


def shown(them, who, pk):
    """What somebody reads on each page of an agreement, and of all relationships side by side."""
    browser = them.client(who)
    found = []
    for path in [*(them.url(one.format(pk=pk, day=soon(90), today=soon(0))) for one in PAGES), "/"]:
        answer = browser.get(path)
        found.append((answer.status_code, re.sub(r'(value|nonce|content)="[\w-]{20,}"', "", answer.content.decode())))
    return found


def forgotten():
    """Nothing kept in this process."""
    queries.kept_chains.clear()
    book_agreement._read.cache_clear()


@pytest.mark.long
def test_everybody_sees_what_they_saw_without_what_a_process_keeps(them):
    price = add("price", Kind.PRICE, service="voice", currency="EUR", unit="contact", price="4.27", seen_by=["money"])
    agreed(them, "customer_lead", content(price, title="A price"))
    pk = proposed(them, "provider_lead", target(them))
    for written in (False, True):
        if written:
            run_jobs(operations.WRITE_TASK)
        kept = {}
        for who in READERS:  # whoever asks first fills what is kept
            forgotten()
            kept[who] = shown(them, who, pk)
        for first in ("customer_lead", "customer_roster", "mediator"):
            forgotten()
            shown(them, first, pk)
            for who in READERS:
                assert shown(them, who, pk) == kept[who], (written, first, who)


def test_what_is_agreed_is_known_at_once_and_to_both(them):
    with transaction.atomic():
        kpi = kpi_of(them.at("customer_lead"))
    for at, value in enumerate(("0.91", "0.92", "0.93"), 41):
        agreed(them, "customer_lead", content(SetField(kpi, "target", value), first_day=soon(at)))
        for written in (False, True):
            if written:
                run_jobs(operations.WRITE_TASK)
            for who in ("customer_lead", "provider_lead", "auditor"):
                with transaction.atomic():
                    member = them.at(who)
                    chain = queries.chain(member)
                    assert queries.text_of(member, soon(at)).get(kpi).fields["target"] == value
                    assert list(chain) == sorted(
                        {entry.place: entry for entry in chain}.values(), key=lambda entry: entry.place
                    )
                    assert isinstance(chain, KeptChain)
                    assert queries.text_of(member, soon(at)) == text(list(chain), soon(at))


def test_a_chain_is_read_once_in_a_process_and_anew_for_another_entry(them):
    agreed(them, "customer_lead", target(them))
    run_jobs(operations.WRITE_TASK)
    forgotten()
    counts = []
    for who in ("customer_lead", "provider_lead", "mediator"):
        with transaction.atomic():
            member = them.at(who)
            with CaptureQueriesContext(connection) as captured:
                chain = queries.chain(member)
        counts.append(len(captured))
    assert counts == [3, 1, 1]
    with superuser() as everybody:  # a digest that is another: of an entry that was put in the place of the last
        everybody.execute(
            "UPDATE record_entry SET digest = %s WHERE relationship_id = %s AND subject_type = 'agreement'",
            ["0" * 64, them.relationship],
        )
    with transaction.atomic():
        assert queries.chain(them.at("customer_lead")) is not chain


def test_nothing_of_a_viewer_is_kept(them):
    agreed(them, "customer_lead", target(them))
    run_jobs(operations.WRITE_TASK)
    with transaction.atomic():
        chain = queries.chain(them.at("provider_roster"))
        same = queries.chain(them.at("customer_lead"))
    assert same is chain
    assert set(vars(chain)) <= {"texts"}
