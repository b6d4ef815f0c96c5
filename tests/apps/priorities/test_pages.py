"""Pages of priorities: without a script, in both languages, for each role; and what they tell of the other side."""

import re
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from comity.apps.agreements import queries as agreements
from comity.apps.i18n import words_for
from comity.apps.priorities import operations, queries
from comity.core.values import Side
from tests.builders.priorities import (
    CUSTOMER,
    KPIS,
    NEEDS,
    PROVIDER,
    opened,
    proposed,
    row,
    saved,
    sealed,
    started,
    with_kpis,
)
from tests.builders.programs import ask
from tests.room import sent_mails

pytestmark = pytest.mark.gate


@pytest.fixture
def them():
    return with_kpis()


def url(them, pk, what=""):
    return them.url(f"agreement/priorities/{pk}/{what}")


def fields(numbers, dropped=(), **more):
    found = {f"place_{at}": str(numbers[kpi]) for at, kpi in enumerate(KPIS) if kpi in numbers}
    return found | {f"drop_{at}": "on" for at, kpi in enumerate(KPIS) if kpi in dropped} | more


def shown(browser, path, language="en"):
    answer = browser.get(path, headers={"accept-language": language})
    assert answer.status_code == 200, path
    return answer.content.decode()


def seen_of(page):
    return re.search(r'name="seen" value="([^"]*)"', page)[1]


def test_a_round_goes_through_by_forms_alone(them):
    """As two people would do it, each in their browser, without a script."""
    customer, provider = them.client("customer_lead"), them.client("provider_lead")
    page = shown(customer, them.url("agreement/"))
    assert them.url("agreement/priorities/") in page
    page = shown(customer, them.url("agreement/priorities/"))
    assert "No round has been started yet." in page
    with transaction.atomic():
        closes = agreements.today(them.at("auditor")) + timedelta(days=10)
    answer = customer.post(them.url("agreement/priorities/start/"), {"closes_on": closes.isoformat()})
    assert answer.status_code == 302
    path = answer.headers["Location"]
    pk = path.rstrip("/").rsplit("/", 1)[-1]
    for browser, numbers, need in ((customer, CUSTOMER, "Quiet evenings"), (provider, PROVIDER, "A forecast")):
        page = shown(browser, path)
        assert page.count('type="number"') == len(KPIS)
        answer = browser.post(url(them, pk, "save/"), fields(numbers, seen=seen_of(page), need_1=need, seal="1"))
        assert answer.headers["Location"] == url(them, pk, "seal/")
        page = shown(browser, answer.headers["Location"])
        assert need in page
        assert browser.post(url(them, pk, "seal/"), {"seen": seen_of(page)}).status_code == 302
    page = shown(customer, path)
    assert "Repeat contacts: 1st for Northwind Energy, 4th for Helpline." in page
    assert page.index("Quiet evenings") < page.index("A forecast")
    assert page.count("sealed what is shown here") == 2
    order = {f"at_{at}": str(at + 1) for at in range(len(KPIS))}
    owners = {f"customer_{at}": "Ana" for at in range(len(KPIS))} | {f"provider_{at}": "Ben" for at in range(len(KPIS))}
    assert customer.post(url(them, pk, "order/"), order | owners | {"seen": ""}).status_code == 302
    page = shown(provider, path)
    digest = re.search(r'name="digest" value="([0-9a-f]{64})"', page)[1]
    answer = provider.post(url(them, pk, "agree/"), {"digest": digest})
    assert "/agreement/changes/" in answer.headers["Location"]
    draft = shown(provider, answer.headers["Location"])
    assert "Joint order of the KPIs" in draft
    assert "Joint order of the KPIs" in shown(customer, answer.headers["Location"])
    assert "This order is on its way into the agreement:" in shown(customer, path)


def test_what_is_written_wrongly_is_said_beside_its_field_and_kept(them):
    pk = started(them)
    browser = them.client("customer_lead")
    answer = browser.post(url(them, pk, "save/"), fields({"csat": 9}, seen="0", need_1="Quiet"))
    assert answer.status_code == 422
    page = answer.content.decode()
    assert 'value="9"' in page
    assert 'value="Quiet"' in page
    assert 'class="error"' in page
    assert browser.post(url(them, pk, "save/"), fields({"csat": 1}, seen="7")).status_code == 302
    assert "Somebody of your side saved meanwhile" in shown(browser, url(them, pk))
    answer = browser.post(them.url("agreement/priorities/start/"), {"closes_on": "2020-01-01"})
    assert answer.status_code == 422
    sealed(them, "customer_lead", pk)
    sealed(them, "provider_lead", pk)
    answer = browser.post(url(them, pk, "order/"), {"at_0": "x"})
    assert answer.status_code == 422
    page = answer.content.decode()
    assert 'value="x"' in page
    order = {f"at_{at}": "1" for at in range(len(KPIS))}
    owners = {f"{side}_{at}": "Ana" for side in Side for at in range(len(KPIS))}
    assert browser.post(url(them, pk, "order/"), order | owners).status_code == 302
    assert "Give each of the places 1, 2, 3 and so on to one KPI." in shown(browser, url(them, pk))


def test_an_order_without_a_place_for_each_kpi_is_not_offered_to_be_sealed(them):
    pk = started(them)
    browser = them.client("customer_lead")
    browser.post(url(them, pk, "save/"), fields({"csat": 1, "abandonment": 1}, ["repeat_contact"], seen="0"))
    page = shown(browser, url(them, pk, "seal/"))
    assert "Give each KPI a place first" in page
    assert not re.search(r"<form[^>]*>(?:(?!</form>).)*Seal the order", page, re.DOTALL)
    assert browser.post(url(them, pk, "seal/"), {"seen": "1"}).status_code == 302
    with transaction.atomic():
        assert queries.own_ranking(them.at("customer_lead"), row(pk)).sealed_at is None


@pytest.mark.parametrize("who", ["customer_member", "mediator", "auditor"])
def test_who_writes_no_order_is_told_so_and_sees_none(them, who):
    pk = started(them)
    sealed(them, "customer_lead", pk)
    saved(them, "provider_lead", pk)
    page = shown(them.client(who), url(them, pk))
    for needs in NEEDS.values():
        assert needs[0] not in page
    assert "Sealed by" not in page
    assert "<form" not in page.split("<main")[1].split("</main>")[0]


def test_both_languages_and_both_sides_get_whole_pages(them):
    pk = opened(them)
    proposed(them, "customer_lead", pk)
    open_one = started(them)
    sealed(them, "customer_lead", open_one)
    for who in ("customer_lead", "provider_lead", "provider_member", "auditor"):
        for language in ("en", "es"):
            for path in (them.url("agreement/priorities/"), url(them, pk), url(them, open_one)):
                page = shown(them.client(who), path, language)
                assert f'lang="{language}"' in page
                assert "{" not in re.sub(
                    r"<svg.*?</svg>", "", page.split("<main")[1].split("</main>")[0], flags=re.DOTALL
                )
    page = shown(them.client("provider_lead"), url(them, pk), "es")
    assert "Repetición" in page or "repet" in page.lower()
    assert "1.º para Northwind Energy, 4.º para Helpline." in page
    assert not re.search(r"\d\d:\d\d UTC", page)  # when each sealed, on the reader's own clock


def test_what_people_write_is_text(them):
    script = "<script>alert(1)</script><img src=x>"
    pk = started(them)
    for who, numbers in (("customer_lead", CUSTOMER), ("provider_lead", PROVIDER)):
        browser = them.client(who)
        more = {"need_1": script, "believed_2": script}
        assert browser.post(url(them, pk, "save/"), fields(numbers, seen="0", **more)).status_code == 302
        page = shown(browser, url(them, pk, "seal/"))
        assert "&lt;script&gt;alert(1)" in page
        assert browser.post(url(them, pk, "seal/"), {"seen": "1"}).status_code == 302
    order = {f"at_{at}": str(at + 1) for at in range(len(KPIS))}
    owners = {f"{side}_{at}": script for side in Side for at in range(len(KPIS))}
    assert them.client("customer_lead").post(url(them, pk, "order/"), order | owners).status_code == 302
    for who in ("customer_lead", "provider_lead", "auditor"):
        page = shown(them.client(who), url(them, pk))
        assert page.count("&lt;script&gt;alert(1)") >= 4 + 2 * len(KPIS)
        assert "<script>alert" not in page
        assert "<img src=x" not in page


def test_today_asks_each_side_for_what_it_alone_has_to_do(them):
    wait = "Order the KPIs and seal the order"
    pk = started(them)
    assert wait in shown(them.client("customer_lead"), them.url())
    assert wait in shown(them.client("provider_lead"), them.url())
    for who in ("auditor", "customer_member"):
        assert wait not in shown(them.client(who), them.url())
    sealed(them, "customer_lead", pk)
    assert wait not in shown(them.client("customer_lead"), them.url())
    assert wait in shown(them.client("provider_lead"), them.url())
    sealed(them, "provider_lead", pk)
    for who in ("customer_lead", "provider_lead"):
        page = shown(them.client(who), them.url())
        assert wait not in page
        assert "Settle a joint order of the KPIs" in page
    proposed(them, "customer_lead", pk)
    assert "Read and agree" in shown(them.client("provider_lead"), them.url())
    page = shown(them.client("customer_lead"), them.url())
    assert "A joint order of the KPIs waits for an answer" in page
    assert "Read and agree" not in page


def test_a_page_asks_the_same_of_the_database_whether_or_not_the_other_has_sealed(them):
    """The same queries, in the same order and number: an answer takes no longer either."""
    pk, browser = started(them), them.client("provider_lead")
    saved(them, "provider_lead", pk)

    def save():
        with transaction.atomic():
            number = queries.own_ranking(them.at("provider_lead"), row(pk)).number
        return lambda: browser.post(url(them, pk, "save/"), fields(PROVIDER, seen=str(number)))

    def asked(call):
        with CaptureQueriesContext(connection) as found:
            answer = call()
        assert answer.status_code in {200, 302}
        return [re.sub(r"'[^']*'|\d+", "?", one["sql"]) for one in found.captured_queries]

    def everything():
        return {
            "round": asked(lambda: browser.get(url(them, pk))),
            "rounds": asked(lambda: browser.get(them.url("agreement/priorities/"))),
            "today": asked(lambda: browser.get(them.url())),
            "save": asked(save()),
            "seal": asked(lambda: browser.get(url(them, pk, "seal/"))),
        }

    everything()  # what is kept for the rest of the day
    before = everything()
    sealed(them, "customer_lead", pk)
    browser.get(url(them, pk))  # its mail is sent
    after = everything()
    for what, statements in before.items():
        assert len(statements) > 3, what
        assert after[what] == statements, what


def test_a_withdrawal_asks_the_same_whether_or_not_the_other_has_sealed(them):
    found = []
    for sealing in (False, True):
        pk = started(them)
        saved(them, "customer_lead", pk)
        if sealing:
            sealed(them, "provider_lead", pk)
        browser = them.client("customer_lead")
        browser.get(url(them, pk))
        with CaptureQueriesContext(connection) as captured:
            answer = browser.post(url(them, pk, "withdraw/"))
        found.append((answer.status_code, len(captured.captured_queries)))
    assert found[0] == found[1]


def test_a_mail_of_a_round_leads_to_its_page(them):
    pk = started(them)
    assert url(them, pk) in sent_mails()[-1].body


def test_a_program_reads_its_own_sides_order_and_the_others_once_both_are_open(them):
    them.tokens = {}

    def read(who):
        answer = ask(them, who, "agreement/priorities")
        assert answer.status_code == 200
        return answer.json()["items"][0]

    pk = started(them)
    sealed(them, "customer_lead", pk)
    for who in ("provider_lead", "customer_member", "auditor"):
        found = read(who)
        assert (found["state"], found["kpis"]) == ("open", KPIS)
        assert "own" not in found or found["own"] is None
        assert found["seals"] == []
    own = read("customer_analyst")
    assert own["own"]["order"] == [["repeat_contact"], ["service_level"], ["abandonment"], ["csat"]]
    assert own["own_sealed_at"]
    sealed(them, "provider_lead", pk)
    word = proposed(them, "customer_lead", pk)
    found = read("auditor")
    assert found["state"] == "revealed"
    assert {one["side"]: one["needs"] for one in found["seals"]} == {side: [*NEEDS[side]] for side in NEEDS}
    assert found["proposed_by"] == "customer"
    assert found["proposed"] == word.content["order"]
    assert found["joint_order"] == []
    with transaction.atomic():
        operations.agree_to_order(them.at("provider_lead"), row(pk), word.digest, words_for("en"))
    found = read("provider_member")
    assert found["joint_order"] == word.content["order"]
    assert (found["entry"], found["joint_order_entry"]) == (1, 2)
