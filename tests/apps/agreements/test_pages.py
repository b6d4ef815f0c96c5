"""The pages of the agreement, clicked through by both sides without JavaScript."""

import re
from datetime import date

import pytest
from django.core.cache import cache
from django.db import transaction

from comity.apps.agreements import operations
from comity.apps.agreements.content import DraftContent
from comity.apps.agreements.models import Change
from comity.apps.books.queries import book_folder
from comity.book.agreement import agreed_changes
from comity.core.agreements.kinds import Kind
from tests.builders.agreement import add
from tests.builders.levels import KPI, contacts
from tests.room import cast, run_jobs, said_again

pytestmark = pytest.mark.gate


@pytest.fixture
def them():
    made = cast()
    made.book(KPI, contacts="\n".join(contacts()))
    cache.clear()
    return made


def shown(answer):
    assert answer.status_code == 200, answer.content.decode()[:3000]
    return answer.content.decode()


def latest(them, who):
    with transaction.atomic():
        them.at(who)
        return Change.objects.order_by("begun_at").last().pk


def test_two_sides_go_from_a_draft_to_a_text_that_both_signed(them):
    customer, provider = (them.client(f"{side}_lead") for side in ("customer", "provider"))
    page = shown(customer.get(them.url("agreement/")))
    assert "Draft a change" in page
    assert "Nobody answers for it at Northwind Energy and Helpline" in page
    assert "Not written yet: " in page
    assert customer.post(them.url("agreement/changes/begin/")).status_code == 302
    pk = latest(them, "customer_lead")
    address = f"agreement/changes/{pk}/"
    assert provider.get(them.url(address)).status_code == 404
    about = {
        "what": "about", "seen": 1, "title": "Opening hours", "reason": "Callers ask for it.",
        "first_day": "2027-06-01", "carried_out_by": "provider", "expects_nothing": "Nothing is measured yet.",
    }  # fmt: skip
    assert customer.post(them.url(address + "save/"), about).status_code == 302
    page = shown(customer.get(them.url(address) + "?add=calendar"))
    assert 'name="zone"' in page
    hours = {"what": "add", "seen": 2, "kind": "calendar", "zone": "Europe/Madrid", "open_mon__0__opens": "08:00",
             "open_mon__0__closes": "20:00", "open_mon__0__channels": "*", "open_mon__0__queues": "*"}  # fmt: skip
    answer = customer.post(them.url(address + "save/"), hours | {"zone": "Mars"})
    assert answer.status_code == 422
    assert "Europe/Madrid" in answer.content.decode()
    assert customer.post(them.url(address + "save/"), hours).status_code == 302
    page = shown(customer.get(them.url(address)))
    assert "08:00" in page
    assert customer.post(them.url(address + "propose/"), {"seen": 3}).status_code == 302
    page = shown(provider.get(them.url(address)))
    assert "Opening hours" in page
    assert "Callers ask for it." in page
    for browser in (customer, provider):
        said_again(browser)
        page = shown(browser.get(them.url(address + "sign/")))
        (digest,) = re.findall(r'name="digest" value="([0-9a-f]{64})"', page)
        assert browser.post(them.url(address + "sign/"), {"digest": digest}).status_code == 302
    run_jobs(operations.WRITE_TASK)
    assert agreed_changes(book_folder(them.relationship))[-1].proposal.says["title"] == "Opening hours"
    page = shown(them.client("auditor").get(them.url("agreement/") + "?on=2027-06-02"))
    assert "08:00" in page


def test_who_may_not_draft_reads_the_text_and_no_more(them):
    browser = them.client("auditor")
    assert "Draft a change" not in shown(browser.get(them.url("agreement/")))
    assert browser.post(them.url("agreement/changes/begin/")).status_code == 404
    assert them.client("customer_member").get(them.url("agreement/limits/")).status_code == 404


def test_a_limit_is_noted_and_told_before_signing_to_its_own_side_alone(them):
    customer, provider = (them.client(f"{side}_lead") for side in ("customer", "provider"))
    page = shown(provider.get(them.url("agreement/limits/")))
    (kpi,) = set(re.findall(r'value="(kpi:[^"]+)"', page)) or {""}
    assert (
        provider.post(them.url("agreement/limits/"), {"what": kpi, "most": "0.85", "note": "Our floor"}).status_code
        == 302
    )
    assert "Our floor" in shown(provider.get(them.url("agreement/limits/")))
    assert "Our floor" not in shown(customer.get(them.url("agreement/limits/")))
    customer.post(them.url("agreement/changes/begin/"))
    pk = latest(them, "customer_lead")
    address = f"agreement/changes/{pk}/"
    about = {"what": "about", "seen": 1, "title": "Higher", "reason": "Because.", "first_day": "2027-06-01",
             "carried_out_by": "provider", "expects_nothing": "Nothing."}  # fmt: skip
    customer.post(them.url(address + "save/"), about)
    page = shown(customer.get(them.url(address) + f"?edit={kpi.partition(':')[2]}"))
    fields = dict(re.findall(r'<input type="text" name="([a-z_0-9]+)"(?: value="([^"]*)")?', page))
    data = fields | {
        "what": "clause",
        "seen": 2,
        "clause": kpi.partition(":")[2],
    }
    data |= {"target": "95", "measure": "service_level", "queues": "*", "channels": "*", "kind": "kpi"}
    answer = customer.post(them.url(address + "save/"), data)
    assert answer.status_code == 302, answer.content.decode()[-3000:]
    page = shown(customer.get(them.url(address)))
    assert "What it would have meant" in page
    assert "By the text now" in page
    assert "Reads higher when callers give up" not in page.partition("As in the text in force")[0]
    assert customer.post(them.url(address + "propose/"), {"seen": 3}).status_code == 302
    for browser, told in ((customer, False), (provider, True)):
        said_again(browser)
        assert ("is beyond a limit" in shown(browser.get(them.url(address + "sign/")))) is told


def test_a_form_shows_no_clause_that_its_reader_may_not_read(them):
    """The lead adds what only those who see money read; an analyst of the same side asks for its form."""
    kept = add("rates", Kind.PROSE, text="A call costs 4.20.", language="en", seen_by=["money"])
    made = DraftContent(date(2027, 6, 1), None, (kept,), says={"title": "Rates", "reason": "Asked.",
                        "carried_out_by": "both", "expects_nothing": "As before."})  # fmt: skip
    with transaction.atomic():
        pk = operations.begin_draft(them.at("customer_lead"), made).pk
    address = them.url(f"agreement/changes/{pk}/")
    assert "4.20" in shown(them.client("customer_lead").get(address + "?edit=rates"))
    analyst = them.client("customer_analyst")
    assert "4.20" not in shown(analyst.get(address + "?edit=rates"))
    asked = {"what": "clause", "seen": 1, "clause": "rates", "text": ""}
    answer = analyst.post(address + "save/", asked)
    assert answer.status_code == 404
    assert analyst.post(address + "save/", {"what": "counter", "seen": "many"}).status_code == 409
