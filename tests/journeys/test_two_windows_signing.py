"""Signing, in two windows without scripts: two signatories of a side, and a correction that reaches final figures."""

import re
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from comity.apps.i18n import words_for
from tests.journeys.opening import PASSWORD, current

pytestmark = [
    pytest.mark.browser,
    pytest.mark.long,
    pytest.mark.timeout(1800, func_only=True),
]  # their room is made first
ENGLISH = words_for("en")
TODAY = datetime.now(ZoneInfo("Europe/Madrid")).date()  # as the book cuts days
SPRING, FEBRUARY = "2026-02-01", "2026-02"  # of which the records tell


def shown(page):
    """What stands on a page now, once a worker has computed it."""
    current(page)
    return " ".join(page.locator("main").inner_text().replace("\u00a0", " ").split())


def abandoned(entry):
    """The share of callers who gave up, in an entry of the record."""
    return re.search(r"Abandonment\s+(?:Value\s*)?([\d.]+\s%)", entry.replace("\u00a0", " "))[1]


def drafted(page, home, title, first_day):
    """A draft that says why. Returns its address."""
    page.goto(f"{home}agreement/")
    page.locator("form[action$='/begin/'] button").click()
    page.fill("input[name=title]", title)
    page.fill("input[name=first_day]", first_day)
    page.fill("textarea[name=reason]", "It is what both sides need.")
    page.fill("textarea[name=expects_nothing]", "A word is made clear.")
    page.locator("section[aria-labelledby=h-about] button").first.click()
    return re.match(r"[^?#]*", page.url)[0]


def edited(page, address, query, **fields):
    page.goto(f"{address}?{query}")
    form = page.locator("section[aria-labelledby=h-clause]")
    for name, value in fields.items():
        if isinstance(value, list):
            for one in value:
                form.locator(f"[name={name}][value='{one}']").check()
        else:
            form.locator(f"[name={name}]").fill(value)
    form.locator("button.main").click()


def propose(page, address):
    page.goto(address)
    page.get_by_role("button", name=ENGLISH("agreement.propose"), exact=True).click()
    assert ENGLISH("agreement.proposed_now") in page.content()


def sign(page, address, *, retroactive=False):
    """Read what would be signed, after the password where that is asked, and sign it."""
    page.goto(f"{address}sign/")
    if "/sign-in/again/" in page.url:
        page.fill("input[name=password]", PASSWORD)
        page.click("main button.main")
        page.goto(f"{address}sign/")
    if retroactive:
        page.check("input[name=retroactive]")
    page.get_by_role("button", name=ENGLISH("agreement.sign"), exact=True).click()


@pytest.fixture(scope="module")
def windows(own_room):
    """The leads of both sides, and the provider's executive."""
    found = [own_room.enter(name) for name in ("marta", "jonas", "paul")]
    yield found
    for page in found:
        page.context.close()


@pytest.fixture(scope="module")
def home(windows):
    return re.match(r"http://[^/]+/r/[^/]+/", windows[0].url)[0]


def test_a_correction_of_the_past_is_restated_beside_final_figures(windows, home):
    """Callers who give up within a minute no longer count. Both sign that this holds from February, which is final."""
    customer, provider, _ = windows
    for page in (customer, provider):
        page.goto(f"{home}review/confirm/?period={FEBRUARY}")
        current(page)
        page.get_by_role("button", name=re.compile("^(Confirm for|Confirmar por) ")).click()
    customer.goto(f"{home}review/?period={FEBRUARY}")
    final = shown(customer)
    assert "final" in final
    customer.goto(f"{home}review/confirm/?period={FEBRUARY}")
    closed = shown(customer)
    assert "14.2 %" in closed

    address = drafted(customer, home, "Short abandons do not count", SPRING)
    edited(customer, address, "edit=abandonment", short_abandon_s="60")
    customer.goto(address)
    propose(customer, address)
    sign(customer, address, retroactive=True)
    provider.goto(address)
    assert "1 February 2026" in shown(provider)
    sign(provider, address, retroactive=True)
    for page in (customer, provider):
        for _ in range(200):
            page.goto(f"{home}review/confirm/?period={FEBRUARY}")
            text = shown(page)
            if ENGLISH("closing.restated") in text:
                break
            page.wait_for_timeout(300)
        frozen, restated = (page.locator("main details", has=page.locator("summary", has_text=word)).text_content()
                            for word in (ENGLISH("closing.frozen_entry"), ENGLISH("closing.restated")))  # fmt: skip
        assert abandoned(frozen) == "14.2 %", "the final figure stays"
        assert "Short abandons do not count" in restated
        assert abandoned(restated) != "14.2 %"


def test_of_two_who_sign_together_the_first_is_not_enough(windows, home):
    customer, lead, executive = windows
    address = drafted(customer, home, "Two sign for the provider", TODAY.isoformat())
    edited(customer, address, "add=authority", provider__0__roles=["lead", "executive"], provider__0__together="2")
    propose(customer, address)
    for page in (customer, lead):
        sign(page, address, retroactive=True)

    address = drafted(lead, home, "More may give up", TODAY.isoformat())
    edited(lead, address, "edit=abandonment", target="7")
    propose(lead, address)
    sign(lead, address, retroactive=True)
    lead.goto(address)
    assert "another signature of Helpline is needed" in shown(lead)
    sign(customer, address, retroactive=True)
    customer.goto(address)
    assert "Helpline" in shown(customer)
    assert "Both sides have signed" not in shown(customer)
    executive.goto(home)
    executive.get_by_role("link", name=re.compile("More may give up")).first.click()
    assert "with your signature it is agreed" in shown(executive)
    sign(executive, address, retroactive=True)
    for page in (customer, lead, executive):
        page.goto(address)
        text = shown(page)
        assert ENGLISH("change_state.agreed") in text
        for person in ("Marta Ruiz", "Jonas Weber", "Paul Okafor"):
            assert person in text
