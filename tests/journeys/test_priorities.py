"""Which KPIs come first: two leads in two windows order, seal, compare and settle; by keyboard, without a script."""

import re

import pytest

from tests.journeys.axe import violations
from tests.journeys.opening import current

pytestmark = [pytest.mark.browser, pytest.mark.long, pytest.mark.timeout(600)]


def write(page, numbers, need):
    """Type a place for each KPI, by the keyboard alone, and go on to seal."""
    boxes = page.locator("main input[type=number]")
    boxes.first.focus()
    for at, number in enumerate(numbers):
        if at:
            page.keyboard.press("Tab")  # over the box beside it
            page.keyboard.press("Tab")
        page.keyboard.type(str(number))
    page.fill("input[name=need_1]", need)
    page.locator("button[name=seal]").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/seal/")


def is_whole(served, page, path):
    """Nothing that axe finds, and nothing wider than the window; light and dark, wide and narrow."""
    found = []
    for scheme, width, locale in (("light", 1440, "en-GB"), ("dark", 390, "es-ES"), ("light", 390, "en-GB")):
        seen = served.browser.new_context(
            base_url=served.address, color_scheme=scheme, locale=locale, viewport={"width": width, "height": 900},
            storage_state=page.context.storage_state(),
        ).new_page()  # fmt: skip
        seen.goto(path)
        current(seen)
        found += violations(seen)
        if seen.evaluate("document.documentElement.scrollWidth") > width:
            found.append((path, "scrolls sideways"))
        seen.context.close()
    return found


def test_two_sides_order_apart_and_settle_one_order(served):
    marta, jonas = served.enter("marta"), served.enter("jonas")
    home = marta.url
    marta.goto(f"{home}agreement/")
    marta.locator("main a[href$='/agreement/priorities/']").click()
    marta.locator("form[action$='/start/'] button").click()
    path = re.search(r"/r/.+/priorities/[0-9a-f-]{36}/", marta.url)[0]
    number = marta.locator("main input[type=number]").count()
    assert number >= 2
    assert is_whole(served, marta, path) == []
    write(marta, range(number, 0, -1), "Quiet evenings")
    marta.locator("main form button.main").click()
    assert "The order is sealed." in marta.locator("main").inner_text()
    assert "Quiet evenings" in marta.locator("main").inner_text()

    # In the other window nothing tells of it: the same page as before.
    jonas.goto(path)
    assert "Quiet evenings" not in jonas.content()
    write(jonas, range(1, number + 1), "A forecast in time")
    jonas.locator("main form button.main").click()
    text = jonas.locator("main").inner_text()
    assert "Quiet evenings" in text
    assert "A forecast in time" in text
    assert "1st for " in text
    assert is_whole(served, jonas, path) == []

    for at in range(number):
        jonas.fill(f"input[name=at_{at}]", str(at + 1))
        jonas.fill(f"input[name=customer_{at}]", "Marta")
        jonas.fill(f"input[name=provider_{at}]", "Jonas")
    jonas.locator("form[action$='/order/'] button").click()
    marta.goto(path)
    marta.locator("form[action$='/agree/'] button").click()
    assert "/agreement/changes/" in marta.url
    draft = re.search(r"/r/.+", marta.url)[0]
    jonas.goto(draft)
    assert jonas.locator("main h1").inner_text() == marta.locator("main h1").inner_text()
    assert is_whole(served, jonas, path) == []
    marta.goto(f"{home}agreement/priorities/")
    assert "result on its page" in marta.locator("main").inner_text()
    assert is_whole(served, marta, f"{home}agreement/priorities/") == []
    marta.context.close()
    jonas.context.close()
