"""Every page with axe, light and dark, wide and narrow; and by the keyboard alone."""

import pytest
from axe_playwright_python.sync_playwright import Axe

pytestmark = [pytest.mark.browser, pytest.mark.gate, pytest.mark.timeout(600)]
RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
}
PAGES = ("", "review/", "review/reading/revenue/", "review/figure/service_level/", "attribution/", "matters/",
         "matters/?show=open&kind=action", "matters/raise/dispute/", "matters/raise/claim/",
         "matters/raise/action/", "records/", "people/", "log/")  # fmt: skip


@pytest.mark.parametrize(
    ("locale", "width", "scheme"),
    [("en-GB", 1440, "light"), ("es-ES", 390, "dark"), ("es-ES", 1440, "dark"), ("en-GB", 390, "light")],
)
def test_axe_finds_nothing(served, scheme, width, locale):
    page = served.enter(
        "marta", java_script_enabled=True, color_scheme=scheme, locale=locale, viewport={"width": width, "height": 900}
    )
    complaints = []
    page.on("console", lambda message: complaints.append(message.text))
    home = page.url
    page.goto(home)
    first = page.locator("main table tbody a").first.get_attribute("href")
    for path in [*(home + one for one in PAGES), first, "/", "/account/", "/sign-in/codes/", "/sign-in/sessions/"]:
        page.goto(path)
        found = Axe().run(page, options=RULES).response["violations"]
        assert [(path, one["id"], one["nodes"][0]["html"][:120]) for one in found] == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    assert complaints == []


def test_the_doors_too(served):
    context = served.browser.new_context(base_url=served.address)
    page = context.new_page()
    for path in ("/sign-in/", "/sign-in/password/forgotten/", "/join/nothing/", "/nowhere/"):
        page.goto(path)
        found = Axe().run(page, options=RULES).response["violations"]
        assert [(path, one["id"], one["nodes"][0]["html"][:120]) for one in found] == []


def test_by_the_keyboard_alone_one_comes_to_what_waits(served):
    page = served.enter("jonas", java_script_enabled=True)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    for _ in range(40):
        page.keyboard.press("Tab")
        if "/matters/" in (page.evaluate("document.activeElement.href || ''")):
            break
    style = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert style != "none"
    page.keyboard.press("Enter")
    page.wait_for_url("**/matters/**")
