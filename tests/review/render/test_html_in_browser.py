"""The page in a browser: accessible, no sideways scroll, no complaint, light and dark."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from comity.review.i18n.words import words_of
from comity.review.render import attribution, render
from tests.builders import review as sample
from tests.builders.attribution import build_attribution, fortnight
from tests.builders.turns import one_in
from tests.journeys.axe import RULES, violations

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
REVIEWS = {"rich": sample.review, "worded": sample.worded, "renamed": sample.renamed, "bare": sample.bare}
WHOSE = "whose doing"
WIDTHS = (320, 390, 1440)


@cache
def whose():
    """A service level shared out, of fourteen days."""
    with TemporaryDirectory() as folder:
        return build_attribution(Path(folder), **fortnight(staffed=30))


@cache
def written(name: str, language: str) -> bytes:
    return (
        attribution.render(whose(), "html", words_of(language))
        if name == WHOSE
        else render(REVIEWS[name](), "html", language)
    )


def opened(browser, folder: Path, name: str, language: str, width: int, scheme: str):
    file = folder / f"{name}-{language}.html"
    file.write_bytes(written(name, language))
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("request", lambda request: None if request.url.startswith("file:") else complaints.append(request.url))
    page.goto(file.as_uri())
    return context, page, complaints


EVERYWHERE = [(width, scheme) for width in (390, 1440) for scheme in ("light", "dark")]
CROSS = [[(390, "dark"), (1440, "light")], [(390, "light"), (1440, "dark")]]


@pytest.mark.parametrize(
    ("name", "language", "where"),
    [
        ("rich", "en", CROSS[0]),
        pytest.param("worded", "es", CROSS[1][1:], marks=pytest.mark.long),
        pytest.param(WHOSE, "en", CROSS[1], marks=pytest.mark.long),
        *(pytest.param(name, "es", EVERYWHERE, marks=pytest.mark.long) for name in [*sorted(REVIEWS), WHOSE]),
    ],
)
def test_axe_finds_nothing(browser, tmp_path, name, language, where):
    from axe_playwright_python.sync_playwright import Axe

    context, page, _ = opened(browser, tmp_path, name, language, *where[0])
    told = []
    for width, scheme in where:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        told += [
            (width, scheme, one["id"], one["nodes"][0]["html"][:160], len(one["nodes"]))
            for one in Axe().run(page, options=RULES).response["violations"]
        ]
    context.close()
    assert told == []


def test_axe_finds_what_is_wrong(browser, tmp_path):
    """A picture without words, and grey on white: else the tests above and the journeys could not fail."""
    file = tmp_path / "wrong.html"
    file.write_text(
        "<!doctype html><html lang=en><title>x</title><main><h1>x</h1><img src='x.png'>"
        "<p style='color: #ccc'>Hard to read</p>",
        encoding="utf-8",
    )
    page = browser.new_page()
    page.goto(file.as_uri())
    found = violations(page)
    page.close()
    assert sorted(rule for _, rule, _ in found) == ["color-contrast", "image-alt"]


@pytest.mark.parametrize("name", one_in(3, [(name, name) for name in [*sorted(REVIEWS), WHOSE]]))
@pytest.mark.parametrize("language", [pytest.param("en", marks=pytest.mark.long), "es"])  # whose words are longer
def test_nothing_scrolls_sideways(browser, tmp_path, name, language):
    context, page, _ = opened(browser, tmp_path, name, language, WIDTHS[0], "light")
    wide = {}
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        wide[width] = page.evaluate("document.documentElement.scrollWidth")
    context.close()
    assert [width for width in WIDTHS if wide[width] > width] == []


def test_the_policy_lets_the_page_be_painted_and_nothing_complains(browser, tmp_path):
    file = tmp_path / "page.html"
    file.write_bytes(render(sample.renamed(), "html"))
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", lambda dialog: complaints.append(dialog.message))
    page.goto(file.as_uri())
    family = page.evaluate("getComputedStyle(document.querySelector('h1')).fontFamily")
    page.evaluate("document.fonts.ready.then(() => true)")
    loaded = page.evaluate("[...document.fonts].filter(one => one.status === 'loaded').map(one => one.family)")
    context.close()
    assert complaints == []
    assert family.startswith('"Comity Serif"')
    assert sorted(name.strip('"') for name in loaded) == ["Comity Serif", "Inter"]


@pytest.mark.long
def test_light_and_dark_follow_the_system(browser, tmp_path):
    papers = []
    for scheme in ("light", "dark"):
        context, page, _ = opened(browser, tmp_path, "rich", "en", 1440, scheme)
        papers.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        context.close()
    assert papers == ["rgb(253, 252, 250)", "rgb(20, 22, 25)"]


@pytest.mark.long
def test_targets_are_large_enough_to_be_hit(browser, tmp_path):
    context, page, _ = opened(browser, tmp_path, "rich", "en", 390, "light")
    small = page.evaluate(
        """[...document.querySelectorAll('summary, .readings .name a')]
        .filter(one => one.getBoundingClientRect().height < 24).map(one => one.textContent)"""
    )
    context.close()
    assert small == []
