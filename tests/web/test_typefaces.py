"""The room serves its typefaces itself: every page names them, and a browser may keep them for ever."""

import re

import pytest
from django.test import Client

pytestmark = pytest.mark.usefixtures("them")


@pytest.fixture(scope="module")
def them():
    from tests.room import cast

    return cast()


def body(answer):
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


def test_a_page_preloads_what_its_stylesheet_names_and_nothing_comes_from_elsewhere():
    page = Client().get("/sign-in/").content.decode()
    preloaded = re.findall(r'<link rel="preload" href="([^"]+)" as="font" type="font/woff2" crossorigin>', page)
    (sheet,) = re.findall(r'<link rel="stylesheet" href="([^"]+fonts\.css)">', page)
    rules = body(Client().get(sheet)).decode()
    named = [f"{sheet.rpartition('/')[0]}/{name}" for name in re.findall(r'url\("([^"]+)"\)', rules)]
    assert sorted(preloaded) == sorted(named)
    assert len(named) == 2
    assert all(address.startswith("/static/") for address in preloaded)
    assert rules.count("font-display: swap") == 2


def test_a_typeface_may_be_kept_for_ever_and_its_stylesheet_may_not():
    page = Client().get("/sign-in/").content.decode()
    for address in re.findall(r'<link rel="preload" href="([^"]+)"', page):
        answer = Client().get(address)
        assert answer.headers["Content-Type"] == "font/woff2"
        assert "immutable" in answer.headers["Cache-Control"]
        assert body(answer)[:4] == b"wOF2"
    sheet = Client().get("/static/comity/fonts/fonts.css")
    assert b"font-face" in body(sheet)  # and, read to its end, the file is closed
    assert "immutable" not in sheet.headers["Cache-Control"]
