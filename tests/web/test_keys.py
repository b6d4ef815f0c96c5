"""Keyboard shortcuts in a browser: they lead to pages, never from a field, and `?` shows what there is."""

import json
from html import escape
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders

import comity

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
ROOM = "http://room.test"
SCRIPT = Path(comity.__file__).parent / "web/static/keys.js"
SHOWN = {
    "title": "Keyboard shortcuts",
    "about": "They rest while you type.",
    "close": "Close",
    "change": ["/display/", "Change"],
    "links": [
        ["gt", "/today/", "Today"],
        ["gr", "/review/", "Review"],
        ["/", "/search/", "Search"],
        ["?", "", "this list"],
    ],
}


@pytest.fixture
def page(browser):
    """A page of nothing but a field and the script, under a policy as a room's: no script of its own, none inline."""
    page = browser.new_page()
    shown = escape(json.dumps(SHOWN), quote=True)
    text = f'<title>x</title><input id="field"><script src="/keys.js" defer data-shown="{shown}"></script>'
    policy = {"Content-Security-Policy": "default-src 'none'; script-src 'self'", "Content-Type": "text/html"}

    def answer(route):
        if route.request.url.endswith("keys.js"):
            route.fulfill(body=SCRIPT.read_text(encoding="utf-8"), content_type="text/javascript")
        else:
            route.fulfill(body=text, headers=policy)

    page.route("**/*", answer)
    page.goto(f"{ROOM}/first/")
    yield page
    page.close()


def at(page):
    return page.url.removeprefix(ROOM)


def test_keys_lead_to_pages_and_not_from_a_field_or_with_others_held(page):
    page.keyboard.press("t")  # without g before it, it is nothing
    page.keyboard.press("Control+g")
    page.keyboard.press("t")
    page.focus("#field")
    page.keyboard.type("gt/?")
    assert at(page) == "/first/"
    assert page.input_value("#field") == "gt/?"
    assert page.locator("dialog").count() == 0
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("g")
    page.keyboard.press("r")
    page.wait_for_url("**/review/")
    page.keyboard.press("/")
    page.wait_for_url("**/search/")


def test_the_list_names_every_key_and_goes_with_escape_or_its_button(page):
    for close in (lambda: page.keyboard.press("Escape"), lambda: page.click("dialog button")):
        page.keyboard.press("?")
        dialog = page.locator("dialog[open]")
        assert [link.inner_text() for link in dialog.locator("li a").all()] == ["Today", "Review", "Search"]
        assert dialog.locator("kbd").all_inner_texts() == ["g", "t", "g", "r", "/", "?"]
        assert dialog.locator("p a").get_attribute("href") == "/display/"
        close()
        page.wait_for_selector("dialog", state="detached")


@pytest.mark.parametrize("name", ["keys.js", "copy.js", "zone.js"])
def test_every_script_is_served_where_pages_look_for_it(name):
    """Pages named two of them without their folder."""
    assert finders.find(f"comity/{name}")
