"""Every page with axe, light and dark, wide and narrow; and by the keyboard alone."""

from itertools import product

import pytest

from tests.journeys.axe import violations
from tests.journeys.opening import current

pytestmark = [pytest.mark.browser, pytest.mark.long, pytest.mark.timeout(600)]
PAGES = ("", "review/", "review/reading/revenue/", "review/figure/service_level/", "attribution/", "matters/",
         "matters/?show=open&kind=action", "matters/raise/dispute/", "matters/raise/claim/",
         "matters/raise/action/", "review/confirm/?period=2026-06", "records/", "people/", "log/",
         "replies/", "replies/?country=ES&region=CT",
         "review/compare/", "kpis/", "kpis/?template=field_service", "search/?q=service")  # fmt: skip
VARIANTS = (("en-GB", 1440, "light"), ("es-ES", 390, "dark"), ("es-ES", 1440, "dark"), ("en-GB", 390, "light"))


def violations_in(served, variant, part=slice(None)):
    """Of the pages that a lead meets, or a part of them, in one language, width and colour scheme."""
    locale, width, scheme = variant
    page = served.enter(
        "marta", java_script_enabled=True, color_scheme=scheme, locale=locale, viewport={"width": width, "height": 900}
    )
    complaints = []
    page.on("console", lambda message: complaints.append((page.url, message.text)))
    home = page.url
    page.goto(home)
    first = page.locator("main .inbox-row a").first.get_attribute("href")
    every = [
        *(home + path for path in PAGES),
        first,
        "/?all=1",
        "/begin/",
        "/help/",
        "/help/glossary/",
        "/help/concepts/",
        "/account/",
        "/account/display/",
        "/sign-in/codes/",
        "/sign-in/sessions/",
    ]
    for path in every[part]:
        page.goto(path)
        current(page)
        complaints += violations(page)
        if page.evaluate("document.documentElement.scrollWidth") > width:
            complaints.append((path, "scrolls sideways"))
    page.context.close()
    return complaints


@pytest.mark.parametrize("number", range(4))
def test_axe_finds_nothing(served, number):
    """Each page once, the variants taking turns."""
    assert violations_in(served, VARIANTS[number], slice(number, None, len(VARIANTS))) == []


@pytest.mark.parametrize("variant", list(product(("en-GB", "es-ES"), (1440, 390), ("light", "dark"))))
def test_axe_finds_nothing_whatever_the_language_width_and_colours(served, variant):
    assert violations_in(served, variant) == []


def test_the_doors_too(served):
    context = served.browser.new_context(base_url=served.address)
    page = context.new_page()
    for path in ("/sign-in/", "/sign-in/password/forgotten/", "/join/nothing/", "/nowhere/"):
        page.goto(path)
        assert violations(page) == []
    context.close()


def test_by_the_keyboard_alone_one_comes_to_what_waits(served):
    page = served.enter("jonas", java_script_enabled=True)
    page.evaluate("document.fonts.ready.then(() => true)")
    assert "Inter" in page.evaluate("[...document.fonts].filter(one => one.status === 'loaded').map(one => one.family)")
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
