"""The smallest complete loop, both sides, in a browser and on a phone, without JavaScript, in English and Spanish.

Target met or not under the agreed formula; each side's own figure explained; the miss by cause; exclusions claimed and
answered; a figure disputed; actions agreed; confirmed by both; frozen; the record checked without the room.
"""

import csv
import io
import json
import re

import pytest

from comity.apps.i18n import words_for
from comity.core import chain
from tests.journeys.axe import violations
from tests.journeys.opening import current

pytestmark = [pytest.mark.browser, pytest.mark.long, pytest.mark.timeout(600)]
MOST_HIGH = 3000  # px, of a review 1440 wide: what both sides look at together, without losing the thread
PHONE = {"viewport": {"width": 390, "height": 844}, "locale": "es-ES"}
ENGLISH, SPANISH = words_for("en"), words_for("es")


def go(page, name):
    named = re.compile(rf"^{name}( |$)")  # beside matters stands how many are open
    area = page.get_by_role("navigation")
    if page.viewport_size["width"] < 1040 or name == "People":  # the pages are in the menu
        page.locator("details.me > summary").click()
        area = page.locator("header")
    area.get_by_role("link", name=named).first.click()
    current(page)


def main(page):
    return page.locator("main").inner_text().replace("\u00a0", " ")


def fits(page):
    """Nothing scrolls sideways."""
    # Without JavaScript the page cannot be asked: what is wider than the window is seen in a picture of the whole page.
    assert size(page)[0] == page.viewport_size["width"]


def size(page):
    """How wide and how high the whole page is, as its picture says."""
    taken = page.screenshot(full_page=True)
    return int.from_bytes(taken[16:20]), int.from_bytes(taken[20:24])


@pytest.fixture(scope="module")
def customer(served):
    return served.enter("marta")


@pytest.fixture(scope="module")
def provider(served):
    return served.enter("jonas", **PHONE)


def test_both_read_the_same_review_each_in_its_language(customer, provider):
    go(customer, "Review")
    go(provider, "Revisión")
    for page, words in (
        (customer, ("Levels against target", "Not met", "formula V")),
        (provider, ("No cumplido", "fórmula V")),
    ):
        text = main(page)
        assert all(word in text for word in words), words
        fits(page)
    assert size(customer)[1] <= MOST_HIGH
    value = re.search(r"(\d\d\.\d) %\n", main(customer)).group(1)
    assert value.replace(".", ",") in main(provider)


def test_the_miss_is_shared_out_by_cause(customer, provider):
    go(customer, "Causes")
    text = main(customer)
    for part in ("The plan itself", "Volume inside the band", "Rostering", "On the phones", "Not explained"):
        assert part in text
    go(provider, "Causas")
    assert "Turnos" in main(provider) or "Planificación" in main(provider)
    fits(customer)
    fits(provider)


def test_an_exclusion_is_claimed_seen_and_accepted(customer, provider):
    go(provider, "Revisión")
    provider.get_by_role("link", name=SPANISH("raise.do_claim")).click()
    provider.fill("input[name=title]", "Avería de la centralita")
    provider.fill("textarea[name=text]", "La centralita estuvo caída dos días.")
    provider.select_option("select[name=event]", "outage")
    provider.fill("input[name=from_day]", "2026-06-11")
    provider.fill("input[name=to_day]", "2026-06-10")
    provider.get_by_role("button", name="Enviar a Northwind Energy").click()
    assert "anterior al primero" in main(provider)  # nothing typed is lost
    provider.fill("input[name=to_day]", "2026-06-12")
    provider.get_by_role("button", name="Enviar a Northwind Energy").click()
    assert "Avería de la centralita" in main(provider)
    go(customer, "Today")
    customer.get_by_role("link", name="Avería de la centralita", exact=True).first.click()
    text = main(customer)
    assert "La centralita estuvo caída" in text
    assert "without an answer nothing changes" in text
    assert "Effect if accepted" in text
    begin_move(customer, "agree", ENGLISH)
    assert "You can undo it for 10 minutes" in main(customer)
    make_move(customer, "agree", ENGLISH)
    assert "accepted" in main(customer)
    go(customer, "Records")
    customer.get_by_role("heading", name=ENGLISH("records.tables"), exact=True).click()
    row = customer.get_by_role("row", name=re.compile("^events"))
    assert ENGLISH("records.from_matters") in row.inner_text()


def test_a_figure_is_disputed_and_the_reason_must_be_said(customer, provider):
    go(customer, "Review")
    customer.locator("main").get_by_role("button", name="Dispute a figure").click()
    assert customer.locator("input[name=title]").input_value().startswith("Service level, ")
    customer.fill("textarea[name=text]", "Calls that the recording took are counted.")
    customer.get_by_role("button", name="Send to Helpline").click()
    title = customer.locator("h1").inner_text()
    go(provider, "Hoy")
    provider.get_by_role("link", name=title, exact=True).first.click()
    begin_move(provider, "decline", SPANISH)
    make_move(provider, "decline", SPANISH)
    assert provider.locator("textarea[name=text]:invalid").count() == 1  # the browser asks for a reason
    provider.fill("textarea[name=text]", "La grabación no cuenta: véase la cláusula 3.1.")
    make_move(provider, "decline", SPANISH)
    assert "rechazado" in main(provider)
    assert provider.get_by_role("button", name=SPANISH("move_do.take_back")).count() == 1
    current(customer)
    customer.reload()
    if customer.get_by_role("link", name=ENGLISH("matter.news_do")).count():  # a page that reloads by itself opens none
        customer.get_by_role("link", name=ENGLISH("matter.news_do")).first.click()
    assert "cláusula 3.1" in main(customer)
    assert ENGLISH("matter.answers_to", number=1) in main(customer)
    provider.reload()
    assert provider.get_by_role("button", name=SPANISH("move_do.take_back")).count() == 0  # it has been read


def begin_move(page, move, words):
    """Open the page of a move."""
    current(page)  # what is pressed on a page that goes is lost
    page.get_by_role("link", name=words(f"move_do.{move}"), exact=True).click()


def make_move(page, move, words):
    """Send the form on the page of a move."""
    page.get_by_role("button", name=words(f"move_do.{move}"), exact=True).click()


def test_three_actions_are_agreed_for_next_month(customer, provider):
    for number in (1, 2, 3):
        go(customer, "Matters")
        customer.get_by_role("link", name="Raise a matter", exact=True).click()
        customer.get_by_role("link", name="Propose an action").click()
        customer.fill("input[name=title]", f"Action number {number}")
        customer.fill("textarea[name=text]", "So that it gets better.")
        customer.select_option("select[name=owner]", label="Lena Kurz")
        customer.fill("input[name=due_on]", "2027-01-15")
        customer.get_by_role("button", name="Send to Helpline").click()
        go(provider, "Hoy")
        provider.get_by_role("link", name=f"Action number {number}", exact=True).first.click()
        begin_move(provider, "agree", SPANISH)
        make_move(provider, "agree", SPANISH)
    go(customer, "Today")
    text = main(customer)
    for number in (1, 2, 3):
        assert f"Action number {number}" in text
    assert "Lena Kurz" in text


def until(page, found):
    """Ask again until it is so: what runs in the background takes a while."""
    for _ in range(200):
        if found(main(page)):
            return main(page)
        page.wait_for_timeout(300)
        page.reload()
    raise AssertionError(main(page))


def bring(page, name, text, words):
    go(page, words("nav.records"))
    page.set_input_files("input[type=file]", {"name": name, "mimeType": "text/csv", "buffer": text.encode()})
    page.get_by_role("button", name=words("upload.do")).click()
    until(page, lambda said: words("stage.looked") in said)


def bring_in(page, name, text, words):
    bring(page, name, text, words)
    page.get_by_role("button", name=words("delivery.bring")).click()
    until(page, lambda said: words("stage.brought") in said)


def satisfied(page):
    """Of how many answers how many were good, as the page of the level says it."""
    page.goto(re.match(r".*/r/[^/]+/", page.url)[0] + "review/figure/csat/")
    current(page)
    found = re.search(r"([\d,]+) of ([\d,]+) answers", main(page))
    return tuple(int(number.replace(",", "")) for number in found.groups())


def answered(score):
    head = "response_id,audience,respondent_id,instrument,scale_min,scale_max,score,answered_on\n"
    return head + "".join(f"own-{n},customer,o{n},csat,1,5,{score},2026-06-24\n" for n in range(6))


def test_the_other_sides_rows_change_by_its_word_alone_and_only_those_that_it_ticks(served, customer, provider):
    """Six answers that the customer delivered; the provider's file says all were good; the customer agrees to two."""

    go(customer, "Review")
    good, all_of_them = satisfied(customer)
    bring_in(customer, "our answers.csv", answered(1), ENGLISH)
    go(customer, "Review")
    assert satisfied(customer) == (good, all_of_them + 6)
    bring_in(provider, "their answers.csv", answered(5), SPANISH)
    assert SPANISH("delivery.proposed") in main(provider)
    go(customer, "Review")
    assert satisfied(customer) == (good, all_of_them + 6)  # nothing changes before the customer's word
    go(customer, "Matters")
    until(customer, lambda said: re.search("6 (changes|cambios)", said))  # the import opens it when it is through
    customer.get_by_role("link", name=re.compile("6 (changes|cambios)")).click()
    current(customer)
    text = main(customer)
    assert ENGLISH("effect.title") in text
    assert "Helpline proposes to change rows from Northwind Energy" in text
    assert "without an answer nothing changes" in text
    for number in range(6):
        row = customer.get_by_role("row", name=re.compile(f"own-{number}"))
        assert re.search(r"Score\s+1\.0\s+5\.0", row.inner_text())
    fits(customer)
    looking = served.enter("marta", java_script_enabled=True)  # as axe needs it
    looking.goto(customer.url)
    assert violations(looking) == []
    looking.context.close()
    with customer.expect_download() as taken:
        customer.get_by_role("link", name="Download all changes").click()
    changes = list(csv.DictReader(io.StringIO(taken.value.path().read_text())))
    assert [(one["row"], one["column"], one["before"], one["after"]) for one in changes] == [
        (f"own-{number}", "score", "1.0", "5.0") for number in range(6)
    ]
    begin_move(customer, "agree", ENGLISH)
    for number in (0, 2, 3, 5):
        customer.get_by_role("checkbox", name=f"Accept the change of own-{number}").uncheck()
    make_move(customer, "agree", ENGLISH)
    assert "Some rows are not ticked" in main(customer)  # all was still chosen: asked again, no tick is lost
    assert customer.locator("input[name=row]:checked").count() == 2
    assert customer.get_by_label("Only the ticked ones").is_checked()
    make_move(customer, "agree", ENGLISH)
    assert ENGLISH("correction.some", count=2) in main(customer)
    go(customer, "Review")
    until(customer, lambda _: satisfied(customer)[0] != good)
    assert satisfied(customer) == (good + 2, all_of_them + 6)
    go(provider, "Asuntos")
    provider.get_by_role(
        "link", name=re.compile(f"^{SPANISH('matters.ended')}")
    ).click()  # it is answered, and not open
    provider.get_by_role("link", name=re.compile("6 (changes|cambios)")).click()
    text = main(provider)
    assert "aceptado" in text
    assert SPANISH("correction.some", count=2) in text
    assert provider.get_by_role("checkbox").count() == 0  # answered, and not the provider's to change
    fits(provider)


def test_confirmed_by_both_it_is_frozen_and_can_be_checked_elsewhere(customer, provider):
    go(customer, "Review")
    customer.get_by_role("link", name=ENGLISH("closing.look")).click()
    current(customer)
    assert "become final when Helpline confirms them too" in main(customer)
    customer.get_by_role("button", name="Confirm for Northwind Energy").click()
    assert "become final when the other side confirms too" in main(customer)
    assert customer.get_by_role("button", name="Confirm for Northwind Energy").count() == 0
    go(provider, "Revisión")
    provider.get_by_role("link", name=SPANISH("closing.look")).click()
    current(provider)
    assert "No se puede deshacer" in main(provider)
    provider.get_by_role("button", name="Confirmar por Helpline").click()
    assert "Las cifras son definitivas" in main(provider)
    customer.reload()
    assert "These figures are final" in main(customer)
    with customer.expect_download() as taken:
        customer.get_by_role("link", name=ENGLISH("closing.record")).click()
    told = json.loads(taken.value.path().read_text())
    entries = [chain.Entry(**one) for one in told["entries"]]
    assert chain.verify(entries) == entries[-1].digest
    figures = next(one.content["figures"] for one in entries if "figures" in one.content)["service_level"]
    assert figures["disputed"] == []
    assert figures["reported"]["customer"] != figures["reported"]["provider"]


def test_somebody_is_invited_and_comes(served, customer):
    go(customer, "People")
    customer.fill("input[name=email]", "neu@example.org")
    customer.select_option("select[name=role]", "analyst")
    customer.get_by_role("button", name=ENGLISH("invite.do_no_server")).click()
    assert "neu@example.org" in main(customer)
    context = served.browser.new_context(java_script_enabled=False, locale="en-GB")
    page = context.new_page()
    page.goto(served.link())
    page.fill("input[name=name]", "Neu Gekommen")
    page.fill("input[name=password]", "short")
    page.get_by_role("button", name="Join").click()
    assert "12" in main(page)
    page.fill("input[name=password]", "a long and new one")
    page.get_by_role("button", name="Join").click()
    go(page, "Review")
    assert "Levels against target" in main(page)
    page.goto(served.link())  # an invitation is taken up once: again it leads to the same place, and others nowhere
    page.get_by_role("button", name="Join").click()
    assert ENGLISH("inbox.kick", party="Northwind Energy") in main(page)
    here = customer.url
    customer.goto(served.link())
    customer.get_by_role("button", name="Join").click()
    assert "has expired" in main(customer)
    customer.goto(here)


BAD = """contact_id,opened_at,queue,channel,answered_at,handle_s
n1,2026-06-20T10:00:00Z,billing,voice,2026-06-20T10:00:05Z,200
n2,2026-06-20T10:00:00Z,billing,voice,2026-06-20T09:00:05Z,200
"""


def test_records_come_in_rejects_are_corrected_and_come_in_again(customer):
    rows = [f"g{number},2026-06-20T10:00:00Z,billing,voice,2026-06-20T10:00:05Z,200" for number in range(60)]
    bring(customer, "more.csv", BAD + "\n".join(rows) + "\n", ENGLISH)
    text = main(customer)
    order = ENGLISH("reject.order", later=ENGLISH("field.answered_at"), earlier=ENGLISH("field.opened_at"))
    assert order in text
    assert "contacts" in text
    customer.get_by_role("button", name=ENGLISH("delivery.bring")).click()
    for _ in range(100):
        if ENGLISH("stage.brought") in main(customer):
            break
        customer.wait_for_timeout(300)
        customer.reload()
    with customer.expect_download() as taken:
        customer.get_by_role("link", name=ENGLISH("check.rows_csv")).click()
    (reject,) = csv.DictReader(io.StringIO(taken.value.path().read_text()))
    assert reject["contact_id"] == "n2"
    assert reject["Comity row"].startswith("3 of ")
    assert order in reject["Comity reason"]
    bring(customer, "corrected.csv", BAD.replace("T09:00:05", "T10:00:09"), ENGLISH)
    assert ENGLISH("count_of.rejected") in main(customer)
    customer.get_by_role("button", name=ENGLISH("delivery.bring")).click()
    for _ in range(100):
        if ENGLISH("stage.brought") in main(customer):
            break
        customer.wait_for_timeout(300)
        customer.reload()
    assert ENGLISH("stage.brought") in main(customer)


def test_a_file_of_no_use_says_so_in_a_sentence(customer):
    go(customer, "Records")
    customer.set_input_files(
        "input[type=file]", {"name": "x.xlsx", "mimeType": "x", "buffer": b"PK\x03\x04 no workbook"}
    )
    customer.get_by_role("button", name=ENGLISH("upload.do")).click()
    customer.get_by_text(ENGLISH("stage.refused")).first.wait_for(timeout=60_000)  # the page looks again by itself
    assert "x.xlsx" in main(customer)
    assert "comity-" not in main(customer)  # where it waits is nobody's business
    customer.get_by_role("button", name=ENGLISH("delivery.drop")).click()
    assert "x.xlsx" not in main(customer)
