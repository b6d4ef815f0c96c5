"""Drafting, in a browser without JavaScript: two windows save the same draft, and a wording for a time returns.

Late among the journeys by its name: what it agrees to moves the KPIs of the one room into the agreement.
"""

import re

import pytest

from comity.apps.i18n import words_for
from tests.journeys.axe import violations
from tests.journeys.opening import PASSWORD, current

pytestmark = [pytest.mark.browser, pytest.mark.long, pytest.mark.timeout(600)]
MOST_HIGH = 2500  # px, of a draft 1440 wide
SUMMER, LAST_DAY, AUTUMN = "2099-07-01", "2099-08-31", "2099-09-01"


def main(page):
    return page.locator("main").inner_text().replace("\u00a0", " ")


def size(page):
    """How wide and how high the whole page is, as its picture says."""
    taken = page.screenshot(full_page=True)
    return int.from_bytes(taken[16:20]), int.from_bytes(taken[20:24])


def begin(page, home, **says):
    """A draft with what it says of itself. Returns its address."""
    page.goto(f"{home}agreement/")
    page.locator("form[action$='/begin/'] button").click()
    page.fill("input[name=first_day]", SUMMER)
    page.fill("textarea[name=reason]", "Fewer agents are there in summer.")
    page.fill("textarea[name=expects_nothing]", "The level of last summer.")
    for name, text in says.items():
        page.fill(f"input[name={name}]", text)
    page.locator("section[aria-labelledby=h-about] button").first.click()
    return re.match(r"[^?#]*", page.url)[0]


def edit(page, address, **fields):
    page.goto(f"{address}?edit=service_level")
    for name, text in fields.items():
        page.fill(f"[name={name}]", text)


def save(page):
    page.locator("section[aria-labelledby=h-clause] button.main").click()


@pytest.fixture(scope="module")
def home(served):
    page = served.enter("marta")
    found = page.url.rstrip("/") + "/"
    page.context.close()
    return found


def test_two_windows_that_save_one_draft_lose_nothing(served, home):
    page = served.enter("marta")
    address = begin(page, home, title="Two windows")
    other = page.context.new_page()
    edit(page, address, target="81", outcome="Nobody waits for long.")
    edit(other, address, target="79", customer_owner="Marta Ruiz")
    save(other)
    save(page)
    assert "Two texts" in main(page)
    assert "Nobody waits for long." in main(page)
    assert "Marta Ruiz" in main(page)
    assert main(page).count("both changed it") == 1
    page.get_by_role("button", name="Save as chosen").click()
    edit(page, address)
    assert page.input_value("[name=target]") == "81"
    assert page.input_value("[name=outcome]") == "Nobody waits for long."
    assert page.input_value("[name=customer_owner]") == "Marta Ruiz"
    page.goto(address)
    current(page)
    assert "nothing was answered sooner" in main(page)
    assert size(page)[1] < MOST_HIGH
    page.set_viewport_size({"width": 390, "height": 844})
    assert size(page)[0] == 390
    page.goto(f"{address}?edit=service_level")
    assert size(page)[0] == 390
    page.context.close()


def test_the_pages_of_a_draft_can_be_used_by_everybody(served, home):
    page = served.enter("marta", java_script_enabled=True)
    address = begin(page, home, title="For everybody")
    edit(page, address, target="81")
    assert violations(page) == []
    save(page)
    current(page)
    assert violations(page) == []
    for kind in ("calendar", "price", "notice"):
        page.goto(f"{address}?add={kind}")
        assert violations(page) == []
    page.goto(f"{home}agreement/?with={SUMMER}")
    assert violations(page) == []
    page.context.close()


def sign(page, address):
    page.goto(f"{address}sign/")
    if "/sign-in/again/" in page.url:
        page.fill("input[name=password]", PASSWORD)
        page.click("main button.main")
        page.goto(f"{address}sign/")
    page.get_by_role("button", name=words_for("en")("agreement.sign"), exact=True).click()


def test_a_wording_for_a_time_returns_to_the_text_before_it(served, home):
    """70 per cent in summer. In both windows the text before it stands again in autumn, and no draft copies it."""
    customer, provider = served.enter("marta"), served.enter("jonas")
    address = begin(customer, home, title="Summer", end=LAST_DAY)
    edit(customer, address, target="70")
    save(customer)
    customer.goto(address)
    customer.get_by_role("button", name="Propose the change").click()
    assert "Read the text and sign it" in main(customer)
    sign(customer, address)
    assert "Your side has signed" in main(customer)
    provider.goto(address)
    assert "with your signature it is agreed" in main(provider)
    sign(provider, address)
    assert "Both sides have signed" in main(provider)
    for page in (customer, provider):
        page.goto(f"{home}agreement/?on={SUMMER}&with={AUTUMN}")
        assert "At least 70 %" in page.locator("#clause-service_level").inner_text().replace("\u00a0", " ")
        assert "80 %" in page.locator("#differences").inner_text().replace("\u00a0", " ")
        page.goto(f"{home}agreement/?on={AUTUMN}")
        assert "At least 80 %" in page.locator("#clause-service_level").inner_text().replace("\u00a0", " ")
    later = begin(provider, home, title="Faster, for good")
    edit(provider, later, answer_within_s="15")
    assert provider.input_value("[name=target]") == "80"
    assert "For a time something else holds" in main(provider)
    customer.context.close()
    provider.context.close()
